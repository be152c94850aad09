/* Annotated messages to items.
 * An item is planned first, with the items of its members, so that its size is known, and then
 * written into one piece of memory, members first: their ids are hashes over what was written.
 * A short text becomes a tag; whatever else is a member of a bundle, but for the fields of
 * items. What would be read back as something else is refused. Recursive to the depth that
 * messages have. Source: AO-Core codecs, "TABM to item", "Bundles". */
#include "base/utf8.h"
#include "codec/ans104.h"
#include "codec/field.h"
#include "codec/structured.h"
#include "crypto/base64.h"

#define TEXT(literal)                                                                          \
    {                                                                                          \
        (const uint8_t *)(literal), sizeof(literal) - 1                                        \
    }

static const ans104_tag bundle_tags[] = {
    {TEXT("bundle-format"), TEXT("binary")},
    {TEXT("bundle-version"), TEXT("2.0.0")},
};
enum { BUNDLE_TAGS = 2 }; /* in front of the others */
static const beamr_bytes bundle_map = TEXT("bundle-map");

static ans104_tag manifest_tags[] = {
    {TEXT("data-protocol"), TEXT("bundle-map")},
    {TEXT("variant"), TEXT("0.0.1")},
};
static ans104_tag binary_tags[] = {{TEXT("ao-type"), TEXT("binary")}};

typedef struct planner {
    arena *a;
    const codec_node *node;
    const codec_node *covered; /* keys of the tags that are kept as they were; NULL: none */
    ans104_plan *plan;
    const codec_entry *data;
    beamr_bytes hashpath; /* of the commitment; none if there is none */
    bool is_signed, is_nested;
    beamr_error *err;
} planner;

static beamr_status fail_key(const planner *p, beamr_bytes key, const char *why)
{
    char show[CODEC_SHOW_SIZE];

    return beamr_fail(p->err, BEAMR_ENCODING, 0, "ans104: key `%s`: %s",
                      codec_show_key(key, show), why);
}

/* ---- Fields ---- */

/* A typed text of 43 characters is no id. */
static beamr_status check_untyped(const planner *p, beamr_bytes key)
{
    const codec_entry *types = codec_node_find(p->node, CODEC_TYPES);
    field_dictionary dictionary;

    if (!types || types->kind != CODEC_BYTES)
        return BEAMR_OK;
    BEAMR_TRY(field_read_dictionary(p->a, types->bytes, FIELD_LENIENT, &dictionary, p->err));
    if (!field_dictionary_find(&dictionary, key))
        return BEAMR_OK;
    return fail_key(p, key, "a typed value of 43 characters does not come back from an item");
}

/* 32 bytes, or the text of 32 bytes. */
static beamr_status plan_id(const planner *p, const codec_entry *entry, beamr_bytes *out)
{
    uint8_t *id;

    if (entry->kind != CODEC_BYTES)
        return fail_key(p, entry->key, "an item has room for 32 bytes here");
    *out = entry->bytes;
    if (out->len == 0 || out->len == ANS104_ID_SIZE)
        return BEAMR_OK;
    if (!(id = arena_alloc(p->a, ANS104_ID_SIZE, 1)))
        return codec_fail_full(p->a, p->err);
    if (!crypto_id_bytes(*out, id))
        return fail_key(p, entry->key,
                        "neither 32 bytes nor the 43 characters that stand for them");
    *out = (beamr_bytes){id, ANS104_ID_SIZE};
    return check_untyped(p, entry->key);
}

static beamr_status plan_owner(const planner *p, const codec_entry *entry)
{
    if (entry->kind != CODEC_BYTES || entry->bytes.len != ANS104_KEY_SIZE)
        return fail_key(p, entry->key, "an item has room for 512 bytes here");
    if (p->is_signed)
        return fail_key(p, entry->key, "it is that of the commitment");
    if (!ans104_is_zero(entry->bytes))
        p->plan->item.owner = entry->bytes;
    return BEAMR_OK;
}

