%%% @doc What `beamr_bench' looks at one by one: the worst counts, not only the middle.
%%%
%%% Instances that wait, how late others run meanwhile, how soon an endless loop is stopped, how
%%% long single callbacks of the driver take. For the last there is a port that is spoken to
%%% directly (erlang/driver/command.h), since `hb_beamr' would wait for the answer.
-module(beamr_bench_events).

-export([rows/0]).

-import(beamr_bench_guests, [start/1, stop/1]).

-define(MIB, 16#100000).
-define(WAITING, 200).
-define(TICKS, 500). % of a run that looks at lateness
-define(STOPS, 10).  % of a run
-define(HEAVY_NS, 20000000). % of a heavy call
-define(MS, 1000000).

%% Of the driver's form with references.
-define(INIT, 1).
-define(CALL, 2).
-define(READ, 4).
-define(WRITE, 5).
-define(STRING, 7).
-define(MEMORY, 8).
-define(SNAPSHOT, 9).
-define(RESTORE, 10).

%% @doc All rows; what others stand beside comes before them.
-spec rows() -> [beamr_bench:row()].
rows() ->
    [Row#{is_events => true}
     || Row <- waiting_rows() ++ lateness_rows() ++ stop_rows() ++ callback_rows()].

%%% Instances that wait

waiting_rows() ->
    Row = #{open => fun() -> ok end, close => fun nothing/1},
    [Row#{name => "200 instances: start, call, wait",
          run => fun(_, _) -> {Times, _} = wait_all(), [element(1, Times)] end},
     Row#{name => "200 instances: answered, ended",
          run => fun(_, _) -> {Times, _} = wait_all(), [element(2, Times)] end},
     Row#{name => "200 instances: resident of each", unit => "KiB",
          run => fun(_, _) -> {_, Resident} = wait_all(), [Resident / 1024] end}].

%% Each has a caller of its own. The nanoseconds until all wait, and until all have ended; the
%% bytes that one of them takes with its caller.
wait_all() ->
    Module = beamr_bench_guests:imports(),
    Before = resident(),
    Start = now_ns(),
    Self = self(),
    Callers = [spawn_monitor(fun() -> wait_one(Self, Module, N) end)
               || N <- lists:seq(1, ?WAITING)],
    _ = [receive {waiting, Caller} -> ok end || {Caller, _} <- Callers],
    Waited = now_ns(),
    Resident = resident() - Before,
    Go = now_ns(),
    _ = [Caller ! go || {Caller, _} <- Callers],
    lists:foreach(fun await/1, Callers),
    {{Waited - Start, now_ns() - Go}, Resident / ?WAITING}.

wait_one(Parent, Module, N) ->
    Pid = start(Module),
    Answer = fun(waited, #{args := [1]}, _) ->
                 Parent ! {waiting, self()},
                 receive go -> {ok, [N], done} end
             end,
    {ok, [N], done} = hb_beamr:call(Pid, <<"imports">>, [1], Answer, waited),
    stop(Pid).

resident() ->
    {ok, Status} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(Status, " "),
    binary_to_integer(Pages) * 4096.

%%% Lateness

lateness_rows() ->
    Row = #{open => fun() -> ok end, close => fun nothing/1, most => ?TICKS},
    Outside = "lateness: load from outside",
    Messages = "lateness: eight pass messages",
    [Row#{name => "lateness: no load", run => fun(_, Count) -> lateness(Count) end},
     Row#{name => Outside, run => beside(fun outside/1)},
     Row#{name => "lateness: heavy calls", open => fun heavy_count/0,
          run => fun(Heavy, Count) -> heavy(Heavy, fun() -> lateness(Count) end) end,
          beside => Outside, goal => {times, 1.5}},
     Row#{name => Messages, run => beside(fun messages/1)},
     Row#{name => "lateness: eight call fac(5.0)",
          run => beside(fun short_calls/1), beside => Messages}].

