%%% Stopping, unloading and reloading with everything in use.
-module(beamr_reload_tests).

-include("beamr_test.hrl").

call(Pid, Name, Args) -> hb_beamr:call(Pid, Name, Args, fun hb_beamr:stub/3, state).

is_loaded() ->
    {ok, Names} = erl_ddll:loaded_drivers(),
    lists:member("hb_beamr", Names).

application_test_() -> timed([
    {"starts by itself, stops, starts again", fun() ->
        [begin
             with(test, fun beamr_test:answers/1),
             ?assert(is_loaded()),
             ?assertEqual(ok, application:stop(beamr)),
             eventually(fun() -> not is_loaded() end)
         end || _ <- lists:seq(1, 5)] end},
    {"stops with instances that run, wait and rest", fun() ->
        Before = bare_counts(),
        [begin
             Owner = spawn(fun() -> receive stop -> ok end end),
             Options = #{owner => Owner},
             Rest = [start(test, Options) || _ <- [1, 2, 3]],
             Runs = start(spin, Options),
             Waits = start(waits, Options),
             Test = self(),
             Import = fun(S, _, _) ->
                          Test ! {waiting, self()},
                          receive go_on -> {ok, [1], S} end
                      end,
             Call = spawn_caller(fun() -> call(Runs, "spin", []) end),
             Queued = [spawn_caller(fun() -> call(Runs, "mark", []) end) || _ <- [1, 2]],
             Ask = spawn_caller(fun() -> hb_beamr:call(Waits, "ask", [1], Import, s) end),
             Handler = receive {waiting, H} -> H end,
             ok = application:stop(beamr),
             failed(result(Call)),
             [case result(Q) of {ok, [42], state} -> ok; Error -> failed(Error) end || Q <- Queued],
             Handler ! go_on,
             failed(result(Ask)),
             [gone(Pid) || Pid <- [Runs, Waits | Rest]],
             failed(ends(fun() -> call(hd(Rest), "fac", [1]) end)),
             Owner ! stop
         end || _ <- lists:seq(1, 5)],
        nothing_arrived(),
        same_counts(Before),
        with(test, fun beamr_test:answers/1) end},
    {"its supervisor starts a killed registry again", fun() ->
        with(test, fun beamr_test:answers/1),
        exit(whereis(beamr_registry), kill),
        eventually(fun() ->
            case hb_beamr:start(beamr_modules:module(test)) of
                {ok, Pid, _, _} -> answers(Pid), stop(Pid), true;
                {error, _} -> false
            end
        end) end},
    {"a hundred start it at once", fun() ->
        _ = application:stop(beamr),
        Starts = [spawn_caller(fun() -> with(test, fun beamr_test:answers/1) end)
                  || _ <- lists:seq(1, 100)],
        [?assertEqual(ok, result(S)) || S <- Starts] end}
]).

%% Without the application, so that what is counted is only ours.
bare_counts() ->
    _ = application:stop(beamr),
    eventually(fun() -> not is_loaded() end),
    counts().

driver_test_() -> timed([
    {"is unloaded with calls that run and wait, and loaded again", fun() ->
        Before = bare_counts(),
        [begin
             ok = beamr_plain_client:load(),
             Clients = clients(fun beamr_plain_client:start_unloaded/1, commands()),
             ok = erl_ddll:unload_driver("hb_beamr"),
             eventually(fun() -> not is_loaded() end),
             [gone(Client) || Client <- Clients]
         end || _ <- lists:seq(1, 20)],
        flush(),
        same_counts(Before) end},
    {"is reloaded with calls that run and wait", fun() ->
        Before = bare_counts(),
        [begin
             ok = erl_ddll:load_driver(code:priv_dir(beamr), "hb_beamr"), % its ports may be killed
             Clients = clients(fun beamr_plain_client:start_unloaded/1, commands()),
             ok = erl_ddll:reload_driver(code:priv_dir(beamr), "hb_beamr"),
             [gone(Client) || Client <- Clients],
             flush(),
             {New, _, _} = beamr_plain_client:start_unloaded(beamr_modules:module(test)),
             ?assertEqual({execution_result, [120.0]},
                          beamr_plain_client:ask(New, {call, "fac", [5.0]})),
             beamr_plain_client:stop(New),
             ok = erl_ddll:unload_driver("hb_beamr"),
             eventually(fun() -> not is_loaded() end)
         end || _ <- lists:seq(1, 10)],
        same_counts(Before) end},
    {"goes with the last process that loaded it", fun() ->
        Before = bare_counts(),
        [begin
             Clients = clients(fun beamr_plain_client:start/1, commands()),
             [exit(Client, kill) || Client <- Clients],
             eventually(fun() -> not is_loaded() end)
         end || _ <- lists:seq(1, 20)],
        flush(),
        same_counts(Before) end},
    {"loaded twice, unloaded once, still works", fun() ->
        ok = beamr_plain_client:load(),
        ok = beamr_plain_client:load(),
        with(test, fun(Pid) ->
            _ = erl_ddll:unload("hb_beamr"),
            _ = erl_ddll:unload("hb_beamr"),
            answers(Pid)
        end) end},
    {"the application survives an unload by somebody else", fun() ->
        Pid = start(test),
        ends(fun() -> erl_ddll:load(code:priv_dir(beamr), "hb_beamr"),
                      erl_ddll:unload("hb_beamr") end),
        answers(Pid),
        stop(Pid) end}
]).

commands() ->
    [[{call, "spin", []}], [{call, "ask", [1]}], [], [{call, "spin", []}, {call, "inc", [1]}],
     [{call, "ask", [1]}, {call, "spin", []}]].

%% A client for each list of commands, which it has been sent. Not linked.
clients(Start, Lists) ->
    [begin
         {Client, _, _} = Start(beamr_modules:module(waits)),
         unlink(Client),
         [ok = beamr_plain_client:send(Client, Command) || Command <- Commands],
         Client
     end || Commands <- Lists].

flush() -> receive _ -> flush() after 20 -> ok end.

upgrade_test_() -> timed([
    {"the modules are loaded anew under running instances", fun() ->
        with(waits, fun(Pid) ->
            Import = fun(S, _, _) ->
                         [begin code:purge(M), {module, M} = code:load_file(M) end
                          || M <- [hb_beamr_io, hb_beamr, hb_beamr_worker, beamr_registry]],
                         {ok, [1], S}
                     end,
            ?assertEqual({ok, [2], s}, hb_beamr:call(Pid, "ask", [1], Import, s)),
            ?assertEqual({ok, [2], state}, call(Pid, "inc", [1])),
            ?assertEqual({ok, 65536}, hb_beamr_io:size(Pid))
        end) end}
]).
