%%% @doc Commands to the driver, by the process that asks: see `driver/command.h'.
%%%
%%% A short one is answered by the value of `port_call'; if that is `wait', the answer comes from
%%% the driver as a message with the reference of the command. Each command gets one answer,
%%% unless the port is closed, which is noticed. What may be long goes by `port_command', which
%%% does not copy binaries.
-module(hb_beamr_port).

-export([open/0, close/1, command/2, find/1, stopped/0]).
-export([init/3, call/3, respond/3, read/3, write/3, size/1, string/3, set_memory/2]).
-export([snapshot/1, restore/2, info/1, interrupt/1]).

-type text() :: hb_beamr:text().
-type error() :: {error, text()}.
%% What happens next in a call.
-type step() ::
    {ok, [hb_beamr:result()]}
    | {import, non_neg_integer(), string(), string(), [hb_beamr:result()], string()}
    | invalid_args
    | error().
-type response() :: {ok, term()} | {error, text()} | cancel.
-export_type([step/0, response/0]).

-define(INIT, 1).
-define(CALL, 2).
-define(RESPOND, 3).
-define(READ, 4).
-define(WRITE, 5).
-define(SIZE, 6).
-define(STRING, 7).
-define(MEMORY, 8).
-define(SNAPSHOT, 9).
-define(RESTORE, 10).
-define(INFO, 11).
-define(INTERRUPT, 12).

%% Up to this many bytes go by port_call, which copies them. The driver takes 64 KiB there, with
%% all that is around them.
-define(SHORT, 65000).

%%% Ports

%% @doc Opens a port; the caller owns it.
-spec open() -> {ok, port()} | error().
open() ->
    case beamr_registry:load() of
        ok -> open_port();
        {error, Text} -> {error, Text}
    end.

-spec open_port() -> {ok, port()} | error().
open_port() ->
    try
        {ok, open_port({spawn_driver, "hb_beamr"}, [binary])}
    catch
        error:Reason ->
            {error, lists:flatten(io_lib:format("no port can be opened: ~0tp", [Reason]))}
    end.

%% @doc Closes a port. Whoever waits for it notices, and code that runs in it is ended.
%% This does not wait for that.
-spec close(port()) -> ok.
close(Port) ->
    try port_close(Port) of
        true -> ok
    catch
        error:badarg -> ok
    end.

%% @doc Sends a command in the form of the original binding. It is answered to the port's owner.
-spec command(port(), term()) -> ok | error().
command(Port, Command) when is_binary(Command) ->
    try port_command(Port, Command) of
        true -> ok
    catch
        error:badarg -> stopped()
    end;
command(_, _) ->
    {error, "Unknown command"}.

%% @doc The port of an instance. Anything may be asked for.
-spec find(term()) -> {ok, port()} | error().
find(Instance) ->
    case beamr_registry:port(Instance) of
        undefined -> stopped();
        Port -> {ok, Port}
    end.

%% @doc The answer when there is no such instance.
-spec stopped() -> error().
stopped() ->
    {error, "the instance is stopped, or is none"}.

%%% Commands

%% @doc Brings up the module of a binary.
-spec init(port(), map(), binary()) -> {ok, list(), list()} | error().
init(Port, Options, Module) ->
    Ref = make_ref(),
    await(bulk(Port, ?INIT, {Ref, Options}, Module), Port, Ref).

%% @doc Begins a call. The arguments are a list, perhaps an improper one, of anything.
-spec call(port(), term(), list()) -> step().
call(Port, Function, Args) ->
    Ref = make_ref(),
    Term = {Ref, Function, Args},
    case is_short(Function) andalso are_short(Args) of
        true -> await(short(Port, ?CALL, Term), Port, Ref);
        false -> await(measured(Port, ?CALL, Term), Port, Ref)
    end.

%% @doc Answers an import; what follows is the next step of its call.
-spec respond(port(), non_neg_integer(), response()) -> step().
respond(Port, Id, Response) ->
    Ref = make_ref(),
    await(short(Port, ?RESPOND, {Ref, Id, sized(Response)}), Port, Ref).

%% @doc Reads memory.
-spec read(port(), integer(), integer()) -> {ok, binary()} | error().
read(Port, Offset, Size) ->
    Ref = make_ref(),
    await(short(Port, ?READ, {Ref, Offset, Size}), Port, Ref).

%% @doc Writes memory.
-spec write(port(), integer(), binary()) -> ok | error().
write(Port, Offset, Bytes) when byte_size(Bytes) =< ?SHORT ->
    Ref = make_ref(),
    await(short(Port, ?WRITE, {Ref, Offset, Bytes}), Port, Ref);
write(Port, Offset, Bytes) ->
    Ref = make_ref(),
    await(bulk(Port, ?WRITE, {Ref, Offset}, Bytes), Port, Ref).

%% @doc The size of the memory in bytes.
-spec size(port()) -> {ok, non_neg_integer()} | error().
size(Port) ->
    Ref = make_ref(),
    await(short(Port, ?SIZE, {Ref}), Port, Ref).

%% @doc Reads up to the first NUL, which must be among the first `Max' + 1 bytes.
-spec string(port(), integer(), integer()) -> {ok, binary()} | error().
string(Port, Offset, Max) ->
    Ref = make_ref(),
    await(short(Port, ?STRING, {Ref, Offset, Max}), Port, Ref).