%% A run that looks at lateness under a load.
beside(Load) ->
    fun(_, Count) -> Load(fun() -> lateness(Count) end) end.

%% Of a process that wakes every millisecond.
lateness(Ticks) ->
    Start = erlang:monotonic_time(millisecond) + 2,
    lateness(Start, Start + Ticks, []).

lateness(At, End, Late) when At >= End ->
    Late;
lateness(At, End, Late) ->
    Timer = erlang:start_timer(At, self(), tick, [{abs, true}]),
    receive {timeout, Timer, tick} -> ok end,
    Now = now_ns(),
    lateness(max(At + 1, Now div ?MS + 1), End, [Now - At * ?MS | Late]).

%% As many busy programs as there are cores: those that bench/erlang/run has started, while there
%% is a file; or programs of the emulator's, which end by themselves when it does.
outside(Do) ->
    case os:getenv("BEAMR_BENCH_LOAD") of
        false ->
            Ports = [start_program() || _ <- lists:seq(1, cores())],
            Result = settled(Do),
            lists:foreach(fun end_program/1, Ports),
            Result;
        File ->
            ok = file:write_file(File, <<>>),
            Result = settled(Do),
            ok = file:delete(File),
            Result
    end.

settled(Do) ->
    timer:sleep(100),
    Do().

start_program() ->
    Loop = "while [ -e /proc/" ++ os:getpid() ++ " ]; do i=0;"
           " while [ $i -lt 20000 ]; do i=$((i+1)); done; done",
    open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", Loop]}]).

end_program(Port) ->
    Monitor = monitor(port, Port),
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    [] = os:cmd("kill " ++ integer_to_list(Pid)),
    receive {'DOWN', Monitor, port, _, _} -> ok end.

%% As many heavy calls at once as there are cores.
heavy(Count, Do) ->
    Last = burn(Count, 0),
    loaded(cores(), fun beamr_bench_guests:calls/0,
           fun(Pid) -> {ok, [Last]} = hb_beamr:call(Pid, <<"burn">>, [Count]) end, Do).

short_calls(Do) ->
    loaded(8, fun beamr_bench_guests:calls/0,
           fun(Pid) -> {ok, [120.0]} = hb_beamr:call(Pid, <<"fac">>, [5.0]) end, Do).

messages(Do) ->
    Pairs = [spawn_link(fun echo/0) || _ <- lists:seq(1, 8)],
    Callers = [busy(fun() -> Echo ! self(), receive Echo -> ok end end) || Echo <- Pairs],
    Result = Do(),
    lists:foreach(fun end_busy/1, Callers),
    _ = [begin unlink(Echo), exit(Echo, kill) end || Echo <- Pairs],
    Result.

echo() ->
    receive From -> From ! self() end,
    echo().

%% So many processes call, each an instance of its own.
loaded(Count, Module, Call, Do) ->
    Pids = [start(Module()) || _ <- lists:seq(1, Count)],
    Callers = [busy(fun() -> Call(Pid) end) || Pid <- Pids],
    Result = settled(Do),
    lists:foreach(fun end_busy/1, Callers),
    lists:foreach(fun beamr_bench_guests:stop/1, Pids),
    Result.

busy(Do) ->
    spawn_monitor(fun() -> busy_loop(Do) end).

busy_loop(Do) ->
    receive
        stop -> ok
    after 0 ->
        _ = Do(),
        busy_loop(Do)
    end.

end_busy(Caller = {Pid, _}) ->
    Pid ! stop,
    await(Caller).

await({_, Monitor}) ->
    receive {'DOWN', Monitor, _, _, Why} -> normal = Why end.

cores() ->
    erlang:system_info(schedulers_online).

