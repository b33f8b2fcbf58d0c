/* Asterisk's side of FastAGI, many calls at once: agi_load PORT SESSIONS WARM_MS RUN_MS [THINK_MS]

   Each session connects, sends its headers, answers each command at once (or after THINK_MS, give or take a half), and
   is followed by the next when the server closes it. Commands are counted for RUN_MS after WARM_MS; what runs then is let come to its end, so that no server
   sees a session break off. Prints one line of JSON:

   commands (all of them), commands_per_s, turn_p50_us, turn_p99_us (from an answer to the next command), faults (sessions of other than 20
   commands, or of other commands) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS = 20, EVENTS = 256, STALL_MS = 20000 };

typedef struct {
    int fd;
    int connected;
    int commands;
    uint64_t answered_at;
    uint64_t due; /* when the answer is to be sent, 0 if none is */
} Session;

static struct sockaddr_in address;
static char headers[2048];
static int headers_size, poll_fd, think_ms;
static uint64_t count_from, count_until;
static uint32_t *turns;
static size_t turn_count, turn_room;
static long running, commands, faults;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static void start(Session *session) {
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = session};
    memset(session, 0, sizeof *session);
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (session->fd < 0)
        fail("socket");
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(session->fd, (void *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect");
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, session->fd, &event);
    running++;
}

static void greet(Session *session) {
    int error = 0;
    socklen_t size = sizeof error;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};
    getsockopt(session->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    if (error || write(session->fd, headers, headers_size) != headers_size)
        fail("connect");
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, session->fd, &event);
    session->connected = 1;
    session->answered_at = now_us();
}

static void finish(Session *session) {
    close(session->fd);
    running--;
    if (session->commands != COMMANDS)
        faults++;
    if (now_us() < count_until)
        start(session);
}

static void note_turn(uint64_t begun, uint64_t now) {
    if (now < count_from || now >= count_until)
        return;
    if (turn_count == turn_room) {
        turn_room = turn_room ? 2 * turn_room : 1 << 16;
        turns = realloc(turns, turn_room * sizeof *turns);
        if (!turns)
            fail("memory");
    }
    turns[turn_count++] = now - begun;
}

static void answer(Session *session) {
    static const char done[] = "200 result=0\n";
    session->due = 0;
    if (write(session->fd, done, sizeof done - 1) < 0)
        fail("answer");
    session->answered_at = now_us();
}

static void hear(Session *session) {
    char data[8192];
    ssize_t size = read(session->fd, data, sizeof data);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0) {
        finish(session);
        return;
    }
    if (data[size - 1] != '\n' || memchr(data, '\n', size - 1) || memcmp(data, "SET VARIABLE ", 13))
        faults++;
    note_turn(session->answered_at, now_us());
    session->commands++;
    commands++;
    if (think_ms)
        session->due = now_us() + 500ull * think_ms + random() % (1000ull * think_ms);
    else
        answer(session);
}

static int by_size(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr, "agi_load PORT SESSIONS WARM_MS RUN_MS [THINK_MS]\n");
        return 2;
    }
    think_ms = count > 5 ? atoi(words[5]) : 0;
    int port = atoi(words[1]), sessions = atoi(words[2]);
    struct epoll_event events[EVENTS];
    Session *all = calloc(sessions, sizeof *all);
    headers_size = snprintf(headers, sizeof headers,
        "agi_network: yes\nagi_network_script: bench\nagi_request: agi://127.0.0.1:%d/bench\n"
        "agi_channel: PJSIP/trunk-a-0000002f\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1764000000.4711\n"
        "agi_version: 22.10.1\nagi_callerid: 4915112345678\nagi_calleridname: Erika Mustermann\nagi_callingpres: 0\n"
        "agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: 4930901820\nagi_rdnis: unknown\n"
        "agi_context: from-trunk\nagi_extension: 4930901820\nagi_priority: 2\nagi_enhanced: 0.0\nagi_accountcode: \n"
        "agi_threadid: 139872323208960\n\n", port);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    poll_fd = epoll_create1(0);
    count_from = now_us() + 1000ull * atoi(words[3]);
    count_until = count_from + 1000ull * atoi(words[4]);
    for (int at = 0; at < sessions; at++)
        start(&all[at]);
    while (running) {
        int ready = epoll_wait(poll_fd, events, EVENTS, think_ms ? 1 : STALL_MS);
        if (ready == 0 && !think_ms) {
            fprintf(stderr, "the server stands still, %ld sessions are open\n", running);
            return 1;
        }
        for (int at = 0; at < ready; at++) {
            Session *session = events[at].data.ptr;
            if (session->connected)
                hear(session);
            else if (events[at].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
                greet(session);
        }
        for (int at = 0; think_ms && at < sessions; at++)
            if (all[at].due && now_us() >= all[at].due)
                answer(&all[at]);
    }
    if (!turn_count) {
        fprintf(stderr, "no command came in time\n");
        return 1;
    }
    qsort(turns, turn_count, sizeof *turns, by_size);
    printf("{\"commands\": %ld, \"commands_per_s\": %.1f, \"turn_p50_us\": %u, \"turn_p99_us\": %u, \"faults\": %ld}\n",
        commands, turn_count * 1e6 / (count_until - count_from), turns[turn_count / 2], turns[turn_count * 99 / 100], faults);
    return 0;
}
