/* A guest with the interface of AO processes: `handle` takes a message and the process as JSON
 * texts, and gives the answer as one. It evaluates the data of messages whose tag Action is
 * Eval, if they come from the owner of the process, and counts the others.
 *
 *   {"ok": true, "response": {"Output": {"data", "prompt", "print"}, "Messages": [...],
 *    "Spawns": [], "Assignments": []}}
 *
 * What goes wrong in an evaluation is `Error` in place of `Output`, and nothing is sent. The
 * language is in evaluate.c, its functions in library.c. */
#include <stdlib.h>

#include "handle.h"

#define END "\"Spawns\":[],\"Assignments\":[]}}"

const char *handle(const char *message, const char *environment)
    __attribute__((export_name("handle")));

__asm__(".globaltype __stack_pointer, i64\n");
extern unsigned char __stack_high; /* where the linker has the stack begin */

int64_t evaluations;
static int64_t received; /* other messages */
static text answer, data;

static void answer_output(const char *bytes, size_t len)
{
    answer.len = 0;
    text_put(&answer, "{\"ok\":true,\"response\":{\"Output\":{\"data\":");
    text_put_json(&answer, bytes, len);
    text_put(&answer, ",\"prompt\":\"handle> \",\"print\":true},\"Messages\":[");
    text_add(&answer, outbox.bytes ? outbox.bytes : "", outbox.len);
    text_put(&answer, "]," END);
}

static void answer_error(void)
{
    answer.len = 0;
    text_put(&answer, "{\"ok\":true,\"response\":{\"Error\":");
    text_put_json(&answer, failure.bytes, failure.len);
    text_put(&answer, ",\"Messages\":[]," END);
}

static void answer_evaluation(void)
{
    value v;

    evaluations++;
    if (setjmp(failed)) {
        answer_error();
    } else {
        v = evaluate(data.bytes);
        v = v.kind == NIL ? text_value("", 0) : as_text(v);
        answer_output(v.bytes, v.len);
    }
    evaluate_end();
}

/* Whether the message comes from the owner of the process; one that nobody signed belongs to
 * nobody, and all who don't sign may evaluate. */
static bool is_trusted(const char *message, const char *environment)
{
    const char *process = json_member(environment, "Process");
    const char *owner = json_tag(json_member(process, "Tags"), "From-Process");
    text name = {0};
    bool is_same;

    json_text(owner ? owner : json_member(process, "Owner"), &name);
    is_same = json_is(json_member(message, "From"), name.bytes);
    free(name.bytes);
    return is_same;
}

__attribute__((noinline)) static const char *answer_message(const char *message,
                                                            const char *environment)
{
    outbox.len = 0;
    data.len = 0;
    if (!json_is(json_tag(json_member(message, "Tags"), "Action"), "Eval")) {
        value v = as_text(number_value((double)++received));

        answer_output(v.bytes, v.len);
        evaluate_end();
    } else if (!is_trusted(message, environment)) {
        failure.len = 0;
        text_put(&failure, "only the owner may evaluate");
        answer_error();
    } else {
        json_text(json_member(message, "Data"), &data);
        answer_evaluation();
    }
    return answer.bytes;
}

/* A call that trapped has left its frames on the stack; this one begins with an empty one. It
 * must have no frame of its own. */
const char *handle(const char *message, const char *environment)
{
    __asm__ volatile("local.get %0\nglobal.set __stack_pointer" : : "r"(&__stack_high));
    return answer_message(message, environment);
}