%% With which argument `burn' takes about as long as a heavy call shall.
heavy_count() ->
    Pid = start(beamr_bench_guests:calls()),
    Count = heavy_count(Pid, 10000),
    stop(Pid),
    Count.

heavy_count(Pid, Count) ->
    Start = now_ns(),
    {ok, [_]} = hb_beamr:call(Pid, <<"burn">>, [Count]),
    case now_ns() - Start of
        Took when Took > ?HEAVY_NS -> Count;
        _ -> heavy_count(Pid, Count * 2)
    end.

burn(0, X) ->
    <<Signed:64/signed>> = <<X:64>>,
    Signed;
burn(Count, X) ->
    burn(Count - 1, (X * 6364136223846793005 + 1442695040888963407) band 16#ffffffffffffffff).

%%% Stopping

stop_rows() ->
    Row = #{open => fun() -> ok end, close => fun nothing/1, most => ?STOPS},
    Wake = "wake-up of a process",
    Loaded = Wake ++ ", under load",
    Stop = "stop of an endless loop",
    [Row#{name => Wake, run => fun(_, Count) -> wakes(Count) end},
     Row#{name => Stop, run => fun(_, Count) -> stops(Count) end, beside => Wake,
          goal => {worst, 10 * ?MS}},
     Row#{name => Loaded, run => fun(_, Count) -> outside(fun() -> wakes(Count) end) end},
     Row#{name => Stop ++ ", under load", beside => Loaded, goal => {worst, 100 * ?MS},
          run => fun(_, Count) -> outside(fun() -> stops(Count) end) end},
     Row#{name => Stop ++ ", others busy", beside => Loaded, goal => {worst, 100 * ?MS},
          open => fun heavy_count/0,
          run => fun(Heavy, Count) -> heavy(Heavy, fun() -> stops(Count) end) end}].

wakes(Count) ->
    [wake() || _ <- lists:seq(1, Count)].

%% From a message to when the process that waits for it runs.
wake() ->
    Self = self(),
    Sleeper = spawn_link(fun() -> receive go -> Self ! {self(), now_ns()} end end),
    timer:sleep(3),
    Start = now_ns(),
    Sleeper ! go,
    receive {Sleeper, Woken} -> Woken - Start end.

stops(Count) ->
    Module = beamr_bench_guests:calls(),
    [stop_spin(Module) || _ <- lists:seq(1, Count)].

%% From `stop' to when the caller of an endless loop has its error.
stop_spin(Module) ->
    Pid = start(Module),
    Self = self(),
    Stub = fun hb_beamr:stub/3,
    Caller = spawn_link(fun() ->
        {error, Text, none} = hb_beamr:call(Pid, <<"spin">>, [], Stub, none),
        Self ! {self(), now_ns(), Text}
    end),
    timer:sleep(3),
    Start = now_ns(),
    ok = hb_beamr:stop(Pid),
    receive {Caller, Ended, [_ | _]} -> Ended - Start end.

%%% Callbacks

callback_rows() ->
    Memory = fun() -> open_raw(beamr_bench_guests:memory(256)) end,
    Calls = fun() -> {open_raw(beamr_bench_guests:calls()), heavy_count()} end,
    Large = fun() -> beamr_bench_guests:large(1500000, 0) end,
    [callback("none (port_control)", fun() -> open_port({spawn_driver, "hb_beamr"}, []) end,
              fun erlang:port_close/1, fun control_time/1),
     callback("init, 1.5 MB", Large, fun nothing/1, fun init_time/1),
     callback("a call of 20 ms", Calls, fun({Port, _}) -> port_close(Port) end,
              fun({Port, Count}) -> take(Port, ?CALL, [<<"burn">>, [Count]]) end)] ++
    [callback(Name, Memory, fun erlang:port_close/1, Run)
     || {Name, Run} <- [
            {"read, 64 KiB", fun(Port) -> take(Port, ?READ, [0, 65536]) end},
            {"read, 16 MiB", fun(Port) -> take(Port, ?READ, [0, 16 * ?MIB]) end},
            {"write, 64 KiB", fun(Port) -> put_bytes(Port, ?WRITE, [0], filled(65536)) end},
            {"write, 16 MiB", fun(Port) -> put_bytes(Port, ?WRITE, [0], filled(16 * ?MIB)) end},
            {"string, 1 MiB", fun string_time/1},
            {"memory, 16 MiB", fun(Port) -> put_bytes(Port, ?MEMORY, [], filled(16 * ?MIB)) end},
            {"snapshot, 16 MiB", fun(Port) -> take(Port, ?SNAPSHOT, []) end},
            {"restore, 16 MiB", fun restore_time/1}
        ]] ++
    [callback("close during a call", fun() -> beamr_bench_guests:calls() end, fun nothing/1,
              fun close_time/1),
     callback("close with 16 MiB", fun() -> beamr_bench_guests:memory(256) end, fun nothing/1,
              fun(Module) -> close_port(open_raw(Module)) end)].