%% @doc Makes bytes the whole memory.
-spec set_memory(port(), binary()) -> ok | error().
set_memory(Port, Bytes) ->
    Ref = make_ref(),
    await(bulk(Port, ?MEMORY, {Ref}, Bytes), Port, Ref).

%% @doc The complete state.
-spec snapshot(port()) -> {ok, binary()} | error().
snapshot(Port) ->
    Ref = make_ref(),
    await(short(Port, ?SNAPSHOT, {Ref}), Port, Ref).

%% @doc Goes back to a state.
-spec restore(port(), binary()) -> ok | error().
restore(Port, Snapshot) ->
    Ref = make_ref(),
    await(bulk(Port, ?RESTORE, {Ref}, Snapshot), Port, Ref).

%% @doc What is known about the instance.
-spec info(port()) -> {ok, map()} | error().
info(Port) ->
    Ref = make_ref(),
    await(short(Port, ?INFO, {Ref}), Port, Ref).

%% @doc Ends what runs.
-spec interrupt(port()) -> ok | error().
interrupt(Port) ->
    Ref = make_ref(),
    await(short(Port, ?INTERRUPT, {Ref}), Port, Ref).

%%% Ways to the driver

-compile({inline, [short/3, await/3, is_small/1]}).

-spec short(port(), 1..12, tuple()) -> term().
short(Port, Op, Term) ->
    try
        erlang:port_call(Port, Op, Term)
    catch
        error:_ -> stopped()
    end.

-spec bulk(port(), 1..12, tuple(), binary()) -> wait | error().
bulk(Port, Op, Term, Bytes) ->
    Header = term_to_binary(Term),
    try port_command(Port, [<<"BMR", Op, (byte_size(Header)):32>>, Header | Bytes]) of
        true -> wait
    catch
        error:badarg -> stopped()
    end.

%% What is not short by its types goes the short way if it is after all.
-spec measured(port(), 1..12, tuple()) -> term().
measured(Port, Op, Term) ->
    case erlang:external_size(Term) =< ?SHORT of
        true -> short(Port, Op, Term);
        false -> bulk(Port, Op, Term, <<>>)
    end.

%% Results of imports are a few numbers. What is much larger cannot be any.
-spec sized(response()) -> response().
sized({ok, Results} = Response) ->
    case are_short(Results) orelse erlang:external_size(Results) =< ?SHORT of
        true -> Response;
        false -> {error, "the import's results are too large"}
    end;
sized(Response) ->
    Response.

%% A name or an index, of an ordinary length.
-spec is_short(term()) -> boolean().
is_short(Name) when is_binary(Name) -> byte_size(Name) =< 4096;
is_short(Name) when is_list(Name) -> are_short(Name);
is_short(Index) -> is_small(Index).

%% A few numbers or atoms.
-spec are_short(term()) -> boolean().
are_short(List) ->
    are_short(List, 64).

-spec are_short(term(), non_neg_integer()) -> boolean().
are_short([], _) -> true;
are_short([X | Rest], Left) when Left > 0 ->
    (is_float(X) orelse is_small(X) orelse is_atom(X)) andalso are_short(Rest, Left - 1);
are_short(_, _) -> false.

-spec is_small(term()) -> boolean().
is_small(X) ->
    is_integer(X) andalso X >= -16#8000000000000000 andalso X =< 16#ffffffffffffffff.

%% A port that closes can send no answers any more, so it is watched. The reference is new in all
%% callers, and marks what the watch sends too: the messages before it are not looked at.
-spec await(term(), port(), reference()) -> term().
await(wait, Port, Ref) ->
    Monitor = monitor(port, Port, [{tag, Ref}]),
    receive
        {Ref, Answer} ->
            demonitor(Monitor, [flush]),
            Answer;
        {Ref, Monitor, port, _, _} ->
            receive
                {Ref, Answer} -> Answer
            after 0 -> stopped() % there is none to come
            end
    end;
await(Answer, _Port, _Ref) ->
    Answer.
