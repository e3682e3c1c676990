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

/* After the exchange of programs. */
void elfmap_groups__finish(struct elfmap_groups *groups);
/* KEEP: the loads stay; otherwise they are undone. */
void elfmap_groups__free(struct elfmap_groups *groups, bool keep);

#endif
