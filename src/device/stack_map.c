/* The devices of a stack apart from a fold: what it is to activate one (stack.h), the mode Map,
 * and `transform`.
 *
 * Map resolves the request with each device of `device-stack` active, on the base each time,
 * and answers ok with a message of what they answered with ok, under the keys of the stack;
 * other answers are dropped. Those numbered 1, 2, ... come first and in this order.
 *
 * stack-transform@1.0 is the device that `transform` gives the base: its key N is the base with
 * device N of the stack active, or error not_found; `set` and `keys` are those of message@1.0.
 * Source: AO-Core devices, "stack@1.0": "Transform", "Map". */
#include "ao/key.h"
#include "device/devices.h"
#include "device/stack.h"

const stack_prefix stack_prefixes[STACK_PREFIXES] = {
    [STACK_INPUT] = {"input-prefix", "input-prefixes", "previous-input-prefix"},
    [STACK_OUTPUT] = {"output-prefix", "output-prefixes", "previous-output-prefix"},
};

/* ---- Entries ---- */

static beamr_status load_key(const ao_message *message, ao_value key, ao_value *out,
                             beamr_error *err)
{
    char buffer[AO_INTEGER_TEXT_SIZE];

    return ao_message_get(message,
                          key.kind == AO_INTEGER ? ao_integer_text(key, buffer) : ao_text(key),
                          out, err);
}

/* An item of a list or a message; AO_NONE when it has none. */
static beamr_status item_at(ao_value items, ao_value key, ao_value *out, beamr_error *err)
{
    *out = AO_NO_VALUE;
    if (items.kind == AO_MESSAGE)
        return load_key(ao_to_message(items), key, out, err);
    if (items.kind == AO_LIST && key.kind == AO_INTEGER && key.of.integer > 0)
        return ao_value_load(ao_list_at(items, (size_t)key.of.integer - 1), out, err);
    return BEAMR_OK;
}

beamr_status stack_entry_at(const ao_message *state, ao_value key, stack_entry *out,
                            beamr_error *err)
{
    ao_value items;
    beamr_status st = message_load_key(state, "device-stack", &items, err);

    if (st != BEAMR_OK)
        return st;
    if (items.kind != AO_LIST && items.kind != AO_MESSAGE)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "no_valid_device_stack: a state has no `device-stack` that is a list "
                          "or a message; where devices answer with anything else than the "
                          "state, mode=Map asks each one for its own answer");
    if ((st = item_at(items, key, &out->device, err)) != BEAMR_OK)
        return st;
    for (int i = 0; i < STACK_PREFIXES && st == BEAMR_OK; i++) {
        st = message_load_key(state, stack_prefixes[i].list, &items, err);
        if (st == BEAMR_OK)
            st = item_at(items, key, &out->prefix[i], err);
    }
    return st;
}

beamr_status stack_before_of(const ao_message *base, stack_before *out, beamr_error *err)
{
    stack_before b = {.pass = AO_NO_VALUE};
    beamr_status st = ao_message_get(base, beamr_bytes_of("device"), &b.device, err);

    if (st == BEAMR_OK)
        st = ao_message_get(base, beamr_bytes_of("pass"), &b.pass, err);
    for (int i = 0; i < STACK_PREFIXES && st == BEAMR_OK; i++)
        st = ao_message_get(base, beamr_bytes_of(stack_prefixes[i].key), &b.prefix[i], err);
    if (st != BEAMR_OK)
        return st;
    (void)ao_value_ref(b.device);
    (void)ao_value_ref(b.pass);
    for (int i = 0; i < STACK_PREFIXES; i++)
        (void)ao_value_ref(b.prefix[i]);
    *out = b;
    return BEAMR_OK;
}

void stack_before_clear(stack_before *before)
{
    ao_value_unref(before->device);
    ao_value_unref(before->pass);
    for (int i = 0; i < STACK_PREFIXES; i++)
        ao_value_unref(before->prefix[i]);
    *before = (stack_before){.pass = AO_NO_VALUE};
}

void stack_put(ao_builder *builder, const char *key, ao_value value)
{
    if (value.kind == AO_NONE)
        ao_builder_remove(builder, beamr_bytes_of(key));
    else
        ao_builder_put(builder, key, ao_value_ref(value));
}

