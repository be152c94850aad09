%%% Who is served when: nested calls, several callers, handlers that raise. Requirements 24 to 29.
-module(beamr_order_tests).

-include("beamr_test.hrl").

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

call(Pid, Name, Args, Import) -> hb_beamr:call(Pid, Name, Args, Import, s).

r24_instances_nest_test_() -> timed([
    {"from import handlers, 16 deep and more", fun() ->
        [begin
             Pids = [start(waits) || _ <- lists:seq(1, Depth)],
             ?assertEqual({ok, [Depth + 7], s}, ends(fun() -> tower(Pids) end)),
             [stop(Pid) || Pid <- Pids]
         end || Depth <- [1, 16, 64]] end},
    {"200 wait in an import at once", fun() ->
        Test = self(),
        Threads = maps:get(threads, counts()),
        Import = fun(S, #{args := [N]}, _) ->
                     Test ! {waiting, self()},
                     receive go_on -> {ok, [N * 2], S} end
                 end,
        Calls = [begin
                     Pid = start(waits),
                     {Pid, N, spawn_caller(fun() -> call(Pid, "ask", [N], Import) end)}
                 end || N <- lists:seq(1, 200)],
        Handlers = [receive {waiting, H} -> H end || _ <- Calls],
        %% none of them holds a thread, and others go on
        ?assert(maps:get(threads, counts()) < Threads + 50),
        with(test, fun beamr_test:answers/1),
        [H ! go_on || H <- Handlers],
        [?assertEqual({ok, [N * 2 + 1], s}, result(C)) || {_, N, C} <- Calls],
        [stop(Pid) || {Pid, _, _} <- Calls] end},
    {"two instances call each other", fun() ->
        with(deep, fun(A) -> with(deep, fun(B) ->
            ?assertEqual({ok, [40], s}, ends(fun() -> ping(A, B, 40) end))
        end) end) end}
]).

%% Each instance's handler calls the next one; the last is answered with 7.
tower([]) -> {ok, [7], s};
tower([Pid | Rest]) ->
    call(Pid, "ask", [0], fun(S, _, _) -> {ok, [N], s} = tower(Rest), {ok, [N], S} end).

ping(A, B, N) ->
    call(A, "descend", [N], fun(S, #{args := [Less]}, _) ->
        {ok, [M], s} = ping(B, A, Less),
        {ok, [M], S}
    end).

endless_loops_starve_nobody_test_() -> timed([
    {"who calls another instance", fun() ->
        Loops = [start(spin) || _ <- lists:seq(1, 12)],
        Calls = [spawn_caller(fun() -> call(Pid, "spin", []) end) || Pid <- Loops],
        with(spin, fun(Pid) ->
            [?assertEqual({ok, [100000], state},
                          ends(fun() -> call(Pid, "count", [100000]) end))
             || _ <- lists:seq(1, 5)]
        end),
        with(waits, fun(Pid) ->
            Same = fun(S, #{args := Args}, _) -> {ok, Args, S} end,
            ?assertEqual({ok, [0], s}, ends(fun() -> call(Pid, "ask_times", [20], Same) end)),
            {ok, Bytes} = ends(fun() -> hb_beamr_io:read(Pid, 0, 65536) end),
            ?assertEqual(65536, byte_size(Bytes))
        end),
        [stop(Pid) || Pid <- Loops],
        [failed(result(C)) || C <- Calls] end},
    {"where it is allocators that do not end", fun() ->
        Loops = [start(malloc_spins) || _ <- lists:seq(1, 12)],
        Calls = [spawn_caller(fun() -> call(Pid, "name", [<<"text">>]) end) || Pid <- Loops],
        timer:sleep(50),
        with(spin, fun(Pid) ->
            ?assertEqual({ok, [100000], state},
                         ends(fun() -> call(Pid, "count", [100000]) end))
        end),
        [stop(Pid) || Pid <- Loops],
        [failed(result(C)) || C <- Calls] end},
    {"or starts one", fun() ->
        Spins = beamr_modules:module(start_spins),
        Starts = [spawn_caller(fun() -> hb_beamr:start(Spins, wasm, #{time => 300}) end)
                  || _ <- lists:seq(1, 12)],
        with(test, fun beamr_test:answers/1),
        [failed(result(S)) || S <- Starts] end}
]).

r25_handlers_call_their_instance_test_() -> timed([
    {"malloc, strings and reads within an import", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) ->
                         {ok, 1024} = hb_beamr_io:malloc(P, 10),
                         {ok, 1024} = hb_beamr_io:write_string(P, "nested"),
                         {ok, <<"nested">>} = hb_beamr_io:read_string(P, 1024),
                         {ok, 65536} = hb_beamr_io:size(P),
                         ok = hb_beamr_io:free(P, 1024),
                         {ok, [20], S}
                     end,
            ?assertEqual({ok, [21], s}, ends(fun() -> call(Pid, "ask", [1], Import) end))
        end) end},
    {"and again and again", fun() ->
        with(deep, fun(Pid) ->
            [?assertEqual({ok, [N], s}, ends(fun() -> descend(Pid, N) end))
             || N <- [0, 1, 2, 16, 100]]
        end) end},
    {"too deep is an error, and the instance still works", fun() ->
        with(deep, #{on_raise => keep}, fun(Pid) ->
            failed(ends(fun() -> descend(Pid, 5000) end)),
            ?assertEqual({ok, [3], s}, ends(fun() -> descend(Pid, 3) end))
        end) end},
    {"a call within fails, the one around it goes on", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) ->
                         failed(call(P, "fail", [])),
                         failed(call(P, "no such function", [])),
                         failed(hb_beamr_io:read(P, 1 bsl 40, 1)),
                         {error, {invalid_args, _}} = call(P, "inc", [a]),
                         {ok, [6], _} = call(P, "inc", [5]),
                         {ok, [1], S}
                     end,
            ?assertEqual({ok, [2], s}, call(Pid, "ask", [1], Import))
        end) end},
    {"state and results of each stay its own", fun() ->
        with(waits, fun(Pid) ->
            Inner = fun(N, _, _) -> {ok, [N * 10], N + 1} end,
            Outer = fun(S, #{instance := P, args := [X]}, _) ->
                        {ok, [R], T} = hb_beamr:call(P, "ask", [X], Inner, X),
                        {ok, [R], [T | S]}
                    end,
            ?assertEqual({ok, [911], [92, 10]}, hb_beamr:call(Pid, "ask_twice", [9], Outer, []))
        end) end},
    {"the memory that they make larger is there for the call", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P, args := [Address]}, _) ->
                         Memory = <<0:(Address * 8), 77:32/little, 0:(300000 * 8)>>,
                         ok = hb_beamr:deserialize(P, Memory),
                         {ok, [0], S}
                     end,
            ?assertEqual({ok, [77], s}, call(Pid, "keep", [64, 1], Import)),
            ?assertMatch({ok, Size} when Size > 300000, hb_beamr_io:size(Pid))
        end) end},
    {"who waits for another caller of it waits no longer than the time limit", fun() ->
        with(waits, #{time => 500, on_raise => keep}, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) ->
                         Other = spawn_caller(fun() -> call(P, "inc", [1]) end),
                         {ok, [1], [result(Other) | S]}
                     end,
            {error, _, [Other]} = ends(fun() -> hb_beamr:call(Pid, "ask", [1], Import, []) end),
            case Other of
                {ok, [2], state} -> ok;
                Error -> failed(Error)
            end,
            eventually(fun() -> call(Pid, "inc", [1]) =:= {ok, [2], state} end)
        end) end},
    {"snapshots within are refused or complete", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) ->
                         Taken = hb_beamr:snapshot(P),
                         {ok, <<_:64>>} = hb_beamr_io:read(P, 0, 8),
                         {ok, [1], [Taken | S]}
                     end,
            {ok, [2], [Taken]} = hb_beamr:call(Pid, "ask", [1], Import, []),
            case Taken of {ok, B} -> ?assert(is_binary(B)); Refused -> failed(Refused) end
        end) end}
]).

