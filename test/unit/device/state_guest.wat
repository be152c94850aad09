;; The guest of state_guest.h. Its bytes stand there:
;;   wat2wasm state_guest.wat -o - | xxd -i
;; Memory, two mutable globals, a table that grows, an allocator that only goes up, and imports.
(module
  (import "host" "ask" (func $ask (param i32) (result i32)))
  (import "host" "tell" (func $tell (param i64)))
  (memory (export "memory") 1 64)
  (global $sum (export "sum") (mut i64) (i64.const 0))
  (global $top (mut i32) (i32.const 4096))
  (table $t (export "table") 1 100 funcref)
  (elem declare func $slots)

  (func (export "malloc") (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (global.get $top)
      (i32.and (i32.add (local.get $n) (i32.const 15)) (i32.const -16))))
    (block $fits
      (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
      (br_if $fits (i32.ne (i32.const -1)
        (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $n) (i32.const 16))))))
      (global.set $top (local.get $at))
      (return (i32.const 0)))
    (local.get $at))

  ;; Add to the global, and to the word at an address.
  (func $add (export "add") (param $n i64) (result i64)
    (global.set $sum (i64.add (global.get $sum) (local.get $n)))
    (i64.store (i32.const 64) (i64.add (i64.load (i32.const 64)) (local.get $n)))
    (global.get $sum))
  (func (export "get") (result i64 i64) (global.get $sum) (i64.load (i32.const 64)))
  (func (export "poke") (param $at i32) (param $v i32) (i32.store (local.get $at) (local.get $v)))
  (func (export "peek") (param $at i32) (result i32) (i32.load (local.get $at)))
  (func (export "grow") (param $n i32) (result i32) (memory.grow (local.get $n)))
  (func (export "pages") (result i32) (memory.size))
  (func $slots (export "slots") (result i32) (table.size $t))
  (func (export "extend") (param $n i32) (result i32)
    (table.grow $t (ref.func $slots) (local.get $n)))
  (func (export "through") (param $i i32) (result i32)
    (call_indirect $t (result i32) (local.get $i)))
  (func (export "trap") (param $n i64)
    (drop (call $add (local.get $n)))
    unreachable)
  (func (export "spin") (loop $l (br $l)))
  (func (export "eat") (loop $l (br_if $l (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
    unreachable)
  (func (export "work") (param $n i32)
    (loop $l
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n))))

  ;; Ask once, n times; tell what came of it.
  (func $once (export "ask") (param $n i32) (result i64)
    (call $add (i64.extend_i32_s (call $ask (local.get $n)))))
  (func (export "often") (param $n i32) (result i64)
    (loop $l
      (drop (call $once (local.get $n)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n)))
    (global.get $sum))
  (func (export "tell") (param $n i32)
    (call $tell (call $add (i64.extend_i32_s (local.get $n)))))
  (func (export "ask_then_trap") (param $n i32)
    (drop (call $add (i64.extend_i32_s (call $ask (local.get $n)))))
    unreachable)

  ;; The length of a text.
  (func (export "length") (param $at i32) (result i32)
    (local $n i32)
    (loop $l
      (if (i32.load8_u (i32.add (local.get $at) (local.get $n)))
        (then
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (br $l))))
    (local.get $n))
  (func (export "halve") (param f64 f32) (result f64 f32)
    (f64.div (local.get 0) (f64.const 2)) (f32.div (local.get 1) (f32.const 2)))
  (func (export "both") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "none")))
