%%% @doc What `beamr_bench' measures by repeating it: calls, imports, memory, starting and stopping.
%%%
%%% A row opens what it needs once, runs it in each round, and looks at every result. Times are
%%% those of the clock on the wall. `beamr_bench_events' has what is looked at one by one.
-module(beamr_bench_rows).

-export([rows/0]).

-import(beamr_bench_guests, [start/1, stop/1]).

-define(LARGE, 16#1000000).
-define(MODULE_BYTES, 1500000).
-define(US, 1000).

-type row() :: beamr_bench:row().

%% @doc All rows; what others stand beside comes before them.
-spec rows() -> [row()].
rows() ->
    base_rows() ++ call_rows() ++ memory_rows() ++ start_rows().

%%% Lower bounds

base_rows() ->
    [#{name => "empty port_control", open => fun open_port/0,
       run => repeat(fun(Port) -> [] = port_control(Port, 0, <<>>) end),
       close => fun erlang:port_close/1},
     #{name => "message round trip", open => fun open_echo/0,
       run => repeat(fun(Echo) -> Echo ! self(), receive Echo -> ok end end),
       close => fun(Echo) -> exit(Echo, kill) end},
     #{name => "copy of 16 MiB", open => fun() -> rand:bytes(?LARGE) end,
       run => collect(fun(Bytes) -> timed(fun() -> binary:copy(Bytes) end) end),
       close => fun nothing/1}].

open_port() ->
    open_port({spawn_driver, "hb_beamr"}, []).

open_echo() ->
    spawn_link(fun echo/0).

echo() ->
    receive From -> From ! self() end,
    echo().

%%% Calls

call_rows() ->
    [#{name => "fac(5.0), one process", open => fun open_calls/0, run => repeat(fun fac/1),
       close => fun beamr_bench_guests:stop/1,
       beside => "empty port_control", goal => {per_second, 250000}},
     #{name => "fac(5.0), eight, an instance each",
       open => fun() -> [open_calls() || _ <- lists:seq(1, 8)] end,
       run => fun at_once/2, close => fun(Pids) -> lists:foreach(fun beamr_bench_guests:stop/1, Pids) end,
       beside => "empty port_control"},
     #{name => "fac(5.0), eight, one instance",
       open => fun() -> lists:duplicate(8, open_calls()) end,
       run => fun at_once/2, close => fun(Pids) -> stop(hd(Pids)) end,
       beside => "empty port_control"},
     #{name => "fac(5.0), plain form", open => fun open_plain/0, run => repeat(fun plain_fac/1),
       close => fun erlang:port_close/1, beside => "message round trip"},
     #{name => "import round trip", open => fun open_imports/0, run => fun imports/2,
       close => fun beamr_bench_guests:stop/1,
       beside => "message round trip", goal => {per_second, 150000}}].

open_calls() ->
    start(beamr_bench_guests:calls()).

fac(Pid) ->
    {ok, [120.0]} = hb_beamr:call(Pid, <<"fac">>, [5.0]).

%% So many calls in all, by eight processes.
at_once(Pids, Count) ->
    Share = max(1, Count div 8),
    Run = repeat(fun fac/1),
    Callers = [spawn_monitor(fun() ->
                   receive go -> Run(Pid, Share) end
               end) || Pid <- Pids],
    timed(fun() ->
        _ = [Caller ! go || {Caller, _} <- Callers],
        [receive {'DOWN', Monitor, _, _, Why} -> normal = Why end || {_, Monitor} <- Callers]
    end) * (Count / (Share * 8)).

open_plain() ->
    Port = open_port(),
    {execution_result, [], _} = plain(Port, {init, beamr_bench_guests:calls(), wasm}),
    Port.

plain_fac(Port) ->
    {execution_result, [120.0]} = plain(Port, {call, "fac", [5.0]}).

plain(Port, Command) ->
    Port ! {self(), {command, term_to_binary(Command)}},
    receive
        {Tag, _} = Answer when Tag =:= execution_result; Tag =:= error -> Answer;
        {execution_result, _, _} = Answer -> Answer
    end.

open_imports() ->
    start(beamr_bench_guests:imports()).

