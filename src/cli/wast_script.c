/* Runs one file of the suite: modules, actions, and assertions about them.
 * There are two kinds of failure. A text that makes no sense ends the run of its file with a
 * status; a command that comes out otherwise than it should is counted, shown, and the next one
 * follows. The result of a command is an `outcome`, which keeps the engine's error apart from
 * the text's.
 * What is refused because it needs the garbage collector's objects is skipped, and so is all
 * that depends on it; nothing is skipped for another reason. Source: the suite's description of
 * its scripts. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/wast.h"

#define TREE_MAX ((size_t)1 << 30)

typedef enum state {
    PRESENT,
    SKIPPED, /* not there, because it needs the garbage collector's objects */
    FAILED,  /* not there, and counted as a failure already */
} state;

/* A module definition or an instance. */
typedef struct entity {
    state state;
    beamr_module *module;     /* of a definition; owned */
    beamr_instance *instance; /* the store's */
    struct entity *older;     /* all definitions, so that they can be released */
} entity;

/* A name for one, newest first: a later binding hides an earlier one. */
typedef struct binding {
    beamr_bytes name;
    const entity *what;
    struct binding *older;
} binding;

typedef struct script {
    const wast_suite *suite;
    const char *path;
    wast_counts *counts;
    arena arena;   /* the tree, entities and bindings */
    arena scratch; /* of one command */
    beamr_store *store;
    beamr_linker *linker;
    entity *all_definitions;
    const entity *definition; /* the latest; NULL before the first */
    const entity *instance;   /* likewise */
    binding *definitions;
    binding *instances;
    binding *registry;
    beamr_error *err; /* faults of the text */
} script;

/* How a command came out. */
typedef struct outcome {
    bool is_skipped;
    beamr_error err; /* status is BEAMR_OK when it succeeded */
    beamr_value *results;
    size_t result_count;
} outcome;

/* ---- Showing failures ---- */

/* Print a node's source on one line, cut. */
static void print_source(const wast_node *node)
{
    bool was_space = false;
    size_t printed = 0;

    for (size_t i = 0; i < node->text.len && printed < 200; i++) {
        uint8_t c = node->text.data[i];
        bool is_space = c <= ' ';

        if (!is_space || !was_space) {
            (void)putchar(is_space ? ' ' : c);
            printed++;
        }
        was_space = is_space;
    }
    if (printed == 200)
        (void)fputs("...", stdout);
}

static void print_sources(const wast_node *first)
{
    if (!first)
        (void)fputs("no result", stdout);
    for (const wast_node *node = first; node; node = node->next) {
        if (node != first)
            (void)putchar(' ');
        print_source(node);
    }
}

static void print_outcome(const outcome *o)
{
    char buf[WAST_VALUE_TEXT_SIZE];

    if (o->err.status != BEAMR_OK)
        (void)printf("%s: %s", beamr_status_text(o->err.status), o->err.text);
    else if (o->result_count == 0)
        (void)fputs("no result", stdout);
    for (size_t i = 0; o->err.status == BEAMR_OK && i < o->result_count; i++)
        (void)printf("%s%s", i ? " " : "", wast_value_text(&o->results[i], buf, sizeof buf));
}

/* Count a failure, and begin a line about it.  Returns whether the caller is to end the line.
 */
static bool failure(script *s, const wast_node *command)
{
    const wast_node *head = wast_head(command);

    s->counts->failed++;
    if (!s->suite->is_verbose)
        return false;
    (void)printf("%s:%" PRIu32 ": %.*s: ", s->path, command->line, (int)head->text.len,
                 (const char *)head->text.data);
    return true;
}

/* Count a module, registration or bare action that failed. */
static void failure_plain(script *s, const wast_node *command, const outcome *o)
{
    if (!failure(s, command))
        return;
    (void)fputs("expected success, came ", stdout);
    print_outcome(o);
    (void)putchar('\n');
}

/* ---- Names ---- */

