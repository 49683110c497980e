/* Loaded in front of the C library. It counts, logs, refuses or ends at the calls that change something below one folder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/file.h>
#include <unistd.h>

enum { REST, KILL, FAIL, FULL, SHORT };

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_size;
static int log_file = -1;
static long at = -1, count;
static int how = REST, number;
static struct { char call[32]; int error; } refused[32];
static int refusals;

#define REAL(name) ((__typeof__(&name))find(#name))

static void *find(const char *name) { return dlsym(RTLD_NEXT, name); }

/* -- what the test sets */

void shim_arm(const char *folder, const char *log, long n, int way, int error)
{
    strncpy(root, folder, sizeof root - 1);
    root_size = strlen(root);
    if (*log)
        log_file = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    at = n, how = way, number = error, count = 0;
}

void shim_refuse(const char *call, int error)
{
    strncpy(refused[refusals].call, call, sizeof refused->call - 1);
    refused[refusals++].error = error;
}

long shim_count(void) { return count; }

/* -- where a call goes */

static int is_below(const char *path)
{
    return root_size && !strncmp(path, root, root_size) && (path[root_size] == '/' || !path[root_size]);
}

static int path_of_file(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = root_size ? REAL(readlink)(link, path, PATH_MAX - 1) : -1;
    path[size < 0 ? 0 : size] = 0;
    return size > 0 && is_below(path);
}

static int path_at(int folder, const char *name, char *path)
{
    *path = 0;
    if (!root_size)
        return 0;
    if (*name == '/') {
        snprintf(path, PATH_MAX, "%s", name);
    } else {
        if (folder == AT_FDCWD) {
            if (!getcwd(path, PATH_MAX - 1))
                return 0;
        } else {
            path_of_file(folder, path);
        }
        size_t size = strlen(path);
        snprintf(path + size, PATH_MAX - size, "/%s", name);
    }
    return is_below(path);
}

static long inode_of(const char *path)
{
    struct stat found;
    return fstatat(AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) ? 0 : (long)found.st_ino;
}

static long inode_of_file(int file)
{
    struct stat found;
    return fstat(file, &found) ? 0 : (long)found.st_ino;
}

/* -- what becomes of it */

static int refuse(const char *call)
{
    for (int i = 0; i < refusals; i++)
        if (!strcmp(refused[i].call, call))
            return errno = refused[i].error;
    return 0;
}

/* Whether the call goes wrong, with errno set. Called under the guard. */
static int strikes(const char *call)
{
    long n = count++;
    if (n == at && how == KILL)
        for (kill(getpid(), SIGKILL);;)
            pause();
    if (refuse(call))
        return 1;
    if ((n == at && how == FAIL) || (n >= at && at >= 0 && how == FULL) || (n > at && at >= 0 && how == SHORT)) {
        errno = number;
        return 1;
    }
    return 0;
}

static int is_cut(void) { return how == SHORT && count - 1 == at; }

static void note(const char *call, long inode, long more, long offset, const char *path, const char *other,
                 const void *data, size_t size)
{
    if (log_file < 0)
        return;
    char head[3 * PATH_MAX];
    int length = snprintf(head, sizeof head, "%s\t%ld\t%ld\t%ld\t%zu\t%s\t%s\n", call, inode, more, offset, size, path, other);
    int before = errno;
    struct iovec parts[] = {{head, (size_t)length}, {(void *)data, size}};
    if (REAL(writev)(log_file, parts, size ? 2 : 1) < 0)
        abort();
    errno = before;
}

#define LOCK pthread_mutex_lock(&guard)
#define UNLOCK pthread_mutex_unlock(&guard)

/* -- files */

static int open_at(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    int changes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
    if (path_at(folder, name, path) && (flags & O_TMPFILE) == O_TMPFILE && refuse("create"))
        return -1;
    if (!path_at(folder, name, path) || !changes || (flags & O_TMPFILE) == O_TMPFILE)
        return REAL(openat)(folder, name, flags, mode);
    LOCK;
    long before = inode_of(path);
    int counts = (flags & O_TRUNC) || ((flags & O_CREAT) && !before);
    int file = -1;
    if (!(counts ? strikes(before ? "open" : "create") : refuse("open"))) {
        file = REAL(openat)(folder, name, flags, mode);
        if (file >= 0 && counts)
            note(before ? "truncate" : "create", inode_of_file(file), 0, 0, path, "", NULL, 0);
    }
    UNLOCK;
    return file;
}

#define MODE_OF(flags, mode)                       \
    mode_t mode = 0;                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {         \
        va_list rest;                              \
        va_start(rest, flags);                     \
        mode = va_arg(rest, mode_t);               \
        va_end(rest);                              \
    }

