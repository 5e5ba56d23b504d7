/* Power loss, for a test: preloaded into the server, this library keeps a shadow of every file below
 * CODRAFT_SHADOW_FROM in CODRAFT_SHADOW_TO, and copies bytes there only when a program has asked for them to be
 * on the disk (fsync, fdatasync; a name once its directory is synced). The shadow is what a disk would have
 * after the power is cut: everything that was synced, and nothing that was not. sync_file_range changes
 * nothing: it promises nothing.
 *
 * Before each sync returns, the shadow is complete; whoever copies the shadow at any moment between two syncs
 * has a disk after a power loss at that moment. With CODRAFT_SHADOW_LIES set nothing is ever copied but names: a
 * disk that says it has synced and has not. A test that does not notice that one notices nothing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

/* The path of a descriptor below FROM, as a path below TO; 0 where it is elsewhere. */
static int shadow_of(int fd, char *to, char *from) {
    const char *source = getenv("CODRAFT_SHADOW_FROM"), *target = getenv("CODRAFT_SHADOW_TO");
    char link[64];
    if (!source || !target) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, from, PATH_MAX - 1);
    if (n <= 0) return 0;
    from[n] = 0;
    size_t length = strlen(source);
    if (strncmp(from, source, length) != 0) return 0;
    if (snprintf(to, PATH_MAX, "%s%s", target, from + length) >= PATH_MAX) return 0;
    return 1;
}

/* Makes the shadow of a file what the file is now: only what differs is written. */
static void copy(const char *from, const char *to) {
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return;
    int out = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (out < 0) {
        close(in);
        return;
    }
    static char a[1 << 16], b[1 << 16];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(in, a, sizeof a, at);
        if (n <= 0) break;
        ssize_t m = pread(out, b, (size_t)n, at);
        if (m != n || memcmp(a, b, (size_t)n) != 0) {
            if (pwrite(out, a, (size_t)n, at) != n) abort();
        }
        at += n;
    }
    if (ftruncate(out, at) != 0) abort();
    close(in);
    close(out);
}

/* A synced directory: names that are gone are gone. New names are there, with what of them was synced. */
static void names(const char *from, const char *to) {
    mkdir(to, 0700);
    DIR *dir = opendir(to);
    if (dir) {
        struct dirent *entry;
        char there[PATH_MAX + 300], here[PATH_MAX + 300];
        while ((entry = readdir(dir))) {
            if (entry->d_name[0] == '.') continue;
            snprintf(here, sizeof here, "%s/%s", from, entry->d_name);
            snprintf(there, sizeof there, "%s/%s", to, entry->d_name);
            if (access(here, F_OK) != 0) unlink(there);
        }
        closedir(dir);
    }
    dir = opendir(from);
    if (dir) {
        struct dirent *entry;
        char there[PATH_MAX + 300], here[PATH_MAX + 300];
        struct stat what;
        while ((entry = readdir(dir))) {
            if (entry->d_name[0] == '.') continue;
            snprintf(here, sizeof here, "%s/%s", from, entry->d_name);
            snprintf(there, sizeof there, "%s/%s", to, entry->d_name);
            if (stat(here, &what) != 0) continue;
            if (S_ISDIR(what.st_mode)) {
                mkdir(there, 0700);
            } else {
                int made = open(there, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (made >= 0) close(made);
            }
        }
        closedir(dir);
    }
}

static void synced(int fd) {
    char from[PATH_MAX], to[PATH_MAX];
    int saved = errno;
    if (shadow_of(fd, to, from)) {
        struct stat what;
        if (fstat(fd, &what) == 0) {
            pthread_mutex_lock(&one);
            if (S_ISDIR(what.st_mode)) {
                names(from, to);
            } else if (!getenv("CODRAFT_SHADOW_LIES")) {
                copy(from, to);
            }
            pthread_mutex_unlock(&one);
        }
    }
    errno = saved;
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    int outcome = real(fd);
    if (outcome == 0) synced(fd);
    return outcome;
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    int outcome = real(fd);
    if (outcome == 0) synced(fd);
    return outcome;
}

/* A rename takes a name's content along; it counts at once, as it may on a disk. */
int rename(const char *old, const char *new) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    int outcome = real(old, new);
    const char *source = getenv("CODRAFT_SHADOW_FROM"), *target = getenv("CODRAFT_SHADOW_TO");
    if (outcome == 0 && source && target) {
        size_t length = strlen(source);
        char a[PATH_MAX], b[PATH_MAX];
        if (strncmp(old, source, length) == 0 && strncmp(new, source, length) == 0) {
            snprintf(a, sizeof a, "%s%s", target, old + length);
            snprintf(b, sizeof b, "%s%s", target, new + length);
            pthread_mutex_lock(&one);
            real(a, b);
            pthread_mutex_unlock(&one);
        }
    }
    return outcome;
}