static beamr_status no_memory(script *s)
{
    return beamr_fail(s->err, BEAMR_NO_MEMORY, 0, "no memory to run %s", s->path);
}

static const binding *binding_find(const binding *b, beamr_bytes name)
{
    while (b && (b->name.len != name.len || memcmp(b->name.data, name.data, name.len) != 0))
        b = b->older;
    return b;
}

static beamr_status binding_add(script *s, binding **list, beamr_bytes name, const entity *what)
{
    binding *b = ARENA_NEW(&s->arena, binding, 1);

    if (!b)
        return no_memory(s);
    *b = (binding){name, what, *list};
    *list = b;
    return BEAMR_OK;
}

/* Take a "$name" if one stands here.  Returns it, and moves on; or NULL. */
static const wast_node *take_name(const wast_node **at)
{
    const wast_node *node = *at;

    if (!node || node->kind != WAST_ATOM || node->text.data[0] != '$')
        return NULL;
    *at = node->next;
    return node;
}

/* What a name stands for, or `latest` without one; NULL when there is no such thing. */
static const entity *entity_find(const binding *list, const wast_node *name,
                                 const entity *latest)
{
    const binding *b;

    if (!name)
        return latest;
    b = binding_find(list, name->text);
    return b ? b->what : NULL;
}

/* The thing can be used; otherwise the outcome says why not. */
static bool entity_check(const entity *what, const wast_node *name, const char *kind,
                         outcome *o)
{
    if (!what) {
        (void)beamr_fail(&o->err, BEAMR_NOT_FOUND, 0, "there is no %s %.*s", kind,
                         name ? (int)name->text.len : 0,
                         name ? (const char *)name->text.data : "");
        return false;
    }
    if (what->state == FAILED)
        (void)beamr_fail(&o->err, BEAMR_NOT_FOUND, 0, "the %s was not made", kind);
    o->is_skipped = what->state == SKIPPED;
    return what->state == PRESENT;
}

/* ---- Modules ---- */

/* The refusal names the feature `gc`, as those of the engine do. */
static bool is_gc_refusal(const beamr_error *err)
{
    static const char name[] = "feature gc";
    const char *at = strstr(err->text, name);
    char behind = at ? at[sizeof name - 1] : 'x';

    return err->status == BEAMR_UNSUPPORTED && at && !isalnum((unsigned char)behind) &&
           behind != '-';
}

/* Compare a module's refusal, or that it was not refused, with the list. */
static void check_list(script *s, const wast_node *module, bool is_refused,
                       const beamr_error *err)
{
    const wast_suite *suite = s->suite;
    const char *name = cli_basename(s->path);
    wast_listed *entry = suite->list ? wast_list_find(suite->list, name, module->line) : NULL;

    if (is_refused && suite->refused)
        (void)fprintf(suite->refused, "%s:%" PRIu32 "\n", name, module->line);
    if (entry)
        entry->is_seen = true;
    if (!suite->list || is_refused == (entry != NULL) || !failure(s, module))
        return;
    if (is_refused)
        (void)printf("not listed as unsupported, but refused: %s\n", err->text);
    else
        (void)printf("listed as unsupported, but not refused for that\n");
}

/* Put the strings of a "binary" together. */
static beamr_status module_bytes(script *s, const wast_node *string, beamr_bytes *out)
{
    uint8_t *bytes;
    size_t len = 0;

    for (const wast_node *node = string; node; node = node->next) {
        if (node->kind != WAST_STRING)
            return WAST_FAIL(s->err, node, "a string expected");
        len += node->text.len;
    }
    if (!(bytes = arena_alloc(&s->scratch, len, 1)))
        return no_memory(s);
    *out = (beamr_bytes){bytes, len};
    for (const wast_node *node = string; node; node = node->next) {
        if (node->text.len)
            memcpy(bytes, node->text.data, node->text.len);
        bytes += node->text.len;
    }
    return BEAMR_OK;
}

