/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What tc, ip, libbpf and the kernel call the types of program that tc and ip attach. */
#ifndef ELFMAP_PROG_TYPES_H
#define ELFMAP_PROG_TYPES_H

#include <linux/bpf.h>

struct prog_type {
	const char *name;	  /* as tc and ip call it */
	const char *prog_section; /* as libbpf calls it */
	enum bpf_prog_type type;
};

/* With the word for %s. */
#define PROG_TYPE_REFUSAL "type '%s' is none of cls, act, xdp, lwt_in, lwt_out, lwt_xmit"

/* The type that WORD on a command line means, or NULL. */
const struct prog_type *prog_type__find(const char *word);
/* The type that WORD on a command line means; NULL after complaining in the name of VERB. */
const struct prog_type *prog_type__parse(const char *word, const char *verb);

#endif
