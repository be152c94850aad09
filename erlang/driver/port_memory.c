/* What is asked of a guest beside calls: making it, its memory, its state, and what is known of
 * it. See port_internal.h. */
#include <stddef.h>

#include "driver/port_internal.h"

#define VALUE_MAX 4096u /* bytes that a callback returns as a value */
#define COPY_MAX 65536u /* bytes that a callback copies at all */
#define INFOS_MAX 64u   /* that are under way */
/* Characters of the names and signatures of all imports and exports. As a list, each takes 16
 * bytes of the emulator's memory, so that a small module could ask for very much. */
#define TOLD_MAX ((size_t)8 << 20)
#define TOLD_SHORT 65536u /* told in no time */
#define NOT_READY "Cannot run WASM function as module not initialized."

static bool call_is_heavy(const drv_port *port, drv_job *job)
{
    const drv_command *command = &job->command;

    if (port->guest == NULL)
        return false;
    return drv_call_is_slow(port, job) || !drv_guest_is_quick(port->guest) ||
           command->args.has_copied || command->is_long ||
           (command->op == DRV_OP_RESPOND && command->response == DRV_RESPONSE_CANCEL);
}

bool drv_job_is_heavy(const drv_port *port, drv_job *job)
{
    switch (job->command.op) {
    case DRV_OP_CALL:
    case DRV_OP_RESPOND:
        return call_is_heavy(port, job);
    case DRV_OP_WRITE:
        return job->command.image.bytes.len > COPY_MAX;
    case DRV_OP_INIT:
    case DRV_OP_MEMORY:
    case DRV_OP_SNAPSHOT:
    case DRV_OP_RESTORE:
        return true;
    default:
        return false;
    }
}

/* ---- Making it ---- */

static beamr_status init_begin(drv_port *port, drv_job *job, beamr_error *err)
{
    const drv_options *options = &job->command.options;
    beamr_module *module = NULL;
    drv_guest *guest = NULL;
    beamr_engine *engine;
    beamr_status st;

    st = drv_world_module(port->world, &job->command.image, options->fuel != 0, &module, err);
    if (st != BEAMR_OK)
        return st;
    if ((port->told = drv_module_told(module)) > TOLD_MAX) {
        beamr_module_unref(module);
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the names and signatures of the module's imports and exports have "
                          "%zu characters; at most %zu are told",
                          port->told, TOLD_MAX);
    }
    engine = drv_world_engine(port->world, options->fuel != 0);
    st = drv_guest_new(engine, module, options, &guest, err);
    if (st == BEAMR_OK)
        drv_guest_expect(guest, drv_world_largest(port->world, module));
    beamr_module_unref(module);
    if (st != BEAMR_OK)
        return st;
    memset(port->slow, DRV_PACE_NEW, sizeof port->slow);
    port_lock(port); /* from here on it can be interrupted */
    port->young = guest;
    port_unlock(port);
    return BEAMR_SUSPENDED;
}

static beamr_status init_step(drv_port *port, drv_job *job, beamr_error *err)
{
    beamr_status st;

    if (!job->is_begun) {
        if ((st = init_begin(port, job, err)) != BEAMR_SUSPENDED)
            return st;
        job->is_begun = true;
        if (job->doom != DRV_DOOM_NONE)
            return BEAMR_SUSPENDED;
    }
    if (!drv_port_turn_begin(port, port->young, true))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory");
    st = drv_guest_start(port->young, err);
    drv_turn_end(port->pool);
    return st;
}

void drv_init_undo(drv_port *port)
{
    drv_guest *young = port->young;

    port_lock(port);
    port->young = NULL;
    port->was_initialised = false;
    port_unlock(port);
    drv_guest_free(young);
}

static drv_outcome init_run(drv_port *port, drv_job *job, drv_answer *answer)
{
    beamr_module *module;
    beamr_error err;
    beamr_status st;

    beamr_error_clear(&err);
    if ((st = init_step(port, job, &err)) == BEAMR_SUSPENDED)
        return DRV_PAUSED;
    if (st != BEAMR_OK) {
        drv_answer_error(answer,
                         job->doom != DRV_DOOM_NONE ? drv_doom_text(job->doom) : err.text);
        drv_init_undo(port);
        return DRV_DONE;
    }
    port_lock(port);
    port->guest = port->young;
    port->young = NULL;
    port_unlock(port);
    module = drv_guest_module(port->guest);
    drv_put_tuple(answer->term, 3);
    drv_put_atom(answer->term, job->command.is_plain ? "execution_result" : "ok");
    drv_put_imports(answer->term, module);
    drv_put_exports(answer->term, module);
    return DRV_DONE;
}