/* Count what is native. A module that was to be compiled, and could not be, has failed. */
static bool check_native(const script *s, const beamr_module *module, beamr_error *err)
{
    wast_counts *counts = s->counts;

    for (size_t i = 0; i < beamr_module_import_count(module); i++)
        counts->functions -= beamr_module_import(module, i).type.kind == BEAMR_EXTERN_FUNC;
    counts->functions += beamr_module_func_count(module);
    counts->compiled += beamr_module_native_count(module);
    return beamr_module_native_failure(module, err) == BEAMR_OK;
}

/* Load `binary "..."...`, which `at` points at. */
static beamr_status define(script *s, const wast_node *module, const wast_node *at,
                           const entity **out, outcome *o)
{
    entity *definition = ARENA_NEW(&s->arena, entity, 1);
    beamr_bytes bytes;

    if (!definition)
        return no_memory(s);
    if (!wast_is(at, "binary"))
        return WAST_FAIL(s->err, at ? at : module, "'binary' expected");
    BEAMR_TRY(module_bytes(s, at->next, &bytes));
    definition->state = PRESENT;
    if (beamr_module_load(s->suite->engine, bytes, &definition->module, &o->err) != BEAMR_OK) {
        o->is_skipped = is_gc_refusal(&o->err);
        definition->state = o->is_skipped ? SKIPPED : FAILED;
    } else if (!check_native(s, definition->module, &o->err)) {
        definition->state = FAILED;
    }
    definition->older = s->all_definitions;
    s->all_definitions = definition;
    check_list(s, module, o->is_skipped, &o->err);
    *out = definition;
    return BEAMR_OK;
}

/* An import comes from an instance that is not there because it was skipped. */
static bool imports_skipped(const script *s, const beamr_module *module)
{
    size_t count = beamr_module_import_count(module);

    for (size_t i = 0; i < count; i++) {
        const binding *b = binding_find(s->registry, beamr_module_import(module, i).module);

        if (b && b->what->state == SKIPPED)
            return true;
    }
    return false;
}

static beamr_status instantiate(script *s, const entity *definition, const wast_node *name,
                                const entity **out, outcome *o)
{
    entity *instance = ARENA_NEW(&s->arena, entity, 1);

    if (!instance)
        return no_memory(s);
    *out = instance;
    instance->state = FAILED;
    if (!entity_check(definition, name, "module", o)) {
        instance->state = o->is_skipped ? SKIPPED : FAILED;
    } else if (imports_skipped(s, definition->module)) {
        o->is_skipped = true;
        instance->state = SKIPPED;
    } else if (beamr_linker_instantiate(s->linker, definition->module, &instance->instance,
                                        &o->err) == BEAMR_OK) {
        instance->state = PRESENT;
    }
    return BEAMR_OK;
}

static beamr_status bind_definition(script *s, const wast_node *name, const entity *definition)
{
    s->definition = definition;
    return name ? binding_add(s, &s->definitions, name->text, definition) : BEAMR_OK;
}

static beamr_status bind_instance(script *s, const wast_node *name, const entity *instance)
{
    s->instance = instance;
    return name ? binding_add(s, &s->instances, name->text, instance) : BEAMR_OK;
}

/* `(module instance [$instance [$definition]])`, from behind "instance". */
static beamr_status do_instance(script *s, const wast_node *at, bool is_bound, outcome *o)
{
    const wast_node *name = take_name(&at);
    const wast_node *of = take_name(&at);
    const entity *instance;

    if (at)
        return WAST_FAIL(s->err, at, "')' expected");
    BEAMR_TRY(instantiate(s, entity_find(s->definitions, of, s->definition), of, &instance, o));
    return is_bound ? bind_instance(s, name, instance) : BEAMR_OK;
}

/* Any of the three forms of a module.
 *   is_bound  it is remembered under its name and as the latest; inside of assertions it isn't
 */
