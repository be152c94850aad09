%%% What all suites use.
-include_lib("eunit/include/eunit.hrl").
-import(beamr_test, [timed/1, with/2, with/3, start/1, start/2, stop/1, failed/1, trapped/2,
                     stopped/1, ends/1, eventually/1, gone/1, answers/1, counts/0, same_counts/1,
                     nothing_arrived/0, spawn_caller/1, result/1, is_long/0]).
