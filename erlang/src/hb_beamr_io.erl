%%% @doc Linear memory of an instance: its first memory, if it has several.
%%%
%%% Offsets are those of the module, from 0. Processes that use an instance at the same time wait
%%% for each other; during a call only the function that answers its imports has access.
-module(hb_beamr_io).

-export([size/1, read/3, write/3, read_string/2, read_string/3, write_string/2]).
-export([malloc/2, free/2]).

-type error() :: hb_beamr:error().

-define(MAX, 16#ffffffffffffffff).

%% @doc The size of the memory in bytes.
-spec size(Instance :: pid()) -> {ok, non_neg_integer()} | error().
size(Instance) ->
    case beamr_registry:port(Instance) of
        undefined -> hb_beamr_port:stopped();
        Port -> hb_beamr_port:size(Port)
    end.

%% @doc Reads bytes. None are read if some would lie outside; of length 0 is good up to the end.
-spec read(Instance :: pid(), Offset :: integer(), Size :: integer()) ->
    {ok, binary()} | error().
read(Instance, Offset, Size)
        when is_integer(Offset), Offset >= 0, Offset =< ?MAX,
            is_integer(Size), Size >= 0, Size =< ?MAX ->
    case beamr_registry:port(Instance) of
        undefined -> hb_beamr_port:stopped();
        Port -> hb_beamr_port:read(Port, Offset, Size)
    end;
read(_Instance, Offset, Size) when is_integer(Offset), is_integer(Size) ->
    {error, "Read request out of bounds: offset and size lie between 0 and 2^64 - 1"};
read(_Instance, _Offset, _Size) ->
    {error, "read: offset and size must be integers"}.

%% @doc Writes bytes. None are written if some would lie outside.
-spec write(Instance :: pid(), Offset :: integer(), Bytes :: binary()) -> ok | error().
write(Instance, Offset, Bytes)
        when is_integer(Offset), Offset >= 0, Offset =< ?MAX, is_binary(Bytes) ->
    case beamr_registry:port(Instance) of
        undefined -> hb_beamr_port:stopped();
        Port -> hb_beamr_port:write(Port, Offset, Bytes)
    end;
write(_Instance, Offset, Bytes) when is_integer(Offset), is_binary(Bytes) ->
    {error, "Write request out of bounds: the offset lies between 0 and 2^64 - 1"};
write(_Instance, _Offset, _Bytes) ->
    {error, "write: needs an integer and a binary"}.

%% @doc Reads text up to, not including, the first NUL. That it is missing is an error, and
%% that the text is longer than the instance's option `max_string'.
-spec read_string(Instance :: pid(), Offset :: integer()) -> {ok, binary()} | error().
read_string(Instance, Offset) ->
    case beamr_registry:entry(Instance) of
        undefined -> hb_beamr_port:stopped();
        {Port, Max, _} -> read_string_from(Port, Offset, Max)
    end.

%% @doc Reads text of at most `Max' bytes, up to the first NUL.
-spec read_string(Instance :: pid(), Offset :: integer(), Max :: non_neg_integer()) ->
    {ok, binary()} | error().
read_string(Instance, Offset, Max) ->
    case beamr_registry:port(Instance) of
        undefined -> hb_beamr_port:stopped();
        Port -> read_string_from(Port, Offset, Max)
    end.

-spec read_string_from(port(), term(), term()) -> {ok, binary()} | error().
read_string_from(Port, Offset, Max)
        when is_integer(Offset), Offset >= 0, Offset =< ?MAX, is_integer(Max), Max >= 0 ->
    hb_beamr_port:string(Port, Offset, min(Max, ?MAX - 1));
read_string_from(_Port, Offset, Max) when is_integer(Offset), is_integer(Max), Max >= 0 ->
    {error, "Read request out of bounds: the offset lies between 0 and 2^64 - 1"};
read_string_from(_Port, _Offset, _Max) ->
    {error, "read_string: offset and maximum must be integers, the maximum not negative"}.

%% @doc Writes bytes and a NUL into memory that the module's `malloc' gives.
-spec write_string(Instance :: pid(), iodata()) ->
    {ok, Pointer :: non_neg_integer()} | {error, malloc_failed | hb_beamr:text()}.
write_string(Instance, Data) when is_list(Data); is_binary(Data) ->
    try iolist_to_binary([Data, 0]) of
        Bytes -> write_new(Instance, Bytes)
    catch
        error:badarg -> no_bytes()
    end;
write_string(_Instance, _Data) ->
    no_bytes().

-spec no_bytes() -> error().
no_bytes() ->
    {error, "write_string: needs bytes (iodata)"}.

-spec write_new(pid(), binary()) ->
    {ok, non_neg_integer()} | {error, malloc_failed | hb_beamr:text()}.
write_new(Instance, Bytes) ->
    case malloc(Instance, byte_size(Bytes)) of
        {ok, Pointer} ->
            case write(Instance, Pointer, Bytes) of
                ok ->
                    {ok, Pointer};
                {error, Text} ->
                    _ = free(Instance, Pointer),
                    {error, Text}
            end;
        {error, Reason} ->
            {error, Reason}
    end.

%% @doc Allocates memory by the module's `malloc'. `malloc_failed' is when that gives 0.
-spec malloc(Instance :: pid(), Size :: non_neg_integer()) ->
    {ok, Pointer :: pos_integer()} | {error, malloc_failed | hb_beamr:text()}.
malloc(Instance, Size) when is_integer(Size), Size >= 0, Size =< ?MAX ->
    case hb_beamr:call(Instance, <<"malloc">>, [Size], fun hb_beamr:stub/3) of
        {ok, [0], _} -> {error, malloc_failed};
        {ok, [Pointer], _} when is_integer(Pointer) -> {ok, unsigned(Pointer)};
        {ok, _, _} -> {error, "malloc: the module's function gives no pointer"};
        {error, Text, _} -> {error, Text}
    end;
malloc(_Instance, _Size) ->
    {error, "malloc: the size must be an integer between 0 and 2^64 - 1"}.

%% Results are signed. No memory is so large that the top bits of an address of 64 bits are set
%% as those of a negative one of 32 are.
-spec unsigned(integer()) -> non_neg_integer().
unsigned(Pointer) when Pointer >= 0 -> Pointer;
unsigned(Pointer) when Pointer >= -16#80000000 -> Pointer + 16#100000000;
unsigned(Pointer) -> Pointer + 16#10000000000000000.

%% @doc Gives memory back by the module's `free'.
-spec free(Instance :: pid(), Pointer :: non_neg_integer()) -> ok | error().
free(Instance, Pointer) when is_integer(Pointer), Pointer >= 0, Pointer =< ?MAX ->
    case hb_beamr:call(Instance, <<"free">>, [Pointer], fun hb_beamr:stub/3) of
        {ok, _, _} -> ok;
        {error, Text, _} -> {error, Text}
    end;
free(_Instance, _Pointer) ->
    {error, "free: the pointer must be an integer between 0 and 2^64 - 1"}.
