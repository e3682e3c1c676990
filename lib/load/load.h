/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads an object: its maps and programs are made in the kernel, by the legacy contract or by libbpf's, and are then
 * pinned, all or none. There are three steps; the first two are not visible to other programs:
 *
 *   elfmap_load__open     load_open.c   reads the file, selects maps and programs
 *   elfmap_load__kernel   load.c        makes maps or opens their pins, loads programs
 *   elfmap_load__commit   load_pin.c    pins new maps, fills slots, pins programs; undoes all on failure
 *
 * Then elfmap_load__keep(), or elfmap_load__undo() if a later step of the caller fails.
 */
#ifndef ELFMAP_LOAD_H
#define ELFMAP_LOAD_H

#include <bpf/libbpf.h>

#include "base/settings.h"
#include "load/pair.h"

struct elfmap_load;
struct elfmap_load_map;

/* What a new version takes over from the running one. */
struct elfmap_load_source {
	/* Finds the running map for MAP, which has no pin. *RET_FD is the caller's. -ENOENT: there is none. */
	int (*find_map)(void *context, const struct elfmap_load *load, const struct elfmap_load_map *map, int *ret_fd,
			struct elfmap_msg *msg);
	/* The map that another load makes anew for the pin of MAP, a descriptor that stays open; -1: there is none. */
	int (*find_successor)(void *context, const struct elfmap_load_map *map);
	/* Is MAP made anew, although it has a pin? The caller replaces the pin. */
	bool (*starts_anew)(void *context, const struct elfmap_load_map *map);
	/* Sets the values of MAP, of global data, before it is made. */
	int (*fill_globals)(void *context, const struct elfmap_load *load, const struct elfmap_load_map *map,
			    struct elfmap_msg *msg);
	void *context;
};

struct elfmap_section_type {
	const char *section;
	enum bpf_prog_type type;
};

struct elfmap_load_opts {
	const char *tc_dir;	 /* where pins are, ".../tc" */
	const char *section;	 /* load this program and those of tail-call slots; NULL: all */
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: from the section names, else SCHED_CLS */
	/* Types of some sections, where TYPE is UNSPEC: of those that are attached. */
	const struct elfmap_section_type *types;
	size_t nr_types;
	enum bpf_prog_type usual_type;		/* then in place of SCHED_CLS */
	const struct elfmap_settings *settings; /* values of global variables; may be NULL */
	const struct elfmap_settings *maxima;	/* MAP=N: max_entries in place of the object's; may be NULL */
	bool private_slots;			/* make new PROG_ARRAYs even if they are pinned */
	/* Load only the program of `section`, which the caller puts into a slot of the PROG_ARRAY pinned at this path.
	 * A map with the name of that pin uses it, wherever the object pins it. Slots of existing tables are not
	 * changed; those of new tables are filled. */
	const char *graft_into;
	const struct elfmap_load_source *source; /* the running version; NULL: there is none */
	/* A map with more entries than its pin or running map, or with other members, is made anew; the caller pins it
	 * and converts the entries. */
	bool may_grow;
	bool is_locked; /* the caller holds the exclusive lock on tc_dir, or changes nothing there */
	/* May be NULL. The map that will be pinned at PATH by another load of the caller, a descriptor of it, or -1:
	 * used for a pin that does not exist yet. The commit fails with -EAGAIN if another map is pinned there then. */
	int (*lend)(const void *lender, const char *path);
	const void *lender;
	/* May be NULL. The map that another load of the caller makes anew in place of the pin at PATH, a descriptor of
	 * it, or -1: used in place of the pinned one. The caller replaces the pin. */
	int (*share)(const void *sharer, const char *path);
	const void *sharer;
	/* Called for each warning of the contract; may be NULL. */
	void (*warn)(const char *file, const char *text);
};

struct elfmap_load_map {
	struct elfmap_map map; /* of a BTF-defined map: from libbpf's view of it */
	bool is_legacy;
	char *own_name;	     /* of `map`, if it is not a string of the object or of libbpf */
	char *pin_path;	     /* NULL: not pinned */
	char *unpinned_why;  /* why not, if the object requests a pin */
	struct bpf_map *bpf; /* its descriptor from elfmap_load__kernel() on */
	bool is_reused;	     /* from its pin, or from the running version */
	bool is_running;     /* from the running version: it has no pin, or not at PIN_PATH */
	bool starts_anew;    /* neither its pin nor the running map is used; the caller pins it */
	bool is_sized;	     /* max_entries are those of opts.maxima */
	bool is_lent;	     /* from another load, which pins it */
	bool has_grown;	     /* its pin has fewer entries or other members; it is not used */
	bool is_internal;    /* made by libbpf for global data */
	/* Of global data, from elfmap_load__kernel() on: its section, the start values of the object, and the same with
	 * the values that the request sets, before values of the running version. */
	const char *section;
	unsigned char *start, *requested;
	size_t size;
};

struct elfmap_load_prog {
	const char *name;
	const char *section; /* as `sec NAME` selects it */
	enum bpf_prog_type type;
	int slot_map; /* index in maps[] of the PROG_ARRAY it goes into; -1 */
	__u32 slot_key;
	bool is_wanted;
	const struct elfmap_prog *read; /* the object's view of it; NULL: it has none */
	struct bpf_program *bpf;
	__u32 id; /* since elfmap_load__commit() */
};

