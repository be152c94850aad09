/* A module that is no program: functions that are called from outside, after the one that brings
 * the library up: `_initialize` with the C library, else `__wasm_call_ctors`. */
static int ready;

__attribute__((constructor)) static void prepare(void)
{
    ready = 7;
}

__attribute__((export_name("add"))) int add(int a, int b)
{
    return ready ? a + b : -1;
}
