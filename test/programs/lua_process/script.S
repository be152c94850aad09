# The program in Lua, as bytes.
    .section .rodata.process,"",@
    .globl process_script
process_script:
    .incbin "process.lua"
    .globl process_end
process_end:
    .byte 0
    .size process_script, process_end - process_script
    .size process_end, 1
