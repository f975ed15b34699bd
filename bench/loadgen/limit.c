#define _GNU_SOURCE
#include "limit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* The child: connect and read until the other side closes. `CHATIRE_LIMIT_CPU` moves it out of the sender's way. */
static void read_all(struct sockaddr_in address, int receivers)
{
    static char buffer[1 << 18];
    struct epoll_event events[256];
    int epoll = epoll_create1(0), open = 0;
    const char *cpu = getenv("CHATIRE_LIMIT_CPU");
    if (cpu != NULL) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(atoi(cpu), &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    for (; open < receivers; open++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
            _exit(3);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    while (open > 0) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int index = 0; index < count; index++) {
            if (recv(events[index].data.fd, buffer, sizeof buffer, MSG_DONTWAIT) == 0) {
                close(events[index].data.fd);
                open--;
            }
        }
    }
    _exit(0);
}

static int send_for(int *sockets, int receivers, size_t frame_bytes, double seconds, uint64_t *calls)
{
    char *frame = malloc(frame_bytes);
    uint64_t end = now_us() + (uint64_t)(seconds * 1e6);
    if (frame == NULL)
        return 0;
    memset(frame, 'x', frame_bytes);
    while (now_us() < end) {
        for (int index = 0; index < receivers; index++) {
            if (send(sockets[index], frame, frame_bytes, MSG_NOSIGNAL) < 0) {
                free(frame);
                return 0;
            }
            ++*calls;
        }
    }
    free(frame);
    return 1;
}

int limit_run(int receivers, size_t frame_bytes, double seconds)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int *sockets = calloc((size_t)receivers, sizeof *sockets);
    uint64_t calls = 0;
    if (sockets == NULL || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("listen");
        return 1;
    }
    pid_t reader = fork();
    if (reader == 0)
        read_all(address, receivers);
    for (int index = 0; index < receivers; index++)
        sockets[index] = accept(listener, NULL, NULL);
    double before = cpu_seconds();
    uint64_t began_us = now_us();
    int fine = send_for(sockets, receivers, frame_bytes, seconds, &calls);
    printf("{\"calls\":%lu,\"cpu_seconds\":%.6f,\"seconds\":%.6f}\n", (unsigned long)calls, cpu_seconds() - before,
           (double)(now_us() - began_us) / 1e6);
    for (int index = 0; index < receivers; index++)
        close(sockets[index]);
    waitpid(reader, NULL, 0);
    free(sockets);
    return fine ? 0 : 1;
}