%% One call with so many imports, which are answered with their argument.
imports(Pid, Count) ->
    Answer = fun(State, #{args := [N]}, _) -> {ok, [N], State + 1} end,
    Sum = Count * (Count + 1) div 2,
    timed(fun() ->
        {ok, [Sum], Count} = hb_beamr:call(Pid, <<"imports">>, [Count], Answer, 0)
    end).

%%% Memory

memory_rows() ->
    Row = #{open => fun open_memory/0, close => fun({Pid, _}) -> stop(Pid) end},
    Small = [{"read 8 bytes", fun read_8/1, 3 * ?US}, {"write 8 bytes", fun write_8/1, 3 * ?US},
             {"read_string, 13 bytes", fun read_string/1, none}],
    Bulk = [{"read 16 MiB", fun read_all/1}, {"write 16 MiB", fun write_all/1},
            {"serialize 16 MiB", fun serialize/1}, {"deserialize 16 MiB", fun deserialize/1},
            {"snapshot of 16 MiB", fun snapshot/1}, {"restore of 16 MiB", fun restore/1}],
    [with_goal(Row#{name => Name, run => repeat(Run), beside => "empty port_control"}, Goal)
     || {Name, Run, Goal} <- Small] ++
    [Row#{name => Name, run => collect(Run), beside => "copy of 16 MiB"} || {Name, Run} <- Bulk].

with_goal(Row, none) -> Row;
with_goal(Row, Ns) -> Row#{goal => {below, Ns}}.

%% A memory of 16 MiB without a zero block, and what is in it.
open_memory() ->
    Pid = start(beamr_bench_guests:memory(?LARGE div 65536)),
    <<Head:64/binary, _:14/binary, Tail/binary>> = rand:bytes(?LARGE),
    Bytes = <<Head/binary, "Hello, World!", 0, Tail/binary>>,
    ok = hb_beamr_io:write(Pid, 0, Bytes),
    {Pid, Bytes}.

read_8({Pid, _}) ->
    {ok, <<"Hello, W">>} = hb_beamr_io:read(Pid, 64, 8).

write_8({Pid, _}) ->
    ok = hb_beamr_io:write(Pid, 64, <<"Hello, W">>).

read_string({Pid, _}) ->
    {ok, <<"Hello, World!">>} = hb_beamr_io:read_string(Pid, 64).

read_all({Pid, Bytes}) ->
    given(fun() -> hb_beamr_io:read(Pid, 0, ?LARGE) end, {ok, Bytes}).

write_all({Pid, Bytes}) ->
    given(fun() -> hb_beamr_io:write(Pid, 0, Bytes) end, ok).

serialize({Pid, Bytes}) ->
    given(fun() -> hb_beamr:serialize(Pid) end, {ok, Bytes}).

deserialize({Pid, Bytes}) ->
    given(fun() -> hb_beamr:deserialize(Pid, Bytes) end, ok).

snapshot({Pid, _}) ->
    Start = now_ns(),
    {ok, Bytes} = hb_beamr:snapshot(Pid),
    Took = now_ns() - Start,
    true = byte_size(Bytes) > ?LARGE,
    Took.

restore({Pid, Bytes}) ->
    {ok, State} = hb_beamr:snapshot(Pid),
    ok = hb_beamr_io:write(Pid, 64, <<"changed">>),
    Took = given(fun() -> hb_beamr:restore(Pid, State) end, ok),
    {ok, Bytes} = hb_beamr_io:read(Pid, 0, ?LARGE),
    Took.

%%% Start and stop

start_rows() ->
    start_rows("small", fun beamr_bench_guests:calls/0, fun fac/1) ++
        start_rows("large", fun open_large/0, fun run_large/1).

%% `first': of a module that the driver has not seen, since its bytes are different each time;
%% `again': of one that it knows, by the same binary, and by another of equal bytes. The driver
%% forgets what was used longest ago, so that each run begins with a start.
start_rows(Size, Open, Check) ->
    Row = #{open => Open, close => fun nothing/1},
    Known = fun(Do) ->
                fun(Module, Count) -> stop(start(Module)), (collect(Do))(Module, Count) end
            end,
    Again = "start, " ++ Size ++ " module again",
    [Row#{name => "start, " ++ Size ++ " module first",
          run => collect(fun(Module) -> start_once(renamed(Module), Check) end)},
     Row#{name => Again, run => Known(fun(Module) -> start_once(Module, Check) end),
          goal => {below, 200 * ?US}},
     Row#{name => "start, " ++ Size ++ " module, equal bytes",
          run => Known(fun(Module) -> start_once(binary:copy(Module), Check) end)},
     Row#{name => "stop, " ++ Size ++ " module", beside => Again,
          run => Known(fun(Module) -> stop_once(Module, Check) end)}].

open_large() ->
    beamr_bench_guests:large(?MODULE_BYTES, 0).

run_large(Pid) ->
    {ok, [42]} = hb_beamr:call(Pid, <<"run">>, [41]).

%% With a section of its own behind it.
renamed(Module) ->
    <<Module/binary, 0, 12, 3, "run", (erlang:unique_integer()):64>>.

start_once(Module, Check) ->
    Start = now_ns(),
    Pid = start(Module),
    Took = now_ns() - Start,
    _ = Check(Pid),
    stop(Pid),
    Took.

%% Until its worker has ended.
stop_once(Module, Check) ->
    Pid = start(Module),
    _ = Check(Pid),
    timed(fun() -> stop(Pid) end).

%%% What rows share

nothing(_) ->
    ok.

%% A run that does something so many times; the loop is measured with it.
repeat(Do) ->
    fun(Context, Count) -> timed(fun() -> times(Do, Context, Count) end) end.

times(_, _, 0) ->
    ok;
times(Do, Context, Count) ->
    _ = Do(Context),
    times(Do, Context, Count - 1).

%% A run that adds up what each time tells, and gives back large binaries between.
collect(Do) ->
    fun(Context, Count) ->
        lists:sum([begin garbage_collect(), Do(Context) end || _ <- lists:seq(1, Count)])
    end.

%% How long it takes to get exactly this.
given(Do, Expected) ->
    Start = now_ns(),
    Expected1 = Do(),
    Took = now_ns() - Start,
    Expected = Expected1,
    Took.

timed(Do) ->
    Start = now_ns(),
    _ = Do(),
    now_ns() - Start.

now_ns() ->
    erlang:monotonic_time(nanosecond).
