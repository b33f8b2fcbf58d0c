/* The least a FastAGI server can do in one thread: epoll, find the end of the header block, send 20 commands, close.
   It checks nothing and holds no limit. Prints its port, then serves until it is killed. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COMMANDS = 20, EVENTS = 256 };

typedef struct {
    int fd;
    int sent;
} Session;

static const char command[] = "SET VARIABLE \"step\" \"7\"\n";

static int listening(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (void *)&address, sizeof address) || listen(fd, 1024) ||
        getsockname(fd, (void *)&address, &size)) {
        perror("agi_floor");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void admit(int poll, int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Session *session = calloc(1, sizeof *session);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        session->fd = fd;
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void serve(Session *session) {
    char data[8192];
    ssize_t size = read(session->fd, data, sizeof data);
    int over = size <= 0 || session->sent == COMMANDS;
    if (!over && session->sent == 0 && !memmem(data, size, "\n\n", 2))
        return;
    if (!over && session->sent && (data[size - 1] != '\n' || memcmp(data, "200 result=", 11)))
        return;
    if (over || write(session->fd, command, sizeof command - 1) < 0) {
        close(session->fd);
        free(session);
        return;
    }
    session->sent++;
}

int main(void) {
    int listener = listening(), poll = epoll_create1(0);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int at = 0; at < count; at++)
            if (events[at].data.ptr)
                serve(events[at].data.ptr);
            else
                admit(poll, listener);
    }
}
