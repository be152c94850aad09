%%% The driver alone, by the plain form of its commands: what a bridge without this application's
%%% modules relies on. What is odd in commands is in beamr_life_tests (requirement 23).
-module(beamr_plain_tests).

-include("beamr_test.hrl").

-define(PAGE, 65536).

%% Run Fun with a client for a module; nothing is left in the mailbox.
client(Module, Fun) ->
    {Client, _, _} = beamr_plain_client:start(beamr_modules:module(Module)),
    Fun(Client),
    nothing_arrived(),
    beamr_plain_client:stop(Client).

ask(Client, Command) -> beamr_plain_client:ask(Client, Command).

init_test_() -> timed([
    {"lists imports and exports", fun() ->
        {Client, Imports, Exports} = beamr_plain_client:start(beamr_modules:module(test_print)),
        ?assertEqual([{func, "wasi_snapshot_preview1", "fd_write", "(iiii)i"}], Imports),
        ?assertEqual([{memory, "memory", ""}, {func, "hello", "()i"}], Exports),
        beamr_plain_client:stop(Client) end},
    {"in both modes", fun() ->
        Client = beamr_plain_client:start(),
        ?assertMatch({execution_result, [], [{func, "fac", "(F)F"}]},
                     ask(Client, {init, beamr_modules:module(test), aot})),
        ?assertEqual({execution_result, [120.0]}, ask(Client, {call, "fac", [5.0]})),
        beamr_plain_client:stop(Client) end},
    {"what is no module, and after it a module or an error", fun() ->
        [begin
             Client = beamr_plain_client:start(),
             failed(ask(Client, {init, Bad, Mode})),
             failed(ask(Client, {call, "fac", [5.0]})),
             case ask(Client, {init, beamr_modules:module(test), wasm}) of
                 {execution_result, [], [_]} -> ok;
                 Error -> failed(Error)
             end,
             beamr_plain_client:stop(Client)
         end || {Bad, Mode} <- [{<<>>, wasm}, {<<"garbage">>, wasm}, {"list", wasm},
                                {beamr_modules:module(test), jit},
                                {beamr_modules:module(start_traps), wasm},
                                {beamr_modules:module(test), "wasm"}]] end},
    {"a large module, more than one message can carry at once", fun() ->
        Data = rand:bytes(3000000),
        Module = beamr_wasm:module([{memory, {64}}, {data, 0, 5, Data}, {export, "m", memory, 0}]),
        {Client, [], [_]} = beamr_plain_client:start(Module),
        ?assertEqual({execution_result, Data}, ask(Client, {read, 5, 3000000})),
        beamr_plain_client:stop(Client) end}
]).

