/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pinned map: opened for reading, with the types of its keys and values (map.c), and read entry by
 * entry (map_read.c). */
#ifndef ELFMAP_MAP_H
#define ELFMAP_MAP_H

#include "elfmap.h"
#include "map/map_types.h"
#include "pins/pin_open.h"
#include "text/codec.h"

struct elfmap_reader {
	int fd;
	struct bpf_map_info info;
	struct elfmap_map_types types;
	struct elfmap_format format;
	__u64 lock; /* BPF_F_LOCK where values have spin locks, else 0: a flag for every call that copies values */
};

/* Opens the map pinned at PATH with all that is needed to show its entries. -EOPNOTSUPP: a map
 * whose entries cannot be read (the message says why). */
int elfmap_reader__open(const char *path, struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* The same for any map, for what ACCESS says, and with the types that WORDS say (NULL: none). */
int elfmap_reader__open_for(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
			    struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* The same for a map that is open: it gets a descriptor of its own. NAME is what files of types may call it. */
int elfmap_reader__open_fd(int fd, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* Can its entries be listed? -EOPNOTSUPP, and the message says why not. */
int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg);
void elfmap_reader__close(struct elfmap_reader *reader);

/* Calls EACH for every entry, VALUE being all copies; a negative errno from it ends the reading. An
 * entry that is there all the time comes exactly once, whatever happens to others; one that is added
 * or deleted meanwhile may or may not come. */
int elfmap_reader__each(const struct elfmap_reader *reader,
			int (*each)(void *context, const void *key, const void *value), void *context,
			struct elfmap_msg *msg);

/* The same for many at a time: COUNT keys one behind the other, and their values. It is called in the
 * caller's thread, while another one may be reading what comes next. */
int elfmap_reader__each_batch(const struct elfmap_reader *reader,
			      int (*take)(void *context, const void *keys, const void *values, size_t count),
			      void *context, struct elfmap_msg *msg);

/* All its keys, each once; free() them. Stops with -EAGAIN (and says so) where others delete keys
 * faster than they can be walked along. */
int elfmap_reader__list_keys(const struct elfmap_reader *reader, void **ret_keys, size_t *ret_count,
			     struct elfmap_msg *msg);

#endif
