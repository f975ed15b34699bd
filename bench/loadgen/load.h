/* The load: many connections to one kind of server, what they are to send, and what they saw. */
#ifndef CHATIRE_LOAD_H
#define CHATIRE_LOAD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

enum protocol { CHATIRE, PLAIN, SOCKETIO, HTTP };

/* Waiting: refused with 503, or not begun; to be tried (again) at `due_us`. */
enum state { WAITING, CONNECTING, UPGRADING, GREETING, READY, CLOSED };

enum { SLOTS = 1 << 16, READ_BYTES = 1 << 18 };

struct connection {
    int fd;
    enum state state;
    unsigned room;
    struct sockaddr_in server;
    const char *path, *conversation, *token; /* parts of one line of the list */
    char *in, *out;                          /* what is half read, what is not written yet */
    size_t in_length, out_length, out_done, out_size;
    uint64_t due_us, began_us;
    uint64_t received;                       /* events since the first connect */
    int64_t last_seq;                        /* of the newest event; -1 before the first */
    int64_t awaiting;                        /* HTTP: the message whose answer is outstanding; -1 for none */
};

/* A message of ours. Its number is its place in the order of sending; `number % SLOTS` its slot. */
struct sent {
    uint64_t number, at_us;
    unsigned room;
    uint32_t delivered;
    int acked;
};

struct counters {
    uint64_t deliveries, bytes, sent, acked, refused, foreign;
    uint64_t jumps;     /* an event came whose seq is not one more than the last one's: something is missing, or out of order */
    uint64_t backwards; /* an event came whose seq is not above the last one's: doubled, or out of order */
    uint64_t closed, failed, later, malformed;
};

/* Read by the runner while we work (a shared file); see `Progress` in chatire_bench.loadgen. Never reset. */
struct progress {
    uint64_t deliveries, ready, acked, closed, sent;
};

struct load {
    enum protocol protocol;
    int epoll;
    struct connection *connections;
    size_t count, ready, pending;
    uint32_t *room_sizes;
    unsigned rooms, source;     /* `source`: third byte of the addresses that we connect from */
    size_t body_bytes;
    struct counters seen, before; /* since the last `reset`, and until then */
    struct histogram delivery, last_member, ack, handshake;
    struct sent *sent;
    uint64_t next_number, first_number, outstanding, dice;
    uint64_t wanted_outstanding;                 /* closed loop; 0: off */
    double rate;                                 /* open loop; 0: off */
    uint64_t rate_began_us, rate_sent;
    size_t connect_next, connect_most;           /* connecting: the next one, and how many at once */
    size_t ping_next;
    int resuming;
    struct progress *progress;
    char *buffer;
};

/* connection.c */
void connection_open(struct load *load, struct connection *connection);
void connection_ready(struct load *load, struct connection *connection);
void connection_end(struct load *load, struct connection *connection, int failed);
void connection_happened(struct load *load, struct connection *connection, uint32_t events);
void connection_write(struct load *load, struct connection *connection, const char *bytes, size_t length);
void connection_text(struct load *load, struct connection *connection, int opcode, const char *text, size_t length);

/* handshake.c */
void handshake_begin(struct load *load, struct connection *connection);
/* Bytes taken of what came before the connection is a WebSocket; 0: more is needed. */
size_t handshake_read(struct load *load, struct connection *connection, const char *bytes, size_t length);
void handshake_greet(struct load *load, struct connection *connection);

/* protocol.c */
void protocol_on_text(struct load *load, struct connection *connection, const char *text, size_t length, uint64_t now);
size_t protocol_message(struct load *load, struct connection *connection, const struct sent *sent, char *out);
void protocol_keep_alive(struct load *load, struct connection *connection);

/* http.c */
size_t http_read(struct load *load, struct connection *connection, const char *bytes, size_t length);
size_t http_message(struct load *load, struct connection *connection, const struct sent *sent, char *out);

/* sending.c */
void sending_go_on(struct load *load, uint64_t now);
uint64_t sending_next_us(const struct load *load, uint64_t now);
void sending_acked(struct load *load, int64_t number, int refused, uint64_t now);
void sending_delivered(struct load *load, uint64_t number, uint64_t at_us, uint64_t now);
size_t body_write(const struct load *load, const struct sent *sent, char *out);

/* commands.c */
int command_run(struct load *load, char *line);
void command_tell_connected(struct load *load);

#endif
