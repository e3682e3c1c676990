// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A growing text. What did not fit for want of memory is noted once, and all that follows is dropped. */
#include <errno.h>
#include <stdlib.h>

#include "text/text_buffer.h"

#define ROOM_LEAST 4096

bool buffer__grow(struct elfmap_buffer *buffer, size_t more)
{
	size_t room = buffer->room ? buffer->room : ROOM_LEAST;
	char *bytes;

	while (room - buffer->length < more && room <= (size_t)-1 / 4)
		room *= 2;
	bytes = buffer->error || room - buffer->length < more ? NULL : realloc(buffer->bytes, room);
	if (!bytes) {
		buffer->error = -ENOMEM;
		return false;
	}
	buffer->bytes = bytes;
	buffer->room = room;
	return true;
}

void elfmap_buffer__free(struct elfmap_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct elfmap_buffer){};
}

void elfmap_buffer__add(struct elfmap_buffer *buffer, const char *bytes, size_t length)
{
	buffer__add(buffer, bytes, length);
}
