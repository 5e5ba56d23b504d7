/* A disk that does not answer, for a test: preloaded into the server, this library lets no write to sled's file end
 * while the file named by CODRAFT_STALLED_WHILE is there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wait_for(int fd) {
    const char *sign = getenv("CODRAFT_STALLED_WHILE"), *end = "/db/db";
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (!sign || n < (ssize_t)strlen(end)) return;
    path[n] = 0;
    if (strcmp(path + n - strlen(end), end) != 0) return;
    while (access(sign, F_OK) == 0) usleep(10000);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    wait_for(fd);
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    wait_for(fd);
    return real(fd, bytes, count, at);
}
