;; The guest of guest_test.c: its import gets an address, and WASI's functions are called.
;;   wat2wasm guest_guest.wat -o - | xxd -i
(module
  (import "host" "fill" (func $fill (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 4096))
  (data (i32.const 1024) "hello\00")
  (data (i32.const 2048) "\00\04\00\00\05\00\00\00")

  (func (export "malloc") (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (global.get $top)
      (i32.and (i32.add (local.get $n) (i32.const 15)) (i32.const -16))))
    (if (i32.gt_u (global.get $top) (i32.const 65536))
      (then (global.set $top (local.get $at)) (return (i32.const 0))))
    (if (i32.eq (local.get $n) (i32.const 667)) (then (loop $l (br $l))))
    (if (i32.eq (local.get $n) (i32.const 668)) (then unreachable))
    (local.get $at))

  ;; Have the host fill n bytes at an address; the sum of all bytes from there, and what it gave.
  (func (export "fill") (param $at i32) (param $n i32) (result i32 i32)
    (local $got i32) (local $sum i32)
    (local.set $got (call $fill (local.get $at) (local.get $n)))
    (loop $l
      (if (local.get $n)
        (then
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (local.set $sum (i32.add (local.get $sum)
            (i32.load8_u (i32.add (local.get $at) (local.get $n)))))
          (br $l))))
    (local.get $sum) (local.get $got))
  (func (export "top") (result i32) (global.get $top))
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "print") (result i32)
    (drop (call $write (i32.const 1) (i32.const 2048) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func (export "exit") (call $exit (i32.const 3)))
  (func (export "random") (result i64)
    (drop (call $random (i32.const 16) (i32.const 8)))
    (i64.load (i32.const 16))))
