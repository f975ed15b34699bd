/* One socket: opened, read in big pieces, cut into frames, written without ever blocking. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "frames.h"
#include "load.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

static void watch(struct load *load, struct connection *connection, int operation)
{
    int waits = connection->state == CONNECTING || connection->out_length > connection->out_done;
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(load->epoll, operation, connection->fd, &event);
}

/* Each 400 sockets have a loopback address of their own (so that they are not too many for one), and each run others (so
   that its ports never run out). */
static void bind_source(const struct load *load, const struct connection *connection)
{
    unsigned place = (unsigned)(connection - load->connections) / 400u;
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;
    source.sin_addr.s_addr = htonl(0x7f000000u | 1u << 16 | (load->source & 0xffu) << 8 | (2u + place));
    setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if ((ntohl(connection->server.sin_addr.s_addr) >> 24) == 127u)
        (void)!bind(connection->fd, (struct sockaddr *)&source, sizeof source);
}

void connection_open(struct load *load, struct connection *connection)
{
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        connection->state = CLOSED;
        load->seen.failed++;
        return;
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bind_source(load, connection);
    connection->state = CONNECTING;
    connection->in_length = connection->out_length = connection->out_done = 0;
    connection->began_us = now_us();
    connection->awaiting = -1;
    load->pending++;
    if (connect(connection->fd, (struct sockaddr *)&connection->server, sizeof connection->server) < 0 &&
        errno != EINPROGRESS) {
        connection_end(load, connection, 1);
        return;
    }
    watch(load, connection, EPOLL_CTL_ADD);
}

void connection_ready(struct load *load, struct connection *connection)
{
    connection->state = READY;
    load->pending--;
    load->ready++;
    histogram_add(&load->handshake, now_us() - connection->began_us);
}

void connection_end(struct load *load, struct connection *connection, int failed)
{
    if (connection->fd < 0)
        return;
    close(connection->fd);
    connection->fd = -1;
    if (connection->state == READY) {
        load->ready--;
        load->seen.closed++;
    } else {
        load->pending--;
        load->seen.failed += failed ? 1 : 0;
    }
    connection->state = CLOSED;
    free(connection->in);
    free(connection->out);
    connection->in = connection->out = NULL;
    connection->in_length = connection->out_length = connection->out_done = connection->out_size = 0;
}

static void keep(struct connection *connection, const char *bytes, size_t length)
{
    size_t had = connection->out_length - connection->out_done;
    if (connection->out_done > 0)
        memmove(connection->out, connection->out + connection->out_done, had);
    connection->out_done = 0;
    if (had + length > connection->out_size) {
        connection->out_size = had + length + 512;
        connection->out = realloc(connection->out, connection->out_size);
        if (connection->out == NULL)
            abort();
    }
    memcpy(connection->out + had, bytes, length);
    connection->out_length = had + length;
}

void connection_write(struct load *load, struct connection *connection, const char *bytes, size_t length)
{
    ssize_t wrote = 0;
    if (connection->fd < 0)
        return;
    if (connection->out_length == connection->out_done) {
        wrote = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (wrote == (ssize_t)length)
            return;
        if (wrote < 0 && errno != EAGAIN && errno != EINTR)
            return; /* the read side hears of it too, and ends the connection */
        wrote = wrote < 0 ? 0 : wrote;
    }
    keep(connection, bytes + wrote, length - (size_t)wrote);
    watch(load, connection, EPOLL_CTL_MOD);
}

void connection_text(struct load *load, struct connection *connection, int opcode, const char *text, size_t length)
{
    char stack[8192];
    char *frame = length + FRAME_OVERHEAD <= sizeof stack ? stack : malloc(length + FRAME_OVERHEAD);
    if (frame == NULL)
        abort();
    load->dice = load->dice * 6364136223846793005u + 1442695040888963407u;
    connection_write(load, connection, frame, frame_write(frame, opcode, text, length, (uint32_t)(load->dice >> 32)));
    if (frame != stack)
        free(frame);
}

static void flush(struct load *load, struct connection *connection)
{
    ssize_t wrote = send(connection->fd, connection->out + connection->out_done,
                         connection->out_length - connection->out_done, MSG_NOSIGNAL);
    if (wrote > 0)
        connection->out_done += (size_t)wrote;
    if (connection->out_done == connection->out_length)
        watch(load, connection, EPOLL_CTL_MOD);
}

/* One frame; 0 when the connection is over. */
static int take(struct load *load, struct connection *connection, const struct frame *frame, uint64_t now)
{
    if (frame->opcode == OP_PING) {
        connection_text(load, connection, OP_PONG, frame->payload, frame->length);
    } else if (frame->opcode == OP_CLOSE) {
        connection_end(load, connection, 1);
        return 0;
    } else if (frame->opcode == OP_TEXT && frame->final) {
        protocol_on_text(load, connection, frame->payload, frame->length, now);
    } else if (frame->opcode != OP_PONG && frame->opcode != OP_BINARY) {
        load->seen.malformed++; /* no server here sends a message in fragments */
    }
    return connection->fd >= 0;
}

/* Take all that is whole; returns how many bytes that was. */
static size_t cut(struct load *load, struct connection *connection, const char *bytes, size_t length)
{
    size_t done = 0;
    uint64_t now = now_us();
    while (connection->fd >= 0 && done < length) {
        struct frame frame;
        if (load->protocol == HTTP || connection->state == UPGRADING) {
            size_t taken = load->protocol == HTTP ? http_read(load, connection, bytes + done, length - done)
                                                  : handshake_read(load, connection, bytes + done, length - done);
            if (taken == 0)
                break;
            done += taken;
            continue;
        }
        int whole = frame_read(bytes + done, length - done, &frame);
        if (whole == 0)
            break;
        if (whole < 0) {
            load->seen.malformed++;
            connection_end(load, connection, 1);
            break;
        }
        done += frame.consumed;
        if (!take(load, connection, &frame, now))
            break;
    }
    return done;
}

static void read_some(struct load *load, struct connection *connection)
{
    size_t had = connection->in_length;
    size_t room = READ_BYTES;
    char *buffer = load->buffer;
    if (had > 0) {
        if (had > READ_BYTES) {
            connection_end(load, connection, 1);
            return;
        }
        memcpy(buffer, connection->in, had);
    }
    ssize_t got = recv(connection->fd, buffer + had, room, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            connection_end(load, connection, 1);
        return;
    }
    load->seen.bytes += (uint64_t)got;
    size_t length = had + (size_t)got;
    size_t done = cut(load, connection, buffer, length);
    if (connection->fd < 0)
        return;
    size_t left = length - done;
    if (left > 0 && (connection->in == NULL || left > had)) {
        connection->in = realloc(connection->in, left);
        if (connection->in == NULL)
            abort();
    }
    if (left > 0) {
        memcpy(connection->in, buffer + done, left);
    } else if (had > 0) {
        free(connection->in);
        connection->in = NULL;
    }
    connection->in_length = left;
}

void connection_happened(struct load *load, struct connection *connection, uint32_t events)
{
    if (connection->fd < 0)
        return;
    if (connection->state == CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) {
            connection_end(load, connection, 1);
            return;
        }
        handshake_begin(load, connection);
        watch(load, connection, EPOLL_CTL_MOD);
    } else if ((events & EPOLLOUT) && connection->out_length > connection->out_done) {
        flush(load, connection);
    }
    if (connection->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        read_some(load, connection);
}
