/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fills a map from a file of entries, one entry on each line: parses the file, opens the programs and maps that it
 * names, writes the entries, and records the names of their devices and cgroups. Each refused line is reported.
 */
#ifndef ELFMAP_FILL_H
#define ELFMAP_FILL_H

#include <limits.h>
#include <signal.h>

#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/entries.h"
#include "map/map_write.h"
#include "map/resolve.h"

/* ---- a file of entries ----------------------------------------------------------------------------------------- */

/* Called for a refused line or entry; PLACE is "FILE:LINE[:COLUMN]". Only the first ones are reported one by one. A
 * last call with the name of the file alone reports the number of the others. */
typedef void elfmap_refused(void *context, const char *place, const char *why);

struct elfmap_source {
	const char *name;  /* for messages */
	const char *value; /* of all lines, which are keys only; NULL: each line has its own */
	elfmap_refused *refused;
	void *context;

	struct elfmap_entries entries; /* of the valid lines */
	size_t nr_refused;	       /* lines */
	bool is_json;		       /* lines are the elements of an array */
};

/* Parses the file NAME (NULL or "-": standard input) for MAP; objects are stored as ids. Refused lines are not a
 * failure: nr_refused counts them. An I/O error or a line that is too long is one. A signal handler ends the work with
 * *STOP (may be NULL): -EINTR. */
int elfmap_source__read(struct elfmap_source *source, const char *name, const struct elfmap_reader *map,
			struct elfmap_resolver *resolver, const volatile sig_atomic_t *stop, struct elfmap_msg *msg);
/* Replaces object ids by descriptors in the values of all entries. On failure *RET_ENTRY is the index of the entry. */
int elfmap_source__open_objects(struct elfmap_source *source, const struct elfmap_reader *map,
				struct elfmap_resolver *resolver, size_t *ret_entry, struct elfmap_msg *msg);
/* Writes "FILE:LINE" of an entry. */
void elfmap_source__place(const struct elfmap_source *source, size_t entry, char *ret_place, size_t size);
void elfmap_source__close(struct elfmap_source *source);

/* Replaces the ids of programs, maps and cgroups in one VALUE of MAP by descriptors, which the kernel expects. */
int elfmap_fill__open_objects(const struct elfmap_reader *map, struct elfmap_resolver *resolver, void *value,
			      struct elfmap_msg *msg);
/* Writes KEY in the notation of `map dump`, for messages; a long key is truncated. */
void elfmap_fill__describe_key(const struct elfmap_reader *map, struct elfmap_resolver *resolver, const void *key,
			       char *ret_text, size_t size);

/* ---- records of devices and cgroups -------------------------------------------------------------------------- */

/* Records the names of the devices whose ifindexes a command writes into a map (map/device_names.h), for
 * `elfmap map check`, and the ids of the cgroups that it writes into slots (map/cgroup_slots.h), for
 * `elfmap cgroup show`. */
struct elfmap_name_keeper {
	struct elfmap_device_names names;
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	int err; /* of the first record that could not be written */
};

/* Makes JOB, which writes the map pinned at PATH, write records if the values of the map have ifindexes or cgroups. */
void elfmap_name_keeper__begin(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job);

/* Closes KEEPER. A negative errno: the entries were written, but a record could not be. */
int elfmap_name_keeper__end(struct elfmap_name_keeper *keeper, const struct elfmap_job *job, struct elfmap_msg *msg);

/* ---- filling --------------------------------------------------------------------------------------------------- */

struct elfmap_fill_request {
	const char *pin;
	const char *file;  /* NULL or "-": standard input */
	const char *value; /* as in struct elfmap_source */
	struct elfmap_type_words types;
	bool keep_going; /* write the valid entries even if lines or entries are refused */
};

/* All members except `request` may be zero. */
struct elfmap_fill {
	struct elfmap_fill_request request;
	const volatile sig_atomic_t *stop; /* as in struct elfmap_job */
	elfmap_refused *refused;
	void (*note)(void *context, const char *object, const char *text); /* a warning */
	void (*begin)(void *context, size_t total);			   /* before the first entry is written */
	void (*progress)(void *context, size_t done);
	void *context;

	/* filled in */
	char culprit[PATH_MAX + 64]; /* on failure: the file, line or pin that the message refers to */
	size_t nr_refused;	     /* lines, and entries refused by the kernel */
	size_t nr_written;
};

/* Fills the map. Without `keep_going` a refused line is a failure, and no entry is written: -EINVAL. */
int elfmap_fill__run(struct elfmap_fill *fill, struct elfmap_msg *msg);

#endif
