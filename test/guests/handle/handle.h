/* The parts of the guest `handle`: handle.c answers messages, evaluate.c computes, json.c reads
 * and writes JSON, library.c and extra.S are what an evaluation can do to the instance and the
 * host. */
#ifndef HANDLE_H
#define HANDLE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- json.c ---- */

/* A growing text. */
typedef struct text {
    char *bytes; /* NUL behind */
    size_t len, room;
} text;

void text_add(text *t, const char *bytes, size_t len);
void text_put(text *t, const char *s);
void text_put_json(text *t, const char *s, size_t len); /* in quotes */

/* Where the value of a member stands in an object; NULL if it has none, or is no object. */
const char *json_member(const char *object, const char *name);
/* The first element of an array, and the one behind another; NULL at the end. */
const char *json_first(const char *array);
const char *json_next(const char *element);
/* The value of the tag with a name, in a list of {name, value}. */
const char *json_tag(const char *tags, const char *name);
/* The text of a value, without quotes; of NULL, the empty one. */
void json_text(const char *value, text *out);
bool json_is(const char *value, const char *s);

/* ---- evaluate.c ---- */

typedef enum kind { NIL, NUMBER, TEXT } kind;

typedef struct value {
    kind kind;
    double number;
    const char *bytes; /* NUL behind; valid until the evaluation ends */
    size_t len;
} value;

value number_value(double x);
value text_value(const char *bytes, size_t len);
/* As text: numbers as Lua prints them. */
value as_text(value v);

/* Leave the evaluation; what it has not finished is not undone. */
_Noreturn void fail(const char *format, const char *name);
extern jmp_buf failed;
extern text failure;

/* Evaluate statements. The result of the last one; calls fail when something is wrong. */
value evaluate(const char *program);
/* Release what evaluations made that is not in a variable. */
void evaluate_end(void);

/* ---- library.c ---- */

/* Call a function of the language by its name.
 * Returns false if there is none. */
bool call_function(const char *name, const value *args, int count, value *result);
/* What was sent during this evaluation, as elements of a JSON array; cleared by handle. */
extern text outbox;
extern int64_t evaluations;

#endif
