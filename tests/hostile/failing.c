/* failing.c - preloaded into a server: allocations and forks fail when a test says so. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* A file that the test maps too; failing.py has the same layout. */
struct orders {
    _Atomic int32_t pid;    /* whose allocations fail; 0: nobody's */
    _Atomic int32_t forks;  /* how many of the next forks fail */
    _Atomic int64_t first;  /* the allocation, counted from 1, that fails first */
    _Atomic int64_t every;  /* and each so many after it; 0: none */
    _Atomic int64_t count;  /* allocations so far */
    _Atomic int64_t failed; /* of them */
};

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static struct orders *orders;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAILING_ORDERS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED)
        orders = at;
    close(fd);
}

static int fails(void)
{
    if (!orders || !orders->pid || orders->pid != getpid())
        return 0;
    int64_t past = ++orders->count - orders->first;
    if (past < 0 || (past > 0 && (orders->every == 0 || past % orders->every != 0)))
        return 0;
    orders->failed++;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}

pid_t fork(void)
{
    if (orders && orders->forks > 0) {
        orders->forks--;
        errno = EAGAIN;
        return -1;
    }
    pid_t (*real)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
    return real();
}
