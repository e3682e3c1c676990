/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A version of an object: its entry programs, and the maps that it does not share with other versions: its PROG_ARRAYs
 * and the maps whose size changed. Pinned as a directory it survives the command:
 *
 *   DIR/entries/SECTION        a program, '.' and '/' of the section's name as %2E and %2F
 *   DIR/hooks/HOOK             the program of a hook, if another hook has another program of the same section
 *   DIR/maps/tc/globals/NAME   a map; the path below maps/ is that of its usual pin
 *   DIR/maps/-/NAME            a map without usual pin
 */
#ifndef ELFMAP_VERSION_H
#define ELFMAP_VERSION_H

#include "object/object.h"

struct elfmap_version_pin {
	char *name; /* of an entry its section; of a map the path below the bpf file system, or "-/NAME" */
	int fd;
	bool starts_anew; /* a map that does not get the entries of its predecessor; not kept in the pins */
};

struct elfmap_version {
	struct elfmap_version_pin *entries;
	size_t nr_entries;
	struct elfmap_version_pin *hooks; /* named as by elfmap_deployed__name() */
	size_t nr_hooks;
	struct elfmap_version_pin *maps;
	size_t nr_maps;
};

/* Adds a program or map; duplicates the descriptor. -ENOMEM, -EMFILE */
int elfmap_version__add_entry(struct elfmap_version *version, const char *section, int prog);
int elfmap_version__add_hook(struct elfmap_version *version, const char *hook, int prog);
int elfmap_version__add_map(struct elfmap_version *version, const char *place, int map);
void elfmap_version__free(struct elfmap_version *version);

/* The entry program of SECTION; -1: none. */
int elfmap_version__find(const struct elfmap_version *version, const char *section);
/* The program of HOOK alone; -1: none. */
int elfmap_version__find_hook(const struct elfmap_version *version, const char *hook);
bool elfmap_version__has_map(const struct elfmap_version *version, __u32 id);
bool elfmap_version__has_prog(const struct elfmap_version *version, __u32 id);

/* Pins all of it below DIR, which must not exist. On failure no pin stays. */
int elfmap_version__pin(const struct elfmap_version *version, const char *dir, struct elfmap_msg *msg);
/* Opens the pins below DIR. -ENOENT: no such directory. */
int elfmap_version__read(const char *dir, struct elfmap_version *ret_gen, struct elfmap_msg *msg);
/* Removes DIR with all pins, if it exists. It disappears in one step. */
void elfmap_version__remove(const char *dir);

/* ---- versions that are no longer needed ------------------------------------------------------------------------- */

struct elfmap_kept {
	size_t nr;		     /* versions that were not removed */
	__u32 prog;		     /* a program that uses them */
	char name[BPF_OBJ_NAME_LEN]; /* its name */
};

/* Moves the version pinned at DIR, if it exists, below RETIRED, and removes the pins of its programs. Its tables stay
 * pinned while a program uses them: the kernel empties a PROG_ARRAY with its last pin, even if filters of another
 * network namespace, which are not visible here, still jump through it. */
int elfmap_version__retire(const char *dir, const char *retired, struct elfmap_msg *msg);

/* Removes the versions below RETIRED that are no longer used, or whose tables have another pin below TC_DIR. Call it
 * with the lock held and after elfmap_version__wait(). Waits up to 0.2 seconds for programs to be freed. */
void elfmap_retired__sweep(const char *retired, const char *tc_dir, struct elfmap_kept *ret_kept);

/* Does a program use maps of VERSION, which has no programs? Sets USED for each used map, and KEPT to one of the
 * programs. Stages in the slots of an unused table of VERSION do not count. Waits up to 0.2 seconds for programs to be
 * freed.
 */
bool elfmap_version__find_used(const struct elfmap_version *version, bool *used, struct elfmap_kept *kept);

/* Waits until all packets have left the programs that they had entered. */
void elfmap_version__wait(void);

#endif
