%%% A client of the driver that uses nothing but the plain form of its commands: a worker process
%%% owns the port, sends encoded commands to it, and passes answers on to whoever sent last.
%%% None of the application's modules are used.
-module(beamr_plain_client).

-export([load/0, start/0, start/1, start_unloaded/1, stop/1, port/1]).
-export([send/2, send_raw/2, ask/2, ask_raw/2, answer/1, answer/2, call/4]).

-define(GIVE_UP, 10000).

%% Load the driver; twice is fine.
load() ->
    case erl_ddll:load(code:priv_dir(beamr), "hb_beamr") of
        ok -> ok;
        {error, Reason} when Reason =:= already_loaded; Reason =:= permanent -> ok;
        {error, Reason} -> error({not_loaded, erl_ddll:format_error(Reason)})
    end.

%% A worker that loads the driver and has a port of its own.
start() -> start(fun load/0, self()).

start(Load, Listener) ->
    spawn_link(fun() ->
        process_flag(trap_exit, true),
        ok = Load(),
        loop(open_port({spawn, "hb_beamr"}, []), Listener)
    end).

%% The same, with a module.
start(Module) -> init(start(), Module).

%% Likewise, where somebody else has loaded the driver.
start_unloaded(Module) -> init(start(fun() -> ok end, self()), Module).

init(Client, Module) ->
    {execution_result, Imports, Exports} = ask(Client, {init, Module, wasm}),
    {Client, Imports, Exports}.

stop(Client) ->
    unlink(Client),
    Monitor = monitor(process, Client),
    Client ! stop,
    receive {'DOWN', Monitor, process, Client, _} -> forget(Client)
    after ?GIVE_UP -> error({still_there, Client})
    end.

%% Answers that nobody has taken.
forget(Client) ->
    receive {plain, Client, _} -> forget(Client) after 0 -> ok end.

port(Client) ->
    Client ! {port, self()},
    receive {port, Client, Port} -> Port after ?GIVE_UP -> error(no_port) end.

%% Send a command; its answer comes as {plain, Client, Answer}.
send(Client, Command) -> send_raw(Client, term_to_binary(Command)).

send_raw(Client, Bytes) ->
    Client ! {command, self(), Bytes},
    ok.

ask(Client, Command) ->
    ok = send(Client, Command),
    answer(Client).

ask_raw(Client, Bytes) ->
    ok = send_raw(Client, Bytes),
    answer(Client).

answer(Client) -> answer(Client, ?GIVE_UP).

answer(Client, Milliseconds) ->
    receive {plain, Client, Answer} -> Answer
    after Milliseconds -> nothing
    end.

%% Call a function, with Handler(Module, Name, Args, Signature) -> Results for its imports.
call(Client, Function, Args, Handler) ->
    imports(Client, ask(Client, {call, Function, Args}), Handler).

imports(Client, {import, Module, Name, Args, Signature}, Handler) ->
    Results = Handler(Module, Name, Args, Signature),
    imports(Client, ask(Client, {import_response, Results}), Handler);
imports(_Client, Answer, _Handler) -> Answer.

loop(Port, Listener) ->
    receive
        {command, Sender, Bytes} ->
            Port ! {self(), {command, Bytes}},
            loop(Port, Sender);
        {port, Asks} ->
            Asks ! {port, self(), Port},
            loop(Port, Listener);
        stop ->
            catch port_close(Port);
        {'EXIT', Port, _} ->
            ok;
        {'EXIT', _Starter, _} ->
            catch port_close(Port);
        Answer ->
            Listener ! {plain, self(), Answer},
            loop(Port, Listener)
    end.
