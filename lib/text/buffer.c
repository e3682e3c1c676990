// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A growing text. A failure to get memory is noted once, and all that follows is dropped. */
#include <errno.h>
#include <stdlib.h>

#include "text/buffer.h"

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

void buffer__add_number(struct elfmap_buffer *buffer, __int128 number, bool is_unsigned)
{
	bool minus = number < 0 && !is_unsigned;
	unsigned __int128 rest = minus ? -(unsigned __int128)number : (unsigned __int128)number;
	char text[40], *at = text + sizeof(text);

	for (; rest > ~0ull; rest /= 10)
		*--at = (char)('0' + (int)(rest % 10));
	if (minus)
		buffer__add_char(buffer, '-');
	buffer__add_u64(buffer, (__u64)rest);
	buffer__add(buffer, at, (size_t)(text + sizeof(text) - at));
}