static beamr_status do_module(script *s, const wast_node *module, bool is_bound, outcome *o)
{
    const wast_node *at = module->first->next, *name;
    const entity *definition = NULL, *instance;
    bool is_definition = wast_is(at, "definition");

    if (wast_is(at, "instance"))
        return do_instance(s, at->next, is_bound, o);
    at = is_definition ? at->next : at;
    name = take_name(&at);
    BEAMR_TRY(define(s, module, at, &definition, o));
    if (is_bound)
        BEAMR_TRY(bind_definition(s, name, definition));
    if (is_definition)
        return BEAMR_OK;
    /* The first report wins: after a refusal this only notes that there is no instance. */
    BEAMR_TRY(instantiate(s, definition, NULL, &instance, o));
    return is_bound ? bind_instance(s, name, instance) : BEAMR_OK;
}

/* `(register "name" [$instance])`. */
static beamr_status do_register(script *s, const wast_node *command, outcome *o)
{
    const wast_node *as = command->first->next, *at, *name;
    const entity *instance;

    if (!as || as->kind != WAST_STRING)
        return WAST_FAIL(s->err, command, "a string expected");
    at = as->next;
    name = take_name(&at);
    if (at)
        return WAST_FAIL(s->err, at, "')' expected");
    instance = entity_find(s->instances, name, s->instance);
    (void)entity_check(instance, name, "instance", o);
    return instance ? binding_add(s, &s->registry, as->text, instance) : BEAMR_OK;
}

/* The linker asks here for what nobody defined: all but "spectest". */
static bool resolve(void *user, beamr_store *store, const beamr_import *import,
                    beamr_extern *out)
{
    const script *s = user;
    const binding *b = binding_find(s->registry, import->module);

    (void)store;
    return b && b->what->state == PRESENT &&
           beamr_instance_find(b->what->instance, import->name, out);
}

/* ---- Actions ---- */

/* `[$instance] "export"`: find the export, unless the outcome says that it isn't there.
 *   at     moved on behind the name
 *   found  out: whether `item` is valid */
static beamr_status find_export(script *s, const wast_node *action, const wast_node **at,
                                beamr_extern_kind kind, beamr_extern *item, bool *found,
                                outcome *o)
{
    const wast_node *name = take_name(at), *export = *at;
    const entity *instance = entity_find(s->instances, name, s->instance);

    if (!export || export->kind != WAST_STRING)
        return WAST_FAIL(s->err, action, "name of an export expected");
    *at = export->next;
    *found = false;
    if (!entity_check(instance, name, "instance", o))
        return BEAMR_OK;
    *found = beamr_instance_find(instance->instance, export->text, item) && item->kind == kind;
    if (!*found)
        (void)beamr_fail(&o->err, BEAMR_NOT_FOUND, 0, "no %s is exported under this name",
                         beamr_extern_kind_text(kind));
    return BEAMR_OK;
}

static beamr_status read_arguments(script *s, const wast_node *first, beamr_value **out,
                                   size_t *count)
{
    beamr_value *args;
    size_t n = 0;

    for (const wast_node *node = first; node; node = node->next)
        n++;
    if (!(args = ARENA_NEW(&s->scratch, beamr_value, n)))
        return no_memory(s);
    *out = args;
    *count = n;
    for (const wast_node *node = first; node; node = node->next)
        BEAMR_TRY(wast_value_read(node, args++, s->err));
    return BEAMR_OK;
}

/* `(invoke [$instance] "export" const...)`. */
static beamr_status do_invoke(script *s, const wast_node *action, outcome *o)
{
    const wast_node *at = action->first->next;
    beamr_extern item = {0};
    beamr_value *args = NULL;
    size_t arg_count = 0;
    bool found;

    BEAMR_TRY(find_export(s, action, &at, BEAMR_EXTERN_FUNC, &item, &found, o));
    BEAMR_TRY(read_arguments(s, at, &args, &arg_count));
    if (!found)
        return BEAMR_OK;
    o->result_count = beamr_func_type(item.of.func).result_count;
    if (!(o->results = ARENA_NEW(&s->scratch, beamr_value, o->result_count)))
        return no_memory(s);
    (void)beamr_func_call(item.of.func, args, arg_count, o->results, o->result_count, &o->err);
    return BEAMR_OK;
}

