;; walues of every kind, and patterns for results
(module $m  (i32.const 0xffff_ffff))
(assert_return (invoke $m "div" (i64.const 7) (i64.const 2)) (i64.c))
