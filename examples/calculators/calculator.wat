;; The calculator written by hand, with what WebAssembly has by itself: of the functions sqrt and
;; abs, and powers with whole exponents. The grammar is described in ../calculator/calculator.c.
;; What cannot be read is noted, and the parser then finds nothing more.
;; Numbers are exact with up to 15 digits and a power of ten of up to 22; beyond, the last digits
;; may be off. malloc takes room and gives all of it back when nothing is in use any more.
(module
  (memory (export "memory") 1 1024)
  (data (i32.const 16) "expected a number\00")
  (data (i32.const 48) "expected an operator or ')'\00")
  (data (i32.const 80) "expected an operator or the end\00")
  (data (i32.const 112) "brackets or powers nested too deeply\00")
  (data (i32.const 160) "unknown function; known are sqrt and abs\00")
  (data (i32.const 208) "expected '(' behind a function's name\00")
  (data (i32.const 256) "powers need whole exponents of at most 1024\00")
  ;; 320: the message; 512: the heap
  (global $text (mut i32) (i32.const 0))
  (global $next (mut i32) (i32.const 0))
  (global $depth (mut i32) (i32.const 0))
  (global $heap (mut i32) (i32.const 512))
  (global $in_use (mut i32) (i32.const 0))

  ;; ---- Refusing ----

  ;; Append text to the message at $to. Returns its end.
  (func $put (param $to i32) (param $from i32) (result i32)
    (loop $more
      (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
      (if (i32.load8_u (local.get $from))
        (then
          (local.set $to (i32.add (local.get $to) (i32.const 1)))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (br $more))))
    (local.get $to))

  ;; Append a number. Returns its end.
  (func $put_number (param $to i32) (param $n i32) (result i32)
    (if (i32.ge_u (local.get $n) (i32.const 10))
      (then (local.set $to
        (call $put_number (local.get $to) (i32.div_u (local.get $n) (i32.const 10))))))
    (i32.store8 (local.get $to)
      (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (i32.add (local.get $to) (i32.const 1)))

  ;; "at PLACE: REASON", the first time; and nothing more to read.
  (func $refuse (param $place i32) (param $reason i32)
    (local $to i32)
    (if (i32.load8_u (i32.const 320)) (then (return)))
    (i32.store (i32.const 320) (i32.const 0x207461)) ;; "at "
    (local.set $to (call $put_number (i32.const 323)
      (i32.add (i32.sub (local.get $place) (global.get $text)) (i32.const 1))))
    (i32.store16 (local.get $to) (i32.const 0x203a)) ;; ": "
    (drop (call $put (i32.add (local.get $to) (i32.const 2)) (local.get $reason)))
    (global.set $next (i32.const 0))) ;; a zero byte stands there

  ;; ---- Reading ----

  ;; The next character that is no space.
  (func $peek (result i32)
    (local $c i32)
    (loop $more
      (local.set $c (i32.load8_u (global.get $next)))
      (if (i32.or (i32.eq (local.get $c) (i32.const 32))
                  (i32.lt_u (i32.sub (local.get $c) (i32.const 9)) (i32.const 5)))
        (then
          (global.set $next (i32.add (global.get $next) (i32.const 1)))
          (br $more))))
    (local.get $c))

  (func $accept (param $c i32) (result i32)
    (if (i32.ne (call $peek) (local.get $c)) (then (return (i32.const 0))))
    (global.set $next (i32.add (global.get $next) (i32.const 1)))
    (i32.const 1))

  (func $expect (param $c i32) (param $reason i32)
    (if (i32.eqz (call $accept (local.get $c)))
      (then (call $refuse (global.get $next) (local.get $reason)))))

  ;; The digit at $next, which is stepped over; -1 if there is none.
  (func $digit (result i32)
    (local $c i32)
    (local.set $c (i32.sub (i32.load8_u (global.get $next)) (i32.const 48)))
    (if (i32.ge_u (local.get $c) (i32.const 10)) (then (return (i32.const -1))))
    (global.set $next (i32.add (global.get $next) (i32.const 1)))
    (local.get $c))

  ;; x to the power of a whole number, by squaring.
  (func $whole_power (param $x f64) (param $n i32) (result f64)
    (local $result f64)
    (local.set $result (f64.const 1))
    (loop $more
      (if (i32.and (local.get $n) (i32.const 1))
        (then (local.set $result (f64.mul (local.get $result) (local.get $x)))))
      (local.set $x (f64.mul (local.get $x) (local.get $x)))
      (br_if $more (local.tee $n (i32.shr_u (local.get $n) (i32.const 1)))))
    (local.get $result))

  ;; The exponent behind an e; 0 if there is none.
  (func $exponent (result i32)
    (local $start i32) (local $sign i32) (local $n i32) (local $d i32)
    (local.set $start (global.get $next))
    (if (i32.ne (i32.or (i32.load8_u (global.get $next)) (i32.const 32)) (i32.const 101))
      (then (return (i32.const 0))))
    (global.set $next (i32.add (global.get $next) (i32.const 1)))
    (local.set $sign (i32.load8_u (global.get $next)))
    (if (i32.or (i32.eq (local.get $sign) (i32.const 45)) (i32.eq (local.get $sign) (i32.const 43)))
      (then (global.set $next (i32.add (global.get $next) (i32.const 1)))))
    (local.set $n (call $digit))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then
        (global.set $next (local.get $start))
        (return (i32.const 0))))
    (loop $more
      (local.set $d (call $digit))
      (if (i32.ge_s (local.get $d) (i32.const 0))
        (then
          (if (i32.lt_u (local.get $n) (i32.const 10000))
            (then (local.set $n
              (i32.add (i32.mul (local.get $n) (i32.const 10)) (local.get $d)))))
          (br $more))))
    (select (i32.sub (i32.const 0) (local.get $n)) (local.get $n)
      (i32.eq (local.get $sign) (i32.const 45))))

  (func $number (result f64)
    (local $x f64) (local $d i32) (local $digits i32) (local $decimals i32) (local $has_point i32)
    (loop $more
      (local.set $d (call $digit))
      (if (i32.ge_s (local.get $d) (i32.const 0))
        (then
          (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 10))
                                 (f64.convert_i32_u (local.get $d))))
          (local.set $digits (i32.add (local.get $digits) (i32.const 1)))
          (local.set $decimals (i32.add (local.get $decimals) (local.get $has_point)))
          (br $more)))
      (if (i32.and (i32.eqz (local.get $has_point))
                   (i32.eq (i32.load8_u (global.get $next)) (i32.const 46)))
        (then
          (global.set $next (i32.add (global.get $next) (i32.const 1)))
          (local.set $has_point (i32.const 1))
          (br $more))))
    (if (i32.eqz (local.get $digits))
      (then
        (call $refuse (i32.sub (global.get $next) (local.get $has_point)) (i32.const 16))
        (return (f64.const 0))))
    (local.set $d (i32.sub (call $exponent) (local.get $decimals)))
    (if (result f64) (i32.lt_s (local.get $d) (i32.const 0))
      (then (f64.div (local.get $x)
        (call $whole_power (f64.const 10) (i32.sub (i32.const 0) (local.get $d)))))
      (else (f64.mul (local.get $x) (call $whole_power (f64.const 10) (local.get $d))))))

  (func $is_letter (param $c i32) (result i32)
    (i32.lt_u (i32.sub (i32.or (local.get $c) (i32.const 32)) (i32.const 97)) (i32.const 26)))

  (func $call (result f64)
    (local $place i32) (local $is_root i32) (local $x f64)
    (local.set $place (global.get $next))
    (loop $more
      (global.set $next (i32.add (global.get $next) (i32.const 1)))
      (br_if $more (call $is_letter (i32.load8_u (global.get $next)))))
    (local.set $is_root (i32.and
      (i32.eq (i32.sub (global.get $next) (local.get $place)) (i32.const 4))
      (i32.eq (i32.load (local.get $place)) (i32.const 0x74727173)))) ;; "sqrt"
    (if (i32.eqz (i32.or (local.get $is_root) (i32.and
          (i32.eq (i32.sub (global.get $next) (local.get $place)) (i32.const 3))
          (i32.eq (i32.and (i32.load (local.get $place)) (i32.const 0xffffff))
                  (i32.const 0x736261))))) ;; "abs"
      (then (call $refuse (local.get $place) (i32.const 160))))
    (call $expect (i32.const 40) (i32.const 208))
    (local.set $x (call $sum))
    (call $expect (i32.const 41) (i32.const 48))
    (select (f64.sqrt (local.get $x)) (f64.abs (local.get $x)) (local.get $is_root)))

  (func $primary (result f64)
    (local $x f64)
    (if (call $is_letter (call $peek)) (then (return (call $call))))
    (if (i32.eqz (call $accept (i32.const 40))) (then (return (call $number))))
    (local.set $x (call $sum))
    (call $expect (i32.const 41) (i32.const 48))
    (local.get $x))

  (func $power (param $x f64) (param $y f64) (param $place i32) (result f64)
    (if (i32.eqz (i32.and (f64.eq (f64.nearest (local.get $y)) (local.get $y))
                          (f64.le (f64.abs (local.get $y)) (f64.const 1024))))
      (then
        (call $refuse (local.get $place) (i32.const 256))
        (return (f64.const 0))))
    (local.set $x (call $whole_power (local.get $x) (i32.trunc_f64_s (f64.abs (local.get $y)))))
    (select (f64.div (f64.const 1) (local.get $x)) (local.get $x)
      (f64.lt (local.get $y) (f64.const 0))))

  ;; All that recurses passes here.
  (func $signed (result f64)
    (local $is_negative i32) (local $x f64) (local $place i32)
    (loop $more
      (if (call $accept (i32.const 45))
        (then
          (local.set $is_negative (i32.eqz (local.get $is_negative)))
          (br $more))))
    (if (i32.eq (global.get $depth) (i32.const 200))
      (then (call $refuse (global.get $next) (i32.const 112))))
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (local.set $x (call $primary))
    (if (call $accept (i32.const 94))
      (then
        (local.set $place (global.get $next))
        (local.set $x (call $power (local.get $x) (call $signed) (local.get $place)))))
    (global.set $depth (i32.sub (global.get $depth) (i32.const 1)))
    (select (f64.neg (local.get $x)) (local.get $x) (local.get $is_negative)))

  (func $product (result f64)
    (local $x f64)
    (local.set $x (call $signed))
    (loop $more
      (if (call $accept (i32.const 42))
        (then
          (local.set $x (f64.mul (local.get $x) (call $signed)))
          (br $more)))
      (if (call $accept (i32.const 47))
        (then
          (local.set $x (f64.div (local.get $x) (call $signed)))
          (br $more))))
    (local.get $x))

  (func $sum (result f64)
    (local $x f64)
    (local.set $x (call $product))
    (loop $more
      (if (call $accept (i32.const 43))
        (then
          (local.set $x (f64.add (local.get $x) (call $product)))
          (br $more)))
      (if (call $accept (i32.const 45))
        (then
          (local.set $x (f64.sub (local.get $x) (call $product)))
          (br $more))))
    (local.get $x))

  ;; ---- What the host calls ----

  (func (export "evaluate_expression") (param $text i32) (result f64)
    (local $x f64)
    (global.set $text (local.get $text))
    (global.set $next (local.get $text))
    (global.set $depth (i32.const 0))
    (i32.store8 (i32.const 320) (i32.const 0))
    (local.set $x (call $sum))
    (if (call $peek) (then (call $refuse (global.get $next) (i32.const 80))))
    (if (i32.load8_u (i32.const 320)) (then unreachable))
    (local.get $x))

  (func (export "last_error") (result i32) (i32.const 320))

  (func (export "malloc") (param $size i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (global.get $heap))
    (if (i32.gt_u (local.get $size) (i32.const 0x3000000)) (then (return (i32.const 0))))
    (local.set $end (i32.add (local.get $at)
      (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -16))))
    (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (i32.const -1) (memory.grow
          (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))
        (then (return (i32.const 0))))))
    (global.set $heap (local.get $end))
    (global.set $in_use (i32.add (global.get $in_use) (i32.const 1)))
    (local.get $at))

  (func (export "free") (param $at i32)
    (if (i32.eqz (local.get $at)) (then (return)))
    (global.set $in_use (i32.sub (global.get $in_use) (i32.const 1)))
    (if (i32.eqz (global.get $in_use)) (then (global.set $heap (i32.const 512))))))
