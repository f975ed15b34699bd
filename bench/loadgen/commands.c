/* The runner's commands, one a line on standard input, each answered by one line of JSON.

   connect N     open all connections, N handshakes at once; answered when none is pending any more
   drop          close all sockets at once
   resume N      open them again, with cursors where the protocol has them
   closed N      send with N messages outstanding
   rate R        send R messages a second, whatever comes back
   stop          send no more
   reset         forget counters and histograms
   report        say them
   quit */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "load.h"

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void report(struct load *load)
{
    const struct counters *seen = &load->seen;
    int64_t fewest = -1, most = 0;
    for (size_t index = 0; index < load->count; index++) {
        int64_t received = (int64_t)load->connections[index].received;
        if (fewest < 0 || received < fewest)
            fewest = received;
        if (received > most)
            most = received;
    }
    printf("{\"at_us\":%lu,\"cpu_seconds\":%.6f,\"connections\":%zu,\"ready\":%zu,\"outstanding\":%lu,"
           "\"sent\":%lu,\"acked\":%lu,\"refused\":%lu,\"deliveries\":%lu,\"bytes\":%lu,\"jumps\":%lu,\"backwards\":%lu,"
           "\"closed\":%lu,\"failed\":%lu,\"later\":%lu,\"malformed\":%lu,\"fewest\":%ld,\"most\":%ld,",
           (unsigned long)now_us(), cpu_seconds(), load->count, load->ready, (unsigned long)load->outstanding,
           (unsigned long)seen->sent, (unsigned long)seen->acked, (unsigned long)seen->refused,
           (unsigned long)seen->deliveries, (unsigned long)seen->bytes, (unsigned long)seen->jumps,
           (unsigned long)seen->backwards, (unsigned long)seen->closed, (unsigned long)seen->failed,
           (unsigned long)seen->later, (unsigned long)seen->malformed, (long)fewest, (long)most);
    histogram_print(&load->delivery, "delivery", stdout);
    putchar(',');
    histogram_print(&load->last_member, "last_member", stdout);
    putchar(',');
    histogram_print(&load->ack, "ack", stdout);
    putchar(',');
    histogram_print(&load->handshake, "handshake", stdout);
    printf("}\n");
}

static void reset(struct load *load)
{
    load->before.deliveries += load->seen.deliveries;
    load->before.acked += load->seen.acked;
    load->before.closed += load->seen.closed;
    load->before.failed += load->seen.failed;
    load->before.sent += load->seen.sent;
    memset(&load->seen, 0, sizeof load->seen);
    histogram_clear(&load->delivery);
    histogram_clear(&load->last_member);
    histogram_clear(&load->ack);
    histogram_clear(&load->handshake);
}

static void start_connecting(struct load *load, size_t at_once)
{
    for (size_t index = 0; index < load->count; index++) {
        struct connection *connection = &load->connections[index];
        if (connection->state == CLOSED) {
            connection->state = WAITING;
            connection->due_us = 0;
        }
    }
    load->connect_next = 0;
    load->connect_most = at_once > 0 ? at_once : 1;
}

static void drop(struct load *load)
{
    for (size_t index = 0; index < load->count; index++)
        connection_end(load, &load->connections[index], 0);
    load->outstanding = 0;
}

static void start_rate(struct load *load, double rate)
{
    load->rate = rate;
    load->rate_sent = 0;
    load->rate_began_us = now_us();
}

static void done(void)
{
    printf("{\"ok\":true}\n");
}

void command_tell_connected(struct load *load)
{
    printf("{\"ready\":%zu,\"failed\":%lu,\"later\":%lu,\"cpu_seconds\":%.6f}\n", load->ready,
           (unsigned long)load->seen.failed, (unsigned long)load->seen.later, cpu_seconds());
    fflush(stdout);
}

int command_run(struct load *load, char *line)
{
    char name[16] = "";
    double value = 0;
    if (sscanf(line, "%15s %lf", name, &value) < 1)
        return 1;
    if (strcmp(name, "quit") == 0)
        return 0;
    if (strcmp(name, "connect") == 0 || strcmp(name, "resume") == 0) {
        load->resuming = name[0] == 'r';
        start_connecting(load, (size_t)value);
        return 1; /* answered when all are */
    }
    if (strcmp(name, "drop") == 0)
        drop(load);
    else if (strcmp(name, "closed") == 0)
        load->wanted_outstanding = (uint64_t)value;
    else if (strcmp(name, "rate") == 0)
        start_rate(load, value);
    else if (strcmp(name, "stop") == 0)
        load->wanted_outstanding = 0, load->rate = 0;
    else if (strcmp(name, "reset") == 0)
        reset(load);
    else if (strcmp(name, "report") == 0) {
        report(load);
        fflush(stdout);
        return 1;
    }
    done();
    fflush(stdout);
    return 1;
}
