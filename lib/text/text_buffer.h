/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Room in a growing text, for what writes values (text_write.c, text_json.c). */
#ifndef ELFMAP_TEXT_BUFFER_H
#define ELFMAP_TEXT_BUFFER_H

#include <string.h>

#include "text/text.h"
#include "text/text_put.h"

bool buffer__grow(struct elfmap_buffer *buffer, size_t more);

/* Where SIZE more bytes can be written; NULL: there is no memory for them. */
static inline char *buffer__reserve(struct elfmap_buffer *buffer, size_t size)
{
	if (__builtin_expect(buffer->room - buffer->length < size, 0) && !buffer__grow(buffer, size))
		return NULL;
	return buffer->bytes + buffer->length;
}

static inline void buffer__add(struct elfmap_buffer *buffer, const char *bytes, size_t length)
{
	char *to = buffer__reserve(buffer, length);

	if (!to)
		return;
	memcpy(to, bytes, length);
	buffer->length += length;
}

static inline void buffer__add_char(struct elfmap_buffer *buffer, char c)
{
	char *to = buffer__reserve(buffer, 1);

	if (!to)
		return;
	*to = c;
	buffer->length++;
}

/* What was put from buffer__reserve() on ends at END. */
static inline void buffer__end_at(struct elfmap_buffer *buffer, const char *end)
{
	buffer->length = (size_t)(end - buffer->bytes);
}

#define ADD_WORD(buffer, literal) buffer__add(buffer, literal, sizeof(literal) - 1)

/* NUMBER, one of TYPE, in decimal (text_write.c). */
void buffer__add_number(struct elfmap_buffer *buffer, const struct elfmap_type *type, __int128 number);
static inline void buffer__add_u64(struct elfmap_buffer *buffer, __u64 number)
{
	char *to = buffer__reserve(buffer, SCALAR_ROOM);

	if (to)
		buffer__end_at(buffer, put_u64(to, number));
}
#endif
