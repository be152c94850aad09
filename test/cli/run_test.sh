#!/usr/bin/env bash
# `beamr run` with programs: words, environment, streams, clocks, folders, limits and exit codes;
# cli_test.sh has the calls of functions.
#
# Usage: run_test.sh BEAMR BUILD-FOLDER
# Prints a line for each check and a count of them; ends with 1 if one failed. The guests are
# guests/tool.c, which does what its arguments say, and guests/bare.c, which has no _start.
set -u

beamr=$1
guests=$2/test/cli
source "$(dirname "${BASH_SOURCE[0]}")/check.bash"

if [ ! -e "$guests/tool.wasm" ]; then
    echo "skipped: programs (wasi-libc is missing)"
    exit 77
fi
umask 022 # some checks run as somebody else
mkdir "$work/here" # beside what `check` keeps
cd "$work/here" || exit 1
cp "$guests"/{tool,bare,bare64}.wasm .

run() {
    local name=$1 code=$2 out=$3 err=$4
    shift 4
    check "$name" "$code" "$out" "$err" "$beamr" run "$@"
}

# The same for a line of the shell, where $beamr stands for the command.
shell() {
    local name=$1 code=$2 out=$3 err=$4
    export beamr
    check "$name" "$code" "$out" "$err" bash -c "$5"
}

# ---- Words, environment, exit codes ----

run "words behind FILE are the program's" 0 "[tool.wasm]
[args]
[--invoke]
[-x]
[--timeout]
[]" "" tool.wasm args --invoke -x --timeout ""
run "-- directly behind FILE is not" 0 "[tool.wasm]
[args]
[--]" "" tool.wasm -- args --
run "--invoke behind -- is the program's" 99 "" "" tool.wasm -- --invoke
run "the program's name has no folder" 0 "~^.tool.wasm.$" "" "$PWD/tool.wasm" args
run "no environment of itself" 0 "" "" tool.wasm env
run "--env" 0 "A=1
B=x=y
C=" "" --env A=1 --env B=x=y --env C= tool.wasm env
run "--env: the last of a name counts" 0 "A=2" "" --env A=1 --env A=2 tool.wasm env
shell "--env passes a value on" 0 "PASSED=on" "" \
    'PASSED=on HIDDEN=on "$beamr" run --env PASSED tool.wasm env'
shell "--env without a value here" 2 "" "--env UNSET: it has no value here" \
    'unset UNSET; "$beamr" run --env UNSET tool.wasm'
run "--env without a name" 2 "" "--env =x: a name is missing" --env =x tool.wasm
run "the program's exit code" 7 "" "" tool.wasm exit 7
run "an exit code beyond 255" 2 "" "" tool.wasm exit 258
run "a negative exit code" 255 "" "" tool.wasm exit -1
run "a trap" 1 "before" "^beamr run: _start: trap: unreachable" tool.wasm echo before trap
run "a trap's backtrace" 1 "" "^  #0  function [0-9]+ <do_trap> at 0x" tool.wasm trap
run "a program that is missing" 2 "" "nowhere.wasm: No such file" nowhere.wasm
shell "a program from standard input" 0 "hi" "" '"$beamr" run - echo hi <tool.wasm'

# ---- Programs without _start ----

run "main" 3 "bare.wasm
a
-b" "" bare.wasm a -b
run "main with a 64-bit memory" 2 "bare64.wasm
word" "" bare64.wasm word
run "an import that nothing provides traps when it is called" 1 "~^!$" \
    'call of an import that nothing provides.*mystery' bare.wasm !
run "--stub-imports" 40 "~^!$" "" --stub-imports bare.wasm !
check "inspect: who provides an import" 0 '~^  "wasi_snapshot_preview1" "fd_write": .*; WASI$' "" \
    "$beamr" inspect bare.wasm
check "inspect: what is stubbed" 0 '~^  "env" "mystery": func \[i64\] -> \[i32\]; stub$' "" \
    "$beamr" inspect bare64.wasm
