/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * upgrade: another version of an attached object goes live as a whole, and back.
 *
 * The new version gets PROG_ARRAYs of its own, filled before anybody enters by it; then every filter
 * of the old one is given its new program. A packet that has entered by an old program finds old
 * stages, one that enters by a new one finds new stages. State maps are shared by both; one that the
 * new version wants larger is copied.
 *
 *   tc/generations/OBJECT/NETNS/previous   what ran before: where --rollback goes
 *   tc/generations/OBJECT/NETNS/current    what runs now
 *   tc/generations/OBJECT/NETNS/old, next  while an upgrade is under way; left by one that was killed
 *   tc/generations/OBJECT/retired/NUMBER   what programs of another namespace, or of nobody knows whom, still use
 *
 * NETNS is the number of the network namespace: each is upgraded for itself.
 */
#ifndef ELFMAP_UPGRADE_H
#define ELFMAP_UPGRADE_H

#include "upgrade/deployment.h"
#include "upgrade/version.h"

struct elfmap_upgrade {
	struct elfmap_deployment deployment; /* that was exchanged */
	size_t nr_grown;		     /* maps that were made larger, or smaller again */
	size_t late;		 /* entries that were written to the old map while the programs were exchanged */
	size_t lost;		 /* of these not carried over: the new program wrote them as well */
	struct elfmap_kept kept; /* versions that were to go, and are in use elsewhere */
	bool was_interrupted;	 /* an upgrade that was killed was taken back first */
};

struct elfmap_upgrade_opts {
	const char *tc_dir;
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
	/* Called when the new version's tables are filled and no packet has met them, to put more into them; may be
	 * NULL. They are pinned below TABLES as they will be below the bpf file system. An error ends the upgrade. */
	int (*fill)(void *context, const char *tables, struct elfmap_msg *msg);
	void *context;
};

/* Loads FILE and gives its programs to all filters and links of the same name. Nothing has changed on
 * failure. -ENOENT: nothing of it is attached. -EBUSY: another command is at work. elfmap_upgrade__free() */
int elfmap_upgrade__run(const char *file, const struct elfmap_upgrade_opts *opts, struct elfmap_upgrade *ret_upgrade,
			struct elfmap_msg *msg);

/* Changes places with the previous version of FILE, which is only a name here. -ENOENT: there is none. */
int elfmap_upgrade__rollback(const char *file, const char *tc_dir, struct elfmap_upgrade *ret_upgrade,
			     struct elfmap_msg *msg);

/* Drops the previous version, after every packet that could be in it has left, or keeps its tables if somebody
 * else's programs use them. -ENOENT: there is nothing to drop. */
int elfmap_upgrade__forget(const char *file, const char *tc_dir, struct elfmap_upgrade *ret_upgrade,
			   struct elfmap_msg *msg);

void elfmap_upgrade__free(struct elfmap_upgrade *upgrade);

#endif
