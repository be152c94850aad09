/* Lua as an AO process: `handle` takes a message and the process as JSON texts and gives the
 * answer as one. What it does with them is written in Lua, in process.lua, which is part of the
 * module (script.S); here are the interpreter's beginning, the call, and what is answered when
 * not even that program can answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

const char *handle(const char *message, const char *environment)
    __attribute__((export_name("handle")));

__asm__(".globaltype __stack_pointer, i64\n");
extern unsigned char __stack_high;                 /* where the linker has the stack begin */
extern const char process_script[], process_end[]; /* script.S */

static lua_State *state;
static char *answer; /* until the next call */

static const luaL_Reg libraries[] = {
    {LUA_GNAME, luaopen_base},       {LUA_COLIBNAME, luaopen_coroutine},
    {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string},
    {LUA_MATHLIBNAME, luaopen_math}, {LUA_UTF8LIBNAME, luaopen_utf8},
    {LUA_IOLIBNAME, luaopen_io},     {NULL, NULL},
};

/* Open the libraries and run the program, which gives the function that answers. */
static int begin(lua_State *L)
{
    for (const luaL_Reg *library = libraries; library->func; library++) {
        luaL_requiref(L, library->name, library->func, 1);
        lua_pop(L, 1);
    }
    if (luaL_loadbuffer(L, process_script, (size_t)(process_end - process_script),
                        "=process.lua") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "answer");
    return 0;
}

static const char *keep(const char *text, size_t len)
{
    char *moved = realloc(answer, len + 1);

    if (!moved)
        __builtin_trap();
    answer = moved;
    memcpy(answer, text, len);
    answer[len] = '\0';
    return answer;
}

/* Each call has a stack of its own, so that one that trapped leaves nothing in the way. */
__attribute__((noinline)) static const char *answer_message(const char *message,
                                                            const char *environment)
{
    static const char failed[] = "{\"ok\":false,\"response\":\"not enough memory\"}";
    const char *text;
    lua_State *L;
    size_t len;

    if (!state) {
        state = luaL_newstate();
        if (!state)
            return failed;
        lua_pushcfunction(state, begin);
        if (lua_pcall(state, 0, 0, 0) != LUA_OK)
            __builtin_trap();
    }
    lua_settop(state, 0);
    L = lua_newthread(state);
    lua_getfield(L, LUA_REGISTRYINDEX, "answer");
    lua_pushstring(L, message);
    lua_pushstring(L, environment);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK || !(text = lua_tolstring(L, -1, &len)))
        return failed;
    text = keep(text, len);
    lua_settop(state, 0);
    return text;
}

/* A call that trapped has left its frames on the stack; this one begins with an empty one. It
 * must have no frame of its own. */
const char *handle(const char *message, const char *environment)
{
    __asm__ volatile("local.get %0\nglobal.set __stack_pointer" : : "r"(&__stack_high));
    return answer_message(message, environment);
}
