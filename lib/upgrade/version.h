/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A version: the programs of one version of an object that packets enter by, and the maps that are
 * this version's own, which are its PROG_ARRAYs and the maps that were made larger. Pinned as a
 * directory it survives the command:
 *
 *   DIR/entries/SECTION        a program, '.' and '/' of the section's name as %2E and %2F
 *   DIR/maps/tc/globals/NAME   a map, and below maps/ where its usual pin is in the bpf file system
 *   DIR/maps/-/NAME            a map that has no usual pin
 */
#ifndef ELFMAP_VERSION_H
#define ELFMAP_VERSION_H

#include "object/object.h"

struct elfmap_version {
	struct elfmap_version_entry {
		char *section;
		int prog;
	} * entries;
	size_t nr_entries;
	struct elfmap_version_map {
		char *place; /* below the bpf file system, or "-/NAME" */
		int map;
	} * maps;
	size_t nr_maps;
};

/* Adds a program or map, of which a descriptor is kept. -ENOMEM, -EMFILE */
int elfmap_version__add_entry(struct elfmap_version *version, const char *section, int prog);
int elfmap_version__add_map(struct elfmap_version *version, const char *place, int map);
void elfmap_version__free(struct elfmap_version *version);

/* The program that enters by SECTION; -1: there is none. */
int elfmap_version__find(const struct elfmap_version *version, const char *section);
bool elfmap_version__has_prog(const struct elfmap_version *version, __u32 id);

/* Pins all of it below DIR, which is not there yet. On failure nothing of it stays. */
int elfmap_version__pin(const struct elfmap_version *version, const char *dir, struct elfmap_msg *msg);
/* Opens what is pinned below DIR. -ENOENT: there is no such directory. */
int elfmap_version__read(const char *dir, struct elfmap_version *ret_gen, struct elfmap_msg *msg);
/* Removes all pins below DIR and the directories, if it is there: at once, as anybody sees it. */
void elfmap_version__remove(const char *dir);

/* ---- versions that are no longer needed ------------------------------------------------------------------------- */

struct elfmap_kept {
	size_t nr;		     /* versions that stay */
	__u32 prog;		     /* one of the programs that use them */
	char name[BPF_OBJ_NAME_LEN]; /* its name */
};

/* Moves the version pinned at DIR, if there is one, below RETIRED, and lets go of its programs. */
int elfmap_version__retire(const char *dir, const char *retired, struct elfmap_msg *msg);

/* Removes what is below RETIRED and not used any more, or has another pin below TC_DIR. To be called with the
 * lock, and after elfmap_version__wait(). Waits for some moments for programs to go. */
void elfmap_retired__sweep(const char *retired, const char *tc_dir, struct elfmap_kept *ret_kept);

/* Does a program use maps of VERSION, which has no programs? USED says which, KEPT one of the programs. Stages that are
 * there by a slot of VERSION's tables do not count, while the table is not used. Waits for some moments for programs to
 * go.
 */
bool elfmap_version__find_used(const struct elfmap_version *version, bool *used, struct elfmap_kept *kept);

/* Returns when every packet that had entered a program has left it. */
void elfmap_version__wait(void);

#endif
