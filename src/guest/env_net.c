/* Sockets and names of hosts, which there are none of: making one fails, and no descriptor is
 * one. Source: Linux, socket(2), getaddrinfo(3). */
#include "guest/env_calls.h"

enum { EAI_NO_NAME = -2, EAI_NO_FAMILY = -6 };

ENV_CALL(env_socket)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -GUEST_EAFNOSUPPORT);
}

/* Everything that is done with a socket: (fd, ...) */
ENV_CALL(env_on_socket)
{
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat);

    return env_done(results, e == GUEST_ESUCCESS ? GUEST_ENOTSOCK : e, err);
}

ENV_CALL(env_getaddrinfo)
{
    (void)call, (void)args, (void)err;
    return env_value(results, EAI_NO_NAME);
}

ENV_CALL(env_getnameinfo)
{
    (void)call, (void)args, (void)err;
    return env_value(results, EAI_NO_FAMILY);
}
