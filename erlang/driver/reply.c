/* Answers: see reply.h. The terms are those of command.h. */
#include "driver/reply.h"

#include "driver/port_internal.h"

/* ---- Messages ---- */

static void message_begin(ErlDrvTermData *spec, int *n, const drv_writer *term)
{
    spec[(*n)++] = ERL_DRV_EXT2TERM;
    spec[(*n)++] = (ErlDrvTermData)term->data;
    spec[(*n)++] = (ErlDrvTermData)term->len;
}

static void message_binary(ErlDrvTermData *spec, int *n, ErlDrvBinary *binary,
                           ErlDrvTermData tag)
{
    spec[(*n)++] = ERL_DRV_ATOM;
    spec[(*n)++] = tag;
    spec[(*n)++] = ERL_DRV_BINARY;
    spec[(*n)++] = (ErlDrvTermData)binary;
    spec[(*n)++] = (ErlDrvTermData)binary->orig_size;
    spec[(*n)++] = 0;
    spec[(*n)++] = ERL_DRV_TUPLE;
    spec[(*n)++] = 2;
}

/* {Ref, Answer} to the caller; in the plain form Answer to the port's owner. The emulator
 * delivers nothing in the name of a port that is closed: who waits then hears from his monitor.
 */
static void answer_send(drv_answer *answer, drv_port *port, const drv_job *job)
{
    bool is_plain = job->command.is_plain;
    ErlDrvTermData spec[16];
    drv_writer ref;
    int n = 0;

    drv_writer_begin(&ref);
    if (!is_plain) {
        if (job->command.ref.len == 0)
            return; /* it could not be read: nobody can be told */
        drv_put_term(&ref, job->command.ref);
        if (ref.is_failed)
            return;
        message_begin(spec, &n, &ref);
    }
    if (answer->binary != NULL)
        message_binary(spec, &n, answer->binary, is_plain ? port->result_atom : port->ok_atom);
    else
        message_begin(spec, &n, answer->term);
    if (!is_plain) {
        spec[n++] = ERL_DRV_TUPLE;
        spec[n++] = 2;
    }
    erl_drv_send_term(port->term, is_plain ? atomic_load(&port->owner) : job->command.caller,
                      spec, n);
    drv_writer_clear(&ref);
}

/* ---- Answers ---- */

void drv_answer_begin(drv_answer *answer, const drv_job *job)
{
    answer->binary = NULL;
    answer->term = job->value;
    if (answer->term == NULL) {
        answer->term = &answer->local;
        drv_writer_begin(&answer->local);
    }
}

void drv_answer_drop(drv_answer *answer)
{
    if (answer->binary != NULL)
        driver_free_binary(answer->binary);
    answer->binary = NULL;
    if (answer->term == &answer->local)
        drv_writer_clear(&answer->local);
}

void drv_answer_end(drv_answer *answer, drv_port *port, drv_job *job)
{
    if (answer->term->is_failed)
        drv_answer_error(answer, "out of memory for the answer");
    if (job->value == NULL || answer->binary != NULL) {
        answer_send(answer, port, job);
        drv_reply_later(job);
    }
    job->value = NULL;
    drv_answer_drop(answer);
}

static void answer_renew(drv_answer *answer)
{
    drv_writer_clear(answer->term);
    drv_writer_begin(answer->term);
}

void drv_answer_atom(drv_answer *answer, const char *name)
{
    answer_renew(answer);
    drv_put_atom(answer->term, name);
}

void drv_answer_error(drv_answer *answer, const char *text)
{
    answer_renew(answer);
    drv_put_tuple(answer->term, 2);
    drv_put_atom(answer->term, "error");
    drv_put_string(answer->term, beamr_bytes_of(text));
}

void drv_answer_ok(drv_answer *answer, const drv_job *job)
{
    drv_put_tuple(answer->term, 2);
    drv_put_atom(answer->term, job->command.is_plain ? "execution_result" : "ok");
}

void drv_reply_error(drv_port *port, drv_job *job, const char *text)
{
    drv_answer answer;

    drv_answer_begin(&answer, job);
    drv_answer_error(&answer, text);
    drv_answer_end(&answer, port, job);
}

void drv_reply_later(drv_job *job)
{
    if (job->value == NULL)
        return;
    drv_writer_clear(job->value);
    drv_writer_begin(job->value);
    drv_put_atom(job->value, "wait");
    job->value = NULL;
}