descend(Pid, N) ->
    call(Pid, "descend", [N], fun(S, #{args := [Less]}, _) ->
        case descend(Pid, Less) of
            {ok, [M], s} -> {ok, [M], S};
            Error -> throw(Error)
        end
    end, Pid).

%% An error that comes from far below is passed up as it is.
call(Pid, Name, Args, Import, _) ->
    case hb_beamr:call(Pid, Name, Args, Import, s) of
        {error, throw, Error, _, s} -> Error;
        Other -> Other
    end.

r26_stray_responses_have_no_effect_test_() -> timed([
    {"when nothing waits", fun() ->
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(pow_calculator)),
        [trapped("No pending import response waiting",
                 beamr_plain_client:ask(Client, {import_response, R}))
         || R <- [[1], [], [1, 2], [1.5]]],
        ?assertEqual({execution_result, [32]}, pow(Client, 2, 5)),
        trapped("No pending import response waiting",
                beamr_plain_client:ask(Client, {import_response, [7]})),
        ?assertEqual({execution_result, [9]}, pow(Client, 3, 2)),
        nothing_arrived(),
        beamr_plain_client:stop(Client) end},
    {"one too many in an import", fun() ->
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(waits)),
        {import, "host", "ask", [1], _} = beamr_plain_client:ask(Client, {call, "ask", [1]}),
        ?assertEqual({execution_result, [6]},
                     beamr_plain_client:ask(Client, {import_response, [5]})),
        failed(beamr_plain_client:ask(Client, {import_response, [6]})),
        {import, "host", "ask", [2], _} = beamr_plain_client:ask(Client, {call, "ask", [2]}),
        ?assertEqual({execution_result, [8]},
                     beamr_plain_client:ask(Client, {import_response, [7]})),
        nothing_arrived(),
        beamr_plain_client:stop(Client) end},
    {"before and after a trap", fun() ->
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(waits)),
        {import, _, _, _, _} = beamr_plain_client:ask(Client, {call, "ask_trap", [1]}),
        failed(beamr_plain_client:ask(Client, {import_response, [5]})),
        failed(beamr_plain_client:ask(Client, {import_response, [5]})),
        ?assertEqual({execution_result, [3]}, beamr_plain_client:ask(Client, {call, "inc", [2]})),
        beamr_plain_client:stop(Client) end},
    {"many imports, many at once", fun() ->
        Calls = [spawn_caller(fun() ->
                     with(waits, fun(Pid) ->
                         call(Pid, "ask_times", [300], fun(S, _, _) -> {ok, [1], S} end)
                     end)
                 end) || _ <- lists:seq(1, 8)],
        [?assertEqual({ok, [0], s}, result(C)) || C <- Calls] end}
]).

