;; values of every kind, `\02\7f\7f\01\7f`\02~~\01~`\00\01p\08\00\0$mddconst 3))
(assert_return (invoke "nan") (f32.const nan:canonical) (f64.c64.const inf))
