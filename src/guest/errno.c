/* The texts of error numbers. */
#include "guest/errno.h"

const char *guest_errno_text(guest_errno e)
{
    switch (e) {
#define X(id, number, text)                                                                    \
    case GUEST_E##id:                                                                          \
        return text;
        GUEST_ERRNO_MAP(X)
#undef X
    }
    return "unknown error";
}
