/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Would the kernel take an object? libbpf gives up at the first thing that is refused, so the object is opened anew for
 * each program: with the maps of the first opening, and this program alone to be loaded. The maps are private ones: no
 * pin is used, none is made, and all are gone afterwards.
 */
#ifndef ELFMAP_TRIAL_H
#define ELFMAP_TRIAL_H

#include "load/load.h"

struct elfmap_verdict {
	int err;	  /* the kernel's or libbpf's; 0: it was made */
	const char *said; /* libbpf's first warning, or "" */
	const char *log;  /* of a program: the verifier's, or "" */
	__u32 xlated;	  /* of a program that was loaded: bytes in the kernel */
	__u32 verified;	  /* of a program: instructions that the verifier went through; 0: not known */
};

struct elfmap_trial {
	/* Hear the verdict on the NTH of load->maps and load->progs; of maps only where one is refused. A negative
	 * errno ends the trial. */
	int (*hear_map)(void *context, size_t nth, const struct elfmap_verdict *verdict);
	int (*hear_prog)(void *context, size_t nth, const struct elfmap_verdict *verdict);
	/* An inner map for an outer one whose inner maps the object says nothing of: a descriptor, which is then the
	 * trial's, or -1. */
	int (*lend_inner)(void *context, size_t nth);
	void *context;
};

/* Tries the maps of LOAD, which elfmap_load__list() has filled, and the programs that are wanted. A negative errno only
 * when the trial itself fails. */
int elfmap_load__try(const struct elfmap_load *load, const struct elfmap_trial *trial);

#endif
