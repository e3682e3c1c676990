// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of sections, devices and filters as names of pins. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pins/pin_name.h"

int elfmap_pin_name__escape(const char *text, char *name, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		if (used + sizeof("%2E") > size)
			return -ENAMETOOLONG;
		if (strchr("./%~", *text) || (unsigned char)*text <= ' ')
			used += (size_t)sprintf(name + used, "%%%02X", (unsigned char)*text);
		else
			name[used++] = *text;
	}
	name[used] = '\0';
	return 0;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

void elfmap_pin_name__unescape(char *name)
{
	char *to = name;

	for (; *name; name++) {
		int high = *name == '%' ? hex_digit(name[1]) : -1, low = high < 0 ? -1 : hex_digit(name[2]);

		if (low >= 0) {
			*to++ = (char)(high * 16 + low);
			name += 2;
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
}
