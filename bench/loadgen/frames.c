#include "frames.h"

#include <string.h>

static size_t header_of(const unsigned char *bytes, size_t length, uint64_t *payload)
{
    size_t needed = 2;
    uint64_t size = bytes[1] & 0x7fu;
    if (size >= 126)
        needed += size == 126 ? 2 : 8;
    if (length < needed)
        return 0;
    if (size >= 126) {
        size = 0;
        for (size_t index = 2; index < needed; index++)
            size = size << 8 | bytes[index];
    }
    *payload = size;
    return needed;
}

int frame_read(const char *bytes, size_t length, struct frame *frame)
{
    const unsigned char *raw = (const unsigned char *)bytes;
    uint64_t payload;
    if (length < 2)
        return 0;
    /* A server never masks, and nothing was negotiated that would use the reserved bits. */
    if ((raw[0] & 0x70u) || (raw[1] & 0x80u))
        return -1;
    size_t header = header_of(raw, length, &payload);
    if (header == 0 || length - header < payload)
        return 0;
    frame->final = raw[0] >> 7;
    frame->opcode = raw[0] & 0x0f;
    frame->payload = bytes + header;
    frame->length = (size_t)payload;
    frame->consumed = header + (size_t)payload;
    return 1;
}

size_t frame_write(char *out, int opcode, const char *payload, size_t length, uint32_t mask)
{
    unsigned char key[4];
    size_t header = 2;
    memcpy(key, &mask, 4);
    out[0] = (char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (char)(0x80 | length);
    } else {
        size_t width = length < 65536 ? 2 : 8;
        out[1] = (char)(0x80 | (width == 2 ? 126 : 127));
        for (size_t index = 0; index < width; index++)
            out[2 + index] = (char)((uint64_t)length >> (8 * (width - 1 - index)));
        header += width;
    }
    memcpy(out + header, key, 4);
    header += 4;
    for (size_t index = 0; index < length; index++)
        out[header + index] = (char)((unsigned char)payload[index] ^ key[index & 3]);
    return header + length;
}
