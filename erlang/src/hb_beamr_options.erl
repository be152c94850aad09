%%% @doc The options of an instance: those given, those of the application's environment, and
%%% defaults, checked.
-module(hb_beamr_options).

-export([read/2]).

-type checked() :: #{
    driver := map(),
    owner := pid() | none,
    max_string := pos_integer(),
    on_raise := stop | keep
}.
-export_type([checked/0]).

-define(MAX, 16#ffffffffffffffff).
-define(MAX_MS, 16#ffffffff).

%% @doc Checks and completes options; anything may be given. What the driver needs is apart.
-spec read(Mode :: term(), Options :: term()) -> {ok, checked()} | {error, hb_beamr:text()}.
read(Mode, Options) when is_map(Options), (Mode =:= wasm orelse Mode =:= aot) ->
    case unknown(Options) of
        [] -> check(Mode, maps:merge(defaults(), Options));
        [Key | _] when is_atom(Key) ->
            {error, "option " ++ atom_to_list(Key) ++ ": there is none of this name"};
        _ ->
            {error, "options: their names are atoms"}
    end;
read(_Mode, Options) when is_map(Options) ->
    {error, "mode: must be wasm or aot"};
read(_Mode, _Options) ->
    {error, "options: must be a map"}.

%% Name, default, which values are good, and that in words.
-spec table() -> [{atom(), term(), fun((term()) -> boolean()), string()}].
table() ->
    [
        {max_memory, infinity, fun(V) -> is_limit(V, ?MAX) end,
            "a positive number of bytes, or infinity"},
        {time, infinity, fun(V) -> is_limit(V, ?MAX_MS) end,
            "a positive number of milliseconds, or infinity"},
        {fuel, infinity, fun(V) -> is_limit(V, ?MAX) end, "a positive number, or infinity"},
        {stubs, host, fun(V) -> lists:member(V, [host, zeros, trap]) end, "host, zeros or trap"},
        {system, false, fun is_boolean/1, "true or false"},
        {owner, self(), fun(V) -> is_pid(V) orelse V =:= none end, "a pid or none"},
        {on_raise, stop, fun(V) -> V =:= stop orelse V =:= keep end, "stop or keep"},
        {max_string, 1048576, fun(V) -> is_integer(V) andalso V > 0 andalso V =< ?MAX end,
            "a positive number of bytes"}
    ].

-spec is_limit(term(), pos_integer()) -> boolean().
is_limit(infinity, _) -> true;
is_limit(Value, Max) -> is_integer(Value) andalso Value > 0 andalso Value =< Max.

-spec unknown(map()) -> [term()].
unknown(Options) ->
    maps:keys(maps:without([Key || {Key, _, _, _} <- table()], Options)).

-spec defaults() -> map().
defaults() ->
    maps:from_list([{Key, application:get_env(beamr, Key, Default)}
        || {Key, Default, _, _} <- table()]).

-spec check(wasm | aot, map()) -> {ok, checked()} | {error, hb_beamr:text()}.
check(Mode, Options) ->
    case [{Key, Words} || {Key, _, Good, Words} <- table(), not Good(map_get(Key, Options))] of
        [] ->
            {ok, (maps:with([owner, max_string, on_raise], Options))#{
                driver => driver_options(Mode, Options)}};
        [{Key, Words} | _] ->
            {error, "option " ++ atom_to_list(Key) ++ ": must be " ++ Words}
    end.

%% What is not limited is left away.
-spec driver_options(wasm | aot, map()) -> #{mode := wasm | aot, _ => _}.
driver_options(Mode, Options) ->
    Passed = maps:with([max_memory, time, fuel, stubs, system], Options),
    (maps:filter(fun(_, Value) -> Value =/= infinity end, Passed))#{mode => Mode}.