void stack_activate(ao_builder *builder, const stack_entry *entry, ao_value key,
                    const ao_value prefix[STACK_PREFIXES], const stack_before *before)
{
    ao_builder_put(builder, "device", ao_value_ref(entry->device));
    ao_builder_put(builder, "device-key", ao_value_ref(key));
    for (int i = 0; i < STACK_PREFIXES; i++) {
        if (entry->prefix[i].kind != AO_NONE)
            ao_builder_put(builder, stack_prefixes[i].key, ao_value_ref(entry->prefix[i]));
        else if (prefix)
            stack_put(builder, stack_prefixes[i].key, prefix[i]);
    }
    if (!before)
        return;
    stack_put(builder, "previous-device", before->device);
    for (int i = 0; i < STACK_PREFIXES; i++)
        stack_put(builder, stack_prefixes[i].previous, before->prefix[i]);
}

beamr_status stack_request(ao_call *call, BEAMR_OWN ao_value *out, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    beamr_bytes text = ao_call_key_text(call);
    ao_value path;
    ao_message *made;
    beamr_status st;

    if (!request)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request");
    if (text_equal(ao_text(message_key(request, "path")), text)) {
        *out = ao_message_value(ao_message_ref(request));
        return BEAMR_OK;
    }
    path = ao_binary_copy(text);
    path = ao_list_new(&path, 1); /* one part, whatever it is made of */
    if ((st = ao_message_with(request, "path", path, &made, err)) == BEAMR_OK)
        *out = ao_message_value(made);
    return st;
}

/* ---- Map ---- */

typedef struct map {
    stack_before before;
    ao_value request;
    ao_value prefix[STACK_PREFIXES]; /* of the last device that had one; borrowed, base */
    ao_message *answer;
    ao_value key;     /* of the device that is asked; counted */
    size_t index;     /* of the next one, from 1; 0: no number is left */
    size_t count;     /* how many were numbered 1, 2, ... */
    ao_cursor cursor; /* of the other keys */
    size_t steps;
} map;

static void map_clear(void *memory)
{
    map *m = memory;

    stack_before_clear(&m->before);
    ao_value_unref(m->request);
    ao_message_unref(m->answer);
    ao_value_unref(m->key);
}

static map *map_of(ao_call *call)
{
    return ao_call_memory(call, sizeof(map), map_clear);
}

/* The key is one of those numbered 1, 2, ... that have been asked. */
static bool is_done(const map *m, beamr_bytes key)
{
    int64_t n;

    return key_integer(key, &n) && key.data[0] >= '1' && (uint64_t)n <= m->count;
}

/* The next key of the stack that is no number; AO_NONE at the end. */
static beamr_status next_name(map *m, ao_value items, ao_value *out)
{
    const ao_name *key;

    *out = AO_NO_VALUE;
    while (items.kind == AO_MESSAGE &&
           ao_message_next(ao_to_message(items), &m->cursor, &key, NULL)) {
        if (is_done(m, ao_name_text(key)))
            continue;
        *out = ao_binary_copy(ao_name_text(key));
        return out->kind == AO_NONE ? BEAMR_NO_MEMORY : BEAMR_OK;
    }
    return BEAMR_OK;
}

/* The next device of the stack; `entry->device` is AO_NONE at the end. */
static beamr_status next_entry(map *m, const ao_message *base, stack_entry *entry,
                               beamr_error *err)
{
    ao_value items = message_key(base, "device-stack");
    beamr_status st;

    ao_value_unref(m->key);
    m->key = AO_NO_VALUE;
    if (m->index > 0) {
        m->key = stack_key(m->index);
        st = stack_entry_at(base, m->key, entry, err);
        if (st != BEAMR_OK || entry->device.kind != AO_NONE) {
            m->count = m->index++;
            return st;
        }
        m->index = 0;
    }
    if ((st = ao_value_load(items, &items, err)) != BEAMR_OK)
        return st;
    if ((st = next_name(m, items, &m->key)) != BEAMR_OK)
        return beamr_fail(err, st, 0, "no memory for a key of a stack");
    entry->device = AO_NO_VALUE;
    return m->key.kind == AO_NONE ? BEAMR_OK : stack_entry_at(base, m->key, entry, err);
}

static beamr_status map_next(ao_call *call, beamr_error *err);

