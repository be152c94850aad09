;; values known import")
(module bi"vec" (v128.const i32x4 1 2 3 4 5 6 7 8c 14 15 16) (f32.const -0x1.fffffep127) (f64.const inf))
