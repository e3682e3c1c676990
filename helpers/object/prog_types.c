// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table behind `type TYPE` on command lines. */
#include <string.h>

#include "helpers/command.h"
#include "helpers/object/prog_types.h"

static const struct prog_type types[] = {
	{"cls", "tc", BPF_PROG_TYPE_SCHED_CLS},
	{"act", "action", BPF_PROG_TYPE_SCHED_ACT},
	{"xdp", "xdp", BPF_PROG_TYPE_XDP},
	{"lwt_in", "lwt_in", BPF_PROG_TYPE_LWT_IN},
	{"lwt_out", "lwt_out", BPF_PROG_TYPE_LWT_OUT},
	{"lwt_xmit", "lwt_xmit", BPF_PROG_TYPE_LWT_XMIT},
	{},
};

const struct prog_type *prog_type__find(const char *word)
{
	for (const struct prog_type *type = types; type->name; type++)
		if (!strcmp(type->name, word))
			return type;
	return NULL;
}

const struct prog_type *prog_type__parse(const char *word, const char *verb)
{
	const struct prog_type *type = prog_type__find(word);

	if (!type)
		complain(verb, PROG_TYPE_REFUSAL, word);
	return type;
}
