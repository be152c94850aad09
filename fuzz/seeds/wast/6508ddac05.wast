;; values of every kind, and patterns for results
(module $m binary "\00asm\01\00\00\00\01#\07`\01\7f\00`\02\7f\7f\01\7f`\02~~\01~`\00\02}|`\00\01{`\01o\02op`\00\00\02\16\01\08spectest\09print_i32\00\00\03\08\07\01\02\03\04\05\06\06\0d\03\01\00\06\06\06\01\7f\00A\07\0b\077\09\01p\00\00\03add\00\01\03div\00\02\03nan\00\03\03vec\00\04\04refs\00\05\04eedp\00\06\05throw\00\07\01g\03\00\0aH\07\07\00 \00 \01j\0b\07\00 \00 \01\7f\0b\10\00C\00\00\c0\7fD\01\00\00\00\00\00\f8\7f\0b\14\00\fd\0c\00\00\80?\00\00\c0\7f\00\00@@\01\00\80@\0b\06\00 \00\d2\00\0b\04\00\10\06\0b\04\00\08\00\0b")
(assert_return (invoke "add" (i32.const 1) (i32.const -2)) (i32.const 0xffff_ffff))
(assert_return (invoke $mnst i8x16 1 2 3 4 5 6 7 8 9 1featurd gc 14 15 16) (f32.const -0x1.fffffep127) (f64.const inf))
