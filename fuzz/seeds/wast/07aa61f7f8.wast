(modulebry "\00asm\01\5f")
()
