%%% @doc The modules that `beamr_bench' runs, made here so that an installed application has them.
%%%
%%% Each is the least that answers one question; `large/2' stands for the modules that compilers
%%% make: many functions with loads, stores, arithmetic, branches and calls.
-module(beamr_bench_guests).

-export([calls/0, imports/0, memory/1, large/2]).
-export([start/1, stop/1]).

-define(I32, 16#7f).
-define(I64, 16#7e).
-define(F64, 16#7c).
-define(PAGES, 193).

%% @doc Starts an instance.
-spec start(binary()) -> pid().
start(Module) ->
    {ok, Pid, _, _} = hb_beamr:start(Module),
    Pid.

%% @doc Stops one, and waits until its worker has ended.
-spec stop(pid()) -> ok.
stop(Pid) ->
    Monitor = monitor(process, Pid),
    ok = hb_beamr:stop(Pid),
    receive {'DOWN', Monitor, _, _, _} -> ok end.

%% @doc `fac' (f64 to f64, recursive), `burn' (i64 to i64: so many steps of a generator of random
%% numbers, of which it gives the last) and `spin' (an endless loop).
-spec calls() -> binary().
calls() ->
    module([
        types([{[?F64], [?F64]}, {[?I64], [?I64]}, {[], []}]),
        functions([0, 1, 2]),
        exports([{"fac", 0, 0}, {"burn", 0, 1}, {"spin", 0, 2}]),
        codes([{[], fac()}, {[{1, ?I64}], burn()}, {[], [<<16#03, 16#40, 16#0c, 0, 16#0b>>]}])
    ]).

fac() ->
    One = <<16#44, 1.0:64/float-little>>,
    [<<16#20, 0>>, One, <<16#63, 16#04, ?F64>>, One, <<16#05, 16#20, 0, 16#20, 0>>, One,
     <<16#a1, 16#10, 0, 16#a2, 16#0b>>].

%% Local 1 is the number; local 0 counts down.
burn() ->
    [<<16#03, 16#40, 16#20, 1, 16#42>>, signed(6364136223846793005), <<16#7e, 16#42>>,
     signed(1442695040888963407), <<16#7c, 16#21, 1>>,
     <<16#20, 0, 16#42, 1, 16#7d, 16#22, 0, 16#50, 16#45, 16#0d, 0, 16#0b, 16#20, 1>>].

%% @doc `imports' (i32 to i32) calls the import `bench.next' with N, N - 1, ... 1 and adds up what
%% it answers.
-spec imports() -> binary().
imports() ->
    Sum = <<16#03, 16#40, 16#20, 0, 16#10, 0, 16#20, 1, 16#6a, 16#21, 1,
            16#20, 0, 16#41, 1, 16#6b, 16#22, 0, 16#0d, 0, 16#0b, 16#20, 1>>,
    module([
        types([{[?I32], [?I32]}]),
        section(2, [unsigned(1), name("bench"), name("next"), <<0, 0>>]),
        functions([0]),
        exports([{"imports", 0, 1}]),
        codes([{[{1, ?I32}], Sum}])
    ]).

%% @doc A memory of so many pages, with `Hello, World!' at 64.
-spec memory(pos_integer()) -> binary().
memory(Pages) ->
    module([
        section(5, [unsigned(1), <<0>>, unsigned(Pages)]),
        exports([{"memory", 2, 0}]),
        section(11, [unsigned(1), <<0, 16#41>>, signed(64), <<16#0b>>, name("Hello, World!")])
    ]).

%% @doc About so many bytes of functions and a memory of 193 pages; `run' (i32 to i32) adds 1.
%%   Id  a different one makes a module of different bytes
-spec large(pos_integer(), integer()) -> binary().
large(Bytes, Id) ->
    Count = Bytes div iolist_size(large_function(1)),
    Run = <<16#20, 0, 16#41, 1, 16#6a>>,
    module([
        types([{[?I32], [?I32]}]),
        functions(lists:duplicate(Count + 1, 0)),
        section(5, [unsigned(1), <<0>>, unsigned(?PAGES)]),
        exports([{"memory", 2, 0}, {"run", 0, 0}]),
        codes([{[], Run} | [{[{2, ?I32}], large_function(K)} || K <- lists:seq(1, Count)]]),
        section(0, [name("bench"), signed(Id)])
    ]).

large_function(K) ->
    Callee = unsigned(max(1, K - 1 - K rem 7)),
    Branch = [<<16#20, 2, 16#41>>, signed(K * 40503 rem 65536), <<16#49, 16#0d, 0>>],
    [
        [large_step(K + 13 * Step) || Step <- lists:seq(1, 3)],
        [<<16#02, 16#40>>, Branch, <<16#20, 1, 16#20, 2, 16#36, 2, 8, 16#0b>>],
        [<<16#20, 2, 16#04, ?I32, 16#20, 2, 16#41, 1, 16#76, 16#10>>, Callee,
         <<16#05, 16#20, 1, 16#0b>>]
    ].

large_step(K) ->
    [<<16#20, 0, 16#41>>, signed(K * 2654435761 rem 1000003), <<16#6a, 16#41>>, signed(16#fffc),
     <<16#71, 16#22, 1, 16#28, 2>>, unsigned(K rem 997 * 4), <<16#20, 0, 16#73, 16#21, 2>>].

%%% The format

module(Sections) ->
    iolist_to_binary([<<0, "asm", 1:32/little>> | Sections]).

section(Id, Content) ->
    [Id, unsigned(iolist_size(Content)), Content].

types(Types) ->
    section(1, vector([[16#60, vector(Params), vector(Results)] || {Params, Results} <- Types])).

functions(Types) ->
    section(3, vector([unsigned(Type) || Type <- Types])).

exports(Exports) ->
    section(7, vector([[name(Name), Kind, unsigned(Index)] || {Name, Kind, Index} <- Exports])).

codes(Bodies) ->
    section(10, vector([code(Locals, Body) || {Locals, Body} <- Bodies])).

code(Locals, Body) ->
    Content = [vector([[unsigned(Count), Type] || {Count, Type} <- Locals]), Body, 16#0b],
    [unsigned(iolist_size(Content)), Content].

vector(Items) ->
    [unsigned(length(Items)), Items].

name(Text) ->
    [unsigned(length(Text)), Text].

unsigned(N) when N < 128 ->
    <<N>>;
unsigned(N) ->
    [<<1:1, N:7>>, unsigned(N bsr 7)].

signed(N) when N >= -64, N < 64 ->
    <<0:1, N:7>>;
signed(N) ->
    [<<1:1, N:7>>, signed(N bsr 7)].
