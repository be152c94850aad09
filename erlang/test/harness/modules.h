/* Modules for the tests, built as bytes.
 *
 * The tool exports, over a memory of one page (at most 400):
 *   fac (d)d        recursive            add (ll)l     sum
 *   spin ()         never ends           count (i)i    counts up to n in a loop
 *   peek (i)i, poke (ii)                 div (ii)i     traps by zero
 *   ask (i)i        env.ask(n)           asks (i)i     env.ask(n) + ... + env.ask(1)
 *   mix (lfd)d      env.mix(a, b, c)     note (i)      env.note(n), without a result
 *   deep ()         recursion without end
 *   grow (i)i       memory.grow          length (i)i   of text at n
 *   malloc, free    never gives back     pair (l)ll    two results
 *   memory, __indirect_function_table: [fac, add, null, spin], base (a global)
 * With is_hung it also has a start function that never ends. */
#ifndef HARNESS_MODULES_H
#define HARNESS_MODULES_H

#include <stdbool.h>

#include "wasm_builder.h"

/* To be freed with wasm_free. */
wasm_builder module_tool(bool is_hung);
/* Without imports, memory or table: fac only. */
wasm_builder module_fac(void);

#endif
