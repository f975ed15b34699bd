/* chatire-loadgen: opens the connections of a list and does with them what standard input says (commands.c).

   chatire-loadgen chatire|plain|socketio|http LIST PROGRESS BODY_BYTES NONCE
   chatire-loadgen limit RECEIVERS FRAME_BYTES SECONDS

   Each line of LIST is one connection: ADDRESS PORT ROOM PATH CONVERSATION TOKEN, parted by blanks, `-` for an empty one. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "limit.h"
#include "load.h"

enum { EVENTS_AT_ONCE = 512, KEEP_ALIVE_US = 20000000 };

static const char *word(char **rest)
{
    char *found = strsep(rest, " \n");
    return found == NULL || strcmp(found, "-") == 0 ? "" : strdup(found);
}

static void add_room_member(struct load *load, unsigned room)
{
    if (room >= load->rooms) {
        load->room_sizes = realloc(load->room_sizes, (room + 1) * sizeof *load->room_sizes);
        memset(load->room_sizes + load->rooms, 0, (room + 1 - load->rooms) * sizeof *load->room_sizes);
        load->rooms = room + 1;
    }
    load->room_sizes[room]++;
}

static void add_connection(struct load *load, char *line)
{
    if ((load->count & (load->count + 1)) == 0) /* 0, 1, 3, 7, …: full; twice as many */
        load->connections = realloc(load->connections, (2 * load->count + 1) * sizeof *load->connections);
    struct connection *connection = &load->connections[load->count++];
    *connection = (struct connection){.fd = -1, .state = CLOSED, .last_seq = -1, .awaiting = -1};
    connection->server.sin_family = AF_INET;
    inet_pton(AF_INET, word(&line), &connection->server.sin_addr);
    connection->server.sin_port = htons((uint16_t)atoi(word(&line)));
    connection->room = (unsigned)atoi(word(&line));
    connection->path = word(&line);
    connection->conversation = word(&line);
    connection->token = word(&line);
    add_room_member(load, connection->room);
}

static void read_list(struct load *load, const char *path)
{
    char line[8192];
    FILE *list = fopen(path, "r");
    if (list == NULL) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof line, list) != NULL)
        add_connection(load, line);
    fclose(list);
}

static struct progress *map_progress(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, 4096) < 0) {
        perror(path);
        exit(2);
    }
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return mapped == MAP_FAILED ? calloc(1, 4096) : mapped;
}

static void publish_progress(struct load *load)
{
    const struct counters *seen = &load->seen, *before = &load->before;
    *load->progress = (struct progress){
        .deliveries = before->deliveries + seen->deliveries,
        .ready = load->ready,
        .acked = before->acked + seen->acked,
        .closed = before->closed + seen->closed + before->failed + seen->failed,
        .sent = before->sent + seen->sent,
    };
}

/* Open what is due, up to as many at once as was asked for; answer the command when all is done. */
static void connect_more(struct load *load, uint64_t now)
{
    size_t waiting = 0;
    if (load->connect_most == 0)
        return;
    for (; load->pending < load->connect_most && load->connect_next < load->count; load->connect_next++) {
        struct connection *connection = &load->connections[load->connect_next];
        if (connection->state == WAITING && connection->due_us <= now)
            connection_open(load, connection);
    }
    if (load->connect_next < load->count)
        return;
    /* A pass is over. Those that were told to come later get another. */
    for (size_t index = 0; index < load->count; index++)
        waiting += load->connections[index].state == WAITING;
    if (waiting > 0) {
        load->connect_next = 0;
    } else if (load->pending == 0) {
        load->connect_most = 0;
        command_tell_connected(load);
    }
}

static void keep_alive(struct load *load, uint64_t began_us, uint64_t now)
{
    size_t wanted = (size_t)((double)(now - began_us) / KEEP_ALIVE_US * (double)load->count);
    for (; load->ping_next < wanted; load->ping_next++)
        protocol_keep_alive(load, &load->connections[load->ping_next % load->count]);
}

static int wait_ms(const struct load *load, uint64_t now)
{
    uint64_t next = sending_next_us(load, now);
    if (load->connect_most > 0 && next > 1000)
        next = 1000;
    return next > 50000 ? 50 : (int)(next / 1000);
}

/* Whole lines of standard input; 0 when it ended or said quit. */
static int obey(struct load *load)
{
    static char text[4096];
    static size_t had;
    ssize_t got = read(STDIN_FILENO, text + had, sizeof text - 1 - had);
    if (got <= 0)
        return 0;
    had += (size_t)got;
    text[had] = '\0';
    char *end, *start = text;
    while ((end = strchr(start, '\n')) != NULL) {
        *end = '\0';
        if (!command_run(load, start))
            return 0;
        start = end + 1;
    }
    had -= (size_t)(start - text);
    memmove(text, start, had);
    return 1;
}

static int serve(struct load *load)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t began_us = now_us();
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    for (;;) {
        uint64_t now = now_us();
        connect_more(load, now);
        sending_go_on(load, now);
        keep_alive(load, began_us, now);
        publish_progress(load);
        int count = epoll_wait(load->epoll, events, EVENTS_AT_ONCE, wait_ms(load, now));
        for (int index = 0; index < count; index++) {
            if (events[index].data.ptr != NULL)
                connection_happened(load, events[index].data.ptr, events[index].events);
            else if (!obey(load))
                return 0;
        }
    }
}

int main(int count, char **words)
{
    static struct load load;
    struct rlimit files;
    if (count == 5 && strcmp(words[1], "limit") == 0)
        return limit_run(atoi(words[2]), (size_t)atoi(words[3]), atof(words[4]));
    if (count != 6) {
        fprintf(stderr, "see the head of main.c\n");
        return 2;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    const char *name = words[1];
    load.protocol = strcmp(name, "chatire") == 0 ? CHATIRE : strcmp(name, "socketio") == 0 ? SOCKETIO
                  : strcmp(name, "http") == 0 ? HTTP : PLAIN;
    load.progress = map_progress(words[3]);
    load.body_bytes = (size_t)atoi(words[4]);
    if (load.body_bytes > 4096)
        load.body_bytes = 4096;
    load.first_number = (uint32_t)strtoul(words[5], NULL, 10);
    load.source = (unsigned)load.first_number;
    load.dice = load.first_number * 2654435761u + 1;
    load.sent = calloc(SLOTS, sizeof *load.sent);
    load.buffer = malloc(2 * READ_BYTES);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    read_list(&load, words[2]);
    if (load.sent == NULL || load.buffer == NULL || load.epoll < 0 || load.count == 0) {
        fprintf(stderr, "no connections, or no memory\n");
        return 2;
    }
    return serve(&load);
}
