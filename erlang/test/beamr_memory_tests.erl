%%% Memory from outside: requirements 9 to 17.
-module(beamr_memory_tests).

-include("beamr_test.hrl").

-define(PAGE, 65536).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

read(Pid, Offset, Size) -> hb_beamr_io:read(Pid, Offset, Size).
write(Pid, Offset, Bytes) -> hb_beamr_io:write(Pid, Offset, Bytes).

r9_odd_offsets_and_sizes_are_errors_test_() -> timed([
    {"reads", fun() ->
        with(bytes, fun(Pid) ->
            [failed(read(Pid, Offset, Size))
             || {Offset, Size} <- [{-1, 10}, {0, -1}, {-1, -1}, {1 bsl 63 - 1, 10},
                                   {1 bsl 64 - 10, 20}, {10, 1 bsl 64 - 1}, {1 bsl 64, 1},
                                   {1, 1 bsl 64}, {1 bsl 70, 0}, {-(1 bsl 70), 1},
                                   {0, 1 bsl 63}, {1 bsl 63, 1 bsl 63}, {0, ?PAGE + 1},
                                   {?PAGE, 1}, {?PAGE - 1, 2}, {1 bsl 32, 1}]],
            answers(Pid)
        end) end},
    {"writes", fun() ->
        with(bytes, fun(Pid) ->
            [failed(write(Pid, Offset, <<"12345678">>))
             || Offset <- [-8, -1, -(1 bsl 63), 1 bsl 63 - 1, 1 bsl 64 - 4, 1 bsl 64, 1 bsl 70,
                           -(1 bsl 70), ?PAGE - 7, ?PAGE, 1 bsl 32]],
            ?assertEqual({ok, <<0:64>>}, read(Pid, ?PAGE - 8, 8))
        end) end},
    {"large writes", fun() ->
        with(bytes, fun(Pid) ->
            [failed(write(Pid, Offset, <<0:(Size * 8)>>))
             || Size <- [100000, 1000000], Offset <- [-8, 0, 1 bsl 63, 1 bsl 70]]
        end) end},
    {"strings", fun() ->
        with(bytes, fun(Pid) ->
            [failed(hb_beamr_io:read_string(Pid, Offset))
             || Offset <- [-1, ?PAGE, 1 bsl 63, 1 bsl 64, 1 bsl 70]]
        end) end},
    {"what are no numbers at all", fun() ->
        with(bytes, fun(Pid) ->
            [?assertMatch({error, _}, ends(fun() -> read(Pid, Offset, Size) end))
             || {Offset, Size} <- [{a, 1}, {0, b}, {1.0, 1}, {"0", 1}, {0, <<1>>}, {self(), 1},
                                   {0, [1 | 2]}, {#{}, {}}]],
            [?assertMatch({error, _}, ends(fun() -> write(Pid, 0, Bytes) end))
             || Bytes <- [a, 1, 1.5, {1}, [1 | a], [300], <<1:3>>, #{}, self()]],
            answers(Pid)
        end) end}
]).

r10_the_end_of_memory_test_() -> timed([
    {"nothing, at the end", fun() ->
        with(bytes, fun(Pid) ->
            ?assertEqual({ok, <<>>}, read(Pid, ?PAGE, 0)),
            ?assertEqual({ok, <<>>}, read(Pid, 0, 0)),
            ?assertEqual(ok, write(Pid, ?PAGE, <<>>)),
            ?assertEqual(ok, write(Pid, 0, <<>>))
        end) end},
    {"nothing, past the end", fun() ->
        with(bytes, fun(Pid) ->
            [failed(R) || R <- [read(Pid, ?PAGE + 1, 0), write(Pid, ?PAGE + 1, <<>>),
                                read(Pid, 1 bsl 63, 0), write(Pid, -1, <<>>)]]
        end) end},
    {"the last bytes", fun() ->
        with(bytes, fun(Pid) ->
            ?assertEqual(ok, write(Pid, ?PAGE - 3, <<"end">>)),
            ?assertEqual({ok, <<"end">>}, read(Pid, ?PAGE - 3, 3)),
            ?assertEqual({ok, [$d], state}, call(Pid, "get", [?PAGE - 1])),
            {ok, All} = read(Pid, 0, ?PAGE),
            ?assertEqual(?PAGE, byte_size(All))
        end) end},
    {"every size that is handled in another way", fun() ->
        with(large_memory, fun(Pid) ->
            [begin
                 Bytes = rand:bytes(Size),
                 ?assertEqual(ok, write(Pid, 3, Bytes)),
                 ?assertEqual({ok, Bytes}, read(Pid, 3, Size))
             end || Size <- [1, 8, 63, 64, 65, 255, 4095, 4096, 4097, 65535, 65536, 65537,
                             1 bsl 20, 1 bsl 24, 272 * ?PAGE - 3]]
        end) end},
    {"a piece of a binary, and iodata for strings", fun() ->
        with(large_memory, fun(Pid) ->
            <<_:7/binary, Part:100000/binary, _/binary>> = rand:bytes(100020),
            ?assertEqual(ok, write(Pid, 1, Part)),
            ?assertEqual({ok, Part}, read(Pid, 1, 100000))
        end) end}
]).

r11_without_memory_test_() -> timed([
    {"a module that has none", fun() ->
        with(no_memory, fun(Pid) ->
            [?assertMatch({error, _}, R)
             || R <- [hb_beamr_io:size(Pid), read(Pid, 0, 1), read(Pid, 0, 0),
                      write(Pid, 0, <<1>>), write(Pid, 0, <<>>), write(Pid, 0, <<0:800000>>),
                      hb_beamr_io:read_string(Pid, 0), hb_beamr_io:malloc(Pid, 1),
                      hb_beamr_io:write_string(Pid, "a"), hb_beamr:serialize(Pid),
                      hb_beamr:deserialize(Pid, <<1>>)]],
            answers(Pid)
        end) end},
    {"before it is initialised", fun() ->
        Client = beamr_plain_client:start(),
        [failed(beamr_plain_client:ask(Client, Command))
         || Command <- [{size}, {read, 0, 1}, {write, 0, <<1>>}, {call, "fac", [1]},
                        {indirect_call, 0, []}, {import_response, [1]}]],
        ?assertMatch({execution_result, [], [_]},
                     beamr_plain_client:ask(Client, {init, beamr_modules:module(test), wasm})),
        beamr_plain_client:stop(Client) end},
    {"while it is initialised", fun() ->
        Client = beamr_plain_client:start(),
        Spins = beamr_modules:module(start_spins),
        ok = beamr_plain_client:send(Client, {init, Spins, wasm}),
        ok = beamr_plain_client:send(Client, {read, 0, 1}),
        ok = beamr_plain_client:send(Client, {write, 0, <<1>>}),
        ok = beamr_plain_client:send(Client, {size}),
        ok = beamr_plain_client:send(Client, {call, "fac", [1]}),
        beamr_plain_client:stop(Client) end}
]).

r12_memory_is_consistent_test_() -> timed([
    {"a handler sees what the guest has written", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, #{instance := P, args := [Address]}, _) ->
                         {ok, <<N:32/little>>} = read(P, Address, 4),
                         ok = write(P, Address, <<(N * 2):32/little>>),
                         {ok, [0], [N | S]}
                     end,
            [?assertEqual({ok, [2 * N], [N]},
                          hb_beamr:call(Pid, "keep", [64, N], Import, [])) || N <- [1, 77, 100000]]
        end) end},
    {"others during a call see it before or after", fun() ->
        with(spin, fun(Pid) ->
            Reader = spawn_caller(fun() -> [pairs(Pid) || _ <- lists:seq(1, 200)] end),
            Calls = [spawn_caller(fun() -> call(Pid, "pair", [300000]) end)
                     || _ <- lists:seq(1, 4)],
            [?assertMatch({ok, [_], state}, result(C)) || C <- Calls],
            Seen = result(Reader),
            [?assert(Equal) || Equal <- Seen],
            ?assertEqual({ok, <<1200000:64/little>>}, read(Pid, 0, 8))
        end) end},
    {"writes during a call are not lost and tear nothing", fun() ->
        with(spin, fun(Pid) ->
            Word = fun(N) -> <<N:64/little, 0:(4088 * 8), N:64/little>> end,
            Call = spawn_caller(fun() -> call(Pid, "pair", [2000000]) end),
            [?assertMatch(ok, write(Pid, 0, Word(N))) || N <- lists:seq(1, 20)],
            ?assertMatch({ok, [2000000], state}, result(Call)),
            ?assert(pairs(Pid))
        end) end},
    {"others while a call waits are answered later, or refused", fun() ->
        with(waits, fun(Pid) ->
            Test = self(),
            Import = fun(S, #{instance := P, args := [Address]}, _) ->
                         Test ! {waiting, self()},
                         receive go_on -> ok end,
                         ok = write(P, Address, <<5:32/little>>),
                         {ok, [0], S}
                     end,
            Call = spawn_caller(fun() -> hb_beamr:call(Pid, "keep", [64, 1], Import, s) end),
            Handler = receive {waiting, P} -> P end,
            Other = spawn_caller(fun() -> read(Pid, 64, 4) end),
            Writer = spawn_caller(fun() -> write(Pid, 64, <<9:32/little>>) end),
            timer:sleep(20),
            Handler ! go_on,
            ?assertEqual({ok, [5], s}, result(Call)),
            case result(Other) of
                {ok, <<N:32/little>>} -> ?assert(lists:member(N, [5, 9]));
                Refused -> failed(Refused)
            end,
            case result(Writer) of ok -> ok; NotWritten -> failed(NotWritten) end
        end) end}
]).

pairs(Pid) ->
    {ok, <<A:8/binary, _:4088/binary, B:8/binary>>} = read(Pid, 0, 4104),
    A =:= B.

r13_deserialize_sets_the_whole_memory_test_() -> timed([
    {"what serialize gave", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, 100, <<"before">>),
            {ok, Memory} = hb_beamr:serialize(Pid),
            ?assertEqual(?PAGE, byte_size(Memory)),
            ok = write(Pid, 100, <<"after!">>),
            ?assertEqual(ok, hb_beamr:deserialize(Pid, Memory)),
            ?assertEqual({ok, <<"before">>}, read(Pid, 100, 6)),
            ?assertEqual({ok, Memory}, hb_beamr:serialize(Pid))
        end) end},
    {"a larger one grows it", fun() ->
        with(bytes, fun(Pid) ->
            Large = rand:bytes(3 * ?PAGE + 5),
            ?assertEqual(ok, hb_beamr:deserialize(Pid, Large)),
            ?assertEqual({ok, 4 * ?PAGE}, hb_beamr_io:size(Pid)),
            ?assertEqual({ok, Large}, read(Pid, 0, byte_size(Large))),
            ?assertEqual({ok, <<0:((?PAGE - 5) * 8)>>}, read(Pid, byte_size(Large), ?PAGE - 5))
        end) end},
    {"one beyond the limit is an error and changes nothing", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, 0, <<"stays">>),
            failed(hb_beamr:deserialize(Pid, <<1:((32 * ?PAGE + 1) * 8)>>)),
            ?assertEqual({ok, <<"stays">>}, read(Pid, 0, 5)),
            ?assertEqual({ok, ?PAGE}, hb_beamr_io:size(Pid))
        end) end},
    {"a smaller one zeroes the rest", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, 0, binary:copy(<<255>>, ?PAGE)),
            ?assertEqual(ok, hb_beamr:deserialize(Pid, <<"small">>)),
            ?assertEqual({ok, <<"small">>}, read(Pid, 0, 5)),
            ?assertEqual({ok, <<0:((?PAGE - 5) * 8)>>}, read(Pid, 5, ?PAGE - 5)),
            ?assertEqual(ok, hb_beamr:deserialize(Pid, <<>>)),
            ?assertEqual({ok, <<0:(?PAGE * 8)>>}, hb_beamr:serialize(Pid))
        end) end},
    {"what is no binary is an error", fun() ->
        with(bytes, fun(Pid) ->
            [?assertMatch({error, _}, ends(fun() -> hb_beamr:deserialize(Pid, B) end))
             || B <- [a, 1, {}, <<1:5>>, [a], self()]]
        end) end}
]).

