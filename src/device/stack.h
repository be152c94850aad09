/* What the files of stack@1.0 share: which device stands at a key, and making it the message's
 * own. stack.c says what the device does; stack_map.c has the mode Map and `transform`. */
#ifndef DEVICE_STACK_H
#define DEVICE_STACK_H

#include "device/internal.h"

#define STACK_PASSES_MAX 1000  /* of one fold */
#define STACK_STEPS_MAX 100000 /* devices asked, in all passes of one fold, or by one Map */

enum { STACK_INPUT, STACK_OUTPUT, STACK_PREFIXES };

/* The names of the prefixes: the key, the key of the list, and of the value before. */
typedef struct stack_prefix {
    const char *key, *list, *previous;
} stack_prefix;
extern const stack_prefix stack_prefixes[STACK_PREFIXES];

/* A device of a stack. */
typedef struct stack_entry {
    ao_value device;                 /* AO_NONE: there is none; borrowed from the state */
    ao_value prefix[STACK_PREFIXES]; /* AO_NONE: the lists say nothing; borrowed likewise */
} stack_entry;

/* The entry of a state under a key, a number or another. It is read as message: devices of the
 * state play no part.
 * Errors: BEAMR_ARGUMENT (no_valid_device_stack), those of loading links. */
beamr_status stack_entry_at(const ao_message *state, ao_value key, stack_entry *out,
                            beamr_error *err);
/* The number N as key; the other keys of the stack are binaries. */
static inline ao_value stack_key(size_t index)
{
    return ao_integer((int64_t)index);
}

/* What the message had before a device was activated, counted. */
typedef struct stack_before {
    ao_value device, pass, prefix[STACK_PREFIXES];
} stack_before;

beamr_status stack_before_of(const ao_message *base, stack_before *out, beamr_error *err);
void stack_before_clear(stack_before *before);

/* Activate the device of an entry: its keys are put into a builder that began with the state.
 *   prefix  with what is to stand where the entry has none; AO_NONE: what the state has
 *   before  for the keys `previous-...`; NULL: they are there already */
void stack_activate(ao_builder *builder, const stack_entry *entry, ao_value key,
                    const ao_value prefix[STACK_PREFIXES], const stack_before *before);
/* Put a value, or remove the key when there is none. */
void stack_put(ao_builder *builder, const char *key, ao_value value);

/* The request as devices of the stack get it: its path is the one key that is resolved. */
beamr_status stack_request(ao_call *call, BEAMR_OWN ao_value *out, beamr_error *err);

/* ---- stack_map.c ---- */

beamr_status stack_map(ao_call *call, beamr_error *err);       /* the mode Map */
beamr_status stack_transform(ao_call *call, beamr_error *err); /* the key `transform` */

#endif