pow(Client, Base, Exponent) ->
    beamr_plain_client:call(Client, "pow", [Base, Exponent],
                            fun("my_lib", "mul", [A, B], _) -> [A * B] end).

r27_answers_do_not_mix_test_() -> timed([
    {"of two instances driven alternately", fun() ->
        with(waits, fun(A) -> with(waits, fun(B) ->
            [begin
                 ?assertEqual({ok, [N + 1], state}, call(A, "inc", [N])),
                 ?assertEqual({ok, [-N], s},
                              call(B, "ask", [N], fun(S, _, _) -> {ok, [-N - 1], S} end)),
                 ?assertEqual({ok, <<0:64>>}, hb_beamr_io:read(A, N, 8))
             end || N <- lists:seq(1, 300)],
            nothing_arrived()
        end) end) end},
    {"with messages that look like answers", fun() ->
        with(waits, fun(Pid) ->
            Lures = [{error, "a text"}, {execution_result, [99]}, ok, {ok, [99]},
                     {make_ref(), {ok, [99]}}, {import, "host", "ask", [1], "(i)i"},
                     {make_ref(), wait},
                     {make_ref(), {import, 1, "host", "ask", [1], "(i)i"}}],
            [self() ! Lure || Lure <- Lures],
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1])),
            ?assertEqual({ok, [6], s},
                         call(Pid, "ask", [1], fun(S, _, _) ->
                                                   [self() ! Lure || Lure <- Lures],
                                                   {ok, [5], S}
                                               end)),
            ?assertEqual({ok, <<0>>}, hb_beamr_io:read(Pid, 0, 1)),
            ?assertEqual(Lures ++ Lures, [receive M -> M after 0 -> none end
                                          || _ <- Lures ++ Lures]),
            nothing_arrived()
        end) end},
    {"with a mailbox that is full", fun() ->
        with(spin, fun(Pid) ->
            ends(fun() ->
                [self() ! {ok, N} || N <- lists:seq(1, 100000)],
                [?assertEqual({ok, [30000], state}, call(Pid, "count", [30000]))
                 || _ <- lists:seq(1, 50)],
                [?assertEqual({ok, [42], state}, call(Pid, "mark", []))
                 || _ <- lists:seq(1, 1000)],
                ?assertEqual({message_queue_len, 100000}, process_info(self(), message_queue_len))
            end)
        end) end},
    {"late ones are not left in the mailbox", fun() ->
        with(spin, #{time => 30}, fun(Pid) ->
            failed(call(Pid, "spin", [])),
            failed(call(Pid, "spin", [])),
            eventually(fun() -> call(Pid, "mark", []) =:= {ok, [42], state} end),
            nothing_arrived()
        end) end},
    {"long calls and short ones of one process", fun() ->
        with(spin, fun(A) -> with(spin, fun(B) ->
            [begin
                 ?assertEqual({ok, [200000], state}, call(A, "count", [200000])),
                 ?assertEqual({ok, [42], state}, call(B, "mark", []))
             end || _ <- lists:seq(1, 20)],
            nothing_arrived()
        end) end) end}
]).