check "inspect: providers in JSON" 0 '~"provider":"wasi"\},.*"provider":"stub"\}\]' "" \
    "$beamr" inspect --json bare.wasm

# ---- Streams ----

run "standard error" 0 "out
more" "^err$" tool.wasm echo out warn err echo more
shell "standard input" 0 "one
two" "" 'printf "one\ntwo\n" | "$beamr" run tool.wasm copy'
shell "output comes when it is written" 0 "first second" "" '
    coproc "$beamr" run tool.wasm line line
    echo first >&"${COPROC[1]}" && read -r a <&"${COPROC[0]}"
    echo second >&"${COPROC[1]}" && read -r b <&"${COPROC[0]}"
    echo "$a $b"'
shell "standard input that is closed" 3 "" "^stdin: " '"$beamr" run tool.wasm copy <&-'
shell "standard output that is closed" 0 "" "^errno " '"$beamr" run tool.wasm try x >&-'
shell "all streams closed, and a folder" 0 "" "" \
    'mkdir -p c && echo x >c/f && "$beamr" run --dir c tool.wasm cat c/f exit 4 <&- >&- 2>&-; [ $? = 3 ]'
shell "a full disk" 0 "" "^errno " '"$beamr" run tool.wasm try x >/dev/full'
mkfifo ../silent # opened for both, it gives nothing and takes what fits
shell "a pipe that nobody reads ends the program" 0 "13" "" \
    'env --default-signal=PIPE "$beamr" run tool.wasm spew 12 | head -c 1 | sed s/1/13/
     [ "${PIPESTATUS[0]}" = 141 ]'
shell "a pipe that nobody reads, with SIGPIPE ignored" 0 "" "^errno Broken pipe" \
    'exec 3<>../silent 4>../silent 3>&-; env --ignore-signal=PIPE "$beamr" run tool.wasm try x >&4'
shell "Ctrl-C ends it" 0 "130" "" \
    'env --default-signal=INT timeout --foreground -s INT 0.3 "$beamr" run tool.wasm spin
     [ $? = 124 ] && echo 130'
shell "a terminal is one" 0 "~^1" "" 'script -qc "$beamr run tool.wasm tty 1" /dev/null </dev/null'
run "a pipe is none" 0 0 "" tool.wasm tty 0

# ---- Clocks and random numbers ----

shell "the clock is the host's" 0 "close" "" '
    a=$(date +%s) b=$("$beamr" run tool.wasm time) c=$(date +%s)
    [ "$a" -le "${b%%.*}" ] && [ "${b%%.*}" -le "$c" ] && echo close'
shell "sleeping takes time" 0 "slept" "" '
    set -- $("$beamr" run tool.wasm time sleep 30 time)
    awk -v a="$2" -v b="$4" "BEGIN { if (b - a >= 0.03) print \"slept\" }"'
shell "random numbers differ" 0 "" "" \
    '[ "$("$beamr" run tool.wasm random)" != "$("$beamr" run tool.wasm random)" ]'
shell "poll sees input" 0 1 "" 'echo x | "$beamr" run tool.wasm poll 10000'
shell "poll waits no longer than it should" 0 0 "" 'exec 3<>../silent; timeout 10 "$beamr" run tool.wasm poll 20 <&3'
run "--deterministic: clocks begin at 0 and sleeping costs nothing" 0 \
    "0.000000000 0.000000000
1000.000000000 1000.000000000" "" --timeout 100s --deterministic tool.wasm time sleep 1000000 time
shell "--deterministic: the same random numbers" 0 "" "" \
    '[ "$("$beamr" run --deterministic tool.wasm random)" = \
       "$("$beamr" run --deterministic tool.wasm random)" ]'

# ---- Limits ----

run "--timeout ends a loop" 1 "" "_start: the time limit of 100ms was reached" \
    --timeout 100ms tool.wasm spin
