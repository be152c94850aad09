# The tags that clang's exceptions name: one for C++, one for longjmp. Each carries a pointer.
#ifdef __wasm64__
#define POINTER i64
#else
#define POINTER i32
#endif
    .globl __cpp_exception
    .tagtype __cpp_exception POINTER
__cpp_exception:
    .globl __c_longjmp
    .tagtype __c_longjmp POINTER
__c_longjmp:
