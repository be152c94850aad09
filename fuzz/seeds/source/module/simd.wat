;; Vectors: constants, lanes, shuffles, memory, arithmetic.
(module
  (memory 1)
  (global (mut v128) (v128.const i64x2 1 -1))
  (func (export "lanes") (param i32 v128) (result v128)
    (v128.store offset=16 (local.get 0) (local.get 1))
    (v128.store8_lane 15 (local.get 0) (local.get 1))
    (i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31
      (v128.load8x8_s (local.get 0))
      (i32x4.replace_lane 3 (v128.load32_splat (local.get 0)) (i32.const 7))))
  (func (export "arithmetic") (param v128 v128) (result v128)
    (v128.bitselect
      (f64x2.add (local.get 0) (f64x2.convert_low_i32x4_s (local.get 1)))
      (i16x8.q15mulr_sat_s (local.get 0) (i8x16.popcnt (local.get 1)))
      (i32x4.dot_i16x8_s (f32x4.pmin (local.get 0) (local.get 1)) (v128.load64_zero (i32.const 0)))))
  (func (export "all") (param v128) (result i32)
    (i32.or (i8x16.all_true (local.get 0)) (i64x2.bitmask (global.get 0)))))