/* `(get [$instance] "export")`. */
static beamr_status do_get(script *s, const wast_node *action, outcome *o)
{
    const wast_node *at = action->first->next;
    beamr_extern item = {0};
    bool found;

    BEAMR_TRY(find_export(s, action, &at, BEAMR_EXTERN_GLOBAL, &item, &found, o));
    if (at)
        return WAST_FAIL(s->err, at, "')' expected");
    if (!found)
        return BEAMR_OK;
    if (!(o->results = ARENA_NEW(&s->scratch, beamr_value, 1)))
        return no_memory(s);
    o->results[0] = beamr_global_get(item.of.global);
    o->result_count = 1;
    return BEAMR_OK;
}

static beamr_status do_action(script *s, const wast_node *action, outcome *o)
{
    const wast_node *head = wast_head(action);

    if (wast_is(head, "invoke"))
        return do_invoke(s, action, o);
    if (wast_is(head, "get"))
        return do_get(s, action, o);
    return WAST_FAIL(s->err, action, "(invoke ...) or (get ...) expected");
}

/* ---- Assertions ---- */

/* Compare results with patterns, all of which are read even after a difference. */
static beamr_status match_results(script *s, const wast_node *first, const outcome *o,
                                  bool *matches)
{
    size_t i = 0;

    *matches = o->err.status == BEAMR_OK;
    for (const wast_node *node = first; node; node = node->next, i++) {
        wast_pattern pattern = {0};

        BEAMR_TRY(wast_pattern_read(node, &s->scratch, &pattern, s->err));
        if (*matches)
            *matches = i < o->result_count && wast_pattern_matches(&pattern, &o->results[i]);
    }
    *matches = *matches && i == o->result_count;
    return BEAMR_OK;
}

/* `(assert_return action result...)`. */
static beamr_status assert_return(script *s, const wast_node *command)
{
    const wast_node *action = command->first->next;
    outcome o = {0};
    bool matches = false;

    if (!action)
        return WAST_FAIL(s->err, command, "an action expected");
    BEAMR_TRY(do_action(s, action, &o));
    BEAMR_TRY(match_results(s, action->next, &o, &matches));
    if (o.is_skipped) {
        s->counts->skipped++;
    } else if (matches) {
        s->counts->passed++;
    } else if (failure(s, command)) {
        print_source(action);
        (void)fputs(": expected ", stdout);
        print_sources(action->next);
        (void)fputs(", came ", stdout);
        print_outcome(&o);
        (void)putchar('\n');
    }
    return BEAMR_OK;
}

/* An assertion that something fails, and how. */
typedef struct refusal {
    const char *name;
    beamr_status status;
    beamr_trap trap;    /* NONE for any */
    bool has_text;      /* it gives a text */
    bool is_text_exact; /* with which ours must begin */
} refusal;

static const refusal refusals[] = {
    {"assert_trap", BEAMR_TRAP, BEAMR_TRAP_NONE, true, true},
    {"assert_exhaustion", BEAMR_TRAP, BEAMR_TRAP_STACK_EXHAUSTED, true, true},
    {"assert_exception", BEAMR_EXCEPTION, BEAMR_TRAP_NONE, false, false},
    {"assert_invalid", BEAMR_INVALID, BEAMR_TRAP_NONE, true, false},
    {"assert_malformed", BEAMR_MALFORMED, BEAMR_TRAP_NONE, true, false},
    {"assert_unlinkable", BEAMR_UNLINKABLE, BEAMR_TRAP_NONE, true, false},
};

static const refusal *refusal_find(const wast_node *head)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (wast_is(head, refusals[i].name))
            return &refusals[i];
    }
    return NULL;
}

