/* When the next message is due, who sends it, and what became of those that are out. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "frames.h"
#include "load.h"

static struct connection *next_sender(struct load *load)
{
    for (size_t tries = 0; tries < load->count; tries++) {
        load->dice = load->dice * 6364136223846793005u + 1442695040888963407u;
        struct connection *connection = &load->connections[(load->dice >> 33) % load->count];
        if (connection->state == READY && connection->awaiting < 0)
            return connection;
    }
    return NULL;
}

static int send_one(struct load *load, uint64_t at_us)
{
    char out[16384];
    struct connection *connection = next_sender(load);
    if (connection == NULL)
        return 0;
    struct sent *sent = &load->sent[load->next_number % SLOTS];
    *sent = (struct sent){.number = load->next_number++, .at_us = at_us, .room = connection->room};
    size_t length = protocol_message(load, connection, sent, out);
    load->seen.sent++;
    load->outstanding++;
    if (load->protocol == HTTP)
        connection_write(load, connection, out, length);
    else
        connection_text(load, connection, OP_TEXT, out, length);
    return 1;
}

static uint64_t due_us(const struct load *load)
{
    return load->rate_began_us + (uint64_t)((double)load->rate_sent * 1e6 / load->rate);
}

void sending_go_on(struct load *load, uint64_t now)
{
    while (load->wanted_outstanding > load->outstanding && send_one(load, now))
        ;
    /* Latency counts from when a message was due, not from when we came to send it. */
    while (load->rate > 0 && due_us(load) <= now && send_one(load, due_us(load)))
        load->rate_sent++;
}

uint64_t sending_next_us(const struct load *load, uint64_t now)
{
    if (load->rate <= 0)
        return UINT64_MAX;
    return due_us(load) > now ? due_us(load) - now : 0;
}

static struct sent *find(struct load *load, int64_t number)
{
    if (number < 0)
        return NULL;
    struct sent *sent = &load->sent[(uint64_t)number % SLOTS];
    return sent->number == (uint64_t)number && sent->at_us != 0 ? sent : NULL;
}

void sending_acked(struct load *load, int64_t number, int refused, uint64_t now)
{
    struct sent *sent = find(load, number);
    if (refused)
        load->seen.refused++;
    if (sent == NULL || sent->acked)
        return;
    sent->acked = 1;
    load->outstanding--;
    if (refused)
        return;
    load->seen.acked++;
    histogram_add(&load->ack, now > sent->at_us ? now - sent->at_us : 0);
}

void sending_delivered(struct load *load, uint64_t number, uint64_t at_us, uint64_t now)
{
    struct sent *sent = find(load, (int64_t)number);
    if (sent == NULL || sent->at_us != at_us)
        return;
    sent->delivered++;
    if (sent->room < load->rooms && sent->delivered == load->room_sizes[sent->room])
        histogram_add(&load->last_member, now > at_us ? now - at_us : 0);
}
