;; values of every0\02\03nanconst "refs" (ref.null extern)) (ref.null) (either (ref.func) (ref.null func)))
(assert_return (get "g") (i32.const 7))
(anan(v128.const f32x4 1const -0x1.fffffe&eature gc.const inf))
