// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Types in words, for maps whose program did not keep them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "msg.h"

int elfmap_type__parse(const char **words, size_t size, struct elfmap_type **ret_type, struct elfmap_msg *msg)
{
	(void)size;
	(void)ret_type;
	return elfmap_msg__set(msg, -EINVAL, "'%s' is no type", *words);
}
