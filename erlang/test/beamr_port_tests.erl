%%% The form of the driver's commands that has references, by hand: what the application's modules
%%% send is in order, so here is also what is not. erlang/driver/command.h describes it.
-module(beamr_port_tests).

-include("beamr_test.hrl").

-define(INIT, 1).
-define(CALL, 2).
-define(RESPOND, 3).
-define(READ, 4).
-define(WRITE, 5).
-define(SIZE, 6).
-define(STRING, 7).
-define(MEMORY, 8).
-define(SNAPSHOT, 9).
-define(RESTORE, 10).
-define(INFO, 11).
-define(INTERRUPT, 12).

%% Run Fun with a port of this process's own, on which a module has been started.
port(Module, Fun) -> port(Module, #{}, Fun).

port(Module, Options, Fun) ->
    ok = beamr_plain_client:load(),
    Port = open_port({spawn_driver, "hb_beamr"}, [binary]),
    {ok, _, _} = send(Port, ?INIT, {Options}, beamr_modules:module(Module)),
    try Fun(Port) after catch port_close(Port) end,
    nothing_arrived().

%% The answer of a command, whichever way it comes.
ask(Port, Op, Term) ->
    Ref = make_ref(),
    case erlang:port_call(Port, Op, erlang:insert_element(1, Term, Ref)) of
        wait -> await(Ref);
        Answer -> Answer
    end.

send(Port, Op, Term, Bytes) ->
    Ref = make_ref(),
    Header = term_to_binary(erlang:insert_element(1, Term, Ref)),
    true = erlang:port_command(Port, [<<"BMR", Op, (byte_size(Header)):32>>, Header, Bytes]),
    await(Ref).

await(Ref) ->
    receive {Ref, Answer} -> Answer after 10000 -> error(no_answer) end.

answers_test_() -> timed([
    {"of each command", fun() ->
        port(waits, fun(Port) ->
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]})),
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {<<"inc">>, [1]})),
            ?assertEqual(ok, ask(Port, ?WRITE, {8, <<"text", 0>>})),
            ?assertEqual({ok, <<"ext">>}, ask(Port, ?READ, {9, 3})),
            ?assertEqual({ok, <<"text">>}, ask(Port, ?STRING, {8, 100})),
            ?assertEqual({ok, 65536}, ask(Port, ?SIZE, {})),
            ?assertMatch({ok, #{state := idle}}, ask(Port, ?INFO, {})),
            ?assertEqual(ok, ask(Port, ?INTERRUPT, {})),
            {ok, Snapshot} = ask(Port, ?SNAPSHOT, {}),
            ?assertEqual(ok, send(Port, ?WRITE, {8}, <<"else">>)),
            ?assertEqual({ok, <<"else">>}, ask(Port, ?STRING, {8, 100})),
            ?assertEqual(ok, send(Port, ?RESTORE, {}, Snapshot)),
            ?assertEqual({ok, <<"text">>}, ask(Port, ?STRING, {8, 100})),
            ?assertEqual(ok, send(Port, ?MEMORY, {}, <<"memory">>)),
            ?assertEqual({ok, <<"memory">>}, ask(Port, ?STRING, {0, 100}))
        end) end},
    {"sent instead of called", fun() ->
        port(waits, fun(Port) ->
            ?assertEqual({ok, [2]}, send(Port, ?CALL, {"inc", [1]}, <<>>)),
            ?assertEqual({ok, 65536}, send(Port, ?SIZE, {}, <<>>)),
            ?assertEqual({ok, <<0, 0>>}, send(Port, ?READ, {0, 2}, <<>>)),
            ?assertMatch({ok, #{}}, send(Port, ?INFO, {}, <<>>)),
            {import, Id, "host", "ask", [1], "(i)i"} = send(Port, ?CALL, {"ask", [1]}, <<>>),
            ?assertEqual({ok, [6]}, send(Port, ?RESPOND, {Id, {ok, [5]}}, <<>>))
        end) end},
    {"never two", fun() ->
        port(spin, fun(Port) ->
            [begin
                 N = rand:uniform(100000),
                 ?assertEqual({ok, [N]}, ask(Port, ?CALL, {"count", [N]}))
             end || _ <- lists:seq(1, 300)]
        end) end}
]).

