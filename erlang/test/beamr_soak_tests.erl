%%% Does memory stay as it is? Each test does the same work twice; after each run all processes
%%% are collected, and in the second one the emulator grows by less than 5 MiB. Shorter unless
%%% BEAMR_LONG is set.
-module(beamr_soak_tests).

-include("beamr_test.hrl").

-define(LIMIT, (5 bsl 20)).

%% So many when it is long, a fiftieth otherwise.
times(N) -> case is_long() of true -> N; false -> N div 50 end.

twice(What, Run) ->
    Run(),
    settle(),
    Before = beamr_test:resident(),
    Run(),
    settle(),
    Growth = beamr_test:resident() - Before,
    case is_long() of
        true -> io:format(user, "note: soak: ~s: ~b KiB more after the second run~n",
                          [What, Growth div 1024]);
        false -> ok
    end,
    ?assert(Growth < ?LIMIT).

settle() ->
    timer:sleep(100),
    beamr_test:collect().

repeat(0, _) -> ok;
repeat(N, Do) -> Do(), repeat(N - 1, Do).

everything_test_() -> timed([
    {"calls, imports, reads, starts and stops", fun() ->
        Counts = fun() -> _ = application:ensure_all_started(beamr), counts() end,
        Before = Counts(),
        twice("all", fun() ->
            with(test, fun(Pid) ->
                repeat(times(1000000), fun() ->
                    {ok, [120.0]} = hb_beamr:call(Pid, "fac", [5.0])
                end)
            end),
            with(waits, fun(Pid) ->
                Ask = fun(S, #{args := Args}, _) -> {ok, Args, S} end,
                repeat(times(200000), fun() ->
                    {ok, [2], s} = hb_beamr:call(Pid, "ask", [1], Ask, s)
                end),
                repeat(times(90000), fun() -> {ok, <<_:64>>} = hb_beamr_io:read(Pid, 0, 8) end),
                repeat(times(10000), fun() -> {ok, _} = hb_beamr_io:read(Pid, 0, 65536) end)
            end),
            repeat(times(500), fun() -> with(test_calling, fun(_) -> ok end) end),
            repeat(times(500), fun() -> with(large_memory, fun touch/1) end)
        end),
        same_counts(Before) end}
]).

%% So that its pages are really there.
touch(Pid) ->
    {ok, [], s} = hb_beamr:call(Pid, "fill", [0, 255, 1 bsl 20], fun hb_beamr:stub/3, s).

others_test_() -> timed([
    {"errors, traps, text, long calls, handlers that raise", fun() ->
        twice("errors", fun() ->
            with(traps, #{on_raise => keep}, fun(Pid) ->
                Stub = fun hb_beamr:stub/3,
                Throw = fun(_, _, _) -> throw(x) end,
                repeat(times(100000), fun() ->
                    {error, _, s} = hb_beamr:call(Pid, "unreachable", [], Stub, s),
                    {error, _, s} = hb_beamr:call(Pid, "nothing", [], Stub, s),
                    {error, {invalid_args, _}} = hb_beamr:call(Pid, "load", [a], Stub, s),
                    {error, _} = hb_beamr_io:read(Pid, -1, 10),
                    {error, throw, x, _, s} = hb_beamr:call(Pid, "ask", [], Throw, s)
                end)
            end),
            with(test_calling, fun(Pid) ->
                Text = binary:copy(<<"x">>, 100),
                repeat(times(100000), fun() ->
                    {ok, [100]} = hb_beamr:call(Pid, "length_of", [Text])
                end),
                repeat(times(50000), fun() ->
                    {ok, P} = hb_beamr_io:write_string(Pid, Text),
                    {ok, Text} = hb_beamr_io:read_string(Pid, P),
                    ok = hb_beamr_io:free(Pid, P)
                end)
            end),
            with(spin, fun(Pid) ->
                repeat(times(2000), fun() ->
                    {ok, [100000]} = hb_beamr:call(Pid, "count", [100000])
                end)
            end)
        end) end},
    {"snapshots, restores and large writes", fun() ->
        twice("state", fun() ->
            with(large_memory, fun(Pid) ->
                repeat(times(1000), fun() ->
                    {ok, Snapshot} = hb_beamr:snapshot(Pid),
                    ok = hb_beamr:restore(Pid, Snapshot),
                    ok = hb_beamr_io:write(Pid, 0, <<1:(8 bsl 20)>>)
                end)
            end)
        end) end},
    {"starts of invalid modules, whose callers end", fun() ->
        Good = beamr_modules:module(waits),
        twice("invalid", fun() ->
            repeat(times(20000), fun() ->
                ends(fun() ->
                    Bad = binary:part(Good, 0, byte_size(Good) - rand:uniform(20)),
                    failed(hb_beamr:start(Bad)),
                    failed(hb_beamr:start(beamr_modules:module(start_traps)))
                end)
            end)
        end) end},
    {"the plain form", fun() ->
        ok = beamr_plain_client:load(),
        twice("plain", fun() ->
            {Client, _, _} = beamr_plain_client:start(beamr_modules:module(pow_calculator)),
            Mul = fun(_, _, [A, B], _) -> [A * B] end,
            repeat(times(50000), fun() ->
                {execution_result, [8]} = beamr_plain_client:call(Client, "pow", [2, 3], Mul)
            end),
            beamr_plain_client:stop(Client),
            repeat(times(2000), fun() ->
                {C, _, _} = beamr_plain_client:start(beamr_modules:module(bytes)),
                {execution_result, 65536} = beamr_plain_client:ask(C, {size}),
                beamr_plain_client:stop(C)
            end)
        end) end}
]).
