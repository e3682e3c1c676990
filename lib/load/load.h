/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * load: an object's maps and programs into the kernel, by the legacy contract or by libbpf's own, and
 * then, in one go, where others find them. In three steps, the first two of which nobody can see:
 *
 *   elfmap_load__open     load_open.c   what is in the file, what is wanted of it
 *   elfmap_load__kernel   load.c        maps made or taken from their pins, programs verified
 *   elfmap_load__commit   load_pin.c    new maps pinned, slots filled, programs pinned; or nothing of it
 *
 * Then elfmap_load__keep(), or elfmap_load__undo() when what was to follow has failed.
 */
#ifndef ELFMAP_LOAD_H
#define ELFMAP_LOAD_H

#include <bpf/libbpf.h>

#include "load/pair.h"

struct elfmap_load_opts {
	const char *tc_dir;	 /* where pins are, ".../tc" */
	const char *section;	 /* the program that is wanted, and those in tail-call slots; NULL: all */
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: what the sections' names suggest, else SCHED_CLS */
	bool private_slots;	 /* PROG_ARRAYs are new ones, even where they are pinned: another version */
	/* Nothing but the program of `section` is wanted, to be put into a slot of the PROG_ARRAY pinned at
	 * this path by the caller. A map of its name is that one, wherever the object has it pinned; slots of
	 * tables that are there already are left alone, new tables are filled. */
	const char *graft_into;
	bool may_grow;	/* a map that has more entries than its pin is a new one, pinned by the caller */
	bool is_locked; /* the caller holds the lock on tc_dir alone, or changes nothing there */
	/* Hears what the contract warns about; may be NULL. */
	void (*warn)(const char *file, const char *text);
};

struct elfmap_load_map {
	struct elfmap_map map; /* for a modern definition made up from libbpf's view */
	bool is_legacy;
	char *pin_path;	     /* NULL: it is not pinned, */
	char *unpinned_why;  /* though the object asks for it */
	struct bpf_map *bpf; /* its descriptor from elfmap_load__kernel() on */
	bool is_reused;	     /* from its pin */
	bool has_grown;	     /* its pin is the same but for having fewer entries, and is not used */
	bool is_internal;    /* libbpf's, for global data */
};

struct elfmap_load_prog {
	const char *name;
	const char *section; /* as `sec NAME` says it */
	enum bpf_prog_type type;
	int slot_map; /* index in maps[] of the PROG_ARRAY it goes into; -1 */
	__u32 slot_key;
	bool is_wanted;
	const struct elfmap_prog *read; /* what the object says of it; NULL: nothing */
	struct bpf_program *bpf;
};

struct elfmap_load {
	const char *file; /* the caller's word for it */
	struct elfmap_load_opts opts;
	void *bytes;
	size_t size;
	struct elfmap_object *object;
	void *transcoded; /* what libbpf gets instead of bytes; NULL: those */
	size_t transcoded_size;
	struct bpf_object *bpf;
	struct elfmap_pair pair;
	struct elfmap_load_map *maps; /* in libbpf's order */
	size_t nr_maps;
	struct elfmap_load_prog *progs; /* in libbpf's order */
	size_t nr_progs;
	int lock;			    /* shared, on tc_dir: nobody takes away a pin that we have opened */
	int start_map;			    /* the start values of its variables (load_pin.c); -1: all zero */
	struct elfmap_load_change *changes; /* what commit did, latest last */
	size_t nr_changes;
};

/* Opens FILE, which is named in messages as it stands. Paths and the OPTS' strings must stay. Fails with
 * the contract's words for what is wrong with the object, or that there is no such section. */
int elfmap_load__open(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg);

/* The two halves of it, for a caller that wants to know more of the object than the first problem. The first leaves
 * load->bpf NULL. The second fails for an object with problems, and leaves to the caller whether the programs that are
 * wanted are there and have what they use. On failure free LOAD. */
int elfmap_load__read(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg);
int elfmap_load__list(struct elfmap_load *load, struct elfmap_msg *msg);
/* Has libbpf open the object once more: the same maps and programs in the same order, without pins of its own. */
int elfmap_load__open_again(const struct elfmap_load *load, struct bpf_object **ret_bpf, struct elfmap_msg *msg);
/* Makes BPF what PROG is to be. */
int elfmap_load__set_type(const struct elfmap_load *load, const struct elfmap_load_prog *prog, struct bpf_program *bpf);

/* libbpf's first warning since the last call of elfmap_load__listen(), or "": what came of it, in its own words. */
void elfmap_load__listen(void);
const char *elfmap_load__said(void);
void elfmap_load__stop_listening(void);

/* Makes the maps and loads the programs. A pin that is there and the same map is used, a different one
 * is refused (-EEXIST). */
int elfmap_load__kernel(struct elfmap_load *load, struct elfmap_msg *msg);

/* Pins new maps, fills tail-call slots, and, if PROGS_DIR is not NULL, pins all programs there, each
 * as its function, instead of what that directory had: in one step, after everything else. -EAGAIN:
 * somebody else has pinned one of the maps meanwhile; begin anew. */
int elfmap_load__commit(struct elfmap_load *load, const char *progs_dir, struct elfmap_msg *msg);

/* Takes back what commit did, slots included; or makes it last, after which it cannot be taken back. One
 * of the two follows a commit. */
void elfmap_load__undo(struct elfmap_load *load);
void elfmap_load__keep(struct elfmap_load *load);
/* Of elfmap_load__kernel(): lets newer start values be told from older ones. -ENOMEM, -EPERM and the like. */
int elfmap_load__note_start(struct elfmap_load *load);

/* Lets others take away pins that no program uses, before elfmap_load__free() does. LOAD may be NULL. */
void elfmap_load__unlock(struct elfmap_load *load);
void elfmap_load__free(struct elfmap_load *load);

/* The first program of section NAME, or NULL. */
struct elfmap_load_prog *elfmap_load__find_prog(const struct elfmap_load *load, const char *section);

/* ".../tc/progs/OBJECT" for FILE: its last part without ".o", written as elfmap_pin_name__escape() does. */
int elfmap_load__progs_dir(const char *tc_dir, const char *file, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Takes away a directory of programs that commit made; what is attached of them stays attached. -ENOENT */
int elfmap_load__remove_progs(const char *dir, struct elfmap_msg *msg);

/* ---- all steps ------------------------------------------------------------------------------------------------ */

/* What is to be done with an object that the kernel has taken. All zero: it is committed. */
struct elfmap_load_goal {
	bool pins_programs; /* in elfmap_load__progs_dir() */
	/* Called before the commit, which follows if it returns 0. 1: the object stays as it is, where others do not
	 * see it. A negative errno ends the run. It is called again for each try. NULL: the commit follows. */
	int (*look)(void *context, struct elfmap_load *load, struct elfmap_msg *msg);
	void *context;
};

/* Opens FILE, makes its maps, loads its programs and commits them as GOAL (NULL: the commit alone) says. On failure
 * nothing of it stays. elfmap_load__end() ends what it gives. */
int elfmap_load__run(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		     struct elfmap_load **ret_load, struct elfmap_msg *msg);
/* A look for a goal without commit. */
int elfmap_load__look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg);

/* Frees LOAD, which may be NULL. KEEP: what was committed stays; else it is undone. */
void elfmap_load__end(struct elfmap_load *load, bool keep);

#endif
