/* Reading the vectors: files of JSON whose values are written in a notation of their own, which
 * README.md explains. Whatever is malformed fails the test. */
#ifndef TEST_VECTORS_NOTATION_H
#define TEST_VECTORS_NOTATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "beamr/ao.h"

/* The file `name` of this folder; to be given back with json_decref. */
json_t *notation_file(const char *name);
/* Members of an object, which must be there. */
const json_t *notation_member(const json_t *object, const char *key);
const char *notation_text(const json_t *object, const char *key);
/* The value that a member is in the notation; to be given back with ao_value_unref. */
ao_value notation_value(const json_t *json);
/* Likewise, which must be a message. */
ao_message *notation_message(const json_t *json);
/* A member is {"error": ...}. */
bool notation_is_error(const json_t *json);
/* Fail, showing both, when the values are not equal. */
void notation_assert_equal(ao_value actual, ao_value expected, const char *what);
/* A value as text in the notation, for messages; to be given back with free(). */
char *notation_show(ao_value value);

/* Check each vector of a file, which has `count` of them. */
void notation_each(const char *file, size_t count,
                   void (*check)(const char *name, const json_t *vector));

/* A context for the tests of a file: for cmocka's set-up and tear-down of a group. */
extern ao_context *notation_context;
int notation_open(void **state);
int notation_close(void **state);

#endif
