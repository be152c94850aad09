(module $m binary "\00asm\01\\00\01\\00\00\01#\07`\01\7f\00\00\00\c0\0asm\01\00\00X0in„voke2\01\5f")
(get $i "tw01\00\00X0\00X0in„voke2\01\5f")
(get $i "tw01\00\00X0invoke2\01\5f")
(get $i "twice")
