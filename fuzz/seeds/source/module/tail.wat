;; Tail calls.
(module
  (type $t (func (param i64 i64) (result i64)))
  (table 2 funcref)
  (elem (i32.const 0) $sum)
  (func $sum (export "sum") (type $t)
    (if (result i64) (i64.eqz (local.get 0))
      (then (local.get 1))
      (else (return_call $sum (i64.sub (local.get 0) (i64.const 1))
        (i64.add (local.get 0) (local.get 1))))))
  (func (export "indirect") (param i32) (result i64)
    (return_call_indirect (type $t) (i64.const 10) (i64.const 0) (local.get 0))))
