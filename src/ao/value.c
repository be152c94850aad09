/* Values: their objects, counts and sizes.
 * Numbers and their texts are in number.c, comparing in match.c, messages in message.c, links
 * in link.c. */
#include <stdlib.h>

#include "ao/contents.h"

enum { SLICE_SHARED_MIN = 1024 }; /* bytes from which a slice shares instead of copying */

struct ao_binary {
    ao_object object;
    size_t len;
    const uint8_t *data; /* behind the struct, when they were copied */
    void (*release)(void *data, void *user);
    void *user;
};

struct ao_list {
    ao_object object;
    size_t count;
    value_size size; /* of the items and their number; depth with the list's own level */
    ao_value items[];
};

struct ao_form {
    ao_object object;
    ao_value device, inner; /* of AO_RESOLVE: none, and the list */
    value_size size;
};

struct ao_native {
    ao_object object;
    void *pointer;
    void (*release)(void *pointer);
};

/* ---- Counts and sizes ---- */

/* The kinds whose pointer leads to something that begins with an ao_object: all such pointers
 * are in one place of a value. */
#define IS(kind) (1u << (kind))
static const unsigned counted = IS(AO_BINARY) | IS(AO_LIST) | IS(AO_MESSAGE) | IS(AO_LINK) |
                                IS(AO_AS) | IS(AO_RESOLVE) | IS(AO_NATIVE);

/* The object behind a value; NULL when there is none, or when it is a name. */
static inline ao_object *object_of(ao_value value)
{
    if ((counted >> value.kind & 1) || (value.kind == AO_INTEGER && value.is_big))
        return (ao_object *)(void *)value.of.binary;
    return NULL;
}

ao_value ao_value_ref(ao_value value)
{
    ao_object *object = object_of(value);

    if (object)
        object_ref(object);
    else if (value.kind == AO_ATOM)
        (void)name_ref(value.of.atom);
    return value;
}

void ao_value_unref(ao_value value)
{
    ao_object *object = object_of(value);

    if (object)
        object_unref(object);
    else if (value.kind == AO_ATOM)
        name_unref(value.of.atom);
}

beamr_status value_fail(ao_value none, beamr_error *err)
{
    switch (none.kind == AO_NONE ? none.of.integer : REASON_MEMORY) {
    case REASON_TOO_DEEP:
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a value nests deeper than %d levels, or holds too much",
                          AO_DEPTH_MAX);
    case REASON_TOO_LONG:
        return beamr_fail(err, BEAMR_LIMIT, 0, "an atom or an id is longer than %d bytes",
                          AO_NAME_MAX);
    case REASON_NOT_FINITE:
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a float is not finite");
    default:
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a value");
    }
}

value_size value_size_of(ao_value value)
{
    switch (value.kind) {
    case AO_BINARY:
        return (value_size){0, value.of.binary->len, 0};
    case AO_ATOM:
        return (value_size){0, ao_name_text(value.of.atom).len, 0};
    case AO_INTEGER:
        return (value_size){0, value.is_big ? digits_text(value.of.digits).len : 16, 0};
    case AO_LIST:
        return value.of.list->size;
    case AO_AS:
    case AO_RESOLVE:
        return value.of.form->size;
    case AO_MESSAGE:
        return message_size_of(value.of.message->contents->keys, value.of.message->secrets);
    case AO_LINK:
        return (value_size){0, ao_link_id(value).len, 0};
    case AO_NONE:
    case AO_FLOAT:
    case AO_NATIVE:
        break;
    }
    return (value_size){0, 16, 0};
}

/* One level around what has the size given; false when that is too much. */
static bool nest(value_size *size)
{
    return ++size->depth <= AO_DEPTH_MAX && size->keys < VALUE_SIZE_MAX &&
           size->bytes < VALUE_SIZE_MAX;
}

/* ---- Binaries ---- */

static void destroy_binary(ao_object *object)
{
    ao_binary *b = (ao_binary *)object;

    if (b->release)
        b->release((void *)(uintptr_t)b->data, b->user);
    free(b);
}