int open(const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags, mode) return open_at(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* -- content; offset -1 is where the file stands */

static ssize_t write_at(const char *call, int file, const void *data, size_t size, off_t offset)
{
    char path[PATH_MAX];
    if (file <= 2 || file == log_file || !path_of_file(file, path))
        return offset < 0 ? REAL(write)(file, data, size) : REAL(pwrite)(file, data, size, offset);
    LOCK;
    ssize_t done = -1;
    if (!strikes(call)) {
        if (is_cut() && size > 1)
            size /= 2;
        off_t place = offset;
        if (offset < 0)
            place = REAL(fcntl)(file, F_GETFL) & O_APPEND ? lseek(file, 0, SEEK_END) : lseek(file, 0, SEEK_CUR);
        done = offset < 0 ? REAL(write)(file, data, size) : REAL(pwrite)(file, data, size, offset);
        if (done > 0)
            note("write", inode_of_file(file), 0, (long)place, path, "", data, (size_t)done);
    }
    UNLOCK;
    return done;
}

ssize_t write(int file, const void *data, size_t size) { return write_at("write", file, data, size, -1); }
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return write_at("write", file, data, size, offset); }
ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) { return write_at("write", file, data, size, offset); }

ssize_t writev(int file, const struct iovec *parts, int n)
{
    char path[PATH_MAX];
    if (file <= 2 || file == log_file || !path_of_file(file, path))
        return REAL(writev)(file, parts, n);
    ssize_t done = 0;
    for (int i = 0; i < n; i++) {
        ssize_t one = write_at("write", file, parts[i].iov_base, parts[i].iov_len, -1);
        if (one < 0)
            return done ? done : one;
        done += one;
        if ((size_t)one < parts[i].iov_len)
            break;
    }
    return done;
}

static int cut(int file, off_t length)
{
    char path[PATH_MAX];
    if (!path_of_file(file, path))
        return REAL(ftruncate)(file, length);
    LOCK;
    int done = -1;
    if (!strikes("ftruncate") && !(done = REAL(ftruncate)(file, length)))
        note("cut", inode_of_file(file), 0, (long)length, path, "", NULL, 0);
    UNLOCK;
    return done;
}

int ftruncate(int file, off_t length) { return cut(file, length); }
int ftruncate64(int file, off64_t length) { return cut(file, length); }

static int allocate(int file, off_t offset, off_t length)
{
    char path[PATH_MAX];
    if (!path_of_file(file, path))
        return REAL(posix_fallocate)(file, offset, length);
    LOCK;
    int error = strikes("fallocate") ? errno : REAL(posix_fallocate)(file, offset, length);
    if (!error)
        note("grow", inode_of_file(file), 0, (long)(offset + length), path, "", NULL, 0);
    UNLOCK;
    return error;
}

int posix_fallocate(int file, off_t offset, off_t length) { return allocate(file, offset, length); }
int posix_fallocate64(int file, off64_t offset, off64_t length) { return allocate(file, offset, length); }

/* Callers fall back upon read and write. */
ssize_t sendfile64(int out, int in, off64_t *offset, size_t size)
{
    char path[PATH_MAX];
    if (path_of_file(out, path))
        return errno = EINVAL, -1;
    return REAL(sendfile64)(out, in, offset, size);
}

ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
{
    char path[PATH_MAX];
    if (path_of_file(out, path))
        return errno = EXDEV, -1;
    return REAL(copy_file_range)(in, from, out, to, size, flags);
}

static int sync_it(const char *name, int file)
{
    char path[PATH_MAX];
    int (*real)(int) = (int (*)(int))find(name);
    if (!path_of_file(file, path))
        return real(file);
    struct stat found;
    int is_folder = !fstat(file, &found) && S_ISDIR(found.st_mode);
    LOCK;
    int done = -1;
    if (!strikes(is_folder ? "fsync-folder" : name)) { /* the test's own images tell what is lost: none need wait for the disk */
        done = 0;
        note(is_folder ? "sync-folder" : "sync", inode_of_file(file), 0, 0, path, "", NULL, 0);
    }
    UNLOCK;
    return done;
}

int fsync(int file) { return sync_it("fsync", file); }
int fdatasync(int file) { return sync_it("fdatasync", file); }

/* -- names */

static int move_at(int from, const char *old, int to, const char *new, unsigned flags)
{
    char source[PATH_MAX], target[PATH_MAX];
    int is_ours = path_at(from, old, source);
    if (!path_at(to, new, target) && !is_ours)
        return REAL(renameat2)(from, old, to, new, flags);
    LOCK;
    int done = -1;
    long inode = inode_of(source), over = inode_of(target);
    if (!(over && refuse("rename-over")) && !strikes("rename") && !(done = REAL(renameat2)(from, old, to, new, flags)))
        note("rename", inode, over, 0, source, target, NULL, 0);
    UNLOCK;
    return done;
}

