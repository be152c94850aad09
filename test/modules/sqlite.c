/* Package node-sqlite3-wasm: SQLite in C, by Emscripten, with a file system of its own, of
 * which only the in-memory database is used here. The results are what SQLite's documentation
 * and arithmetic say. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>

/* The exports' short names, from the package's node-sqlite3-wasm.js. */
#define CONSTRUCTORS "z"
#define MALLOC "qa"
#define FREE "ra"
#define OPEN "oa"
#define CLOSE "ma"
#define PREPARE "ia"
#define STEP "R"
#define FINALIZE "A"
#define COLUMN_COUNT "S"
#define COLUMN_TEXT "X"
#define ERROR_MESSAGE "ja"

enum { OK = 0, ROW = 100, DONE = 101, READ_WRITE_CREATE = 6 };

/* The longest path of a file. */
static beamr_status path_length(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(256);
    return BEAMR_OK;
}

static const guest_import imports[] = {
    {"a", "j", host_resize_heap},
    {"a", "g", path_length},
    {"a", "h", host_nothing}, /* random bytes: none, so all are zero */
    {"a", "q", host_nothing}, /* milliseconds since 1970 */
    {NULL, NULL, NULL}};

/* Statements in one database, and what they give: columns by "|", rows by "/". */
static const struct {
    const char *sql;
    const char *result;
} statements[] = {
    {"select 6 * 7, 'a' || 'b', null, 7 / 2, 7 / 2.0, 1e300 * 1e300", "42|ab||3|3.5|Inf"},
    {"create table t (id integer primary key, name text unique, n real)", ""},
    {"insert into t (name, n) values ('one', 1), ('two', 2.5), ('three', -3), (x'00ff', null)",
     ""},
    {"select count(*), sum(n), max(n), typeof(name) from t where name not like 'x%' group by 4",
     "1|||blob/3|0.5|2.5|text"},
    {"insert into t (name) values ('two')", "UNIQUE constraint failed: t.name"},
    {"select id, name from t where typeof(name) = 'text' order by name desc",
     "2|two/3|three/1|one"},
    {"begin", ""},
    {"delete from t", ""},
    {"rollback", ""},
    {"select total(n) from t", "0.5"},
    {"with recursive n(i) as (select 2 union all select i + 1 from n where i < 300) "
     "select count(*) from n where not exists (select 1 from n as m where m.i * m.i <= n.i and "
     "n.i % m.i = 0)",
     "62"},
    {"create table big as with recursive n(i) as (select 1 union all select i + 1 from n where "
     "i < 1000) "
     "select i, (i * 7919) % 1009 as h from n",
     ""},
    {"create index by_h on big (h)", ""},
    {"select count(distinct h), min(h), max(h), sum(i) from big", "1000|1|1008|500500"},
    {"select i from big where h = 7919 * 234 % 1009", "234"},
    {"update big set h = h + 1 where i % 2 = 0", ""},
    {"select sum(h) - (select sum((i * 7919) % 1009) from big) from big", "500"},
    {"pragma integrity_check", "ok"},
    {"select i, rank() over (order by i desc) from big order by i limit 2", "1|1000/2|999"},
    {"select json_extract('{\"a\": [1, {\"b\": \"c\"}]}', '$.a[1].b'), json_array(1, 'x', "
     "null)",
     "c|[1,\"x\",null]"},
    {"select printf('%08.3f|%x|%e', 3.14159, 255, 12345.678), hex('abc'), round(2.5), abs(-3)",
     "0003.142|ff|1.234568e+04|616263|3.0|3"},
    {"select date('2024-02-28', '+2 days'), julianday('2000-01-01 12:00:00')",
     "2024-03-01|2451545.0"},
    {"select group_concat(c, '') from (select char(65 + value) as c from "
     "json_each('[1, 0, 25]') order by c)",
     "ABZ"},
    {"select * from nowhere", "no such table: nowhere"},
};

static void append_text(guest *g, int64_t at, char *out, size_t size)
{
    beamr_error err = {0};
    size_t used = strlen(out);

    if (at)
        CHECK(beamr_memory_read_text(g->memory, (uint64_t)at, out + used, size - used, &err) ==
                  BEAMR_OK,
              "%s", err.text);
}

/* Run a statement; write its rows, or the error. */
static void run(guest *g, int64_t db, const char *sql, char *out, size_t size)
{
    int64_t text = CALL(g, MALLOC, (int64_t)strlen(sql) + 1), place = CALL(g, MALLOC, 4);
    int64_t statement, code;

    *out = 0;
    guest_put(g, text, sql, strlen(sql) + 1);
    code = CALL(g, PREPARE, db, text, -1, place, 0);
    statement = guest_get_u32(g, place);
    while (code == OK || code == ROW) {
        code = CALL(g, STEP, statement);
        if (code != ROW)
            break;
        if (*out)
            strcat(out, "/");
        for (int64_t i = 0, n = CALL(g, COLUMN_COUNT, statement); i < n; i++) {
            if (i > 0)
                strcat(out, "|");
            append_text(g, CALL(g, COLUMN_TEXT, statement, i), out, size);
        }
    }
    if (code != DONE)
        append_text(g, CALL(g, ERROR_MESSAGE, db), out, size);
    CALL(g, FINALIZE, statement);
    CALL(g, FREE, text);
    CALL(g, FREE, place);
}

void test_sqlite(const test_folders *folders)
{
    char result[4096];
    int64_t name, db;
    guest g;

    guest_open(&g, blob_read(folders->package, "dist/node-sqlite3-wasm.wasm"), imports, NULL);
    CALL(&g, CONSTRUCTORS);
    name = CALL(&g, MALLOC, 16);
    guest_put(&g, name, ":memory:", 9);
    CHECK(CALL(&g, OPEN, name, name + 12, READ_WRITE_CREATE, 0) == OK, "open");
    db = guest_get_u32(&g, name + 12);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        run(&g, db, statements[i].sql, result, sizeof result);
        CHECK(strcmp(result, statements[i].result) == 0, "%s gives %s instead of %s",
              statements[i].sql, result, statements[i].result);
    }
    CHECK(CALL(&g, CLOSE, db) == OK, "close");
    guest_close(&g);
}
