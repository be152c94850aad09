/* Where a path of `beamr resolve` came to its end: cli/ao.h. The answer itself says no more
 * than `not_found`. */
#include "ao/task.h"
#include "cli/ao.h"
#include "cli/escape.h"

enum { TEXT_SHOWN = 200 }; /* bytes of a text */

/* The key of a request, borrowed; none if it is worked out first. */
static beamr_bytes key_of(ao_value request)
{
    if (request.kind == AO_AS)
        request = ao_as_inner(request);
    if (!ao_to_message(request))
        return ao_text(request);
    return ao_text(ao_message_find_text(ao_to_message(request), "path"));
}

static void print_key(FILE *out, ao_value request)
{
    beamr_bytes key = key_of(request);

    if (key.len)
        cli_print_escaped(out, key, "");
    else
        (void)fputs("(...)", out);
}

static void print_path(FILE *out, ao_value list, size_t count)
{
    if (count == 1)
        (void)fputs("the base", out);
    for (size_t i = 1; i < count; i++) {
        (void)fputc('/', out);
        print_key(out, ao_list_at(list, i));
    }
}

void cli_end_tell(FILE *out, ao_value list, const task_end *end)
{
    beamr_bytes text = ao_text(end->base);
    bool is_id = ao_list_at(list, 0).kind == AO_BINARY;

    if (is_id && end->place <= 1) {
        (void)fputs(": nothing is stored under this id", out);
    } else if (end->place > 0) {
        (void)fputs(": there is no `", out);
        print_key(out, ao_list_at(list, end->place));
        (void)fputs("` in ", out);
        print_path(out, list, end->place);
        if (text.len) {
            (void)fputs(", which is the text: ", out);
            cli_print_escaped(
                out, (beamr_bytes){text.data, text.len < TEXT_SHOWN ? text.len : TEXT_SHOWN},
                "");
        }
    }
}
