// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a tree of types and bytes to numbers, addresses and text. */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <string.h>

#include "codec.h"

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
	const struct btf_type *from = type->enumeration;

	for (int i = 0; i < btf_vlen(from); i++) {
		__u64 mask = type->bits < 64 ? (1ull << type->bits) - 1 : ~0ull;
		__u64 has = btf_is_enum(from) ? (__u64)(__s64)btf_enum(from)[i].val
					      : btf_enum64_value(&btf_enum64(from)[i]);

		if (((has ^ (__u64)number) & mask) == 0)
			return btf__str_by_offset(type->btf, btf_is_enum(from) ? btf_enum(from)[i].name_off
									       : btf_enum64(from)[i].name_off);
	}
	return NULL;
}

bool elfmap_type__address(const struct elfmap_type *type, const void *bytes, char text[64])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const unsigned char *b = bytes;

	switch (type->notation) {
	case ELFMAP_IPV4:
		return inet_ntop(AF_INET, b, text, 64);
	case ELFMAP_IPV6:
		return inet_ntop(AF_INET6, b, text, 64);
	case ELFMAP_IP:
		if (!memcmp(b, mapped, sizeof(mapped)))
			return inet_ntop(AF_INET, b + sizeof(mapped), text, 64);
		return inet_ntop(AF_INET6, b, text, 64);
	case ELFMAP_MAC:
		snprintf(text, 64, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
		return true;
	default:
		return false;
	}
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

static void mark_bits(const struct elfmap_type *type, unsigned char *mask)
{
	for (size_t bit = type->bit_offset; bit < type->bit_offset + type->bits; bit++)
		mask[bit / 8] |= __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x80 >> bit % 8 : 1 << bit % 8;
}

void elfmap_type__mark_shown(const struct elfmap_type *type, unsigned char *mask)
{
	switch (type->notation) {
	case ELFMAP_STRUCT:
		for (size_t i = 0; i < type->nr_members; i++)
			elfmap_type__mark_shown(&type->members[i], mask + type->members[i].offset);
		break;
	case ELFMAP_ARRAY:
		for (size_t i = 0; i < type->count; i++)
			elfmap_type__mark_shown(type->members, mask + i * type->members->size);
		break;
	default:
		if (type->bits)
			mark_bits(type, mask);
		else
			memset(mask, 0xff, type->size);
	}
}

const char *elfmap_decimal(__int128 number, char text[48])
{
	unsigned __int128 rest = number < 0 ? -(unsigned __int128)number : (unsigned __int128)number;
	char *at = text + 47;

	*at = '\0';
	for (; rest > ~0ull; rest /= 10)
		*--at = (char)('0' + (int)(rest % 10));
	for (unsigned long long small = (unsigned long long)rest; small || !*at; small /= 10)
		*--at = (char)('0' + small % 10);
	if (number < 0)
		*--at = '-';
	return at;
}

static void print_hex(const unsigned char *bytes, size_t size, FILE *to)
{
	static const char digits[] = "0123456789abcdef";

	fputs("hex", to);
	for (size_t i = 0; i < size; i++) {
		putc(' ', to);
		putc(digits[bytes[i] >> 4], to);
		putc(digits[bytes[i] & 15], to);
	}
}

static void print_string(const unsigned char *text, size_t length, FILE *to)
{
	putc('"', to);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putc('\\', to);
		if (text[i] >= ' ' && text[i] < 0x7f)
			putc(text[i], to);
		else
			fprintf(to, "\\%03o", text[i]); /* three digits: the next character is not one of them */
	}
	putc('"', to);
}

static void print_number(const struct elfmap_type *type, __int128 number, char *(*ifname)(unsigned int, char *),
			 FILE *to)
{
	char text[48], device[IF_NAMESIZE];
	const char *name = NULL;

	if (type->notation == ELFMAP_BOOL && (number == 0 || number == 1))
		name = number ? "true" : "false";
	else if (type->notation == ELFMAP_ENUM)
		name = elfmap_type__enumerator(type, number);
	else if (type->notation == ELFMAP_IFINDEX && number && ifname)
		name = ifname((unsigned int)number, device);
	/* A device may be called "7", which would then read as another one. */
	if (name && isdigit((unsigned char)*name))
		name = NULL;
	fputs(name ?: elfmap_decimal(number, text), to);
}

static void print_members(const struct elfmap_type *type, const struct elfmap_value *value,
			  char *(*ifname)(unsigned int, char *), FILE *to)
{
	fputs("{ ", to);
	for (size_t i = 0; i < type->nr_members; i++) {
		struct elfmap_value inner = elfmap_type__member(&type->members[i], value, 0);

		fputs(type->members[i].name, to);
		putc(' ', to);
		elfmap_type__print(&type->members[i], &inner, ifname, to);
		putc(' ', to);
	}
	putc('}', to);
}

void elfmap_type__print(const struct elfmap_type *type, const struct elfmap_value *value,
			char *(*ifname)(unsigned int, char *), FILE *to)
{
	char text[64];

	switch (type->notation) {
	case ELFMAP_HEX:
		print_hex(value->bytes, type->size, to);
		break;
	case ELFMAP_STRING:
		print_string(value->bytes, elfmap_type__string_length(type, value->bytes), to);
		break;
	case ELFMAP_STRUCT:
		print_members(type, value, ifname, to);
		break;
	case ELFMAP_ARRAY:
		fputs("[ ", to);
		for (size_t i = 0; i < type->count; i++) {
			struct elfmap_value inner = elfmap_type__member(type->members, value, i);

			elfmap_type__print(type->members, &inner, ifname, to);
			putc(' ', to);
		}
		putc(']', to);
		break;
	default:
		if (elfmap_type__address(type, value->bytes, text))
			fputs(text, to);
		else
			print_number(type, elfmap_type__number(type, value), ifname, to);
	}
}
