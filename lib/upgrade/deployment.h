/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A deployment: the hooks of an object in this network namespace, their programs, and the maps of these programs and
 * their stages. All programs are exchanged together.
 */
#ifndef ELFMAP_DEPLOYMENT_H
#define ELFMAP_DEPLOYMENT_H

#include <limits.h>

#include "hook/hook.h"
#include "load/holder.h"
#include "load/load.h"
#include "upgrade/version.h"

struct elfmap_deployment {
	struct elfmap_deployed {
		struct elfmap_hook hook;
		char *section; /* section of the object, from the name of the hook */
		__u32 before;  /* the program that was found there */
	} * at;
	size_t nr;
	__u32 *others; /* programs of hooks of the same name that are not part of it */
	size_t nr_others;
	struct elfmap_holder holder; /* keeps these programs loaded: hooks may be more than descriptors */
};

/* Hooks that a command names. */
struct elfmap_place {
	const char *dev;
	enum elfmap_direction direction; /* ELFMAP_NO_DIRECTION: all hooks of the device */
	bool is_xdp;			 /* only XDP */
};

/* Finds all hooks named OBJECT:[SECTION], OBJECT being the name of FILE, whose programs can be exchanged: filters of
 * all devices and chains, links that `elfmap attach` pinned below TC_DIR, and XDP programs. Those that rtnetlink
 * attached have no name, and filters of pinned programs that of the pin: they are found by the function of FILE, if it
 * can be read, and its maps. */
int elfmap_deployment__find(const char *file, const char *tc_dir, struct elfmap_deployment *ret_deployment,
			    struct elfmap_msg *msg);
void elfmap_deployment__free(struct elfmap_deployment *deployment);

/* Warns of the routes of this namespace whose program has the name of FILE: the kernel does not tell which program that
 * is, so it is neither replaced nor detached. */
void elfmap_deployment__warn_of_routes(const char *file, void (*warn)(const char *file, const char *text));

/* Keeps the hooks that belong to FILE (identity.h). -ENOENT: none does. */
int elfmap_deployment__choose(struct elfmap_deployment *deployment, const char *file, const char *tc_dir,
			      struct elfmap_msg *msg);
/* Keeps those of HOOKS, by place and name; perhaps none. */
int elfmap_deployment__keep_hooks(struct elfmap_deployment *deployment, const struct elfmap_hook *hooks, size_t nr,
				  struct elfmap_msg *msg);
/* Keeps the hooks at PLACES. -ENOENT: none is at one of them. */
int elfmap_deployment__keep_places(struct elfmap_deployment *deployment, const struct elfmap_place *places, size_t nr,
				   struct elfmap_msg *msg);
/* Keeps the hooks that run a program of VERSION, if there is one. */
int elfmap_deployment__keep_running(struct elfmap_deployment *deployment, const struct elfmap_version *version);

/* The Nth name for the directory of an object's versions, from 1. ESCAPED: the object's name. false: no more. */
bool elfmap_deployment__name_dir(const char *escaped, unsigned int nth, char ret_name[NAME_MAX + 1]);

/* The name of the directory of DEPLOYMENT's versions below tc/generations: OBJECT, escaped, or for a second deployment
 * of this name OBJECT~2, and so on. NETNS: its subdirectory. */
void elfmap_deployment__find_dir(const struct elfmap_deployment *deployment, const char *tc_dir, const char *object,
				 unsigned long netns, char ret_name[NAME_MAX + 1]);

/* What a version calls the hook of DEPLOYED, if it notes its program apart from others of the section. */
#define ELFMAP_DEPLOYED_NAME 96
void elfmap_deployed__name(const struct elfmap_deployed *deployed, char ret_name[ELFMAP_DEPLOYED_NAME]);

/* The program of VERSION for the hook of DEPLOYED: its own, or that of its section. A descriptor; -1: there is none. */
int elfmap_deployed__find_program(const struct elfmap_deployed *deployed, const struct elfmap_version *version);

/* Replaces the program of each hook by VERSION's entry program of the same section; no packet passes without a program.
 * On failure all hooks have their old programs. -ENOENT: VERSION lacks a section; -ESTALE: another command has
 * exchanged a program since. */
int elfmap_deployment__switch(struct elfmap_deployment *deployment, const struct elfmap_version *version,
			      struct elfmap_msg *msg);

/* Lets the pins below TC_DIR/progs, which `elfmap load` has made, refer to the programs that the hooks run now, where
 * they refer to those before. WARN is called for a pin that could not be replaced. */
void elfmap_deployment__replace_pins(const struct elfmap_deployment *deployment, const char *tc_dir,
				     void (*warn)(const char *path, const char *text));

/* Checks that the PROG_ARRAYs of VERSION are pinned below TC_DIR. -ENOENT: one is not, so the kernel has emptied it,
 * and all tail calls would fail. */
int elfmap_version__check_tables(const struct elfmap_version *version, const char *tc_dir, struct elfmap_msg *msg);

#endif