r14_a_string_at_the_end_is_found_test_() -> timed([
    {"the NUL is the last byte", fun() ->
        with(bytes, fun(Pid) ->
            [begin
                 Text = binary:copy(<<"x">>, Length),
                 ok = write(Pid, ?PAGE - Length - 1, <<Text/binary, 0>>),
                 ?assertEqual({ok, Text}, hb_beamr_io:read_string(Pid, ?PAGE - Length - 1))
             end || Length <- [0, 1, 2, 6, 7, 8, 9, 15, 16, 100, 5000]]
        end) end},
    {"only the NUL is in memory", fun() ->
        with(bytes, fun(Pid) ->
            ?assertEqual({ok, <<>>}, hb_beamr_io:read_string(Pid, ?PAGE - 1))
        end) end},
    {"a string ends before the end", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, ?PAGE - 6, <<"ab", 0, "xyz">>),
            ?assertEqual({ok, <<"ab">>}, hb_beamr_io:read_string(Pid, ?PAGE - 6))
        end) end}
]).

r15_a_missing_nul_is_an_error_test_() -> timed([
    {"up to the end of memory", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, ?PAGE - 20, binary:copy(<<"x">>, 20)),
            [failed(hb_beamr_io:read_string(Pid, ?PAGE - N)) || N <- [1, 7, 8, 9, 20]]
        end) end},
    {"a length can be given", fun() ->
        with(bytes, fun(Pid) ->
            ok = write(Pid, 0, <<"0123456789", 0>>),
            ?assertEqual({ok, <<"0123456789">>}, hb_beamr_io:read_string(Pid, 0, 10)),
            ?assertEqual({ok, <<"0123456789">>}, hb_beamr_io:read_string(Pid, 0, 100000)),
            [failed(hb_beamr_io:read_string(Pid, 0, Max)) || Max <- [0, 1, 9]],
            [?assertMatch({error, _}, hb_beamr_io:read_string(Pid, 0, Max))
             || Max <- [-1, a, 1.5, []]]
        end) end},
    {"an option of start", fun() ->
        with(bytes, #{max_string => 5}, fun(Pid) ->
            ok = write(Pid, 0, <<"012345", 0>>),
            failed(hb_beamr_io:read_string(Pid, 0)),
            ?assertEqual({ok, <<"12345">>}, hb_beamr_io:read_string(Pid, 1))
        end) end},
    {"a mebibyte otherwise", fun() ->
        with(large_memory, fun(Pid) ->
            ok = write(Pid, 0, binary:copy(<<"x">>, (1 bsl 21) + 10)),
            ok = write(Pid, 1 bsl 20, <<0>>),
            {ok, Text} = hb_beamr_io:read_string(Pid, 0),
            ?assertEqual(1 bsl 20, byte_size(Text)),
            failed(hb_beamr_io:read_string(Pid, (1 bsl 20) + 1))
        end) end}
]).

