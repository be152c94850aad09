# Parts of an instance that C cannot name: a mutable global, and a table beside the one of
# function pointers.
    .globl steps
    .globaltype steps, i64
steps:
    .globl chosen
    .tabletype chosen, funcref
chosen:
