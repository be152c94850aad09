// What a module in Emscripten's `invoke_*` form has beside the program: a heap, setjmp, and the
// types of C++; clang makes the imports. In a file of its own, since clang declares some of
// these functions itself.
#include "guest.h"

extern "C" {
uptr __THREW__;
int __threwValue;
EXPORT void setThrew(uptr threw, int value)
{
    if (__THREW__ == 0) {
        __THREW__ = threw;
        __threwValue = value;
    }
}

// Newer modules keep the second half of a result themselves; older ones import both functions.
#if __SIZEOF_POINTER__ == 8
static unsigned temp_ret;
EXPORT void _emscripten_tempret_set(unsigned v) { temp_ret = v; }
unsigned getTempRet0(void) { return temp_ret; }
#endif

// A heap that only grows, and counts what is in use.
alignas(16) static char heap[1 << 16];
static size_t heap_used;
int blocks;
EXPORT void *malloc(size_t size)
{
    size_t at = heap_used;
    heap_used += (size + 15) & ~(size_t)15;
    if (heap_used > sizeof heap)
        heap_used = at = 0;
    blocks++;
    return heap + at;
}
EXPORT void free(void *p)
{
    blocks -= p != nullptr;
    if (blocks == 0)
        heap_used = 0;
}
void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

// setjmp: which of a function's places a buffer stands for.
[[noreturn]] void _emscripten_throw_longjmp(void);
void __wasm_setjmp(buffer *b, unsigned label, void *function)
{
    b->function = function;
    b->label = label;
}
unsigned __wasm_setjmp_test(buffer *b, void *function)
{
    return b && b->function == function ? b->label : 0;
}
[[noreturn]] void emscripten_longjmp(buffer *b, int value)
{
    setThrew((uptr)b, value ? value : 1);
    _emscripten_throw_longjmp();
}

// What a type is, for classes with one base and for pointers.
}
namespace std {
[[noreturn]] void terminate() noexcept { __builtin_trap(); }
class type_info {
public:
    virtual ~type_info();
    const char *name;
};
type_info::~type_info() {}
} // namespace std
void operator delete(void *) noexcept {}
void operator delete(void *, size_t) noexcept {}
namespace __cxxabiv1 {
class __fundamental_type_info : public std::type_info {
public:
    ~__fundamental_type_info();
};
class __class_type_info : public std::type_info {
public:
    ~__class_type_info();
};
class __si_class_type_info : public __class_type_info {
public:
    ~__si_class_type_info();
    const __class_type_info *base;
};
class __pointer_type_info : public std::type_info {
public:
    ~__pointer_type_info();
    unsigned flags;
    const std::type_info *to;
};
__fundamental_type_info::~__fundamental_type_info() {}
__class_type_info::~__class_type_info() {}
__si_class_type_info::~__si_class_type_info() {}
__pointer_type_info::~__pointer_type_info() {}
} // namespace __cxxabiv1
using namespace __cxxabiv1;
extern "C" char _ZTVN10__cxxabiv120__si_class_type_infoE[];
extern "C" char _ZTVN10__cxxabiv119__pointer_type_infoE[];
static bool has_table(const std::type_info *t, const char *table)
{
    return *(char *const *)t == table + 2 * sizeof(void *);
}
extern "C" {
EXPORT int __cxa_can_catch(const std::type_info *wanted, const std::type_info *thrown, void **)
{
    while (wanted != thrown) {
        if (!has_table(thrown, _ZTVN10__cxxabiv120__si_class_type_infoE))
            return 0;
        thrown = ((const __si_class_type_info *)thrown)->base;
    }
    return 1;
}
#if __SIZEOF_POINTER__ == 8
// Newer modules have the objects and their counts themselves, too.
struct header {
    size_t references;
    const std::type_info *type;
    void *(*destructor)(void *);
    bool caught, rethrown;
    void *adjusted;
    void *padding;
};
static header *header_of(void *object) { return (header *)object - 1; }
void *__cxa_allocate_exception(size_t size)
{
    header *h = (header *)malloc(size + sizeof *h);
    *h = {};
    return h + 1;
}
EXPORT void __cxa_increment_exception_refcount(void *object)
{
    header_of(object)->references++;
}
EXPORT void __cxa_decrement_exception_refcount(void *object)
{
    header *h = header_of(object);
    if (--h->references > 0 || h->rethrown)
        return;
    if (h->destructor)
        h->destructor(object);
    free(h);
}
EXPORT void *__cxa_get_exception_ptr(void *object)
{
    header *h = header_of(object);
    if (has_table(h->type, _ZTVN10__cxxabiv119__pointer_type_infoE))
        return *(void **)object;
    return h->adjusted ? h->adjusted : object;
}
#else
EXPORT int __cxa_is_pointer_type(const std::type_info *t)
{
    return has_table(t, _ZTVN10__cxxabiv119__pointer_type_infoE);
}
#endif
}

