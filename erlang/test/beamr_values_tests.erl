%%% Arguments and results: requirements 1 to 8, and the table of conversions.
-module(beamr_values_tests).

-include("beamr_test.hrl").

-define(I64, [0, 1, -1, 127, 128, 255, 256, 65535, 1 bsl 31 - 1, 1 bsl 31, -(1 bsl 31),
              -(1 bsl 31) - 1, 1 bsl 32 - 1, 1 bsl 32, 1 bsl 53 + 1, -(1 bsl 53) - 1,
              1 bsl 63 - 1, -(1 bsl 63), -(1 bsl 63) + 1]).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

value(Pid, Name, Arg) ->
    {ok, [Value], state} = call(Pid, Name, [Arg]),
    Value.

%% Call via_T(x), where the host answers with what Answer makes of what it got.
via(Pid, Name, Arg, Answer) ->
    Import = fun(State, #{args := Args}, _) -> {ok, Answer(Args), [Args | State]} end,
    hb_beamr:call(Pid, Name, [Arg], Import, []).

same(Args) -> Args.

r1_i64_round_trips_test_() -> timed([
    {"as argument and result", fun() ->
        with(numbers, fun(Pid) -> [?assertEqual(N, value(Pid, "i64", N)) || N <- ?I64] end) end},
    {"as argument and result of an import", fun() ->
        with(echo, fun(Pid) ->
            [?assertEqual({ok, [N], [[N]]}, via(Pid, "via_i64", N, fun same/1)) || N <- ?I64]
        end) end},
    {"unsigned ones are taken modulo 2^64", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(N - (1 bsl 64), value(Pid, "i64", N))
             || N <- [1 bsl 63, 1 bsl 63 + 1, 1 bsl 64 - 1]]
        end) end},
    {"unsigned results of an import likewise", fun() ->
        with(echo, fun(Pid) ->
            [?assertMatch({ok, [W], [[0]]} when W =:= N - (1 bsl 64),
                          via(Pid, "via_i64", 0, fun(_) -> [N] end))
             || N <- [1 bsl 63, 1 bsl 64 - 1]]
        end) end},
    {"any number", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(N, value(Pid, "i64", N)) || _ <- lists:seq(1, 500), N <- [any_i64()]]
        end) end},
    {"arguments behind a long one are not disturbed", fun() ->
        with(numbers, fun(Pid) ->
            ?assertEqual({ok, [0.25, -1.5, -(1 bsl 63), 7, 7], state},
                         call(Pid, "many", [7, -(1 bsl 63), -1.5, 0.25]))
        end) end},
    {"i32 from -2^31 to 2^32 - 1", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(W, value(Pid, "i32", N))
             || {N, W} <- [{-(1 bsl 31), -(1 bsl 31)}, {1 bsl 31 - 1, 1 bsl 31 - 1},
                           {1 bsl 31, -(1 bsl 31)}, {1 bsl 32 - 1, -1}, {0, 0}]]
        end) end},
    {"beyond the range is an error", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, Name, [N]))
             || {Name, N} <- [{"i32", 1 bsl 32}, {"i32", -(1 bsl 31) - 1}, {"i32", 1 bsl 63},
                              {"i64", -(1 bsl 63) - 1}, {"i64", -(1 bsl 64) + 1}]],
            [failed(call(Pid, Name, [N]))
             || Name <- ["i32", "i64"],
                N <- [1 bsl 64, -(1 bsl 64), 1 bsl 65 + 1, 1 bsl 4000, -(1 bsl 4000)]],
            ?assertEqual(1, value(Pid, "i64", 1))
        end) end}
]).

any_i64() ->
    Bits = rand:uniform(64) - 1,
    rand:uniform(1 bsl Bits) - 1 - rand:uniform(2) rem 2 * (1 bsl Bits) div 2.

