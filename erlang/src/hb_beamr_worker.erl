%%% @doc The process that stands for an instance: its pid is the instance's handle.
%%%
%%% It owns the port, so that both end together, and ends itself when the instance's owner does.
%%% Nothing passes through it: callers reach the driver themselves ({@link hb_beamr_port}).
%%% The exception are messages in the form of the original binding, for programs that send them:
%%% `stop', and `{wasm_send, Listener, {command, Binary}}'. They make the sender the listener,
%%% who gets the driver's answers.
-module(hb_beamr_worker).
-behaviour(gen_server).

-export([start_link/1, ready/1, set_owner/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

-type setup() :: #{
    starter := pid(),
    owner := pid() | none,
    max_string := pos_integer(),
    on_raise := stop | keep
}.
-export_type([setup/0]).

-record(state, {
    port :: port(),
    listener :: pid(),
    is_asked = false :: boolean(), % does the listener wait for an answer?
    % Monitors: of the process that starts the instance, until it has; of the owner.
    starter :: reference() | none,
    owner :: reference() | none
}).

%% @doc Starts a worker with a port that has no module yet. It ends if the starter does before
%% it has called {@link ready/1}.
-spec start_link(setup()) -> {ok, pid()} | {error, term()} | ignore.
start_link(Setup) ->
    gen_server:start_link(?MODULE, Setup, []).

%% @doc The instance is started: from now on it depends on its owner alone.
-spec ready(pid()) -> ok.
ready(Worker) ->
    gen_server:cast(Worker, ready).

%% @doc Hands the instance over to another owner, or to none.
-spec set_owner(pid(), pid() | none) -> ok | {error, hb_beamr:text()}.
set_owner(Worker, Owner) ->
    try
        gen_server:call(Worker, {set_owner, Owner}, infinity)
    catch
        exit:_ -> hb_beamr_port:stopped()
    end.

%% @private
-spec init(setup()) -> {ok, #state{}} | {stop, {shutdown, {text, hb_beamr:text()}}}.
init(#{starter := Starter, owner := Owner, max_string := MaxString, on_raise := OnRaise}) ->
    process_flag(trap_exit, true), % to see the port end
    case hb_beamr_port:open() of
        {ok, Port} ->
            ok = beamr_registry:add(self(), Port, MaxString, OnRaise),
            {ok, #state{
                port = Port,
                listener = Starter,
                starter = monitor(process, Starter),
                owner = watch(Owner)
            }};
        {error, Text} ->
            {stop, {shutdown, {text, Text}}}
    end.

-spec watch(pid() | none) -> reference() | none.
watch(none) -> none;
watch(Pid) -> monitor(process, Pid).

-spec unwatch(reference() | none) -> true.
unwatch(none) -> true;
unwatch(Monitor) -> demonitor(Monitor, [flush]).

%% @private
-spec handle_call(term(), gen_server:from(), #state{}) -> {reply, term(), #state{}}.
handle_call({set_owner, Owner}, _From, State) when is_pid(Owner); Owner =:= none ->
    unwatch(State#state.owner),
    {reply, ok, State#state{owner = watch(Owner)}};
handle_call(_, _From, State) ->
    {reply, {error, "unknown request"}, State}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(ready, State) ->
    unwatch(State#state.starter),
    {noreply, State#state{starter = none}};
handle_cast(_, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info(stop, State) ->
    {stop, normal, State};
handle_info({wasm_send, Listener, Message}, State) when is_pid(Listener) ->
    {noreply, forward(Message, State#state{listener = Listener})};
handle_info({'DOWN', Monitor, process, _, _}, #state{owner = Monitor} = State) ->
    {stop, normal, State};
handle_info({'DOWN', Monitor, process, _, _}, #state{starter = Monitor} = State) ->
    {stop, normal, State};
handle_info({'EXIT', Port, _}, #state{port = Port} = State) ->
    {stop, normal, State};
handle_info({'EXIT', _, normal}, State) ->
    {noreply, State};
handle_info({'EXIT', _, Reason}, State) ->
    {stop, {shutdown, Reason}, State}; % as a process ends that does not trap exits
handle_info(Message, State) ->
    {noreply, answered(Message, State)}.

%% @private
-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, #state{port = Port, listener = Listener, is_asked = IsAsked}) ->
    ok = hb_beamr_port:close(Port),
    _ = [Listener ! hb_beamr_port:stopped() || IsAsked],
    ok.

%% @private
-spec code_change(term(), #state{}, term()) -> {ok, #state{}}.
code_change(_Old, State, _Extra) ->
    {ok, State}.

%%% Commands in the form of the original binding

-spec forward(term(), #state{}) -> #state{}.
forward({command, Command}, #state{port = Port, listener = Listener} = State) ->
    case hb_beamr_port:command(Port, Command) of
        ok ->
            State#state{is_asked = true};
        {error, Text} ->
            Listener ! {error, Text},
            State
    end;
forward(_, #state{listener = Listener} = State) ->
    Listener ! {error, "Unknown command"},
    State.

-spec answered(term(), #state{}) -> #state{}.
answered(Message, #state{listener = Listener} = State) ->
    case kind(Message) of
        none ->
            State;
        Kind ->
            Listener ! Message,
            State#state{is_asked = Kind =:= import}
    end.

-spec kind(term()) -> none | answer | import.
kind(ok) -> answer;
kind({execution_result, _}) -> answer;
kind({execution_result, _, _}) -> answer;
kind({error, _}) -> answer;
kind({import, _, _, _, _}) -> import;
kind(_) -> none.
