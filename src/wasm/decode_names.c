/* Names for people: the custom section `name`, and what stands in for it.
 * Nothing in that section can make a module wrong, so reading stops quietly where it makes no
 * sense and keeps what was read before.
 * Source: Core, "Appendix", "Custom Sections and Annotations", "Name Section". */
#include "base/utf8.h"
#include "wasm/internal.h"

enum { NAMES_MODULE = 0, NAMES_FUNCTIONS = 1 };

/* A name of any length; false where there is none. */
static bool read_any_name(wb_reader *r, beamr_bytes *out)
{
    beamr_bytes name;
    uint32_t len = 0;

    if (wb_read_u32(r, &len, NULL) != BEAMR_OK ||
        wb_read_bytes(r, len, &name, NULL) != BEAMR_OK)
        return false;
    if (!utf8_is_valid(name))
        return false;
    *out = name;
    return true;
}

/* Pairs of function index and name. */
static void read_function_names(wb_module *m, wb_reader *r)
{
    uint32_t count = 0, index = 0;

    if (wb_read_u32(r, &count, NULL) != BEAMR_OK)
        return;
    /* A count beyond the contents does no harm: reading ends with them. */
    for (uint32_t i = 0; i < count; i++) {
        beamr_bytes name;

        if (wb_read_u32(r, &index, NULL) != BEAMR_OK || !read_any_name(r, &name))
            return;
        if (index < m->func_count)
            m->func_names[index] = name;
    }
}

beamr_status wb_decode_names(wb_decoder *d, beamr_error *err)
{
    wb_module *m = d->m;
    wb_reader r = d->in;

    if (d->name_section.len == 0)
        return BEAMR_OK;
    r.next = d->name_section.data;
    r.end = r.next + d->name_section.len;
    while (wb_reader_left(&r) > 0) {
        wb_reader part = r;
        beamr_bytes contents;
        uint8_t id = 0;
        uint32_t size = 0;

        if (wb_read_byte(&r, &id, NULL) != BEAMR_OK ||
            wb_read_u32(&r, &size, NULL) != BEAMR_OK ||
            wb_read_bytes(&r, size, &contents, NULL) != BEAMR_OK)
            return BEAMR_OK;
        part.next = contents.data;
        part.end = contents.data + contents.len;
        if (id == NAMES_MODULE) {
            (void)read_any_name(&part, &m->module_name);
        } else if (id == NAMES_FUNCTIONS && !m->func_names && m->func_count > 0) {
            if (!(m->func_names = ARENA_NEW(&m->arena, beamr_bytes, m->func_count)))
                return wb_fail_memory("names", err);
            read_function_names(m, &part);
        }
    }
    return BEAMR_OK;
}

beamr_bytes wb_func_name(const wb_module *m, uint32_t func)
{
    if (m->func_names && func < m->func_count && m->func_names[func].len > 0)
        return m->func_names[func];
    for (uint32_t i = 0; i < m->export_count; i++)
        if (m->exports[i].kind == WB_EXTERN_FUNC && m->exports[i].index == func)
            return m->exports[i].name;
    return (beamr_bytes){NULL, 0};
}
