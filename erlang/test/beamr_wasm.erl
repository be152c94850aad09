%%% A small assembler: WebAssembly modules from Erlang terms, so that the tests need no tools.
%%%
%%% A module is a list of items, in any order; functions, memories and so on are numbered in the
%%% order in which they stand, imported ones first, as the binary format has it:
%%%
%%%   {import, Module, Name, {func, Id, Params, Results}}
%%%   {import, Module, Name, {table, RefType, Limits} | {memory, Limits}
%%%                          | {global, Type, const | var} | {tag, Params}}
%%%   {func, Id, Params, Results, Locals, Code}     Id: an atom by which the others name it
%%%   {table, RefType, Limits}      Limits: {Min} | {Min, Max}, or {i64, Min} | {i64, Min, Max}
%%%   {memory, Limits}
%%%   {global, Type, const | var, Code}
%%%   {tag, Params}
%%%   {export, Name, func | table | memory | global | tag, IdOrIndex}
%%%   {start, Id}
%%%   {elem, TableIndex, Offset, [Id | null]}
%%%   {data, MemoryIndex, Offset, Bytes}            Offset: a number, or {i64, Number}
%%%
%%% Code is a list of instructions: an atom, or a tuple of a name and what belongs to it. The
%%% instructions are those that the tests use, not all.
%%% Source: WebAssembly Core Specification, "Binary Format".
-module(beamr_wasm).

-export([module/1]).

