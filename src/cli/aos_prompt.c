/* The prompt of `beamr aos` on a terminal: cli/aos.h.
 * Lines are read by libedit: editing as in Emacs, history by the arrows and Ctrl-R. What is not
 * whole goes on in the next line. Ctrl-C gives up the line, or the message that is computed;
 * Ctrl-D ends, and so do a terminal that goes away (SIGHUP) and SIGTERM, after which the
 * process is kept as --save says. Lines that begin with a point are commands of the prompt
 * itself.
 *
 * What is typed is UTF-8, whatever the locale says: messages have no other text, and without
 * this libedit drops all that is not ASCII.
 *
 * The history is kept in $XDG_STATE_HOME/beamr/aos_history (~/.local/state without), which only
 * its owner can read. */
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/aos.h"

enum { HISTORY_LINES = 1000 };

static const char commands_text[] =
    ".help         show this\n"
    ".quit, .exit  end (or Ctrl-D)\n"
    ".outbox       show what the last message sent out\n"
    ".load FILE    send what a file says\n"
    ".save DIR     keep the process in a folder\n"
    "Anything else is sent to the process. What is open (a bracket, a block, a long\n"
    "string) or ends in a backslash goes on in the next line. Ctrl-C gives up the line,\n"
    "or the message that is computed.\n";

typedef struct prompt {
    EditLine *edit;
    History *history;
    HistEvent event;
    char *file; /* of the history; NULL: none */
    aos *process;
    aos_text text;
    bool is_done;
} prompt;

/* ---- Signals: Ctrl-C gives up what is under way, the others end the prompt ---- */

static const int numbers[] = {SIGINT, SIGHUP, SIGTERM};

#define SIGNALS (sizeof numbers / sizeof numbers[0])

static volatile sig_atomic_t is_interrupted, has_ended;

static void on_signal(int number)
{
    if (number == SIGINT)
        is_interrupted = 1;
    else
        has_ended = 1;
    aos_interrupt();
}

/* Without SA_RESTART: waiting for a line ends too. What is ignored, as by nohup, stays so. */
static void catch_signals(struct sigaction old[SIGNALS])
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)sigaction(numbers[i], NULL, &old[i]);
        if (numbers[i] == SIGINT || old[i].sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

/* A terminal that goes away may be told twice, by the system and by the shell: the second time
 * must not end what keeps the process. */
static void restore_signals(const struct sigaction old[SIGNALS])
{
    for (size_t i = 0; i < SIGNALS; i++) {
        if (numbers[i] == SIGHUP && has_ended)
            (void)signal(SIGHUP, SIG_IGN);
        else
            (void)sigaction(numbers[i], &old[i], NULL);
    }
}

/* ---- History ---- */

/* Make a folder and those above it. */
static void make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        (void)mkdir(path, 0700);
        *p = '/';
    }
}

static char *history_file(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool is_set = state && state[0] == '/';
    const char *folder = is_set ? state : home;
    size_t size;
    char *path;

    if (!folder || folder[0] != '/')
        return NULL;
    size = strlen(folder) + sizeof "/.local/state/beamr/aos_history";
    if (!(path = malloc(size)))
        return NULL;
    (void)snprintf(path, size, "%s%s/beamr/aos_history", folder, is_set ? "" : "/.local/state");
    make_folders(path);
    return path;
}

static void history_open(prompt *p)
{
    if (!(p->history = history_init()))
        return;
    (void)history(p->history, &p->event, H_SETSIZE, HISTORY_LINES);
    (void)history(p->history, &p->event, H_SETUNIQUE, 1);
    if ((p->file = history_file()))
        (void)history(p->history, &p->event, H_LOAD, p->file);
    (void)el_set(p->edit, EL_HIST, history, p->history);
}

static void history_close(prompt *p)
{
    mode_t old = umask(077);

    if (p->history && p->file)
        (void)history(p->history, &p->event, H_SAVE, p->file);
    (void)umask(old);
    if (p->history)
        history_end(p->history);
    free(p->file);
}

/* ---- Commands ---- */

static void load_file(prompt *p, const char *path)
{
    cli_file file = {0};
    beamr_error err = {0};

    if (cli_file_read(path, CLI_FILE_MAX, &file, &err) != BEAMR_OK)
        (void)cli_refuse(p->process->opt->command, path, &err);
    else
        aos_send(p->process, cli_file_bytes(&file));
    cli_file_clear(&file);
}

