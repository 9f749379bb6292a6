/* file.c - reading the files of a functions folder when they change. */
/* SPDX-License-Identifier: MIT */
#include "front/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { WRITING_MS = 100, OPEN_TOLD_MS = 5000, WANT_MS = 100, READ_BYTES = 16384 };

/* -- Lists ----------------------------------------------------------------------------------- */

/* Where `name` is, or would be. */
static size_t place_of(const struct files *files, struct str name)
{
    size_t low = 0, high = files->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (str_compare(name, str_of(files->at[middle]->name)) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct file *files_find(const struct files *files, struct str name)
{
    size_t at = place_of(files, name);

    return at < files->count && str_equal(name, str_of(files->at[at]->name)) ? files->at[at] : NULL;
}

struct file *files_find_or_add(struct files *files, struct str name)
{
    struct file *file = files_find(files, name);
    size_t at = place_of(files, name);

    if (file)
        return file;
    if (files->count == files->room) {
        files->room = files->room ? 2 * files->room : 32;
        files->at = realloc(files->at, files->room * sizeof(struct file *));
    }
    file = calloc(1, sizeof(*file));
    if (!files->at || !file || !(file->name = strndup(name.at, name.len)))
        abort();
    memmove(files->at + at + 1, files->at + at, (files->count - at) * sizeof(struct file *));
    files->count++;
    return files->at[at] = file;
}

static void file_close(struct file *file)
{
    free(file->name);
    free(file->path);
    free(file->error);
    buf_fini(&file->text);
    free(file);
}

void files_fini(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        file_close(files->at[i]);
    free(files->at);
    *files = (struct files){0};
}

bool files_drop_unseen(struct files *files)
{
    size_t kept = 0;
    bool any = false;

    for (size_t i = 0; i < files->count; i++) {
        struct file *file = files->at[i];

        if (file->seen) {
            file->seen = false;
            files->at[kept++] = file;
            continue;
        }
        any |= file->read;
        file_close(file);
    }
    files->count = kept;
    return any;
}

/* -- Reading --------------------------------------------------------------------------------- */

uint64_t file_next_serial(void)
{
    static uint64_t last;

    return ++last;
}

static struct file_mark mark_of(const struct stat *s)
{
    return (struct file_mark){s->st_dev, s->st_ino, s->st_size,
                              (int64_t)s->st_mtim.tv_sec * (int64_t)NS_PER_S + s->st_mtim.tv_nsec,
                              (int64_t)s->st_ctim.tv_sec * (int64_t)NS_PER_S + s->st_ctim.tv_nsec};
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool read_text(int fd, size_t most, struct buf *text, struct err *err)
{
    struct stat s;

    if (fstat(fd, &s) != 0)
        return err_set_errno(err, "fstat");
    if (!S_ISREG(s.st_mode))
        return err_set(err, ERR_FUNCTION_ERROR, "it is no regular file");
    for (;;) {
        size_t before = text->len;
        ssize_t n = read(fd, buf_extend(text, READ_BYTES), READ_BYTES);

        text->len = before + (n > 0 ? (size_t)n : 0);
        if (n < 0)
            return err_set_errno(err, "it cannot be read");
        if (n == 0)
            return true;
        if (text->len > most)
            return err_set(err, ERR_FUNCTION_ERROR, "it is more than %zu bytes", most);
    }
}

bool file_is_want(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* A lease for reading cannot be had while anybody has the file open for writing; and until it goes
 * with its descriptor, whoever opens the file for writing waits. The signal that tells of such a
 * one is made one that is ignored. Where there is no lease to be had, for files of another user or
 * on some file systems, the time of the last write decides. */
static bool is_being_written(int fd, const struct stat *s, const struct file_mark *mark)
{
    if (!S_ISREG(s->st_mode))
        return false;
    fcntl(fd, F_SETSIG, SIGURG);
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        return false;
    if (errno == EAGAIN)
        return true;
    int64_t age_ms = (int64_t)clock_wall_ms() - mark->modified_ns / (int64_t)NS_PER_MS;
    return age_ms >= 0 && age_ms < WRITING_MS;
}

/* True when the content, or the reason that there is none, has changed. `fd` has just been opened,
 * or errno says why not. */
static bool read_file(struct file *file, int fd, size_t most)
{
    struct buf text = {0};
    struct err err = {.code = ERR_NONE};

    if (fd < 0)
        err_set_errno(&err, "it cannot be opened");
    bool ok = fd >= 0 && read_text(fd, most, &text, &err);
    bool same = ok ? file->read && str_equal(buf_str(&file->text), buf_str(&text))
                   : file->error && strcmp(file->error, err.text) == 0;
    buf_fini(&file->text);
    free(file->error);
    file->text = text;
    file->read = ok;
    file->error = ok ? NULL : strdup(err.text);
    if (!ok && !file->error)
        abort();
    return !same;
}

static void keep_path(struct file *file, const char *path)
{
    if (file->path && strcmp(file->path, path) == 0)
        return;
    free(file->path);
    file->path = strdup(path);
    if (!file->path)
        abort();
}

static bool look_later(uint64_t when_ns, uint64_t *again_ns)
{
    if (*again_ns == 0 || when_ns < *again_ns)
        *again_ns = when_ns;
    return false;
}

/* Told once, when it lasts: its last version goes on. */
static void wait_for_writer(struct file *file)
{
    uint64_t now = clock_now_ns();

    file->busy_until = now + WRITING_MS * NS_PER_MS;
    file->told = true;
    if (file->open_since == 0)
        file->open_since = now;
    if (file->open_since == UINT64_MAX || now < file->open_since + OPEN_TOLD_MS * NS_PER_MS)
        return;
    file->open_since = UINT64_MAX;
    log_line(LOG_WARN, "file is not read while somebody has it open for writing file=%s",
             log_quoted(str_of(file->path)));
}

bool file_look_at(struct file *file, const char *path, size_t most, uint64_t *again_ns)
{
    uint64_t now = clock_now_ns();
    struct stat s;

    file->seen = true;
    if (file->busy_until > now)
        return look_later(file->busy_until, again_ns);
    if (stat(path, &s) != 0) {
        file->seen = false;
        return false;
    }
    struct file_mark mark = mark_of(&s);
    if (!file->told && (file->read || file->error) && same_mark(&file->mark, &mark))
        return false;
    keep_path(file, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && file_is_want(errno))
        return look_later(now + WANT_MS * NS_PER_MS, again_ns);
    bool busy = fd >= 0 && is_being_written(fd, &s, &mark), changed = false;
    if (busy) {
        wait_for_writer(file);
        look_later(file->busy_until, again_ns);
    } else {
        file->mark = mark;
        file->told = false;
        file->open_since = 0;
        changed = read_file(file, fd, most);
    }
    if (fd >= 0)
        close(fd);
    if (changed)
        file->serial = file_next_serial();
    return changed;
}

bool file_is_stale(const struct file *file)
{
    struct stat s;

    if (!file->path)
        return false;
    if (stat(file->path, &s) != 0)
        return true;
    struct file_mark mark = mark_of(&s);
    return !same_mark(&file->mark, &mark);
}

void file_note(struct file *file, uint32_t mask)
{
    if (mask & (IN_CREATE | IN_MODIFY))
        file->busy_until = clock_now_ns() + WRITING_MS * NS_PER_MS;
    if (mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
        file->busy_until = 0;
    file->told = true;
}
