/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Internal to `elfmap doctor`: the checks, their input, their findings.
 *
 *   doctor.c           the table of checks, order, plain and JSON
 *   doctor_system.c    tc, the preload, bpffs, the kernel's settings
 *   doctor_pins.c      what is pinned: full maps, devices, cgroups, leftovers
 *   doctor_programs.c  what is attached: duplicate filters, maps that are not the pinned ones, PROG_ARRAYs without a
 *                      pin, jumps to empty slots
 */
#ifndef ELFMAP_DOCTOR_H
#define ELFMAP_DOCTOR_H

#include <limits.h>

#include "hook/map_users.h"

enum gravity {
	GRAVE,	 /* packets or data are lost, or something cannot work */
	WARNING, /* it works, but probably not as intended */
};

struct finding {
	enum gravity gravity;
	const char *check; /* name of the check */
	char *what;	   /* one line with the evidence */
	char *remedy;	   /* the command that fixes it; NULL: there is no such command */
};

struct doctor {
	const char *dev;      /* only what is attached to this device, and its maps; NULL: all */
	char bpffs[PATH_MAX]; /* "": not found */
	char tc_dir[PATH_MAX];
	struct elfmap_census census;
	bool *runs;	   /* by program of the census: see doctor__runs() */
	const char *check; /* that is running */
	struct finding *findings;
	size_t nr_findings;
};

/* Adds a finding of the running check. REMEDY may be NULL. -ENOMEM */
int doctor__find(struct doctor *doctor, enum gravity gravity, const char *remedy, const char *what, ...)
	__attribute__((format(printf, 4, 5)));

/* Is the map in scope? Always, unless a device was named and no program there uses it. */
bool doctor__wants_map(const struct doctor *doctor, __u32 map);
/* Is the hook in scope: a hook of a device, and of the named one if there is one? */
bool doctor__wants(const struct doctor *doctor, const struct elfmap_hook *hook);
/* The path of the map's pin, outside generations/ if there is one; NULL: not pinned. */
const char *doctor__pin(const struct doctor *doctor, __u32 map);
const struct elfmap_program *doctor__program(const struct doctor *doctor, __u32 id);
/* Do packets reach the program: is it attached to a device in scope, or in a slot of a program that is reached? */
bool doctor__runs(const struct doctor *doctor, __u32 prog);

/* The checks. Each returns 0, also with findings, or a negative errno that ends the run. */
int doctor_tc(struct doctor *doctor);
int doctor_bpffs(struct doctor *doctor);
int doctor_settings(struct doctor *doctor);
int doctor_full(struct doctor *doctor);
int doctor_devices(struct doctor *doctor);
int doctor_cgroups(struct doctor *doctor);
int doctor_leftovers(struct doctor *doctor);
int doctor_duplicates(struct doctor *doctor);
int doctor_split(struct doctor *doctor);
int doctor_unpinned(struct doctor *doctor);
int doctor_slots(struct doctor *doctor);

#endif
