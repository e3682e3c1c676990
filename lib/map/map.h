/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map: opened, with the types of its keys and values, and what may be done with it (map.c); its entries read, one or
 * all (map_read.c). */
#ifndef ELFMAP_MAP_H
#define ELFMAP_MAP_H

#include "elfmap.h"
#include "map/map_types.h"
#include "pins/pins.h"
#include "text/types.h"

struct elfmap_reader {
	int fd;
	struct bpf_map_info info;
	struct elfmap_map_types types;
	struct elfmap_format format;
	__u64 lock; /* BPF_F_LOCK where values have spin locks, else 0: a flag for every call that copies values */
};

/* Bytes of all copies of a value together. */
static inline size_t elfmap_map__value_size(const struct elfmap_reader *map)
{
	return map->format.stride * map->format.copies;
}

/* Opens the map pinned at PATH with all that is needed to show its entries. -EOPNOTSUPP: a map
 * whose entries cannot be read (the message says why). */
int elfmap_reader__open(const char *path, struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* The same for any map, for what ACCESS says, and with the types that WORDS say (NULL: none). */
int elfmap_reader__open_for(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
			    struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* The same for a map that is open: it gets a descriptor of its own. NAME is what files of types may call it. */
int elfmap_reader__open_fd(int fd, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
void elfmap_reader__close(struct elfmap_reader *reader);

/* May the entries of this type of map be listed, written, deleted, or written to another map? -EOPNOTSUPP with the
 * reason, before the kernel is asked. */
int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg);
int elfmap_map__check_writable(const struct elfmap_reader *map, struct elfmap_msg *msg);
int elfmap_map__check_deletable(const struct elfmap_reader *map, struct elfmap_msg *msg);
int elfmap_map__check_copyable(const struct bpf_map_info *info, struct elfmap_msg *msg);

/* Sets the message for ERR, with which an update (or a deletion, a look-up) of KEY ended: the errno alone says least
 * where it matters most. Returns ERR. */
int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg);
/* Is ERR the kernel's answer to a call that it does not have for this type of map? */
bool elfmap_refusal__is_unsupported(int err);

/* One entry's value (all copies), in an LPM_TRIE that of the longest prefix that holds KEY. -ENOENT in words. KEY is
 * NULL for peeking into a QUEUE or STACK. */
int elfmap_map__lookup(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg);
/* The same for the entry that an update or a deletion of KEY would meet: a wider prefix does not match. */
int elfmap_map__lookup_exact(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg);
/* Takes the next value out of a QUEUE or STACK. -ENOENT: it is empty. */
int elfmap_map__pop(const struct elfmap_reader *map, void *value, struct elfmap_msg *msg);

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
