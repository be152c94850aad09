/* Package wasmoon: Lua 5.4 in C, by Emscripten, whose setjmp and longjmp are imports:
 * `invoke_vii` calls a function of the table for the module, and a longjmp out of it ends that
 * call. Here a longjmp is an exception with a tag of this program, so each pcall nests an entry
 * from C. The results are what Lua's manual says. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct machine {
    beamr_table *table;
    beamr_tag *longjmp;
} machine;

/* ---- Imports ---- */

/* _emscripten_throw_longjmp(): leave the innermost invoke_*. */
static beamr_status throw_longjmp(const beamr_call *call, const beamr_value *args,
                                  beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    machine *m = g->user;

    (void)args;
    (void)results;
    return beamr_throw(call->store, m->longjmp, NULL, 0, err);
}

/* invoke_vii(index, a, b): call the function; when a longjmp ends it, put the guest's stack
 * back and say so with setThrew. */
static beamr_status invoke_vii(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    machine *m = g->user;
    int64_t stack = CALL(g, "stackSave");
    beamr_exception *exception;
    beamr_status st;

    (void)results;
    st = beamr_table_call(m->table, (uint32_t)args[0].of.i32, args + 1, 2, NULL, 0, err);
    if (st != BEAMR_EXCEPTION)
        return st;
    exception = beamr_exception_take(call->store);
    CHECK(exception && beamr_exception_tag(exception) == m->longjmp, "another exception");
    beamr_exception_release(call->store, exception);
    beamr_error_clear(err);
    CALL(g, "stackRestore", stack);
    CALL(g, "setThrew", 1, 0);
    return BEAMR_OK;
}

static const guest_import imports[] = {
    {"env", "invoke_vii", invoke_vii},
    {"env", "_emscripten_throw_longjmp", throw_longjmp},
    {"env", "emscripten_resize_heap", host_resize_heap},
    {"env", "emscripten_date_now", host_nothing},
    {"env", "_emscripten_get_now_is_monotonic", host_nothing},
    {"wasi_snapshot_preview1", "fd_write", host_fd_write},
    {"wasi_snapshot_preview1", "environ_sizes_get", host_environ_sizes},
    {"wasi_snapshot_preview1", "environ_get", host_nothing},
    {NULL, NULL, NULL}};

/* ---- Programs ---- */

static const struct {
    const char *program;
    const char *result;
} programs[] = {
    {"return 6 * 7, 'not this'", "42"},
    {"return 7 // 2 .. ' ' .. -7 // 2 .. ' ' .. -7 % 3 .. ' ' .. 7 / 2 .. ' ' .. 1e15",
     "3 -4 2 3.5 1e+15"},
    {"return string.format('%5.2f|%-5d|%05d|%x|%q|%g', 3.14159, 42, 42, 255, 'a\\n', 2^53)",
     " 3.14|42   |00042|ff|\"a\\\n\"|9.0072e+15"},
    {"return math.maxinteger + 1 == math.mininteger and math.type(3.0)", "float"},
    {"return select('#', pcall(error)) .. tostring(select(2, pcall(error, 'x', 0)))", "2x"},
    {"local ok, e = pcall(function() error({code = 7}) end) return tostring(ok) .. e.code",
     "false7"},
    {"local ok, e = pcall(function() local a; return a.b end) return e:match(':1: (.*)')",
     "attempt to index a nil value (local 'a')"},
    {"return select(2, xpcall(function() error('deep', 0) end, function(m) return m .. '!' "
     "end))",
     "deep!"},
    /* 180 levels, each of which catches what the one below throws, and throws it again; and
       more than Lua allows, which it must notice before the engine's limit on nested entries
       does */
    {"function f(n) if n == 0 then error('bottom', 0) end local ok, e = pcall(f, n - 1) "
     "error(e .. '.', 0) end return #select(2, pcall(f, 180))",
     "186"},
    {"return select(2, pcall(f, 1000)):match('C stack overflow')", "C stack overflow"},
    {"for i = 1, 5 do local t = {} for j = 1, 2000 do t[j] = {j} end end collectgarbage() "
     "return collectgarbage('count') < 2000",
     "true"},
    {"local n = 0 for i = 1, 1000 do if not pcall(error, i) then n = n + 1 end end return n",
     "1000"},
    /* gsub calls back into Lua on the guest's own stack, until Lua's limit */
    {"local function f() return (('x'):gsub('x', f)) end return select(2, pcall(f)):match('C "
     "stack overflow')",
     "C stack overflow"},
    {"local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) error('c' .. b, 0) "
     "end) "
     "local x = c(1) local ok, e = pcall(c, 5) return x .. e",
     "2c5"},
    {"local t = {} for w in ('the quick brown fox'):gmatch('%a+') do t[#t + 1] = w end "
     "table.sort(t, function(a, b) return a > b end) return table.concat(t, ',')",
     "the,quick,fox,brown"},
    {"return (('x'):rep(3, '-'):gsub('x', {x = 'y'}))", "y-y-y"},
    {"return utf8.char(228, 8364, 128512):byte(1, -1) .. #utf8.char(228, 8364, 128512)",
     "1959"},
    {"local s = 0 for i = 1, 20000 do s = s + i * i end return s", "2666866670000"},
    {"local t = setmetatable({}, {__index = function(_, k) return k * 2 end, __call = "
     "function(_, a) "
     "return a end}) return t[21] .. t(3)",
     "423"},
    {"goto x do return 1 end ::x:: return load('return ...')(9)", "9"},
    {"return (load('x ='))", "nil"},
};

/* Run a program; compare the first value that it returns, as text. */
static void run(guest *g, int64_t state, const char *program, const char *result)
{
    int64_t code = CALL(g, "malloc", (int64_t)strlen(program) + 1), text, failed;
    char got[256];
    beamr_error err = {0};

    guest_put(g, code, program, strlen(program) + 1);
    failed = CALL(g, "luaL_loadstring", state, code);
    CALL(g, "free", code);
    if (!failed)
        failed = CALL(g, "lua_pcallk", state, 0, 1, 0, 0, 0);
    text = CALL(g, "luaL_tolstring", state, -1, 0);
    CHECK(beamr_memory_read_text(g->memory, (uint64_t)text, got, sizeof got, &err) == BEAMR_OK,
          "%s", err.text);
    CHECK(!failed, "%s: %s", program, got);
    CHECK(strcmp(got, result) == 0, "%s gives %s instead of %s", program, got, result);
    CALL(g, "lua_settop", state, 0);
}

void test_lua(const test_folders *folders)
{
    machine m = {NULL, NULL};
    beamr_functype nothing = {NULL, 0, NULL, 0};
    beamr_error err = {0};
    int64_t state;
    guest g;

    guest_load(&g, blob_read(folders->package, "dist/glue.wasm"), imports, &m);
    CHECK(beamr_tag_new(g.store, &nothing, &m.longjmp, &err) == BEAMR_OK, "%s", err.text);
    guest_link(&g);
    m.table = beamr_instance_table(g.instance, 0);
    CALL(&g, "__wasm_call_ctors");
    state = CALL(&g, "luaL_newstate");
    CHECK(state, "no state");
    CALL(&g, "luaL_openlibs", state);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        run(&g, state, programs[i].program, programs[i].result);
    CALL(&g, "lua_close", state);
    guest_close(&g);
}
