/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks of a deployment by their state. Each `attach` loads the object again: hooks that were attached separately
 * share its pinned maps, and have unpinned maps and global variables of their own. So that each keeps its state, the
 * new version is loaded once for each group of hooks that share it.
 */
#ifndef ELFMAP_GROUPS_H
#define ELFMAP_GROUPS_H

#include "upgrade/deployment.h"
#include "upgrade/takeover.h"

struct elfmap_group {
	struct elfmap_takeover takeover;
	struct elfmap_load *load; /* NULL: rollback */
};

struct elfmap_groups {
	struct elfmap_group *at;
	size_t nr;
	size_t *of_hook; /* by hook of the deployment: its group */
};

/* Groups the hooks of DEPLOYMENT, which is not empty. LIKE has the members that the caller of takeover.h sets. */
int elfmap_groups__make(const struct elfmap_deployment *deployment, const struct elfmap_takeover *like,
			struct elfmap_groups *ret_groups, struct elfmap_msg *msg);

/* Loads FILE for each group, and reports the maps. */
int elfmap_groups__load(struct elfmap_groups *groups, const char *file, const struct elfmap_load_opts *opts,
			struct elfmap_msg *msg);
/* Adds the programs and maps of the loads to VERSION. ROOT is the bpf file system. */
int elfmap_groups__describe(const struct elfmap_groups *groups, const struct elfmap_deployment *deployment,
			    const char *root, struct elfmap_version *version, struct elfmap_msg *msg);

/* For a rollback to VERSION: reports common maps, and merges variables into its maps. */
int elfmap_groups__merge_back(struct elfmap_groups *groups, const struct elfmap_deployment *deployment,
			      const struct elfmap_version *version, struct elfmap_msg *msg);

/* Opens the running map with TYPE and NAME, as far as the kernel keeps the name; of several the one with id PREFERRED.
 * A descriptor, or -ENOENT. */
int elfmap_groups__open(const struct elfmap_groups *groups, const char *name, __u32 type, __u32 preferred);

/* Warns, by warn() of LOAD, of state maps whose pin is not the running map: after an upgrade in another network
 * namespace, or because the pin was removed. Entries of the running map are then missing in the pinned one. LOAD must
 * be committed. */
void elfmap_groups__warn_of_split(const struct elfmap_groups *groups, const struct elfmap_load *load);

/* After the exchange of programs. */
void elfmap_groups__finish(struct elfmap_groups *groups);
/* KEEP: the loads stay; otherwise they are undone. */
void elfmap_groups__free(struct elfmap_groups *groups, bool keep);

#endif
