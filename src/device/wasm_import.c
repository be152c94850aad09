/* `import` of wasm-64@1.0: what a module imports is answered by the message that stands at
 * <p>/stdlib/<module>, whose device gets the function's name as key, the arguments in the
 * request, and the process as `state`. It answers {state, results}.
 *
 * Where nothing stands, or it does not know the function, the call is noted at
 * results/<p>/undefined-calls, the last one first, and answered with zeros. What generators of
 * bindings leave as placeholders traps: no number would do.
 * Source: AO-Core devices, "wasm-64@1.0", `import`. */
#include "device/wasm.h"

/* ---- Who answers ---- */

/* The request with the function as its path, in one part whatever its name holds. */
static ao_value request_for(const ao_message *request, beamr_bytes func)
{
    ao_value path = ao_binary_copy(func);
    ao_builder builder;

    if (memchr(func.data, '/', func.len))
        path = ao_list_new(&path, 1);
    ao_builder_begin(&builder, request, NULL, NULL);
    ao_builder_put(&builder, "path", path);
    return ao_builder_value(&builder);
}

static beamr_status find_module(const ao_message *state, beamr_bytes prefix, beamr_bytes module,
                                const ao_message **out, beamr_error *err)
{
    ao_value library, value = AO_NO_VALUE;
    beamr_status st = dev_prefixed(state, prefix, "stdlib", &library, err);

    if (st == BEAMR_OK && library.kind == AO_MESSAGE)
        st = ao_message_get(ao_to_message(library), module, &value, err);
    *out = ao_to_message(value);
    return st;
}

beamr_status wasm_has_handler(const ao_message *state, beamr_bytes prefix, wasm_name name,
                              bool *out, beamr_error *err)
{
    const ao_message *module;
    beamr_status st = find_module(state, prefix, name.module, &module, err);

    *out = st == BEAMR_OK && module && name.func.len > 0;
    return st;
}

beamr_status wasm_handler(const ao_message *state, beamr_bytes prefix, wasm_name name,
                          const ao_message *request, ao_value *base, ao_value *asked,
                          beamr_error *err)
{
    const ao_message *module;
    ao_message *whole;
    beamr_status st = find_module(state, prefix, name.module, &module, err);

    *base = *asked = AO_NO_VALUE;
    if (st != BEAMR_OK || !module || name.func.len == 0)
        return st;
    st = ao_message_with(module, "state", ao_message_value(ao_message_ref(state)), &whole, err);
    if (st != BEAMR_OK)
        return st;
    *asked = request_for(request, name.func);
    if (asked->kind == AO_NONE) {
        ao_message_unref(whole);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the request of an import");
    }
    *base = ao_message_value(whole);
    return BEAMR_OK;
}

bool wasm_is_not_found(const ao_result *result)
{
    return result->outcome == AO_OUTCOME_NOT_FOUND ||
           (result->outcome == AO_OUTCOME_ERROR && ao_is_atom(result->value, "not_found"));
}

/* ---- Stubs ---- */

bool wasm_is_placeholder(beamr_bytes module)
{
    return text_is(module, "__wbindgen_placeholder__") ||
           text_is(module, "__wbindgen_externref_xform__");
}

ao_value wasm_zeros(beamr_bytes signature)
{
    ao_value zeros[WASM_ZEROS_MAX];
    size_t begin = signature.len, count = 0;

    while (begin > 0 && signature.data[begin - 1] != ')')
        begin--;
    if (begin == 0) { /* no results to be read: what fits most, and what declares none */
        zeros[count++] = ao_integer(0);
        begin = signature.len;
    }
    for (; begin < signature.len && count < WASM_ZEROS_MAX; begin++) {
        uint8_t letter = signature.data[begin];

        zeros[count++] = letter == 'f' || letter == 'F' ? ao_float(0) : ao_integer(0);
    }
    return ao_list_new(zeros, count);
}

/* What is kept of a request. */
static ao_value entry_of(const ao_message *request)
{
    static const char *const kept[] = {"module", "func", "args", "func-sig"};
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        ao_value value = ao_message_find_text(request, kept[i]);

        if (value.kind != AO_NONE)
            ao_builder_put(&builder, kept[i], ao_value_ref(value));
    }
    return ao_builder_value(&builder);
}

