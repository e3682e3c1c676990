// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From bytes to text, in the spellings that text_read*.c takes back. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "text/text_buffer.h"
#include "text/text_scan.h"

/* ---- scalars ---------------------------------------------------------------------------------------------- */

void buffer__add_number(struct elfmap_buffer *buffer, const struct elfmap_type *type, __int128 number)
{
	char text[48];

	if (number >= 0 && number <= ~0ull) {
		buffer__add_u64(buffer, (__u64)number);
	} else {
		const char *decimal = elfmap_type__decimal(type, number, text);

		buffer__add(buffer, decimal, strlen(decimal));
	}
}

static void add_bytes(struct elfmap_buffer *to, const unsigned char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *at = size < (size_t)-1 / 8 ? buffer__reserve(to, 3 * size + 3) : NULL;

	if (!at)
		return;
	memcpy(at, "hex", 3);
	at += 3;
	for (size_t i = 0; i < size; i++) {
		*at++ = ' ';
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 15];
	}
	to->length += 3 * size + 3;
}

static void add_quoted(struct elfmap_buffer *to, const unsigned char *bytes, size_t length)
{
	char *at = length < (size_t)-1 / 8 ? buffer__reserve(to, 4 * length + 2) : NULL;
	const char *start = at;

	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = bytes[i];

		if (c >= ' ' && c < 0x7f) {
			if (c == '"' || c == '\\')
				*at++ = '\\';
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\'; /* three digits: the next character is not one of them */
		*at++ = (char)('0' + (c >> 6));
		*at++ = (char)('0' + (c >> 3 & 7));
		*at++ = (char)('0' + (c & 7));
	}
	*at++ = '"';
	to->length += (size_t)(at - start);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

/* A name that is a word of its own, and no other one than it is. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name >= 0x7f || is_delimiter(*name) || *name == '\\')
			return false;
	return true;
}

static void add_name(struct elfmap_buffer *to, const char *name)
{
	if (*name && *name != '#' && is_plain(name))
		buffer__add(to, name, strlen(name));
	else
		add_quoted(to, (const unsigned char *)name, strlen(name));
}

static bool add_device(struct elfmap_buffer *to, struct elfmap_resolver *resolver, __u32 ifindex)
{
	const char *name =
		resolver && resolver->device_name && ifindex ? resolver->device_name(resolver, ifindex) : NULL;

	if (!name)
		return false;
	/* A device may be called 7, or hex. */
	if (!isalpha((unsigned char)*name) || !is_plain(name) || !strcmp(name, "hex") || !strcmp(name, "dev"))
		ADD_WORD(to, "dev ");
	add_name(to, name);
	return true;
}

static bool add_cgroup(struct elfmap_buffer *to, struct elfmap_resolver *resolver, __u64 id)
{
	const char *path = resolver && resolver->cgroup_path && id ? resolver->cgroup_path(resolver, id) : NULL;

	if (path)
		add_name(to, path);
	return path != NULL;
}

static void add_object(struct elfmap_buffer *to, enum elfmap_notation kind, struct elfmap_resolver *resolver, __u32 id)
{
	const char *words = NULL;

	if (id && resolver && resolver->object_words)
		words = resolver->object_words(resolver, kind, id);
	if (words) {
		buffer__add(to, words, strlen(words));
		return;
	}
	if (id)
		ADD_WORD(to, "id ");
	buffer__add_u64(to, id);
}

/* What is not understood as the name it is, is better written as a number. */
static bool add_enumerator(struct elfmap_buffer *to, const struct elfmap_type *type, __int128 number)
{
	const char *name = elfmap_type__enumerator(type, number);

	if (!name || (!isalpha((unsigned char)*name) && *name != '_') || !is_plain(name) || !strcmp(name, "hex"))
		return false;
	buffer__add(to, name, strlen(name));
	return true;
}

static void add_number(struct elfmap_buffer *to, const struct elfmap_type *type, __int128 number,
		       struct elfmap_resolver *resolver)
{
	switch (type->notation) {
	case ELFMAP_BOOL:
		if (number != 0 && number != 1)
			break;
		buffer__add(to, number ? "true" : "false", number ? 4 : 5);
		return;
	case ELFMAP_ENUM:
		if (add_enumerator(to, type, number))
			return;
		break;
	case ELFMAP_IFINDEX:
		if (number == (__u32)number && add_device(to, resolver, (__u32)number))
			return;
		break;
	default:
		break;
	}
	buffer__add_number(to, type, number);
}

