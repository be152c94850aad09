%%% @doc What do calls, imports, memory and instances cost from Erlang?
%%%
%%% Every figure is measured in one emulator and in turn, round after round, so that a slow moment
%%% of the machine meets all of them, and stands beside a lower bound of the same run: an empty
%%% `port_control', a round trip of messages between two processes, a copy of the same bytes, the
%%% wake-up of a process, the same load from outside the emulator. What is measured is in
%%% `beamr_bench_rows' and `beamr_bench_events'; here it is chosen, timed and printed. A result that
%%% is not right is an error.
%%%
%%% `beamr_bench:main().' in a shell, or bench/erlang/run; see bench/README.md.
-module(beamr_bench).

-export([main/0, main/1]).
-export_type([options/0, row/0]).

-define(RUNS, 15).
-define(RUN_NS, 20000000).

-type options() :: #{runs => pos_integer(), only => string(), quick => boolean()}.
%% `runs': of each row; `only': rows whose names hold this, and what these stand beside; `quick':
%% each once, to see that all of it works.

-type context() :: term().

-type row() :: #{
    name := string(),
    open := fun(() -> context()),
    run := fun((context(), pos_integer()) -> number() | [number()]),
    close := fun((context()) -> term()),
    is_events => boolean(),
    most => pos_integer(),
    beside => string(),
    unit => string(),
    goal => goal()
}.
%% `run' gives the nanoseconds that so many repetitions took, or, if `is_events', one figure for
%% each event: nanoseconds, or what `unit' says. `most': repetitions in a run.

-type goal() ::
    {per_second, number()} | {below, number()} | {worst, number()} | {times, number()}.
%% Of the median: so many in a second; nanoseconds. Of the worst: nanoseconds. Of median and
%% 99th percentile: at most so many times those of the row beside.

