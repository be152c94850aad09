(-modult "\00asm\0(modu binary "\'00099\
(`