;; The guest of waiting.h. Its bytes stand in waiting_guest.h:
;;   wat2wasm --enable-all waiting_guest.wat -o - | xxd -i
(module
  (type $one (func (param i32) (result i32)))
  (import "host" "ask" (func $ask (type $one)))
  (import "host" "call" (func $call (type $one)))
  (import "host" "all" (func $all (param i32 i64 f32 f64 v128 funcref externref)
    (result i64 v128 externref funcref f32)))
  (tag $tag (export "tag") (param i32))
  (tag $other (export "other") (param i32))
  (memory (export "memory") 32 256)
  (table (export "table") 8 funcref)
  (elem (i32.const 0) $ask $call $double $tail)
  (global $g (export "g") (mut i64) (i64.const 0))
  (global $count (export "count") (mut i32) (i32.const 0))

  (func $double (type $one) (i32.shl (local.get 0) (i32.const 1)))

  ;; Ways to ask. Each gives the answer, plus one.
  (func $ask1 (export "ask") (type $one)
    (i32.add (call $ask (local.get 0)) (i32.const 1)))
  (func (export "indirect") (type $one)
    (i32.add (call_indirect (type $one) (local.get 0) (i32.const 0)) (i32.const 1)))
  (func $tail (type $one) (return_call $ask (local.get 0)))
  (func (export "tail") (type $one) (i32.add (call $tail (local.get 0)) (i32.const 1)))
  (func $tail_indirect (type $one)
    (return_call_indirect (type $one) (local.get 0) (i32.const 0)))
  (func (export "tail_indirect") (type $one)
    (i32.add (call $tail_indirect (local.get 0)) (i32.const 1)))
  (func (export "only_tail") (type $one) (return_call $ask (local.get 0)))
  ;; Through n frames, each of which adds one.
  (func $deep (export "deep") (type $one)
    (if (result i32) (i32.eqz (local.get 0))
      (then (call $ask (i32.const 0)))
      (else (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))))
  (func (export "all")
    (param i32 i64 f32 f64 v128 funcref externref) (result i64 v128 externref funcref f32)
    (call $all (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
      (local.get 5) (local.get 6)))
  ;; Ask n times; the sum.
  (func (export "often") (type $one)
    (local $sum i32)
    (loop $l
      (if (local.get 0)
        (then
          (local.set $sum (i32.add (local.get $sum) (call $ask (local.get 0))))
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (br $l))))
    (local.get $sum))
  (func (export "call") (type $one)
    (i32.add (call $call (local.get 0)) (i32.const 1)))
  (func (export "call_then_call") (type $one) (call $double (call $call (local.get 0))))
  (func (export "ask_call_call") (type $one)
    (call $double (call $call (call $ask (local.get 0)))))
  ;; As `call`, counting how many went on behind it.
  (func (export "call_counted") (type $one)
    (local $r i32)
    (local.set $r (call $call (local.get 0)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.add (local.get $r) (i32.const 1)))
  (func (export "ask_then_trap") (type $one) (drop (call $ask (local.get 0))) unreachable)
  ;; Spends the rest of the stack on recursion: how deep it got.
  (func $dig (export "dig") (type $one)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.add (call $dig (local.get 0)) (i32.const 1)))

  ;; Exceptions.
  (func (export "ask_in_try") (type $one)
    (try (result i32)
      (do (i32.add (call $ask (local.get 0)) (i32.const 1)))
      (catch $tag (i32.add (i32.const 1000)))
      (catch_all (i32.const -1))))
  (func (export "tail_in_try") (type $one)
    (try (result i32)
      (do (return_call $ask (local.get 0)))
      (catch_all (i32.const -1))))
  ;; The handler is two frames up; catch_all must not see traps.
  (func (export "deep_in_try") (type $one)
    (try (result i32)
      (do (call $deep (i32.const 2)))
      (catch $tag (i32.add (i32.const 1000)))
      (catch_all (i32.const -1))))
  ;; Hold an exception while asking, then throw it again.
  (func (export "hold") (type $one)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $tag (local.get 0)))
          (catch $tag
            drop
            (drop (call $ask (i32.const 7)))
            (rethrow 0))))
      (catch $tag)))
  ;; Throw and catch n exceptions.
  (func (export "churn") (type $one)
    (local $caught i32)
    (loop $l
      (if (local.get 0)
        (then
          (try
            (do (throw $other (local.get 0)))
            (catch $other drop
              (local.set $caught (i32.add (local.get $caught) (i32.const 1)))))
          (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
          (br $l))))
    (local.get $caught))
  (func (export "throw") (type $one) (throw $tag (local.get 0)))

  ;; Memory.
  (func (export "ask_then_load") (type $one)
    (drop (call $ask (i32.const 0)))
    (i32.load (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (type $one) (memory.grow (local.get 0)))

  ;; Loops of every kind: n rounds, how many were made.
  (func (export "loop") (type $one)
    (local $i i32)
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get 0))))
    (local.get $i))
  (func (export "loop_br") (type $one)
    (local $i i32)
    (block $out
      (loop $l
        (br_if $out (i32.ge_u (local.get $i) (local.get 0)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $l)))
    (local.get $i))
  (func (export "loop_table") (type $one)
    (local $i i32)
    (block $out
      (loop $l
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_table $l $out (i32.ge_u (local.get $i) (local.get 0)))))
    (local.get $i))
  (func (export "calls") (type $one)
    (i32.add (call $double (local.get 0)) (call $double (local.get 0))))
  (func (export "calls_indirect") (type $one)
    (call_indirect (type $one) (local.get 0) (i32.const 2)))
  (func (export "calls_tail") (type $one) (return_call $double (local.get 0)))
  (func (export "loop_then_load") (type $one)
    (local $i i32)
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 2))))
    (i32.load (local.get 0)))
  (func (export "spin") (loop $l (br $l)))
  ;; Count for ever in memory.
  (func (export "tick") (param i32)
    (loop $l
      (i64.store (local.get 0) (i64.add (i64.load (local.get 0)) (i64.const 1)))
      (br $l)))

  ;; A bit of everything, in n rounds: a number that depends on all of it.
  (func $fib (param i32) (result i64)
    (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
      (then (i64.extend_i32_u (local.get 0)))
      (else (i64.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $mix (param i64 i64) (result i64)
    (i64.mul (i64.rotl (i64.xor (local.get 0) (local.get 1)) (i64.const 23))
             (i64.const 0x9e3779b97f4a7c15)))
  (func $may_throw (param i32)
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3))) (then (throw $tag (local.get 0))))
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 5))) (then (throw $other (local.get 0)))))
  (func (export "work") (param $n i32) (result i64)
    (local $i i32) (local $p i32) (local $h i64)
    (local.set $h (global.get $g))
    (loop $l
      (local.set $h (call $mix (local.get $h) (call $fib (i32.const 7))))
      (i64.store (i32.and (i32.wrap_i64 (local.get $h)) (i32.const 0x1ffff8)) (local.get $h))
      (try
        (do (call $may_throw (local.get $i)))
        (catch $tag
          (local.set $p)
          (local.set $h (call $mix (local.get $h) (i64.extend_i32_u (local.get $p)))))
        (catch_all
          (local.set $h (call $mix (local.get $h) (i64.const 5)))))
      (if (i32.eqz (i32.and (local.get $i) (i32.const 31)))
        (then
          (memory.copy (i32.const 8) (i32.const 0) (i32.const 0x180000))
          (memory.fill (i32.const 0x80000) (local.get $i) (i32.const 0x110000))))
      (local.set $h (i64.add (local.get $h)
        (i64.extend_i32_u (call_indirect (type $one) (local.get $i) (i32.const 2)))))
      (local.set $h (i64.xor (local.get $h)
        (i64.load (i32.and (i32.wrap_i64 (local.get $h)) (i32.const 0x1ffff8)))))
      (global.set $g (local.get $h))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $h))
)
