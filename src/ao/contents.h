/* What a message consists of: shared by message.c, builder.c, private.c and match.c.
 * A message is a handle: its public contents, its private keys, and how it came about. Messages
 * that differ in the last two share their contents, and with them the unsigned id. */
#ifndef AO_CONTENTS_H
#define AO_CONTENTS_H

#include "ao/tree.h"

typedef struct contents {
    ao_object object;
    tree *keys;          /* NULL: none */
    atomic_int id_state; /* whether `id` is there: enum id_state of message.c */
    uint8_t id[AO_ID_SIZE];
} contents;

struct ao_message {
    ao_object object;
    contents *contents;
    ao_message *secrets; /* its public keys are this one's private keys; NULL: none */
    ao_chain *chain;     /* NULL: none */
};

/* A message of its parts, which are taken over in any case.  NULL: memory is gone.
 *   contents  NULL: memory is gone */
ao_message *message_of(BEAMR_OWN contents *c, BEAMR_OWN ao_message *secrets,
                       BEAMR_OWN ao_chain *chain);
/* Contents of a tree, which is taken over in any case.  NULL: memory is gone. */
contents *contents_of(BEAMR_OWN tree *keys);
contents *contents_ref(contents *c);
void contents_unref(contents *c); /* accepts NULL */

/* The size of a message of these keys. */
value_size message_size_of(const tree *keys, const ao_message *secrets);

#endif