r16_size_of_a_stopped_instance_test_() -> timed([
    {"is an error", fun() ->
        Pid = stopped(bytes),
        failed(ends(fun() -> hb_beamr_io:size(Pid) end)) end},
    {"also after the worker was killed", fun() ->
        Pid = start(bytes),
        exit(Pid, kill),
        gone(Pid),
        failed(ends(fun() -> hb_beamr_io:size(Pid) end)) end},
    {"everything else, too", fun() ->
        Pid = stopped(bytes),
        [failed(ends(Do))
         || Do <- [fun() -> hb_beamr_io:read(Pid, 0, 1) end,
                   fun() -> hb_beamr_io:write(Pid, 0, <<1>>) end,
                   fun() -> hb_beamr_io:write(Pid, 0, <<0:8000000>>) end,
                   fun() -> hb_beamr_io:read_string(Pid, 0) end,
                   fun() -> hb_beamr_io:write_string(Pid, "text") end,
                   fun() -> hb_beamr_io:malloc(Pid, 1) end,
                   fun() -> hb_beamr_io:free(Pid, 1) end,
                   fun() -> call(Pid, "get", [0]) end,
                   fun() -> hb_beamr:serialize(Pid) end,
                   fun() -> hb_beamr:deserialize(Pid, <<1>>) end,
                   fun() -> hb_beamr:snapshot(Pid) end,
                   fun() -> hb_beamr:restore(Pid, <<1>>) end,
                   fun() -> hb_beamr:interrupt(Pid) end,
                   fun() -> hb_beamr:info(Pid) end,
                   fun() -> hb_beamr:set_owner(Pid, self()) end]],
        ?assertEqual(ok, hb_beamr:stop(Pid)) end},
    {"and of what never was one", fun() ->
        [?assertMatch({error, _}, ends(fun() -> hb_beamr_io:size(NoPid) end))
         || NoPid <- [self(), whereis(init), spawn(fun() -> ok end), a, 1, "x", undefined]] end}
]).

