%%% Whatever terms a program passes: an error as a value, never a crash or a wait for ever.
-module(beamr_input_tests).

-include("beamr_test.hrl").

%% Terms of all kinds; none of them is an argument that any function here takes.
odd() ->
    [a, {}, {1, 2}, self(), make_ref(), hd(erlang:ports()), fun() -> ok end, fun lists:map/2,
     <<1:3>>, [], [[]], [a], [1 | 2], [1, 2 | a], [[1 | 2]], [-1], [16#110000], [16#d800],
     [1.5], ["text", 1], 1 bsl 64, -(1 bsl 64), 1 bsl 100000, -(1 bsl 5000),
     #{a => self()}, #{a => {1}}, #{1 => 2}, #{"a" => 1}, #{<<255>> => 1}, #{<<"k">> => <<255>>},
     #{a => [1 | 2]}, #{a => 1, <<"a">> => 2}, #{a => fun() -> ok end}, #{a => nan},
     #{a => <<1:2>>}, #{{} => 1}, deep_map(1000), deep_list(1000)].

deep_map(0) -> 1;
deep_map(N) -> #{<<"k">> => deep_map(N - 1)}.

deep_list(0) -> a;
deep_list(N) -> [deep_list(N - 1)].

%% Numbers are arguments, whatever they stand for.
takes(Args) -> is_list(Args) andalso (catch lists:all(fun is_integer/1, Args)) =:= true.

call(Pid, F, Args) -> hb_beamr:call(Pid, F, Args, fun hb_beamr:stub/3, state).

arguments_test_() -> timed([
    {"that cannot be", fun() ->
        with(test_calling, fun(Pid) ->
            [begin
                 Result = ends(fun() -> call(Pid, "length_of", [Odd]) end),
                 ?assertMatch({Odd, error}, {Odd, element(1, Result)})
             end || Odd <- odd()],
            ?assertEqual({ok, [0], state}, call(Pid, "live", [])),
            nothing_arrived()
        end) end},
    {"are told as such, with the list", fun() ->
        with(numbers, fun(Pid) ->
            [?assertEqual({error, {invalid_args, Args}}, ends(fun() -> call(Pid, "i64", Args) end))
             || Args <- [[a], [{}], [self()], [make_ref()], [fun lists:map/2], [<<1:3>>], [[]],
                         [[a]], [1 | 2], [[1 | 2]], [1, 2 | 3], [[-1]],
                         [#{1 => 2}], [1, a], [a, 1], a, 1, {1}, <<1>>, #{}, self()]],
            ?assertEqual({ok, [1], state}, call(Pid, "i64", [1]))
        end) end},
    {"lists that are strange as a whole", fun() ->
        with(numbers, fun(Pid) ->
            [?assertMatch(error, element(1, ends(fun() -> call(Pid, F, Args) end)))
             || F <- ["i64", "nothing", 0], Args <- odd(), not takes(Args)],
            ?assertMatch({ok, [], state}, call(Pid, "nothing", []))
        end) end},
    {"very many", fun() ->
        with(numbers, fun(Pid) ->
            Add = fun(Args) -> ends(fun() -> call(Pid, "add", Args) end) end,
            [?assertMatch(error, element(1, Add(lists:duplicate(N, X))))
             || N <- [1000, 1001, 65536, 1000000], X <- [1, 1000, 1.5, <<"text">>]]
        end) end},
    {"call/3 raises", fun() ->
        with(numbers, fun(Pid) ->
            [?assertError(_, hb_beamr:call(Pid, "i64", [Odd])) || Odd <- [a, {}, [], self()]]
        end) end}
]).

functions_test_() -> timed([
    {"that are no names", fun() ->
        with(test_calling, fun(Pid) ->
            [?assertMatch(error, element(1, ends(fun() -> call(Pid, Odd, []) end)))
             || Odd <- odd()],
            answers(Pid)
        end) end},
    {"import functions that are none", fun() ->
        with(waits, fun(Pid) ->
            Ask = fun(Fun) -> ends(fun() -> hb_beamr:call(Pid, "ask", [1], Fun, s) end) end,
            [?assertMatch(error, element(1, Ask(Odd)))
             || Odd <- [a, 1, fun() -> ok end, fun(_) -> ok end, {}, undefined]]
        end) end}
]).

instances_test_() -> timed([
    {"that are none", fun() ->
        Dead = spawn(fun() -> ok end),
        gone(Dead),
        Stopped = stopped(test),
        Port = open_port({spawn, "cat"}, []),
        [begin
             Calls = [fun() -> call(Odd, "fac", [1]) end, fun() -> hb_beamr:serialize(Odd) end,
                      fun() -> hb_beamr:deserialize(Odd, <<1>>) end,
                      fun() -> hb_beamr:snapshot(Odd) end,
                      fun() -> hb_beamr:restore(Odd, <<1>>) end,
                      fun() -> hb_beamr:interrupt(Odd) end, fun() -> hb_beamr:info(Odd) end,
                      fun() -> hb_beamr:set_owner(Odd, self()) end,
                      fun() -> hb_beamr_io:size(Odd) end, fun() -> hb_beamr_io:read(Odd, 0, 1) end,
                      fun() -> hb_beamr_io:write(Odd, 0, <<1>>) end,
                      fun() -> hb_beamr_io:read_string(Odd, 0) end,
                      fun() -> hb_beamr_io:read_string(Odd, 0, 10) end,
                      fun() -> hb_beamr_io:write_string(Odd, "a") end,
                      fun() -> hb_beamr_io:malloc(Odd, 1) end,
                      fun() -> hb_beamr_io:free(Odd, 1) end],
             [?assertMatch({Odd, error}, {Odd, element(1, ends(Call))}) || Call <- Calls],
             Stop = ends(fun() -> hb_beamr:stop(Odd) end),
             ?assert(Stop =:= ok orelse element(1, Stop) =:= error),
             Send = ends(fun() -> hb_beamr:wasm_send(Odd, {command, term_to_binary({size})}) end),
             ?assert(Send =:= ok orelse element(1, Send) =:= error)
         end || Odd <- [Dead, Stopped, self(), a, 1, "text", <<"b">>, {}, [], make_ref(), Port,
                        whereis(kernel_sup), #{}]],
        port_close(Port) end},
    {"processes that are none get no harm or odd messages", fun() ->
        Bystander = spawn(fun() ->
            receive {report, To} -> To ! {mailbox, process_info(self(), message_queue_len)} end
        end),
        _ = ends(fun() -> hb_beamr:stop(Bystander) end),
        _ = ends(fun() -> call(Bystander, "fac", [1]) end),
        ?assert(is_process_alive(Bystander)),
        Bystander ! {report, self()},
        ?assertEqual({mailbox, {message_queue_len, 0}}, receive M -> M after 5000 -> none end) end}
]).

wasm_send_test_() -> timed([
    {"passes the plain form on; answers come to the last who sent", fun() ->
        with(waits, fun(Pid) ->
            Ask = fun(Command) ->
                      ok = hb_beamr:wasm_send(Pid, {command, term_to_binary(Command)}),
                      receive Answer -> Answer after 10000 -> nothing end
                  end,
            ?assertEqual({execution_result, [2]}, Ask({call, "inc", [1]})),
            ?assertEqual({execution_result, 65536}, Ask({size})),
            ?assertMatch({import, "host", "ask", [5], "(i)i"}, Ask({call, "ask", [5]})),
            ?assertEqual({execution_result, [8]}, Ask({import_response, [7]})),
            failed(Ask({nothing})),
            ?assertEqual({execution_result, [4]}, ends(fun() -> Ask({call, "inc", [3]}) end)),
            nothing_arrived(),
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1]))
        end) end},
    {"odd messages", fun() ->
        with(test, fun(Pid) ->
            [?assertMatch({error, _}, ends(fun() -> hb_beamr:wasm_send(Pid, Odd) end))
             || Odd <- [a, {command, a}, {command, "text"}, {command, <<1:3>>}, {}, <<"x">>]],
            answers(Pid)
        end) end},
    {"odd messages straight to the worker", fun() ->
        with(test, fun(Pid) ->
            [Pid ! Odd || Odd <- [a, {}, {command, <<1>>}, {wasm_send, a, b},
                                  {wasm_send, self(), a}, {make_ref(), {ok, [1]}},
                                  {'EXIT', self(), normal}, {error, "x"},
                                  {wasm_send, self(), {command, "no binary"}},
                                  {'DOWN', make_ref(), process, self(), x}, {self(), close},
                                  {self(), {command, <<1>>}}, {ok, [1]}, {execution_result, [1]}]],
            timer:sleep(10),
            answers(Pid)
        end) end},
    {"stop straight to the worker", fun() ->
        Pid = start(test),
        Pid ! stop,
        gone(Pid) end}
]).
