/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Internal to `elfmap apply`: the lines of a pipeline, the plan for each, and what was done.
 *
 *   pipeline.c           a file becomes lines and words
 *   pipeline_lines.c     a line becomes a request, by the table of its options
 *   pipeline_objects.c   each object is loaded once, for all lines that name it
 *   pipeline_hooks.c     lines attach and detach: plan, change, undo
 *   pipeline_maps.c      lines map and cgroup
 *   pipeline_slots.c     lines slot
 *   pipeline_plan.c      lines load, and the plan as a whole
 *   pipeline_record.c    what earlier forms of the file have made
 *   pipeline_execute.c   the order of all changes, and the way back
 */
#ifndef ELFMAP_PIPELINE_H
#define ELFMAP_PIPELINE_H

#include "helpers/load/request.h"
#include "hook/attachment.h"
#include "hook/graft.h"
#include "hook/hook_index.h"
#include "load/holder.h"
#include "map/cgroup_slots.h"
#include "map/contents.h"

enum intent {
	WILL_KEEP, /* matches the line */
	WILL_ADD,
	WILL_CHANGE,
	WILL_REMOVE,
	HAS_DRIFTED, /* a map whose entries differ, and which keeps them */
};

/* LINE_UNLOAD is not written in a file: programs that an earlier form of it has pinned. */
enum line_kind { LINE_LOAD, LINE_ATTACH, LINE_DETACH, LINE_MAP, LINE_SLOT, LINE_CGROUP, LINE_NETNS, LINE_UNLOAD };

/* A network namespace that lines name. */
struct pipeline_netns {
	char *name; /* NULL: that of this process */
	int fd;	    /* -1: likewise */
	struct elfmap_hook_index hooks;
};

/* What several lines load: a section of a file, for one table if it goes into a slot. Or a pinned program. */
struct pipeline_object {
	const char *file, *section; /* SECTION NULL: all programs */
	enum bpf_prog_type type;
	const char *table; /* path of the pin into which it is grafted; NULL: none */
	struct elfmap_settings settings;
	bool is_pin;
	bool is_locked; /* it is loaded while the exclusive lock is held */
	size_t number;	/* of the first line */

	bool is_planned, is_refused;
	struct elfmap_load *load;
	int prog;	  /* descriptor: of LOAD, or of the pin; -1 */
	__u32 prog_id;	  /* held, if there is no descriptor */
	long descriptors; /* of LOAD, if they are kept */
	bool is_committed;
	bool has_grown;	   /* a pinned map has fewer entries than the object's */
	bool is_exchanged; /* an upgrade exchanges its version at some hooks */
	char **pins;	   /* of the maps that it would pin; ends with NULL */
	__u32 compared;	   /* the program last compared with this one, and the answer */
	bool is_same;
};

struct line_hook { /* attach, detach; of one device */
	struct elfmap_attach_request request;
	struct pipeline_object *object; /* NULL: detach */
	struct pipeline_netns *netns;
	const char *name; /* of the hook if it is not that of the request; NULL */
	int ifindex;
	bool is_double; /* a line before this one is the same */
	bool is_there, is_same;
	bool is_named;		   /* a version of the object is there, or the same one */
	__u32 prio, handle;	   /* where it was found */
	bool is_upgrade;	   /* it gets the new version of its object with the others */
	bool is_upgraded;	   /* and this line was the first of them */
	struct elfmap_hook *found; /* the hook as it was found, if it is to be changed */
	struct elfmap_hook *done;  /* the hook as it is now */
};

struct line_slot {
	const char *pin, *slot, *file, *section; /* FILE NULL: the slot becomes empty */
	char *path;				 /* of the pin */
	struct pipeline_object *object;
	__u32 number;
	bool has_number; /* the table exists */
	__u32 before;	 /* program in the slot; 0: none */
	__u32 after;	 /* the one that was put there */
	bool is_anew;	 /* the slot is in a table that an upgrade creates, and fills before it is used */
	bool is_late;	 /* only an upgrade makes the pin */
	bool is_done;
};

struct line_load {
	const char *file, *section;
	struct elfmap_settings settings;
	char *dir; /* of the pins of its programs */
	struct pipeline_object *object;
};

struct line_map {
	const char *pin, *file, *types;
	bool exact;
	struct pipeline_netns *netns; /* of the devices in FILE */
	char *path, *mark; /* of the pin; a directory that exists from before the pin until after the entries */
	char *split;	   /* a copy of TYPES, split into key and value */
	struct elfmap_contents contents;
	struct elfmap_buffer differences; /* --dry-run: as text or JSON */
	bool is_there, is_read;
	bool is_late;	/* only an upgrade makes the pin */
	bool is_marked; /* by this command */
	bool is_done;
};

