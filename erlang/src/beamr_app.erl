%%% @doc The application `beamr'. Starting it loads the driver; stopping it stops all instances
%%% and unloads the driver, so that another version of both can be started.
%%% Its environment holds defaults of the options of {@link hb_beamr:start/3}.
-module(beamr_app).
-behaviour(application).

-export([start/2, stop/1, ensure_started/0, start_and_leave/0]).

%% @doc Starts the supervisor.
-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    beamr_sup:start_link().

%% @doc Nothing is left to be done: the supervisor has ended by now.
-spec stop(term()) -> ok.
stop(_State) ->
    ok.

%% @doc Starts what is needed, if it is not running. Where the modules stand in another
%% application, and `beamr.app' is nowhere, this is the supervisor without the application.
-spec ensure_started() -> ok | {error, hb_beamr:text()}.
ensure_started() ->
    case whereis(beamr_instances) of
        undefined -> start_application();
        _ -> ok
    end.

-spec start_application() -> ok | {error, hb_beamr:text()}.
start_application() ->
    case application:ensure_all_started(beamr) of
        {ok, []} -> start_alone(); % it runs as an application that is included in another
        {ok, _} -> ok;
        {error, {beamr, {"no such file or directory", _}}} -> start_alone();
        {error, Reason} -> failed(Reason)
    end.

%% The supervisor must outlive this process, and must not write to a terminal of its.
-spec start_alone() -> ok | {error, hb_beamr:text()}.
start_alone() ->
    {Pid, Monitor} = spawn_monitor(?MODULE, start_and_leave, []),
    receive
        {'DOWN', Monitor, process, Pid, normal} -> ok;
        {'DOWN', Monitor, process, Pid, Reason} -> failed(Reason)
    end.

%% @private
-spec start_and_leave() -> ok.
start_and_leave() ->
    group_leader(whereis(init), self()),
    case beamr_sup:start_link() of
        {ok, Pid} ->
            true = unlink(Pid),
            ok;
        {error, {already_started, _}} ->
            ok;
        {error, Reason} ->
            exit(Reason)
    end.

-spec failed(term()) -> {error, hb_beamr:text()}.
failed(Reason) ->
    {error, lists:flatten(io_lib:format("beamr cannot be started: ~0tP", [Reason, 20]))}.
