/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program and the hook it belongs to, as `elfmap attach` and the lines of a pipeline say it. */
#ifndef ELFMAP_ATTACHING_H
#define ELFMAP_ATTACHING_H

#include "hook/attach.h"
#include "load/load.h"

struct attaching {
	/* what was asked for */
	const char *what; /* FILE or PIN; NULL: a place alone */
	const char *section;
	const char *dev;
	const char *direction;
	bool tcx;
	bool is_file;
	struct elfmap_filter filter; /* its name, and where it is to be */
	char link[4096];	     /* tcx: where the link is pinned */

	/* where the program is from */
	struct elfmap_load *load;   /* NULL: a pin */
	int prog;		    /* descriptor; LOAD's if that is there */
	bool is_same;		    /* it is attached */
	bool is_in_force;	    /* it is attached, and its stages are in their slots: nothing is to be done */
	bool is_there;		    /* something is attached at this place, */
	struct elfmap_filter there; /* namely this */

	/* what was done */
	bool is_done;
	struct elfmap_attach done;
	int before; /* the program that was there; -1 */
};

/* Takes the words behind "attach" or "detach". Returns an exit status, having complained in the name of
 * argv[0] where that is not obvious from the usage. */
int attaching__parse(int argc, char **argv, struct attaching *ret_attaching);
/* Finds the device and names the filter. Returns an exit status, after complaining. */
int attaching__place(struct attaching *attaching, const char *tc_dir);

/* Opens the pin, or loads the file into the kernel, where nobody sees it yet; and looks what is there. */
int attaching__open(struct attaching *attaching, const char *tc_dir, struct elfmap_msg *msg);
/* Are the stages of LOAD in their slots, but for those slots that are others'? */
typedef bool attaching__slot_test(const void *context, const char *pin, __u32 slot);
bool attaching__has_its_stages(const struct elfmap_load *load, attaching__slot_test *is_others, const void *context);
/* Makes maps and slots visible: before the program is attached. -EAGAIN: close and open anew. */
int attaching__commit(struct attaching *attaching, struct elfmap_msg *msg);
int attaching__attach(struct attaching *attaching, struct elfmap_msg *msg);

/* Lets go of everything. KEEP: it stays as it is; else all that was done is taken back. */
void attaching__close(struct attaching *attaching, bool keep);

#endif
