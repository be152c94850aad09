%%% What the suites share: running them, instances for a test, what is left behind.
%%% Nothing here measures time, except to give up after ten seconds.
-module(beamr_test).

-include_lib("eunit/include/eunit.hrl").

-export([main/0, timed/1, is_long/0]).
-export([with/2, with/3, start/1, start/2, stop/1, stopped/1]).
-export([failed/1, trapped/2, ends/1, eventually/1, gone/1, answers/1, nothing_arrived/0]).
-export([counts/0, same_counts/1, resident/0, collect/0, spawn_caller/1, result/1]).

-define(GIVE_UP, 10000).

%% ---- Running ----

%% Run the suites named on the command line; the last line is "N passed, N failed, N skipped".
-spec main() -> no_return().
main() ->
    process_flag(trap_exit, true),
    Suites = [list_to_atom(Name) || Name <- init:get_plain_arguments()],
    logger:set_primary_config(level, none),
    eunit:test(Suites, [no_tty, {report, {beamr_test_lines, [{runner, self()}]}}]),
    Failed = receive {counted, N} -> N after 0 -> 1 end,
    halt(min(Failed, 1)).

%% Is this the long run?
is_long() -> os:getenv("BEAMR_LONG", "") =/= "".

%% Tests [{What, Fun}] with more time than EUnit gives by itself.
timed(Tests) ->
    Seconds = case is_long() of true -> 3600; false -> 60 end,
    [{What, {timeout, Seconds, Fun}} || {What, Fun} <- Tests].

%% ---- Instances ----

%% Run Fun with an instance of a module (its name in beamr_modules, or its bytes), and see that it
%% is gone afterwards.
with(Module, Fun) -> with(Module, #{}, Fun).

with(Module, Options, Fun) ->
    Pid = start(Module, Options),
    try Fun(Pid) after stop(Pid) end.

start(Module) -> start(Module, #{}).

start(Module, Options) ->
    {ok, Pid, Imports, Exports} = hb_beamr:start(bytes(Module), wasm, Options),
    ?assert(is_list(Imports) andalso is_list(Exports)),
    Pid.

bytes(Module) when is_atom(Module) -> beamr_modules:module(Module);
bytes(Module) when is_binary(Module) -> Module.

stop(Pid) ->
    ok = hb_beamr:stop(Pid),
    gone(Pid).

%% The pid of an instance that is stopped.
stopped(Module) ->
    Pid = start(Module),
    stop(Pid),
    Pid.

%% ---- Results ----

%% The text of {error, Text} or {error, Text, State}; anything else fails.
failed({error, Text}) -> text(Text);
failed({error, Text, _State}) -> text(Text);
failed(Other) -> error({no_error, Other}).

text([_ | _] = Text) ->
    ?assert(io_lib:printable_unicode_list(Text)),
    Text;
text(Other) -> error({no_text, Other}).

%% {error, Text, State}, where Text holds Part (in any case of letters).
trapped(Part, Result) ->
    Text = failed(Result),
    case string:find(string:lowercase(Text), string:lowercase(Part)) of
        nomatch -> error({text, Text, lacks, Part});
        _ -> Text
    end.

%% ---- Waiting ----

%% The value of Fun, run by a process of its own that has to end.
ends(Fun) -> result(spawn_caller(Fun)).

%% A process that runs Fun, monitored; it is not linked.
spawn_caller(Fun) -> spawn_monitor(fun() -> exit({value, Fun()}) end).

result({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, {value, Value}} -> Value;
        {'DOWN', Monitor, process, Pid, Reason} -> error({caller_died, Reason})
    after ?GIVE_UP -> error({does_not_end, process_info(Pid, current_stacktrace)})
    end.

eventually(Fun) -> eventually(Fun, ?GIVE_UP).

eventually(Fun, Left) when Left =< 0 -> error({never, Fun()});
eventually(Fun, Left) ->
    case Fun() of
        true -> ok;
        _ -> timer:sleep(5), eventually(Fun, Left - 5)
    end.

gone(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, _} -> ok
    after ?GIVE_UP -> error({still_there, Pid, process_info(Pid)})
    end.

%% The instance still does what it is asked: fac(5), or its size if it has no fac.
answers(Pid) ->
    case hb_beamr:call(Pid, "fac", [5], fun hb_beamr:stub/3) of
        {ok, [120.0], _} -> ok;
        {error, "Function not found" ++ _, _} ->
            ?assertMatch({ok, Size} when is_integer(Size), hb_beamr_io:size(Pid))
    end.

nothing_arrived() ->
    receive Message -> error({stray, Message}) after 20 -> ok end.

%% ---- What is left behind ----

%% Processes, ports, threads, rows of the application's tables. What was just stopped may still be
%% on its way out: see same_counts.
counts() ->
    #{processes => length(processes()), ports => length(erlang:ports()), threads => threads(),
      rows => lists:sum([ets:info(T, size) || T <- ets:all(), is_ours(T)])}.

is_ours(Table) ->
    case ets:info(Table, owner) of
        undefined -> false;
        Owner -> is_beamr(process_info(Owner, registered_name))
    end.

is_beamr({registered_name, Name}) -> lists:prefix("beamr", atom_to_list(Name));
is_beamr(_) -> false.

threads() ->
    {ok, Tasks} = file:list_dir("/proc/self/task"),
    length(Tasks).

same_counts(Before) ->
    try eventually(fun() -> at_most(counts(), Before) end)
    catch error:{never, _} -> ?assertEqual(Before, counts())
    end.

at_most(Now, Before) ->
    lists:all(fun({Key, N}) -> N =< maps:get(Key, Before) end, maps:to_list(Now)).

%% Bytes of the emulator in memory.
resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kib]} = re:run(Status, "VmRSS:\\s+([0-9]+)", [{capture, [1], binary}]),
    binary_to_integer(Kib) * 1024.

collect() ->
    [erlang:garbage_collect(Pid) || Pid <- processes()],
    ok.
