/* Writing code objects: the header, then its sections, one by one. See abi/object.h. */
#include <stdlib.h>
#include <string.h>

#include "compile/link.h"
#include "compile/unit.h"
#include "crypto/checksum.h"

#define SECTION_ALIGN 16u

/* A section to be: where its offset goes, and what it holds. */
typedef struct part {
    abi_object_section *section;
    const void *data;
    uint64_t size;
} part;

/* Place the sections; the size of all. */
static uint64_t lay_out(part *parts, uint32_t count, uint64_t at)
{
    for (uint32_t i = 0; i < count; i++) {
        at = (at + SECTION_ALIGN - 1) & ~(uint64_t)(SECTION_ALIGN - 1);
        parts[i].section->offset = (uint32_t)at;
        parts[i].section->size = (uint32_t)parts[i].size;
        at += parts[i].size;
    }
    return at;
}

static void fill_header(abi_object *h, const compile_job *job, const uint8_t id[32],
                        uint32_t compiled)
{
    memcpy(h->magic, ABI_OBJECT_MAGIC, sizeof h->magic);
    h->format = ABI_OBJECT_FORMAT;
    h->version = ABI_NATIVE_VERSION;
    h->arch = job->options->arch;
    h->flags = job->options->flags | (job->catches ? ABI_OBJECT_CATCHES : 0u);
    h->cpu = job->options->cpu;
    memcpy(h->module_id, id, sizeof h->module_id);
    compile_version(h->compiler, sizeof h->compiler);
    h->compiled = compiled;
}

beamr_status compile_object_write(const compile_job *job, const uint8_t id[32],
                                  const compile_image *image, uint8_t **out, size_t *size,
                                  beamr_error *err)
{
    uint64_t limit = job->options->max_size ? job->options->max_size : UINT32_MAX;
    uint32_t functions = job->m->func_count - job->m->func_imports;
    abi_object h = {0};
    part parts[] = {
        {&h.code, image->code, image->size},
        {&h.functions, image->functions, (uint64_t)functions * sizeof *image->functions},
        {&h.thunks, image->thunks, (uint64_t)job->m->type_count * sizeof *image->thunks},
        {&h.ranges, image->ranges, (uint64_t)image->range_count * sizeof *image->ranges},
        {&h.unwind, image->unwind, (uint64_t)image->unwind_count * sizeof *image->unwind},
        {&h.sites, image->sites, (uint64_t)image->site_count * sizeof *image->sites},
    };
    uint32_t count = sizeof parts / sizeof *parts;
    uint64_t total = lay_out(parts, count, sizeof h);
    uint8_t *bytes;

    if (total > limit || total > UINT32_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the code object would have %llu bytes, the limit is %llu",
                          (unsigned long long)total, (unsigned long long)limit);
    if (!(bytes = calloc(1, total)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for the code object");
    fill_header(&h, job, id, image->compiled);
    h.size = (uint32_t)total;
    memcpy(bytes, &h, sizeof h);
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].size > 0)
            memcpy(bytes + parts[i].section->offset, parts[i].data, parts[i].size);
    }
    crypto_checksum_of(bytes, total, h.checksum);
    memcpy(bytes, &h, sizeof h);
    *out = bytes;
    *size = total;
    return BEAMR_OK;
}
