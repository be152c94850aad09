%%% Starting, stopping and what is left: requirements 18 to 23. Requirements 20 and 21 in a short
%%% form; beamr_soak_tests has the long one.
-module(beamr_life_tests).

-include("beamr_test.hrl").

-define(MIB, (1 bsl 20)).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

r18_without_driver_start_is_an_error_test_() -> timed([
    {"there is none", fun() -> without_driver(none) end},
    {"it is no library", fun() -> without_driver(<<"this is not a library\n">>) end}
]).

%% An emulator of its own, with the application's modules but not its driver.
without_driver(Driver) ->
    Name = ["beamr_", os:getpid(), "_", integer_to_list(rand:uniform(1 bsl 40))],
    Folder = filename:join(os:getenv("TMPDIR", "/tmp"), lists:append(Name)),
    Application = filename:join(Folder, "beamr"),
    try
        ok = filelib:ensure_dir(filename:join([Application, "priv", "x"])),
        ok = filelib:ensure_dir(filename:join([Application, "ebin", "x"])),
        [{ok, _} = file:copy(File, filename:join([Application, "ebin", filename:basename(File)]))
         || File <- filelib:wildcard(filename:join([code:lib_dir(beamr), "ebin", "*"]))],
        [ok = file:write_file(filename:join([Application, "priv", "hb_beamr.so"]), Driver)
         || is_binary(Driver)],
        Code = "io:format(\"~0p.\", [{result, hb_beamr:start(<<0,97,115,109,1,0,0,0>>)}]), halt().",
        Output = os:cmd("ERL_LIBS= erl -noshell -kernel logger_level none -pa '"
                        ++ filename:join(Application, "ebin") ++ "' -eval '" ++ Code ++ "'"),
        {ok, Tokens, _} = erl_scan:string(Output),
        {ok, {result, Result}} = erl_parse:parse_term(Tokens),
        failed(Result)
    after
        file:del_dir_r(Folder)
    end.

