/* Package @wasm-fmt/gofmt: the formatter of Go, compiled by TinyGo, without imports.
 * What it must make of a text follows from gofmt's rules (tabs, columns of fields and comments,
 * sorted imports); text that is formatted already stays as it is, and a syntax error is named
 * with its line and column. */
#include "guest.h"

#include <stdlib.h>

static const char unformatted[] = "package   main\n"
                                  "import (\n\"os\"\n  \"fmt\"\n)\n"
                                  "type T struct {\n"
                                  "name string // name of the object\n"
                                  "value int // its value\n"
                                  "}\n\n\n\n"
                                  "func (t*T)String( )string{\n"
                                  "if t.value>1&&t.name!=\"\" {return t.name+  \"s\"} else {\n"
                                  "return t.name}}\n"
                                  "func main(){\n"
                                  "for i:=0;i<len(os.Args);i++{fmt.Println(&T{name:os.Args[i],"
                                  "value:i*2+1})}\n"
                                  "switch x:=1;x{\n  case 1,2 : fmt.Println( x [ : ] )\n}\n"
                                  "}\n";
static const char formatted[] = "package main\n\n"
                                "import (\n\t\"fmt\"\n\t\"os\"\n)\n\n"
                                "type T struct {\n"
                                "\tname  string // name of the object\n"
                                "\tvalue int    // its value\n"
                                "}\n\n"
                                "func (t *T) String() string {\n"
                                "\tif t.value > 1 && t.name != \"\" {\n"
                                "\t\treturn t.name + \"s\"\n"
                                "\t} else {\n"
                                "\t\treturn t.name\n"
                                "\t}\n"
                                "}\n"
                                "func main() {\n"
                                "\tfor i := 0; i < len(os.Args); i++ {\n"
                                "\t\tfmt.Println(&T{name: os.Args[i], value: i*2 + 1})\n"
                                "\t}\n"
                                "\tswitch x := 1; x {\n"
                                "\tcase 1, 2:\n"
                                "\t\tfmt.Println(x[:])\n"
                                "\t}\n"
                                "}\n";

enum { UNCHANGED, CHANGED, FAILED };

/* Format a text.
 *   out  of the new text or the error; NUL-terminated, to be freed
 * Returns one of the numbers above. */
static int64_t format(guest *g, const char *text, char **out)
{
    int64_t result, len;

    guest_put(g, CALL(g, "alloc", (int64_t)strlen(text)), text, strlen(text));
    result = CALL(g, "format");
    len = result == UNCHANGED ? 0 : CALL(g, "output_len");
    *out = calloc(1, (size_t)len + 1);
    if (len > 0)
        guest_get(g, CALL(g, "output_ptr"), *out, (size_t)len);
    CALL(g, "dispose");
    return result;
}

void test_gofmt(const test_folders *folders)
{
    char *text;
    guest g;

    guest_open(&g, blob_read(folders->package, "gofmt.wasm"), NULL, NULL);
    CALL(&g, "_initialize");
    for (int i = 0; i < 20; i++) { /* enough for its garbage collector to run */
        CHECK(format(&g, unformatted, &text) == CHANGED, "unformatted text");
        CHECK(strcmp(text, formatted) == 0, "it made this:\n%s", text);
        free(text);
    }
    CHECK(format(&g, formatted, &text) == UNCHANGED, "formatted text");
    free(text);
    CHECK(format(&g, "package main\nfunc f( {\n", &text) == FAILED, "a syntax error");
    CHECK(strstr(text, "2:9: "), "it says: %s", text);
    free(text);
    guest_close(&g);
}