/* A field that says nothing when it is zero, and which an item has no room for otherwise. */
static beamr_status plan_zero(const planner *p, const codec_entry *entry, size_t len)
{
    if (entry->kind == CODEC_BYTES && entry->bytes.len == len && ans104_is_zero(entry->bytes))
        return BEAMR_OK;
    return fail_key(p, entry->key, "an item has a field of this name that is no key");
}

/* A key that stands for a field of the item.
 *   is_field  false: it does not */
static beamr_status plan_field(planner *p, const codec_entry *entry, bool *is_field)
{
    beamr_bytes key = entry->key;

    *is_field = true;
    if (text_is(key, "commitments"))
        return BEAMR_OK;
    if (text_is(key, "target"))
        return plan_id(p, entry, &p->plan->item.target);
    if (text_is(key, "last_tx"))
        return plan_id(p, entry, &p->plan->item.anchor);
    if (text_is(key, "data")) {
        p->data = entry;
        return BEAMR_OK;
    }
    if (p->covered && codec_node_find_key(p->covered, key)) /* by tags, which stay */
        return BEAMR_OK;
    if (text_is(key, "owner"))
        return plan_owner(p, entry);
    if (text_is(key, "id"))
        return plan_zero(p, entry, ANS104_ID_SIZE);
    if (text_is(key, "signature"))
        return plan_zero(p, entry, ANS104_KEY_SIZE);
    if (text_is(key, "format") || text_is(key, "tags"))
        return plan_zero(p, entry, SIZE_MAX);
    *is_field = false;
    return BEAMR_OK;
}

/* ---- Tags and members ---- */

static beamr_status plan_binary(arena *a, beamr_bytes bytes, ans104_plan **out,
                                beamr_error *err);

static beamr_status plan_member(planner *p, const codec_entry *entry)
{
    ans104_member *member = &p->plan->members[p->plan->member_count++];

    member->key = entry->key;
    if (!utf8_is_valid(entry->key))
        return fail_key(p, entry->key,
                        "in an item it names a member of a bundle, which must be UTF-8");
    if (entry->kind == CODEC_NODE)
        return ans104_plan_node(p->a, entry->node, NULL, true, &member->plan, p->err);
    if (entry->kind == CODEC_BYTES)
        return plan_binary(p->a, entry->bytes, &member->plan, p->err);
    return fail_key(p, entry->key, "a value that has no annotation");
}

static beamr_status plan_tag(planner *p, const codec_entry *entry)
{
    ans104_tags *tags = &p->plan->item.tags;

    if (entry->key.len > ANS104_TAG_BYTES)
        return fail_key(p, entry->key, "longer than the 3072 bytes that a tag may have");
    if (p->is_nested && text_is(entry->key, "ao-type") && text_is(entry->bytes, "binary"))
        return fail_key(p, entry->key, "in a nested message it would make a binary of it");
    if (p->is_signed && text_is(entry->key, "hashpath") &&
        entry->bytes.data != p->hashpath.data)
        return fail_key(p, entry->key, "in a signed item it is that of the commitment");
    tags->items[tags->count++] = (ans104_tag){entry->key, entry->bytes};
    return BEAMR_OK;
}

static bool is_short_text(const codec_entry *entry)
{
    return entry->kind == CODEC_BYTES && entry->bytes.len <= ANS104_VALUE_BYTES &&
           utf8_is_valid(entry->bytes);
}

static beamr_status plan_entry(planner *p, const codec_entry *entry)
{
    bool is_done;

    BEAMR_TRY(plan_field(p, entry, &is_done));
    if (is_done)
        return BEAMR_OK;
    if (!p->covered)
        return is_short_text(entry) ? plan_tag(p, entry) : plan_member(p, entry);
    /* A note of types that is neither tag nor member is another way to say what tags mean. */
    if (text_is(entry->key, CODEC_TYPES) && (!p->plan->is_bundle || is_short_text(entry)))
        return BEAMR_OK;
    if (p->plan->is_bundle)
        return plan_member(p, entry);
    return fail_key(p, entry->key, "the original tags of its commitment do not have it");
}