r19_stop_interrupts_test_() -> timed([
    {"a running loop", fun() ->
        Pid = start(spin),
        Call = spawn_caller(fun() -> call(Pid, "spin", []) end),
        timer:sleep(30),
        stop(Pid),
        failed(result(Call)) end},
    {"everyone who waits gets an error", fun() ->
        Pid = start(spin),
        Calls = [spawn_caller(fun() -> call(Pid, Name, []) end)
                 || Name <- ["spin", "spin", "mark", "mark"]],
        Reads = [spawn_caller(fun() -> hb_beamr_io:read(Pid, 0, Size) end)
                 || Size <- [1, 5000, 65536]],
        Sizes = [spawn_caller(fun() -> hb_beamr_io:size(Pid) end)],
        timer:sleep(30),
        stop(Pid),
        %% Those that came before the endless loop began had their turn.
        [case result(C) of
             {ok, _} -> ok; {ok, _, _} -> ok;
             Stopped -> failed(Stopped)
         end || C <- tl(Calls) ++ Reads ++ Sizes],
        failed(result(hd(Calls))) end},
    {"a call that waits for an import", fun() ->
        Pid = start(waits),
        Test = self(),
        Import = fun(S, _, _) -> Test ! {waiting, self()}, receive go_on -> {ok, [1], S} end end,
        Call = spawn_caller(fun() -> hb_beamr:call(Pid, "ask", [1], Import, s) end),
        Handler = receive {waiting, P} -> P end,
        Other = spawn_caller(fun() -> hb_beamr:call(Pid, "inc", [1]) end),
        timer:sleep(10),
        stop(Pid),
        {P2, M2} = Other,
        receive {'DOWN', M2, process, P2, Reason} -> ?assertNotMatch({value, {ok, [2]}}, Reason)
        after 10000 -> error(waits_on)
        end,
        Handler ! go_on,
        failed(result(Call)) end},
    {"from an import handler", fun() ->
        Pid = start(waits),
        Import = fun(S, #{instance := P}, _) -> ok = hb_beamr:stop(P), {ok, [1], S} end,
        failed(ends(fun() -> hb_beamr:call(Pid, "ask", [1], Import, s) end)),
        gone(Pid) end},
    {"twice, and at once by many", fun() ->
        Pid = start(spin),
        Call = spawn_caller(fun() -> call(Pid, "spin", []) end),
        Stops = [spawn_caller(fun() -> hb_beamr:stop(Pid) end) || _ <- lists:seq(1, 20)],
        [?assertEqual(ok, result(Stop)) || Stop <- Stops],
        gone(Pid),
        failed(result(Call)),
        ?assertEqual(ok, hb_beamr:stop(Pid)) end},
    {"a start function that does not end, by its time", fun() ->
        failed(ends(fun() ->
            hb_beamr:start(beamr_modules:module(start_spins), wasm, #{time => 50})
        end)) end}
]).

r20_memory_stays_test_() -> timed([
    {"calls, reads and import round trips", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, _, _) -> {ok, [1], S} end,
            Round = fun() ->
                repeat(times(100000), fun() ->
                    {ok, [2], s} = hb_beamr:call(Pid, "inc", [1], Import, s),
                    {ok, [2], s} = hb_beamr:call(Pid, "ask", [1], Import, s),
                    {ok, <<_:64>>} = hb_beamr_io:read(Pid, 0, 8)
                end),
                repeat(times(5000), fun() ->
                    {ok, _} = hb_beamr_io:read(Pid, 0, 20000),
                    {error, _, s} = hb_beamr:call(Pid, "fail", [], Import, s)
                end)
            end,
            Round(),
            grows_less(1 * ?MIB, Round)
        end) end},
    {"start and stop", fun() ->
        Round = fun() -> repeat(times(1000), fun() -> with(waits, fun(_) -> ok end) end) end,
        Round(),
        grows_less(10 * ?MIB, Round) end}
]).

times(N) -> case is_long() of true -> N; false -> N div 10 end.

repeat(0, _) -> ok;
repeat(N, Do) -> Do(), repeat(N - 1, Do).

%% The emulator itself moves by some MiB when a run is short.
grows_less(Bytes, Round) ->
    beamr_test:collect(),
    Before = beamr_test:resident(),
    Round(),
    beamr_test:collect(),
    Limit = case is_long() of true -> Bytes; false -> max(Bytes, 5 * ?MIB) end,
    ?assert(beamr_test:resident() - Before < Limit).