run "--timeout ends sleep" 1 "" "the time limit of 100ms was reached" \
    --timeout 100ms tool.wasm sleep 60000
shell "--timeout ends waiting for input" 0 "" "the time limit of 100ms was reached" \
    'exec 3<>../silent; timeout 10 "$beamr" run --timeout 100ms tool.wasm copy <&3; [ $? = 1 ]'
shell "--timeout ends waiting for output" 0 "" "the time limit of 100ms was reached" \
    'exec 3<>../silent; timeout 10 "$beamr" run --timeout 100ms tool.wasm spew abc >&3; [ $? = 1 ]'
shell "--timeout ends poll" 0 "" "the time limit of 100ms was reached" \
    'exec 3<>../silent; timeout 10 "$beamr" run --timeout 100ms tool.wasm poll 60000 <&3; [ $? = 1 ]'
shell "--timeout leaves input that comes in time" 0 "hi" "" \
    'echo hi | "$beamr" run --timeout 1m tool.wasm copy'
run "--fuel" 1 "" "_start: the fuel limit of 5000 was reached" --fuel 5000 tool.wasm spin
run "--max-files" 3 "" "^f: No space left" --max-files 64KiB tool.wasm fill f 100000 x
run "--max-files that is no size" 2 "" "--max-files x: not a size" --max-files x tool.wasm

# ---- Folders, copied in ----

# A new folder "t" with files to begin with.
tree() {
    chmod -R u+rwx t 2>/dev/null
    rm -rf t out
    mkdir -p t/sub out
    echo one >t/a
    echo two >t/sub/b
    echo secret >out/secret
    ln -s a t/link
    ln -s ../out/secret t/escape
}

tree
run "without --dir an empty root" 0 "" "" tool.wasm ls /
run "without --dir nothing is open for a program that uses no paths" 8 "~^[?]$" "" bare.wasm "?"
run "--dir for a program that uses no paths" 0 "~^[?]$" "" --dir t bare.wasm "?"
run "without --dir files can be made" 0 "text" "" tool.wasm write /f text cat /f
run "--dir" 0 "one
two" "" --dir t tool.wasm cat t/a cat t/sub/b
run "--dir lists names in order" 0 "a
escape
link
sub" "" --dir t tool.wasm ls t
run "--dir with a name" 0 "one" "" --dir t::/data tool.wasm cat /data/a
run "--dir with a relative name" 0 "one" "" --dir t::data tool.wasm cat data/a
run "--dir with a slash behind it" 0 "one" "" --dir t/ tool.wasm cat t/a
run "--dir as the root" 0 "one" "" --dir t::/ tool.wasm cat /a
run "--dir of the working folder" 0 "one" "" --dir . tool.wasm cat t/a
run "--dir with an absolute path" 0 "one" "" --dir "$PWD/t" tool.wasm cat "$PWD/t/a"
run "--dir twice" 0 "one
two" "" --dir t::/x --dir t/sub::/y tool.wasm cat /x/a cat /y/b
run "--dir within another" 0 "secret" "" --dir t::/ --dir out::/sub tool.wasm cat /sub/secret
run "--dir: links stay links" 0 "one
a" "" --dir t tool.wasm cat t/link readlink t/link
run "--dir: links do not lead out" 3 "" "t/escape: " --dir t tool.wasm cat t/escape
run "--dir: nor do names" 3 "" "t/../out/secret: " --dir t tool.wasm cat t/../out/secret
run "--dir: nor do absolute paths" 3 "" "/etc/passwd: " --dir t tool.wasm cat /etc/passwd
run "--dir: changes stay with the guest" 0 "new" "" --dir t tool.wasm write t/a new cat t/a
check "--dir: the host's file is as it was" 0 "one" "" cat t/a
touch -d @1000000000 t/a
run "--dir: times" 0 1000000000 "" --dir t tool.wasm mtime t/a
run "--dir: no times with --deterministic" 0 0 "" --deterministic --dir t tool.wasm mtime t/a
run "--dir of a folder that is missing" 2 "" "^beamr run: --dir: nowhere: No such file" --dir nowhere tool.wasm
run "--dir of a file" 2 "" "^beamr run: --dir-rw: t/a: Not a directory" --dir-rw t/a tool.wasm
run "--dir without a name behind the colons" 2 "" "--dir 't::': not a folder" --dir t:: tool.wasm
run "--dir without a folder" 2 "" "--dir '::x': not a folder" --dir ::x tool.wasm
run "--dir of nothing" 2 "" "--dir '': not a folder" --dir= tool.wasm
run "--dir twice for one place" 2 "" "--dir ./t: the guest has t as /t already" \
    --dir t --dir ./t tool.wasm
