/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An attachment: a program and its hook, made in steps that can be undone. A repeated request changes nothing; a newer
 * program replaces the older one with no packet between them. Without priority and handle, the filter with the same
 * name is meant.
 */
#ifndef ELFMAP_ATTACHMENT_H
#define ELFMAP_ATTACHMENT_H

#include "hook/hook.h"
#include "load/load.h"

enum elfmap_attach_source {
	ELFMAP_FROM_ANY, /* a file if there is one of this name */
	ELFMAP_FROM_FILE,
	ELFMAP_FROM_PIN,
};

/* The request of `attach`, of `detach` and of a line of a pipeline. */
struct elfmap_attach_request {
	const char *what; /* FILE or PIN; NULL: only a place */
	enum elfmap_attach_source source;
	const char *section; /* of FILE */
	const char *dev;
	const struct elfmap_hook_kind *kind;
	enum elfmap_direction direction;
	__u32 prio, handle, chain; /* 0: not given; for chain 0 */
	enum elfmap_xdp_mode mode;
	bool by_link;			 /* XDP: attach with a pinned link */
	struct elfmap_settings settings; /* of the global variables of FILE */
};

enum elfmap_attach_result {
	ELFMAP_ATTACHED,  /* at a free place */
	ELFMAP_REPLACED,  /* in place of another program */
	ELFMAP_UNCHANGED, /* the same program with the same maps was attached */
};

struct elfmap_attachment {
	struct elfmap_attach_request request;
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
	struct elfmap_hook wanted;
	bool is_file;
	const char *culprit; /* on failure: the object of the message */

	/* found */
	struct elfmap_load *load; /* NULL: the program comes from a pin */
	int prog;		  /* descriptor, of LOAD if that is not NULL; -1 */
	bool is_there;		  /* a program is attached at this place: `there` */
	struct elfmap_hook there; /* the hook as found */
	int before;		  /* descriptor of its program; -1 */
	bool is_same;		  /* it is the requested program */
	bool is_in_force;	  /* and its stages are in their slots: nothing to do */
	bool is_known;		  /* the caller has set these members; they are read again if that was long ago */

	/* done */
	bool is_done;
	enum elfmap_attach_result result;
	struct elfmap_hook done; /* the hook as it is now */
};

#define ELFMAP_NO_ATTACHMENT              \
	{                                 \
		.prog = -1, .before = -1, \
	}

/* Initialises ATTACHMENT from REQUEST: finds the device in namespace NETNS (-1: that of this process) and names the
 * hook. TC_DIR and the strings of REQUEST must stay valid. */
int elfmap_attachment__init(const struct elfmap_attach_request *request, int netns, const char *tc_dir,
			    struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Finds the hook of the request. -ENOENT: nothing is attached there. -EEXIST: the place has room for one program, which
 * has another name. */
int elfmap_attachment__find(const struct elfmap_attachment *attachment, struct elfmap_hook *ret_there,
			    struct elfmap_msg *msg);

/* Opens the pin or loads the file, and reads the state of the hook. COMMIT: then makes maps and slots visible, unless
 * the request is already in force. */
int elfmap_attachment__open(struct elfmap_attachment *attachment, bool commit, struct elfmap_msg *msg);

/* Are the stages of LOAD in their slots? Slots for which IS_OTHERS returns true are left out. LOAD may be NULL. */
typedef bool elfmap_slot_test(const void *context, const char *pin, __u32 slot);
bool elfmap_load__has_stages(const struct elfmap_load *load, elfmap_slot_test *is_others, const void *context);

/* Attaches the program or replaces the attached one, unless the request is already in force. */
int elfmap_attachment__attach(struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Detaches the program of the request; `done` is its hook. -ENOENT: it is not attached. */
int elfmap_attachment__detach(struct elfmap_attachment *attachment, struct elfmap_msg *msg);

/* Releases everything. KEEP: the changes stay; otherwise they are undone. */
void elfmap_attachment__close(struct elfmap_attachment *attachment, bool keep);

/* Opens the program of TYPE that is pinned at PIN. */
int elfmap_program__open_pin(const char *pin, enum bpf_prog_type type, int *ret_prog, struct elfmap_msg *msg);

/* Is program ID the same as PROG_FD, with the same instructions and maps? LOAD is the load of PROG_FD: its maps without
 * pin are made by each load, and are the same if they have the same definition. NULL: all maps must be identical. */
bool elfmap_program__is_same(__u32 id, int prog_fd, const struct elfmap_load *load);

#endif
