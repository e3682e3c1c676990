/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Room in a growing text, for what writes values (text_write.c, text_json.c). */
#ifndef ELFMAP_TEXT_BUFFER_H
#define ELFMAP_TEXT_BUFFER_H

#include <string.h>

#include "text.h"

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
	buffer__add(buffer, &c, 1);
}

#define ADD_WORD(buffer, literal) buffer__add(buffer, literal, sizeof(literal) - 1)

/* NUMBER, one of TYPE, in decimal. */
void buffer__add_number(struct elfmap_buffer *buffer, const struct elfmap_type *type, __int128 number);
void buffer__add_u64(struct elfmap_buffer *buffer, __u64 number);
/* An address in words; false: TYPE is none. */
bool buffer__add_address(struct elfmap_buffer *buffer, const struct elfmap_type *type, const unsigned char *bytes);

/* The number that one copy or the sum of all is; short for whole words. */
static inline __int128 number_of(const struct elfmap_type *type, const struct elfmap_value *value)
{
	__u64 number64;
	__u32 number32;

	if (value->copies != 1 || type->is_signed || type->notation == ELFMAP_BIG_ENDIAN || type->bit_offset ||
	    type->bits != 8 * type->size)
		return elfmap_type__number(type, value);
	switch (type->size) {
	case 8:
		memcpy(&number64, value->bytes, 8);
		return number64;
	case 4:
		memcpy(&number32, value->bytes, 4);
		return number32;
	default:
		return elfmap_type__number(type, value);
	}
}

#endif