r2_integers_and_floats_convert_test_() -> timed([
    {"fac(5) is fac(5.0)", fun() ->
        with(test, fun(Pid) ->
            ?assertEqual({ok, [120.0]}, hb_beamr:call(Pid, "fac", [5.0])),
            ?assertEqual({ok, [120.0]}, hb_beamr:call(Pid, "fac", [5]))
        end) end},
    {"integers for floats", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(float(N), value(Pid, F, N))
             || F <- ["f32", "f64"], N <- [0, 1, -1, 255, 256, 1 bsl 24, -(1 bsl 63)]],
            ?assertEqual(float(1 bsl 53), value(Pid, "f64", 1 bsl 53 + 1)),
            ?assertEqual(float(1 bsl 64), value(Pid, "f64", 1 bsl 64 - 1)),
            [begin
                 ?assertEqual(float(Sign * N), value(Pid, "f64", Sign * N)),
                 N < 1 bsl 128 andalso begin
                     <<Single:32/float>> = <<(Sign * N):32/float>>,
                     ?assertEqual(Single, value(Pid, "f32", Sign * N))
                 end
             end || Sign <- [1, -1],
                    N <- [1 bsl 64, 1 bsl 64 + 1, 1 bsl 100 + 1 bsl 47, 1 bsl 100 + 1 bsl 47 + 1,
                          3 bsl 100 + 1 bsl 48, 1 bsl 127, 1 bsl 1023, (1 bsl 53 - 1) bsl 971]],
            [failed(call(Pid, F, [N]))
             || {F, N} <- [{"f32", 1 bsl 128}, {"f32", -(1 bsl 128)}, {"f32", 1 bsl 4000},
                           {"f64", 1 bsl 1024}, {"f64", -(1 bsl 1024)}, {"f64", 1 bsl 100000}]],
            ?assertEqual(float(1 bsl 24), value(Pid, "f32", 1 bsl 24 + 1))
        end) end},
    {"whole floats for integers", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(trunc(X), value(Pid, F, X))
             || F <- ["i32", "i64"], X <- [0.0, -0.0, 5.0, -7.0, -2147483648.0]],
            ?assertEqual(-1, value(Pid, "i32", 4294967295.0)),
            ?assertEqual(1 bsl 40, value(Pid, "i64", 1099511627776.0)),
            ?assertEqual(-(1 bsl 63), value(Pid, "i64", -9.223372036854775808e18))
        end) end},
    {"other floats for integers are an error", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, F, [X]))
             || {F, X} <- [{"i32", 0.5}, {"i32", -1.0e-300}, {"i32", 4294967296.0},
                           {"i32", -2147483649.0}, {"i64", 1.5}, {"i64", 1.0e30},
                           {"i64", 18446744073709551616.0}, {"i32", nan}, {"i64", infinity}]]
        end) end},
    {"for results of imports, too", fun() ->
        with(echo, fun(Pid) ->
            ?assertMatch({ok, [5.0], _}, via(Pid, "via_f64", 1.0, fun(_) -> [5] end)),
            ?assertMatch({ok, [5.0], _}, via(Pid, "via_f32", 1.0, fun(_) -> [5] end)),
            ?assertMatch({ok, [5], _}, via(Pid, "via_i32", 1, fun(_) -> [5.0] end)),
            ?assertMatch({ok, [-1], _}, via(Pid, "via_i32", 1, fun(_) -> [16#ffffffff] end)),
            ?assertMatch({ok, [5], _}, via(Pid, "via_i64", 1, fun(_) -> [5.0] end))
        end) end}
]).

r3_wrong_count_is_an_error_test_() -> timed([
    {"too few and too many", fun() ->
        with(test, fun(Pid) ->
            [?assertMatch({error, [_ | _], state}, call(Pid, "fac", Args))
             || Args <- [[1, 2], [1.0, 2.0], [0, 0, 0], lists:duplicate(2000, 1)]],
            answers(Pid)
        end) end},
    {"of functions of many parameters", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, "many", lists:duplicate(N, 1))) || N <- [1, 2, 3, 5, 6, 100]],
            [failed(call(Pid, "nothing", lists:duplicate(N, 1))) || N <- [1, 2]],
            ?assertEqual({ok, [], state}, call(Pid, "nothing", []))
        end) end},
    {"call/3 raises", fun() ->
        with(test, fun(Pid) ->
            ?assertError(_, hb_beamr:call(Pid, "fac", [1, 2])),
            answers(Pid)
        end) end}
]).