/* ---- Tags that are kept as they were ---- */

static beamr_status fail_tags(const planner *p)
{
    return beamr_fail(p->err, BEAMR_ENCODING, 0,
                      "ans104: the original tags of the commitment do not give the message's "
                      "keys");
}

/* Copy them, since the id of a manifest may have to be written into one. */
static beamr_status keep_tags(planner *p, const ans104_tags *tags)
{
    ans104_tag *items = ARENA_NEW(p->a, ans104_tag, tags->count);

    if (!items)
        return codec_fail_full(p->a, p->err);
    for (size_t i = 0; i < tags->count; i++)
        items[i] = tags->items[i];
    p->plan->item.tags = (ans104_tags){items, tags->count};
    p->plan->is_bundle = ans104_is_map(tags, NULL);
    return BEAMR_OK;
}

static beamr_status cover_tags(planner *p, const ans104_commitment *c)
{
    codec_node *covered = codec_node_new(p->a);
    beamr_bytes hashpath = {NULL, 0};
    bool agrees;

    if (!covered)
        return codec_fail_full(p->a, p->err);
    BEAMR_TRY(
        ans104_collapse(p->a, &c->tags, c->is_signed, AO_NO_VALUE, covered, &hashpath, p->err));
    if (!text_equal(hashpath, c->hashpath))
        return fail_tags(p);
    p->covered = covered;
    BEAMR_TRY(ans104_tags_agree(p->a, p->node, covered, ans104_is_map(&c->tags, NULL), &agrees,
                                p->err));
    return agrees ? keep_tags(p, &c->tags) : fail_tags(p);
}

/* ---- Bundles ---- */

/* Add the tags of a bundle; `items` has room for two in front of its tags and one behind. */
static beamr_status add_bundle_tags(planner *p)
{
    ans104_tags *tags = &p->plan->item.tags;

    for (size_t i = 0; i < tags->count; i++)
        if (ans104_is_map_tag(tags->items[i].name))
            return fail_key(p, tags->items[i].name,
                            "an item with members has a tag of this name of its own");
    tags->items -= BUNDLE_TAGS;
    memcpy(tags->items, bundle_tags, sizeof bundle_tags);
    tags->count += BUNDLE_TAGS;
    tags->items[tags->count++].name = bundle_map;
    return BEAMR_OK;
}

/* Where the tag is that leads to the manifest, put room for its id. */
static beamr_status place_map_id(planner *p)
{
    ans104_tags *tags = &p->plan->item.tags;

    if (!(p->plan->map_id = arena_alloc(p->a, AO_ID_TEXT + 1, 1)))
        return codec_fail_full(p->a, p->err);
    for (size_t i = tags->count; i-- > 0;)
        if (ans104_is_map_id(tags->items[i].name)) {
            tags->items[i].value = (beamr_bytes){p->plan->map_id, AO_ID_TEXT};
            break;
        }
    return BEAMR_OK;
}

static size_t manifest_avro_size(void)
{
    const ans104_tags tags = {manifest_tags, sizeof manifest_tags / sizeof *manifest_tags};

    return ans104_tags_size(&tags);
}

static beamr_status plan_bundle(planner *p)
{
    ans104_plan *plan = p->plan;

    if (!p->covered)
        BEAMR_TRY(add_bundle_tags(p));
    BEAMR_TRY(place_map_id(p));
    if (!(plan->ids = arena_alloc(p->a, plan->member_count, sizeof *plan->ids)))
        return codec_fail_full(p->a, p->err);
    plan->manifest_size = ANS104_HEADER_SIZE + manifest_avro_size() +
                          ans104_manifest_size(plan->members, plan->member_count);
    plan->data_size = 32 + ANS104_ENTRY_SIZE * (plan->member_count + 1) + plan->manifest_size;
    for (size_t i = 0; i < plan->member_count; i++)
        plan->data_size += plan->members[i].plan->size;
    return BEAMR_OK;
}

