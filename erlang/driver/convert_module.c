/* What a module imports and exports, as lists of tuples with strings, and as lists of maps with
 * binaries. */
#include "driver/convert.h"

/* ---- Signatures ---- */

static char letter_of(beamr_valtype type)
{
    switch (beamr_valtype_kind(type)) {
    case BEAMR_I32:
        return 'i';
    case BEAMR_I64:
        return 'I';
    case BEAMR_F32:
        return 'f';
    case BEAMR_F64:
        return 'F';
    case BEAMR_V128:
        return 'v';
    case BEAMR_FUNCREF:
        return 'r';
    case BEAMR_EXTERNREF:
        return 'e';
    default:
        return 'u';
    }
}

enum { TYPES_MAX = 1000 }; /* parameters, and results: what the engine takes */

typedef struct signature {
    size_t len;
    uint8_t text[2 * TYPES_MAX + 2];
} signature;

static void add_letters(signature *s, const beamr_valtype *types, size_t count)
{
    for (size_t i = 0; i < count && i < TYPES_MAX; i++)
        s->text[s->len++] = (uint8_t)letter_of(types[i]);
}

static beamr_bytes signature_of(const beamr_functype *type, signature *s)
{
    s->len = 0;
    s->text[s->len++] = '(';
    add_letters(s, type->params, type->param_count);
    s->text[s->len++] = ')';
    add_letters(s, type->results, type->result_count);
    return (beamr_bytes){s->text, s->len};
}

static beamr_bytes signature_of_extern(const beamr_externtype *type, signature *s)
{
    static const beamr_bytes none = {NULL, 0};

    return type->kind == BEAMR_EXTERN_FUNC ? signature_of(&type->func, s) : none;
}

void drv_put_func_signature(drv_writer *w, const beamr_functype *type)
{
    signature s;

    drv_put_string(w, signature_of(type, &s));
}

void drv_put_signature(drv_writer *w, const beamr_externtype *type)
{
    signature s;

    drv_put_string(w, signature_of_extern(type, &s));
}

/* ---- Imports and exports ---- */

static const char *kind_of(const beamr_externtype *type)
{
    return type->kind == BEAMR_EXTERN_TAG ? "unknown" : beamr_extern_kind_text(type->kind);
}

void drv_put_imports(drv_writer *w, const beamr_module *module)
{
    size_t count = beamr_module_import_count(module);

    drv_put_list(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        beamr_import import = beamr_module_import(module, i);

        drv_put_tuple(w, 4);
        drv_put_atom(w, kind_of(&import.type));
        drv_put_string(w, import.module);
        drv_put_string(w, import.name);
        drv_put_signature(w, &import.type);
    }
    drv_put_nil(w);
}

void drv_put_exports(drv_writer *w, const beamr_module *module)
{
    size_t count = beamr_module_export_count(module);

    drv_put_list(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        beamr_export export = beamr_module_export(module, i);

        drv_put_tuple(w, 3);
        drv_put_atom(w, kind_of(&export.type));
        drv_put_string(w, export.name);
        drv_put_signature(w, &export.type);
    }
    drv_put_nil(w);
}

/* Beside text, each takes about as much as so many characters. */
#define TOLD_EACH 8u

static size_t told_of(beamr_bytes name, const beamr_externtype *type)
{
    size_t more =
        type->kind == BEAMR_EXTERN_FUNC ? type->func.param_count + type->func.result_count : 0;

    return TOLD_EACH + name.len + more;
}

size_t drv_module_told(const beamr_module *module)
{
    size_t told = 0;

    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_import import = beamr_module_import(module, i);

        told += import.module.len + told_of(import.name, &import.type);
    }
    for (size_t i = 0; i < beamr_module_export_count(module); i++) {
        beamr_export export = beamr_module_export(module, i);

        told += told_of(export.name, &export.type);
    }
    return told;
}

/* The pairs that imports and exports have in common. */
static void put_pairs(drv_writer *w, beamr_bytes name, const beamr_externtype *type)
{
    signature s;

    drv_put_atom(w, "kind");
    drv_put_atom(w, kind_of(type));
    drv_put_atom(w, "name");
    drv_put_binary(w, name);
    drv_put_atom(w, "signature");
    drv_put_binary(w, signature_of_extern(type, &s));
}

void drv_put_import_maps(drv_writer *w, const beamr_module *module)
{
    size_t count = beamr_module_import_count(module);

    drv_put_list(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        beamr_import import = beamr_module_import(module, i);

        drv_put_map(w, 4);
        drv_put_atom(w, "module");
        drv_put_binary(w, import.module);
        put_pairs(w, import.name, &import.type);
    }
    drv_put_nil(w);
}

void drv_put_export_maps(drv_writer *w, const beamr_module *module)
{
    size_t count = beamr_module_export_count(module);

    drv_put_list(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        beamr_export export = beamr_module_export(module, i);

        drv_put_map(w, 3);
        put_pairs(w, export.name, &export.type);
    }
    drv_put_nil(w);
}
