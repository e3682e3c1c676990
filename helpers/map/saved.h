/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps as text, for save and restore. A file has a line `maps N version V` (without `version`: 1) and that many
 * sections:
 *
 *   map globals/hits
 *   form type percpu_hash key 4 value 8 max_entries 1024 flags 0x0 name hits
 *   pin globals/hits mode 0600 uid 0 gid 0        one or more
 *   btf 5 7 AAECAwQ...            types of key and value, and the BTF that has them, in base64;
 *   btf 5 7 of globals/misses     that is the one of a map before
 *   inner ~1                      of a map of maps: one that has the form of what it holds
 *   cpus 4                        of a map with a value for each CPU
 *   frozen
 *   entries
 *   KEY VALUE                     as dump writes them
 *   end
 *
 * A map is called by its first pin, or ~N if it has no pin and is in a slot of another.
 */
#ifndef ELFMAP_SAVED_H
#define ELFMAP_SAVED_H

#include <stdio.h>

#include "map/map_copy.h"
#include "text/values.h"
#include "text/window.h"

#define SAVED_VERSION 1

struct saved_pin {
	char *word;
	__u32 mode;
	__u32 uid;
	__u32 gid;
};

struct saved_map {
	char *label;
	size_t line; /* of the file, where it begins */
	struct elfmap_form form;
	struct saved_pin *pins;
	size_t nr_pins;
	void *btf; /* NULL: none, or that of another map */
	size_t btf_size;
	char *btf_of;	   /* that map's label; NULL: its own */
	char *inner;	   /* label; NULL: none */
	unsigned int cpus; /* 0: one value for all */
	__u64 entries_at;  /* where in the file, which is read a second time for them */
	__u64 entries_size;
	size_t entries_line; /* the first one's */
};

struct saved_file {
	int fd;	     /* of a file that can be read twice; saved_file__free() does not close it */
	__u64 start; /* where it stood at the begin */
	struct saved_map *maps;
	size_t nr_maps;
	bool has_promise;
	size_t promised; /* as its first line has it */
};

/* Adds a pin; -ENOMEM. */
int saved_map__add_pin(struct saved_map *map, const char *word, const struct saved_pin *pin);
void saved_map__clear(struct saved_map *map);

/* Writes all but the entries. */
void saved_map__print(FILE *to, const struct saved_map *map);

/* Reads all of the file but the entries, from where FILE->fd stands. -EINVAL: line *RET_LINE is
 * wrong, and the message says why. saved_file__free() what it gives, and what it gives half. */
int saved_file__read(struct saved_file *file, size_t *ret_line, struct elfmap_msg *msg);
void saved_file__free(struct saved_file *file);

/* The entries of one map. Text and window hold on to MSG and NAMES. */
struct saved_entries {
	struct elfmap_window window;
	struct elfmap_text text;
	size_t first_line;
};

int saved_entries__begin(struct saved_entries *entries, const struct saved_file *file, const struct saved_map *map,
			 struct elfmap_resolver *names, struct elfmap_msg *msg);
/* As elfmap_text__read_entry(): 1, 0, or a negative errno with a message, after which it goes on with the next
 * line, if the file can be read at all. */
int saved_entries__next(struct saved_entries *entries, const struct elfmap_format *format, void *key, void *value);
/* The line of the file that was read last. */
size_t saved_entries__line(const struct saved_entries *entries);
void saved_entries__end(struct saved_entries *entries);

#endif