callback(Name, Open, Close, Run) ->
    #{name => "callback: " ++ Name, open => Open, close => Close, most => 5,
      goal => {worst, ?MS},
      run => fun(Context, Count) ->
                 [begin garbage_collect(), Run(Context) end || _ <- lists:seq(1, Count)]
             end}.

filled(Size) ->
    binary:copy(<<"0123456789abcdef">>, Size div 16).

control_time(Port) ->
    Start = now_ns(),
    _ = port_control(Port, 0, <<>>),
    now_ns() - Start.

%% A port with a module; and how long the callback took that brought it.
open_raw(Module) ->
    {Port, _} = init(Module),
    Port.

%% Of a module that the driver has not seen: there is a new section behind it. Copied, since the
%% emulator moves a binary that has just been put together when it is sent to a port.
init_time(Module) ->
    Section = <<0, 12, 3, "run", (erlang:unique_integer()):64>>,
    {Port, Took} = init(binary:copy(<<Module/binary, Section/binary>>)),
    port_close(Port),
    Took.

init(Module) ->
    Port = open_port({spawn_driver, "hb_beamr"}, []),
    {Took, {ok, _, _}} = send(Port, ?INIT, [#{}], Module),
    {Port, Took}.

string_time(Port) ->
    _ = put_bytes(Port, ?WRITE, [0], <<(filled(?MIB - 16))/binary, 0>>),
    {Took, {ok, Text}} = ask(Port, ?STRING, [0, ?MIB]),
    ?MIB = byte_size(Text) + 16,
    Took.

restore_time(Port) ->
    {_, {ok, State}} = ask(Port, ?SNAPSHOT, []),
    put_bytes(Port, ?RESTORE, [], State).

close_time(Module) ->
    Port = open_raw(Module),
    Ref = make_ref(),
    wait = erlang:port_call(Port, ?CALL, {Ref, <<"spin">>, []}),
    close_port(Port).

close_port(Port) ->
    Start = now_ns(),
    true = port_close(Port),
    now_ns() - Start.

%% How long the callback took that brought a command; its answer must be good.
take(Port, Op, Arguments) ->
    {Took, {ok, _}} = ask(Port, Op, Arguments),
    Took.

put_bytes(Port, Op, Arguments, Bytes) ->
    {Took, ok} = send(Port, Op, Arguments, Bytes),
    Took.

ask(Port, Op, Arguments) ->
    Ref = make_ref(),
    Term = list_to_tuple([Ref | Arguments]),
    Start = now_ns(),
    Value = erlang:port_call(Port, Op, Term),
    Took = now_ns() - Start,
    case Value of
        wait -> receive {Ref, Answer} -> {Took, Answer} end;
        Answer -> {Took, Answer}
    end.

send(Port, Op, Arguments, Bytes) ->
    Ref = make_ref(),
    Header = term_to_binary(list_to_tuple([Ref | Arguments])),
    Command = [<<"BMR", Op, (byte_size(Header)):32>>, Header, Bytes],
    Start = now_ns(),
    true = port_command(Port, Command),
    Took = now_ns() - Start,
    receive {Ref, Answer} -> {Took, Answer} end.

%%% What rows share

nothing(_) ->
    ok.

now_ns() ->
    erlang:monotonic_time(nanosecond).
