#define _GNU_SOURCE
#include "text.h"

#include <string.h>

int text_begins(const char *text, size_t length, const char *start)
{
    size_t wanted = strlen(start);
    return length >= wanted && memcmp(text, start, wanted) == 0;
}

static uint64_t digits(const char *text, size_t length, size_t *at)
{
    uint64_t value = 0;
    while (*at < length && text[*at] >= '0' && text[*at] <= '9')
        value = value * 10 + (uint64_t)(text[(*at)++] - '0');
    return value;
}

int64_t text_next_seq(const char *text, size_t length, size_t *from)
{
    size_t at = *from;
    /* `q` is the rarest letter of `"seq":` by far: looking for it is several times faster than for all of it. */
    while (at < length) {
        const char *found = memchr(text + at, 'q', length - at);
        if (found == NULL)
            break;
        at = (size_t)(found - text) + 1;
        if (at < 5 || at + 2 > length || memcmp(found - 3, "\"seq\":", 6) != 0)
            continue;
        at += 2;
        if (at < length && text[at] == ' ')
            at++;
        int64_t value = (int64_t)digits(text, length, &at);
        *from = at;
        return value;
    }
    *from = length;
    return -1;
}

int text_seq_is_of_event(const char *text, size_t length, size_t from)
{
    return text_begins(text + from, length - from, ",\"kind\":") || text_begins(text + from, length - from, ", \"kind\":");
}

int text_marker(const char *text, size_t length, struct marker *marker)
{
    const char *found = memchr(text, '^', length);
    if (found == NULL)
        return 0;
    size_t at = (size_t)(found - text) + 1;
    marker->number = digits(text, length, &at);
    if (at >= length || text[at] != '=')
        return 0;
    at++;
    marker->at_us = digits(text, length, &at);
    return at < length && text[at] == '^';
}

int64_t text_id(const char *text, size_t length)
{
    const char *found = memmem(text, length, "\"id\":", 5);
    if (found == NULL)
        return -1;
    const char *end = text + length;
    const char *id = memchr(found + 5, '"', (size_t)(end - found - 5));
    if (id == NULL || end - id < 38)
        return -1;
    int64_t value = 0;
    for (const char *digit = id + 25; digit < id + 37; digit++) {
        int c = *digit;
        int nibble = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (nibble < 0)
            return -1;
        value = value << 4 | nibble;
    }
    return value;
}

size_t text_type(const char *text, size_t length, const char **type)
{
    size_t at = 8; /* {"type": */
    if (!text_begins(text, length, "{\"type\":"))
        return 0;
    if (at < length && text[at] == ' ')
        at++;
    if (at >= length || text[at] != '"')
        return 0;
    *type = text + at + 1;
    const char *end = memchr(*type, '"', length - at - 1);
    return end == NULL ? 0 : (size_t)(end - *type);
}

int64_t text_number_after(const char *text, size_t length, const char *key)
{
    const char *found = memmem(text, length, key, strlen(key));
    if (found == NULL)
        return -1;
    size_t at = (size_t)(found - text) + strlen(key);
    if (at < length && text[at] == ' ')
        at++;
    return (int64_t)digits(text, length, &at);
}
