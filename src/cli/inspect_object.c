/* `beamr inspect` of a code object: what its header says. Only loading it checks that this is
 * true. The layout is in abi/object.h. */
#include <inttypes.h>

#include "cli/inspect.h"

#include "abi/object.h"

bool inspect_is_object(beamr_bytes bytes)
{
    return bytes.len >= sizeof(abi_object) &&
           memcmp(bytes.data, ABI_OBJECT_MAGIC, sizeof ABI_OBJECT_MAGIC - 1) == 0;
}

static const char *arch_text(uint32_t arch)
{
    switch (arch) {
    case ABI_ARCH_X86_64:
        return "x86_64";
    case ABI_ARCH_AARCH64:
        return "aarch64";
    default:
        return "unknown";
    }
}

/* What the processor needs beside the least of its kind. */
static const char *cpu_text(const abi_object *head)
{
    if (head->arch != ABI_ARCH_X86_64)
        return "armv8-a";
    return head->cpu & ABI_CPU_X86_64_V3 ? "x86-64-v3" : "x86-64-v2";
}

static const struct {
    uint32_t flag;
    const char *text;
} flags[] = {
    {ABI_OBJECT_METERING, "metering"}, {ABI_OBJECT_CHECKS, "checks"},
    {ABI_OBJECT_CATCHES, "catches"},   {ABI_OBJECT_NO_POLLS, "no-polls"},
    {ABI_OBJECT_ANY_NAN, "any-nan"},
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])

/* The flags' names, one after the other, each between `quote`s. */
static void print_flags(uint32_t set, const char *quote, const char *separator)
{
    const char *before = "";

    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (!(set & flags[i].flag))
            continue;
        (void)printf("%s%s%s%s", before, quote, flags[i].text, quote);
        before = separator;
    }
}

static void print_id(const abi_object *head)
{
    for (size_t i = 0; i < sizeof head->module_id; i++)
        (void)printf("%02x", head->module_id[i]);
}

static beamr_bytes compiler(const abi_object *head)
{
    return (beamr_bytes){(const uint8_t *)head->compiler,
                         strnlen(head->compiler, sizeof head->compiler)};
}

static void show_text(const char *path, const abi_object *head, size_t size)
{
    uint32_t functions = head->functions.size / (uint32_t)sizeof(abi_object_func);

    (void)printf("%s: a code object of %zu bytes\n", path, size);
    if (head->size != size)
        (void)printf("It is damaged: its header speaks of %" PRIu32 " bytes\n", head->size);
    (void)fputs("Compiler: ", stdout);
    cli_print_quoted(stdout, compiler(head));
    (void)printf(", format %" PRIu32 ", version %" PRIu32 "\nModule: sha256 ", head->format,
                 head->version);
    print_id(head);
    (void)printf("\nProcessor: %s, %s\nOptions: ", arch_text(head->arch), cpu_text(head));
    print_flags(head->flags, "", ", ");
    (void)printf("%s\nFunctions: %" PRIu32 " of %" PRIu32 " compiled\n",
                 head->flags ? "" : "none", head->compiled, functions);
    (void)printf("Code: %" PRIu32 " bytes\n", head->code.size);
}

static void show_json(const char *path, const abi_object *head, size_t size)
{
    (void)fputs("{\"file\":", stdout);
    cli_print_quoted(stdout, beamr_bytes_of(path));
    (void)printf(",\"size\":%zu,\"object\":{\"size\":%" PRIu32 ",\"compiler\":", size,
                 head->size);
    cli_print_quoted(stdout, compiler(head));
    (void)printf(",\"format\":%" PRIu32 ",\"version\":%" PRIu32 ",\"module\":\"", head->format,
                 head->version);
    print_id(head);
    (void)printf("\",\"target\":\"%s\",\"cpu\":\"%s\",\"options\":[", arch_text(head->arch),
                 cpu_text(head));
    print_flags(head->flags, "\"", ",");
    (void)printf("],\"functions\":%zu,\"compiled\":%" PRIu32 ",\"code\":%" PRIu32 "}}\n",
                 head->functions.size / sizeof(abi_object_func), head->compiled,
                 head->code.size);
}

void inspect_object(const char *path, beamr_bytes bytes, bool is_json)
{
    abi_object head;

    memcpy(&head, bytes.data, sizeof head);
    if (is_json)
        show_json(path, &head, bytes.len);
    else
        show_text(path, &head, bytes.len);
}