/* ---- Items ---- */

static void finish_size(ans104_plan *plan)
{
    plan->avro_size = ans104_tags_size(&plan->item.tags);
    plan->size = ans104_header_size(&plan->item, plan->avro_size) + plan->data_size;
}

/* An item of bytes. */
static beamr_status plan_binary(arena *a, beamr_bytes bytes, ans104_plan **out,
                                beamr_error *err)
{
    ans104_plan *plan = ARENA_NEW(a, ans104_plan, 1);

    if (!plan)
        return codec_fail_full(a, err);
    plan->item.tags = (ans104_tags){binary_tags, 1};
    plan->item.data = bytes;
    plan->data_size = bytes.len;
    finish_size(plan);
    *out = plan;
    return BEAMR_OK;
}

/* The data, which is a member when there are others. */
static beamr_status plan_data(planner *p)
{
    ans104_plan *plan = p->plan;

    if (p->data && (p->data->kind != CODEC_BYTES || plan->is_bundle || plan->member_count)) {
        if (p->covered && !plan->is_bundle)
            return fail_tags(p);
        BEAMR_TRY(plan_member(p, p->data));
    } else if (p->data) {
        plan->item.data = p->data->bytes;
        plan->data_size = plan->item.data.len;
    }
    if (!p->covered && !plan->member_count && ans104_is_map(&plan->item.tags, NULL))
        return fail_key(p, bundle_map, "it would make a bundle of the item");
    plan->is_bundle |= plan->member_count > 0;
    return plan->is_bundle ? plan_bundle(p) : BEAMR_OK;
}

/* Members are written in the order of their keys; the data was added last. */
static void order_members(ans104_plan *plan, const codec_entry *data)
{
    ans104_member last;
    size_t i = plan->member_count;

    if (i < 2 || !data || !text_equal(plan->members[i - 1].key, data->key))
        return;
    last = plan->members[--i];
    for (; i > 0 && codec_key_compare(plan->members[i - 1].key, last.key) > 0; i--)
        plan->members[i] = plan->members[i - 1];
    plan->members[i] = last;
}

static beamr_status begin_plan(planner *p, const ans104_commitment *c)
{
    ans104_plan *plan = p->plan = ARENA_NEW(p->a, ans104_plan, 1);
    size_t count = p->node->count;
    ans104_tag *tags = ARENA_NEW(p->a, ans104_tag, count + BUNDLE_TAGS + 1);

    if (!plan || !tags || !(plan->members = ARENA_NEW(p->a, ans104_member, count)))
        return codec_fail_full(p->a, p->err);
    plan->item.tags.items = tags + BUNDLE_TAGS;
    plan->item.signature = c->signature;
    plan->item.owner = c->owner;
    return c->has_tags ? cover_tags(p, c) : BEAMR_OK;
}

/* The message with the commitment's hashpath as a key, which becomes a tag like others. */
static beamr_status with_hashpath(planner *p)
{
    codec_node *node = codec_node_new(p->a);
    codec_entry *entry;

    if (codec_node_find(p->node, "hashpath"))
        return fail_key(p, beamr_bytes_of("hashpath"), "its commitment has one too");
    if (!node || !codec_node_reserve(p->a, node, p->node->count + 1))
        return codec_fail_full(p->a, p->err);
    if (p->node->count)
        memcpy(node->entries, p->node->entries, p->node->count * sizeof *node->entries);
    node->count = p->node->count;
    if (!(entry = codec_node_insert(p->a, node, beamr_bytes_of("hashpath"))))
        return codec_fail_full(p->a, p->err);
    entry->bytes = p->hashpath;
    p->node = node;
    return BEAMR_OK;
}

