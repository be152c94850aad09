(module (import "first" "add" (func $a (param i32 i32) (result i32)))
 (func (export "twice") (param i32) (result i32) local.get 0 local.get 0 call $a))
