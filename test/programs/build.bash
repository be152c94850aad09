# Programs whose source scripts/modules downloads: compiled as they are, for WASI, with the
# runtimes of examples/guests/runtime/. Sourced; needs guests/common.bash.

modules=$(cd "$here/../.." && pwd)/build/modules
programs=$modules/../programs
runtime=$here/../../examples/guests/runtime
by_exception=(-mexception-handling -mllvm -wasm-enable-sjlj)
by_invoke=(-DGUEST_INVOKE -mllvm -enable-emscripten-sjlj)
cxx_by_exception=(-fexceptions -fwasm-exceptions)
cxx_by_invoke=(-DGUEST_INVOKE -fexceptions -mllvm -enable-emscripten-cxx-exceptions)
# The usual start file makes the linker call constructors before every export.
link_by_invoke=(-nostartfiles "$(clang-19 --target=wasm32-wasi -print-file-name=crt1.o 2>/dev/null)"
    -Wl,--export-table "-Wl,--allow-undefined-file=$runtime/invoke.imports")

# downloaded NAME PACKAGE: whether the package is there; skips by name if not.
downloaded() {
    [ -f "$modules/$2/.sha512" ] && return
    skip "$1" "$(cat "$modules/$2.reason" 2>/dev/null || echo "not downloaded yet: scripts/modules")"
    return 1
}

# compile OUTPUT FLAG... -- SOURCE... -- LINK...: two at a time, linked without -O.
compile() {
    local output=$1 folder flags=() objects=() running=0 status=1
    shift
    folder=$(mktemp -d "$programs/.build.XXXXXX")
    while [ "$1" != -- ]; do flags+=("$1") && shift; done
    shift
    while [ "$1" != -- ]; do
        objects+=("$folder/${#objects[@]}.o")
        [ "$running" -lt 2 ] || wait -n
        running=$((running + 1))
        clang-19 --target=wasm32-wasi -O2 -w "-I$runtime" "${flags[@]}" -c "$1" \
            -o "${objects[-1]}" &
        shift
    done
    shift
    wait
    clang-19 --target=wasm32-wasi "${objects[@]}" "$@" -o "$folder/done.wasm" &&
        mv "$folder/done.wasm" "$output" && status=0
    rm -rf "$folder"
    return "$status"
}

# built NAME FLAG... -- SOURCE... -- LINK...: $programs/NAME.wasm, compiled unless it is there;
# two tests at once wait for each other. Skips by name without a compiler or a C library.
built() {
    local name=$1 recipe
    shift
    recipe=$(printf '%s\n' "$@" | cat - "$runtime"/* | cksum)
    mkdir -p "$programs"
    if ! echo 'int main(void) { return 0; }' >"$work/probe.c" ||
        ! clang-19 --target=wasm32-wasi "$work/probe.c" -o "$work/probe.wasm" 2>/dev/null; then
        skip "$name" "clang-19 or wasi-libc is missing"
        return 1
    fi
    (
        flock 9
        if [ "$(cat "$programs/$name.recipe" 2>/dev/null)" != "$recipe" ]; then
            compile "$programs/$name.wasm" "$@" && echo "$recipe" >"$programs/$name.recipe"
        fi
    ) 9>"$programs/$name.lock"
    check "$name: compiles" 0 "$recipe" "" cat "$programs/$name.recipe"
    [ -f "$programs/$name.wasm" ]
}