responses_test_() -> timed([
    {"with an id that is not waited for have no effect", fun() ->
        port(waits, fun(Port) ->
            trapped("No pending import response waiting", ask(Port, ?RESPOND, {1, {ok, [1]}})),
            {import, Id, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
            [trapped("No pending import response waiting", ask(Port, ?RESPOND, {Odd, {ok, [1]}}))
             || Odd <- [Id + 1, Id - 1, 0, 1 bsl 40, 1 bsl 64 - 1], Odd =/= Id, Odd >= 0],
            ?assertEqual({ok, [6]}, ask(Port, ?RESPOND, {Id, {ok, [5]}})),
            trapped("No pending import response waiting", ask(Port, ?RESPOND, {Id, {ok, [5]}}))
        end) end},
    {"of another process have none either", fun() ->
        port(waits, fun(Port) ->
            {import, Id, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
            [trapped("No pending import response waiting",
                     ends(fun() -> ask(Port, ?RESPOND, {Id, Response}) end))
             || Response <- [{ok, [7]}, cancel, {error, "text"}]],
            ?assertEqual({ok, [6]}, ask(Port, ?RESPOND, {Id, {ok, [5]}}))
        end) end},
    {"to a call below the innermost are refused", fun() ->
        port(waits, fun(Port) ->
            {import, Outer, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
            {import, Inner, _, _, _, _} = ask(Port, ?CALL, {"ask", [2]}),
            failed(ask(Port, ?RESPOND, {Outer, {ok, [5]}})),
            ?assertEqual({ok, [8]}, ask(Port, ?RESPOND, {Inner, {ok, [7]}})),
            ?assertEqual({ok, [6]}, ask(Port, ?RESPOND, {Outer, {ok, [5]}}))
        end) end},
    {"with an error make the guest trap with it", fun() ->
        port(waits, fun(Port) ->
            [begin
                 {import, Id, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
                 trapped("the reason", ask(Port, ?RESPOND, {Id, {error, Text}}))
             end || Text <- ["the reason", <<"the reason">>]],
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]}))
        end) end},
    {"cancel ends the call", fun() ->
        port(waits, fun(Port) ->
            {import, Outer, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
            {import, Inner, _, _, _, _} = ask(Port, ?CALL, {"ask", [2]}),
            failed(ask(Port, ?RESPOND, {Inner, cancel})),
            ?assertEqual({ok, [6]}, ask(Port, ?RESPOND, {Outer, {ok, [5]}}))
        end) end},
    {"odd ones are an error, and a right one may follow or not", fun() ->
        port(waits, fun(Port) ->
            [begin
                 {import, Id, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
                 failed(ask(Port, ?RESPOND, {Id, Odd})),
                 case ask(Port, ?RESPOND, {Id, {ok, [5]}}) of
                     {ok, [6]} -> ok;
                     Ended -> failed(Ended)
                 end
             end || Odd <- [a, {}, {ok}, {ok, a}, {ok, [1 | 2]}, {ok, [a]}, {error, 1}, [],
                            {error, a}, {ok, [1], 2}, <<>>, self()]],
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]}))
        end) end},
    {"after an interrupt get an error", fun() ->
        port(waits, fun(Port) ->
            {import, Id, _, _, _, _} = ask(Port, ?CALL, {"ask", [1]}),
            ?assertEqual(ok, ends(fun() -> ask(Port, ?INTERRUPT, {}) end)),
            failed(ask(Port, ?RESPOND, {Id, {ok, [5]}})),
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]}))
        end) end}
]).

