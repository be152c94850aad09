%%% What modules may hold: imports of every kind, tables, exceptions, beginnings. Requirements 30
%%% to 37.
-module(beamr_module_tests).

-include("beamr_test.hrl").

call(Pid, F, Args) -> hb_beamr:call(Pid, F, Args, fun hb_beamr:stub/3, state).

r30_imports_of_every_kind_test_() -> timed([
    {"memories, tables and tags are made or named in an error", fun() ->
        [case hb_beamr:start(beamr_modules:importing(Kind)) of
             {ok, Pid, [{_, "env", "the_import", _}], [_]} ->
                 ?assertEqual({Kind, {ok, [Value], state}}, {Kind, call(Pid, "f", [])}),
                 stop(Pid);
             Error -> trapped("the_import", Error)
         end || {Kind, Value} <- [{memory, 2}, {table, 7}, {tag, 3}]] end},
    {"a global is zero or named in an error", fun() ->
        Module = beamr_modules:importing(global),
        trapped("the_import", hb_beamr:start(Module)),
        with(Module, #{stubs => zeros}, fun(Pid) ->
            ?assertEqual({ok, [0], state}, call(Pid, "f", []))
        end),
        trapped("the_import", hb_beamr:start(Module, wasm, #{stubs => trap})) end},
    {"the list of imports has them all, in order", fun() ->
        {ok, Pid, Imports, Exports} =
            hb_beamr:start(beamr_modules:module(every_kind), wasm, #{stubs => zeros}),
        ?assertMatch([{func, "env", "first", "(i)i"}, {memory, "env", "memory", ""},
                      {func, "env", "second", "(F)"}, {table, "env", "table", ""},
                      {global, "env", "base", ""}, {func, "env", "last", "(II)I"}], Imports),
        ?assertMatch([{func, "f", "()i"}, {func, "ask", "(i)i"}, {func, "size", "()i"},
                      {memory, "memory", ""}], Exports),
        ?assertEqual({ok, [1], state}, call(Pid, "size", [])),
        ?assertEqual({ok, [0], state}, call(Pid, "f", [])),
        ?assertEqual({ok, 65536}, hb_beamr_io:size(Pid)),
        stop(Pid) end},
    {"functions between them are found by their names", fun() ->
        with(every_kind, #{stubs => zeros}, fun(Pid) ->
            ?assertEqual({ok, [0], state}, call(Pid, "ask", [7]))
        end) end},
    {"a tag is told as unknown", fun() ->
        case hb_beamr:start(beamr_modules:importing(tag)) of
            {ok, Pid, Imports, _} ->
                ?assertMatch([{unknown, "env", "the_import", ""}], Imports),
                stop(Pid);
            Error -> trapped("the_import", Error)
        end end},
    {"a module that imports nothing and exports nothing", fun() ->
        {ok, Pid, [], []} = hb_beamr:start(beamr_wasm:module([])),
        stop(Pid) end}
]).

r31_signatures_of_other_exports_are_empty_test_() -> timed([
    {"memories, tables, globals, tags", fun() ->
        Module = beamr_wasm:module([
            {memory, {1}}, {table, funcref, {1}}, {global, i64, const, [{i64_const, 1}]},
            {tag, [i32]}, {func, f, [i32, i64, f32, f64, v128, externref, funcref], [], [], []},
            {export, "m", memory, 0}, {export, "t", table, 0}, {export, "g", global, 0},
            {export, "e", tag, 0}, {export, "f", func, f}]),
        {ok, Pid, [], Exports} = hb_beamr:start(Module),
        ?assertEqual([{memory, "m", ""}, {table, "t", ""}, {global, "g", ""}, {unknown, "e", ""},
                      {func, "f", "(iIfFver)"}], Exports),
        stop(Pid) end},
    {"events of imports have the whole signature", fun() ->
        with(pow_calculator, fun(Pid) ->
            Mul = fun(S, #{func_sig := "(ii)i", module := "my_lib", func := "mul"} = Import, _) ->
                      #{args := [A, B]} = Import,
                      {ok, [A * B], S}
                  end,
            ?assertEqual({ok, [32], s}, hb_beamr:call(Pid, "pow", [2, 5], Mul, s))
        end) end}
]).

r32_indirect_calls_test_() -> timed([
    {"of the exported table, or of the only one", fun() ->
        [with(Module, fun(Pid) ->
            ?assertEqual({ok, [5], state}, call(Pid, 0, [2, 3])),
            ?assertEqual({ok, [8], state}, call(Pid, 2, [7])),
            ?assertEqual({ok, [8]}, hb_beamr:call(Pid, 2, [7]))
         end) || Module <- [table, only_table]] end},
    {"null, out of range, wrong type, a trap", fun() ->
        with(table, fun(Pid) ->
            [failed(ends(fun() -> call(Pid, F, Args) end))
             || {F, Args} <- [{1, []}, {3, []}, {4, [1]}, {6, []}, {1000000, []}, {1 bsl 32, []},
                              {1 bsl 32 + 2, [1]}, {1 bsl 63, []}, {1 bsl 64 - 1, []}, {0, []},
                              {0, [1]}, {0, [1, 2, 3]}, {2, [1, 2]}, {5, []}]],
            [?assertMatch({error, _, state}, ends(fun() -> call(Pid, F, []) end))
             || F <- [-1, 1 bsl 64, 1 bsl 70, -(1 bsl 70)]],
            ?assertEqual({ok, [8], state}, call(Pid, 2, [7]))
        end) end},
    {"within the guest", fun() ->
        with(table, fun(Pid) ->
            ?assertEqual({ok, [6], state}, call(Pid, "by_type", [2])),
            [failed(call(Pid, "by_type", [N])) || N <- [0, 1, 5, 6, -1]],
            ?assertEqual({ok, [6], state}, call(Pid, "by_type", [2]))
        end) end},
    {"elements that the guest changes", fun() ->
        with(state, fun(Pid) ->
            ?assertEqual({ok, [6], state}, call(Pid, 0, [5])),
            {ok, [], _} = call(Pid, "set_dec", [0]),
            ?assertEqual({ok, [4], state}, call(Pid, 0, [5]))
        end) end},
    {"in the plain form", fun() ->
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(table)),
        ?assertEqual({execution_result, [5]},
                     beamr_plain_client:ask(Client, {indirect_call, 0, [2, 3]})),
        [failed(beamr_plain_client:ask(Client, {indirect_call, F, []}))
         || F <- [1, 6, -1, 1 bsl 70, 2, 5]],
        beamr_plain_client:stop(Client) end}
]).

r33_invoke_test_() ->
    timed(lists:append([invoke(Module) || Module <- [invoke_32, invoke_64, invoke_old]])).

invoke(Module) ->
    Types = [{"call_ii", 1, 5}, {"call_jj", 2, -(1 bsl 40)}, {"call_ff", 3, 1.5},
             {"call_dd", 4, -0.1}],
    Run = fun(Fun) -> fun() -> with(Module, Fun) end end,
    [{atom_to_list(Module) ++ ": " ++ What, Run(Fun)} || {What, Fun} <- [
        {"results and arguments of each type come back", fun(Pid) ->
            [begin
                 ?assertEqual({ok, [X], state}, call(Pid, F, [Element, X])),
                 quiet(Pid)
             end || {F, Element, X} <- Types] end},
        {"a function without arguments is called", fun(Pid) ->
            {ok, [], _} = call(Pid, "call_v", [5]),
            {ok, [], _} = call(Pid, "call_v", [5]),
            ?assertEqual({ok, [2], state}, call(Pid, "counted", [])),
            quiet(Pid) end},
        {"a longjmp ends it with 0, the stack as before, setThrew(1, 0)", fun(Pid) ->
            [begin
                 ?assertEqual({ok, [0 * X], state}, call(Pid, F, [Element + 10, X])),
                 threw(Pid)
             end || {F, Element, X} <- Types],
            {ok, [], _} = call(Pid, "call_v", [16]),
            threw(Pid) end},
        {"other traps go on", fun(Pid) ->
            trapped("unreachable", call(Pid, "call_v", [20])),
            [failed(call(Pid, "call_v", [N])) || N <- [0, 15, 31, 32, 100000]],
            trapped("mismatch", call(Pid, "call_v", [1])),
            {ok, [], _} = call(Pid, "call_v", [5]) end},
        {"without an invoke around it a longjmp traps", fun(Pid) ->
            trapped("longjmp", call(Pid, "jump", [])),
            {ok, [7], _} = call(Pid, "call_ii", [1, 7]) end},
        {"they nest", fun(Pid) ->
            {ok, [], _} = call(Pid, "call_v", [21]),
            ?assertEqual({ok, [1], state}, call(Pid, "counted", [])),
            {ok, [Stack], _} = call(Pid, "stack", []),
            ?assertEqual(4096, Stack) end},
        {"imports within are the host's", fun(Pid) ->
            Double = fun(S, #{args := [X], func := "ask"}, _) -> {ok, [2 * X], S} end,
            ?assertEqual({ok, [10], s}, hb_beamr:call(Pid, "call_ii", [22, 5], Double, s)),
            ?assertEqual({ok, [0], s}, hb_beamr:call(Pid, "call_ii", [23, 5], Double, s)),
            threw(Pid) end},
        {"a handler within calls what jumps again", fun(Pid) ->
            Again = fun(S, #{instance := P}, _) ->
                        {ok, [0], _} = call(P, "call_ii", [11, 1]),
                        {ok, [3], S}
                    end,
            ?assertEqual({ok, [3], s}, hb_beamr:call(Pid, "call_ii", [22, 5], Again, s)) end},
        {"a handler that is answered wrongly is no longjmp", fun(Pid) ->
            Wrong = fun(S, _, _) -> {ok, [0.5], S} end,
            failed(hb_beamr:call(Pid, "call_ii", [22, 5], Wrong, s)) end}
    ]].

quiet(Pid) -> ?assertEqual({ok, [0], state}, call(Pid, "threw", [])).

%% setThrew(1, 0), and the stack pointer is what it was.
threw(Pid) ->
    ?assertEqual({ok, [101], state}, call(Pid, "threw", [])),
    ?assertEqual({ok, [4096], state}, call(Pid, "stack", [])).

r34_a_missing_table_test_() -> timed([
    {"no table, or two of which none is named", fun() ->
        [with(Module, fun(Pid) ->
            [failed(call(Pid, N, [])) || N <- [0, 1, 1 bsl 32]]
         end) || Module <- [no_table, two_tables, test, bytes]] end},
    {"for invoke", fun() ->
        Module = beamr_wasm:module([
            {import, "env", "invoke_v", {func, invoke, [i32], []}},
            {func, f, [], [], [], [{i32_const, 0}, {call, invoke}]},
            {func, one, [], [i32], [], [{i32_const, 1}]},
            {export, "f", func, f}, {export, "one", func, one}]),
        {ok, Pid, _, _} = hb_beamr:start(Module),
        trapped("neither a table", call(Pid, "f", [])),
        ?assertEqual({ok, [1], state}, call(Pid, "one", [])),
        stop(Pid) end}
]).

r35_texts_are_whole_test_() -> timed([
    {"a trap that names a long import", fun() ->
        Name = lists:flatten(["n" ++ integer_to_list(N) || N <- lists:seq(100, 199)]),
        {Module, Import} = lists:split(100, lists:sublist(Name, 220)),
        with(beamr_modules:named_import(Module, Import), #{stubs => trap}, fun(Pid) ->
            Text = failed(call(Pid, "g", [])),
            ?assert(length(Text) > 255),
            trapped(Module ++ "." ++ Import, {error, Text})
        end) end},
    {"a function that is not found", fun() ->
        Name = lists:flatten([integer_to_list(N) || N <- lists:seq(100, 230)]),
        with(test, fun(Pid) -> trapped(Name, call(Pid, Name, [])) end) end},
    {"in the plain form", fun() ->
        Name = lists:flatten([integer_to_list(N) || N <- lists:seq(100, 230)]),
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(test)),
        trapped(Name, beamr_plain_client:ask(Client, {call, Name, []})),
        beamr_plain_client:stop(Client) end}
]).

r36_after_a_trap_test_() -> timed([
    {"of each kind it is told once, and goes on", fun() ->
        with(traps, fun(Pid) ->
            [begin
                 trapped(Text, call(Pid, F, Args)),
                 ?assertEqual({ok, [3], state}, call(Pid, "divide", [7, 2])),
                 nothing_arrived()
             end || {Text, F, Args} <- [{"unreachable", "unreachable", []},
                                        {"divide by zero", "divide", [1, 0]},
                                        {"overflow", "divide", [-(1 bsl 31), -1]},
                                        {"out of bounds", "load", [65536]},
                                        {"out of bounds", "load", [-1]},
                                        {"exhausted", "recurse", []}]]
        end) end},
    {"a thousand times", fun() ->
        with(traps, fun(Pid) ->
            [trapped("unreachable", call(Pid, "unreachable", [])) || _ <- lists:seq(1, 1000)],
            [trapped("exhausted", call(Pid, "recurse", [])) || _ <- lists:seq(1, 20)],
            ?assertEqual({ok, [3], state}, call(Pid, "divide", [7, 2])),
            nothing_arrived()
        end) end},
    {"in the plain form", fun() ->
        {Client, _, _} = beamr_plain_client:start(beamr_modules:module(traps)),
        trapped("unreachable", beamr_plain_client:ask(Client, {call, "unreachable", []})),
        ?assertEqual({execution_result, [3]},
                     beamr_plain_client:ask(Client, {call, "divide", [7, 2]})),
        ?assertEqual(nothing, beamr_plain_client:answer(Client, 20)),
        beamr_plain_client:stop(Client) end},
    {"an exception that nobody catches is a trap", fun() ->
        with(throws, fun(Pid) ->
            trapped("uncaught exception", call(Pid, "throw", [5])),
            ?assertEqual({ok, [5], state}, call(Pid, "catch", [5]))
        end) end}
]).

r37_all_results_in_order_test_() -> timed([
    {"of several types", fun() ->
        with(numbers, fun(Pid) ->
            ?assertEqual({ok, [4.5, 3.5, 2, 1, 1], state}, call(Pid, "many", [1, 2, 3.5, 4.5])),
            ?assertEqual({ok, [4.5, 3.5, 2, 1, 1]}, hb_beamr:call(Pid, "many", [1, 2, 3.5, 4.5])),
            ?assertEqual({ok, [], state}, call(Pid, "nothing", []))
        end) end},
    {"a thousand", fun() ->
        Module = beamr_wasm:module([
            {func, f, [], lists:duplicate(1000, i32), [],
             [{i32_const, N} || N <- lists:seq(1, 1000)]},
            {export, "f", func, f}]),
        with(Module, fun(Pid) ->
            ?assertEqual({ok, lists:seq(1, 1000), state}, call(Pid, "f", []))
        end) end},
    {"a thousand parameters", fun() ->
        Module = beamr_wasm:module([
            {func, f, lists:duplicate(1000, i64), [i64], [], [{local_get, 999}]},
            {export, "f", func, f}]),
        with(Module, fun(Pid) ->
            ?assertEqual({ok, [1000], state}, call(Pid, "f", lists:seq(1, 1000))),
            failed(call(Pid, "f", lists:seq(1, 999)))
        end) end},
    {"several memories; the first one is read and written", fun() ->
        with(two_memories, fun(Pid) ->
            ?assertEqual({ok, 65536}, hb_beamr_io:size(Pid)),
            ?assertEqual({ok, <<"first">>}, hb_beamr_io:read(Pid, 0, 5)),
            ok = hb_beamr_io:write(Pid, 0, <<"F">>),
            ?assertEqual({ok, [$F], state}, call(Pid, "get0", [0])),
            ?assertEqual({ok, [$s], state}, call(Pid, "get1", [0])),
            {ok, [], _} = call(Pid, "put1", [100000, 9]),
            ?assertEqual({ok, [9], state}, call(Pid, "get1", [100000]))
        end) end}
]).

beginnings_test_() -> timed([
    {"a start function is run", fun() ->
        with(starts, fun(Pid) -> ?assertEqual({ok, [5], state}, call(Pid, "get", [])) end) end},
    {"imports that it calls give zeros", fun() ->
        with(start_asks, fun(Pid) -> ?assertEqual({ok, [0], state}, call(Pid, "get", [])) end),
        failed(hb_beamr:start(beamr_modules:module(start_asks), wasm, #{stubs => trap})) end},
    {"one that traps is an error", fun() ->
        trapped("unreachable", hb_beamr:start(beamr_modules:module(start_traps))) end},
    {"_initialize is run, or else the constructors; never _start", fun() ->
        [with(Module, fun(Pid) -> ?assertEqual({ok, [1], state}, call(Pid, "get", [])) end)
         || Module <- [initialize, ctors]] end}
]).
