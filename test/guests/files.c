/* Files by way of the C library: what programs do with directories, and what they count on when
 * they read, write, truncate, rename and remove. Begins in an empty directory, the root.
 * Errors are printed by their text. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef ENOTCAPABLE
#define ENOTCAPABLE EBADF /* of WASI only */
#endif

/* "WHAT: ok" or "WHAT: error text". */
static void tell(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f))
        tell(path, -1);
}

static void show(const char *path)
{
    char text[200];
    size_t len;
    FILE *f = fopen(path, "r");

    if (!f) {
        tell(path, -1);
        return;
    }
    len = fread(text, 1, sizeof text - 1, f);
    text[len] = 0;
    printf("%s holds '%s'\n", path, text);
    fclose(f);
}

static long size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) ? -1 : (long)st.st_size;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names below a directory, sorted, each indented by its depth. */
static void walk(const char *path, int depth)
{
    char *names[64], below[400];
    int count = 0;
    struct dirent *entry;
    DIR *dir = opendir(path);

    if (!dir) {
        tell(path, -1);
        return;
    }
    while ((entry = readdir(dir)) && count < 64)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, (size_t)count, sizeof *names, compare);
    for (int i = 0; i < count; i++) {
        struct stat st;

        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        if (lstat(below, &st)) {
            tell(below, -1);
            continue;
        }
        printf("%*s%s%s\n", 2 * depth, "", names[i],
               S_ISDIR(st.st_mode)   ? "/"
               : S_ISLNK(st.st_mode) ? " (link)"
                                     : "");
        if (S_ISDIR(st.st_mode))
            walk(below, depth + 1);
        free(names[i]);
    }
}

static void directories(void)
{
    tell("mkdir", mkdir("/tree", 0777));
    tell("mkdir again", mkdir("/tree", 0777));
    tell("mkdir below a missing one", mkdir("/none/x", 0777));
    tell("mkdir below", mkdir("/tree/deep", 0777));
    put("/tree/b.txt", "bee");
    put("/tree/a.txt", "ay");
    put("/tree/deep/c.txt", "sea");
    tell("mkdir below a file", mkdir("/tree/a.txt/x", 0777));
    tell("symlink", symlink("deep/c.txt", "/tree/link"));
    tell("symlink to nowhere", symlink("nowhere", "/tree/broken"));
    walk("/tree", 0);
    show("/tree/link");
    show("/tree/broken");
    tell("rmdir of a full one", rmdir("/tree"));
    tell("rmdir of a file", rmdir("/tree/a.txt"));
    tell("unlink of a directory",
         unlink("/tree/deep") == -1 && (errno == EISDIR || errno == EPERM) ? 0 : -1);
    show("/tree/../tree/./deep/../a.txt");
}

static void reading_and_writing(void)
{
    char buf[16] = {0};
    int fd = open("/data", O_RDWR | O_CREAT | O_EXCL, 0666);

    tell("create", fd);
    tell("create again with O_EXCL", open("/data", O_RDWR | O_CREAT | O_EXCL, 0666));
    tell("open as a directory", open("/data", O_RDONLY | O_DIRECTORY));
    tell("open a missing one", open("/missing", O_RDONLY));
    tell("open a directory for writing", open("/tree", O_WRONLY));
    tell("write", (int)write(fd, "hello", 5));
    printf("seek past the end: %ld\n", (long)lseek(fd, 8, SEEK_SET));
    tell("write there", (int)write(fd, "!", 1));
    printf("size %ld\n", size_of("/data"));
    lseek(fd, 0, SEEK_SET);
    printf("read %ld bytes:", (long)read(fd, buf, sizeof buf));
    for (int i = 0; i < 9; i++)
        printf(" %02x", (unsigned char)buf[i]);
    printf("\nread at the end: %ld\n", (long)read(fd, buf, sizeof buf));
    printf("pread: %ld '%.3s'\n", (long)pread(fd, buf, 3, 1), buf);
    tell("seek before the start", (int)lseek(fd, -1, SEEK_SET));
    tell("truncate", ftruncate(fd, 3));
    printf("size %ld, position %ld\n", size_of("/data"), (long)lseek(fd, 0, SEEK_CUR));
    tell("extend", ftruncate(fd, 6));
    printf("size %ld\n", size_of("/data"));
    tell("close", close(fd));
    tell("close again", close(fd));

    fd = open("/data", O_WRONLY | O_APPEND);
    lseek(fd, 0, SEEK_SET);
    tell("append", (int)write(fd, "end", 3));
    printf("read of what is open for writing: %s\n",
           read(fd, buf, 1) < 0 && (errno == EBADF || errno == ENOTCAPABLE) ? "no" : "yes");
    close(fd);
    printf("size %ld\n", size_of("/data"));
    fd = open("/data", O_WRONLY | O_TRUNC);
    close(fd);
    printf("size after O_TRUNC %ld\n", size_of("/data"));
}

static void names(void)
{
    char buf[8] = {0};
    int fd;

    put("/one", "first");
    put("/two", "second");
    fd = open("/two", O_RDONLY);
    tell("rename over another", rename("/one", "/two"));
    show("/two");
    show("/one");
    printf("the old one is still read: %ld '%s'\n", (long)read(fd, buf, 6), buf);
    close(fd);
    tell("rename of a missing one", rename("/one", "/three"));
    tell("rename of a directory over a file", rename("/tree/deep", "/two"));
    tell("rename into itself", rename("/tree", "/tree/deep/tree"));
    tell("rename of a directory", rename("/tree/deep", "/moved"));
    show("/moved/c.txt");
    tell("link", link("/two", "/three"));
    put("/three", "both");
    show("/two");
    fd = open("/two", O_RDONLY);
    tell("unlink", unlink("/two"));
    tell("unlink again", unlink("/two"));
    memset(buf, 0, sizeof buf);
    printf("what is unlinked is still read: %ld '%s'\n", (long)read(fd, buf, 7), buf);
    close(fd);
    tell("unlink the other", unlink("/three"));
}

/* The whole of stdio: buffers, lines, positions. */
static void streams(void)
{
    FILE *f = fopen("/log", "w+");
    char *line = NULL;
    size_t room = 0;
    int n = 0, a;
    double d;

    for (int i = 0; i < 1000; i++)
        fprintf(f, "%d %g\n", i, i / 4.0);
    rewind(f);
    while (getline(&line, &room, f) > 0)
        n++;
    free(line);
    printf("%d lines\n", n);
    fseek(f, -9, SEEK_END);
    printf("scanned %d:", fscanf(f, "%d %lf", &a, &d));
    printf(" %d %.2f\n", a, d);
    fclose(f);
    f = fopen("/log", "a");
    fputs("tail\n", f);
    fclose(f);
    printf("size %ld\n", size_of("/log"));
}

int main(void)
{
    directories();
    reading_and_writing();
    names();
    streams();
    return 0;
}
