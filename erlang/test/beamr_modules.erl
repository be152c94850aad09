%%% The modules that the tests run, written in Erlang terms (beamr_wasm). Those that the
%%% contract describes have its names and shapes: test, test_64, pow_calculator, test_print,
%%% test_calling.
-module(beamr_modules).

-export([all/0, module/1]).
-export([fac/1, named_import/2, importing/1]).

-define(PAGE, 65536).

%% Each module by its name, for the test that has all of them checked.
all() ->
    Names = [test, test_64, pow_calculator, test_print, test_calling, calling_64, numbers, echo,
             waits, spin, malloc_spins, traps, bytes, no_memory, two_memories, table, only_table, two_tables,
             no_table, state, state_other, starts, start_asks, start_traps, start_spins, initialize,
             ctors,
             invoke_32, invoke_64, invoke_old, throws, deep, high_32,
             high_64, every_kind, large_memory, malloc_only],
    [{Name, module(Name)} || Name <- Names]
        ++ [{{importing, Kind}, importing(Kind)} || Kind <- [memory, table, global, tag]]
        ++ [{named_import, named_import("module", "name")}].

module(Name) -> build(Name).

assemble(Items) -> beamr_wasm:module(Items).

%% ---- Of the contract ----

build(test) -> fac("fac");
build(test_64) -> fac("fac");
build(no_memory) -> fac("fac");
build(pow_calculator) ->
    %% pow(base, exponent): the product is the host's.
    assemble([{import, "my_lib", "mul", {func, mul, [i32, i32], [i32]}},
            {func, pow, [i32, i32], [i32], [i32],
             [{i32_const, 1}, {local_set, 2},
              {block, void, [{loop, void, [
                  {local_get, 1}, i32_eqz, {br_if, 1},
                  {local_get, 2}, {local_get, 0}, {call, mul}, {local_set, 2},
                  {local_get, 1}, {i32_const, 1}, i32_sub, {local_set, 1}, {br, 0}]}]},
              {local_get, 2}]},
            {export, "pow", func, pow}]);
build(test_print) ->
    assemble([{import, "wasi_snapshot_preview1", "fd_write",
             {func, write, [i32, i32, i32, i32], [i32]}},
            {func, hello, [], [i32], [],
             [[{i32_const, A}, {i32_const, V}, {i32_store, 0}]
              || {A, V} <- [{100, 66}, {104, 14}, {108, 80}, {112, 8}]]
             ++ [{i32_const, 1}, {i32_const, 100}, {i32_const, 2}, {i32_const, 92}, {call, write},
                 drop, {i32_const, 92}, {i32_load, 0}]},
            {memory, {1}},
            {data, 0, 66, <<"Hello, World!\n">>},
            {data, 0, 80, <<"Howdy!\n", 0>>},
            {export, "memory", memory, 0},
            {export, "hello", func, hello}]);
build(test_calling) -> calling(i32, {2, 258});
build(calling_64) -> calling(i64, {i64, 2, 258});

%% ---- Numbers ----