%% @doc Measure all rows with 15 runs, and print them.
-spec main() -> ok.
main() ->
    main(#{}).

%% @doc Measure and print. With a list of words, as from a command line - `--runs N',
%% `--only TEXT', `--quick' - the emulator is ended afterwards: with 0, with 1 when something was
%% wrong, with 2 for words that are not understood. With a map, what is wrong is an exception.
-spec main(options() | [string() | atom()]) -> ok | no_return().
main(Options) when is_map(Options) ->
    {ok, _} = application:ensure_all_started(beamr),
    Quick = maps:get(quick, Options, false),
    Runs = case Quick of true -> 1; false -> maps:get(runs, Options, ?RUNS) end,
    Rows = chosen(beamr_bench_rows:rows() ++ beamr_bench_events:rows(),
                  maps:get(only, Options, "")),
    Opened = [{Row, (maps:get(open, Row))()} || Row <- Rows],
    Measured = measure(Opened, Quick, Runs),
    _ = [(maps:get(close, Row))(Context) || {Row, Context} <- Opened],
    report(Measured, Runs);
main(Words) ->
    case parse([text(Word) || Word <- Words], #{}) of
        {ok, Options} ->
            run_and_halt(Options);
        error ->
            io:put_chars(standard_error, "usage: run [--runs N] [--only TEXT] [--quick]\n"),
            halt(2)
    end.

-spec run_and_halt(options()) -> no_return().
run_and_halt(Options) ->
    try main(Options) of
        ok -> halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "beamr_bench: ~p: ~p~n~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

text(Word) when is_atom(Word) -> atom_to_list(Word);
text(Word) -> Word.

parse([], Options) ->
    {ok, Options};
parse(["--quick" | Rest], Options) ->
    parse(Rest, Options#{quick => true});
parse(["--only", Text | Rest], Options) ->
    parse(Rest, Options#{only => Text});
parse(["--runs", Count | Rest], Options) ->
    case string:to_integer(Count) of
        {Runs, ""} when Runs > 0 -> parse(Rest, Options#{runs => Runs});
        _ -> error
    end;
parse(_, _) ->
    error.

%%% Measuring

chosen(Rows, Only) ->
    Wanted = [Row || Row = #{name := Name} <- Rows, string:find(Name, Only) =/= nomatch],
    Beside = [Name || #{beside := Name} <- Wanted],
    [Row || Row = #{name := Name} <- Rows,
            lists:member(Row, Wanted) orelse lists:member(Name, Beside)].

%% Every row once in each round.
measure(Opened, Quick, Runs) ->
    Counts = [count(Row, Context, Quick) || {Row, Context} <- Opened],
    Rounds = [[run_once(Row, Context, Count)
               || {{Row, Context}, Count} <- lists:zip(Opened, Counts)]
              || _ <- lists:seq(1, Runs)],
    Columns = transpose(Rounds),
    [{Row, lists:sort(lists:append(Figures))}
     || {{Row, _}, Figures} <- lists:zip(Opened, Columns)].

run_once(Row = #{run := Run}, Context, Count) ->
    case Run(Context, Count) of
        Samples when is_list(Samples) -> Samples;
        Nanoseconds when not is_map_key(is_events, Row) -> [Nanoseconds / Count]
    end.

%% How many repetitions take as long as a run shall; finding out is the warm-up.
count(#{is_events := true}, _, true) -> 1;
count(Row = #{is_events := true}, _, false) -> maps:get(most, Row, 1);
count(_, _, true) -> 1;
count(Row, Context, false) -> calibrate(Row, Context, 1, maps:get(most, Row, 1 bsl 30)).

calibrate(Row = #{run := Run}, Context, Count, Most) ->
    Took = Run(Context, Count),
    if
        Count >= Most -> Most;
        Took < ?RUN_NS div 4 -> calibrate(Row, Context, min(Most, Count * 4), Most);
        true -> min(Most, trunc(Count * ?RUN_NS / Took) + 1)
    end.

transpose([[] | _]) -> [];
transpose(Lists) -> [[hd(L) || L <- Lists] | transpose([tl(L) || L <- Lists])].

%%% Report

report(Measured, Runs) ->
    report_host(),
    io:format("runs:     ~b of each, in turn~n~n", [Runs]),
    {Events, Rates} = lists:partition(fun({Row, _}) -> is_map_key(is_events, Row) end, Measured),
    ByName = maps:from_list([{Name, Figures} || {#{name := Name}, Figures} <- Measured]),
    case Rates of
        [] -> ok;
        _ -> print_head(["median", "least", "most", "per second", "x beside"])
    end,
    lists:foreach(fun(Rate) -> print_rate(Rate, ByName) end, Rates),
    case Events of
        [] -> ok;
        _ -> io:nl(), print_head(["median", "99 %", "worst", "events", "x beside"])
    end,
    lists:foreach(fun(Event) -> print_events(Event, ByName) end, Events).

print_head([A, B, C, D, E]) ->
    io:format("~-42s ~9s ~9s ~9s    ~11s ~13s  goal~n", ["", A, B, C, D, E]).

print_rate({Row = #{name := Name}, Figures}, ByName) ->
    Median = at(Figures, 0.5),
    {Scale, Unit} = unit(Row, Median),
    Beside = beside(Row, ByName),
    Times = [io_lib:format("~.2f", [Median / at(B, 0.5)]) || B <- Beside],
    io:format("~-42s ~9.2f ~9.2f ~9.2f ~-2s ~11b ~13s  ~ts~n",
              [Name, Median / Scale, hd(Figures) / Scale, lists:last(Figures) / Scale, Unit,
               round(1.0e9 / Median), Times, goal(Row, Figures, Beside)]).

print_events({Row = #{name := Name}, Figures}, ByName) ->
    Median = at(Figures, 0.5),
    {Scale, Unit} = unit(Row, Median),
    Beside = beside(Row, ByName),
    Times = [io_lib:format("~.2f / ~.2f", [at(Figures, Part) / max(1, at(B, Part))
                                           || Part <- [0.5, 0.99]]) || B <- Beside],
    io:format("~-42s ~9.2f ~9.2f ~9.2f ~-3s ~10b ~13s  ~ts~n",
              [Name, Median / Scale, at(Figures, 0.99) / Scale, lists:last(Figures) / Scale, Unit,
               length(Figures), Times, goal(Row, Figures, Beside)]).

beside(#{beside := Name}, ByName) -> [maps:get(Name, ByName)];
beside(_, _) -> [].

unit(#{unit := Unit}, _) -> {1, Unit};
unit(_, Ns) when Ns < 10.0e3 -> {1, "ns"};
unit(_, Ns) when Ns < 10.0e6 -> {1.0e3, "us"};
unit(_, _) -> {1.0e6, "ms"}.

%% The figure below which this part of all figures is; they are sorted.
at(Figures, Part) ->
    lists:nth(min(length(Figures), trunc(length(Figures) * Part) + 1), Figures).

goal(#{goal := {per_second, Count}}, Figures, _) ->
    verdict(1.0e9 / at(Figures, 0.5) >= Count, ">= ~b per second", [Count]);
goal(#{goal := {below, Ns}}, Figures, _) ->
    verdict(at(Figures, 0.5) < Ns, "< ~s", [time(Ns)]);
goal(#{goal := {worst, Ns}}, Figures, _) ->
    verdict(lists:last(Figures) < Ns, "worst < ~s", [time(Ns)]);
goal(#{goal := {times, Times}}, Figures, [Beside]) ->
    verdict(lists:all(fun(Part) -> at(Figures, Part) =< Times * at(Beside, Part) end,
                      [0.5, 0.99]), "<= ~.1f x", [Times]);
goal(_, _, _) ->
    "".

verdict(Met, Format, Args) ->
    [io_lib:format(Format, Args), case Met of true -> ": met"; false -> ": missed" end].

time(Ns) when Ns < 1.0e6 -> io_lib:format("~b us", [round(Ns / 1.0e3)]);
time(Ns) -> io_lib:format("~b ms", [round(Ns / 1.0e6)]).

report_host() ->
    Release = [erlang:system_info(otp_release), erlang:system_info(version),
               erlang:system_info(schedulers_online), erlang:system_info(dirty_io_schedulers)],
    print_command("machine:  ", "sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1"),
    print_command("system:   ", "uname -srm"),
    io:format("erlang:   OTP ~s, erts ~s, ~b schedulers, ~b for dirty I/O~n", Release),
    print_command("commit:   ", "git -C '" ++ filename:dirname(code:which(?MODULE)) ++
                  "' describe --always --dirty --abbrev=12 2>/dev/null").

print_command(Title, Command) ->
    case os:cmd(Command) of
        "" -> ok;
        Line -> io:format("~s~s~n", [Title, string:trim(Line)])
    end.
