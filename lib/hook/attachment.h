/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An attachment: a program and the hook it belongs to, in steps that can be taken back. Asking for the same thing again
 * changes nothing, and a newer program takes the place of the older without a packet in between. Where priority and
 * handle are left open the filter is the one with the same name.
 */
#ifndef ELFMAP_ATTACHMENT_H
#define ELFMAP_ATTACHMENT_H

#include "hook/hook.h"
#include "load/load.h"

/* What `attach`, `detach` and the lines of a pipeline ask for. */
struct elfmap_attach_request {
	const char *what;    /* FILE or PIN; NULL: a place alone */
	const char *section; /* of FILE */
	const char *dev;
	const struct elfmap_hook_kind *kind;
	enum elfmap_direction direction;
	__u32 prio, handle, chain; /* 0: open, and 0 */
};

enum elfmap_attach_result {
	ELFMAP_ATTACHED,  /* where nothing was */
	ELFMAP_REPLACED,  /* in place of an older one */
	ELFMAP_UNCHANGED, /* this very program with these very maps was there */
};

struct elfmap_attachment {
	struct elfmap_attach_request request;
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
	struct elfmap_hook wanted;
	bool is_file;
	const char *culprit; /* on failure: what the message is about */

	/* what there is */
	struct elfmap_load *load; /* NULL: the program is from a pin */
	int prog;		  /* descriptor; LOAD's if that is there; -1 */
	bool is_there;		  /* a program is attached at this place, */
	struct elfmap_hook there; /* namely here, */
	int before;		  /* namely this; a descriptor; -1 */
	bool is_same;		  /* it is the one that is asked for, */
	bool is_in_force;	  /* and its stages are in their slots: nothing is to be done */

	/* what was done */
	bool is_done;
	enum elfmap_attach_result result;
	struct elfmap_hook done; /* as it is now */
};

#define ELFMAP_NO_ATTACHMENT              \
	{                                 \
		.prog = -1, .before = -1, \
	}

/* Makes ATTACHMENT what REQUEST asks for, and nothing done: finds its device in namespace NETNS (-1: this process's)
 * and names the hook. TC_DIR, and the strings of REQUEST, must stay. */
int elfmap_attachment__init(const struct elfmap_attach_request *request, int netns, const char *tc_dir,
			    struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Opens the pin or loads the file, and looks what is at the hook. COMMIT: makes maps and slots visible then, unless
 * all is in force. */
int elfmap_attachment__open(struct elfmap_attachment *attachment, bool commit, struct elfmap_msg *msg);

/* Are the stages of LOAD, which may be NULL, in their slots, but for those slots that are others'? */
typedef bool elfmap_slot_test(const void *context, const char *pin, __u32 slot);
bool elfmap_load__has_stages(const struct elfmap_load *load, elfmap_slot_test *is_others, const void *context);

/* Attaches the program, or exchanges what is there, unless all is in force. */
int elfmap_attachment__attach(struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Takes away what the request means; `done` is what that was. */
int elfmap_attachment__detach(struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Lets go of everything. KEEP: it stays as it is; else all that was done is taken back. */
void elfmap_attachment__close(struct elfmap_attachment *attachment, bool keep);

/* Is program ID the one of PROG_FD, made from the same instructions with the same maps? LOAD is where PROG_FD is from:
 * maps that it does not pin are made anew by each load, and are the same if they are alike. NULL: each must be the
 * very same. */
bool elfmap_program__is_same(__u32 id, int prog_fd, const struct elfmap_load *load);

#endif
