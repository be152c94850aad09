%%% Prints what EUnit runs, a line for each test, as the project's other tests do:
%%%   ok: suite: test: what (milliseconds)
%%%   failed: suite: test: what: why
%%% and at the end "N passed, N failed, N skipped", as which scripts/test counts.
-module(beamr_test_lines).
-behaviour(eunit_listener).

-export([start/0, start/1]).
-export([init/1, handle_begin/3, handle_end/3, handle_cancel/3, terminate/2]).

-record(state, {runner, passed = 0, failed = 0, skipped = 0}).

start() -> start([]).
start(Options) -> eunit_listener:start(?MODULE, Options).

init(Options) -> #state{runner = proplists:get_value(runner, Options)}.

handle_begin(_Kind, _Data, State) -> State.

handle_end(test, Data, State) ->
    case proplists:get_value(status, Data) of
        ok ->
            io:format("ok: ~ts (~b ms)~n", [name(Data), proplists:get_value(time, Data, 0)]),
            State#state{passed = State#state.passed + 1};
        {error, Exception} ->
            failed(Data, Exception, State);
        {skipped, Reason} ->
            io:format("skipped: ~ts (~tp)~n", [name(Data), Reason]),
            State#state{skipped = State#state.skipped + 1}
    end;
handle_end(group, _Data, State) -> State.

%% A test that took too long, or a group that could not be set up; of a group that is left for
%% another reason the tests tell themselves.
handle_cancel(_Kind, Data, State) ->
    case proplists:get_value(reason, Data) of
        undefined -> State;
        Reason -> failed(Data, Reason, State)
    end.

terminate(Result, #state{runner = Runner} = State) ->
    Failed = case Result of
        {ok, _} -> State#state.failed;
        Error -> io:format("failed: ~tp~n", [Error]), State#state.failed + 1
    end,
    io:format("~b passed, ~b failed, ~b skipped~n", [State#state.passed, Failed,
                                                     State#state.skipped]),
    Runner ! {counted, Failed}.

failed(Data, Why, State) ->
    io:format("failed: ~ts: ~ts~n", [name(Data), cut(io_lib:format("~0tp", [Why]))]),
    case proplists:get_value(output, Data, <<>>) of
        <<>> -> ok;
        Output -> io:format("  ~ts~n", [Output])
    end,
    State#state{failed = State#state.failed + 1}.

cut(Text) -> string:slice(Text, 0, 2000).

name(Data) ->
    Source = case proplists:get_value(source, Data) of
        {Module, Function, _} -> io_lib:format("~s: ~ts", [Module, plain(Function)]);
        _ -> io_lib:format("~tp", [proplists:get_value(id, Data)])
    end,
    case proplists:get_value(desc, Data) of
        undefined -> Source;
        <<>> -> Source;
        Desc -> [Source, ": ", Desc]
    end.

%% '-r1_name_test_/0-fun-2-' is r1_name.
plain(Function) ->
    Text = string:trim(atom_to_list(Function), leading, "-"),
    [Name | _] = string:split(Text, "_test"),
    Name.
