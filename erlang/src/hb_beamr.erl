%%% @doc Runs WebAssembly modules.
%%%
%%% ```
%%% {ok, Instance, _Imports, _Exports} = hb_beamr:start(Module),
%%% {ok, [120.0]} = hb_beamr:call(Instance, <<"fac">>, [5.0]),
%%% ok = hb_beamr:stop(Instance).
%%% '''
%%% An instance is named by the pid of its worker; any process may use it. Calls of several
%%% processes are done one after the other; a function that answers an import may call the same
%%% instance again. An instance ends with its owner, which is the process that started it unless
%%% an option or {@link set_owner/2} says otherwise.
%%%
%%% Errors are values, `{error, Text}' with `Text' a list of characters, whatever the arguments
%%% are; the exception is {@link call/3}. See {@link hb_beamr_io} for memory.
-module(hb_beamr).

-export([start/1, start/2, start/3, stop/1]).
-export([call/3, call/4, call/5, call/6, stub/3, wasm_send/2]).
-export([serialize/1, deserialize/2, snapshot/1, restore/2]).
-export([interrupt/1, info/1, set_owner/2]).

-type text() :: string().
%% A list of characters that says what failed, where and why.
-type error() :: {error, text()}.
-type kind() :: func | global | table | memory | unknown.
-type import() :: {kind(), Module :: string(), Name :: string(), Signature :: string()}.
-type export() :: {kind(), Name :: string(), Signature :: string()}.
%% Signatures are like `"(iI)F"': letters for parameters and results, i for i32, I for i64, f for
%% f32, F for f64, v for v128, r for funcref, e for externref; empty for all but functions.
-type function_name() :: binary() | string() | integer().
%% An export's name, or the index of an element of the table `__indirect_function_table', or of
%% the only table.
-type arg() ::
    number()
    | nan
    | infinity
    | neg_infinity
    | binary()
    | nonempty_string()
    | map().
