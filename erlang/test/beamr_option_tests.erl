%%% Options of start, and what the application adds: interrupt, info, owners; arguments that are
%%% text or JSON.
-module(beamr_option_tests).

-include("beamr_test.hrl").

-define(PAGE, 65536).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

options_test_() -> timed([
    {"that are wrong or unknown are an error", fun() ->
        Fac = beamr_modules:module(test),
        [failed(ends(fun() -> hb_beamr:start(Fac, wasm, Options) end))
         || Options <- [#{unknown => 1}, #{time => -1}, #{time => 0.5}, #{time => a}, #{fuel => -1},
                        #{fuel => "x"}, #{max_memory => -1}, #{max_memory => a}, #{stubs => 1},
                        #{stubs => none}, #{system => 1}, #{owner => a}, #{owner => 1},
                        #{on_raise => maybe_}, #{max_string => -1}, #{max_string => a},
                        #{time => 1 bsl 100}, #{fuel => 1 bsl 100}, #{1 => 2}, [], a, 1,
                        #{time => infinity, fuel => infinity, other => 1}]] end},
    {"all at once, and the defaults in words", fun() ->
        with(test, #{max_memory => 1 bsl 30, time => infinity, fuel => infinity, stubs => host,
                     system => false, owner => self(), on_raise => stop, max_string => 100},
             fun beamr_test:answers/1),
        with(test, #{time => 5000, fuel => 100000, stubs => trap, system => true, owner => none,
                     on_raise => keep}, fun beamr_test:answers/1) end},
    {"defaults come from the application's environment", fun() ->
        _ = application:load(beamr),
        application:set_env(beamr, stubs, zeros),
        try
            with(beamr_modules:importing(global), fun(Pid) ->
                ?assertEqual({ok, [0], state}, call(Pid, "f", []))
            end)
        after
            application:unset_env(beamr, stubs)
        end end},
    {"the owner's, too, and options go before them", fun() ->
        _ = application:load(beamr),
        application:set_env(beamr, owner, none),
        try
            Free = ends(fun() -> start(test) end),
            Owned = ends(fun() -> start(test, #{owner => self()}) end),
            gone(Owned),
            answers(Free),
            stop(Free)
        after
            application:unset_env(beamr, owner)
        end end},
    {"wrong ones there are an error", fun() ->
        _ = application:load(beamr),
        application:set_env(beamr, time, sometimes),
        try failed(hb_beamr:start(beamr_modules:module(test)))
        after application:unset_env(beamr, time)
        end,
        with(test, fun beamr_test:answers/1) end}
]).

max_memory_test_() -> timed([
    {"a module that begins with more", fun() ->
        Large = beamr_modules:module(large_memory),
        failed(hb_beamr:start(Large, wasm, #{max_memory => 100 * ?PAGE})),
        with(bytes, #{max_memory => ?PAGE}, fun beamr_test:answers/1) end},
    {"growing stops there", fun() ->
        with(bytes, #{max_memory => 4 * ?PAGE}, fun(Pid) ->
            ?assertEqual({ok, [1], state}, call(Pid, "grow", [3])),
            case call(Pid, "grow", [1]) of
                {ok, [-1], state} -> ok;
                Error -> failed(Error)
            end,
            ?assertEqual({ok, 4 * ?PAGE}, hb_beamr_io:size(Pid)),
            failed(hb_beamr:deserialize(Pid, <<0:(5 * ?PAGE * 8)>>))
        end) end}
]).

%% The limit is for later calls, too, and a busy machine may make one of them late.
time_test_() -> timed([
    {"ends a call that runs, and only that", fun() ->
        with(spin, #{time => 30}, fun(Pid) ->
            failed(ends(fun() -> call(Pid, "spin", []) end)),
            eventually(fun() -> call(Pid, "mark", []) =:= {ok, [42], state} end)
        end) end},
    {"ends a call that waits for its handler", fun() ->
        with(waits, #{time => 30, on_raise => keep}, fun(Pid) ->
            Slow = fun(S, _, _) -> timer:sleep(200), {ok, [1], S} end,
            failed(ends(fun() -> hb_beamr:call(Pid, "ask", [1], Slow, s) end)),
            eventually(fun() -> call(Pid, "inc", [1]) =:= {ok, [2], state} end),
            nothing_arrived()
        end) end},
    {"of those in the queue, too", fun() ->
        with(spin, #{time => 50}, fun(Pid) ->
            Calls = [spawn_caller(fun() -> call(Pid, "spin", []) end) || _ <- lists:seq(1, 5)],
            [failed(result(C)) || C <- Calls],
            eventually(fun() -> call(Pid, "mark", []) =:= {ok, [42], state} end)
        end) end}
]).

fuel_test_() -> timed([
    {"ends a loop", fun() ->
        with(spin, #{fuel => 100000}, fun(Pid) ->
            trapped("fuel", call(Pid, "spin", [])),
            ?assertEqual({ok, [42], state}, call(Pid, "mark", [])),
            trapped("fuel", call(Pid, "spin", []))
        end) end},
    {"is for each call anew", fun() ->
        with(spin, #{fuel => 100000}, fun(Pid) ->
            [?assertEqual({ok, [500], state}, call(Pid, "count", [500])) || _ <- lists:seq(1, 300)]
        end) end},
    {"info tells what was used, the same for the same calls", fun() ->
        Used = fun() ->
                   with(spin, #{fuel => 1000000}, fun(Pid) ->
                       {ok, [500], _} = call(Pid, "count", [500]),
                       {ok, #{fuel_used := Fuel}} = hb_beamr:info(Pid),
                       Fuel
                   end)
               end,
        ?assert(Used() > 500),
        ?assertEqual(Used(), Used()) end}
]).

stubs_test_() -> timed([
    {"zeros", fun() ->
        with(echo, #{stubs => zeros}, fun(Pid) ->
            Never = fun(_, _, _) -> error(asked) end,
            ?assertEqual({ok, [0], s}, hb_beamr:call(Pid, "via_i64", [5], Never, s)),
            ?assertEqual({ok, [0, 0.0], s}, hb_beamr:call(Pid, "two", [], Never, s))
        end) end},
    {"traps with the name", fun() ->
        with(echo, #{stubs => trap}, fun(Pid) ->
            trapped("host", call(Pid, "via_i64", [5])),
            trapped("two", call(Pid, "two", []))
        end) end},
    {"the system's are the library's, others the host's", fun() ->
        with(test_print, #{system => true, stubs => trap}, fun(Pid) ->
            ?assertEqual({ok, [22], state}, call(Pid, "hello", []))
        end),
        with(echo, #{system => true}, fun(Pid) ->
            ?assertEqual({ok, [5], s},
                         hb_beamr:call(Pid, "via_i32", [1], fun(S, _, _) -> {ok, [5], S} end, s))
        end) end}
]).

interrupt_test_() -> timed([
    {"a running call; the instance stays", fun() ->
        with(spin, fun(Pid) ->
            [begin
                 Call = spawn_caller(fun() -> call(Pid, "spin", []) end),
                 eventually(fun() ->
                     {ok, #{state := State}} = hb_beamr:info(Pid),
                     State =:= running
                 end),
                 ?assertEqual(ok, hb_beamr:interrupt(Pid)),
                 failed(result(Call)),
                 ?assertEqual({ok, [42], state}, call(Pid, "mark", []))
             end || _ <- lists:seq(1, 10)]
        end) end},
    {"a call that waits", fun() ->
        with(waits, #{on_raise => keep}, fun(Pid) ->
            Test = self(),
            Wait = fun(S, _, _) -> Test ! {waiting, self()}, receive go_on -> {ok, [1], S} end end,
            Call = spawn_caller(fun() ->
                       Result = hb_beamr:call(Pid, "ask", [1], Wait, s),
                       nothing_arrived(),
                       Result
                   end),
            Handler = receive {waiting, H} -> H end,
            ?assertEqual(ok, hb_beamr:interrupt(Pid)),
            Handler ! go_on,
            failed(result(Call)),
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1]))
        end) end},
    {"by its own handler", fun() ->
        with(waits, #{on_raise => keep}, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) -> ok = hb_beamr:interrupt(P), {ok, [1], S} end,
            failed(ends(fun() -> hb_beamr:call(Pid, "ask", [1], Import, s) end)),
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1])),
            nothing_arrived()
        end) end},
    {"nothing: the next call is not hit", fun() ->
        with(spin, fun(Pid) ->
            [begin
                 ok = hb_beamr:interrupt(Pid),
                 ?assertEqual({ok, [42], state}, call(Pid, "mark", [])),
                 ?assertEqual({ok, [300000], state}, call(Pid, "count", [300000]))
             end || _ <- lists:seq(1, 10)]
        end) end}
]).

info_test_() -> timed([
    {"counts and lists", fun() ->
        with(pow_calculator, fun(Pid) ->
            {ok, #{calls := Calls, imports_answered := Answered}} = hb_beamr:info(Pid),
            {ok, [32], s} = hb_beamr:call(Pid, "pow", [2, 5],
                                          fun(S, #{args := [A, B]}, _) -> {ok, [A * B], S} end, s),
            {ok, Info} = hb_beamr:info(Pid),
            ?assertEqual(Calls + 1, maps:get(calls, Info)),
            ?assertEqual(Answered + 5, maps:get(imports_answered, Info)),
            ?assertMatch(#{state := idle, depth := 0, queued := 0}, Info),
            Hash = string:lowercase(binary:encode_hex(
                       crypto:hash(sha256, beamr_modules:module(pow_calculator)))),
            ?assertEqual(Hash, iolist_to_binary([maps:get(module, Info)])),
            ?assertMatch(#{imports := [#{kind := func, module := <<"my_lib">>, name := <<"mul">>,
                                         signature := <<"(ii)i">>}],
                           exports := [#{kind := func, name := <<"pow">>,
                                         signature := <<"(ii)i">>}]}, Info)
        end) end},
    {"memory", fun() ->
        with(bytes, fun(Pid) ->
            {ok, #{memory := Before}} = hb_beamr:info(Pid),
            {ok, [1], _} = call(Pid, "grow", [2]),
            {ok, #{memory := After}} = hb_beamr:info(Pid),
            ?assertEqual({?PAGE, 3 * ?PAGE}, {Before, After})
        end),
        with(two_memories, fun(Pid) ->
            ?assertMatch({ok, #{memory := ?PAGE, memories := [?PAGE, 2 * ?PAGE]}},
                         hb_beamr:info(Pid))
        end),
        with(test, fun(Pid) ->
            ?assertMatch({ok, #{memory := 0, memories := []}}, hb_beamr:info(Pid))
        end) end},
    {"while it runs, and waits", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P}, _) ->
                         {ok, Info} = hb_beamr:info(P),
                         {ok, [1], [{maps:get(state, Info), maps:get(depth, Info)} | S]}
                     end,
            ?assertEqual({ok, [2], [{waiting, 1}]}, hb_beamr:call(Pid, "ask", [1], Import, []))
        end),
        Pid = start(spin),
        Calls = [spawn_caller(fun() -> call(Pid, "spin", []) end) || _ <- [1, 2, 3]],
        eventually(fun() ->
            {ok, Info} = ends(fun() -> hb_beamr:info(Pid) end),
            maps:with([state, queued], Info) =:= #{state => running, queued => 2}
        end),
        stop(Pid),
        [failed(result(C)) || C <- Calls] end}
]).

owners_test_() -> timed([
    {"wrong ones are an error", fun() ->
        with(test, fun(Pid) ->
            [failed(ends(fun() -> hb_beamr:set_owner(Pid, Odd) end))
             || Odd <- [a, 1, "x", {}, self]],
            ?assertEqual(ok, hb_beamr:set_owner(Pid, self())),
            answers(Pid)
        end) end},
    {"the old one no longer counts", fun() ->
        Old = spawn(fun() -> receive stop -> ok end end),
        New = spawn(fun() -> receive stop -> ok end end),
        Pid = start(test, #{owner => Old}),
        ok = hb_beamr:set_owner(Pid, New),
        exit(Old, kill),
        gone(Old),
        timer:sleep(20),
        answers(Pid),
        exit(New, kill),
        gone(Pid) end}
]).

text_arguments_test_() -> timed([
    {"binaries and character lists", fun() ->
        [with(Module, fun(Pid) ->
            [?assertEqual({ok, [Length], state}, call(Pid, "length_of", [Text]))
             || {Length, Text} <- [{5, <<"Hello">>}, {5, "Hello"}, {0, <<>>}, {1, "a"},
                                   {3, [16#20ac]}, {2, [228]},
                                   {100000, binary:copy(<<"x">>, 100000)},
                                   {70000, lists:duplicate(70000, $y)}]],
            ?assertEqual({ok, [0], state}, call(Pid, "live", []))
         end) || Module <- [test_calling, calling_64]] end},
    {"maps are JSON", fun() ->
        with(test_calling, fun(Pid) ->
            {ok, P} = hb_beamr_io:malloc(Pid, 8), % so that nothing is reused
            [begin
                 {ok, [Length], state} = call(Pid, "length_of", [Map]),
                 ?assert(Length >= 2)
             end || Map <- [#{}, #{<<"a">> => 1}, #{a => true, b => false, c => null},
                            #{<<"list">> => [1, 2.5, <<"text">>, #{}, []]},
                            #{<<"deep">> => #{<<"deeper">> => [[[1]]]}}]],
            {ok, [At], state} = call(Pid, "same", [#{<<"key">> => [1, <<"v">>]}]),
            ?assertEqual({ok, <<"{\"key\":[1,\"v\"]}">>}, hb_beamr_io:read_string(Pid, At)),
            ok = hb_beamr_io:free(Pid, P)
        end) end},
    {"of a call that fails they are freed", fun() ->
        with(test_calling, fun(Pid) ->
            trapped("unreachable", call(Pid, "fails", [<<"text">>])),
            failed(call(Pid, "nothing", [<<"text">>])),
            ?assertEqual({ok, [0], state}, call(Pid, "live", []))
        end) end},
    {"of a module that cannot take them are an error", fun() ->
        with(numbers, fun(Pid) ->
            [failed(call(Pid, "text", [Text])) || Text <- [<<"text">>, "text", #{}]],
            failed(call(Pid, "f64", [<<"text">>]))
        end) end}
]).
