// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a tree of types and bytes to numbers and names. */
#include <string.h>

#include "text/codec.h"

struct elfmap_value elfmap_type__member(const struct elfmap_type *member, const struct elfmap_value *value,
					size_t index)
{
	struct elfmap_value inner = *value;

	inner.bytes = (const char *)value->bytes + member->offset + index * member->size;
	return inner;
}

/* The bits of one copy; bytes in the machine's order, or always the big end first. */
static unsigned __int128 load_bits(const struct elfmap_type *type, const unsigned char *bytes)
{
	bool big = type->notation == ELFMAP_BIG_ENDIAN || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	size_t size = (type->bit_offset + type->bits + 7) / 8;
	unsigned __int128 number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[big ? i : size - 1 - i];
	number >>= big ? size * 8 - type->bit_offset - type->bits : type->bit_offset;
	if (type->bits < 128)
		number &= ((unsigned __int128)1 << type->bits) - 1;
	return number;
}

static unsigned __int128 fold(const struct elfmap_type *type, unsigned __int128 so_far, unsigned __int128 number)
{
	switch (type->notation) {
	case ELFMAP_EARLIEST: /* 0: never */
		return !so_far || (number && number < so_far) ? number : so_far;
	case ELFMAP_LATEST:
		return number > so_far ? number : so_far;
	default:
		return so_far + number;
	}
}

__int128 elfmap_type__number(const struct elfmap_type *type, const struct elfmap_value *value)
{
	unsigned __int128 sign = (unsigned __int128)1 << (type->bits - 1), folded = 0;

	for (size_t i = 0; i < value->copies; i++) {
		unsigned __int128 number = load_bits(type, (const unsigned char *)value->bytes + i * value->stride);

		folded = fold(type, folded, type->is_signed ? (number ^ sign) - sign : number);
	}
	return (__int128)folded;
}

const char *elfmap_type__enumerator(const struct elfmap_type *type, __int128 number)
{
	__u64 mask = type->bits < 64 ? (1ull << type->bits) - 1 : ~0ull;

	for (size_t i = 0; i < type->nr_enumerators; i++)
		if (((type->enumerators[i].number ^ (__u64)number) & mask) == 0)
			return type->enumerators[i].name;
	return NULL;
}

size_t elfmap_type__string_length(const struct elfmap_type *type, const void *bytes)
{
	const char *text = bytes;
	size_t length = type->size;

	while (length && !text[length - 1])
		length--;
	return length;
}

bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit)
{
	switch (type->notation) {
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
	case ELFMAP_EARLIEST:
	case ELFMAP_LATEST:
		return true;
	case ELFMAP_STRUCT:
	case ELFMAP_ARRAY:
		break;
	default:
		*ret_culprit = type->name;
		return false;
	}
	for (size_t i = 0; i < type->nr_members; i++)
		if (!elfmap_type__can_sum(&type->members[i], ret_culprit)) {
			if (!**ret_culprit)
				*ret_culprit = type->name; /* an array's element has no name of its own */
			return false;
		}
	return true;
}

bool elfmap_type__hides(const struct elfmap_type *type, const void *bytes)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; type->shown && i < type->size; i++)
		if (at[i] & ~type->shown[i])
			return true;
	return false;
}

const char *elfmap_type__decimal(const struct elfmap_type *type, __int128 number, char text[48])
{
	bool minus = number < 0 && (type->is_signed || type->bits < 128);
	unsigned __int128 rest = minus ? -(unsigned __int128)number : (unsigned __int128)number;
	char *at = text + 47;

	*at = '\0';
	for (; rest > ~0ull; rest /= 10)
		*--at = (char)('0' + (int)(rest % 10));
	for (unsigned long long small = (unsigned long long)rest; small || !*at; small /= 10)
		*--at = (char)('0' + small % 10);
	if (minus)
		*--at = '-';
	return at;
}
