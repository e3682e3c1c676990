/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The options of attach, detach and graft, which are also those of the lines of a pipeline. request.c neither prints
 * nor exits nor calls the kernel.
 */
#ifndef ELFMAP_REQUEST_H
#define ELFMAP_REQUEST_H

#include "helpers/options.h"
#include "hook/attachment.h"
#include "hook/graft.h"

struct attach_words {
	struct elfmap_attach_request request; /* without kind and direction, which come from the two below */
	int place;			      /* by attach_places */
	bool tcx, link;
	bool all; /* detach: all hooks of FILE */
};

/* Of load, attach and upgrade. */
#define SET_HELP "values of global variables and constants"

extern const struct option_choice attach_places[];
extern const struct option_row attach_options[]; /* of struct attach_words */
extern const struct option_row detach_options[]; /* likewise; FILE|PIN is optional */

/* Completes the request of WORDS. -EINVAL: wrong usage. */
int attach_words__finish(const struct attach_words *words, struct elfmap_attach_request *ret_request,
			 struct elfmap_msg *msg);

struct graft_words {
	struct elfmap_graft_request request;
	bool empty;
};

extern const struct option_row graft_options[]; /* of struct graft_words */

/* attach.c: prints "dev v0 ingress prio 1 handle 0x1 chain 0 NAME", or "dev v0 ingress tcx NAME" for a kind of hook
 * without such a place. */
void print_hook(const struct elfmap_hook *hook, const char *name);

#endif