run "--dir beyond --max-files" 2 "" "t/a: " --max-files 4 --dir t tool.wasm
run "--dir beyond --max-files says what to do" 2 "" "^--max-files SIZE changes the limit" \
    --max-files 4 --dir t tool.wasm
mkfifo t/pipe
run "--dir leaves pipes out" 0 "a
escape
link
sub" "^beamr run: t/pipe: left out" --dir t tool.wasm ls t
rm t/pipe

# ---- Folders, written back ----

run "--dir-rw" 0 "" "" --dir-rw t tool.wasm write t/a new mkdir t/d write t/d/f made rm t/sub/b \
    rmdir t/sub symlink a t/l2
check "--dir-rw: what was written" 0 "newmade" "" cat t/a t/d/f
check "--dir-rw: what was linked" 0 "a" "" readlink t/l2
check "--dir-rw: what was removed" 0 "a
d
escape
l2
link" "" ls -A t
tree
run "--dir-rw: names of one file are files" 0 "" "" --max-files 100 --dir-rw t tool.wasm \
    write t/n 0123456789 link t/n t/m
check "--dir-rw: what was linked hard" 0 "01234567890123456789" "" cat t/n t/m
tree
run "--dir-rw: as much as all files may hold" 1 "" "not written: n3: files with several names" \
    --max-files 100 --dir-rw t tool.wasm write t/n0 \
    0123456789012345678901234567890123456789 link t/n0 t/n1 link t/n0 t/n2 link t/n0 t/n3
tree
run "--dir-rw: moving" 0 "" "" --dir-rw t::/ tool.wasm mv /sub /moved
check "--dir-rw: what was moved" 0 "two" "" cat t/moved/b
tree
run "--dir-rw: only with exit code 0" 5 "" "" --dir-rw t tool.wasm write t/a new exit 5
check "--dir-rw: a program that failed changes nothing" 0 "one" "" cat t/a
run "--dir-rw: a trap" 1 "" "trap" --dir-rw t tool.wasm write t/a new trap
check "--dir-rw: a trap changes nothing" 0 "one" "" cat t/a
shell "--dir-rw: a full standard output does not matter" 0 "" "^errno" \
    '"$beamr" run --dir-rw t tool.wasm write t/a new try x >/dev/full'
check "--dir-rw: nor for what is written" 0 "new" "" cat t/a
tree
run "--dir-rw: beside --dir" 0 "" "" --dir-rw t --dir t::u tool.wasm write u/a u write t/sub/b t
check "--dir-rw: only its own" 0 "one
t" "" cat t/a t/sub/b

# Change the host's tree while the guest waits for a line.
# meanwhile NAME CODE ERR 'guest words before' 'shell commands' 'guest words after'
meanwhile() {
    tree
    export before=$4 host=$5 after=$6
    shell "$1" "$2" "~ready" "$3" '
        mkfifo go
        "$beamr" run --dir-rw t tool.wasm $before echo ready line $after <go >said &
        exec 3>go
        until grep -q ready said; do sleep 0.01; done
        eval "$host"
        echo ready >&3
        wait $!
        code=$?
        cat said; rm go said
        exit $code'
}

