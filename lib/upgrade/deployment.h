/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A deployment: the hooks of one object in this network namespace, the programs there, and the maps that these and the
 * stages behind them use. All of its programs are exchanged together.
 */
#ifndef ELFMAP_DEPLOYMENT_H
#define ELFMAP_DEPLOYMENT_H

#include "hook/hook.h"
#include "load/load.h"
#include "upgrade/version.h"

struct elfmap_deployment {
	struct elfmap_deployed {
		struct elfmap_hook hook;
		char *section; /* of the object, which the hook is called after */
		int before;    /* the program that was found there; a descriptor */
	} * at;
	size_t nr;
};

/* All hooks called OBJECT:[SECTION] whose programs can be exchanged: filters of all devices and in all chains, and
 * links that `elfmap attach` has pinned below TC_DIR for them. */
int elfmap_deployment__find(const char *object, const char *tc_dir, struct elfmap_deployment *ret_deployment,
			    struct elfmap_msg *msg);
void elfmap_deployment__free(struct elfmap_deployment *deployment);

/* Gives every hook the program that enters by its section in VERSION: no packet passes without one. All have
 * the new one when it returns 0, all have the one before on failure. -ENOENT: VERSION lacks a section; -ESTALE: another
 * command has exchanged a program since they were found. */
int elfmap_deployment__switch(struct elfmap_deployment *deployment, const struct elfmap_version *version,
			      struct elfmap_msg *msg);

/* ---- the maps of what is deployed ---------------------------------------------------------------------------- */

struct elfmap_deployed_maps {
	__u32 *ids;
	size_t nr;
};

/* Follows the programs of DEPLOYMENT through the slots of their tables. -ENOMEM; free() ret_maps->ids. */
int elfmap_deployment__read_maps(const struct elfmap_deployment *deployment, struct elfmap_deployed_maps *ret_maps);

/* The map of MAPS that is called NAME, as much of it as the kernel keeps, and of TYPE, as a descriptor; the one with
 * id PREFERRED if that is one of several. -ENOENT: there is none. */
int elfmap_deployed_maps__find(const struct elfmap_deployed_maps *maps, const char *name, __u32 type, __u32 preferred);

/* Tells LOAD's warn() of state maps whose pin is another map than the one in MAPS: by an upgrade in another network
 * namespace, or since the pin was taken away. LOAD has been committed; what programs wrote to the one in MAPS is not
 * in the pinned one. */
void elfmap_deployed_maps__warn_of_split(const struct elfmap_deployed_maps *maps, const struct elfmap_load *load);

/* Can VERSION run as it did? -ENOENT: a PROG_ARRAY that its programs jump through is pinned nowhere below TC_DIR, so it
 * has been empty since, and every tail call would fall through. */
int elfmap_version__check_tables(const struct elfmap_version *version, const char *tc_dir, struct elfmap_msg *msg);

#endif