static ao_binary *new_binary(size_t len, size_t inside)
{
    ao_binary *b = len > SIZE_MAX / 2 ? NULL : malloc(sizeof *b + inside);

    if (!b)
        return NULL;
    object_init(&b->object, destroy_binary);
    b->len = len;
    b->data = (const uint8_t *)(b + 1);
    b->release = NULL;
    b->user = NULL;
    return b;
}

ao_value ao_binary_copy(beamr_bytes bytes)
{
    ao_binary *b = new_binary(bytes.len, bytes.len);

    if (!b)
        return AO_NO_VALUE;
    if (bytes.len > 0)
        memcpy(b + 1, bytes.data, bytes.len);
    return (ao_value){.kind = AO_BINARY, .of.binary = b};
}

ao_value ao_binary_text(const char *text)
{
    return ao_binary_copy(beamr_bytes_of(text));
}

ao_value ao_binary_adopt(const void *data, size_t len, void (*release)(void *data, void *user),
                         void *user)
{
    ao_binary *b = new_binary(len, 0);

    if (!b) {
        if (release)
            release((void *)(uintptr_t)data, user);
        return AO_NO_VALUE;
    }
    b->data = data;
    b->release = release;
    b->user = user;
    return (ao_value){.kind = AO_BINARY, .of.binary = b};
}

static void release_whole(void *data, void *user)
{
    ao_binary *whole = user;

    (void)data;
    object_unref(&whole->object);
}

ao_value ao_binary_slice(ao_value whole, size_t offset, size_t len)
{
    ao_binary *b = whole.of.binary;
    const uint8_t *data;

    if (whole.kind != AO_BINARY)
        return AO_NO_VALUE;
    data = b->data + offset;
    if (len == b->len)
        return ao_value_ref(whole);
    if (len < SLICE_SHARED_MIN)
        return ao_binary_copy((beamr_bytes){data, len});
    if (b->release == release_whole) /* a slice itself */
        b = b->user;
    object_ref(&b->object);
    return ao_binary_adopt(data, len, release_whole, b);
}

beamr_bytes ao_bytes(ao_value value)
{
    if (value.kind != AO_BINARY)
        return (beamr_bytes){NULL, 0};
    return (beamr_bytes){value.of.binary->data, value.of.binary->len};
}

/* ---- Atoms ---- */

ao_value ao_atom_of(beamr_bytes text)
{
    const ao_name *name = name_of(text);

    if (!name)
        return text.len > AO_NAME_MAX ? VALUE_NONE(REASON_TOO_LONG) : AO_NO_VALUE;
    return (ao_value){.kind = AO_ATOM, .of.atom = name};
}

ao_value ao_atom(const char *text)
{
    return ao_atom_of(beamr_bytes_of(text));
}

ao_value ao_boolean(bool is_true)
{
    return ao_atom(is_true ? "true" : "false");
}

bool ao_is_atom(ao_value value, const char *text)
{
    return value.kind == AO_ATOM && text_is(ao_name_text(value.of.atom), text);
}

beamr_bytes ao_text(ao_value value)
{
    return value.kind == AO_ATOM ? ao_name_text(value.of.atom) : ao_bytes(value);
}

bool ao_to_boolean(ao_value value)
{
    return ao_is_atom(value, "true") ||
           (value.kind == AO_BINARY &&
            (text_is(ao_bytes(value), "true") || text_is(ao_bytes(value), "1")));
}

/* ---- Lists ---- */

static void destroy_list(ao_object *object)
{
    ao_list *list = (ao_list *)object;

    for (size_t i = 0; i < list->count; i++)
        ao_value_unref(list->items[i]);
    free(list);
}

/* The list's size into `size`; false, and why, when there can be no such list. */
static bool measure_list(const ao_value *items, size_t count, value_size *size, ao_value *why)
{
    *size = (value_size){count, 0, 0};
    *why = AO_NO_VALUE;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind == AO_NONE) {
            *why = items[i];
            return false;
        }
        value_size_add(size, value_size_of(items[i]));
    }
    if (nest(size))
        return true;
    *why = VALUE_NONE(REASON_TOO_DEEP);
    return false;
}

