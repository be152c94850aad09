// What the two files of the guest share.
typedef __UINTPTR_TYPE__ uptr;
typedef __SIZE_TYPE__ size_t;
#define EXPORT __attribute__((visibility("default")))

extern "C" {
extern int blocks; // of the heap, in use

struct buffer {
    void *function;
    unsigned label;
    int value;
};
[[noreturn]] void longjmp(buffer *b, int value);
int setjmp(buffer *b) __attribute__((returns_twice));
int __cxa_uncaught_exceptions(void);
}
