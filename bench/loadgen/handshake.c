/* From a TCP connection to one that is ready: the upgrade, and each protocol's greeting. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "frames.h"
#include "load.h"
#include "text.h"

void handshake_begin(struct load *load, struct connection *connection)
{
    char request[2048];
    if (load->protocol == HTTP) {
        connection->state = GREETING;
        connection_ready(load, connection);
        return;
    }
    connection->state = UPGRADING;
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                          connection->path, (unsigned)ntohs(connection->server.sin_port),
                          load->protocol == CHATIRE ? "Sec-WebSocket-Protocol: chatire.v1\r\n" : "");
    connection_write(load, connection, request, (size_t)length);
}

/* 503: come again after `Retry-After`, with jitter, as a client would. */
static void come_again(struct load *load, struct connection *connection, const char *head, size_t length)
{
    const char *found = memmem(head, length, "etry-", 5);
    uint64_t seconds = 1;
    if (found != NULL && (found = memchr(found, ':', length - (size_t)(found - head))) != NULL)
        seconds = (uint64_t)atoi(found + 1);
    load->seen.later++;
    connection_end(load, connection, 0);
    load->dice = load->dice * 6364136223846793005u + 1442695040888963407u;
    connection->due_us = now_us() + (seconds > 0 ? seconds : 1) * 1000000u * (512u + (load->dice >> 55)) / 1024u;
    connection->state = WAITING;
}

size_t handshake_read(struct load *load, struct connection *connection, const char *bytes, size_t length)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - bytes) + 4;
    if (text_begins(bytes, length, "HTTP/1.1 101")) {
        connection->state = GREETING;
        handshake_greet(load, connection);
    } else if (text_begins(bytes, length, "HTTP/1.1 503")) {
        come_again(load, connection, bytes, head);
    } else {
        connection_end(load, connection, 1);
    }
    return head;
}

void handshake_greet(struct load *load, struct connection *connection)
{
    char auth[4096];
    if (load->protocol == SOCKETIO)
        return; /* the server speaks first: 0{"sid":…} */
    if (load->protocol == PLAIN || connection->token[0] == '\0') {
        connection_ready(load, connection);
        return;
    }
    int length = snprintf(auth, sizeof auth, "{\"type\":\"auth\",\"token\":\"%s\"", connection->token);
    if (load->resuming && connection->last_seq >= 0)
        length += snprintf(auth + length, sizeof auth - (size_t)length, ",\"cursors\":{\"%s\":%ld}",
                           connection->conversation, (long)connection->last_seq);
    length += snprintf(auth + length, sizeof auth - (size_t)length, "}");
    connection_text(load, connection, OP_TEXT, auth, (size_t)length);
}