int rename(const char *old, const char *new) { return move_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int renameat(int from, const char *old, int to, const char *new) { return move_at(from, old, to, new, 0); }
int renameat2(int from, const char *old, int to, const char *new, unsigned flags) { return move_at(from, old, to, new, flags); }

static int link_at(int from, const char *old, int to, const char *new, int flags)
{
    char target[PATH_MAX];
    if (!path_at(to, new, target))
        return REAL(linkat)(from, old, to, new, flags);
    LOCK;
    int done = -1;
    if (!strikes("link") && !(done = REAL(linkat)(from, old, to, new, flags)))
        note("link", inode_of(target), 0, 0, target, "", NULL, 0);
    UNLOCK;
    return done;
}

int link(const char *old, const char *new) { return link_at(AT_FDCWD, old, AT_FDCWD, new, 0); }
int linkat(int from, const char *old, int to, const char *new, int flags) { return link_at(from, old, to, new, flags); }

static int remove_at(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    const char *call = flags & AT_REMOVEDIR ? "rmdir" : "unlink";
    if (!path_at(folder, name, path))
        return REAL(unlinkat)(folder, name, flags);
    long inode = inode_of(path);
    if (!inode)
        return REAL(unlinkat)(folder, name, flags);
    LOCK;
    int done = -1;
    if (!strikes(call) && !(done = REAL(unlinkat)(folder, name, flags)))
        note(call, inode, 0, 0, path, "", NULL, 0);
    UNLOCK;
    return done;
}

int unlink(const char *path) { return remove_at(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return remove_at(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int folder, const char *name, int flags) { return remove_at(folder, name, flags); }
int remove(const char *path)
{
    struct stat found;
    return remove_at(AT_FDCWD, path, !lstat(path, &found) && S_ISDIR(found.st_mode) ? AT_REMOVEDIR : 0);
}

static int make_at(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!path_at(folder, name, path) || inode_of(path))
        return REAL(mkdirat)(folder, name, mode);
    LOCK;
    int done = -1;
    if (!strikes("mkdir") && !(done = REAL(mkdirat)(folder, name, mode)))
        note("mkdir", inode_of(path), 0, 0, path, "", NULL, 0);
    UNLOCK;
    return done;
}

int mkdir(const char *path, mode_t mode) { return make_at(AT_FDCWD, path, mode); }
int mkdirat(int folder, const char *name, mode_t mode) { return make_at(folder, name, mode); }

/* -- permissions */

#define GUARDED(call, is_ours, real)               \
    if (!(is_ours))                                \
        return real;                               \
    LOCK;                                          \
    int done = strikes(call) ? -1 : real;          \
    UNLOCK;                                        \
    return done;

int chmod(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    GUARDED("chmod", path_at(AT_FDCWD, name, path), REAL(chmod)(name, mode))
}

int fchmod(int file, mode_t mode)
{
    char path[PATH_MAX];
    GUARDED("chmod", path_of_file(file, path), REAL(fchmod)(file, mode))
}

int fchmodat(int folder, const char *name, mode_t mode, int flags)
{
    char path[PATH_MAX];
    GUARDED("chmod", path_at(folder, name, path), REAL(fchmodat)(folder, name, mode, flags))
}

int fchown(int file, uid_t user, gid_t group)
{
    char path[PATH_MAX];
    GUARDED("chown", path_of_file(file, path), REAL(fchown)(file, user, group))
}

/* -- what changes nothing, and may be refused */

static void *map(void *start, size_t size, int protection, int flags, int file, off64_t offset)
{
    char path[PATH_MAX];
    if (refusals && file >= 0 && (flags & MAP_SHARED) && path_of_file(file, path) && refuse("mmap"))
        return MAP_FAILED;
    return REAL(mmap64)(start, size, protection, flags, file, offset);
}

void *mmap(void *start, size_t size, int protection, int flags, int file, off_t offset)
{
    return map(start, size, protection, flags, file, offset);
}

void *mmap64(void *start, size_t size, int protection, int flags, int file, off64_t offset)
{
    return map(start, size, protection, flags, file, offset);
}

int flock(int file, int operation)
{
    char path[PATH_MAX];
    struct stat found;
    if (refusals && path_of_file(file, path)) {
        int is_folder = !fstat(file, &found) && S_ISDIR(found.st_mode);
        if (refuse(is_folder ? "flock-folder" : "flock"))
            return -1;
    }
    return REAL(flock)(file, operation);
}

static int control(int file, int command, void *given)
{
    char path[PATH_MAX];
    if (refusals && (command == F_SETLK || command == F_SETLKW || command == F_GETLK) && path_of_file(file, path) &&
        refuse("lockf"))
        return -1;
    return REAL(fcntl64)(file, command, given);
}

#define GIVEN                                      \
    va_list rest;                                  \
    va_start(rest, command);                       \
    void *given = va_arg(rest, void *);            \
    va_end(rest);

int fcntl(int file, int command, ...) { GIVEN return control(file, command, given); }
int fcntl64(int file, int command, ...) { GIVEN return control(file, command, given); }
