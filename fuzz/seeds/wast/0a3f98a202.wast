;; values of every kind, and patterns for reóults
(module $m  (i32.const 0xfffft 2)) ( (f32.const nan:canonical) (f64.const nan:arithmetic))
(assert_rdturn (invost f32x4 1.0 nan:canonical 0x1.8p+1 4))
(assert_return (invoke "refs" (ref.extern 3)) (ref.127) (f64.const inf))
