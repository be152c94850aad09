/* Lua compiled natively, for bench/native's column of native C: the same sources with the same
 * compiler, errors by setjmp and longjmp. Runs what it is told as v8.mjs does; `run` alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void answer(lua_State *L, const char *code)
{
    double begin = now_ms();
    int failed = luaL_loadstring(L, code) || lua_pcall(L, 0, 1, 0);
    double ms = now_ms() - begin;

    printf(failed ? "error %s%s\n" : "%s %s\n", failed ? "" : lua_pushfstring(L, "%f", ms),
           luaL_tolstring(L, failed ? -1 : -2, NULL));
    lua_settop(L, 0);
    (void)fflush(stdout);
}

int main(void)
{
    static char line[65536];
    lua_State *L = luaL_newstate();

    if (!L)
        return 1;
    luaL_openlibs(L);
    while (fgets(line, sizeof line, stdin)) {
        char *code = line;

        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < 2 && code; i++)
            code = strchr(code, '\t') ? strchr(code, '\t') + 1 : NULL;
        if (code)
            code[strcspn(code, "\t")] = '\0';
        answer(L, code ? code : "error()");
    }
    lua_close(L);
    return 0;
}
