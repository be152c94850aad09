%%% Processes killed at any moment: afterwards nothing is left over.
-module(beamr_fault_tests).

-include("beamr_test.hrl").

-define(MIB, (1 bsl 20)).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

kills() -> case is_long() of true -> 20000; false -> 1000 end.

random_kills_test_() -> timed([
    {"of callers, owners and workers, during calls and imports", fun() ->
        with(waits, fun(_) -> ok end),
        rounds(100),
        settle(),
        Before = counts(),
        rounds(kills() div 2),
        same_counts(Before),
        settle(),
        Memory = beamr_test:resident(),
        rounds(kills() div 2),
        same_counts(Before),
        settle(),
        ?assert(beamr_test:resident() - Memory < 8 * ?MIB),
        nothing_arrived() end},
    {"after which others work as before", fun() ->
        with(waits, fun(Pid) ->
            ?assertEqual({ok, [6], s}, hb_beamr:call(Pid, "ask", [5], fun ask/3, s))
        end) end}
]).

settle() -> timer:sleep(50), beamr_test:collect().

%% Four at a time, and not so many that waiting for their end takes long.
rounds(Count) when Count > 200 ->
    rounds(200),
    rounds(Count - 200);
rounds(Count) ->
    [result(R) || R <- [spawn_caller(fun() -> [round_() || _ <- lists:seq(1, Count div 4)], ok end)
                        || _ <- lists:seq(1, 4)]].

%% An instance, its owner and some who call it; one of them is killed, then the owner.
round_() ->
    Test = self(),
    Owner = spawn(fun() ->
        Pid = start(waits),
        Test ! {started, self(), Pid},
        own(Pid)
    end),
    Pid = receive {started, Owner, P} -> P end,
    Callers = [spawn(fun() -> calls(Pid) end) || _ <- lists:seq(1, rand:uniform(3))],
    case rand:uniform(3) of
        1 -> erlang:yield();
        2 -> timer:sleep(rand:uniform(3) - 1);
        3 -> ok
    end,
    All = [Owner, Pid | Callers],
    exit(lists:nth(rand:uniform(length(All)), All), kill),
    case rand:uniform(2) of 1 -> erlang:yield(); 2 -> ok end,
    exit(Owner, kill),
    gone(Pid),
    [exit(C, kill) || C <- Callers],
    [gone(C) || C <- Callers].

%% The owner calls, too.
own(Pid) -> something(Pid), own(Pid).

calls(Pid) ->
    case something(Pid) of
        stopped -> ok;
        _ -> calls(Pid)
    end.

something(Pid) ->
    Result = case rand:uniform(10) of
        1 -> hb_beamr:call(Pid, "spin", [], fun ask/3, s);
        2 -> hb_beamr:call(Pid, "ask_times", [10], fun ask/3, s);
        3 -> hb_beamr:call(Pid, "ask", [1], fun nested/3, s);
        4 -> hb_beamr:call(Pid, "ask", [1], fun never/3, s);
        5 -> hb_beamr_io:read(Pid, 0, 40000);
        6 -> hb_beamr_io:write(Pid, 0, <<0:400000>>);
        7 -> hb_beamr:snapshot(Pid);
        8 -> hb_beamr:interrupt(Pid);
        _ -> hb_beamr:call(Pid, "inc", [1], fun ask/3, s)
    end,
    case element_1(Result) of
        error -> timer:sleep(1), case is_process_alive(Pid) of true -> on; false -> stopped end;
        _ -> on
    end.

element_1(ok) -> ok;
element_1(Tuple) -> element(1, Tuple).

