/* The tags of Erlang's external term format that the tests meet. */
#ifndef HARNESS_TERM_TAGS_H
#define HARNESS_TERM_TAGS_H

enum {
    TAG_VERSION = 131,
    TAG_FLOAT = 70,
    TAG_NEW_REFERENCE = 90,
    TAG_BYTE = 97,
    TAG_INTEGER = 98,
    TAG_ATOM = 100,
    TAG_TUPLE = 104,
    TAG_LARGE_TUPLE = 105,
    TAG_NIL = 106,
    TAG_STRING = 107,
    TAG_LIST = 108,
    TAG_BINARY = 109,
    TAG_BIG = 110,
    TAG_LARGE_BIG = 111,
    TAG_OLD_REFERENCE = 114,
    TAG_SMALL_ATOM = 115,
    TAG_MAP = 116,
    TAG_ATOM_UTF8 = 118,
    TAG_SMALL_ATOM_UTF8 = 119,
};

#endif
