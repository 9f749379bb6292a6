/* uploads.c - descriptors of anonymous files over a pair of sockets. */
/* SPDX-License-Identifier: MIT */
#include "wire/uploads.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

/* The kernel makes more of it, 4,608 bytes: room for some five messages. */
enum { ROOM = 1 };

bool uploads_open(struct uploads *u, struct err *err)
{
    const int room = ROOM;
    int pair[2] = {-1, -1};
    void *memory =
        mmap(NULL, sizeof(*u->figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    *u = (struct uploads){-1, -1, memory == MAP_FAILED ? NULL : memory};
    if (!u->figures ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0 ||
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) != 0)
        return err_set_errno(err, "sockets for the pusher");
    u->to_pusher = pair[0];
    u->from_front = pair[1];
    return true;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void uploads_shut(struct uploads *u)
{
    close_end(&u->to_pusher);
    close_end(&u->from_front);
}

void uploads_close(struct uploads *u)
{
    uploads_shut(u);
    if (u->figures)
        munmap(u->figures, sizeof(*u->figures));
    u->figures = NULL;
}

/* -- Sending --------------------------------------------------------------------------------- */

static bool write_all(int fd, struct str body)
{
    while (body.len) {
        ssize_t len = write(fd, body.at, body.len);

        if (len <= 0)
            return false;
        body = (struct str){body.at + len, body.len - (size_t)len};
    }
    return true;
}

/* What the descriptor that goes with a message lies in. */
union rights {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static bool send_file(int socket, int fd, uint64_t from_wall_ms)
{
    struct iovec data = {&from_wall_ms, sizeof(from_wall_ms)};
    union rights rights = {.head = {.cmsg_len = CMSG_LEN(sizeof(fd)),
                                    .cmsg_level = SOL_SOCKET,
                                    .cmsg_type = SCM_RIGHTS}};
    const struct msghdr message = {.msg_iov = &data,
                                   .msg_iovlen = 1,
                                   .msg_control = rights.bytes,
                                   .msg_controllen = sizeof(rights.bytes)};

    memcpy(CMSG_DATA(&rights.head), &fd, sizeof(fd));
    return sendmsg(socket, &message, MSG_NOSIGNAL) >= 0;
}

void uploads_send(const struct uploads *u, struct str body, uint64_t from_wall_ms)
{
    int fd = body.len <= UPLOAD_BYTES_MAX ? memfd_create("profiles", MFD_CLOEXEC) : -1;

    if (fd < 0 || !write_all(fd, body) || !send_file(u->to_pusher, fd, from_wall_ms))
        atomic_fetch_add(&u->figures->dropped[UPLOAD_BEHIND], 1);
    if (fd >= 0)
        close(fd);
}

/* -- Taking ---------------------------------------------------------------------------------- */

static int fd_of(struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(fd)))
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    return fd;
}

static bool has_file(struct upload *upload)
{
    struct stat file;

    if (upload->fd < 0 || fstat(upload->fd, &file) != 0 || file.st_size < 0 ||
        file.st_size > UPLOAD_BYTES_MAX)
        return false;
    upload->bytes = (uint64_t)file.st_size;
    return true;
}

enum uploads_state uploads_take(const struct uploads *u, struct upload *upload)
{
    struct iovec data = {&upload->from_wall_ms, sizeof(upload->from_wall_ms)};
    union rights rights;
    ssize_t len;

    do {
        struct msghdr message = {.msg_iov = &data,
                                 .msg_iovlen = 1,
                                 .msg_control = rights.bytes,
                                 .msg_controllen = CMSG_LEN(sizeof(int))}; /* room for one alone */

        len = recvmsg(u->from_front, &message, MSG_CMSG_CLOEXEC);
        upload->fd = len > 0 ? fd_of(&message) : -1;
        if (len == (ssize_t)sizeof(upload->from_wall_ms) && has_file(upload))
            return UPLOADS_TAKEN;
        if (upload->fd >= 0)
            close(upload->fd);
    } while (len > 0 || (len < 0 && errno == EINTR)); /* one that is none is left out */
    return len == 0 ? UPLOADS_END : UPLOADS_NONE;
}
