#!/usr/bin/env escript
%% Writes the seeds of driver_term_fuzz and driver_command_fuzz, one file for each.
%% Usage: escript seeds.escript FOLDER   (fuzz/seeds)
-mode(compile).

main([Folder]) ->
    [write(Folder, "driver_term", Name, [Type, Bytes]) || {Name, Type, Bytes} <- terms()],
    [write(Folder, "driver_command", Name, Bytes) || {Name, Bytes} <- commands()].

write(Folder, Target, Name, Bytes) ->
    ok = file:write_file(filename:join([Folder, Target, Name]), Bytes).

%% The first byte is for results: their number, and then two bits for each one's type.
terms() ->
    [{"none", 0, t([])},
     {"integers", 2#000001_11, t([1, -1, 1 bsl 63, 1 bsl 31])},
     {"small", 2#000110_11, t([1, 2, 3])},
     {"floats", 2#111011_11, t([1.5, -1.0e-300, 2.0])},
     {"old-floats", 2#11_01, old([1.5])},
     {"special", 2#1110_10, t([nan, neg_infinity])},
     {"big", 1, t([1 bsl 64, -(1 bsl 2100)])},
     {"text", 0, t([<<"abc">>, <<>>, "text", [955, 128512, $a]])},
     {"not-text", 0, t([[16#d800], [16#110000], [$a | b]])},
     {"map", 0, t([#{a => [1, 2, #{<<"b">> => null}], <<"c">> => 1.5, d => [[], true, x]}])},
     {"latin-1", 0, t([#{list_to_atom([228]) => false, list_to_atom([955]) => "list"}])},
     {"large-map", 0, t([maps:from_list([{integer_to_binary(I), I} || I <- lists:seq(1, 40)])])},
     {"deep", 0, t([lists:foldl(fun(_, T) -> #{<<"a">> => [T]} end, #{}, lists:seq(1, 70))])},
     {"many", 0, t(lists:seq(1, 300))},
     {"nine", 0, t([1, 2, 3, 4, 5, 6, 7, 8, <<"nine">>, 1.0])},
     {"others", 0, t({ref(), self(), fun(X) -> X end, fun lists:map/2, <<1:3>>,
                      hd(erlang:ports())})},
     {"large-tuple", 0, t(erlang:make_tuple(300, {}))},
     {"improper", 0, t([1, 2 | 3])},
     {"compressed", 0, term_to_binary(lists:duplicate(100, a), [compressed])}].

commands() ->
    [{"call", c(2, {ref(), <<"fac">>, [5.0]})},
     {"call-text", c(2, {ref(), "fac", ["text", #{a => <<"b">>}, nan]})},
     {"call-index", c(2, {ref(), 7, [1, 2]})},
     {"respond", c(3, {ref(), 1, {ok, [1, 2.5]}})},
     {"respond-error", c(3, {ref(), 1, {error, "no"}})},
     {"respond-cancel", c(3, {ref(), 1 bsl 64, cancel})},
     {"read", c(4, {ref(), 65536, 8})},
     {"write", c(5, {ref(), -1, <<"abc">>})},
     {"size", c(6, {ref()})},
     {"string", c(7, {ref(), 1024, 1 bsl 20})},
     {"sent-init", s(0, 1, {ref(), #{max_memory => 1 bsl 20, fuel => infinity, time => 100,
                                     stubs => zeros, system => true, mode => aot}}, <<0, "asm">>)},
     {"sent-call", s(2, 2, {ref(), <<"f">>, [binary:copy(<<"x">>, 9000)]}, <<>>)},
     {"sent-write", s(7, 5, {ref(), 4}, binary:copy(<<"x">>, 600))},
     {"sent-memory", s(16#98, 8, {ref()}, <<"abc">>)},
     {"plain-init", p(0, {init, binary:copy(<<"x">>, 600), wasm})},
     {"plain-call", p(0, {call, "fac", [5.0]})},
     {"plain-indirect", p(0, {indirect_call, 1, []})},
     {"plain-response", p(1, {import_response, [0]})},
     {"plain-read", p(2, {read, 0, 1 bsl 70})},
     {"plain-write", p(0, {write, 0, <<"abc">>})},
     {"plain-size", p(0, {size})}].

t(Term) -> term_to_binary(Term).
old(Term) -> term_to_binary(Term, [{minor_version, 0}]).
ref() -> list_to_ref("#Ref<0.1.2.3>").
c(Op, Term) -> [Op, 0, 0, t(Term)].
p(Cuts, Term) -> [255, Cuts, 0, t(Term)].
s(Cuts, Op, Term, Bytes) ->
    Header = t(Term),
    [255, Cuts, 0, "BMR", Op, <<(byte_size(Header)):32>>, Header, Bytes].