struct line_cgroup {
	int verb; /* of cgroup_verbs */
	const char *pin, *dir;
	__u32 slot, entries;
	bool create;
	char *path; /* of the pin */
	struct elfmap_cgroup_slot before;
	bool is_late; /* only an upgrade makes the pin */
	bool is_made; /* the map was made by this command */
	bool is_done;
};

struct pipeline_line {
	size_t number;
	enum line_kind kind;
	int argc;
	char **argv; /* argv[0] is the kind; ends in NULL */
	enum intent intent;
	char *error;	    /* lines of text; NULL: none */
	char *noted;	    /* the entry of the record that it removes; NULL: it is a line of the file */
	char *noted_words;  /* the words of that entry */
	bool is_hidden;	    /* of the record, and nothing is left to remove */
	bool is_taken_over; /* the hook was noted for a line of another form */
	union {
		struct line_hook *hook;
		struct line_slot *slot;
		struct line_load *load;
		struct line_map *map;
		struct line_cgroup *cgroup;
	};
};

struct pipeline_record {
	char *path; /* NULL: of standard input, which has no record */
	char **entries;
	size_t nr;
};

struct pipeline {
	const char *file, *tc_dir;
	char *text; /* the file, cut into words */
	struct pipeline_line *lines;
	size_t nr_lines;
	struct pipeline_netns **netns;
	size_t nr_netns;
	struct pipeline_object **objects;
	size_t nr_objects;
	struct pipeline_object *latest;	     /* found last */
	long descriptors;		     /* of loads that are kept */
	struct pipeline_object *lock_keeper; /* the committed object with the shared lock on the pins */
	struct elfmap_holder holder;
	struct pipeline_record record; /* as it was found */
	bool dry_run, prune;
};

/* ---- pipeline.c -------------------------------------------------------------------------------------------- */

/* Splits FILE ("-": standard input) into lines and words. '#' starts a comment, "words with spaces" are in quotes, and
 * a backslash at the end of a line continues it. A line that cannot be split has an error. */
int pipeline__read(struct pipeline *pipeline, const char *file, struct elfmap_msg *msg);

/* Adds a copy of LIKE at the end. NULL: no memory. May move all lines. */
struct pipeline_line *pipeline__push_line(struct pipeline *pipeline, const struct pipeline_line *like);
/* Adds a line with the words of LIKE, of which word NTH is replaced by WORD. NULL: no memory. May move all lines. */
struct pipeline_line *pipeline__add_line(struct pipeline *pipeline, const struct pipeline_line *like, int nth,
					 const char *word);
/* Adds the text of MSG to the errors of LINE. Returns ERR. */
int pipeline_line__fail(struct pipeline_line *line, int err, const struct elfmap_msg *msg);
/* Puts "CULPRIT: " before the message. Returns ERR. */
int pipeline__name_culprit(const char *culprit, int err, struct elfmap_msg *msg);
/* Frees everything. What was done stays. */
void pipeline__free(struct pipeline *pipeline);

/* ---- pipeline_lines.c -------------------------------------------------------------------------------------- */

/* Parses all lines, and replaces device patterns by devices. A line that is wrong has an error. */
int pipeline__parse(struct pipeline *pipeline, struct elfmap_msg *msg);
/* The namespace NAME (NULL: that of this process), which is opened once. */
int pipeline__find_netns(struct pipeline *pipeline, const char *name, struct pipeline_netns **ret_netns,
			 struct elfmap_msg *msg);

/* The path of PIN; free() it. */
int pipeline__find_pin(const struct pipeline *pipeline, const char *pin, char **ret_path, struct elfmap_msg *msg);

/* ---- pipeline_objects.c ------------------------------------------------------------------------------------ */

/* The object that LINE names, shared with the lines before it. NULL: no memory. */
struct pipeline_object *pipeline__find_object(struct pipeline *pipeline, const struct pipeline_line *line,
					      const struct pipeline_object *like);
/* Loads it without making it visible, unless that was done. -ECANCELED: that has failed, for an earlier line. */
int pipeline_object__plan(struct pipeline *pipeline, struct pipeline_object *object, struct elfmap_msg *msg);
/* Makes it visible, unless that was done. PINS_PROGRAMS: as `elfmap load`. */
int pipeline_object__commit(struct pipeline *pipeline, struct pipeline_object *object, bool pins_programs,
			    struct elfmap_msg *msg);
