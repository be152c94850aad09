%%% What the tests of the original bridge check, with modules of the shapes that they use; and
%%% that there is a test for each of the 37 requirements.
-module(beamr_reference_tests).

-include("beamr_test.hrl").

-define(PAGE, 65536).

the_driver_loads_twice_test_() -> timed([
    {"without an error", fun() ->
        ok = beamr_plain_client:load(),
        ok = beamr_plain_client:load(),
        with(test, fun beamr_test:answers/1) end}
]).

a_simple_call_test_() -> timed([
    {"fac(5.0), the name is a string", fun() ->
        {ok, Pid, [], [{func, "fac", "(F)F"}]} = hb_beamr:start(beamr_modules:module(test)),
        ?assertEqual({ok, [120.0]}, hb_beamr:call(Pid, "fac", [5.0])),
        stop(Pid) end}
]).

imports_test_() -> timed([
    {"pow(2, 5) with a product of the host's, the name is a binary", fun() ->
        {ok, Pid, [{func, "my_lib", "mul", "(ii)i"}], [{func, "pow", "(ii)i"}]} =
            hb_beamr:start(beamr_modules:module(pow_calculator)),
        Mul = fun(State, #{instance := P, module := "my_lib", func := "mul", args := [A, B]}, Opts)
                    when P =:= Pid, Opts =:= #{some => option} ->
                  {ok, [A * B], State + 1}
              end,
        ?assertEqual({ok, [32], 5},
                     hb_beamr:call(Pid, <<"pow">>, [2, 5], Mul, 0, #{some => option})),
        stop(Pid) end},
    {"the stub gives 0", fun() ->
        with(pow_calculator, fun(Pid) ->
            ?assertEqual({ok, [0]}, hb_beamr:call(Pid, "pow", [2, 5])),
            ?assertEqual({ok, [1]}, hb_beamr:call(Pid, "pow", [2, 0])),
            ?assertEqual({ok, [0], s}, hb_beamr:call(Pid, "pow", [2, 5], fun hb_beamr:stub/3, s)),
            ?assertEqual({ok, [0], s}, hb_beamr:stub(s, #{}, #{}))
        end) end},
    {"call/4 has a state, too", fun() ->
        with(test, fun(Pid) ->
            ?assertMatch({ok, [120.0], _}, hb_beamr:call(Pid, "fac", [5], fun hb_beamr:stub/3))
        end) end}
]).

memory64_test_() -> timed([
    {"fac(5.0)", fun() ->
        with(test_64, fun(Pid) ->
            ?assertEqual({ok, [120.0]}, hb_beamr:call(Pid, "fac", [5.0]))
        end) end},
    {"strings by 64-bit addresses", fun() ->
        with(calling_64, fun(Pid) ->
            {ok, P} = hb_beamr_io:write_string(Pid, "text"),
            ?assertEqual({ok, [4]}, hb_beamr:call(Pid, "length_of", [P]))
        end) end}
]).

several_clients_test_() -> timed([
    {"started in one process, called from another", fun() ->
        with(test, fun(Pid) ->
            ?assertEqual({ok, [120.0]}, ends(fun() -> hb_beamr:call(Pid, "fac", [5.0]) end))
        end) end}
]).

many_calls_test_() -> timed([
    {"a thousand end", fun() ->
        with(test, fun(Pid) ->
            [?assertEqual({ok, [120.0]}, hb_beamr:call(Pid, "fac", [5.0]))
             || _ <- lists:seq(1, 1000)]
        end) end}
]).

size_test_() -> timed([
    {"one page; 192", fun() ->
        with(test_print, fun(Pid) -> ?assertEqual({ok, ?PAGE}, hb_beamr_io:size(Pid)) end),
        with(malloc_only, fun(Pid) ->
            {ok, Size} = hb_beamr_io:size(Pid),
            ?assert(lists:member(Size, [192 * ?PAGE, 193 * ?PAGE])),
            %% states of the original have a page more
            ?assertMatch(ok, hb_beamr:deserialize(Pid, <<0:(193 * ?PAGE * 8)>>)),
            ?assertEqual({ok, 193 * ?PAGE}, hb_beamr_io:size(Pid)),
            ?assertMatch(ok, hb_beamr:deserialize(Pid, <<0:(192 * ?PAGE * 8)>>))
        end) end}
]).

write_test_() -> timed([
    {"inside and outside", fun() ->
        with(test_print, fun(Pid) ->
            ?assertEqual(ok, hb_beamr_io:write(Pid, 0, <<"Hello, World!">>)),
            ?assertMatch({error, _}, hb_beamr_io:write(Pid, 1000000, <<"bad hello">>))
        end) end}
]).

read_test_() -> timed([
    {"inside and outside", fun() ->
        with(test_print, fun(Pid) ->
            ?assertEqual({ok, <<"Hello, World!">>}, hb_beamr_io:read(Pid, 66, 13)),
            ?assertMatch({error, _}, hb_beamr_io:read(Pid, 1000000, 13))
        end) end},
    {"what the guest prints, by the host's fd_write", fun() ->
        with(test_print, fun(Pid) ->
            ?assertEqual({ok, [22], <<"Hello, World!\nHowdy!\n", 0>>},
                         hb_beamr:call(Pid, "hello", [], fun fd_write/3, <<>>))
        end) end},
    {"or by the library's", fun() ->
        with(test_print, #{system => true}, fun(Pid) ->
            ?assertEqual({ok, [22]}, hb_beamr:call(Pid, "hello", []))
        end) end}
]).

fd_write(Printed, #{instance := Pid, func := "fd_write", module := "wasi_snapshot_preview1",
                    args := [1, Vectors, Count, Written], func_sig := "(iiii)i"}, _) ->
    {ok, List} = hb_beamr_io:read(Pid, Vectors, 8 * Count),
    Texts = [element(2, {ok, _} = hb_beamr_io:read(Pid, P, N))
             || <<P:32/little, N:32/little>> <= List],
    Text = iolist_to_binary(Texts),
    ok = hb_beamr_io:write(Pid, Written, <<(byte_size(Text)):32/little>>),
    {ok, [0], <<Printed/binary, Text/binary>>}.

malloc_test_() -> timed([
    {"a hundred bytes, and 128 MiB", fun() ->
        with(test_calling, fun(Pid) ->
            ?assertMatch({ok, P} when is_integer(P) andalso P > 0, hb_beamr_io:malloc(Pid, 100)),
            ?assertMatch({error, _}, hb_beamr_io:malloc(Pid, 128 * 1024 * 1024)),
            {ok, P} = hb_beamr_io:malloc(Pid, 100),
            ?assertEqual(ok, hb_beamr_io:free(Pid, P))
        end) end}
]).

strings_test_() -> timed([
    {"written, then read", fun() ->
        with(test_calling, fun(Pid) ->
            [begin
                 {ok, P} = hb_beamr_io:write_string(Pid, Text),
                 ?assertEqual({ok, iolist_to_binary(Text)}, hb_beamr_io:read_string(Pid, P))
             end || Text <- [<<"Hello, World!">>, "Hello, World!", "", <<>>, ["a", [$b, <<"c">>]],
                             binary:copy(<<"long ">>, 20000)]],
            [?assertMatch({error, _}, ends(fun() -> hb_beamr_io:write_string(Pid, Odd) end))
             || Odd <- [a, 1, {}, [a], [1 | 2], <<1:3>>, self()]]
        end) end}
]).

%% ---- The requirements ----

all_37_requirements_have_a_test_test() ->
    Suites = [beamr_values_tests, beamr_memory_tests, beamr_life_tests, beamr_order_tests,
              beamr_module_tests],
    Names = [atom_to_list(Name) || Suite <- Suites, {Name, 0} <- Suite:module_info(exports),
                                   lists:suffix("_test_", atom_to_list(Name))],
    Numbers = [list_to_integer(N) || Name <- Names,
                                     {match, [N]} <- [re:run(Name, "^r([0-9]+)_",
                                                             [{capture, [1], list}])]],
    ?assertEqual(lists:seq(1, 37), lists:sort(Numbers)).

%% ---- The modules of the tests ----

modules_are_valid_test_() -> timed([
    {lists:flatten(io_lib:format("~0p", [Name])), fun() -> valid(Module) end}
    || {Name, Module} <- beamr_modules:all()
]).

%% Valid is what starts, or is refused for another reason than its form.
valid(Module) ->
    case hb_beamr:start(Module, wasm, #{time => 500, stubs => zeros}) of
        {ok, Pid, _, _} -> stop(Pid);
        {error, Text} -> ?assertMatch({match, _}, re:run(Text, "unreachable|interrupt|time"))
    end.
