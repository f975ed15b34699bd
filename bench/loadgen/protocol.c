/* What the frames of each protocol mean, and how a message is sent over it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "load.h"
#include "text.h"

static void one_event(struct load *load, struct connection *connection, int64_t seq)
{
    load->seen.deliveries++;
    connection->received++;
    if (connection->last_seq >= 0 && seq <= connection->last_seq) {
        load->seen.backwards++;
        return;
    }
    if (connection->last_seq >= 0 && seq > connection->last_seq + 1)
        load->seen.jumps++;
    connection->last_seq = seq;
}

static void event(struct load *load, struct connection *connection, const char *text, size_t length, uint64_t now)
{
    struct marker marker;
    size_t from = 0;
    int64_t seq = text_next_seq(text, length, &from);
    if (seq < 0) {
        load->seen.malformed++;
        return;
    }
    one_event(load, connection, seq);
    if (text_marker(text, length, &marker)) {
        histogram_add(&load->delivery, now > marker.at_us ? now - marker.at_us : 0);
        sending_delivered(load, marker.number, marker.at_us, now);
    }
}

/* Up to a hundred events in one frame, after a resume or a healed gap: in order, but no measure of live latency. */
static void bundle(struct load *load, struct connection *connection, const char *text, size_t length)
{
    size_t from = 0;
    int64_t seq;
    while ((seq = text_next_seq(text, length, &from)) >= 0) {
        if (text_seq_is_of_event(text, length, from))
            one_event(load, connection, seq);
    }
}

static int is(const char *type, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(type, wanted, size) == 0;
}

/* What comes live begins after `last_seq`, and that is the cursor of who has seen nothing yet. */
static void ready(struct load *load, struct connection *connection, const char *text, size_t length)
{
    if (connection->last_seq < 0)
        connection->last_seq = text_number_after(text, length, "\"last_seq\":");
    if (connection->state == GREETING)
        connection_ready(load, connection);
}

static void typed(struct load *load, struct connection *connection, const char *text, size_t length, uint64_t now)
{
    const char *type;
    size_t size = text_type(text, length, &type);
    if (size == 0)
        load->seen.malformed++;
    else if (is(type, size, "event"))
        event(load, connection, text, length, now);
    else if (is(type, size, "ack"))
        sending_acked(load, text_id(text, length), 0, now);
    else if (is(type, size, "events"))
        bundle(load, connection, text, length);
    else if (is(type, size, "ready"))
        ready(load, connection, text, length);
    else if (is(type, size, "error"))
        sending_acked(load, text_id(text, length), 1, now);
}

/* Engine.IO 4 and Socket.IO 5 in one: the first digit is the packet of the former, the second of the latter. */
static void socketio(struct load *load, struct connection *connection, const char *text, size_t length, uint64_t now)
{
    if (text_begins(text, length, "42")) {
        event(load, connection, text, length, now);
    } else if (text_begins(text, length, "43")) {
        int64_t number = 0;
        for (size_t at = 2; at < length && text[at] >= '0' && text[at] <= '9'; at++)
            number = number * 10 + (text[at] - '0');
        sending_acked(load, number, 0, now);
    } else if (text_begins(text, length, "40")) {
        if (connection->state == GREETING)
            connection_ready(load, connection);
    } else if (text_begins(text, length, "44") || text_begins(text, length, "1")) {
        connection_end(load, connection, 1);
    } else if (text_begins(text, length, "2")) {
        connection_text(load, connection, OP_TEXT, "3", 1);
    } else if (text_begins(text, length, "0")) {
        connection_text(load, connection, OP_TEXT, "40", 2);
    }
}

void protocol_on_text(struct load *load, struct connection *connection, const char *text, size_t length, uint64_t now)
{
    if (load->protocol == SOCKETIO)
        socketio(load, connection, text, length, now);
    else
        typed(load, connection, text, length, now);
}

size_t body_write(const struct load *load, const struct sent *sent, char *out)
{
    size_t length = (size_t)sprintf(out, "n^%lu=%lu^ ", (unsigned long)sent->number, (unsigned long)sent->at_us);
    while (length < load->body_bytes)
        out[length++] = 'x';
    out[length] = '\0';
    return length;
}

size_t protocol_message(struct load *load, struct connection *connection, const struct sent *sent, char *out)
{
    char body[4200];
    if (load->protocol == HTTP)
        return http_message(load, connection, sent, out);
    body_write(load, sent, body);
    if (load->protocol == SOCKETIO)
        return (size_t)sprintf(out, "42%lu[\"send\",{\"room\":\"%s\",\"body\":\"%s\"}]", (unsigned long)sent->number,
                               connection->conversation, body);
    return (size_t)sprintf(out,
                           "{\"type\":\"send\",\"id\":\"%08x-0000-4000-8000-%012lx\",\"conversation\":\"%s\",\"body\":\"%s\"}",
                           (unsigned)load->first_number, (unsigned long)sent->number, connection->conversation, body);
}

void protocol_keep_alive(struct load *load, struct connection *connection)
{
    static const char ping[] = "{\"type\":\"ping\",\"n\":1}";
    if (load->protocol == CHATIRE && connection->state == READY && connection->token[0] != '\0')
        connection_text(load, connection, OP_TEXT, ping, sizeof ping - 1);
}