odd_commands_test_() -> timed([
    {"called", fun() ->
        port(waits, fun(Port) ->
            [?assertMatch({_, _, error}, {Op, Term, refused(Port, Op, Term)})
             || Op <- [0, ?CALL, ?RESPOND, ?READ, ?WRITE, ?STRING, 13, 99, 255],
                Term <- [{}, {a}, {a, b}, {1, b, c, d}, {self(), 1.5}]],
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]}))
        end) end},
    {"sent", fun() ->
        port(waits, fun(Port) ->
            Header = term_to_binary({make_ref(), 0}),
            [true = erlang:port_command(Port, Bytes)
             || Bytes <- [<<"BMR">>, <<"BMR", 5>>, <<"BMR", 5, 1000:32, 1, 2>>,
                          <<"BMR", 5, 16#ffffffff:32>>, <<"BMR", 5, 0:32>>, <<"BMR", 0, 0:32>>,
                          <<"BMR", 77, (byte_size(Header)):32, Header/binary>>,
                          <<"BMR", 5, 3:32, 131, 104, 1>>, <<"BMS", 5, 0:32>>, <<>>,
                          <<"BMR", 3, (byte_size(Header)):32, Header/binary>>]],
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]})),
            flush()
        end) end},
    {"before and after init", fun() ->
        ok = beamr_plain_client:load(),
        Port = open_port({spawn_driver, "hb_beamr"}, [binary]),
        [failed(ask(Port, Op, Term))
         || {Op, Term} <- [{?CALL, {"inc", [1]}}, {?READ, {0, 1}}, {?SIZE, {}}, {?STRING, {0, 1}},
                           {?WRITE, {0, <<1>>}}, {?SNAPSHOT, {}}, {?RESPOND, {1, {ok, []}}}]],
        failed(send(Port, ?RESTORE, {}, <<"snapshot">>)),
        failed(send(Port, ?MEMORY, {}, <<"memory">>)),
        failed(send(Port, ?INIT, {#{}}, <<"no module">>)),
        [?assert(lists:member(element_1(ask(Port, Op, {})), [ok, error]))
         || Op <- [?INFO, ?INTERRUPT]],
        port_close(Port),
        port(test, fun(Started) ->
            failed(send(Started, ?INIT, {#{}}, beamr_modules:module(test))),
            ?assertEqual({ok, [120.0]}, ask(Started, ?CALL, {"fac", [5]}))
        end) end},
    {"any bytes", fun() ->
        port(waits, fun(Port) ->
            [begin
                 Size = rand:uniform(40),
                 Bytes = case rand:uniform(3) of
                     1 -> rand:bytes(Size);
                     2 -> <<131, (rand:bytes(Size))/binary>>;
                     3 -> <<"BMR", (rand:uniform(14)), (Size - 1):32, 131,
                            (rand:bytes(Size))/binary>>
                 end,
                 true = erlang:port_command(Port, Bytes)
             end || _ <- lists:seq(1, 20000)],
            ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]})),
            flush()
        end) end}
]).

%% error, if it is answered at all; a command without reference may be an exception.
refused(Port, Op, Term) ->
    Answer = try ask(Port, Op, Term)
             catch error:badarg -> {error, badarg}; error:einval -> {error, einval}
             end,
    case Answer of invalid_args -> error; _ -> element(1, Answer) end.

element_1(Atom) when is_atom(Atom) -> Atom;
element_1(Tuple) -> element(1, Tuple).

flush() -> receive _ -> flush() after 20 -> ok end.

callers_test_() -> timed([
    {"that end are forgotten, with what they asked for", fun() ->
        port(waits, fun(Port) ->
            [begin
                 {Caller, Monitor} = spawn_caller(fun() ->
                     erlang:port_call(Port, ?CALL, {make_ref(), Name, Args})
                 end),
                 receive {'DOWN', Monitor, process, Caller, _} -> ok end,
                 ?assertEqual({ok, [2]}, ask(Port, ?CALL, {"inc", [1]}))
             end || {Name, Args} <- [{"spin", []}, {"ask", [1]}, {"inc", [1]}],
                    _ <- lists:seq(1, 20)],
            ?assertMatch({ok, #{depth := 0, queued := 0, state := idle}}, ask(Port, ?INFO, {}))
        end) end},
    {"more than one in a port, in both forms", fun() ->
        port(waits, fun(Port) ->
            Callers = [spawn_caller(fun() -> ask(Port, ?CALL, {"inc", [N]}) end)
                       || N <- lists:seq(1, 50)],
            Port ! {self(), {command, term_to_binary({call, "inc", [1]})}},
            receive {execution_result, [2]} -> ok after 10000 -> error(no_answer) end,
            [?assertEqual({ok, [N + 1]}, result(C))
             || {N, C} <- lists:zip(lists:seq(1, 50), Callers)]
        end) end}
]).