r17_malloc_test_() -> timed([
    {"of a module without it is an error", fun() ->
        with(bytes, fun(Pid) ->
            ?assertMatch({error, _}, hb_beamr_io:malloc(Pid, 8)),
            ?assertMatch({error, _}, hb_beamr_io:free(Pid, 8)),
            ?assertMatch({error, _}, hb_beamr_io:write_string(Pid, "text")),
            answers(Pid)
        end) end},
    {"gives addresses without sign, of 32 bits", fun() ->
        with(high_32, fun(Pid) ->
            ?assertEqual({ok, 16#ffff0000}, hb_beamr_io:malloc(Pid, 8)),
            ?assertEqual(ok, hb_beamr_io:free(Pid, 16#ffff0000))
        end) end},
    {"and of 64", fun() ->
        with(high_64, fun(Pid) ->
            ?assertEqual({ok, (1 bsl 64) - (1 bsl 40)}, hb_beamr_io:malloc(Pid, 8)),
            ?assertEqual(ok, hb_beamr_io:free(Pid, (1 bsl 64) - (1 bsl 40)))
        end) end},
    {"which gives 0", fun() ->
        [with(Module, fun(Pid) ->
            ?assertEqual({error, malloc_failed}, hb_beamr_io:malloc(Pid, 128 bsl 20)),
            ?assertMatch({ok, P} when P > 0, hb_beamr_io:malloc(Pid, 100))
         end) || Module <- [test_calling, calling_64]] end},
    {"of odd sizes", fun() ->
        with(test_calling, fun(Pid) ->
            [?assertMatch({error, _}, ends(fun() -> hb_beamr_io:malloc(Pid, Size) end))
             || Size <- [-(1 bsl 40), 1 bsl 32, 1 bsl 70, a, 1.5, "x", <<>>]],
            ?assertMatch({ok, _}, hb_beamr_io:malloc(Pid, 0))
        end) end},
    {"strings in memory of 64 bits", fun() ->
        with(calling_64, fun(Pid) ->
            {ok, P} = hb_beamr_io:write_string(Pid, ["Hello", <<", ">>, [$W | "orld"]]),
            ?assertEqual({ok, <<"Hello, World">>}, hb_beamr_io:read_string(Pid, P)),
            ?assertEqual(ok, hb_beamr_io:free(Pid, P)),
            ?assertEqual({ok, [0], state}, call(Pid, "live", []))
        end) end}
]).
