#!/usr/bin/env escript
%% -*- erlang -*-
%% The sessions of pages give what stands below them there.
%%
%% Usage: page.escript PAGE..., in a folder with the modules of the examples; ERL_LIBS finds `beamr'.
%% A session is a block that begins with ```erlang; "1> " begins an expression, as in the
%% shell, which may go on in lines that begin with a blank. What follows is its value, "..." in
%% it stands for anything, and any pid for any other; where nothing follows, the expression need
%% only not raise. A block without "1> " is a sequence of expressions that must not.

-mode(compile).

main(Pages) ->
    Results = lists:append([page(Page) || Page <- Pages]),
    Failed = length([failed || failed <- Results]),
    Passed = length(Results) - Failed,
    io:format("~b passed, ~b failed, 0 skipped~n", [Passed, Failed]),
    halt(case Failed =:= 0 andalso Passed > 0 of true -> 0; false -> 1 end).

page(Page) ->
    {ok, Bytes} = file:read_file(Page),
    Lines = string:split(unicode:characters_to_list(Bytes), "\n", all),
    Results = [_ | _] = [session(Block) || Block <- blocks(Lines)],
    lists:append(Results).

blocks([]) ->
    [];
blocks(["```erlang" | Rest]) ->
    {Block, [_ | Behind]} = lists:splitwith(fun(Line) -> Line =/= "```" end, Rest),
    [entries(Block, []) | blocks(Behind)];
blocks([_ | Rest]) ->
    blocks(Rest).

%% [{Expression, Expected}]
entries(Block = [[First | _] | _], []) when First < $0; First > $9 ->
    [{lists:append(lists:join("\n", Block)), ""}];
entries([], Done) ->
    lists:reverse([{Text, string:trim(Expected)} || {Text, Expected} <- Done]);
entries([Line | Rest], Done) ->
    case {re:run(Line, "^[0-9]+> (.*)$", [{capture, [1], list}, unicode]), Done} of
        {{match, [Text]}, _} -> entries(Rest, [{Text, ""} | Done]);
        {nomatch, [{Text, ""} | More]} when hd(Line) =:= $\s ->
            entries(Rest, [{Text ++ "\n" ++ Line, ""} | More]);
        {nomatch, [{Text, Expected} | More]} ->
            entries(Rest, [{Text, Expected ++ "\n" ++ Line} | More])
    end.

session(Entries) ->
    {Results, _} = lists:mapfoldl(fun try_one/2, erl_eval:new_bindings(), Entries),
    Results.

try_one({Text, Expected}, Bindings) ->
    try
        {ok, Tokens, _} = erl_scan:string(Text),
        {ok, Exprs} = erl_parse:parse_exprs(Tokens),
        {value, Value, New} = erl_eval:exprs(Exprs, Bindings),
        {judge(Text, Expected, lists:flatten(io_lib:format("~tp", [Value]))), New}
    catch
        Class:Reason:Stack ->
            io:format("failed: ~ts~n    ~p: ~p~n    ~p~n", [Text, Class, Reason, Stack]),
            {failed, Bindings}
    end.

judge(Text, "", _) ->
    io:format("ok: ~ts~n", [hd(string:split(Text, "\n"))]),
    ok;
judge(Text, Expected, Got) ->
    Parts = string:split(plain(Expected), "...", all),
    Pattern = "^" ++ lists:join(".*", [quoted(Part) || Part <- Parts]) ++ "$",
    case re:run(plain(Got), Pattern, [unicode, dotall]) of
        {match, _} ->
            judge(Text, "", Got);
        nomatch ->
            io:format("failed: ~ts~n    expected: ~ts~n    got:      ~ts~n",
                      [Text, Expected, Got]),
            failed
    end.

%% Without what may differ: blanks and ends of lines, pids.
plain(Text) ->
    Joined = re:replace(Text, "\\s+", "", [global, unicode, {return, list}]),
    re:replace(Joined, "<[0-9]+\\.[0-9]+\\.[0-9]+>", "PID", [global, {return, list}]).

quoted(Text) ->
    re:replace(Text, "[][\\\\^$.|?*+(){}]", "\\\\&", [global, unicode, {return, list}]).