r4_an_empty_list_is_counted_test_() -> timed([
    {"for one parameter", fun() ->
        with(test, fun(Pid) ->
            ?assertMatch({error, [_ | _], state}, call(Pid, "fac", [])),
            ?assertMatch({error, [_ | _], state}, call(Pid, <<"fac">>, [])),
            answers(Pid)
        end) end},
    {"for several", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, Name, [])) || Name <- ["many", "add", "i64", "v128", "funcref"]]
        end) end}
]).

r5_f32_is_exact_test_() -> timed([
    {"a result of 1.5", fun() ->
        with(numbers, fun(Pid) ->
            ?assertEqual({ok, [1.5], state}, call(Pid, "half", []))
        end) end},
    {"widened exactly", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(X, value(Pid, "f32", X))
             || X <- [1.5, -0.25, 3.4028234663852886e38, 1.401298464324817e-45, 16777216.0]],
            ?assertEqual(0.10000000149011612, value(Pid, "f32", 0.1)),
            ?assertEqual(<<16#8000000000000000:64>>, <<(value(Pid, "f32", -0.0)):64/float>>),
            ?assertEqual(<<16#8000000000000000:64>>, <<(element(1, {value0(Pid)})):64/float>>)
        end) end},
    {"beyond the range of f32 is an error", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, "f32", [X])) || X <- [1.0e39, -1.0e39, 3.5e38]]
        end) end},
    {"an f32 of an import", fun() ->
        with(echo, fun(Pid) ->
            ?assertEqual({ok, [1.5], [[1.5]]}, via(Pid, "via_f32", 1.5, fun same/1)),
            failed(via(Pid, "via_f32", 1.5, fun(_) -> [1.0e39] end))
        end) end}
]).

value0(Pid) ->
    {ok, [Zero], state} = call(Pid, "zero", []),
    Zero.

r6_nan_and_infinity_are_answered_test_() -> timed([
    {"as results", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual({ok, [Atom], state}, ends(fun() -> call(Pid, Name, []) end))
             || {Name, Atom} <- [{"nan32", nan}, {"nan64", nan}, {"inf32", infinity},
                                 {"inf64", infinity}, {"neg32", neg_infinity},
                                 {"neg64", neg_infinity}]]
        end) end},
    {"as arguments", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual(Atom, value(Pid, Name, Atom))
             || Name <- ["f32", "f64"], Atom <- [nan, infinity, neg_infinity]]
        end) end},
    {"as arguments of an import", fun() ->
        with(echo, fun(Pid) ->
            [?assertMatch({ok, [2.0], [[Atom]]}, via(Pid, Name, Atom, fun(_) -> [2] end))
             || Name <- ["via_f32", "via_f64"], Atom <- [nan, infinity, neg_infinity]]
        end) end},
    {"overflow within the guest", fun() ->
        with(test, fun(Pid) ->
            ?assertEqual({ok, [infinity], state}, call(Pid, "fac", [200]))
        end) end}
]).