/* What stands behind a command's name; NULL: it is another one. */
static const char *argument_of(const char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(line, name, len) != 0 || (line[len] && !strchr(" \t", line[len])))
        return NULL;
    return line + len + strspn(line + len, " \t");
}

static void run_command(prompt *p, const char *line)
{
    const char *load = argument_of(line, ".load"), *save = argument_of(line, ".save");

    if (argument_of(line, ".help"))
        (void)fputs(commands_text, stdout);
    else if (argument_of(line, ".quit") || argument_of(line, ".exit"))
        p->is_done = true;
    else if (argument_of(line, ".outbox"))
        aos_print_outbox(p->process);
    else if (load && *load)
        load_file(p, load);
    else if (save && *save)
        (void)aos_save(p->process, save);
    else if (load || save)
        (void)fprintf(stderr, "%s: which %s?\n", load ? ".load" : ".save",
                      load ? "file" : "folder");
    else
        (void)fprintf(stderr, "no such command; these are:\n%s", commands_text);
}

/* ---- Lines ---- */

static char *show_prompt(EditLine *edit)
{
    static char first[] = "aos> ", next[] = "...> ";
    prompt *p = NULL;

    (void)el_get(edit, EL_CLIENTDATA, &p);
    return p->text.len ? next : first;
}

static void take_line(prompt *p, const char *line, int len)
{
    bool is_command = !p->text.len && line[0] == '.';
    char *word;

    if (strspn(line, " \t\r\n") < (size_t)len && p->history)
        (void)history(p->history, &p->event, H_ENTER, line);
    if (!aos_text_add(&p->text, line, (size_t)len)) {
        (void)fprintf(stderr, "%s: no memory for a line\n", p->process->opt->command);
        aos_text_clear(&p->text);
        return;
    }
    if (is_command) {
        for (word = p->text.data + p->text.len; word > p->text.data && strchr(" \t", word[-1]);)
            *--word = 0;
        run_command(p, p->text.data);
        aos_text_reset(&p->text);
    } else if (aos_text_is_whole(&p->text)) {
        if (!aos_text_is_blank(&p->text))
            aos_send(p->process, (beamr_bytes){(const uint8_t *)p->text.data, p->text.len});
        aos_text_reset(&p->text);
    }
}

static void read_lines(prompt *p)
{
    while (!p->is_done && !has_ended) {
        int len = 0;
        const char *line;

        is_interrupted = 0;
        line = el_gets(p->edit, &len);
        aos_forget_interrupt(); /* from here on, a signal is for the line */
        if (is_interrupted) {
            aos_text_reset(&p->text);
            (void)fputs("^C\n", stdout);
            (void)el_set(p->edit, EL_UNBUFFERED, 0);
            el_reset(p->edit);
            continue;
        }
        if (!line || len <= 0 || has_ended)
            break;
        take_line(p, line, len);
    }
    if (!p->is_done)
        (void)fputc('\n', stdout);
}

static bool open_editor(prompt *p)
{
    if (!(p->edit = el_init("beamr", stdin, stdout, stderr)))
        return false;
    (void)el_set(p->edit, EL_CLIENTDATA, p);
    (void)el_set(p->edit, EL_PROMPT, show_prompt);
    (void)el_set(p->edit, EL_EDITOR, "emacs");
    (void)el_set(p->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    history_open(p);
    (void)el_source(p->edit, NULL);
    return true;
}

/* For this thread, and characters alone.  Returns what was there before. */
static locale_t use_utf8(void)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);

    if (utf8 == (locale_t)0)
        utf8 = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    return uselocale(utf8);
}

static void restore_locale(locale_t old)
{
    locale_t utf8 = uselocale(old);

    if (utf8 != old)
        freelocale(utf8);
}

void aos_prompt(aos *process)
{
    prompt p = {.process = process};
    struct sigaction old[SIGNALS];
    locale_t locale = use_utf8();

    if (!open_editor(&p)) {
        restore_locale(locale);
        aos_read_all(process);
        return;
    }
    (void)printf("process %s; .help shows commands, Ctrl-D ends\n", process->id);
    catch_signals(old);
    read_lines(&p);
    restore_signals(old);
    aos_forget_interrupt(); /* keeping the process may need its guest */
    history_close(&p);
    el_end(p.edit);
    restore_locale(locale);
    aos_text_clear(&p.text);
    process->code = CLI_OK; /* what failed was seen */
}