static bool refusal_matches(const refusal *want, const wast_node *text, const beamr_error *err)
{
    if (err->status != want->status)
        return false;
    if (want->trap != BEAMR_TRAP_NONE && err->trap != want->trap)
        return false;
    return !want->is_text_exact ||
           (strlen(err->text) >= text->text.len &&
            (text->text.len == 0 || memcmp(err->text, text->text.data, text->text.len) == 0));
}

/* `(assert_... action-or-module "text")`. */
static beamr_status assert_refusal(script *s, const wast_node *command, const refusal *want)
{
    const wast_node *subject = command->first->next;
    const wast_node *text = subject ? subject->next : NULL;
    outcome o = {0};

    if (!subject || (text != NULL) != want->has_text ||
        (text && (text->kind != WAST_STRING || text->next)))
        return WAST_FAIL(s->err, command, "(%s SUBJECT%s) expected", want->name,
                         want->has_text ? " \"TEXT\"" : "");
    if (wast_is(wast_head(subject), "module"))
        BEAMR_TRY(do_module(s, subject, false, &o));
    else
        BEAMR_TRY(do_action(s, subject, &o));
    if (o.is_skipped) {
        s->counts->skipped++;
    } else if (refusal_matches(want, text, &o.err)) {
        s->counts->passed++;
    } else if (failure(s, command)) {
        (void)printf("expected %s", beamr_status_text(want->status));
        if (text)
            (void)printf(": %.*s", (int)text->text.len, (const char *)text->text.data);
        (void)fputs(", came ", stdout);
        print_outcome(&o);
        (void)putchar('\n');
    }
    return BEAMR_OK;
}

/* ---- The file ---- */

static beamr_status do_command(script *s, const wast_node *command)
{
    const wast_node *head = wast_head(command);
    const refusal *want;
    outcome o = {0};

    if (!head)
        return WAST_FAIL(s->err, command, "a command expected");
    if (wast_is(head, "assert_return"))
        return assert_return(s, command);
    if ((want = refusal_find(head)))
        return assert_refusal(s, command, want);

    if (wast_is(head, "module"))
        BEAMR_TRY(do_module(s, command, true, &o));
    else if (wast_is(head, "register"))
        BEAMR_TRY(do_register(s, command, &o));
    else if (wast_is(head, "invoke") || wast_is(head, "get"))
        BEAMR_TRY(do_action(s, command, &o));
    else
        return WAST_FAIL(s->err, head, "unknown command '%.*s'",
                         head->text.len < 40 ? (int)head->text.len : 40,
                         (const char *)head->text.data);
    if (o.err.status != BEAMR_OK && !o.is_skipped)
        failure_plain(s, command, &o);
    return BEAMR_OK;
}

static beamr_status script_open(script *s)
{
    arena_init(&s->arena, TREE_MAX);
    arena_init(&s->scratch, TREE_MAX);
    BEAMR_TRY(beamr_store_new(s->suite->engine, s->suite->limits, &s->store, s->err));
    if (s->suite->fuel)
        beamr_store_set_fuel(s->store, s->suite->fuel);
    BEAMR_TRY(beamr_linker_new(s->store, &s->linker, s->err));
    beamr_linker_set_resolver(s->linker, resolve, s);
    return wast_host_define(s->linker, s->store, s->err);
}

static void script_close(script *s)
{
    beamr_linker_free(s->linker);
    beamr_store_free(s->store);
    for (entity *definition = s->all_definitions; definition; definition = definition->older)
        beamr_module_unref(definition->module);
    arena_clear(&s->scratch);
    arena_clear(&s->arena);
}

beamr_status wast_script_run(const wast_suite *suite, const char *path, beamr_bytes text,
                             wast_counts *counts, beamr_error *err)
{
    script s = {.suite = suite, .path = path, .counts = counts, .err = err};
    const wast_node *command = NULL;
    beamr_status st;

    if ((st = script_open(&s)) == BEAMR_OK)
        st = wast_read(&s.arena, text, &command, err);
    for (; st == BEAMR_OK && command; command = command->next) {
        st = do_command(&s, command);
        arena_clear(&s.scratch);
    }
    script_close(&s);
    return st;
}
