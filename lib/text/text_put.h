/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words of known length, put where there is room for them: each returns where it has ended. */
#ifndef ELFMAP_TEXT_PUT_H
#define ELFMAP_TEXT_PUT_H

#include <byteswap.h>
#include <string.h>

#include "text/codec.h"

#define SCALAR_ROOM 64 /* for any number of 64 bits, and any address */

static inline char *put_char(char *to, char c)
{
	*to = c;
	return to + 1;
}

/* The eight digits of NUMBER, below 10^8, as bytes, the first one lowest: halves, then pairs, then all at
 * once, since a division each would take longer, and a branch each would be guessed wrongly. */
static inline __u64 split_digits(__u64 number)
{
	__u64 fours = number / 10000 | number % 10000 << 32;
	__u64 hundreds = (fours * 10486 >> 20) & 0x0000007f0000007f;
	__u64 pairs = hundreds | (fours - hundreds * 100) << 16;
	__u64 tens = (pairs * 103 >> 10) & 0x000f000f000f000f;

	return tens | (pairs - tens * 10) << 8;
}

static inline char *put_digits(char *to, __u64 digits, unsigned int skipped)
{
	digits = (digits | 0x3030303030303030) >> 8 * skipped;
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		digits = bswap_64(digits);
	memcpy(to, &digits, sizeof(digits));
	return to + 8 - skipped;
}

/* Without the zeros in front. */
static inline char *put_first_digits(char *to, __u64 number)
{
	__u64 digits = split_digits(number);

	return put_digits(to, digits, (unsigned int)__builtin_ctzll(digits | 1ull << 56) / 8);
}

/* Writes up to 8 bytes behind the end. */
static inline char *put_u64(char *to, __u64 number)
{
	__u64 high = number / 100000000;

	if (!high)
		return put_first_digits(to, number);
	if (high < 100000000) {
		to = put_first_digits(to, high);
	} else {
		to = put_first_digits(to, high / 100000000);
		to = put_digits(to, split_digits(high % 100000000), 0);
	}
	return put_digits(to, split_digits(number % 100000000), 0);
}

/* Writes up to ELFMAP_NAME_STEP bytes behind the end. */
static inline char *put_name(char *to, const struct elfmap_type *member)
{
	for (size_t i = 0; i < member->name_length; i += ELFMAP_NAME_STEP)
		memcpy(to + i, member->name + i, ELFMAP_NAME_STEP);
	return to + member->name_length;
}

char *text__put_ipv4(char *to, const unsigned char bytes[4]);
char *text__put_ipv6(char *to, const unsigned char bytes[16]);
char *text__put_ip(char *to, const unsigned char bytes[16]);
char *text__put_mac(char *to, const unsigned char bytes[6]);

/* A whole number in the machine's order, or in the network's. */
static inline char *put_number(char *to, const struct elfmap_type *type, const void *bytes)
{
	bool swap = type->notation == ELFMAP_BIG_ENDIAN && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	__u64 number, sign;
	__u32 number32;
	__u16 number16;

	switch (type->size) {
	case 8:
		memcpy(&number, bytes, 8);
		number = swap ? bswap_64(number) : number;
		break;
	case 4:
		memcpy(&number32, bytes, 4);
		number = swap ? bswap_32(number32) : number32;
		break;
	case 2:
		memcpy(&number16, bytes, 2);
		number = swap ? bswap_16(number16) : number16;
		break;
	default:
		number = *(const unsigned char *)bytes;
	}
	sign = 1ull << (type->bits - 1);
	if (type->is_signed && number & sign) {
		*to++ = '-';
		number = -((number ^ sign) - sign);
	}
	return put_u64(to, number);
}

static inline bool is_whole(const struct elfmap_type *type)
{
	return type->bits == 8 * type->size &&
	       (type->size == 8 || type->size == 4 || type->size == 2 || type->size == 1);
}

/* What needs no resolver, of one copy; needs SCALAR_ROOM. NULL: another kind of value. */
static inline char *put_scalar(char *to, const struct elfmap_type *type, const void *bytes)
{
	switch (type->notation) {
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
	case ELFMAP_EARLIEST:
	case ELFMAP_LATEST:
		return is_whole(type) ? put_number(to, type, bytes) : NULL;
	case ELFMAP_IPV4:
		return text__put_ipv4(to, bytes);
	case ELFMAP_IPV6:
		return text__put_ipv6(to, bytes);
	case ELFMAP_IP:
		return text__put_ip(to, bytes);
	case ELFMAP_MAC:
		return text__put_mac(to, bytes);
	default:
		return NULL;
	}
}

#endif