r21_failed_starts_leave_nothing_test_() -> timed([
    {"and the caller ends", fun() ->
        _ = application:ensure_all_started(beamr),
        Good = beamr_modules:module(pow_calculator),
        Bad = [<<>>, <<0, "asm">>, <<0, "asm", 2, 0, 0, 0>>, <<"garbage">>, rand:bytes(1000),
               binary:part(Good, 0, byte_size(Good) - 1), <<Good/binary, 1, 2, 3>>,
               binary:replace(Good, <<16#6b>>, <<16#6c, 16#6c>>),
               beamr_modules:importing(global), beamr_modules:module(start_traps)],
        Once = fun() ->
                   ends(fun() -> [failed(hb_beamr:start(B)) || B <- Bad] end)
               end,
        Once(),
        Before = counts(),
        [Once() || _ <- lists:seq(1, 20)],
        same_counts(Before),
        nothing_arrived() end},
    {"a byte is wrong anywhere", fun() ->
        Good = beamr_modules:module(waits),
        [begin
             <<A:At/binary, Byte, B/binary>> = Good,
             Bad = <<A/binary, (Byte bxor 16#55), B/binary>>,
             case hb_beamr:start(Bad, wasm, #{time => 1000}) of
                 {ok, Pid, _, _} -> stop(Pid);
                 Error -> failed(Error)
             end
         end || At <- lists:seq(0, byte_size(Good) - 1)] end},
    {"what is no module at all", fun() ->
        [?assertMatch({error, _}, ends(fun() -> hb_beamr:start(Odd) end))
         || Odd <- [a, 1, "", "text", {}, #{}, self(), <<1:7>>, [1 | 2], fun() -> ok end]],
        Fac = beamr_modules:module(test),
        [?assertMatch({error, _}, ends(fun() -> hb_beamr:start(Fac, Mode) end))
         || Mode <- [jit, "wasm", 1, <<"wasm">>, {wasm}]],
        {ok, Pid, [], [_]} = hb_beamr:start(Fac, aot),
        answers(Pid),
        stop(Pid) end}
]).

r22_the_instance_goes_with_its_owner_test_() -> timed([
    {"which is whoever started it", fun() ->
        _ = application:ensure_all_started(beamr),
        Before = counts(),
        [begin
             {Owner, Monitor} = spawn_monitor(fun() -> exit({started, start(test)}) end),
             Pid = receive {'DOWN', Monitor, process, Owner, {started, P}} -> P end,
             gone(Pid)
         end || _ <- lists:seq(1, 20)],
        same_counts(Before) end},
    {"killed in a call", fun() ->
        Before = counts(),
        Test = self(),
        Owner = spawn(fun() ->
            Pid = start(spin),
            Test ! {started, Pid},
            call(Pid, "spin", [])
        end),
        Pid = receive {started, P} -> P end,
        timer:sleep(10),
        exit(Owner, kill),
        gone(Pid),
        same_counts(Before) end},
    {"killed while it starts one", fun() ->
        Before = counts(),
        Spins = beamr_modules:module(start_spins),
        Owners = [spawn(fun() -> hb_beamr:start(Spins) end) || _ <- lists:seq(1, 10)],
        timer:sleep(20),
        [exit(Owner, kill) || Owner <- Owners],
        same_counts(Before),
        with(test, fun beamr_test:answers/1) end},
    {"unless it was handed over", fun() ->
        Pid = ends(fun() -> P = start(test), ok = hb_beamr:set_owner(P, none), P end),
        timer:sleep(20),
        answers(Pid),
        stop(Pid) end},
    {"to another process", fun() ->
        Heir = spawn(fun() -> receive stop -> ok end end),
        Pid = ends(fun() -> P = start(test), ok = hb_beamr:set_owner(P, Heir), P end),
        timer:sleep(20),
        answers(Pid),
        Heir ! stop,
        gone(Pid) end},
    {"or has no owner from the start, or another one", fun() ->
        Free = ends(fun() -> start(test, #{owner => none}) end),
        Heir = spawn(fun() -> receive stop -> ok end end),
        Others = ends(fun() -> start(test, #{owner => Heir}) end),
        timer:sleep(20),
        answers(Free),
        stop(Free),
        answers(Others),
        Heir ! stop,
        gone(Others) end},
    {"an owner that is dead already", fun() ->
        Dead = spawn(fun() -> ok end),
        gone(Dead),
        case hb_beamr:start(beamr_modules:module(test), wasm, #{owner => Dead}) of
            {ok, Pid, _, _} -> gone(Pid);
            Error -> failed(Error)
        end,
        Handed = start(test),
        case hb_beamr:set_owner(Handed, Dead) of
            ok -> gone(Handed);
            Refused -> failed(Refused), stop(Handed)
        end end},
    {"a caller who is no owner changes nothing by its end", fun() ->
        with(test, fun(Pid) ->
            [ends(fun() -> answers(Pid) end) || _ <- lists:seq(1, 10)],
            answers(Pid)
        end) end}
]).

r23_commands_are_checked_test_() -> timed([
    {"a second init", fun() ->
        plain(fun(Client) ->
            [failed(beamr_plain_client:ask(Client, {init, Again, wasm}))
             || Again <- [beamr_modules:module(test), <<"garbage">>]]
        end) end},
    {"a wrong number of things", fun() ->
        plain(fun(Client) ->
            [failed(beamr_plain_client:ask(Client, Command))
             || Command <- [{init}, {init, <<>>}, {init, <<>>, wasm, 1}, {call}, {call, "fac"},
                            {call, "fac", [1], 1}, {indirect_call}, {indirect_call, 1},
                            {import_response}, {import_response, [1], 2}, {write}, {write, 0},
                            {write, 0, <<1>>, 2}, {read}, {read, 0}, {read, 0, 1, 2}, {size, 1},
                            {}, {nothing}, {stop}, size, "size", [], 1, 1.5, <<>>, #{}, self()]]
        end) end},
    {"things of a wrong kind", fun() ->
        plain(fun(Client) ->
            [failed(beamr_plain_client:ask(Client, Command))
             || Command <- [{"call", "fac", [1]}, {call, 1, [1]}, {call, {}, [1]},
                            {call, "fac", 1}, {call, "fac", {1}}, {call, "fac", <<1>>},
                            {call, "fac", [1 | 2]}, {call, ["fac"], [1]}, {read, a, 1},
                            {read, 0, b}, {read, 1.0, 2.0}, {write, 0, "text"}, {write, a, <<1>>},
                            {indirect_call, a, []}, {indirect_call, -1, []},
                            {import_response, a}, {import_response, [1 | 2]}]]
        end) end},
    {"terms that cannot be decoded", fun() ->
        plain(fun(Client) ->
            Good = term_to_binary({call, "fac", [5.0]}),
            [failed(beamr_plain_client:ask_raw(Client, Bytes))
             || Bytes <- [<<>>, <<0>>, <<131>>, <<130, 104, 0>>, <<131, 104>>, <<131, 255>>,
                          rand:bytes(100), term_to_binary({call, "fac", lists:seq(1, 1000)},
                                                          [compressed]),
                          <<131, 108, 16#ffffffff:32>>, <<131, 105, 16#ffffffff:32>>,
                          <<131, 109, 16#ffffffff:32>>, <<131, 116, 16#ffffffff:32>>,
                          <<131, 104, 2, 100, 4:16, "size">>]],
            %% what looks like the form with references, and has none
            Size = term_to_binary({size}),
            [failed(beamr_plain_client:ask_raw(Client, <<"BMR", Op, Bytes/binary>>))
             || Op <- [1, 6, 99],
                Bytes <- [<<0:32>>, <<255, 255, 255, 255>>, <<4:32, "text">>,
                          <<(byte_size(Size)):32, Size/binary>>]],
            %% every beginning of a command, and what follows too much
            [failed(beamr_plain_client:ask_raw(Client, binary:part(Good, 0, N)))
             || N <- lists:seq(0, byte_size(Good) - 1)]
        end) end},
    {"nested deeply", fun() ->
        plain(fun(Client) ->
            Deep = <<131, 104, 3, (atom_bytes(call))/binary, 107, 3:16, "fac",
                     (binary:copy(<<108, 1:32>>, 1000000))/binary>>,
            failed(beamr_plain_client:ask_raw(Client, Deep)),
            Nest = lists:foldl(fun(_, T) -> [T] end, [], lists:seq(1, 100000)),
            failed(beamr_plain_client:ask(Client, {call, "fac", Nest}))
        end) end}
]).

atom_bytes(Atom) ->
    <<131, Bytes/binary>> = term_to_binary(Atom),
    Bytes.

%% With a client whose port still works afterwards.
plain(Fun) ->
    {Client, [], [_]} = beamr_plain_client:start(beamr_modules:module(test)),
    Fun(Client),
    ?assertEqual({execution_result, [120.0]},
                 beamr_plain_client:ask(Client, {call, "fac", [5.0]})),
    nothing_arrived(),
    beamr_plain_client:stop(Client).
