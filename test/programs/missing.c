/* Functions of C that wasi-libc leaves out, because a WASI program can start no other and has
 * no folder for temporary files: here they fail as the standard allows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#pragma clang diagnostic ignored "-Wdeprecated-declarations"

int system(const char *command)
{
    errno = ENOSYS;
    return command ? -1 : 0;
}

FILE *tmpfile(void)
{
    errno = ENOSYS;
    return NULL;
}

char *tmpnam(char *name)
{
    (void)name;
    return NULL;
}
