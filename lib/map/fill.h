/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A file of entries into a map, line by line: read, programs and maps in it opened, written, and the names of devices
 * and cgroups kept that are written. Lines that are refused are told one by one.
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

/* Hears of a line or an entry that is refused: PLACE is "FILE:LINE[:COLUMN]". Of many it hears the first, and last,
 * with the file's name alone, how many there are besides. */
typedef void elfmap_refused(void *context, const char *place, const char *why);

struct elfmap_source {
	const char *name; /* for messages */
	elfmap_refused *refused;
	void *context;

	struct elfmap_entries entries; /* of lines that are right */
	size_t nr_refused;	       /* lines */
};

/* Reads NAME (NULL or "-": standard input) for MAP. Lines that are refused are no failure. */
int elfmap_source__read(struct elfmap_source *source, const char *name, const struct elfmap_reader *map,
			struct elfmap_resolver *resolver, const volatile sig_atomic_t *stop, struct elfmap_msg *msg);
/* Makes the values of all entries what the kernel takes. On failure *RET_ENTRY is the one. */
int elfmap_source__open_objects(struct elfmap_source *source, const struct elfmap_reader *map,
				struct elfmap_resolver *resolver, size_t *ret_entry, struct elfmap_msg *msg);
/* "FILE:LINE" of an entry. */
void elfmap_source__place(const struct elfmap_source *source, size_t entry, char *ret_place, size_t size);
void elfmap_source__close(struct elfmap_source *source);

/* Programs and maps by their ids in one VALUE of MAP become descriptors, which is what the kernel takes. */
int elfmap_fill__open_objects(const struct elfmap_reader *map, struct elfmap_resolver *resolver, void *value,
			      struct elfmap_msg *msg);
/* A key in the words that dump uses, for messages; cut short where it is long. */
void elfmap_fill__describe_key(const struct elfmap_reader *map, struct elfmap_resolver *resolver, const void *key,
			       char *ret_text, size_t size);

/* ---- names and cgroups ------------------------------------------------------------------------------------------ */

/* Notes the names of the devices whose numbers a verb writes into a map (map/device_names.h), for `elfmap map check`,
 * and the ids of the cgroups that it writes into slots (map/cgroup_slots.h), for `elfmap cgroup show`. */
struct elfmap_name_keeper {
	struct elfmap_device_names names;
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	int err; /* of the first name that could not be kept */
};

/* Makes JOB, which writes the map pinned at PATH, keep names if the map has device numbers, or notes if it has slots
 * for cgroups. */
void elfmap_name_keeper__begin(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job);

/* A negative errno if the entries were written but what belongs to them could not be kept. */
int elfmap_name_keeper__end(struct elfmap_name_keeper *keeper, const struct elfmap_job *job, struct elfmap_msg *msg);

/* ---- all of it ------------------------------------------------------------------------------------------------- */

struct elfmap_fill_request {
	const char *pin;
	const char *file; /* NULL or "-": standard input */
	struct elfmap_type_words types;
	bool keep_going; /* what is right is written, whatever else there is */
};

/* All but `request` may be left zero. */
struct elfmap_fill {
	struct elfmap_fill_request request;
	const volatile sig_atomic_t *stop; /* as in struct elfmap_job */
	elfmap_refused *refused;
	void (*note)(void *context, const char *object, const char *text); /* of what does not end the work */
	void (*begin)(void *context, size_t total);			   /* before the first entry is written */
	void (*progress)(void *context, size_t done);
	void *context;

	/* filled in */
	char culprit[PATH_MAX + 64]; /* on failure: what the message is about */
	size_t nr_refused;	     /* lines, and entries that the kernel refused */
	size_t nr_written;
};

/* Fills the map. Without `keep_going` a line that is refused is a failure, and nothing is written: -EINVAL. */
int elfmap_fill__run(struct elfmap_fill *fill, struct elfmap_msg *msg);

#endif
