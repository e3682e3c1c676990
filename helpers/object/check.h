/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between the files of `elfmap check`: what was asked for, and what is found out about it.
 *
 *   check.c           command line, order of the steps
 *   check_load.c      the trial: maps of its own, each program by itself
 *   check_pins.c      the pins that are there, opened to be compared
 *   check_explain.c   the kernel's refusals in words
 *   check_print.c     plain and JSON; whether all is well
 */
#ifndef ELFMAP_CHECK_H
#define ELFMAP_CHECK_H

#include <bpf/libbpf.h>

#include "helpers/command.h"
#include "helpers/object/lines.h"
#include "helpers/object/prog_types.h"
#include "object/object.h"

enum pin_state {
	PIN_UNASKED, /* the map is not pinned */
	PIN_ABSENT,
	PIN_EQUAL,
	PIN_DIFFERENT,
	PIN_UNKNOWN, /* it could not be looked at */
};

/* A map as libbpf would make it. Everything is in the order of libbpf's own list. */
struct check_map {
	char *name;
	struct elfmap_map map;	   /* of a legacy definition, or made up from a modern one */
	const char *template;	   /* name of the map that an outer map takes its inner ones after */
	bool is_legacy, is_wanted; /* wanted: not made by libbpf for global data */
	int fd;			   /* our own, private one; -1 */
	int inner_fd;		   /* of an outer map: what its inner ones are like, where the object does not say */
	int err;
	char *why; /* it was not made */
	char *pin_path;
	enum pin_state pin;
	char *pin_why;
};

struct check_prog {
	char *name;
	char *section;			  /* as `sec NAME` says it */
	const struct elfmap_prog *legacy; /* what elfmap reads of it; NULL: nothing */
	enum bpf_prog_type type;
	bool is_chosen;
	size_t nr_insns; /* in the object */
	__u32 xlated;	 /* bytes, in the kernel */
	__u32 verified;	 /* instructions that the verifier went through; 0: not known */
	int err;
	char *why;	  /* it was refused */
	struct lines log; /* end of the verifier's */
};

struct check {
	const char *file;
	const char *section;	      /* NULL: all */
	const struct prog_type *type; /* NULL: as the sections' names suggest */
	bool old_tc;
	const struct elfmap_object *object;
	const void *bytes; /* what libbpf gets */
	size_t size;
	char sha1[41];
	char *tc_dir; /* where pins are; NULL: no bpffs, so nothing can be pinned yet */
	struct check_map *maps;
	size_t nr_maps;
	struct check_prog *progs;
	size_t nr_progs;
	struct lines problems;
	struct lines warnings;
};

/* check_load.c: lists maps and programs, and tries each. A negative errno only when the trial itself
 * fails; whatever the object's fault is, goes into CHECK. */
int check__list(struct check *check);
int check__load(struct check *check);

int check__pins(struct check *check); /* check_pins.c */
/* The first inner map that is in the pinned outer MAP, for whoever needs one to make another. A
 * descriptor, or -1. */
int check__borrow_inner(const struct check_map *map);

/* check_explain.c. TEXT is what libbpf said, LOG what the verifier did; either may be "". The end of LOG
 * is kept first. */
int check__explain_map(const struct check *check, struct check_map *map, int err, const char *text);
int check__explain_prog(const struct check *check, struct check_prog *prog, int err, const char *text, const char *log);
int check__explain_undefined(struct check_prog *prog);
int check__keep_log(struct check_prog *prog, const char *log);
__u32 check__processed_insns(const char *log);

/* check_print.c: on stdout, and each fault on stderr. */
void check__print(const struct check *check);
bool check__is_fine(const struct check *check);
int check__old_tc(const struct check *check); /* check_old_tc.c: judges and prints; exit status */

#endif