struct elfmap_load {
	const char *file; /* as the caller wrote it */
	struct elfmap_load_opts opts;
	void *bytes;
	size_t size;
	struct elfmap_object *object;
	void *transcoded; /* given to libbpf instead of bytes; NULL: bytes are */
	size_t transcoded_size;
	struct bpf_object *bpf;
	struct elfmap_pair pair;
	struct elfmap_load_map *maps; /* in libbpf's order */
	size_t nr_maps;
	struct elfmap_load_prog *progs; /* in libbpf's order */
	size_t nr_progs;
	int lock;			    /* shared, on tc_dir: other commands remove no pin that we have opened */
	int start_map;			    /* the note of start values (start.h); -1: none */
	struct elfmap_load_change *changes; /* made by commit, the latest last */
	size_t nr_changes;
};

/* Opens FILE. FILE and the strings of OPTS must stay valid. Fails with the first problem of the object, or -ENOENT if
 * the section does not exist. */
int elfmap_load__open(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg);

/* The two halves of elfmap_load__open(), for a caller that reports all problems of the object. The first leaves
 * load->bpf NULL. The second fails for an object with problems; it does not check that the selected programs exist and
 * that what they use is defined. On failure free LOAD. */
int elfmap_load__read(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg);
int elfmap_load__list(struct elfmap_load *load, struct elfmap_msg *msg);
/* Lets libbpf open the object again: the same maps and programs in the same order, without pins. */
int elfmap_load__open_again(const struct elfmap_load *load, struct bpf_object **ret_bpf, struct elfmap_msg *msg);
/* Sets the type, attach type and flags of BPF to those of PROG. */
int elfmap_load__set_type(const struct elfmap_load *load, const struct elfmap_load_prog *prog, struct bpf_program *bpf);

/* The verifier's log, of less than any kernel's limit. It belongs to the load or trial under way. Untouched, and it is
 * so unless a program is refused or tried, its pages cost no memory and no time. */
#define ELFMAP_LOG_SIZE (16u << 20)
extern char elfmap_load_log[ELFMAP_LOG_SIZE];

/* libbpf's first warning since the last call of elfmap_load__listen(), or "". */
void elfmap_load__listen(void);
const char *elfmap_load__said(void);
void elfmap_load__stop_listening(void);

/* Makes the maps and loads the programs. An existing pin is used if it is the same map, and refused with -EEXIST if it
 * differs. */
int elfmap_load__kernel(struct elfmap_load *load, struct elfmap_msg *msg);

/* Pins new maps and fills tail-call slots. If PROGS_DIR is not NULL, pins all programs there under the names of their
 * functions and replaces the former contents of that directory in one step, after everything else. -EAGAIN: another
 * command has pinned one of the maps meanwhile; load again. */
int elfmap_load__commit(struct elfmap_load *load, const char *progs_dir, struct elfmap_msg *msg);

/* Undoes a commit, including slots; or keeps it, after which it cannot be undone. One of the two follows each commit.
 */
void elfmap_load__undo(struct elfmap_load *load);
void elfmap_load__keep(struct elfmap_load *load);
/* Closes the descriptors of a committed load; it has no maps and programs any more, but can still be kept or undone.
 * The caller holds the programs that it attaches; HOLDER gets those that were in slots. On failure nothing changes. */
struct elfmap_holder;
int elfmap_load__shrink(struct elfmap_load *load, struct elfmap_holder *holder);
/* Frees the maps and programs, and closes their descriptors. */
void elfmap_load__close_bpf(struct elfmap_load *load);
/* Called by elfmap_load__kernel(): notes the start values of variables (start.h). */
int elfmap_load__note_start(struct elfmap_load *load);
/* Notes the file of the programs (note.h). */
void elfmap_load__note_file(const struct elfmap_load *load);

/* Releases the lock before elfmap_load__free() does: other commands may then remove unused pins. LOAD may be NULL. */
void elfmap_load__unlock(struct elfmap_load *load);
void elfmap_load__free(struct elfmap_load *load);

/* The first program of section NAME, or NULL. */
struct elfmap_load_prog *elfmap_load__find_prog(const struct elfmap_load *load, const char *section);

/* ".../tc/progs/OBJECT" for FILE: the base name without ".o", escaped by elfmap_pin_name__escape(). */
int elfmap_load__progs_dir(const char *tc_dir, const char *file, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Removes a directory of programs that commit made. Attached programs stay attached. -ENOENT */
int elfmap_load__remove_progs(const char *dir, struct elfmap_msg *msg);

/* ---- all steps ------------------------------------------------------------------------------------------------ */

/* What to do with an object after it was loaded into the kernel. All zero: commit it. */
struct elfmap_load_goal {
	bool pins_programs; /* in elfmap_load__progs_dir() */
	/* Called before the commit, for each try. 0: commit; 1: do not commit, the object stays invisible to others; a
	 * negative errno ends the run. NULL: commit. */
	int (*look)(void *context, struct elfmap_load *load, struct elfmap_msg *msg);
	void *context;
};

/* Opens FILE, makes its maps, loads its programs and commits them according to GOAL (NULL: all zero); tries again if
 * another command has pinned one of the maps meanwhile. On failure nothing stays. Release the result with
 * elfmap_load__end(). */
int elfmap_load__run(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		     struct elfmap_load **ret_load, struct elfmap_msg *msg);
/* A `look` that prevents the commit. */
int elfmap_load__look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg);

/* Frees LOAD, which may be NULL. KEEP: the commit stays; otherwise it is undone. */
void elfmap_load__end(struct elfmap_load *load, bool keep);

#endif
