/* Posting over HTTP/1.1 with keep-alive: one request at a time on each connection. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include "clock.h"
#include "load.h"
#include "text.h"

static const char *header(const char *bytes, size_t head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = bytes; line != NULL && line < bytes + head;) {
        if ((size_t)(bytes + head - line) > length && strncasecmp(line, name, length) == 0)
            return line + length;
        line = memchr(line, '\n', (size_t)(bytes + head - line));
        line = line == NULL ? NULL : line + 1;
    }
    return NULL;
}

/* Where the answer ends, counted from its first byte; 0: more is needed, -1: the head does not say. */
static ssize_t whole_length(const char *bytes, size_t length, size_t head)
{
    const char *value = header(bytes, head, "content-length:");
    if (value != NULL) {
        size_t whole = head + (size_t)atol(value);
        return length < whole ? 0 : (ssize_t)whole;
    }
    if (header(bytes, head, "transfer-encoding:") == NULL)
        return -1;
    /* Chunked. The last chunk's mark can't stand in a body of JSON, in which a line's end is escaped. */
    const char *end = memmem(bytes + head - 2, length - head + 2, "\r\n0\r\n\r\n", 7);
    return end == NULL ? 0 : end - bytes + 7;
}

size_t http_read(struct load *load, struct connection *connection, const char *bytes, size_t length)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    ssize_t whole = whole_length(bytes, length, (size_t)(end - bytes) + 4);
    if (whole < 0) {
        load->seen.malformed++;
        connection_end(load, connection, 1);
        return length;
    }
    if (whole == 0)
        return 0;
    int64_t number = connection->awaiting;
    connection->awaiting = -1;
    sending_acked(load, number, !text_begins(bytes, length, "HTTP/1.1 20"), now_us());
    return (size_t)whole;
}

size_t http_message(struct load *load, struct connection *connection, const struct sent *sent, char *out)
{
    char body[4200], content[4400];
    body_write(load, sent, body);
    int length = sprintf(content, "{\"client_id\":\"%08x-0000-4000-8000-%012lx\",\"body\":\"%s\"}",
                         (unsigned)load->first_number, (unsigned long)sent->number, body);
    connection->awaiting = (int64_t)sent->number;
    return (size_t)sprintf(out,
                           "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                           "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                           connection->path, connection->token, length, content);
}