/* The program of a committed object, to be closed. */
int pipeline_object__open_program(const struct pipeline_object *object, int *ret_prog, struct elfmap_msg *msg);
/* Refuses a larger map in the words for a map that differs from its pin. */
int pipeline_object__refuse_grown(struct pipeline *pipeline, struct pipeline_object *object, struct elfmap_msg *msg);
/* Releases what the plan holds, if NEEDED is false or too many descriptors are used. */
void pipeline_object__settle(struct pipeline *pipeline, struct pipeline_object *object, bool needed);
void pipeline_object__forget(struct pipeline_object *object);
void pipeline_object__close(struct pipeline_object *object, bool keep);
/* Is program ID the same as the object's? */
bool pipeline_object__is_same(struct pipeline_object *object, __u32 id);
bool pipeline_object__has_stages(const struct pipeline_object *object);
bool pipeline_object__has_pin(const struct pipeline_object *object, const char *path);
/* The planned object of this pipeline that has or will have a map pinned at PATH. *RET_MAP: a descriptor of the map, or
 * -1. */
struct pipeline_object *pipeline__find_maker(const struct pipeline *pipeline, const char *path, int *ret_map);

/* ---- hooks, maps and cgroups ------------------------------------------------------------------------------- */

int line_hook__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
/* Keeps the hook as it was found, for a change that the plan did not expect. */
int line_hook__keep_found(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
int line_hook__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
/* The name of the hook of a line. */
int line_hook__name(struct pipeline *pipeline, const struct line_hook *hook, char ret_name[ELFMAP_HOOK_NAME]);
/* Is there room for one hook only where HOOK is? */
bool line_hook__is_whole(const struct line_hook *hook);
/* Is HOOK at the place that OTHER has found? */
bool line_hook__is_at(const struct line_hook *hook, const struct line_hook *other);
void line_hook__undo(struct pipeline *pipeline, struct pipeline_line *line);
void line_hook__free(struct line_hook *hook);
/* Lines with different programs at one place fail. */
void pipeline__check_places(struct pipeline *pipeline);

extern const struct option_row line_map_rows[], line_cgroup_rows[];

int line_map__finish(struct pipeline *pipeline, struct pipeline_line *line, struct pipeline_netns *netns,
		     struct elfmap_msg *msg);
int line_map__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
/* Before the pin is made: if this command is killed before it writes the entries, the next one writes them. */
int line_map__mark(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
int line_map__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
void line_map__undo(struct pipeline_line *line);
/* Removes the mark, if the entries are KEPT or it is of this command. */
void line_map__unmark(struct line_map *map, bool kept);
void line_map__free(struct line_map *map);

int line_cgroup__finish(const struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
int line_cgroup__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
int line_cgroup__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
void line_cgroup__undo(struct pipeline_line *line);
void line_cgroup__free(struct line_cgroup *cgroup);

/* ---- the plan, and the work -------------------------------------------------------------------------------- */

/* Plans all lines. A line that cannot be planned has an error. */
void pipeline__plan(struct pipeline *pipeline);
/* The pin NAME is missing, and no object of the pipeline makes it. -ECANCELED: one that might has failed. */
int pipeline__refuse_absent(const struct pipeline *pipeline, const char *pin, struct elfmap_msg *msg);

/* Executes the plan; the lines that cannot be executed have an error, and everything is undone. */
int pipeline__execute(struct pipeline *pipeline, struct elfmap_msg *msg);

int line_slot__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
int line_slot__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);
/* Fills the slot of the table pinned at PATH, while the exclusive lock is held. */
int line_slot__fill(struct pipeline *pipeline, struct pipeline_line *line, const char *path, struct elfmap_msg *msg);
/* For a slot that becomes empty, if PROGRAM is still in it. -ENOENT: it is not. */
int line_slot__plan_empty(struct pipeline *pipeline, struct pipeline_line *line);
void line_slot__undo(struct pipeline_line *line);
void line_slot__free(struct line_slot *slot);

/* ---- pipeline_record.c ------------------------------------------------------------------------------------- */

/* Reads what earlier forms of the file have made. */
int pipeline_record__read(struct pipeline *pipeline, struct elfmap_msg *msg);
/* Adds lines that remove what no planned line names. */
int pipeline_record__prune(struct pipeline *pipeline, struct elfmap_msg *msg);
/* Notes what will be made, before it is; then what was made and removed, or, unless KEEP, what was noted before. The
 * work is done then: a failure is only a warning. */
int pipeline_record__begin(struct pipeline *pipeline, struct elfmap_msg *msg);
void pipeline_record__end(struct pipeline *pipeline, bool keep);
void pipeline_record__free(struct pipeline_record *record);

#endif
