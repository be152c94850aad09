%%% @doc Knows all instances, and holds the driver.
%%%
%%% A table maps the pid of an instance to its port, so that callers reach the driver themselves,
%%% without a message to anybody. Workers enter themselves, and this process removes them when
%%% they have ended; a row without a pid says that the driver is loaded.
%%%
%%% This process loads the driver and lives as long as the application does, hence so does the
%%% driver. One that cannot be loaded does not keep the application from running: whoever starts
%%% an instance is told, and it is tried again.
-module(beamr_registry).
-behaviour(gen_server).

-export([start_link/0, add/4, port/1, entry/1, count/0, load/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

-include_lib("kernel/include/logger.hrl").

-define(DRIVER, "hb_beamr").
-define(UNLOAD_MS, 10000).

-record(state, {}).

%% @doc Starts the registry, registered under the module's name.
-spec start_link() -> {ok, pid()} | {error, term()} | ignore.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% @doc Makes an instance known until its worker ends; called by that.
-spec add(pid(), port(), MaxString :: pos_integer(), OnRaise :: stop | keep) -> ok.
add(Worker, Port, MaxString, OnRaise) ->
    ok = gen_server:cast(?MODULE, {watch, Worker}), % first: nothing is left if it is killed now
    true = ets:insert(?MODULE, {Worker, Port, MaxString, OnRaise}),
    ok.

%% @doc The port of an instance. Anything may be asked for.
-spec port(term()) -> port() | undefined.
port(Worker) ->
    try
        ets:lookup_element(?MODULE, Worker, 2)
    catch
        error:badarg -> undefined
    end.

%% @doc Its port and options. Anything may be asked for.
-spec entry(term()) -> {port(), MaxString :: pos_integer(), OnRaise :: stop | keep} | undefined.
entry(Worker) ->
    try ets:lookup(?MODULE, Worker) of
        [{_, Port, MaxString, OnRaise}] -> {Port, MaxString, OnRaise};
        _ -> undefined
    catch
        error:badarg -> undefined
    end.

%% @doc How many instances there are.
-spec count() -> non_neg_integer().
count() ->
    case ets:info(?MODULE, size) of
        undefined -> 0;
        Size -> Size - length(ets:lookup(?MODULE, ?DRIVER))
    end.

%% @doc Loads the driver, if it is not loaded yet.
-spec load() -> ok | {error, hb_beamr:text()}.
load() ->
    try
        is_loaded() orelse gen_server:call(?MODULE, load, infinity)
    of
        true -> ok;
        Answer -> Answer
    catch
        _:_ -> {error, "beamr is not running"}
    end.

%% Without the table, which anybody could delete, the registry is to find that out, and to begin anew.
-spec is_loaded() -> boolean().
is_loaded() ->
    try
        ets:member(?MODULE, ?DRIVER)
    catch
        error:badarg -> false
    end.

%% @private
-spec init([]) -> {ok, #state{}}.
init([]) ->
    process_flag(trap_exit, true), % terminate/2 unloads the driver
    ?MODULE = ets:new(?MODULE, [named_table, public, {read_concurrency, true}]),
    _ = [?LOG_WARNING("beamr: ~ts", [Text]) || {error, Text} <- [load_driver()]],
    {ok, #state{}}.

%% @private
-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call(load, _From, State) ->
    {reply, load_driver(), State};
handle_call(_, _From, State) ->
    {reply, {error, "unknown request"}, State}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast({watch, Worker}, State) ->
    _ = monitor(process, Worker),
    {noreply, State};
handle_cast(_, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}}.
handle_info({'DOWN', _, process, Worker, _}, State) ->
    true = ets:delete(?MODULE, Worker),
    {noreply, State};
handle_info(_, State) ->
    {noreply, State}.

%% @private
-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, _State) ->
    case ets:member(?MODULE, ?DRIVER) of
        true -> unload_driver();
        false -> ok
    end.

%% @private
-spec code_change(term(), #state{}, term()) -> {ok, #state{}}.
code_change(_Old, State, _Extra) ->
    {ok, State}.

%%% The driver

-spec load_driver() -> ok | {error, hb_beamr:text()}.
load_driver() ->
    case ets:member(?MODULE, ?DRIVER) of
        true -> ok;
        false -> find_driver()
    end.

-spec find_driver() -> ok | {error, hb_beamr:text()}.
find_driver() ->
    Folders = folders(),
    case [Folder || Folder <- Folders, has_driver(Folder)] of
        [] -> text("the driver's file is missing; looked for ~ts in: ~ts", [
            ?DRIVER ++ ".so", lists:join(", ", Folders)]);
        [Folder | _] -> load_from(Folder)
    end.

%% Where it may be: in the application's folder, or beside the folder of this module when that
%% stands in another application.
-spec folders() -> [file:filename()].
folders() ->
    Own =
        case code:priv_dir(beamr) of
            {error, bad_name} -> [];
            Folder -> [Folder]
        end,
    case code:which(?MODULE) of
        [_ | _] = File ->
            Beside = filename:join(filename:dirname(filename:dirname(File)), "priv"),
            Own ++ [Beside || not lists:member(Beside, Own)];
        _ ->
            Own
    end.

-spec has_driver(file:filename()) -> boolean().
has_driver(Folder) ->
    filelib:is_regular(filename:join(Folder, ?DRIVER ++ ".so")).

%% One that is being unloaded, after a crash of this process, stays.
-spec load_from(file:filename()) -> ok | {error, hb_beamr:text()}.
load_from(Folder) ->
    case erl_ddll:try_load(Folder, ?DRIVER, []) of
        {ok, _} ->
            true = ets:insert(?MODULE, {?DRIVER}),
            ok;
        {error, inconsistent} ->
            text("another driver named ~ts is loaded already, probably that of HyperBEAM; "
                 "only one of the two can be in one emulator: restart it without that one",
                 [?DRIVER]);
        {error, Reason} ->
            text("the driver in ~ts cannot be loaded: ~ts", [Folder,
                erl_ddll:format_error(Reason)])
    end.

%% All ports are closed by now. What the driver still has running ends before it is gone.
-spec unload_driver() -> ok.
unload_driver() ->
    case erl_ddll:try_unload(?DRIVER, [{monitor, pending_driver}]) of
        {ok, pending_driver, Monitor} ->
            receive
                {'DOWN', Monitor, driver, _, _} -> ok
            after ?UNLOAD_MS -> ok
            end;
        _ ->
            ok
    end.

-spec text(io:format(), [term()]) -> {error, hb_beamr:text()}.
text(Format, Args) ->
    {error, lists:flatten(io_lib:format(Format, Args))}.
