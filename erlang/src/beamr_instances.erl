%%% @doc Supervises the workers, one for each instance. None is started again: its state is gone.
-module(beamr_instances).
-behaviour(supervisor).

-export([start_link/0, init/1, start_worker/1]).

%% @doc Starts the supervisor, registered under the module's name.
-spec start_link() -> {ok, pid()} | {error, term()} | ignore.
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

%% @private
-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Worker = #{
        id => hb_beamr_worker,
        start => {hb_beamr_worker, start_link, []},
        restart => temporary,
        shutdown => 5000
    },
    {ok, {#{strategy => simple_one_for_one}, [Worker]}}.

%% @doc Starts a worker with an empty port: see {@link hb_beamr_worker:start_link/1}.
-spec start_worker(hb_beamr_worker:setup()) -> {ok, pid()} | {error, hb_beamr:text()}.
start_worker(Setup) ->
    try supervisor:start_child(?MODULE, [Setup]) of
        {ok, Pid} when is_pid(Pid) -> {ok, Pid};
        {error, {shutdown, {text, Text}}} -> {error, Text};
        Other -> failed(Other)
    catch
        exit:Reason -> failed(Reason)
    end.

-spec failed(term()) -> {error, hb_beamr:text()}.
failed(Reason) ->
    {error, lists:flatten(io_lib:format("the instance cannot be started: ~0tP", [Reason, 20]))}.
