/* Programs beside this one that run rows: V8 in node, and Lua compiled natively. A request is a
 * line, as is the answer; v8.mjs says what is in them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"

struct child {
    FILE *to, *from;
    pid_t pid;
};

static void become(char *const argv[], const char *folder, int in, int out)
{
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || chdir(folder) < 0)
        _exit(127);
    (void)execv(argv[0], argv);
    _exit(127);
}

child *child_start(char *const argv[], const char *folder)
{
    int to[2], from[2];
    child *c = calloc(1, sizeof *c);

    if (!c || pipe(to) < 0 || pipe(from) < 0)
        abort();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)fflush(stdout);
    c->pid = fork();
    if (c->pid == 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        become(argv, folder, to[0], from[1]);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    c->to = fdopen(to[1], "w");
    c->from = fdopen(from[0], "r");
    return c;
}

/* Returns false, and says why, if the answer is an error or none. */
static bool answer_read(child *c, char *line, int size)
{
    (void)fflush(c->to);
    if (!fgets(line, size, c->from))
        return false;
    if (strncmp(line, "error", 5) != 0)
        return true;
    (void)fprintf(stderr, "native: %s", line);
    return false;
}

bool child_open(child *c, unsigned number, const source *s)
{
    static const char *const kinds[] = {"kernel", "lua", "command"};
    char line[512];

    (void)fprintf(c->to, "open\t%u\t%s\t%s\n", number, kinds[s->kind], s->path);
    return answer_read(c, line, sizeof line);
}

outcome child_run(child *c, unsigned number, const row *r, uint32_t size)
{
    outcome out = {0};
    char line[512];
    char *end;

    (void)fprintf(c->to, "run\t%u\t%s\t%u\n", number, r->what, size);
    if (!answer_read(c, line, sizeof line))
        return out;
    out.ms = strtod(line, &end);
    out.result = strtoull(end, NULL, 10);
    out.has = end != line;
    return out;
}

void child_stop(child *c)
{
    if (!c)
        return;
    (void)fclose(c->to);
    (void)fclose(c->from);
    (void)waitpid(c->pid, NULL, 0);
    free(c);
}
