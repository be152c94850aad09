#!/usr/bin/env bash
# lua_process/: Lua with the interface of AO processes for 64-bit memory, called without a process
# around it: errors by exceptions, and by Emscripten's imports. scripts/fetch-sources compiles it.
# Usage: lua_process_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
programs=$here/../../build/programs
process='{"Process":{"Id":"P","Owner":"ME","Tags":[{"name":"Name","value":"test"}]}}'

# message FROM ACTION DATA: JSON; DATA has no quotes or line ends but escaped ones.
message() {
    printf '{"Id":"1","From":"%s","Owner":"%s","Module":"M","Block-Height":1,"Timestamp":1700,%s,"Data":"%s"}' \
        "$1" "$1" "\"Tags\":[{\"name\":\"Action\",\"value\":\"$2\"}]" "$3"
}

# answer NAME DATA TEXT: a message is evaluated, and the output is this text, as JSON has it.
answer() {
    check "$lua: $1" 0 "{\"ok\":true,\"response\":{\"Assignments\":[],\"Messages\":[],\"Output\":{\"data\":\"$3\",\"print\":true,\"prompt\":\"test> \"},\"Spawns\":[]}}" \
        "" "$beamr" run --deterministic --text "$programs/$lua.wasm" --invoke handle \
        "$(message ME Eval "$2")" "$process"
}

# error NAME DATA TEXT
error() {
    check "$lua: $1" 0 "{\"ok\":true,\"response\":{\"Assignments\":[],\"Error\":\"$3\",\"Messages\":[],\"Spawns\":[]}}" \
        "" "$beamr" run --deterministic --text "$programs/$lua.wasm" --invoke handle \
        "$(message ME Eval "$2")" "$process"
}

# process_of NAME CATCHES: with so many errors that are caught.
process_of() {
    lua=$1
    if [ ! -f "$programs/$lua.wasm" ]; then
        skip "$lua" "$(cat "$programs/lua_process.reason" 2>/dev/null || echo "scripts/fetch-sources")"
        return
    fi
    answer "an expression" 'return 1 + 1' 2
    answer "statements and several results" 'x = 5 return x, x // 2, 2^53' '5\t2\t9.007199254741e+15'
    answer "what is printed comes first" 'print(1, {a=1}) return {}' '1\t{\"a\":1}\n[]'
    answer "errors are caught" 'select(2, pcall(error, {code=5})).code' 5
    answer "$2 times" "local n=0 for i=1,$2 do if not pcall(error, i) then n=n+1 end end return n" "$2"
    answer "coroutines" 'local co=coroutine.wrap(function(a) error(\"co\"..coroutine.yield(a+1)) end) return co(1), pcall(co, 7)' \
        '2\tfalse\teval:1: co7'
    answer "numbers as text" '(\"%5.2f|%-4d|%x|%a|%g\"):format(1/3, 42, 255, 1.5, 1e300)' ' 0.33|42  |ff|0x1.8p+0|1e+300'
    answer "mathematics" 'math.sin(1), math.atan(1, 2), math.log(8, 2), math.fmod(7, 3), 3 % -2' \
        '0.8414709848079\t0.46364760900081\t3.0\t1\t-1'
    answer "strings" 'string.gsub(\"hello world\", \"(%w+)\", \"<%1>\")' '<hello> <world>\t2'
    answer "files" 'local f=io.open(\"a\",\"w\") f:write(\"one\\n\", 2) f:close() local t={} for l in io.lines(\"a\") do t[#t+1]=l end return t, io.open(\"b\")' \
        '[\"one\",\"2\"]\tnil\tb: No such file or directory\t44'
    answer "the clock is the message's" 'os.time()' 1700
    answer "much memory" 'local t={} for i=1,30000 do t[i]=tostring(i) end return #t' 30000
    answer "recursion ends" 'local function f() return f() + 1 end return pcall(f)' 'false\teval:1: stack overflow'
    error "an error" 'x = 1 error(\"boom\")' 'eval:1: boom'
    error "what cannot be read" 'x +' "eval:1: syntax error near '+'"
    check "$lua: messages are sent" 0 '~"Messages":\[\{"Anchor":"0","Data":"hi","Tags":\[\{"name":"Action","value":"A"\},\{"name":"B","value":"2"\}\],"Target":"T"\}\]' \
        "" "$beamr" run --text "$programs/$lua.wasm" --invoke handle \
        "$(message ME Eval 'Send{Target=\"T\", Action=\"A\", Data=\"hi\", Tags={B=2}}')" "$process"
    check "$lua: only the owner may evaluate" 0 '~"data":"message 1 from YOU"' "" "$beamr" run --text \
        "$programs/$lua.wasm" --invoke handle "$(message YOU Eval 1)" "$process"
    check "$lua: no end" 1 "" 'time limit of 200ms' "$beamr" run --timeout 200ms "$programs/$lua.wasm" \
        --invoke handle "$(message ME Eval 'while true do end')" "$process"
}

process_of lua_process 200000
process_of lua_process_invoke 20000
finish