/* ---- prefixes, structs, arrays ----------------------------------------------------------------------------- */

static void add_members(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	ADD_WORD(to, "{ ");
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		const char *bytes = (const char *)value->bytes + member->offset;
		char *at = buffer__reserve(to, member->name_length + ELFMAP_NAME_STEP + SCALAR_ROOM);
		char *end;

		if (!at)
			return;
		at = put_char(put_name(at, member), ' ');
		end = value->copies == 1 ? put_scalar(at, member, bytes) : NULL;
		buffer__end_at(to, end ?: at);
		if (!end) {
			struct elfmap_value inner = elfmap_type__member(member, value, 0);

			elfmap_text__write(to, member, &inner, resolver);
		}
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
}

static void add_prefix(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value)
{
	const struct elfmap_type *data = &type->members[1];
	const unsigned char *bytes = (const unsigned char *)value->bytes + data->offset;
	__u32 length;
	char *at;

	memcpy(&length, value->bytes, sizeof(length));
	if (length > 8 * data->size) { /* no prefix then */
		add_members(to, type, value, NULL);
		return;
	}
	if (data->notation == ELFMAP_HEX)
		add_bytes(to, bytes, data->size);
	at = buffer__reserve(to, 2 * SCALAR_ROOM);
	if (!at)
		return;
	if (data->notation == ELFMAP_IP && text__is_mapped(bytes) && length >= 96) {
		at = text__put_ipv4(at, bytes + 12);
		length -= 96;
	} else if (data->notation != ELFMAP_HEX) {
		at = data->notation == ELFMAP_IPV4 ? text__put_ipv4(at, bytes) : text__put_ipv6(at, bytes);
	}
	buffer__end_at(to, put_u64(put_char(at, '/'), length));
}

static void add_array(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      struct elfmap_resolver *resolver)
{
	ADD_WORD(to, "[ ");
	for (size_t i = 0; i < type->count; i++) {
		struct elfmap_value inner = elfmap_type__member(type->members, value, i);

		elfmap_text__write(to, type->members, &inner, resolver);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, ']');
}

static __u64 load_id(const struct elfmap_type *type, const void *bytes)
{
	__u64 id = 0;
	__u32 short_id;

	if (type->size == sizeof(id)) {
		memcpy(&id, bytes, sizeof(id));
		return id;
	}
	memcpy(&short_id, bytes, sizeof(short_id));
	return short_id;
}

void elfmap_text__write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	char *at = buffer__reserve(to, SCALAR_ROOM);
	char *end = at && value->copies == 1 ? put_scalar(at, type, value->bytes) : NULL;

	if (end) {
		buffer__end_at(to, end);
		return;
	}
	switch (type->notation) {
	case ELFMAP_HEX:
		add_bytes(to, value->bytes, type->size);
		break;
	case ELFMAP_STRING:
		add_quoted(to, value->bytes, elfmap_type__string_length(type, value->bytes));
		break;
	case ELFMAP_STRUCT:
		add_members(to, type, value, resolver);
		break;
	case ELFMAP_ARRAY:
		add_array(to, type, value, resolver);
		break;
	case ELFMAP_PREFIX:
		add_prefix(to, type, value);
		break;
	case ELFMAP_IPV4:
	case ELFMAP_IPV6:
	case ELFMAP_IP:
	case ELFMAP_MAC:
		if (at)
			buffer__end_at(to, put_scalar(at, type, value->bytes));
		break;
	case ELFMAP_CGROUP_ID:
		if (!add_cgroup(to, resolver, load_id(type, value->bytes)))
			buffer__add_u64(to, load_id(type, value->bytes));
		break;
	case ELFMAP_PROG_ID:
	case ELFMAP_PROG:
		add_object(to, ELFMAP_PROG, resolver, (__u32)load_id(type, value->bytes));
		break;
	case ELFMAP_MAP_ID:
	case ELFMAP_MAP:
		add_object(to, ELFMAP_MAP, resolver, (__u32)load_id(type, value->bytes));
		break;
	case ELFMAP_CGROUP:
	case ELFMAP_HANDLE:
		buffer__add_u64(to, load_id(type, value->bytes));
		break;
	default:
		add_number(to, type, elfmap_type__number(type, value), resolver);
	}
}
