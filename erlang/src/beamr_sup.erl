%%% @doc Supervises the registry, and below it all instances: they cannot be without it.
-module(beamr_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

%% @doc Starts the supervisor, registered under the module's name.
-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    case supervisor:start_link({local, ?MODULE}, ?MODULE, []) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> {error, Reason};
        ignore -> {error, ignore}
    end.

%% @private
-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Flags = #{strategy => rest_for_one, intensity => 5, period => 10},
    Registry = #{
        id => beamr_registry,
        start => {beamr_registry, start_link, []},
        shutdown => 15000 % it waits for the driver to be unloaded
    },
    Instances = #{
        id => beamr_instances,
        start => {beamr_instances, start_link, []},
        type => supervisor
    },
    {ok, {Flags, [Registry, Instances]}}.
