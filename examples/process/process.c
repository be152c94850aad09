/* A process from C: a message that runs a WebAssembly module, and whose state goes on from
 * message to message. ledger.wasm keeps a balance; what currencies are worth it asks its host,
 * and a device from here answers, which reads the currency's name in the guest's memory. Then
 * the process is stored with a snapshot, and goes on from there in another context. It exits
 * with 1 if an answer is not the expected one.
 *
 *   cc process.c -lbeamr-ao -lbeamr && ./a.out ledger.wasm
 *
 * Read next: docs/devices.md, beamr/ao/guest.h. */
#include <beamr/ao.h>
#include <beamr/ao/guest.h>

#include <stdio.h>

/* rates@1.0: what a guest imports from the module `rates`, since the process has this device at
 * `stdlib/rates`.
 *
 *   key    reads                                    answers
 *   rate   base `state`, the process; request       ok: {state, results: [what it is worth]};
 *          `args`: the address of a name            error 400 for an address that is none
 */

static double rate_of(beamr_bytes currency)
{
    static const struct {
        const char *name;
        double rate;
    } rates[] = {{"EUR", 1}, {"USD", 0.875}, {"NOK", 0.0625}};

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (currency.len == strlen(rates[i].name) &&
            memcmp(currency.data, rates[i].name, currency.len) == 0)
            return rates[i].rate;
    }
    return -1;
}

static beamr_status rate(ao_call *call, beamr_error *err)
{
    ao_value state = ao_message_find_text(ao_call_base(call), "state");
    ao_guest *guest = ao_to_message(state) ? ao_guest_of(ao_to_message(state), NULL) : NULL;
    ao_value currency = AO_NO_VALUE, worth;
    ao_builder answer;
    int64_t addr;

    if (!guest || !ao_to_integer(ao_list_at(ao_call_argument(call, "args"), 0), &addr) ||
        ao_guest_read_text(guest, (uint64_t)addr, 16, &currency, err) != BEAMR_OK)
        return ao_call_error(call, 400, "rate: not the address of a currency");
    worth = ao_float(rate_of(ao_bytes(currency)));
    ao_value_unref(currency);
    ao_builder_begin(&answer, NULL, NULL, err);
    ao_builder_put(&answer, "state", ao_value_ref(state));
    ao_builder_put(&answer, "results", ao_list_new(&worth, 1));
    return ao_call_ok(call, ao_builder_value(&answer));
}

static const ao_key keys[] = {{"rate", rate}, AO_KEYS_END};
static const ao_device rates = {.name = "rates@1.0", .keys = keys};

/* ---- Messages ---- */

/* The process: the module, and who answers its imports. */
static beamr_status process_make(beamr_bytes wasm, ao_message **out, beamr_error *err)
{
    ao_builder library, stdlib, process;

    ao_builder_begin(&library, NULL, NULL, err);
    ao_builder_put(&library, "device", ao_binary_text("rates@1.0"));
    ao_builder_begin(&stdlib, NULL, NULL, err);
    ao_builder_put(&stdlib, "rates", ao_builder_value(&library));
    ao_builder_begin(&process, NULL, NULL, err);
    ao_builder_put(&process, "device", ao_binary_text("wasm-64@1.0"));
    ao_builder_put(&process, "image", ao_binary_copy(wasm));
    ao_builder_put(&process, "stdlib", ao_builder_value(&stdlib));
    return ao_builder_end(&process, out);
}

/* {path: compute, function: deposit, parameters: [entry]} */
static ao_value deposit_make(const char *entry, beamr_error *err)
{
    ao_value parameter = ao_binary_text(entry);
    ao_builder request;

    ao_builder_begin(&request, NULL, NULL, err);
    ao_builder_put(&request, "path", ao_binary_text("compute"));
    ao_builder_put(&request, "function", ao_binary_text("deposit"));
    ao_builder_put(&request, "parameters", ao_list_new(&parameter, 1));
    return ao_builder_value(&request);
}

/* The message that a request leads to on another; the request is taken over. */
static beamr_status next(ao_context *context, const ao_message *base, ao_value request,
                         ao_message **out, beamr_error *err)
{
    ao_value on = ao_message_value(ao_message_ref(base));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_status st = ao_resolve_on(context, on, request, NULL, &result, err);

    if (st == BEAMR_OK && (result.outcome != AO_OUTCOME_OK || !ao_to_message(result.value))) {
        ao_value text = ao_to_message(result.value)
                            ? ao_message_find_text(ao_to_message(result.value), "body")
                            : result.value;

        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "%s: %.*s", ao_outcome_text(result.outcome),
                        (int)ao_text(text).len, (const char *)ao_text(text).data);
    }
    if (st == BEAMR_OK)
        *out = ao_message_ref(ao_to_message(result.value));
    ao_value_unref(result.value);
    ao_value_unref(request);
    ao_value_unref(on);
    return st;
}

/* ---- Using them ---- */

/* Deposit; the balance afterwards must be `expected`.
 *   state  replaced by the state after it */
