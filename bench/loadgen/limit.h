/* The floor under every fan-out: bare send() of one frame to many loopback sockets. */
#ifndef CHATIRE_LIMIT_H
#define CHATIRE_LIMIT_H

#include <stddef.h>

/* Prints {"calls":…,"cpu_seconds":…} of the sender; a child process reads. */
int limit_run(int receivers, size_t frame_bytes, double seconds);

#endif
