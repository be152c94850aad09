#!/usr/bin/env bash
# Lua 5 from Debian's source. Each error of Lua is a longjmp: as an exception, and by Emscripten's
# invoke functions.
# Usage: lua_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

flags=(-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_PROCESS_CLOCKS -DL_tmpnam=20)
libraries=(-lm -lwasi-emulated-signal -lwasi-emulated-process-clocks)

cat >"$work/errors.lua" <<'LUA'
local caught = 0
for i = 1, 200000 do
    local ok, message = pcall(error, 'x')
    if not ok and message == 'x' then caught = caught + 1 end
end
print(caught)
LUA
cat >"$work/tour.lua" <<'LUA'
local f = assert(io.open('notes.txt', 'w'))
for i = 1, 5 do f:write(i * i, '\n') end
f:close()
local sum = 0
for line in io.lines('notes.txt') do sum = sum + tonumber(line) end
print('sum', sum)
print(io.open('missing.txt'))
print(select(2, pcall(function() local t = nil; return t.x end)))
local co = coroutine.wrap(function(a)
    for i = 1, 3 do a = coroutine.yield(a * 2) end
    error({ code = 7 })
end)
print(co(1), co(2), co(3), select(2, pcall(co, 4)).code)
print(pcall(string.rep, 'x', -1), ('%5.2f|%-4d|%q'):format(math.pi, 42, 'a\nb'))
print(string.gsub('hello world', '(%w+)', '<%1>'))
local function deep(n) return n == 0 and error('bottom', 0) or 1 + deep(n - 1) end
print(pcall(deep, 150))
print(xpcall(deep, function(m) return 'handled ' .. m end, 3))
print(os.getenv('NAME'), arg[1], #arg, os.remove('notes.txt'))
os.exit(3)
LUA
tour="sum	55
nil	missing.txt: No such file or directory	44
tour.lua:8: attempt to index a nil value (local 't')
2	4	6	7
true	 3.14|42  |\"a\\
b\"
<hello> <world>	2
false	bottom
false	handled bottom
value	argument	1	true"

# lua NAME PROGRAM
lua() {
    check "$1: 200,000 errors are caught" 0 200000 "" \
        "$beamr" run --dir "$work::/" "$2" errors.lua
    check "$1: files, errors, coroutines, strings" 3 "$tour" "" \
        "$beamr" run --dir "$work::/" --env NAME=value "$2" tour.lua argument
    check "$1: a script on standard input" 0 42 "" input 'print(6 * 7)' "$beamr" run "$2" -
    check "$1: an error that nobody catches" 1 "" "bad.lua:1: oops" \
        "$beamr" run --dir "$work::/" "$2" bad.lua
}

echo 'error("oops")' >"$work/bad.lua"
source=$modules/lua_source
if downloaded lua lua_source; then
    files=()
    for file in "$source"/src/*.c; do
        [ "${file##*/}" = luac.c ] || files+=("$file")
    done
    files+=("$here/missing.c" "$runtime/setjmp.c")
    if built lua "${flags[@]}" "${by_exception[@]}" -- "${files[@]}" "$runtime/tags.S" -- \
        "${libraries[@]}"; then
        lua lua "$programs/lua.wasm"
    fi
    if built lua_invoke "${flags[@]}" "${by_invoke[@]}" -- "${files[@]}" "$runtime/invoke.c" -- \
        "${libraries[@]}" "${link_by_invoke[@]}"; then
        lua "lua by invoke" "$programs/lua_invoke.wasm"
    fi
fi
finish