static beamr_status map_answered(ao_call *call, beamr_error *err)
{
    map *m = map_of(call);
    const ao_result *result = ao_call_result(call);
    char buffer[AO_INTEGER_TEXT_SIZE];
    beamr_bytes key =
        m->key.kind == AO_INTEGER ? ao_integer_text(m->key, buffer) : ao_bytes(m->key);
    ao_builder builder;
    beamr_status st;

    if (result->outcome == AO_OUTCOME_OK) {
        ao_message *answer = NULL;

        ao_builder_begin(&builder, m->answer, NULL, err);
        ao_builder_put_key(&builder, key, ao_value_ref(result->value));
        if ((st = ao_builder_end(&builder, &answer)) != BEAMR_OK)
            return st;
        ao_message_unref(m->answer);
        m->answer = answer;
    }
    return map_next(call, err);
}

static beamr_status map_next(ao_call *call, beamr_error *err)
{
    map *m = map_of(call);
    const ao_message *base = ao_call_base(call);
    ao_options options;
    ao_builder builder;
    stack_entry entry;
    beamr_status st;

    if ((st = next_entry(m, base, &entry, err)) != BEAMR_OK)
        return st;
    if (entry.device.kind == AO_NONE)
        return ao_call_ok(call, ao_message_value(ao_message_ref(m->answer)));
    if (++m->steps > STACK_STEPS_MAX)
        return ao_call_error(call, 508, "the stack asks more than %d devices", STACK_STEPS_MAX);
    for (int i = 0; i < STACK_PREFIXES; i++)
        if (entry.prefix[i].kind != AO_NONE)
            m->prefix[i] = entry.prefix[i];
    ao_builder_begin(&builder, base, NULL, err);
    stack_activate(&builder, &entry, m->key, m->prefix, &m->before);
    options = dev_inner_options(call);
    return ao_call_resolve(call, ao_builder_value(&builder), ao_value_ref(m->request), &options,
                           map_answered);
}

beamr_status stack_map(ao_call *call, beamr_error *err)
{
    map *m = map_of(call);
    beamr_status st;

    if (!m)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a stack");
    if ((st = stack_before_of(ao_call_base(call), &m->before, err)) != BEAMR_OK)
        return st;
    if ((st = stack_request(call, &m->request, err)) != BEAMR_OK)
        return st;
    for (int i = 0; i < STACK_PREFIXES; i++)
        m->prefix[i] = m->before.prefix[i];
    m->answer = ao_message_empty();
    m->index = 1;
    return map_next(call, err);
}

/* ---- transform ---- */

beamr_status stack_transform(ao_call *call, beamr_error *err)
{
    ao_value device;
    ao_builder builder;
    beamr_status st = dev_base_value(call, "device", &device, err);

    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, ao_call_base(call), NULL, err);
    ao_builder_put(&builder, "device", ao_binary_text(dev_stack_transform.name));
    stack_put(&builder, "previous-device", device);
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* The prefixes that device N has: of the last entry up to N that there is. */
static beamr_status prefixes_at(const ao_message *base, int64_t index, stack_entry *entry,
                                beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    for (int i = 0; i < STACK_PREFIXES && st == BEAMR_OK; i++) {
        ao_value items;
        int64_t n = index;

        st = message_load_key(base, stack_prefixes[i].list, &items, err);
        while (st == BEAMR_OK && items.kind != AO_NONE && n > 1 &&
               entry->prefix[i].kind == AO_NONE)
            st = item_at(items, ao_integer(--n), &entry->prefix[i], err);
    }
    return st;
}

static beamr_status transform_at(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    stack_before before;
    ao_builder builder;
    stack_entry entry;
    int64_t index;
    beamr_status st;

    if (!key_integer(ao_call_key(call), &index) || index < 1 || index > STACK_STEPS_MAX)
        return ao_call_not_found(call);
    if ((st = stack_entry_at(base, ao_integer(index), &entry, err)) != BEAMR_OK)
        return st;
    if (entry.device.kind == AO_NONE)
        return ao_call_not_found(call);
    if ((st = prefixes_at(base, index, &entry, err)) != BEAMR_OK)
        return st;
    if ((st = stack_before_of(base, &before, err)) != BEAMR_OK)
        return st;
    ao_value_unref(before.device); /* that of the stack is noted already */
    before.device = ao_value_ref(message_key(base, "previous-device"));
    ao_builder_begin(&builder, base, NULL, err);
    stack_activate(&builder, &entry, ao_integer(index), NULL, &before);
    stack_before_clear(&before);
    return ao_call_ok(call, ao_builder_value(&builder));
}

static const char *const as_message[] = {"set", "keys", NULL};

const ao_device dev_stack_transform = {
    .name = "stack-transform@1.0", .excludes = as_message, .handler = transform_at};