%% Integers fit the parameter's type, signed or unsigned; floats are taken for integer parameters
%% if they are integral. Binaries and character lists are passed as text, maps as JSON: they are
%% copied into the module's memory.
-type result() :: number() | nan | infinity | neg_infinity | binary() | null | ref.
%% Integers are signed. A binary is a v128.
-type options() :: #{
    max_memory => pos_integer() | infinity,
    time => pos_integer() | infinity,
    fuel => pos_integer() | infinity,
    stubs => host | zeros | trap,
    system => boolean(),
    owner => pid() | none,
    on_raise => stop | keep,
    max_string => pos_integer()
}.
%% <dl>
%% <dt>`max_memory'</dt><dd>bytes of all memories that the module may have</dd>
%% <dt>`time'</dt><dd>milliseconds of each call, waiting included</dd>
%% <dt>`fuel'</dt><dd>units of each call</dd>
%% <dt>`stubs'</dt><dd>who answers imports: the caller's import function (`host', the default),
%% zeros, or a trap that names the import</dd>
%% <dt>`system'</dt><dd>WASI's and Emscripten's imports are answered by the library</dd>
%% <dt>`owner'</dt><dd>the process with which the instance ends; default: the starter</dd>
%% <dt>`on_raise'</dt><dd>what becomes of the instance when an import function raises</dd>
%% <dt>`max_string'</dt><dd>the longest text, in bytes, that is read by
%% {@link hb_beamr_io:read_string/2}; default: 1 MiB</dd>
%% </dl>
-type call_import() :: #{
    instance := pid(),
    module := string(),
    func := string(),
    args := [result()],
    func_sig := string()
}.
-type import_fun() :: fun((State :: term(), call_import(), Opts :: term()) ->
    {ok, [number()], NewState :: term()}).
%% Answers an import of the module, in the process that made the call.
-type call_result() :: finished() | raised() | {error, {invalid_args, term()}}.
%% Finished; trapped, or could not be called; the import function raised (by default the instance
%% is stopped then); arguments that cannot be any.
-type finished() :: {ok, [result()], State :: term()} | {error, text(), State :: term()}.
-type raised() ::
    {error, error | exit | throw, Reason :: term(), Stack :: list(), State :: term()}.
-export_type([text/0, error/0, kind/0, import/0, export/0, function_name/0, arg/0, result/0]).
-export_type([options/0, call_import/0, import_fun/0, call_result/0, finished/0, raised/0]).

%%% Start and stop

%% @doc Starts an instance of a module in binary form.
%% @equiv start(Module, wasm, #{})
-spec start(Module :: binary()) ->
    {ok, pid(), [import()], [export()]} | error().
start(Module) ->
    start(Module, wasm, #{}).

%% @doc Starts an instance. The modes `wasm' and `aot' both take a module in binary form.
%% @equiv start(Module, Mode, #{})
-spec start(Module :: binary(), Mode :: wasm | aot) ->
    {ok, pid(), [import()], [export()]} | error().
start(Module, Mode) ->
    start(Module, Mode, #{}).

%% @doc Starts an instance with options. Those not given are taken from the environment of the
%% application `beamr', which is started if it is not running.
-spec start(Module :: binary(), Mode :: wasm | aot, options()) ->
    {ok, pid(), [import()], [export()]} | error().
start(Module, Mode, Options) when is_binary(Module) ->
    case hb_beamr_options:read(Mode, Options) of
        {ok, Checked} -> start_checked(Module, Checked);
        {error, Text} -> {error, Text}
    end;
start(_Module, _Mode, _Options) ->
    {error, "module: must be a binary"}.

-spec start_checked(binary(), hb_beamr_options:checked()) ->
    {ok, pid(), [import()], [export()]} | error().
start_checked(Module, #{driver := Options} = Checked) ->
    Setup = (maps:remove(driver, Checked))#{starter => self()},
    case beamr_app:ensure_started() of
        ok ->
            case beamr_instances:start_worker(Setup) of
                {ok, Worker} -> bring_up(Worker, Module, Options);
                {error, Text} -> {error, Text}
            end;
        {error, Text} ->
            {error, Text}
    end.

-spec bring_up(pid(), binary(), map()) -> {ok, pid(), [import()], [export()]} | error().
bring_up(Worker, Module, Options) ->
    case with_port(Worker, fun(Port) -> hb_beamr_port:init(Port, Options, Module) end) of
        {ok, Imports, Exports} ->
            ok = hb_beamr_worker:ready(Worker),
            {ok, Worker, Imports, Exports};
        {error, Text} ->
            _ = stop(Worker),
            {error, Text}
    end.

%% @doc Stops an instance, if it is one. A call that runs in it is ended, and whoever waits for it
%% gets an error; this does not wait for that.
-spec stop(Instance :: pid()) -> ok | error().
stop(Instance) when is_pid(Instance) ->
    case hb_beamr_port:find(Instance) of
        {ok, Port} -> hb_beamr_port:close(Port);
        {error, _} -> ok
    end;
stop(_Instance) ->
    hb_beamr_port:stopped().

%% @doc Hands an instance over: it ends with its new owner, or with nobody.
-spec set_owner(Instance :: pid(), Owner :: pid() | none) -> ok | error().
set_owner(Instance, Owner) when is_pid(Owner); Owner =:= none ->
    case hb_beamr_port:find(Instance) of
        {ok, _} -> hb_beamr_worker:set_owner(Instance, Owner);
        {error, Text} -> {error, Text}
    end;
set_owner(_Instance, _Owner) ->
    {error, "owner: must be a pid or none"}.

%%% Calls

%% @doc Calls a function; imports are answered by {@link stub/3}. Any failure raises.
-spec call(Instance :: pid(), function_name(), [arg()]) -> {ok, [result()]}.
call(Instance, Function, Args) ->
    {ok, Results, _} = call(Instance, Function, Args, fun stub/3),
    {ok, Results}.

%% @equiv call(Instance, Function, Args, ImportFun, #{}, #{})
-spec call(Instance :: pid(), function_name(), [arg()], import_fun()) -> call_result().
call(Instance, Function, Args, ImportFun) ->
    call(Instance, Function, Args, ImportFun, #{}, #{}).

%% @equiv call(Instance, Function, Args, ImportFun, State, #{})
-spec call(Instance :: pid(), function_name(), [arg()], import_fun(), State :: term()) ->
    call_result().
call(Instance, Function, Args, ImportFun, State) ->
    call(Instance, Function, Args, ImportFun, State, #{}).

%% @doc Calls a function; imports are answered by `ImportFun', in this process. It gets the state
%% that it returned last, at first `State', and the options as they are. What is returned holds
%% the last state.
-spec call(Instance :: pid(), function_name(), [arg()], import_fun(), State :: term(),
    Opts :: term()) -> call_result().
call(Instance, Function, Args, ImportFun, State, Opts)
        when is_list(Args), is_function(ImportFun, 3) ->
    case beamr_registry:port(Instance) of
        undefined ->
            {error, Text} = hb_beamr_port:stopped(),
            {error, Text, State};
        Port ->
            case hb_beamr_port:call(Port, Function, Args) of
                {ok, Results} -> {ok, Results, State};
                invalid_args -> {error, {invalid_args, Args}};
                Step -> go_on(Step, {Instance, Port, ImportFun, Opts}, State)
            end
    end;
call(_Instance, _Function, Args, _ImportFun, _State, _Opts) when not is_list(Args) ->
    {error, {invalid_args, Args}};
call(_Instance, _Function, _Args, _ImportFun, State, _Opts) ->
    {error, "import function: must be a function of three arguments", State}.

-type caller() :: {pid(), port(), import_fun(), Opts :: term()}.

-spec go_on(hb_beamr_port:step(), caller(), State :: term()) -> finished() | raised().
go_on({import, Id, Module, Name, Args, Signature}, {Instance, Port, Fun, Opts} = Caller, State) ->
    Import = #{
        instance => Instance,
        module => Module,
        func => Name,
        args => Args,
        func_sig => Signature
    },
    try Fun(State, Import, Opts) of
        {ok, Results, NewState} when is_list(Results) ->
            go_on(hb_beamr_port:respond(Port, Id, {ok, Results}), Caller, NewState);
        Other ->
            {current_stacktrace, Stack} = process_info(self(), current_stacktrace),
            raised(Id, Caller, {error, error, {bad_import_result, Other}, Stack, State})
    catch
        Class:Reason:Stack ->
            raised(Id, Caller, {error, Class, Reason, Stack, State})
    end;
go_on({ok, Results}, _Caller, State) ->
    {ok, Results, State};
go_on({error, Text}, _Caller, State) ->
    {error, Text, State};
go_on(Answer, _Caller, State) -> % not of this driver
    {error, lists:flatten(io_lib:format("the driver's answer is unknown: ~0tP", [Answer, 20])),
        State}.

%% The import has no answer: its call ends, and by default the instance too.
-spec raised(non_neg_integer(), caller(), raised()) -> raised().
raised(Id, {Instance, Port, _, _}, Result) ->
    _ = hb_beamr_port:respond(Port, Id, cancel),
    case beamr_registry:entry(Instance) of
        {_, _, keep} -> ok;
        _ -> hb_beamr_port:close(Port)
    end,
    Result.

%% @doc An import function: answers every import with a zero.
-spec stub(State, call_import(), Opts :: term()) -> {ok, [0], State}.
stub(State, _Import, _Opts) ->
    {ok, [0], State}.

%% @doc Sends a command in the form of the original binding, an encoded term. The caller gets
%% the answers as messages, and those of commands sent before that come later.
-spec wasm_send(Instance :: pid(), {command, binary()}) -> ok | error().
wasm_send(Instance, {command, Command}) when is_binary(Command) ->
    case hb_beamr_port:find(Instance) of
        {ok, _} ->
            Instance ! {wasm_send, self(), {command, Command}},
            ok;
        {error, Text} ->
            {error, Text}
    end;
wasm_send(_Instance, _Message) ->
    {error, "message: must be {command, Binary}"}.

%%% State

%% @doc The bytes of linear memory, at one moment.
-spec serialize(Instance :: pid()) -> {ok, binary()} | error().
serialize(Instance) ->
    case hb_beamr_io:size(Instance) of
        {ok, Size} -> serialize(Instance, Size);
        {error, Text} -> {error, Text}
    end.

%% Somebody else's call may have made it grow.
-spec serialize(pid(), non_neg_integer()) -> {ok, binary()} | error().
serialize(Instance, Size) ->
    case {hb_beamr_io:read(Instance, 0, Size), hb_beamr_io:size(Instance)} of
        {{ok, Bytes}, {ok, Size}} -> {ok, Bytes};
        {{ok, _}, {ok, Grown}} -> serialize(Instance, Grown);
        {{error, Text}, _} -> {error, Text};
        {_, {error, Text}} -> {error, Text}
    end.

%% @doc Makes bytes the whole linear memory: it grows if it must, and is zero behind them.
-spec deserialize(Instance :: pid(), binary()) -> ok | error().
deserialize(Instance, Bytes) when is_binary(Bytes) ->
    with_port(Instance, fun(Port) -> hb_beamr_port:set_memory(Port, Bytes) end);
deserialize(_Instance, _Bytes) ->
    {error, "memory: must be a binary"}.

%% @doc The complete state: memories, globals, tables, and what the library keeps for the module.
-spec snapshot(Instance :: pid()) -> {ok, binary()} | error().
snapshot(Instance) ->
    with_port(Instance, fun hb_beamr_port:snapshot/1).

%% @doc Goes back to a complete state of the same module.
-spec restore(Instance :: pid(), Snapshot :: binary()) -> ok | error().
restore(Instance, Snapshot) when is_binary(Snapshot) ->
    with_port(Instance, fun(Port) -> hb_beamr_port:restore(Port, Snapshot) end);
restore(_Instance, _Snapshot) ->
    {error, "snapshot: must be a binary"}.

%% @doc Ends the calls that run or wait for an import: they get an error. The instance stays.
-spec interrupt(Instance :: pid()) -> ok | error().
interrupt(Instance) ->
    with_port(Instance, fun hb_beamr_port:interrupt/1).

%% @doc What is known about an instance: memory and memories (bytes), calls, imports_answered,
%% state (idle, running, waiting), depth (calls within calls), queued, fuel_used, module (its
%% SHA-256 in hexadecimal digits), imports, exports (lists of maps).
-spec info(Instance :: pid()) -> {ok, map()} | error().
info(Instance) ->
    with_port(Instance, fun hb_beamr_port:info/1).

-spec with_port(term(), fun((port()) -> Answer)) -> Answer | error().
with_port(Instance, Fun) ->
    case hb_beamr_port:find(Instance) of
        {ok, Port} -> Fun(Port);
        {error, Text} -> {error, Text}
    end.
