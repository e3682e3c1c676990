/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tests whether the kernel accepts an object. libbpf stops at the first refusal, so the object is opened again for each
 * program, with the maps of the first attempt and only this program to load. The maps are private: no pin is used or
 * made, and the maps are removed afterwards.
 */
#ifndef ELFMAP_TRIAL_H
#define ELFMAP_TRIAL_H

#include "load/load.h"

struct elfmap_verdict {
	int err;	  /* of the kernel or libbpf; 0: accepted */
	const char *said; /* libbpf's first warning, or "" */
	const char *log;  /* of a program: the verifier's log, or "" */
	__u32 xlated;	  /* of a loaded program: its size in the kernel */
	__u32 verified;	  /* of a program: instructions that the verifier processed; 0: unknown */
};

struct elfmap_trial {
	/* Called with the verdict on the NTH of load->maps and load->progs; for maps only if one is refused. A negative
	 * errno ends the trial. */
	int (*hear_map)(void *context, size_t nth, const struct elfmap_verdict *verdict);
	int (*hear_prog)(void *context, size_t nth, const struct elfmap_verdict *verdict);
	/* Returns an inner map for a map of maps for which the object declares none: a descriptor, owned by the trial,
	 * or -1. */
	int (*lend_inner)(void *context, size_t nth);
	void *context;
};

/* Tries the maps of LOAD, filled by elfmap_load__list(), and its selected programs. A negative errno only if the trial
 * itself fails. */
int elfmap_load__try(const struct elfmap_load *load, const struct elfmap_trial *trial);

#endif
