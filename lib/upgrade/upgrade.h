/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Replaces all programs of an attached object by another version at once, and back.
 *
 * The new version gets its own PROG_ARRAYs, which are filled before the exchange; then each filter of the old version
 * gets its new program. A packet that entered an old program finds old stages; one that enters a new program finds new
 * stages. Both use the same state maps (takeover.h); a map that is larger in the new version, or whose
 * entries have other members, is made anew and its entries are converted (map/migrate.h).
 *
 *   tc/generations/OBJECT/NETNS/previous   the version before, for --rollback
 *   tc/generations/OBJECT/NETNS/current    the attached version
 *   tc/generations/OBJECT/NETNS/old, next  during an upgrade; left over if it was killed
 *   tc/generations/OBJECT/retired/NUMBER   tables that other programs still use, e.g. in another namespace
 *
 * NETNS is the number of the network namespace: each is upgraded separately.
 */
#ifndef ELFMAP_UPGRADE_H
#define ELFMAP_UPGRADE_H

#include "map/migrate.h"
#include "upgrade/deployment.h"
#include "upgrade/report.h"
#include "upgrade/version.h"

struct elfmap_upgrade {
	struct elfmap_deployment deployment; /* the exchanged hooks */
	struct elfmap_map_reports maps;	     /* what became of each */
	struct elfmap_kept kept;	     /* versions that could not be removed, as they are in use elsewhere */
	bool was_interrupted;		     /* a killed upgrade was undone first */
};

struct elfmap_upgrade_opts {
	const char *tc_dir;
	/* The hooks whose programs are exchanged: HOOKS, by place and name, or those at PLACES, or with neither those
	 * that belong to FILE, see identity.h. */
	const struct elfmap_hook *hooks;
	size_t nr_hooks;
	const struct elfmap_place *places;
	size_t nr_places;
	/* Use the tables at the usual pins, which an upgrade in another namespace has just made, rather than new ones.
	 */
	bool shares_tables;
	const struct elfmap_settings *settings; /* as in struct elfmap_load_opts */
	const struct elfmap_settings *maxima;	/* as in struct elfmap_load_opts */
	const char *resets;	 /* names of maps and of sections of global data that start anew, "a,.data"; NULL */
	enum elfmap_merge merge; /* of entries whose keys become the same */
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
	/* Called when the new version's tables are filled and not yet used, to add entries; may be NULL. The tables are
	 * pinned below TABLES with the same paths as below the bpf file system. An error ends the upgrade. */
	int (*fill)(void *context, const char *tables, struct elfmap_msg *msg);
	void *context;
};

/* Loads FILE and exchanges the programs of its hooks. On failure nothing has changed. -ENOENT: it is not attached.
 * -ENOTUNIQ: it is not clear which hooks are meant. -EBUSY: another command is upgrading it. elfmap_upgrade__free() */
int elfmap_upgrade__run(const char *file, const struct elfmap_upgrade_opts *opts, struct elfmap_upgrade *ret_upgrade,
			struct elfmap_msg *msg);

/* The same for NR objects in one change: maps that are made anew are shared, all hooks are exchanged one after the
 * other, and then entries written meanwhile are copied. On failure all of them have their former programs.
 * *RET_CULPRIT: the file that MSG is about. elfmap_upgrade__free() each of RET_UPGRADES. */
int elfmap_upgrades__run(const char *const *files, size_t nr, const struct elfmap_upgrade_opts *opts,
			 struct elfmap_upgrade *ret_upgrades, const char **ret_culprit, struct elfmap_msg *msg);
int elfmap_upgrades__roll_back(const char *const *files, size_t nr, const struct elfmap_upgrade_opts *opts,
			       struct elfmap_upgrade *ret_upgrades, const char **ret_culprit, struct elfmap_msg *msg);

/* Exchanges the attached version with the previous one, at the hooks that the last change exchanged. FILE may be gone.
 * Only the hooks and `merge` of OPTS matter. -ENOENT: no previous version. */
int elfmap_upgrade__rollback(const char *file, const struct elfmap_upgrade_opts *opts,
			     struct elfmap_upgrade *ret_upgrade, struct elfmap_msg *msg);

/* Removes the previous version after the last packet has left it; keeps its tables while other programs use them.
 * -ENOENT: no previous version. */
int elfmap_upgrade__forget(const char *file, const struct elfmap_upgrade_opts *opts, struct elfmap_upgrade *ret_upgrade,
			   struct elfmap_msg *msg);

/* Was an upgrade of an object with the name of FILE killed, so that the next one has to finish or undo it? */
bool elfmap_upgrade__was_interrupted(const char *file, const char *tc_dir);

void elfmap_upgrade__free(struct elfmap_upgrade *upgrade);

#endif