static beamr_status deposit(ao_context *context, ao_message **state, const char *entry,
                            double expected, beamr_error *err)
{
    ao_message *after = NULL;
    ao_value balance = AO_NO_VALUE;
    beamr_status st = next(context, *state, deposit_make(entry, err), &after, err);

    if (st == BEAMR_OK)
        st = ao_get(context, after, "results/output/1", &balance, err);
    if (st == BEAMR_OK && (balance.kind != AO_FLOAT || balance.of.number != expected))
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "%s: the balance is not %g", entry, expected);
    if (st == BEAMR_OK) {
        printf("%-8s balance %g\n", entry, balance.of.number);
        ao_message_unref(*state);
        *state = ao_message_ref(after);
    }
    ao_value_unref(balance);
    ao_message_unref(after);
    return st;
}

/* An entry that the guest traps at is a result, and the process goes on. */
static beamr_status deposit_nonsense(ao_context *context, ao_message **state, beamr_error *err)
{
    ao_message *after = NULL;
    ao_value type = AO_NO_VALUE, text = AO_NO_VALUE;
    beamr_status st = next(context, *state, deposit_make("3 apples", err), &after, err);

    if (st == BEAMR_OK)
        st = ao_get(context, after, "results/type", &type, err);
    if (st == BEAMR_OK)
        st = ao_get(context, after, "results/output", &text, err);
    if (st == BEAMR_OK && !ao_is_atom(type, "error"))
        st = beamr_fail(err, BEAMR_ARGUMENT, 0, "3 apples: not refused");
    if (st == BEAMR_OK) {
        beamr_bytes words = ao_text(text);
        const uint8_t *end = words.len ? memchr(words.data, '\n', words.len) : NULL;

        printf("%-8s error: %.*s\n", "3 apples",
               (int)(end ? (size_t)(end - words.data) : words.len), (const char *)words.data);
        ao_message_unref(*state);
        *state = ao_message_ref(after);
    }
    ao_value_unref(type);
    ao_value_unref(text);
    ao_message_unref(after);
    return st;
}

/* Store the process with a snapshot of its guest.
 *   id  gets the id of what was stored */
static beamr_status save(ao_context *context, const ao_message *state, char id[AO_ID_TEXT + 1],
                         beamr_error *err)
{
    ao_message *snapshot = NULL, *whole = NULL;
    beamr_status st = next(context, state, ao_binary_text("snapshot"), &snapshot, err);

    if (st == BEAMR_OK)
        st = ao_message_with(state, "snapshot", ao_message_value(snapshot), &whole, err);
    if (st == BEAMR_OK)
        st = ao_store_message(context, whole, id, err);
    ao_message_unref(whole);
    return st;
}

static beamr_status work(ao_context *context, beamr_bytes wasm, char id[AO_ID_TEXT + 1],
                         beamr_error *err)
{
    ao_message *process = NULL, *state = NULL, *older = NULL;
    beamr_status st;

    if ((st = process_make(wasm, &process, err)) != BEAMR_OK ||
        (st = next(context, process, ao_binary_text("init"), &state, err)) != BEAMR_OK ||
        (st = deposit(context, &state, "100 EUR", 100, err)) != BEAMR_OK)
        goto out;
    older = ao_message_ref(state);
    if ((st = deposit(context, &state, "80 USD", 170, err)) != BEAMR_OK ||
        (st = deposit_nonsense(context, &state, err)) != BEAMR_OK ||
        (st = deposit(context, &state, "48 NOK", 173, err)) != BEAMR_OK)
        goto out;
    /* A message stands for its own state, whatever was computed since. */
    if ((st = deposit(context, &older, "1 EUR", 101, err)) != BEAMR_OK)
        goto out;
    st = save(context, state, id, err);
out:
    ao_message_unref(older);
    ao_message_unref(state);
    ao_message_unref(process);
    return st;
}

/* What was stored is all there is now; the first message makes a guest of it again. */
static beamr_status go_on(ao_context *context, const char *id, beamr_error *err)
{
    ao_message *state = NULL;
    beamr_status st = ao_load_message(context, beamr_bytes_of(id), &state, err);

    if (st == BEAMR_OK) {
        printf("restored from %s\n", id);
        st = deposit(context, &state, "7 EUR", 180, err);
    }
    ao_message_unref(state);
    return st;
}

static beamr_bytes read_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;

    if (file)
        (void)fclose(file);
    return (beamr_bytes){bytes, len};
}

int main(int argc, char **argv)
{
    ao_settings settings = {.kv = "memory"};
    ao_context *context = NULL;
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};
    beamr_bytes wasm = {0};

    if (argc == 2)
        wasm = read_file(argv[1]);
    if (wasm.len == 0) {
        (void)fprintf(stderr, "usage: process ledger.wasm\n");
        return 2;
    }
    if (ao_context_new(&settings, &context, &err) == BEAMR_OK &&
        ao_context_add_device(context, &rates, &err) == BEAMR_OK &&
        work(context, wasm, id, &err) == BEAMR_OK)
        (void)go_on(context, id, &err);
    if (err.status != BEAMR_OK)
        (void)fprintf(stderr, "process: %s: %s\n", beamr_status_text(err.status), err.text);
    ao_context_free(context);
    return err.status == BEAMR_OK ? 0 : 1;
}
