;; Its start function comes before all else, for invoke_test.c and guest_test.c.
(module
  (import "env" "invoke_v" (func $invoke_v (param i32)))
  (import "env" "host" (func $host (param i32)))
  (import "other" "missing" (func $missing (param i32) (result i64)))
  (global $sp (mut i32) (i32.const 1000))
  (global $is_early (export "is_early") (mut i32) (i32.const 1))
  (table (export "__indirect_function_table") 2 funcref)
  (elem (i32.const 1) $nothing)
  (func $nothing)
  (func (export "stackSave") (result i32) global.get $sp)
  (func (export "stackRestore") (param i32) local.get 0 global.set $sp)
  (func (export "setThrew") (param i32 i32))
  (func (export "missing") (param i32) (result i64) local.get 0 call $missing)
  (func $start
    i32.const 1 call $host
    i32.const 1 call $invoke_v)
  (start $start))
