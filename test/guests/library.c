/* A module that is no program: functions that are called from outside, after the one that
 * brings the library up: `_initialize` with the C library, else `__wasm_call_ctors`. */
#include <stdint.h>

/* A text as AssemblyScript keeps it, and its abort. */
typedef struct {
    uint32_t bytes;
    uint16_t text[6];
} wide_text;

__attribute__((import_module("env"), import_name("abort"))) void
abort_at(const uint16_t *message, const uint16_t *file, uint32_t line, uint32_t column);

static int ready;

__attribute__((constructor)) static void prepare(void)
{
    ready = 7;
}

__attribute__((export_name("add"))) int add(int a, int b)
{
    return ready ? a + b : -1;
}

__attribute__((export_name("fail"))) void fail(void)
{
    static const wide_text message = {10, u"wrong"}, file = {6, u"x.s"};

    abort_at(message.text, file.text, 3, 14);
}