beamr_status ans104_plan_node(arena *a, const codec_node *node,
                              const ans104_commitment *commitment, bool is_nested,
                              ans104_plan **out, beamr_error *err)
{
    ans104_commitment own = {0};
    planner p = {.a = a, .node = node, .is_nested = is_nested, .err = err};

    if (!commitment)
        BEAMR_TRY(ans104_commitment_of(a, node, &own, err));
    else
        own = *commitment;
    p.is_signed = own.is_signed;
    p.hashpath = own.hashpath;
    if (own.hashpath.len && !own.has_tags)
        BEAMR_TRY(with_hashpath(&p));
    BEAMR_TRY(begin_plan(&p, &own));
    for (size_t i = 0; i < p.node->count; i++)
        BEAMR_TRY(plan_entry(&p, &p.node->entries[i]));
    BEAMR_TRY(plan_data(&p));
    order_members(p.plan, p.data);
    finish_size(p.plan);
    *out = p.plan;
    return BEAMR_OK;
}

/* ---- Writing ---- */

static beamr_status write_item(ans104_plan *plan, uint8_t *out, uint8_t *id, beamr_error *err);

static void write_wide(uint64_t number, uint8_t out[32])
{
    memset(out, 0, 32);
    for (unsigned i = 0; i < 8; i++)
        out[31 - i] = (uint8_t)(number >> 8 * i);
}

static uint8_t *write_entry(uint8_t *entry, size_t size, const uint8_t id[ANS104_ID_SIZE])
{
    write_wide(size, entry);
    memcpy(entry + 32, id, ANS104_ID_SIZE);
    return entry + ANS104_ENTRY_SIZE;
}

static beamr_status write_manifest(const ans104_plan *plan, uint8_t *out,
                                   uint8_t id[ANS104_ID_SIZE], beamr_error *err)
{
    ans104_item item = {.tags = {manifest_tags, sizeof manifest_tags / sizeof *manifest_tags}};
    size_t header = ANS104_HEADER_SIZE + manifest_avro_size();

    ans104_header_write(&item, manifest_avro_size(), out);
    ans104_manifest_write(plan->members, plan->member_count,
                          (const uint8_t(*)[ANS104_ID_SIZE])plan->ids, out + header);
    item.data = (beamr_bytes){out + header, plan->manifest_size - header};
    return ans104_unsigned_id(&item, id, err);
}

static beamr_status write_bundle(ans104_plan *plan, uint8_t *out, beamr_error *err)
{
    uint8_t *entry = out + 32, *next;
    uint8_t id[ANS104_ID_SIZE];
    char text[AO_ID_TEXT + 1];

    write_wide(plan->member_count + 1, out);
    next = entry + ANS104_ENTRY_SIZE * (plan->member_count + 1) + plan->manifest_size;
    for (size_t i = 0; i < plan->member_count; i++) {
        BEAMR_TRY(write_item(plan->members[i].plan, next, plan->ids[i], err));
        next += plan->members[i].plan->size;
    }
    BEAMR_TRY(
        write_manifest(plan, entry + ANS104_ENTRY_SIZE * (plan->member_count + 1), id, err));
    entry = write_entry(entry, plan->manifest_size, id);
    for (size_t i = 0; i < plan->member_count; i++)
        entry = write_entry(entry, plan->members[i].plan->size, plan->ids[i]);
    crypto_id_text(id, text);
    memcpy(plan->map_id, text, AO_ID_TEXT);
    return BEAMR_OK;
}

static beamr_status write_item(ans104_plan *plan, uint8_t *out, uint8_t *id, beamr_error *err)
{
    uint8_t *data = out + plan->size - plan->data_size;

    if (plan->is_bundle)
        BEAMR_TRY(write_bundle(plan, data, err));
    else if (plan->data_size)
        memcpy(data, plan->item.data.data, plan->data_size);
    plan->item.data = (beamr_bytes){data, plan->data_size};
    ans104_header_write(&plan->item, plan->avro_size, out); /* the manifest's id is a tag */
    return id ? ans104_unsigned_id(&plan->item, id, err) : BEAMR_OK;
}

beamr_status ans104_plan_write(ans104_plan *plan, uint8_t *out, beamr_error *err)
{
    return write_item(plan, out, NULL, err);
}