/* ---- Memory ---- */

/* {ok, Bytes}: by value, or in a binary, which is sent without being copied again. */
static beamr_status answer_bytes(drv_answer *answer, drv_job *job, beamr_bytes bytes,
                                 beamr_error *err)
{
    if (bytes.len <= VALUE_MAX) {
        drv_answer_ok(answer, job);
        drv_put_binary(answer->term, bytes);
        return BEAMR_OK;
    }
    if ((answer->binary = driver_alloc_binary(bytes.len)) == NULL)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for %zu bytes", bytes.len);
    memcpy(answer->binary->orig_bytes, bytes.data, bytes.len);
    return BEAMR_OK;
}

/* BEAMR_SUSPENDED from these says: in the pool. */
static beamr_status run_read(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool,
                             beamr_error *err)
{
    const drv_command *command = &job->command;
    beamr_bytes bytes;
    beamr_status st = drv_guest_view(port->guest, command->offset, command->size, &bytes, err);

    if (st != BEAMR_OK)
        return st;
    if (bytes.len > COPY_MAX && !is_pool)
        return BEAMR_SUSPENDED;
    return answer_bytes(answer, job, bytes, err);
}

static beamr_status run_text(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool,
                             beamr_error *err)
{
    uint64_t max = job->command.size;
    bool is_cut = !is_pool && max > COPY_MAX;
    beamr_bytes bytes;
    beamr_status st =
        drv_guest_text(port->guest, job->command.offset, is_cut ? COPY_MAX : max, &bytes, err);

    if (st == BEAMR_LIMIT && is_cut)
        return BEAMR_SUSPENDED;
    return st != BEAMR_OK ? st : answer_bytes(answer, job, bytes, err);
}

static beamr_status run_size(drv_port *port, drv_job *job, drv_answer *answer, beamr_error *err)
{
    uint64_t size;
    beamr_status st = drv_guest_size(port->guest, &size, err);

    if (st != BEAMR_OK)
        return st;
    drv_answer_ok(answer, job);
    drv_put_uint(answer->term, size);
    return BEAMR_OK;
}

/* ---- State ---- */

typedef struct snapshot_sink {
    ErlDrvBinary *binary;
    size_t len;
} snapshot_sink;

static beamr_status sink_take(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    snapshot_sink *sink = user;

    if (sink->binary == NULL &&
        (sink->binary = driver_alloc_binary((ErlDrvSizeT)total)) == NULL)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a snapshot of %llu bytes",
                          (unsigned long long)total);
    if (piece.len > 0)
        memcpy(sink->binary->orig_bytes + sink->len, piece.data, piece.len);
    sink->len += piece.len;
    return BEAMR_OK;
}

static beamr_status run_snapshot(drv_port *port, drv_answer *answer, beamr_error *err)
{
    snapshot_sink sink = {0};
    beamr_status st = drv_guest_snapshot(port->guest, sink_take, &sink, err);

    if (st == BEAMR_OK)
        answer->binary = sink.binary;
    else if (sink.binary != NULL)
        driver_free_binary(sink.binary);
    return st;
}

static beamr_status memory_run(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool,
                               beamr_error *err)
{
    const drv_command *command = &job->command;
    beamr_status st;

    switch (command->op) {
    case DRV_OP_READ:
        return run_read(port, job, answer, is_pool, err);
    case DRV_OP_STRING:
        return run_text(port, job, answer, is_pool, err);
    case DRV_OP_SIZE:
        return run_size(port, job, answer, err);
    case DRV_OP_SNAPSHOT:
        return run_snapshot(port, answer, err);
    case DRV_OP_WRITE:
        st = drv_guest_write(port->guest, command->offset, command->image.bytes, err);
        break;
    case DRV_OP_MEMORY:
        st = drv_guest_set_memory(port->guest, command->image.bytes, err);
        break;
    case DRV_OP_RESTORE:
        st = drv_guest_restore(port->guest, command->image.bytes, err);
        break;
    default:
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "Unknown command");
    }
    if (st == BEAMR_OK)
        drv_answer_atom(answer, "ok");
    return st;
}

