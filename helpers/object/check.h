/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Internal to `elfmap check`: the request, and what is found.
 *
 *   check.c           command line, order of the steps, pins, the trial's verdicts
 *   check_explain.c   the kernel's refusals in words
 *   check_print.c     plain and JSON; whether all is well; --old-tc
 */
#ifndef ELFMAP_CHECK_H
#define ELFMAP_CHECK_H

#include <bpf/libbpf.h>

#include "helpers/command.h"
#include "load/trial.h"

#define LINE_SIZE 1024

struct lines {
	char **text;
	size_t nr;
};

/* Appends a line; unprintable characters become '?'. -ENOMEM */
int lines__add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lines__free(struct lines *lines);

enum pin_state {
	PIN_UNASKED, /* the map is not pinned */
	PIN_ABSENT,
	PIN_EQUAL,
	PIN_DIFFERENT,
	PIN_UNKNOWN, /* it could not be read */
};

struct check_map {
	const struct elfmap_load_map *of;
	int err;
	char *why; /* why it was not created */
	enum pin_state pin;
	char *pin_why;
};

struct check_prog {
	const char *name;
	const char *section; /* as in `sec NAME` */
	enum bpf_prog_type type;
	bool is_chosen;
	size_t nr_insns; /* in the object */
	__u32 xlated;	 /* bytes, in the kernel */
	__u32 verified;	 /* instructions that the verifier processed; 0: not known */
	int err;
	char *why;	  /* why it was refused */
	struct lines log; /* end of the verifier's */
};

struct check {
	const char *file;
	const char *section; /* NULL: all */
	__u32 type;	     /* BPF_PROG_TYPE_UNSPEC: from the sections' names */
	bool old_tc;
	struct elfmap_load *load;
	struct check_map *maps; /* as load->maps */
	size_t nr_maps;
	struct check_prog *progs; /* as load->progs, and then those that transcoding removed */
	size_t nr_progs;
	struct lines problems;
	struct lines warnings;
};

/* check_explain.c. TEXT is libbpf's message, LOG the verifier's; either may be "". check__keep_log() comes
 * first. */
int check__explain_map(const struct check *check, struct check_map *map, int err, const char *text);
int check__explain_prog(const struct check *check, struct check_prog *prog, int err, const char *text, const char *log);
int check__explain_undefined(struct check_prog *prog, const struct elfmap_prog *read);
int check__keep_log(struct check_prog *prog, const char *log);

/* check_print.c: findings on stdout, errors on stderr as well. */
void check__print(const struct check *check);
bool check__is_fine(const struct check *check);
int check__old_tc(const struct check *check); /* --old-tc: judges and prints; exit status */

#endif
