// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A growing text, and the JSON writer. After a failed allocation all further text is dropped. */
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

/* ---- JSON: brackets, names, strings, and the blanks between them -------------------------------------------- */

static void add_line(struct elfmap_json *json)
{
	size_t blanks = 2 * (size_t)json->depth;
	char *at = buffer__reserve(json->to, 1 + blanks);

	if (!at)
		return;
	*at = '\n';
	memset(at + 1, ' ', blanks);
	json->to->length += 1 + blanks;
}

void json__separate(struct elfmap_json *json)
{
	if (json->has_one)
		buffer__add_char(json->to, ',');
	json->has_one = true;
	if (json->pretty)
		add_line(json);
}

void elfmap_json__open(struct elfmap_json *json, char bracket)
{
	json__begin(json);
	buffer__add_char(json->to, bracket);
	json->depth++;
	json->has_one = false;
}

void elfmap_json__close(struct elfmap_json *json, char bracket)
{
	json->depth--;
	if (json->has_one && json->pretty)
		add_line(json);
	buffer__add_char(json->to, bracket);
	json->has_one = true;
}

static void add_quoted(struct elfmap_buffer *to, const char *text, size_t length)
{
	static const char letters[] = "btn\0fr";
	char *at = length < (size_t)-1 / 8 ? buffer__reserve(to, 6 * length + 2) : NULL;
	const char *start = at;

	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= ' ' && c != '"' && c != '\\') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\';
		if (c >= '\b' && c <= '\r' && letters[c - '\b']) {
			*at++ = letters[c - '\b'];
		} else if (c >= ' ') {
			*at++ = (char)c;
		} else {
			memcpy(at, "u00", 3);
			at = put_byte(at + 3, c);
		}
	}
	*at++ = '"';
	to->length += (size_t)(at - start);
}

void json__add_string(struct elfmap_json *json, const char *text, size_t length)
{
	json__begin(json);
	add_quoted(json->to, text, length);
}

void elfmap_json__string(struct elfmap_json *json, const char *text)
{
	json__add_string(json, text, strlen(text));
}

void elfmap_json__name(struct elfmap_json *json, const char *name)
{
	json__separate(json);
	add_quoted(json->to, name, strlen(name));
	buffer__add(json->to, ": ", json->pretty ? 2 : 1);
	json->has_name = true;
}

void elfmap_json__word(struct elfmap_json *json, const char *word)
{
	json__begin(json);
	buffer__add_text(json->to, word);
}

void elfmap_json__number(struct elfmap_json *json, __s64 number)
{
	json__begin(json);
	buffer__add_number(json->to, number, false);
}