/* `first` in front of a list, of which the end is cut off. */
static ao_value list_with(ao_value first, ao_value list)
{
    ao_value items[WASM_UNDEFINED_MAX];
    size_t count = ao_list_count(list);

    if (count > WASM_UNDEFINED_MAX - 1)
        count = WASM_UNDEFINED_MAX - 1;
    items[0] = first;
    for (size_t i = 0; i < count; i++)
        items[i + 1] = ao_value_ref(ao_list_at(list, i));
    return ao_list_new(items, count + 1);
}

beamr_status wasm_with_undefined(ao_context *context, const ao_message *state,
                                 beamr_bytes prefix, const ao_message *request,
                                 BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_value results, old = AO_NO_VALUE, list = AO_NO_VALUE;
    dev_pair pair = {"undefined-calls", AO_NO_VALUE, false};
    beamr_status st = message_load_key(state, "results", &results, err);

    if (st == BEAMR_OK && results.kind == AO_MESSAGE)
        st = dev_prefixed(ao_to_message(results), prefix, pair.key, &old, err);
    if (st != BEAMR_OK)
        return st;
    if (old.kind != AO_MESSAGE ||
        ao_message_to_list(ao_to_message(old), &list, NULL) != BEAMR_OK)
        list = ao_value_ref(old);
    pair.value = list_with(entry_of(request), list);
    ao_value_unref(list);
    return dev_with_results(context, state, prefix, &pair, 1, out, err);
}

/* ---- The key ---- */

static beamr_status answer_stub(ao_call *call, const wasm_job *job, wasm_name name,
                                beamr_error *err)
{
    ao_message *state;
    ao_builder builder;
    beamr_status st;

    if (job->traps || wasm_is_placeholder(name.module))
        return ao_call_error(call, 404, "import: nothing provides %.*s.%.*s",
                             (int)(name.module.len < 100 ? name.module.len : 100),
                             (const char *)name.module.data,
                             (int)(name.func.len < 100 ? name.func.len : 100),
                             (const char *)name.func.data);
    st = wasm_with_undefined(job->moment.context, job->state, job->prefix, job->moment.request,
                             &state, err);
    if (st != BEAMR_OK)
        return st;
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "state", ao_message_value(state));
    ao_builder_put(&builder, "results",
                   wasm_zeros(ao_text(message_key(job->moment.request, "func-sig"))));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static beamr_status read_name(const wasm_job *job, wasm_name *out, beamr_error *err)
{
    ao_value module, func;
    beamr_status st = message_load_key(job->moment.request, "module", &module, err);

    if (st == BEAMR_OK)
        st = message_load_key(job->moment.request, "func", &func, err);
    if (st == BEAMR_OK)
        *out = (wasm_name){ao_text(module), ao_text(func)};
    return st;
}

static beamr_status handler_answered(ao_call *call, beamr_error *err)
{
    const wasm_job *job = wasm_job_of(call);
    const ao_result *result = ao_call_result(call);
    wasm_name name;
    beamr_status st;

    if (!wasm_is_not_found(result))
        return ao_call_return(call, result->outcome, ao_value_ref(result->value));
    st = read_name(job, &name, err);
    return st == BEAMR_OK ? answer_stub(call, job, name, err) : st;
}

beamr_status wasm_import_key(ao_call *call, beamr_error *err)
{
    ao_options options = dev_inner_options(call);
    ao_value base, asked;
    wasm_name name;
    wasm_job *job;
    beamr_status st = wasm_job_begin(call, "import", &job, err);

    if (st == BEAMR_OK)
        st = read_name(job, &name, err);
    if (st != BEAMR_OK)
        return st;
    if (name.module.len == 0 || name.func.len == 0)
        return ao_call_error(call, 400, "import: the request has no `module` or no `func`");
    st = wasm_handler(job->state, job->prefix, name, job->moment.request, &base, &asked, err);
    if (st != BEAMR_OK)
        return st;
    if (base.kind == AO_NONE)
        return answer_stub(call, job, name, err);
    return ao_call_resolve(call, base, asked, &options, handler_answered);
}
