/* Terms as the tests write and read them: in Erlang's own notation.
 *
 *     term t = term_of("{%r,<<\"fac\">>,[%f]}", ref, 5.0);
 *     char *text = term_text(t.data + 1, t.len - 1, NULL);
 *
 * Encoded as Erlang does: a list of integers 0 to 255 is a string term. Read strictly: what is
 * no term gives NULL. Source: Erlang, "External Term Format". */
#ifndef HARNESS_TERMS_H
#define HARNESS_TERMS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow: an encoded term, or a text with a NUL behind it. */
typedef struct term {
    uint8_t *data;
    size_t len, room;
} term;

void term_free(term *t);
void term_bytes(term *t, const void *data, size_t len);
/* An integer in `len` bytes, the highest first. */
void term_number(term *t, uint64_t n, unsigned len);
void term_int(term *t, int64_t n);
void term_uint(term *t, uint64_t n);
void term_float(term *t, double n);
void term_atom(term *t, const char *name);
void term_binary(term *t, const void *data, size_t len);
/* A reference with this number in it. */
void term_ref(term *t, uint64_t n);

/* Encode a term, version byte in front. In the notation stand atoms, integers, floats, {..},
 * [..], [..|..], "..", <<"..">>, #{k=>v}, and
 *   %d int   %q int64_t   %u uint64_t   %f double   %r uint64_t, a reference
 *   %a const char *, an atom   %s const char *, a string   %n const char *, a binary
 *   %b const uint8_t *, size_t: a binary   %t const term *, with its version byte */
term term_of(const char *notation, ...);
term term_of_list(const char *notation, va_list args);

/* The notation of an encoded term (no version byte), allocated; NULL: it is none.
 *   used  how many bytes it has; NULL: it must be all */
char *term_text(const uint8_t *data, size_t len, size_t *used);

#endif
