/* WebSocket frames of RFC 6455 as a client reads and writes them. Knows bytes only. */
#ifndef CHATIRE_FRAMES_H
#define CHATIRE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { FRAME_OVERHEAD = 14 };

struct frame {
    int final;
    int opcode;
    const char *payload;
    size_t length;
    size_t consumed; /* bytes from the frame's first to the next frame's first */
};

/* Read one frame: 1 when it is whole, 0 when more bytes are needed, -1 when this is no frame of a server. */
int frame_read(const char *bytes, size_t length, struct frame *frame);

/* Write one masked frame with room for `length` + FRAME_OVERHEAD bytes; returns how many it took. */
size_t frame_write(char *out, int opcode, const char *payload, size_t length, uint32_t mask);

#endif
