;; What clang does not write: other signatures, imports of `invoke_*` in the table, two types
;; under one name, and 64-bit numbers in halves. For invoke_test.c.
(module
  (type $nothing (func))
  (type $take (func (param i32)))
  (import "env" "invoke_v" (func $invoke_v (param i32)))
  (import "env" "invoke_vi" (func $invoke_vi (param i32 i32)))
  (import "env" "invoke_vi" (func $invoke_vl (param i32 i64)))
  (import "env" "invoke_VV" (func $invoke_vector (param i32 v128) (result v128)))
  (import "env" "invoke_if" (func $invoke_two (param i32) (result i32 f32)))
  (import "env" "invoke_FX" (func $invoke_ref (param i32 externref) (result funcref)))
  (import "env" "invoke_vij" (func $invoke_halves (param i32 i32 i32 i32)))
  (import "env" "_emscripten_throw_longjmp" (func $throw))
  (memory (export "memory") 1)
  (table (export "__indirect_function_table") 14 funcref)
  (global $sp (mut i32) (i32.const 1000))
  (global $threw (mut i32) (i32.const 0))
  (global $last (mut i64) (i64.const 0))

  (func (export "stackSave") (result i32) global.get $sp)
  (func (export "stackRestore") (param i32) local.get 0 global.set $sp)
  (func (export "setThrew") (param i32 i32)
    local.get 0 i32.const 10 i32.mul local.get 1 i32.add global.set $threw)

  (elem (i32.const 1)
    $sink $sink_wide $sink_throw $vector $vector_throw $two $two_throw $ref $ref_throw
    $invoke_v $throw $wide)
  (func $sink (param i32) local.get 0 i64.extend_i32_s global.set $last)
  (func $sink_wide (param i64) local.get 0 global.set $last)
  (func $sink_throw (param i32)
    global.get $sp i32.const 64 i32.sub global.set $sp
    call $throw)
  (func $vector (param v128) (result v128) local.get 0 local.get 0 i32x4.add)
  (func $vector_throw (param v128) (result v128) call $throw unreachable)
  (func $two (result i32 f32) i32.const 3 f32.const 1.5)
  (func $two_throw (result i32 f32) call $throw unreachable)
  (func $ref (param externref) (result funcref) ref.func $sink)
  (func $ref_throw (param externref) (result funcref) call $throw unreachable)
  (func $wide (param i32 i64)
    local.get 1 local.get 0 i64.extend_i32_u i64.add global.set $last
    local.get 0 i32.eqz if call $throw end)

  (func (export "dynCall_vij") (param $index i32) (param $i i32) (param $low i32) (param $high i32)
    local.get $i
    local.get $low i64.extend_i32_u local.get $high i64.extend_i32_u i64.const 32 i64.shl i64.or
    local.get $index
    call_indirect (param i32 i64))

  (func (export "v") (param i32) local.get 0 call $invoke_v)
  (func (export "vi") (param i32 i32) local.get 0 local.get 1 call $invoke_vi)
  (func (export "vl") (param i32 i64) local.get 0 local.get 1 call $invoke_vl)
  (func (export "vector") (param i32 v128) (result v128)
    local.get 0 local.get 1 call $invoke_vector)
  (func (export "two") (param i32) (result i32 f32) local.get 0 call $invoke_two)
  (func (export "ref") (param i32 externref) (result funcref)
    local.get 0 local.get 1 call $invoke_ref)
  (func (export "halves") (param i32 i32 i32 i32)
    local.get 0 local.get 1 local.get 2 local.get 3 call $invoke_halves)
  ;; call place `at` of the table, as (i32) -> ()
  (func (export "call") (param $at i32) (param $arg i32)
    local.get $arg local.get $at call_indirect (type $take))
  (func (export "put_invoke") (param $at i32) local.get $at ref.func $invoke_v table.set 0)
  (elem declare func $invoke_v $sink)
  (func (export "last") (result i64) global.get $last)
  (func (export "threw") (result i32) global.get $threw i32.const 0 global.set $threw)
  (func (export "sp") (result i32) global.get $sp))
