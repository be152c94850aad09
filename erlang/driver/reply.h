/* Answers: as the value of a callback, or as messages.
 * Threads: any. */
#ifndef DRIVER_REPLY_H
#define DRIVER_REPLY_H

#include <erl_driver.h>

#include "driver/term.h"

struct drv_port;
struct drv_job;

/* One answer as it comes about: a term, or a binary, which stands for {ok, Binary}. */
typedef struct drv_answer {
    drv_writer *term; /* has begun; where the callback wants it, or `local` */
    ErlDrvBinary *binary;
    drv_writer local;
} drv_answer;

void drv_answer_begin(drv_answer *answer, const struct drv_job *job);
/* Deliver it, by the way that the job's command came, and release what it holds.
 * Exactly once for each command. */
void drv_answer_end(drv_answer *answer, struct drv_port *port, struct drv_job *job);
/* Release what it holds; nothing is delivered. */
void drv_answer_drop(drv_answer *answer);

/* Write what it is; what was written before goes. */
void drv_answer_atom(drv_answer *answer, const char *name);
void drv_answer_error(drv_answer *answer, const char *text);
/* {ok, or execution_result; what it holds is to be written next. */
void drv_answer_ok(drv_answer *answer, const struct drv_job *job);

/* The whole answer of a job that gets an error. */
void drv_reply_error(struct drv_port *port, struct drv_job *job, const char *text);
/* The callback returns `wait`: the answer is a message. */
void drv_reply_later(struct drv_job *job);

#endif
