/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words of known length, put where there is room for them: each returns where it has ended. */
#ifndef ELFMAP_TEXT_PUT_H
#define ELFMAP_TEXT_PUT_H

#include <byteswap.h>
#include <string.h>

#include "codec.h"

#define SCALAR_ROOM 64 /* for any number of 64 bits, and any address */

static inline char *put_char(char *to, char c)
{
	*to = c;
	return to + 1;
}

static inline char *put_u64(char *to, __u64 number)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	static const __u64 tens[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* log10 is log2 times 0.3; one too few or not, the table knows. */
	unsigned int digits = (unsigned int)(64 - __builtin_clzll(number | 1)) * 1233 >> 12;
	char *end, *at;

	digits += number >= tens[digits];
	digits += !digits;
	at = end = to + digits;
	for (; number >= 100; number /= 100) {
		at -= 2;
		memcpy(at, pairs + 2 * (number % 100), 2);
	}
	if (number >= 10)
		memcpy(to, pairs + 2 * number, 2);
	else
		*to = (char)('0' + number);
	return end;
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
