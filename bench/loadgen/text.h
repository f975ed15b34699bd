/* Finding the few numbers we need in a frame's JSON without parsing it. */
#ifndef CHATIRE_TEXT_H
#define CHATIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* What a body carries: n^<number of the message>=<when it was due, microseconds>^
 * Markdown means nothing in it, as in three quarters of what people write. */
struct marker {
    uint64_t number;
    uint64_t at_us;
};

int text_begins(const char *text, size_t length, const char *start);
/* The value after the first `"seq":` at or behind `*from`, which is moved past it; -1 when there is none. */
int64_t text_next_seq(const char *text, size_t length, size_t *from);
/* Whether the `"seq"` that ended at `from` belongs to an event, not to the message inside it. */
int text_seq_is_of_event(const char *text, size_t length, size_t from);
/* The number behind the first `key` (which ends in a colon); -1 when there is none. */
int64_t text_number_after(const char *text, size_t length, const char *key);
int text_marker(const char *text, size_t length, struct marker *marker);
/* The number in the last 12 digits of the first `"id":"…"`, which are hexadecimal; -1 when there is none. */
int64_t text_id(const char *text, size_t length);
/* The value of the first `"type":"…"`; its length, 0 when there is none. */
size_t text_type(const char *text, size_t length, const char **type);

#endif
