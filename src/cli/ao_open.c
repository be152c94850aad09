/* Contexts of the commands on messages: cli/ao.h. */
#include "cli/ao.h"

#include <stdlib.h>

#include "cli/escape.h"

int cli_exit_of_answer(beamr_status status)
{
    if (status == BEAMR_OK)
        return CLI_OK;
    if (status == BEAMR_ARGUMENT)
        return CLI_USAGE;
    return beamr_status_http(status) < 500 ? CLI_FAILED : CLI_HOST_FAILED;
}

int cli_report(const char *command, const char *what, const beamr_error *err)
{
    (void)cli_error(command, what, err);
    return cli_exit_of_answer(err->status);
}

int cli_refuse(const char *command, const char *what, const beamr_error *err)
{
    (void)cli_error(command, err->status == BEAMR_IO ? NULL : what,
                    err); /* IO's text names it */
    return err->status == BEAMR_NO_MEMORY ? CLI_HOST_FAILED : CLI_USAGE;
}

/* The name of a store as ao_settings has it, to be freed. What looks like a kind is passed on
 * as one, so that `file:DIR` is refused and makes no folder of that name. */
static char *store_name(const char *kv)
{
    static const char kind[] = "lmdb:";
    bool is_named = strcmp(kv, "memory") == 0 || kv[strcspn(kv, ":/")] == ':';
    size_t size = strlen(kv) + sizeof kind;
    char *name = malloc(size);

    if (name)
        (void)snprintf(name, size, "%s%s", is_named ? "" : kind, kv);
    return name;
}

static beamr_status wallet_read(const char *path, ao_wallet **out, beamr_error *err)
{
    cli_file file = {0};
    beamr_status st = cli_file_read(path, (size_t)1 << 20, &file, err);

    if (st == BEAMR_OK)
        st = ao_wallet_read(cli_file_bytes(&file), out, err);
    if (file.data)
        explicit_bzero(file.data, file.len);
    cli_file_clear(&file);
    return st;
}

/* ao_settings.report */
static void tell(void *user, const char *text)
{
    (void)fprintf(stderr, "%s: ", (const char *)user);
    cli_print_escaped(stderr, beamr_bytes_of(text), "");
    (void)fputc('\n', stderr);
}

beamr_status cli_session_open(const cli_setup *setup, cli_session *out, const char **what,
                              beamr_error *err)
{
    static const cli_setup nothing;
    ao_settings settings = {0};
    char *name = NULL;
    beamr_status st = BEAMR_OK;

    setup = setup ? setup : &nothing;
    *out = (cli_session){0};
    *what = setup->wallet;
    if (setup->wallet && (st = wallet_read(setup->wallet, &out->wallet, err)) != BEAMR_OK)
        return st;
    *what = NULL;
    if (setup->kv && !(name = store_name(setup->kv)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the store's name");
    settings.kv = name;
    settings.wallet = out->wallet;
    settings.values = setup->values;
    settings.report = setup->command ? tell : NULL;
    settings.user = (void *)(uintptr_t)setup->command;
    st = ao_context_new(&settings, &out->context, err);
    free(name);
    return st;
}

void cli_session_close(cli_session *session)
{
    ao_context_free(session->context);
    ao_wallet_unref(session->wallet);
    *session = (cli_session){0};
}