ask(S, #{args := Args}, _) -> {ok, Args, S}.

nested(S, #{instance := Pid}, _) ->
    _ = hb_beamr:call(Pid, "inc", [1], fun ask/3, s),
    _ = hb_beamr_io:read(Pid, 0, 8),
    {ok, [1], S}.

never(S, _, _) -> timer:sleep(rand:uniform(20)), {ok, [1], S}.

callers_test_() -> timed([
    {"a killed caller's call ends, the instance is for others", fun() ->
        with(spin, fun(Pid) ->
            [begin
                 {Caller, Monitor} = spawn_caller(fun() -> call(Pid, "spin", []) end),
                 timer:sleep(2),
                 exit(Caller, kill),
                 receive {'DOWN', Monitor, process, Caller, killed} -> ok end,
                 ?assertEqual({ok, [42], state}, ends(fun() -> call(Pid, "mark", []) end))
             end || _ <- lists:seq(1, 10)],
            nothing_arrived()
        end) end},
    {"killed in its handler", fun() ->
        with(waits, fun(Pid) ->
            Test = self(),
            Never = fun(_, _, _) -> Test ! {waiting, self()}, timer:sleep(100000) end,
            [begin
                 {Caller, _} = spawn_caller(fun() -> hb_beamr:call(Pid, "ask", [1], Never, s) end),
                 receive {waiting, Caller} -> ok end,
                 exit(Caller, kill),
                 ?assertEqual({ok, [2], state}, ends(fun() -> call(Pid, "inc", [1]) end)),
                 ?assertMatch({ok, #{depth := 0}}, hb_beamr:info(Pid)),
                 receive {'DOWN', _, process, Caller, killed} -> ok end
             end || _ <- lists:seq(1, 20)]
        end) end},
    {"killed in the queue", fun() ->
        with(spin, fun(Pid) ->
            Running = spawn_caller(fun() -> call(Pid, "count", [30000000]) end),
            Callers = [spawn_caller(fun() -> call(Pid, "spin", []) end) || _ <- lists:seq(1, 10)],
            timer:sleep(5),
            [begin
                 exit(Caller, kill),
                 receive {'DOWN', Monitor, process, Caller, killed} -> ok end
             end || {Caller, Monitor} <- Callers],
            ?assertEqual({ok, [30000000], state}, result(Running)),
            ?assertEqual({ok, [42], state}, ends(fun() -> call(Pid, "mark", []) end))
        end) end},
    {"two at once, and one gives up early", fun() ->
        with(waits, fun(Pid) ->
            {Impatient, Monitor} = spawn_caller(fun() ->
                hb_beamr:call(Pid, "ask", [1], fun(S, _, _) -> timer:sleep(50), {ok, [1], S} end, s)
            end),
            timer:sleep(5),
            Patient = spawn_caller(fun() -> call(Pid, "inc", [1]) end),
            exit(Impatient, kill),
            receive {'DOWN', Monitor, process, Impatient, _} -> ok end,
            ?assertEqual({ok, [2], state}, result(Patient))
        end) end}
]).

workers_test_() -> timed([
    {"a killed worker: everyone gets an error", fun() ->
        _ = application:ensure_all_started(beamr),
        Before = counts(),
        [begin
             Pid = start(waits),
             Calls = [spawn_caller(fun() -> hb_beamr:call(Pid, F, Args, fun never/3, s) end)
                      || {F, Args} <- [{"spin", []}, {"inc", [1]}, {"ask", [1]}]],
             timer:sleep(3),
             exit(Pid, kill),
             gone(Pid),
             [case result(C) of {ok, _, s} -> ok; Error -> failed(Error) end || C <- Calls]
         end || _ <- lists:seq(1, 10)],
        same_counts(Before),
        nothing_arrived() end},
    {"in an import, and the answer comes late", fun() ->
        Pid = start(waits),
        Import = fun(S, _, _) -> exit(Pid, kill), gone(Pid), {ok, [1], S} end,
        failed(ends(fun() -> hb_beamr:call(Pid, "ask", [1], Import, s) end)) end},
    {"its port closed by somebody", fun() ->
        Before = counts(),
        [begin
             Known = erlang:ports(),
             Pid = start(waits),
             Call = spawn_caller(fun() -> hb_beamr:call(Pid, F, Args, fun never/3, s) end),
             timer:sleep(3),
             [catch port_close(Port) || Port <- erlang:ports() -- Known],
             case result(Call) of {ok, _, s} -> ok; Error -> failed(Error) end,
             gone(Pid)
         end || {F, Args} <- [{"spin", []}, {"ask", [1]}, {"inc", [1]}]],
        same_counts(Before) end},
    {"the owner's exit reaches no one else", fun() ->
        Test = self(),
        process_flag(trap_exit, true),
        {Owner, Monitor} = spawn_monitor(fun() -> Test ! {pid, start(test)}, exit(some_reason) end),
        Pid = receive {pid, P} -> P end,
        receive {'DOWN', Monitor, process, Owner, some_reason} -> ok end,
        gone(Pid),
        try nothing_arrived() after process_flag(trap_exit, false) end end}
]).
