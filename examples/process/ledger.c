/* A ledger, as a guest of examples/process/process.c: a balance that deposits of any currency
 * add to. What a currency is worth it asks its host, by the import `rates.rate`, which is given
 * the address of the currency's name and gives a number; negative: nobody knows it. It is made
 * for WebAssembly without a C library; text comes in by `malloc`. */
#define EXPORT(name) __attribute__((export_name(#name)))

typedef __SIZE_TYPE__ size_t;

__attribute__((import_module("rates"), import_name("rate"))) double rate(const char *currency);

static double balance;

void *malloc(size_t size);
void free(void *block);
double deposit(const char *entry);
double credit(double amount);

/* ---- Room for texts ----
 * Blocks are taken one behind the other, and given back when none is left. */

extern unsigned char __heap_base;
static unsigned char *next = &__heap_base;
static size_t taken;

EXPORT(malloc) void *malloc(size_t size)
{
    unsigned char *block = next;
    size_t end = (size_t)block + size, room = __builtin_wasm_memory_size(0) << 16;

    if (end < size)
        return 0;
    if (end > room && __builtin_wasm_memory_grow(0, (end - room + 0xffff) >> 16) == (size_t)-1)
        return 0;
    next += (size + 15) & ~(size_t)15;
    taken++;
    return block;
}

EXPORT(free) void free(void *block)
{
    if (block && --taken == 0)
        next = &__heap_base;
}

/* ---- The ledger ---- */

/* Enter an amount and a currency, as "12 EUR".  Returns the balance; traps when the entry is
 * none. */
EXPORT(deposit) double deposit(const char *entry)
{
    double amount = 0, worth;

    for (; *entry >= '0' && *entry <= '9'; entry++)
        amount = amount * 10 + (*entry - '0');
    if (*entry++ != ' ')
        __builtin_trap();
    worth = rate(entry);
    if (worth < 0)
        __builtin_trap();
    return balance += amount * worth;
}

/* Enter an amount of the ledger's own currency.  Returns the balance. */
EXPORT(credit) double credit(double amount)
{
    return balance += amount;
}
