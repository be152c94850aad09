%%% Snapshots: the complete state of an instance, and what becomes of odd ones.
-module(beamr_state_tests).

-include("beamr_test.hrl").

-define(PAGE, 65536).

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

value(Pid, Name, Args) ->
    {ok, Results, state} = call(Pid, Name, Args),
    Results.

%% Change everything that can change.
change(Pid) ->
    [] = value(Pid, "bump", []),
    [1] = value(Pid, "grow", [2]),
    [] = value(Pid, "put", [3 * ?PAGE - 1, 77]),
    ok = hb_beamr_io:write(Pid, 5, <<"text">>),
    [] = value(Pid, "set_dec", [0]),
    [] = value(Pid, "set_inc", [3]),
    [4] = value(Pid, "grow_table", [10]).

changed(Pid) ->
    ?assertEqual([8, 1 bsl 40 + 1, 0.75], value(Pid, "globals", [])),
    ?assertEqual({ok, 3 * ?PAGE}, hb_beamr_io:size(Pid)),
    ?assertEqual([77], value(Pid, "get", [3 * ?PAGE - 1])),
    ?assertEqual({ok, <<"text">>}, hb_beamr_io:read(Pid, 5, 4)),
    ?assertEqual([4], value(Pid, 0, [5])),
    ?assertEqual([6], value(Pid, 3, [5])),
    failed(call(Pid, 2, [5])),
    ?assertEqual([14], value(Pid, "table_length", [])).

fresh(Pid) ->
    ?assertEqual([7, 1 bsl 40, 0.5], value(Pid, "globals", [])),
    ?assertEqual({ok, ?PAGE}, hb_beamr_io:size(Pid)),
    ?assertEqual({ok, <<0:32>>}, hb_beamr_io:read(Pid, 5, 4)),
    ?assertEqual([6], value(Pid, 0, [5])),
    ?assertEqual([4], value(Pid, "table_length", [])).

snapshot(Pid) ->
    {ok, Snapshot} = hb_beamr:snapshot(Pid),
    ?assert(is_binary(Snapshot)),
    Snapshot.