-spec module([tuple()]) -> binary().
module(Items) ->
    Ids = ids(Items),
    Types = lists:usort([signature(Item) || Item <- Items, has_signature(Item)]
                        ++ called_types(Items)),
    Context = #{ids => Ids, types => Types},
    Defined = of_kind(func, Items),
    iolist_to_binary([
        <<0, "asm", 1, 0, 0, 0>>,
        section(1, [functype(Type) || Type <- Types]),
        section(2, [import(Item, Types) || Item <- of_kind(import, Items)]),
        section(3, [u(type_index(signature(Item), Types)) || Item <- Defined]),
        section(4, [[reftype(Type), limits(L)] || {table, Type, L} <- Items]),
        section(5, [limits(L) || {memory, L} <- Items]),
        section(13, [[0, u(type_index({Ps, []}, Types))] || {tag, Ps} <- Items]),
        section(6, [[valtype(T), mutability(M), code(C, Context), 16#0b]
                    || {global, T, M, C} <- Items]),
        section(7, [[name(N), kind(K), u(index(Id, Ids))] || {export, N, K, Id} <- Items]),
        [[8, sized(u(index(Id, Ids)))] || {start, Id} <- Items],
        section(9, [elem(Item, Ids) || Item <- of_kind(elem, Items)]),
        section(10, [sized(body(Item, Context)) || Item <- Defined]),
        section(11, [data(Item) || Item <- of_kind(data, Items)])
    ]).

%% ---- Numbers and names of what is defined ----

of_kind(Kind, Items) -> [Item || Item <- Items, element(1, Item) =:= Kind].

ids(Items) ->
    Imported = [Id || {import, _, _, {func, Id, _, _}} <- Items],
    All = Imported ++ [element(2, Item) || Item <- of_kind(func, Items)],
    maps:from_list(lists:zip(All, lists:seq(0, length(All) - 1))).

index(Id, Ids) when is_atom(Id) -> maps:get(Id, Ids);
index(Index, _Ids) -> Index.

has_signature({import, _, _, Type}) -> lists:member(element(1, Type), [func, tag]);
has_signature(Item) -> lists:member(element(1, Item), [func, tag]).

signature({import, _, _, {func, _, Params, Results}}) -> {Params, Results};
signature({import, _, _, {tag, Params}}) -> {Params, []};
signature({tag, Params}) -> {Params, []};
signature({func, _, Params, Results, _, _}) -> {Params, Results}.

%% call_indirect names its type in place.
called_types(Items) ->
    lists:append([indirect(Code) || {func, _, _, _, _, Code} <- Items]).

indirect({call_indirect, _Table, Params, Results}) -> [{Params, Results}];
indirect(List) when is_list(List) -> lists:append([indirect(E) || E <- List]);
indirect(Tuple) when is_tuple(Tuple) -> indirect(tuple_to_list(Tuple));
indirect(_) -> [].

type_index(Type, Types) -> type_index(Type, Types, 0).

type_index(Type, [Type | _], N) -> N;
type_index(Type, [_ | Rest], N) -> type_index(Type, Rest, N + 1).

%% ---- Sections ----

section(_Id, []) -> [];
section(Id, Entries) -> [Id, sized([u(length(Entries)) | Entries])].

sized(Bytes) ->
    Binary = iolist_to_binary(Bytes),
    [u(byte_size(Binary)), Binary].

functype({Params, Results}) -> [16#60, valtypes(Params), valtypes(Results)].

import({import, Module, Name, Type}, Types) ->
    [name(Module), name(Name), import_type(Type, Types)].

import_type({func, _Id, Params, Results}, Types) ->
    [0, u(type_index({Params, Results}, Types))];
import_type({table, Type, Limits}, _) -> [1, reftype(Type), limits(Limits)];
import_type({memory, Limits}, _) -> [2, limits(Limits)];
import_type({global, Type, Mutability}, _) -> [3, valtype(Type), mutability(Mutability)];
import_type({tag, Params}, Types) -> [4, 0, u(type_index({Params, []}, Types))].

elem({elem, Table, Offset, Members}, Ids) ->
    Flags = case Table of 0 -> u(4); _ -> [u(6), u(Table)] end,
    Type = case Table of 0 -> []; _ -> reftype(funcref) end,
    [Flags, offset(Offset), Type, u(length(Members)), [member(M, Ids) || M <- Members]].

member(null, _Ids) -> [16#d0, 16#70, 16#0b];
member(Id, Ids) -> [16#d2, u(index(Id, Ids)), 16#0b].

data({data, 0, Offset, Bytes}) -> [0, offset(Offset), sized(Bytes)];
data({data, Memory, Offset, Bytes}) -> [2, u(Memory), offset(Offset), sized(Bytes)].

offset({i64, N}) -> [16#42, s(N), 16#0b];
offset(N) -> [16#41, s(N), 16#0b].

body({func, _, _, _, Locals, Code}, Context) ->
    [u(length(Locals)), [[u(1), valtype(T)] || T <- Locals], code(Code, Context), 16#0b].

limits({i64, Min}) -> [4, u(Min)];
limits({i64, Min, Max}) -> [5, u(Min), u(Max)];
limits({Min}) -> [0, u(Min)];
limits({Min, Max}) -> [1, u(Min), u(Max)].

name(Name) -> sized(unicode:characters_to_binary(Name)).

kind(func) -> 0;
kind(table) -> 1;
kind(memory) -> 2;
kind(global) -> 3;
kind(tag) -> 4.

mutability(const) -> 0;
mutability(var) -> 1.

valtypes(Types) -> [u(length(Types)) | [valtype(T) || T <- Types]].

valtype(i32) -> 16#7f;
valtype(i64) -> 16#7e;
valtype(f32) -> 16#7d;
valtype(f64) -> 16#7c;
valtype(v128) -> 16#7b;
valtype(Ref) -> reftype(Ref).

reftype(funcref) -> 16#70;
reftype(externref) -> 16#6f.

%% ---- Instructions ----

code(List, Context) -> [instruction(I, Context) || I <- lists:flatten([List])].

instruction({block, Type, Code}, C) -> [16#02, block_type(Type), code(Code, C), 16#0b];
instruction({loop, Type, Code}, C) -> [16#03, block_type(Type), code(Code, C), 16#0b];
instruction({'if', Type, Then, Else}, C) ->
    [16#04, block_type(Type), code(Then, C), 16#05, code(Else, C), 16#0b];
instruction({'try', Type, Code, Tag, Catch}, C) ->
    [16#06, block_type(Type), code(Code, C), 16#07, u(Tag), code(Catch, C), 16#0b];
instruction({throw, Tag}, _) -> [16#08, u(Tag)];
instruction({br, N}, _) -> [16#0c, u(N)];
instruction({br_if, N}, _) -> [16#0d, u(N)];
instruction({call, Id}, #{ids := Ids}) -> [16#10, u(index(Id, Ids))];
instruction({call_indirect, Table, Params, Results}, #{types := Types}) ->
    [16#11, u(type_index({Params, Results}, Types)), u(Table)];
instruction({local_get, N}, _) -> [16#20, u(N)];
instruction({local_set, N}, _) -> [16#21, u(N)];
instruction({local_tee, N}, _) -> [16#22, u(N)];
instruction({global_get, N}, _) -> [16#23, u(N)];
instruction({global_set, N}, _) -> [16#24, u(N)];
instruction({table_set, N}, _) -> [16#26, u(N)];
instruction({table_grow, N}, _) -> [16#fc, u(15), u(N)];
instruction({table_size, N}, _) -> [16#fc, u(16), u(N)];
instruction({i32_const, N}, _) -> [16#41, s(N)];
instruction({i64_const, N}, _) -> [16#42, s(N)];
instruction({f32_const, Bits}, _) when is_integer(Bits) -> [16#43, <<Bits:32/little>>];
instruction({f32_const, F}, _) -> [16#43, <<F:32/float-little>>];
instruction({f64_const, Bits}, _) when is_integer(Bits) -> [16#44, <<Bits:64/little>>];
instruction({f64_const, F}, _) -> [16#44, <<F:64/float-little>>];
instruction({v128_const, <<Bytes:16/binary>>}, _) -> [16#fd, 16#0c, Bytes];
instruction({ref_null, Type}, _) -> [16#d0, reftype(Type)];
instruction({ref_func, Id}, #{ids := Ids}) -> [16#d2, u(index(Id, Ids))];
instruction(memory_fill, _) -> [16#fc, 11, 0];
instruction({memory_size, N}, _) -> [16#3f, u(N)];
instruction({memory_grow, N}, _) -> [16#40, u(N)];
instruction({Access, Memory}, _) -> [access(Access), memarg(Memory)];
instruction(Name, _) -> plain(Name).

memarg(0) -> [0, 0];
memarg(Memory) -> [16#40, u(Memory), 0].

block_type(void) -> 16#40;
block_type(Type) -> valtype(Type).

access(i32_load) -> 16#28;
access(i64_load) -> 16#29;
access(i32_load8_u) -> 16#2d;
access(i32_store) -> 16#36;
access(i64_store) -> 16#37;
access(i32_store8) -> 16#3a.

plain(unreachable) -> 16#00;
plain(nop) -> 16#01;
plain(return) -> 16#0f;
plain(drop) -> 16#1a;
plain(i32_eqz) -> 16#45;
plain(i32_ne) -> 16#47;
plain(i32_gt_u) -> 16#4b;
plain(i64_eqz) -> 16#50;
plain(i64_gt_u) -> 16#56;
plain(f64_le) -> 16#65;
plain(i32_add) -> 16#6a;
plain(i32_sub) -> 16#6b;
plain(i32_mul) -> 16#6c;
plain(i32_div_s) -> 16#6d;
plain(i32_and) -> 16#71;
plain(i32_shr_u) -> 16#76;
plain(i64_add) -> 16#7c;
plain(i64_sub) -> 16#7d;
plain(i64_shr_u) -> 16#88;
plain(i64_and) -> 16#83;
plain(f64_add) -> 16#a0;
plain(f64_sub) -> 16#a1;
plain(f64_mul) -> 16#a2;
plain(i32_wrap_i64) -> 16#a7;
plain(i64_extend_i32_s) -> 16#ac;
plain(i64_extend_i32_u) -> 16#ad.

%% ---- LEB128 ----

u(N) when N < 128 -> [N];
u(N) -> [(N band 127) bor 128 | u(N bsr 7)].

s(N) when N >= -64, N < 64 -> [N band 127];
s(N) -> [(N band 127) bor 128 | s(N bsr 7)].
