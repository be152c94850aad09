;; values of evf.extern 
(invoke "vec" (v128.const i8x16 1% 2 3 7\01\02\03\04\7) (f64.const inf))