r28_each_caller_gets_its_own_result_test_() -> timed([
    {"of short calls", fun() ->
        with(waits, fun(Pid) ->
            Calls = [spawn_caller(fun() ->
                         [?assertEqual({ok, [X + 1], state}, call(Pid, "inc", [X]))
                          || X <- lists:seq(N * 1000, N * 1000 + 200)],
                         N
                     end) || N <- lists:seq(1, 20)],
            [?assertEqual(N, result(C)) || {N, C} <- lists:zip(lists:seq(1, 20), Calls)]
        end) end},
    {"of long ones", fun() ->
        with(spin, fun(Pid) ->
            Numbers = [N * 50000 || N <- lists:seq(1, 12)],
            Calls = [{N, spawn_caller(fun() -> call(Pid, "count", [N]) end)} || N <- Numbers],
            [?assertEqual({ok, [N], state}, result(C)) || {N, C} <- Calls]
        end) end},
    {"of calls with imports", fun() ->
        with(pow_calculator, fun(Pid) ->
            Mul = fun(S, #{args := [A, B]}, _) -> erlang:yield(), {ok, [A * B], S + 1} end,
            Calls = [{N, spawn_caller(fun() -> hb_beamr:call(Pid, "pow", [N, 5], Mul, 0) end)}
                     || N <- lists:seq(1, 40)],
            [?assertEqual({ok, [N * N * N * N * N], 5}, result(C)) || {N, C} <- Calls]
        end) end},
    {"while everything is asked at once", fun() ->
        with(waits, fun(Pid) ->
            Do = [fun(N) -> {ok, [M], _} = call(Pid, "inc", [N]), M =:= N + 1 end,
                  fun(N) -> {ok, B} = hb_beamr_io:read(Pid, 0, N), byte_size(B) =:= N end,
                  fun(N) ->
                      {ok, B} = hb_beamr_io:read(Pid, 0, N + 5000),
                      byte_size(B) =:= N + 5000
                  end,
                  fun(_) -> {ok, 65536} =:= hb_beamr_io:size(Pid) end,
                  fun(N) -> ok =:= hb_beamr_io:write(Pid, N, <<0:160000>>) end,
                  fun(N) -> {error, "Function" ++ _, _} = call(Pid, "none", [N]), true end,
                  fun(N) ->
                      Same = fun(S, #{args := Args}, _) -> {ok, Args, S} end,
                      {ok, [N + 1], s} =:= call(Pid, "ask", [N], Same)
                  end],
            Calls = [spawn_caller(fun() -> lists:all(F, lists:seq(1, 50)) end)
                     || F <- Do, _ <- [1, 2, 3]],
            [?assert(result(C)) || C <- Calls]
        end) end}
]).

r29_a_handler_raises_test_() -> timed([
    {"error, exit and throw come back, the instance is stopped", fun() ->
        [begin
             Pid = start(waits),
             ?assertMatch({error, Class, why, [_ | _], s},
                          ends(fun() -> call(Pid, "ask", [1], raising(Class)) end)),
             gone(Pid)
         end || Class <- [error, exit, throw]] end},
    {"call/3 and a state that was changed before", fun() ->
        Pid = start(waits),
        Import = fun(0, _, _) -> {ok, [1], 1}; (N, _, _) -> error({why, N}) end,
        ?assertMatch({error, error, {why, 1}, [_ | _], _},
                     hb_beamr:call(Pid, "ask_twice", [1], Import, 0)),
        gone(Pid) end},
    {"the instance stays, by option", fun() ->
        with(waits, #{on_raise => keep}, fun(Pid) ->
            [begin
                 ?assertMatch({error, Class, why, [_ | _], s},
                              call(Pid, "ask", [1], raising(Class))),
                 ?assertEqual({ok, [2], state}, call(Pid, "inc", [1])),
                 ?assertEqual({ok, [6], s}, call(Pid, "ask", [1], fun(S, _, _) -> {ok, [5], S} end))
             end || Class <- [error, exit, throw]],
            nothing_arrived()
        end) end},
    {"within a nested call", fun() ->
        with(waits, #{on_raise => keep}, fun(Pid) ->
            Outer = fun(S, #{instance := P}, _) ->
                        {error, error, why, _, s} = call(P, "ask", [2], raising(error)),
                        {ok, [30], S}
                    end,
            ?assertEqual({ok, [31], s}, call(Pid, "ask", [1], Outer))
        end) end},
    {"others who wait get an error or a result", fun() ->
        Pid = start(waits),
        Test = self(),
        Import = fun(_, _, _) -> Test ! {waiting, self()}, receive go_on -> error(why) end end,
        Call = spawn_caller(fun() -> call(Pid, "ask", [1], Import) end),
        Handler = receive {waiting, H} -> H end,
        Others = [spawn_caller(fun() -> call(Pid, "inc", [1]) end) || _ <- [1, 2, 3]],
        timer:sleep(10),
        Handler ! go_on,
        ?assertMatch({error, error, why, _, s}, result(Call)),
        [case result(O) of {ok, [2], state} -> ok; Error -> failed(Error) end || O <- Others],
        gone(Pid) end},
    {"what is no answer at all", fun() ->
        [begin
             Result = with_kept(fun(Pid) -> call(Pid, "ask", [1], fun(_, _, _) -> Odd end) end),
             case Result of
                 {error, Class, _, Stack, s} when is_atom(Class), is_list(Stack) -> ok;
                 {error, _, _} -> ok
             end
         end || Odd <- [ok, nothing, {ok, [1]}, {ok, 1, s}, {ok, [a], s}, {ok, [1 | 2], s},
                        {ok, ["x"], s}, {error, "text"}, {ok, {1}, s}, {ok, [self()], s}]] end}
]).

raising(Class) -> fun(_, _, _) -> erlang:raise(Class, why, [{m, f, 1, []}]) end.

with_kept(Fun) ->
    with(waits, #{on_raise => keep}, fun(Pid) ->
        Result = ends(fun() -> Fun(Pid) end),
        ?assertEqual({ok, [2], state}, call(Pid, "inc", [1])),
        Result
    end).
