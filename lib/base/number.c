// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers in words. strtoull() alone takes signs, spaces and what is too large. */
#include <errno.h>
#include <stdlib.h>

#include "base/number.h"

int elfmap_number__read(const char *word, int base, __u64 min, __u64 max, __u64 *ret_number)
{
	unsigned long long number;
	char *end;

	if (*word < '0' || *word > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(word, &end, base);
	if (*end)
		return -EINVAL;
	if (errno || number < min || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}