drv_outcome drv_step_memory(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool)
{
    beamr_error err;
    beamr_status st;

    if (job->command.op == DRV_OP_INIT)
        return init_run(port, job, answer);
    beamr_error_clear(&err);
    if (port->guest == NULL)
        st = beamr_fail(&err, BEAMR_NOT_FOUND, 0, NOT_READY);
    else
        st = memory_run(port, job, answer, is_pool, &err);
    if (st == BEAMR_SUSPENDED)
        return DRV_PAUSED;
    if (st != BEAMR_OK)
        drv_answer_error(answer, err.text);
    return DRV_DONE;
}

/* ---- Info ---- */

static void put_count(drv_writer *w, const char *name, uint64_t n)
{
    drv_put_atom(w, name);
    drv_put_uint(w, n);
}

static const char *port_state(const drv_port *port)
{
    if (port->current != NULL && drv_job_is_call(port->current))
        return "running";
    return port->top != NULL ? "waiting" : "idle";
}

static void put_counts(drv_writer *w, drv_port *port)
{
    port_lock(port);
    drv_put_atom(w, "state");
    drv_put_atom(w, port_state(port));
    put_count(w, "memory", port->memories[0]);
    drv_put_atom(w, "memories");
    if (port->memory_count > 0)
        drv_put_list(w, port->memory_count);
    for (uint32_t i = 0; i < port->memory_count; i++)
        drv_put_uint(w, port->memories[i]);
    drv_put_nil(w);
    put_count(w, "calls", port->calls);
    put_count(w, "imports_answered", port->imports);
    put_count(w, "depth",
              port->depth + (port->current != NULL && drv_job_is_call(port->current)));
    put_count(w, "queued", port->inner.count + port->outer.count);
    put_count(w, "fuel_used", port->fuel);
    port_unlock(port);
}

static void put_module(drv_writer *w, const beamr_module *module)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t id[BEAMR_MODULE_ID_SIZE] = {0}, hex[2 * BEAMR_MODULE_ID_SIZE];

    if (beamr_module_id(module, id, NULL) != BEAMR_OK)
        w->is_failed = true;
    for (size_t i = 0; i < sizeof id; i++) {
        hex[2 * i] = (uint8_t)digits[id[i] >> 4];
        hex[2 * i + 1] = (uint8_t)digits[id[i] & 15];
    }
    drv_put_atom(w, "module");
    drv_put_binary(w, (beamr_bytes){hex, sizeof hex});
    drv_put_atom(w, "imports");
    drv_put_import_maps(w, module);
    drv_put_atom(w, "exports");
    drv_put_export_maps(w, module);
}

/* Beside the port's own task, and whoever owns the guest: of the guest only the module is
 * looked at, which does not change. */
static void info_run(drv_task *task)
{
    drv_job *job = (drv_job *)((char *)task - offsetof(drv_job, task));
    drv_port *port = job->port;
    drv_answer answer;

    drv_answer_begin(&answer, job);
    drv_put_tuple(answer.term, 2);
    drv_put_atom(answer.term, "ok");
    drv_put_map(answer.term, 11);
    put_counts(answer.term, port);
    put_module(answer.term, drv_guest_module(port->guest));
    drv_answer_end(&answer, port, job);
    drv_job_free(job);
    port_lock(port);
    port->infos--;
    port_unlock(port);
    drv_port_release(port);
}

static void info_submit(drv_port *port, drv_job *job)
{
    port->users++;
    port->infos++;
    job->port = port;
    job->task.run = info_run;
    drv_reply_later(job);
    if (port->told < TOLD_SHORT)
        drv_pool_submit_first(port->pool, &job->task);
    else
        drv_pool_submit(port->pool, &job->task);
}

bool drv_info(drv_port *port, drv_job *job)
{
    const char *why = NULL;

    port_lock(port);
    if (port->guest == NULL)
        why = NOT_READY;
    else if (port->infos >= INFOS_MAX)
        why = "too many have asked at once what is known of the instance";
    else
        info_submit(port, job);
    port_unlock(port);
    if (why != NULL)
        drv_reply_error(port, job, why);
    return why != NULL;
}