snapshots_test_() -> timed([
    {"bring back globals, memory and tables", fun() ->
        with(state, fun(Pid) ->
            Fresh = snapshot(Pid),
            change(Pid),
            Changed = snapshot(Pid),
            changed(Pid),
            ?assertEqual(ok, hb_beamr:restore(Pid, Fresh)),
            fresh(Pid),
            ?assertEqual(ok, hb_beamr:restore(Pid, Changed)),
            changed(Pid),
            ?assertEqual(Changed, snapshot(Pid))
        end) end},
    {"into another instance of the same module", fun() ->
        Changed = with(state, fun(Pid) -> change(Pid), snapshot(Pid) end),
        with(state, fun(Pid) ->
            fresh(Pid),
            ?assertEqual(ok, hb_beamr:restore(Pid, Changed)),
            changed(Pid)
        end) end},
    {"goes on computing as if nothing had been", fun() ->
        with(pow_calculator, fun(Pid) ->
            Mul = fun(S, #{args := [A, B]}, _) -> {ok, [A * B], S} end,
            {ok, [4], s} = hb_beamr:call(Pid, "pow", [2, 2], Mul, s),
            Snapshot = snapshot(Pid),
            with(pow_calculator, fun(Other) ->
                ok = hb_beamr:restore(Other, Snapshot),
                ?assertEqual({ok, [4], s}, hb_beamr:call(Other, "pow", [2, 2], Mul, s))
            end)
        end) end},
    {"of modules without memory, with several, of 64 bits, large ones", fun() ->
        [with(Module, fun(Pid) ->
            Snapshot = snapshot(Pid),
            ?assertEqual(ok, hb_beamr:restore(Pid, Snapshot)),
            ?assertEqual(Snapshot, snapshot(Pid))
         end) || Module <- [test, two_memories, calling_64, invoke_32, table, every_other()]],
        with(large_memory, fun(Pid) ->
            Bytes = rand:bytes(16 bsl 20),
            ok = hb_beamr_io:write(Pid, 0, Bytes),
            Snapshot = snapshot(Pid),
            ok = hb_beamr_io:write(Pid, 0, <<0:(16 bsl 23)>>),
            ?assertEqual(ok, hb_beamr:restore(Pid, Snapshot)),
            ?assertEqual({ok, Bytes}, hb_beamr_io:read(Pid, 0, 16 bsl 20))
        end) end},
    {"the second memory, too", fun() ->
        with(two_memories, fun(Pid) ->
            [] = value(Pid, "put1", [100000, 9]),
            Snapshot = snapshot(Pid),
            [] = value(Pid, "put1", [100000, 1]),
            ok = hb_beamr:restore(Pid, Snapshot),
            ?assertEqual([9], value(Pid, "get1", [100000]))
        end) end},
    {"with the system's state", fun() ->
        with(test_print, #{system => true}, fun(Pid) ->
            [22] = value(Pid, "hello", []),
            Snapshot = snapshot(Pid),
            [22] = value(Pid, "hello", []),
            ?assertEqual(ok, hb_beamr:restore(Pid, Snapshot)),
            ?assertEqual([22], value(Pid, "hello", []))
        end) end}
]).

every_other() -> beamr_modules:importing(memory).

odd_snapshots_test_() -> timed([
    {"of another module are refused, and nothing changes", fun() ->
        Other = with(state_other, fun(Pid) -> change_other(Pid), snapshot(Pid) end),
        with(state, fun(Pid) ->
            failed(hb_beamr:restore(Pid, Other)),
            fresh(Pid)
        end) end},
    {"cut anywhere are refused", fun() ->
        with(test_small(), fun(Pid) ->
            Snapshot = snapshot(Pid),
            Size = byte_size(Snapshot),
            [failed(hb_beamr:restore(Pid, binary:part(Snapshot, 0, N)))
             || N <- lists:usort(lists:seq(0, min(Size - 1, 300)) ++ [Size div 2, Size - 1])],
            ?assertEqual(Snapshot, snapshot(Pid)),
            ?assertEqual(ok, hb_beamr:restore(Pid, Snapshot))
        end) end},
    {"with a byte changed are refused", fun() ->
        with(test_small(), fun(Pid) ->
            Snapshot = snapshot(Pid),
            [begin
                 <<A:At/binary, Byte, B/binary>> = Snapshot,
                 failed(hb_beamr:restore(Pid, <<A/binary, (Byte bxor 1), B/binary>>))
             end || At <- lists:seq(0, min(byte_size(Snapshot) - 1, 400))],
            ?assertEqual(Snapshot, snapshot(Pid))
        end) end},
    {"garbage, and what is no binary", fun() ->
        with(state, fun(Pid) ->
            [failed(ends(fun() -> hb_beamr:restore(Pid, Odd) end))
             || Odd <- [<<>>, <<"garbage">>, rand:bytes(100000), a, 1, [], {}, <<1:3>>]],
            fresh(Pid)
        end) end},
    {"with more behind are refused", fun() ->
        with(state, fun(Pid) ->
            Snapshot = snapshot(Pid),
            failed(hb_beamr:restore(Pid, <<Snapshot/binary, 0>>)),
            fresh(Pid)
        end) end}
]).

test_small() ->
    beamr_wasm:module([{global, i32, var, [{i32_const, 3}]}, {global, f64, var, [{f64_const, 0.5}]},
                       {func, f, [], [i32], [], [{global_get, 0}]}, {export, "f", func, f}]).

change_other(Pid) -> [] = value(Pid, "bump", []).

meanwhile_test_() -> timed([
    {"a call runs: it comes after", fun() ->
        with(state, fun(Pid) ->
            Call = spawn_caller(fun() -> call(Pid, "spin", []) end),
            eventually(fun() -> {ok, #{state := S}} = hb_beamr:info(Pid), S =:= running end),
            Taken = spawn_caller(fun() -> hb_beamr:snapshot(Pid) end),
            timer:sleep(10),
            ok = hb_beamr:interrupt(Pid),
            failed(result(Call)),
            ?assertMatch({ok, B} when is_binary(B), result(Taken))
        end) end},
    {"a call waits: its handler's restore is refused or done, the call ends", fun() ->
        with(waits, #{on_raise => keep}, fun(Pid) ->
            {ok, Snapshot} = hb_beamr:snapshot(Pid),
            Import = fun(S, #{instance := P}, _) ->
                         case hb_beamr:restore(P, Snapshot) of
                             ok -> ok;
                             Refused -> failed(Refused)
                         end,
                         {ok, [1], S}
                     end,
            case ends(fun() -> hb_beamr:call(Pid, "ask", [1], Import, s) end) of
                {ok, [2], s} -> ok;
                Error -> failed(Error)
            end,
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1]))
        end) end}
]).