ao_value ao_list_new(BEAMR_OWN const ao_value *items, size_t count)
{
    ao_list *list = NULL;
    value_size size;
    ao_value why;

    if (measure_list(items, count, &size, &why) && count <= SIZE_MAX / 2 / sizeof *items)
        list = malloc(sizeof *list + count * sizeof *items);
    if (!list) {
        for (size_t i = 0; i < count; i++)
            ao_value_unref(items[i]);
        return why;
    }
    object_init(&list->object, destroy_list);
    list->count = count;
    list->size = size;
    if (count > 0)
        memcpy(list->items, items, count * sizeof *items);
    return (ao_value){.kind = AO_LIST, .of.list = list};
}

size_t ao_list_count(ao_value list)
{
    return list.kind == AO_LIST ? list.of.list->count : 0;
}

ao_value ao_list_at(ao_value list, size_t index)
{
    return index < ao_list_count(list) ? list.of.list->items[index] : AO_NO_VALUE;
}

/* ---- Messages as values ---- */

ao_value ao_message_value(BEAMR_OWN ao_message *message)
{
    return message ? (ao_value){.kind = AO_MESSAGE, .of.message = message} : AO_NO_VALUE;
}

ao_message *ao_to_message(ao_value value)
{
    return value.kind == AO_MESSAGE ? value.of.message : NULL;
}

/* ---- Forms ---- */

static void destroy_form(ao_object *object)
{
    ao_form *form = (ao_form *)object;

    ao_value_unref(form->device);
    ao_value_unref(form->inner);
    free(form);
}

/* Takes both over.
 *   device  AO_NO_VALUE for AO_RESOLVE */
static ao_value new_form(ao_kind kind, ao_value device, ao_value inner)
{
    value_size size = value_size_of(device);
    ao_value why = AO_NO_VALUE;
    ao_form *form = NULL;

    value_size_add(&size, value_size_of(inner));
    if (inner.kind == AO_NONE)
        why = inner;
    else if (kind == AO_AS && device.kind == AO_NONE)
        why = device;
    else if (!nest(&size))
        why = VALUE_NONE(REASON_TOO_DEEP);
    else
        form = malloc(sizeof *form);
    if (!form) {
        ao_value_unref(device);
        ao_value_unref(inner);
        return why;
    }
    object_init(&form->object, destroy_form);
    form->device = device;
    form->inner = inner;
    form->size = size;
    return (ao_value){.kind = kind, .of.form = form};
}

ao_value ao_as(BEAMR_OWN ao_value device, BEAMR_OWN ao_value inner)
{
    return new_form(AO_AS, device, inner);
}

ao_value ao_as_device(ao_value as)
{
    return as.kind == AO_AS ? as.of.form->device : AO_NO_VALUE;
}

ao_value ao_as_inner(ao_value as)
{
    return as.kind == AO_AS ? as.of.form->inner : AO_NO_VALUE;
}

ao_value ao_resolve_form(BEAMR_OWN ao_value list)
{
    return new_form(AO_RESOLVE, AO_NO_VALUE, list);
}

ao_value ao_resolve_list(ao_value form)
{
    return form.kind == AO_RESOLVE ? form.of.form->inner : AO_NO_VALUE;
}

/* ---- Natives ---- */

static void destroy_native(ao_object *object)
{
    ao_native *native = (ao_native *)object;

    if (native->release)
        native->release(native->pointer);
    free(native);
}

ao_value ao_native_new(void *pointer, void (*release)(void *pointer))
{
    ao_native *native = malloc(sizeof *native);

    if (!native) {
        if (release)
            release(pointer);
        return AO_NO_VALUE;
    }
    object_init(&native->object, destroy_native);
    native->pointer = pointer;
    native->release = release;
    return (ao_value){.kind = AO_NATIVE, .of.native = native};
}

void *ao_to_native(ao_value value)
{
    return value.kind == AO_NATIVE ? value.of.native->pointer : NULL;
}