r7_imports_answer_exactly_test_() -> timed([
    {"i64, f32 and f64", fun() ->
        with(echo, fun(Pid) ->
            [?assertEqual({ok, [X], [[1]]}, via(Pid, "via_i64", 1, fun(_) -> [X] end))
             || X <- ?I64],
            [?assertMatch({ok, [X], _}, via(Pid, "via_f64", 1, fun(_) -> [X] end))
             || X <- [0.1, -1.0e300, 5.0e-324]],
            [?assertMatch({ok, [X], _}, via(Pid, "via_f32", 1, fun(_) -> [X] end))
             || X <- [1.5, -3.4028234663852886e38]]
        end) end},
    {"all types at once", fun() ->
        with(echo, fun(Pid) ->
            Import = fun(State, #{args := Args, func := "all", func_sig := "(iIfF)"}, _) ->
                         {ok, [], [Args | State]}
                     end,
            ?assertEqual({ok, [], [[-1, -(1 bsl 63), 1.5, -0.1]]},
                         hb_beamr:call(Pid, "all", [], Import, []))
        end) end},
    {"two results", fun() ->
        with(echo, fun(Pid) ->
            Two = fun(Results) ->
                      hb_beamr:call(Pid, "two", [], fun(S, _, _) -> {ok, Results, S} end, s)
                  end,
            ?assertEqual({ok, [-5, 0.5], s}, Two([-5, 0.5])),
            ?assertEqual({ok, [1, 2.0], s}, Two([1, 2])),
            [failed(Two(Wrong)) || Wrong <- [[], [1], [1, 2, 3], [0.5, 1], [1 bsl 64, 0.5]]]
        end) end},
    {"too few, too many, of a wrong type: traps with text", fun() ->
        with(echo, fun(Pid) ->
            [begin
                 failed(via(Pid, "via_i32", 1, fun(_) -> Wrong end)),
                 ?assertMatch({ok, [9], _}, via(Pid, "via_i32", 9, fun same/1))
             end || Wrong <- [[], [1, 2], [1.5], [1 bsl 32], [-(1 bsl 31) - 1], [1 bsl 100]]]
        end) end},
    {"a function without results may be answered with a number", fun() ->
        with(echo, fun(Pid) ->
            None = fun(Results) ->
                       hb_beamr:call(Pid, "none", [], fun(S, _, _) -> {ok, Results, S} end, s)
                   end,
            [?assertEqual({ok, [8], s}, None(Right)) || Right <- [[], [0], [-1], [1.5]]],
            failed(None([1, 2]))
        end) end},
    {"a vector cannot be answered", fun() ->
        with(echo, fun(Pid) ->
            [failed(hb_beamr:call(Pid, "vector", [], fun(S, _, _) -> {ok, R, S} end, s))
             || R <- [[0], [], [1, 2]]]
        end) end}
]).

r8_long_names_are_not_found_test_() -> timed([
    {"a string or a binary of 1000 bytes", fun() ->
        with(test, fun(Pid) ->
            [begin
                 Name = lists:duplicate(N, $x),
                 "Function not found" ++ _ = failed(call(Pid, Name, [1])),
                 "Function not found" ++ _ = failed(call(Pid, list_to_binary(Name), [1]))
             end || N <- [1, 255, 256, 1000, 5000]],
            [begin
                 failed(call(Pid, lists:duplicate(N, $x), [1])),
                 failed(call(Pid, binary:copy(<<"x">>, N), [1]))
             end || N <- [65535, 65536, 70000, 1000000]],
            answers(Pid)
        end) end},
    {"odd names", fun() ->
        with(test, fun(Pid) ->
            [trapped("Function not found", call(Pid, Name, [1]))
             || Name <- [<<>>, "", "fac ", "fa", <<"fac", 0>>, "Fac", <<255, 254>>, "f\x{e4}c",
                         [16#20ac]]]
        end) end},
    {"names that exist, long ones", fun() ->
        Name = lists:duplicate(1000, $y),
        with(beamr_modules:fac(Name), fun(Pid) ->
            ?assertEqual({ok, [120.0], state}, call(Pid, Name, [5])),
            ?assertEqual({ok, [120.0], state}, call(Pid, list_to_binary(Name), [5]))
        end),
        Wide = [$f, 16#20ac, 16#1f600],
        with(beamr_modules:fac(Wide), fun(Pid) ->
            ?assertEqual({ok, [6.0], state}, call(Pid, Wide, [3])),
            ?assertEqual({ok, [6.0], state}, call(Pid, unicode:characters_to_binary(Wide), [3]))
        end) end}
]).

vectors_and_references_test_() -> timed([
    {"cannot be arguments", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, Name, [0])) || Name <- ["v128", "externref", "funcref"]]
        end) end},
    {"are something as results", fun() ->
        with(numbers, fun(Pid) ->
            ?assertEqual({ok, [<<"0123456789abcdef">>], state}, call(Pid, "vector", [])),
            ?assertEqual({ok, [null], state}, call(Pid, "no_extern", [])),
            ?assertEqual({ok, [null], state}, call(Pid, "no_func", [])),
            ?assertEqual({ok, [ref], state}, call(Pid, "a_func", []))
        end) end}
]).