calls_test_() -> timed([
    {"arguments as list, as string term, as nil", fun() ->
        client(numbers, fun(Client) ->
            ?assertEqual({execution_result, [3]}, ask(Client, {call, "add", [1, 2]})),
            ?assertEqual({execution_result, [300]}, ask(Client, {call, "add", [100, 200]})),
            ?assertEqual({execution_result, [557]}, ask(Client, {call, "add", [256, 301]})),
            ?assertEqual({execution_result, [-1]}, ask(Client, {call, "i64", [-1]})),
            ?assertEqual({execution_result, [255]}, ask(Client, {call, "i64", [255]})),
            ?assertEqual({execution_result, [9.0]}, ask(Client, {call, "f64", "\t"})),
            ?assertEqual({execution_result, []}, ask(Client, {call, "nothing", []})),
            ?assertEqual({execution_result, []}, ask(Client, {call, "nothing", ""})),
            ?assertEqual({execution_result, [4.5, 3.5, 2, 1, 1]},
                         ask(Client, {call, "many", [1, 2, 3.5, 4.5]}))
        end) end},
    {"the same lists, encoded in each way", fun() ->
        client(numbers, fun(Client) ->
            <<131, Call/binary>> = term_to_binary(call),
            Add = fun(Args) -> <<131, 104, 3, Call/binary, 107, 3:16, "add", Args/binary>> end,
            [?assertEqual({execution_result, [3]}, beamr_plain_client:ask_raw(Client, Add(Args)))
             || Args <- [<<107, 2:16, 1, 2>>, <<108, 2:32, 97, 1, 97, 2, 106>>,
                         <<108, 2:32, 98, 1:32, 110, 1, 0, 2, 106>>,
                         <<108, 2:32, 110, 8, 0, 1:64/little, 111, 8:32, 0, 2:64/little, 106>>,
                         <<108, 2:32, 97, 1, 70, 2.0:64/float, 106>>]],
            [failed(beamr_plain_client:ask_raw(Client, Add(Args)))
             || Args <- [<<108, 2:32, 97, 1, 97, 2, 97, 3>>, <<108, 3:32, 97, 1, 97, 2, 106>>,
                         <<108, 0:32, 106>>, <<106, 106>>, <<97, 1>>, <<70, -1:64>>,
                         <<108, 2:32, 97, 1, 70, 16#7ff0000000000000:64, 106>>]]
        end) end},
    {"names as binary, too", fun() ->
        client(test, fun(Client) ->
            case ask(Client, {call, <<"fac">>, [5.0]}) of
                {execution_result, [120.0]} -> ok;
                Error -> failed(Error)
            end
        end) end},
    {"results that are no numbers", fun() ->
        client(numbers, fun(Client) ->
            ?assertEqual({execution_result, [nan]}, ask(Client, {call, "nan64", []})),
            ?assertEqual({execution_result, [infinity]}, ask(Client, {call, "inf32", []})),
            ?assertEqual({execution_result, [neg_infinity]}, ask(Client, {call, "neg64", []})),
            ?assertEqual({execution_result, [-(1 bsl 63)]}, ask(Client, {call, "i64", [1 bsl 63]}))
        end) end},
    {"errors, with their texts", fun() ->
        client(traps, fun(Client) ->
            [trapped(Text, ask(Client, Command))
             || {Text, Command} <- [{"Function not found: nothing", {call, "nothing", []}},
                                    {"Function not found", {call, "memory", []}},
                                    {"unreachable", {call, "unreachable", []}},
                                    {"Read request out of bounds", {read, ?PAGE, 1}},
                                    {"Write request out of bounds", {write, ?PAGE, <<1>>}},
                                    {"No pending import response waiting", {import_response, [1]}},
                                    {"Failed to convert terms to wasm vals", {call, "load", [a]}},
                                    {"no i32", {call, "load", [1 bsl 100]}},
                                    {"Unknown command", {no_command, 1}}]],
            trapped("Failed to decode message header (version).",
                    beamr_plain_client:ask_raw(Client, <<1, 2, 3>>))
        end),
        Client = beamr_plain_client:start(),
        trapped("Cannot run WASM function as module not initialized.",
                ask(Client, {call, "fac", [1]})),
        beamr_plain_client:stop(Client) end},
    {"one that takes long", fun() ->
        client(spin, fun(Client) ->
            ?assertEqual({execution_result, [3000000]}, ask(Client, {call, "count", [3000000]}))
        end) end},
    {"several at once are answered in turn", fun() ->
        client(spin, fun(Client) ->
            [beamr_plain_client:send(Client, {call, "count", [N * 1000]}) || N <- lists:seq(1, 20)],
            beamr_plain_client:send(Client, {size}),
            [?assertEqual({execution_result, [N * 1000]}, beamr_plain_client:answer(Client))
             || N <- lists:seq(1, 20)],
            ?assertEqual({execution_result, ?PAGE}, beamr_plain_client:answer(Client))
        end) end}
]).

memory_test_() -> timed([
    {"is written and read", fun() ->
        client(bytes, fun(Client) ->
            ?assertEqual({execution_result, ?PAGE}, ask(Client, {size})),
            [begin
                 Bytes = rand:bytes(Size),
                 ?assertEqual(ok, ask(Client, {write, 7, Bytes})),
                 ?assertEqual({execution_result, Bytes}, ask(Client, {read, 7, Size}))
             end || Size <- [0, 1, 13, 64, 300, 4096, 4097, 60000, ?PAGE - 7]],
            [failed(ask(Client, Odd))
             || Odd <- [{read, -1, 10}, {read, 0, -1}, {read, 1 bsl 63 - 1, 10}, {write, -8, <<1>>},
                        {read, ?PAGE, 1}, {write, ?PAGE - 1, <<1, 2>>}, {read, 1 bsl 70, 1},
                        {read, 0, 1 bsl 70}, {write, 1 bsl 70, <<1>>}]]
        end) end},
    {"more than 64 KiB", fun() ->
        client(large_memory, fun(Client) ->
            [begin
                 Bytes = rand:bytes(Size),
                 ?assertEqual(ok, ask(Client, {write, 1, Bytes})),
                 ?assertEqual({execution_result, Bytes}, ask(Client, {read, 1, Size}))
             end || Size <- [65536, 65537, 1 bsl 20, 1 bsl 24]]
        end) end}
]).

imports_test_() -> timed([
    {"are asked of the owner, with the whole signature", fun() ->
        client(pow_calculator, fun(Client) ->
            ?assertEqual({import, "my_lib", "mul", [1, 2], "(ii)i"},
                         ask(Client, {call, "pow", [2, 2]})),
            ?assertEqual({import, "my_lib", "mul", [2, 2], "(ii)i"},
                         ask(Client, {import_response, [2]})),
            ?assertEqual({execution_result, [4]}, ask(Client, {import_response, [4]}))
        end) end},
    {"results of each type", fun() ->
        client(echo, fun(Client) ->
            Same = fun("host", _, Args, _) -> Args end,
            [?assertEqual({execution_result, [X]},
                          beamr_plain_client:call(Client, F, [X], Same))
             || {F, X} <- [{"via_i32", 5}, {"via_i32", -(1 bsl 31)}, {"via_i64", -(1 bsl 63)},
                           {"via_i64", 1 bsl 40}, {"via_f32", 0.25}, {"via_f64", 0.1}]],
            ?assertEqual({execution_result, [8]},
                         beamr_plain_client:call(Client, "none", [], fun(_, _, [7], _) -> [0] end)),
            ?assertEqual({execution_result, [8]},
                         beamr_plain_client:call(Client, "none", [], fun(_, _, [7], _) -> [] end)),
            ?assertEqual({execution_result, [7, 0.5]},
                         beamr_plain_client:call(Client, "two", [],
                                                 fun(_, _, [], _) -> [7, 0.5] end))
        end) end},
    {"wrong results make the module trap, with text", fun() ->
        client(echo, fun(Client) ->
            [begin
                 failed(beamr_plain_client:call(Client, "via_i32", [1],
                                                fun(_, _, _, _) -> Odd end)),
                 ?assertEqual({execution_result, [3]},
                              beamr_plain_client:call(Client, "via_i32", [3],
                                                      fun(_, _, A, _) -> A end))
             end || Odd <- [[], [1, 2], [0.5], [1 bsl 40]]]
        end) end},
    {"a handler's calls nest, of whatever kind", fun() ->
        client(waits, fun(Client) ->
            {import, _, "ask", [5], _} = ask(Client, {call, "ask", [5]}),
            ?assertEqual({execution_result, [1024]}, ask(Client, {call, "malloc", [4]})),
            ?assertEqual(ok, ask(Client, {write, 1024, <<"text">>})),
            ?assertEqual({execution_result, <<"text">>}, ask(Client, {read, 1024, 4})),
            ?assertEqual({execution_result, ?PAGE}, ask(Client, {size})),
            {import, _, "ask", [6], _} = ask(Client, {call, "ask", [6]}),
            failed(ask(Client, {call, "fail", []})),
            {import, _, "ask", [7], _} = ask(Client, {call, "ask", [7]}),
            [?assertEqual({execution_result, [N + 1]}, ask(Client, {import_response, [N]}))
             || N <- [700, 600, 500]],
            failed(ask(Client, {import_response, [400]}))
        end) end},
    {"a garbage answer does not end the call, or ends it with an error", fun() ->
        client(waits, fun(Client) ->
            {import, _, _, _, _} = ask(Client, {call, "ask", [1]}),
            failed(beamr_plain_client:ask_raw(Client, <<"garbage">>)),
            failed(ask(Client, {no_command})),
            case ask(Client, {import_response, [1]}) of
                {execution_result, [2]} -> ok;
                Error -> failed(Error)
            end,
            ?assertEqual({execution_result, [3]}, ask(Client, {call, "inc", [2]}))
        end) end}
]).

ports_test_() -> timed([
    {"closed during a call, an import, an init", fun() ->
        ok = beamr_plain_client:load(), % it stays, for these tests: loading takes its time
        Before = counts(),
        [begin
             {Client, _, _} = beamr_plain_client:start(beamr_modules:module(waits)),
             [ok = beamr_plain_client:send(Client, Command) || Command <- Commands],
             timer:sleep(5),
             beamr_plain_client:stop(Client)
         end || Commands <- [[{call, "spin", []}], [{call, "ask", [1]}],
                             [{call, "ask", [1]}, {call, "ask", [2]}, {call, "spin", []}],
                             [{call, "spin", []}, {call, "inc", [1]}, {size}], []],
                _ <- lists:seq(1, 5)],
        [begin
             Client = beamr_plain_client:start(),
             ok = beamr_plain_client:send(Client, {init, beamr_modules:module(start_spins), wasm}),
             timer:sleep(2),
             beamr_plain_client:stop(Client)
         end || _ <- lists:seq(1, 5)],
        same_counts(Before) end},
    {"killed with their worker", fun() ->
        ok = beamr_plain_client:load(),
        Before = counts(),
        [begin
             {Client, _, _} = beamr_plain_client:start(beamr_modules:module(waits)),
             unlink(Client),
             ok = beamr_plain_client:send(Client, {call, Name, Args}),
             timer:sleep(3),
             exit(Client, kill),
             gone(Client),
             flush()
         end || {Name, Args} <- [{"spin", []}, {"ask", [1]}], _ <- lists:seq(1, 20)],
        flush(),
        same_counts(Before) end},
    {"given to another process", fun() ->
        client(waits, fun(Client) ->
            Port = beamr_plain_client:port(Client),
            ?assertMatch({connected, _}, erlang:port_info(Port, connected)),
            ?assertEqual({execution_result, [2]}, ask(Client, {call, "inc", [1]}))
        end) end},
    {"other ways to reach a port do no harm", fun() ->
        client(waits, fun(Client) ->
            Port = beamr_plain_client:port(Client),
            _ = (catch erlang:port_control(Port, 0, <<>>)),
            _ = (catch erlang:port_control(Port, 12345, rand:bytes(100))),
            [case catch erlang:port_call(Port, Op, Term) of
                 {'EXIT', {badarg, _}} -> ok;
                 {'EXIT', {einval, _}} -> ok;
                 _Answer -> ok
             end || Op <- [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99, 1 bsl 31],
                    Term <- [a, {}, {a}, {1, 2}, [], #{}, <<>>, {make_ref(), 1, 2, 3, 4}]],
            ?assertEqual({execution_result, [2]}, ask(Client, {call, "inc", [1]})),
            flush()
        end) end}
]).

flush() -> receive _ -> flush() after 20 -> ok end.