build(numbers) ->
    Same = fun(T) -> {func, T, [T], [T], [], [{local_get, 0}]} end,
    Const = fun(Id, T, Code) -> {func, Id, [], [T], [], [Code]} end,
    Items = [
        Same(i32), Same(i64), Same(f32), Same(f64),
        Same(v128), Same(externref), Same(funcref),
        Const(half, f32, {f32_const, 1.5}),
        Const(nan32, f32, {f32_const, 16#7fc00000}),
        Const(nan64, f64, {f64_const, 16#7ff8000000000000}),
        Const(inf32, f32, {f32_const, 16#7f800000}),
        Const(inf64, f64, {f64_const, 16#7ff0000000000000}),
        Const(neg32, f32, {f32_const, 16#ff800000}),
        Const(neg64, f64, {f64_const, 16#fff0000000000000}),
        Const(zero, f64, {f64_const, 16#8000000000000000}),
        Const(vector, v128, {v128_const, <<"0123456789abcdef">>}),
        Const(no_extern, externref, {ref_null, externref}),
        Const(no_func, funcref, {ref_null, funcref}),
        Const(a_func, funcref, {ref_func, half}),
        {func, nothing, [], [], [], []},
        {func, many, [i32, i64, f32, f64], [f64, f32, i64, i32, i32], [],
         [{local_get, 3}, {local_get, 2}, {local_get, 1}, {local_get, 0}, {local_get, 0}]},
        {func, add, [i32, i32], [i32], [], [{local_get, 0}, {local_get, 1}, i32_add]},
        {func, text, [i32], [i32], [], [{local_get, 0}]}
    ],
    Names = [element(2, Item) || Item <- Items],
    assemble(Items ++ [{table, funcref, {1}}, {elem, 0, 0, [half]}]
           ++ [{export, atom_to_list(Name), func, Name} || Name <- Names]);
build(echo) ->
    %% via_T(x) = host.T(x); two() = host.two(), which has two results; none() = host.none().
    Types = [i32, i64, f32, f64],
    Host = [{import, "host", atom_to_list(T), {func, host(T), [T], [T]}} || T <- Types],
    Via = [{func, via(T), [T], [T], [], [{local_get, 0}, {call, host(T)}]} || T <- Types],
    assemble(Host
           ++ [{import, "host", "two", {func, host(two), [], [i64, f64]}},
               {import, "host", "none", {func, host(none), [i32], []}},
               {import, "host", "all", {func, host(all), [i32, i64, f32, f64], []}},
               {import, "host", "vector", {func, host(vector), [], [v128]}}]
           ++ Via
           ++ [{func, two, [], [i64, f64], [], [{call, host(two)}]},
               {func, none, [], [i32], [], [{i32_const, 7}, {call, host(none)}, {i32_const, 8}]},
               {func, vector, [], [], [], [{call, host(vector)}, drop]},
               {func, all, [], [], [], [{i32_const, -1}, {i64_const, -(1 bsl 63)},
                                        {f32_const, 1.5}, {f64_const, -0.1}, {call, host(all)}]},
               {memory, {1}}, {export, "memory", memory, 0}]
           ++ [{export, atom_to_list(via(T)), func, via(T)} || T <- Types]
           ++ [{export, atom_to_list(F), func, F} || F <- [two, none, all, vector]]);

%% ---- Time ----

build(waits) ->
    %% ask(x) = host.ask(x) + 1; ask_twice; fac beside it; peek and poke in memory.
    assemble([{import, "host", "ask", {func, ask, [i32], [i32]}},
            {func, asks, [i32], [i32], [],
             [{local_get, 0}, {call, ask}, {i32_const, 1}, i32_add]},
            {func, twice, [i32], [i32], [],
             [{local_get, 0}, {call, ask}, {call, ask}]},
            {func, times, [i32], [i32], [],
             [{loop, void, [{local_get, 0}, {call, ask}, drop,
                            {local_get, 0}, {i32_const, 1}, i32_sub, {local_tee, 0},
                            {br_if, 0}]},
              {local_get, 0}]},
            {func, inc, [i32], [i32], [], [{local_get, 0}, {i32_const, 1}, i32_add]},
            {func, fail, [], [], [], [unreachable]},
            {func, spin, [], [], [], [{loop, void, [{br, 0}]}]},
            {func, ask_trap, [i32], [], [], [{local_get, 0}, {call, ask}, drop, unreachable]},
            %% store, ask, load: what happened to that word meanwhile?
            {func, keep, [i32, i32], [i32], [],
             [{local_get, 0}, {local_get, 1}, {i32_store, 0},
              {local_get, 0}, {call, ask}, drop,
              {local_get, 0}, {i32_load, 0}]},
            {func, malloc, [i32], [i32], [], [{i32_const, 1024}]},
            {func, free, [i32], [], [], []},
            {memory, {1, 32}},
            {export, "memory", memory, 0},
            {export, "ask", func, asks},
            {export, "ask_twice", func, twice},
            {export, "ask_times", func, times},
            {export, "ask_trap", func, ask_trap},
            {export, "inc", func, inc},
            {export, "fail", func, fail},
            {export, "spin", func, spin},
            {export, "keep", func, keep},
            {export, "malloc", func, malloc},
            {export, "free", func, free}]);
build(deep) -> deep();
build(malloc_spins) -> build_malloc_spins();
build(spin) ->
    %% spin() never ends; count(n) takes n rounds; mark() = 42; writes beside the loop.
    assemble([{func, spin, [], [], [], [{loop, void, [{br, 0}]}]},
            {func, count, [i64], [i64], [i64],
             [{loop, void, [{local_get, 1}, {i64_const, 1}, i64_add, {local_tee, 1},
                            {local_get, 0}, i64_sub, i64_eqz, i32_eqz, {br_if, 0}]},
              {local_get, 1}]},
            %% rounds of: two words of memory are one more each; they are equal between rounds
            {func, pair, [i64], [i64], [i64],
             [{loop, void, [[{i32_const, A}, {i32_const, A}, {i64_load, 0}, {i64_const, 1},
                             i64_add, {i64_store, 0}] || A <- [0, 4096]]
               ++ [{local_get, 1}, {i64_const, 1}, i64_add, {local_tee, 1},
                   {local_get, 0}, i64_sub, i64_eqz, i32_eqz, {br_if, 0}]},
              {local_get, 1}]},
            {func, mark, [], [i32], [], [{i32_const, 42}]},
            {memory, {1}},
            {export, "memory", memory, 0},
            {export, "spin", func, spin},
            {export, "count", func, count},
            {export, "pair", func, pair},
            {export, "mark", func, mark}]);
build(traps) ->
    assemble([{import, "env", "ask", {func, ask, [], [i32]}},
            {func, unreachable, [], [], [], [unreachable]},
            {func, divide, [i32, i32], [i32], [], [{local_get, 0}, {local_get, 1}, i32_div_s]},
            {func, load, [i32], [i32], [], [{local_get, 0}, {i32_load, 0}]},
            {func, recurse, [], [], [], [{call, recurse}]},
            {func, ask_env, [], [i32], [], [{call, ask}]},
            {memory, {1}},
            {export, "memory", memory, 0},
            {export, "unreachable", func, unreachable},
            {export, "divide", func, divide},
            {export, "load", func, load},
            {export, "recurse", func, recurse},
            {export, "ask", func, ask_env}]);

%% ---- Memories ----

build(bytes) ->
    assemble([{func, get, [i32], [i32], [], [{local_get, 0}, {i32_load8_u, 0}]},
            {func, put, [i32, i32], [], [], [{local_get, 0}, {local_get, 1}, {i32_store8, 0}]},
            {func, grow, [i32], [i32], [], [{local_get, 0}, {memory_grow, 0}]},
            {memory, {1, 32}},
            {export, "memory", memory, 0},
            {export, "get", func, get},
            {export, "put", func, put},
            {export, "grow", func, grow}]);
build(malloc_only) ->
    %% as large as a known module of 192 pages that exports only malloc
    assemble([{func, malloc, [i32], [i32], [], [{i32_const, 1024}]},
            {memory, {192}},
            {export, "memory", memory, 0},
            {export, "malloc", func, malloc}]);
build(high_32) -> high(i32, {1}, -65536);
build(high_64) -> high(i64, {i64, 1}, -(1 bsl 40));
build(large_memory) ->
    assemble([{func, fill, [i32, i32, i32], [], [],
             [{local_get, 0}, {local_get, 1}, {local_get, 2}, memory_fill]},
            {func, get, [i32], [i32], [], [{local_get, 0}, {i32_load8_u, 0}]},
            {memory, {272}},
            {export, "memory", memory, 0},
            {export, "fill", func, fill},
            {export, "get", func, get}]);
build(two_memories) ->
    assemble([{func, get0, [i32], [i32], [], [{local_get, 0}, {i32_load8_u, 0}]},
            {func, get1, [i32], [i32], [], [{local_get, 0}, {i32_load8_u, 1}]},
            {func, put1, [i32, i32], [], [], [{local_get, 0}, {local_get, 1}, {i32_store8, 1}]},
            {memory, {1}},
            {memory, {2, 3}},
            {data, 0, 0, <<"first">>},
            {data, 1, 0, <<"second">>},
            {export, "memory", memory, 0},
            {export, "other", memory, 1},
            {export, "get0", func, get0},
            {export, "get1", func, get1},
            {export, "put1", func, put1}]);

%% ---- Tables ----

build(table) -> tables([{export, "__indirect_function_table", table, 0}], [{table, funcref, {6}}]);
build(only_table) -> tables([], [{table, funcref, {6}}]);
build(two_tables) -> tables([], [{table, funcref, {6}}, {table, externref, {1}}]);
build(no_table) -> assemble([{func, f, [], [i32], [], [{i32_const, 1}]}, {export, "f", func, f}]);

%% ---- State ----

build(state) -> state(1);
build(state_other) -> state(2);

%% ---- Beginnings ----

build(starts) ->
    assemble([{func, begin_, [], [], [], [{i32_const, 5}, {global_set, 0}]},
            {func, get, [], [i32], [], [{global_get, 0}]},
            {global, i32, var, [{i32_const, 1}]},
            {start, begin_},
            {export, "get", func, get}]);
build(start_asks) ->
    assemble([{import, "host", "ask", {func, ask, [i32], [i32]}},
            {func, begin_, [], [], [], [{i32_const, 5}, {call, ask}, {global_set, 0}]},
            {func, get, [], [i32], [], [{global_get, 0}]},
            {global, i32, var, [{i32_const, 1}]},
            {start, begin_},
            {export, "get", func, get}]);
build(start_traps) ->
    assemble([{func, begin_, [], [], [], [unreachable]}, {start, begin_}]);
build(start_spins) ->
    assemble([{func, begin_, [], [], [], [{loop, void, [{br, 0}]}]}, {start, begin_}]);
build(initialize) -> beginning(["_initialize", "__wasm_call_ctors", "_start"]);
build(ctors) -> beginning(["__wasm_call_ctors", "_start"]);

%% ---- Exceptions ----

build(invoke_32) -> invoke(i32, {1});
build(invoke_64) -> invoke(i64, {i64, 1});
build(invoke_old) -> invoke(i32, {1}, ["stackSave", "stackRestore"],
                            [{export, "table", table, 0}]);
build(throws) ->
    assemble([{tag, [i32]},
            {func, throw, [i32], [], [], [{local_get, 0}, {throw, 0}]},
            {func, catch_, [i32], [i32], [],
             [{'try', i32, [{local_get, 0}, {call, throw}, {i32_const, -1}], 0, []}]},
            {export, "throw", func, throw},
            {export, "catch", func, catch_}]);

%% ---- Imports ----

build(every_kind) ->
    assemble([{import, "env", "first", {func, first, [i32], [i32]}},
            {import, "env", "memory", {memory, {1, 4}}},
            {import, "env", "second", {func, second, [f64], []}},
            {import, "env", "table", {table, funcref, {4}}},
            {import, "env", "base", {global, i32, const}},
            {import, "env", "last", {func, last, [i64, i64], [i64]}},
            {func, f, [], [i32], [], [{global_get, 0}]},
            {func, ask, [i32], [i32], [], [{local_get, 0}, {call, first}]},
            {func, size, [], [i32], [], [{memory_size, 0}]},
            {export, "f", func, f},
            {export, "ask", func, ask},
            {export, "size", func, size},
            {export, "memory", memory, 0}]).

%% ---- Modules with a parameter ----

fac(Name) ->
    assemble([{func, fac, [f64], [f64], [],
             [{local_get, 0}, {f64_const, 1.0}, f64_le,
              {'if', f64, [{f64_const, 1.0}],
               [{local_get, 0}, {local_get, 0}, {f64_const, 1.0}, f64_sub, {call, fac},
                f64_mul]}]},
            {export, Name, func, fac}]).

%% descend(n) = host.down(n - 1) + 1: a tower of calls between guest and host.
deep() ->
    assemble([{import, "host", "down", {func, down, [i32], [i32]}},
            {func, descend, [i32], [i32], [],
             [{local_get, 0}, i32_eqz,
              {'if', i32, [{i32_const, 0}],
               [{local_get, 0}, {i32_const, 1}, i32_sub, {call, down}, {i32_const, 1},
                i32_add]}]},
            {export, "descend", func, descend}]).

named_import(Module, Name) ->
    assemble([{import, Module, Name, {func, f, [], [i32]}},
            {func, g, [], [i32], [], [{call, f}]},
            {export, "g", func, g}]).

importing(memory) -> one_import({memory, {2, 3}}, [{memory_size, 0}]);
importing(table) -> one_import({table, funcref, {7}}, [{table_size, 0}]);
importing(global) -> one_import({global, i32, const}, [{global_get, 0}]);
importing(tag) -> one_import({tag, [i32]}, [{i32_const, 3}]).

one_import(Type, Code) ->
    assemble([{import, "env", "the_import", Type},
            {func, f, [], [i32], [], Code},
            {export, "f", func, f}]).

host(T) -> list_to_atom("host_" ++ atom_to_list(T)).
via(T) -> list_to_atom("via_" ++ atom_to_list(T)).

%% malloc takes what is behind all that was given, growing the memory, or gives 0; when all is
%% free again it begins anew. length_of is strlen; same gives a pointer back.
calling(P, Limits) ->
    {Const, Add, Sub, Shift, And, Above, Eqz} = arithmetic(P),
    assemble([{func, malloc, [P], [P], [P, P],
             [{local_get, 0}, {Const, 16#7f000000}, Above,
              {'if', void, [{Const, 0}, return], []},
              {global_get, 0}, {local_set, 1},
              {local_get, 1}, {local_get, 0}, Add, {Const, ?PAGE + 7}, Add, {Const, 16}, Shift,
              {local_tee, 2}, {memory_size, 0}, Above,
              {'if', void,
               [{local_get, 2}, {memory_size, 0}, Sub, {memory_grow, 0}, {Const, 1}, Add, Eqz,
                {'if', void, [{Const, 0}, return], []}], []},
              {local_get, 1}, {local_get, 0}, Add, {Const, 15}, Add, {Const, -8}, And,
              {global_set, 0},
              {global_get, 1}, {Const, 1}, Add, {global_set, 1},
              {local_get, 1}]},
            {func, free, [P], [], [],
             [{global_get, 1}, {Const, 1}, Sub, {global_set, 1},
              {global_get, 1}, Eqz, {'if', void, [{Const, 1024}, {global_set, 0}], []}]},
            {func, live, [], [P], [], [{global_get, 1}]},
            {func, same, [P], [P], [], [{local_get, 0}]},
            {func, length_of, [P], [P], [P],
             [{block, void, [{loop, void, [
                  {local_get, 0}, {local_get, 1}, Add, {i32_load8_u, 0}, i32_eqz, {br_if, 1},
                  {local_get, 1}, {Const, 1}, Add, {local_set, 1}, {br, 0}]}]},
              {local_get, 1}]},
            {func, fails, [P], [], [], [unreachable]},
            {global, P, var, [{Const, 1024}]},
            {global, P, var, [{Const, 0}]},
            {memory, Limits},
            {export, "memory", memory, 0}]
           ++ [{export, atom_to_list(F), func, F}
               || F <- [malloc, free, live, same, length_of, fails]]).

%% malloc never ends; name(text) does nothing.
build_malloc_spins() ->
    assemble([{func, malloc, [i32], [i32], [], [{loop, void, [{br, 0}]}, unreachable]},
            {func, free, [i32], [], [], []},
            {func, name, [i32], [], [], []},
            {memory, {1, 1}},
            {export, "memory", memory, 0},
            {export, "malloc", func, malloc},
            {export, "free", func, free},
            {export, "name", func, name}]).

%% malloc gives an address with its highest bit set.
high(P, Limits, Address) ->
    {Const, _, _, _, _, _, _} = arithmetic(P),
    assemble([{func, malloc, [P], [P], [], [{Const, Address}]},
            {func, free, [P], [], [], []},
            {memory, Limits},
            {export, "memory", memory, 0},
            {export, "malloc", func, malloc},
            {export, "free", func, free}]).

arithmetic(i32) -> {i32_const, i32_add, i32_sub, i32_shr_u, i32_and, i32_gt_u, i32_eqz};
arithmetic(i64) -> {i64_const, i64_add, i64_sub, i64_shr_u, i64_and, i64_gt_u, i64_eqz}.

%% Elements: add, null, inc, null, grows, fails.
tables(Exports, Tables) ->
    assemble([{func, add, [i32, i32], [i32], [], [{local_get, 0}, {local_get, 1}, i32_add]},
            {func, inc, [i32], [i32], [], [{local_get, 0}, {i32_const, 1}, i32_add]},
            {func, fails, [], [], [], [unreachable]},
            {func, by_type, [i32], [i32], [],
             [{i32_const, 5}, {local_get, 0}, {call_indirect, 0, [i32], [i32]}]}]
           ++ Tables
           ++ [{elem, 0, 0, [add, null, inc, null, null, fails]},
               {export, "by_type", func, by_type},
               {export, "inc", func, inc}]
           ++ Exports).

%% Something of everything that a snapshot holds.
state(Version) ->
    Globals = [{i32, i32_const, 7}, {i64, i64_const, 1 bsl 40}, {f64, f64_const, 0.5}],
    assemble([{func, bump, [], [], [],
             [{global_get, 0}, {i32_const, Version}, i32_add, {global_set, 0},
              {global_get, 1}, {i64_const, 1}, i64_add, {global_set, 1},
              {global_get, 2}, {f64_const, 0.25}, f64_add, {global_set, 2}]},
            {func, globals, [], [i32, i64, f64], [],
             [{global_get, 0}, {global_get, 1}, {global_get, 2}]},
            {func, get, [i32], [i32], [], [{local_get, 0}, {i32_load8_u, 0}]},
            {func, put, [i32, i32], [], [], [{local_get, 0}, {local_get, 1}, {i32_store8, 0}]},
            {func, grow, [i32], [i32], [], [{local_get, 0}, {memory_grow, 0}]},
            {func, inc, [i32], [i32], [], [{local_get, 0}, {i32_const, 1}, i32_add]},
            {func, dec, [i32], [i32], [], [{local_get, 0}, {i32_const, 1}, i32_sub]},
            {func, set_inc, [i32], [], [], [{local_get, 0}, {ref_func, inc}, {table_set, 0}]},
            {func, set_dec, [i32], [], [], [{local_get, 0}, {ref_func, dec}, {table_set, 0}]},
            {func, grow_table, [i32], [i32], [],
             [{ref_null, funcref}, {local_get, 0}, {table_grow, 0}]},
            {func, table_length, [], [i32], [], [{table_size, 0}]},
            {func, spin, [], [], [], [{loop, void, [{br, 0}]}]}]
           ++ [{global, T, var, [{Const, N}]} || {T, Const, N} <- Globals]
           ++ [{memory, {1, 32}},
               {table, funcref, {4, 64}},
               {elem, 0, 0, [inc, dec]},
               {export, "memory", memory, 0},
               {export, "__indirect_function_table", table, 0}]
           ++ [{export, atom_to_list(F), func, F}
               || F <- [bump, globals, get, put, grow, inc, dec, set_inc, set_dec, grow_table,
                        table_length, spin]]).

%% Functions that could be run at the beginning; `get` tells which were, a digit for each.
beginning(Names) ->
    Digits = lists:zip(Names, lists:seq(1, length(Names))),
    assemble([{func, list_to_atom(Name), [], [], [],
             [{global_get, 0}, {i32_const, 10}, i32_mul, {i32_const, Digit}, i32_add,
              {global_set, 0}]} || {Name, Digit} <- Digits]
           ++ [{func, get, [], [i32], [], [{global_get, 0}]},
               {global, i32, var, [{i32_const, 0}]},
               {export, "get", func, get}]
           ++ [{export, Name, func, list_to_atom(Name)} || Name <- Names]).

%% What a compiler makes of longjmp without exceptions. Elements of the table: from 1 what
%% returns, from 11 what jumps (after it has taken from the stack), 20 traps, 21 invokes 16 and
%% counts, 22 asks the host, 23 asks the host and jumps. call_S(element, args) invokes.
%% Names: how the exports for the stack are called; how the table is reached.
invoke(P, Limits) ->
    invoke(P, Limits, ["emscripten_stack_get_current", "_emscripten_stack_restore"],
           [{export, "__indirect_function_table", table, 0}]).

invoke(P, Limits, [GetStack, SetStack], Exports) ->
    {Const, _, Sub, _, _, _, _} = arithmetic(P),
    Types = [{ii, i32}, {jj, i64}, {ff, f32}, {dd, f64}],
    Take = [{global_get, 0}, {Const, 64}, Sub, {global_set, 0}],
    Import = fun(S, Params, Results) ->
                 {import, "env", "invoke_" ++ S,
                  {func, list_to_atom("invoke_" ++ S), [P | Params], Results}}
             end,
    Named = fun(Prefix, S) -> list_to_atom(Prefix ++ atom_to_list(S)) end,
    assemble([Import(atom_to_list(S), [T], [T]) || {S, T} <- Types]
           ++ [Import("v", [], []),
               {import, "env", "_emscripten_throw_longjmp", {func, jump, [], []}},
               {import, "host", "ask", {func, ask, [i32], [i32]}}]
           ++ [{func, Named("same_", S), [T], [T], [], [{local_get, 0}]} || {S, T} <- Types]
           ++ [{func, Named("jump_", S), [T], [T], [], [Take, {call, jump}, unreachable]}
               || {S, T} <- Types]
           ++ [{func, Named("call_", S), [P, T], [T], [],
                [{i32_const, 0}, {global_set, 1},
                 {local_get, 0}, {local_get, 1}, {call, Named("invoke_", S)}]}
               || {S, T} <- Types]
           ++ [{func, count, [], [], [],
                [{global_get, 2}, {i32_const, 1}, i32_add, {global_set, 2}]},
               {func, jump_v, [], [], [], [Take, {call, jump}]},
               {func, trap, [], [], [], [unreachable]},
               {func, nested, [], [], [], [{Const, 16}, {call, invoke_v}, {call, count}]},
               {func, ask_ii, [i32], [i32], [], [{local_get, 0}, {call, ask}]},
               {func, ask_jump, [i32], [i32], [],
                [Take, {local_get, 0}, {call, ask}, drop, {call, jump}, unreachable]},
               {func, call_v, [P], [], [],
                [{i32_const, 0}, {global_set, 1}, {local_get, 0}, {call, invoke_v}]},
               {func, jump_alone, [], [], [], [{call, jump}]},
               {func, set_threw, [P, i32], [], [],
                [{i32_const, 100}, {local_get, 1}, i32_add, to_i32(P), i32_add,
                 {global_set, 1}]},
               {func, threw, [], [i32], [], [{global_get, 1}]},
               {func, counted, [], [i32], [], [{global_get, 2}]},
               {func, get_stack, [], [P], [], [{global_get, 0}]},
               {func, set_stack, [P], [], [], [{local_get, 0}, {global_set, 0}]},
               {global, P, var, [{Const, 4096}]},
               {global, i32, var, [{i32_const, 0}]},
               {global, i32, var, [{i32_const, 0}]},
               {memory, Limits},
               {table, funcref, {32}},
               {elem, 0, 1, [same_ii, same_jj, same_ff, same_dd, count]},
               {elem, 0, 11, [jump_ii, jump_jj, jump_ff, jump_dd, null, jump_v]},
               {elem, 0, 20, [trap, nested, ask_ii, ask_jump]},
               {export, "memory", memory, 0},
               {export, GetStack, func, get_stack},
               {export, SetStack, func, set_stack},
               {export, "setThrew", func, set_threw},
               {export, "stack", func, get_stack},
               {export, "jump", func, jump_alone}]
           ++ [{export, atom_to_list(F), func, F}
               || F <- [threw, counted, call_v, call_ii, call_jj, call_ff, call_dd]]
           ++ Exports).

to_i32(i32) -> [{local_get, 0}];
to_i32(i64) -> [{local_get, 0}, i32_wrap_i64].
