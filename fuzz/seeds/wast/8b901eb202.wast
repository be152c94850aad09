(module $m binary "\00asm\01\00\00\00\01#\07`\01\7f\00`\02\7f\7f\01\7f`\02~~\01~`\00\02}|`\00\01{`\01o\02op`\00\00\02\16\01\08spectest\09print_i32\00\00\03\08\07\01\02\03\02\05\06\06\0d\03\01\00\06\06\00\0b") (; a block (; in a block ;) ;)
(register "first" $m)
(module definition $d binary "\00asm\01\00\00\00\01\0c\02`\02\7f\7f\01\7f`\01\7f\00\7f\02ice")