meanwhile "--dir-rw: a file that was changed here" 1 \
    "^  not written: a: it was changed here meanwhile" "" 'echo mine >t/a' 'write t/a new write t/n new'
check "--dir-rw: it is kept, and others are written" 0 "mine
new" "" cat t/a t/n
meanwhile "--dir-rw: a folder replaced by a link" 1 "^  not written: sub/b: Not a directory" "" \
    'rm -r t/sub; ln -s ../out t/sub; echo two >out/b' 'write t/sub/b new write t/sub/c new'
check "--dir-rw: nothing behind the link is written" 0 "two" "" cat out/b
check "--dir-rw: nothing behind the link is made" 0 "b
secret" "" ls -A out
meanwhile "--dir-rw: a file replaced by a link" 1 "^  not written: a: it was changed here" "" \
    'ln -sf ../out/secret t/a' 'write t/a new'
check "--dir-rw: the link's target is as it was" 0 "secret" "" cat out/secret
meanwhile "--dir-rw: a folder that was removed" 1 "^  not written: sub/b: No such file" "" \
    'rm -r t/sub' 'write t/sub/b new'
meanwhile "--dir-rw: nothing is removed when something failed" 1 \
    "^  not removed: a: not tried, because of others" "" 'rm -r t/sub' 'write t/sub/b new rm t/a'
check "--dir-rw: so what was moved is not lost" 0 "one" "" cat t/a

# What the user may not do, as somebody who is not root.
as_user=()
if [ "$(id -u)" = 0 ]; then
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${as_user[@]}" true 2>/dev/null || as_user=(none)
fi
if [ "${as_user[*]}" != none ]; then
    # user CHECK...: as `check`, of `beamr run` as that user, who owns the tree
    user() {
        local name=$1 code=$2 out=$3 err=$4
        shift 4
        [ "$(id -u)" != 0 ] || chown -R -h 65534:65534 t
        check "$name" "$code" "$out" "$err" "${as_user[@]}" ./beamr run "$@"
    }
    cp "$beamr" beamr
    chmod 755 "$work" .
    tree
    chmod 555 t/sub
    user "--dir-rw: a read-only folder" 1 "" "^  not written: sub/n: Permission denied" \
        --dir-rw t tool.wasm write t/a new write t/sub/n new
    check "--dir-rw: others are written" 0 "new" "" cat t/a
    check "--dir-rw: a read-only folder is as it was" 0 "b" "" ls -A t/sub
    tree
    chmod 444 t/a
    user "--dir-rw: a read-only file" 1 "" "^  not written: a: Permission denied" \
        --dir-rw t tool.wasm write t/a new write t/sub/b new
    check "--dir-rw: it is kept, and others written" 0 "one
new" "" cat t/a t/sub/b
    tree
    chmod 000 t/sub
    user "--dir: a folder that cannot be read" 2 "" "t/sub: Permission denied" --dir t tool.wasm
    tree
    chmod 000 t/a
    user "--dir: a file that cannot be read" 2 "" "t/a: Permission denied" --dir t tool.wasm
fi

# Killed at any moment, it leaves each file as it was or as it should be.
half=0
files=(1 2 3 4 5 6 7 8)
words=()
for i in "${files[@]}"; do words+=(fill "t/$i" 200000 b); done
for moment in 0.002 0.004 0.006 0.008 0.010 0.012 0.014 0.016 0.020 0.024 0.028 0.032; do
    rm -rf t && mkdir t
    for i in "${files[@]}"; do head -c 200000 /dev/zero | tr '\0' a >"t/$i"; done
    "$beamr" run --dir-rw t tool.wasm "${words[@]}" &
    sleep "$moment"
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    for i in "${files[@]}"; do
        sum=$(tr -s ab <"t/$i")
        size=$(stat -c %s "t/$i")
        case $sum:$size in a:200000 | b:200000) ;; *) half=$((half + 1)) ;; esac
    done
done 2>/dev/null
check "--dir-rw: killed at any moment" 0 0 "" echo "$half"

finish
