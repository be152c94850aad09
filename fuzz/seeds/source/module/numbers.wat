;; Instructions on numbers, one of each family.
(module
  (func (export "i32") (param i32 i32) (result i32)
    (i32.rotl (i32.xor (i32.shr_s (local.get 0) (local.get 1)) (i32.clz (local.get 0)))
      (i32.rem_u (i32.div_s (local.get 0) (local.get 1)) (i32.extend8_s (i32.const -128)))))
  (func (export "i64") (param i64 i64) (result i64)
    (i64.add (i64.popcnt (local.get 0)) (i64.extend32_s (i64.extend_i32_u
      (i64.lt_s (local.get 0) (i64.const 0x7fffffffffffffff))))))
  (func (export "f32") (param f32 f32) (result f32)
    (f32.copysign (f32.min (local.get 0) (f32.nearest (local.get 1))) (f32.const -nan:0x200000)))
  (func (export "f64") (param f64) (result f64)
    (f64.sqrt (f64.abs (f64.promote_f32 (f32.demote_f64 (f64.div (local.get 0) (f64.const 0x1p-1074)))))))
  (func (export "convert") (param f64) (result i64)
    (i64.add (i64.trunc_f64_s (local.get 0))
      (i64.add (i64.trunc_sat_f64_u (local.get 0)) (i64.reinterpret_f64 (local.get 0))))))
