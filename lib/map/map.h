/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An open map with the types of its keys and values, and the operations that it supports (map.c); reading one entry or
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
	__u64 lock; /* BPF_F_LOCK if values have spin locks, else 0: a flag for every call that copies values */
};

/* Size of all copies of a value in bytes. */
static inline size_t elfmap_map__value_size(const struct elfmap_reader *map)
{
	return map->format.stride * map->format.copies;
}

/* Opens the map pinned at PATH and finds its types. -EOPNOTSUPP: the entries of this map cannot be read; the message
 * gives the reason. */
int elfmap_reader__open(const char *path, struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* Opens any map pinned at PATH, for ACCESS and with the types in WORDS (may be NULL). */
int elfmap_reader__open_for(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
			    struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
/* Opens the map behind the descriptor FD, which is duplicated. NAME is its name in the files of types. */
int elfmap_reader__open_fd(int fd, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_reader *ret_reader, struct elfmap_msg *msg);
void elfmap_reader__close(struct elfmap_reader *reader);

/* Check whether the entries of a map can be read, written, deleted, or copied to another map. -EOPNOTSUPP with the
 * reason in the message. No system call is made. */
int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg);
int elfmap_map__check_writable(const struct elfmap_reader *map, struct elfmap_msg *msg);
int elfmap_map__check_deletable(const struct elfmap_reader *map, struct elfmap_msg *msg);
int elfmap_map__check_copyable(const struct bpf_map_info *info, struct elfmap_msg *msg);

/* Writes the message for ERR of an update, deletion or look-up of KEY: many causes share an errno. Returns ERR, or
 * -EOPNOTSUPP for the private ENOTSUPP of the kernel. */
int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg);
/* Does ERR mean that the kernel does not support the call for this type of map? */
bool elfmap_refusal__is_unsupported(int err);

/* Reads the value (all copies) of the entry KEY; in an LPM_TRIE, of the longest prefix that contains KEY. -ENOENT: no
 * such entry. With KEY NULL it reads the next value of a QUEUE or STACK. */
int elfmap_map__lookup(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg);
/* The same, and KEY becomes the prefix that matched: shorter lengths are looked up, and all prefixes are read only
 * where some of them have the same value. */
int elfmap_map__lookup_match(const struct elfmap_reader *map, void *key, void *value, struct elfmap_msg *msg);
/* The same for the entry that an update or a deletion of KEY would change: a wider prefix does not match. */
int elfmap_map__lookup_exact(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg);
/* Removes the next value of a QUEUE or STACK. -ENOENT: the map is empty. */
int elfmap_map__pop(const struct elfmap_reader *map, void *value, struct elfmap_msg *msg);

/* Calls EACH for every entry with all copies of its value; a negative errno from EACH ends the walk. An entry that
 * exists during the whole walk is passed exactly once, even if other entries change. An entry that is added or deleted
 * during the walk may be passed or not. */
int elfmap_reader__each(const struct elfmap_reader *reader,
			int (*each)(void *context, const void *key, const void *value), void *context,
			struct elfmap_msg *msg);

/* The same in batches of COUNT contiguous keys and their values. TAKE is called in the thread of the caller, while
 * another thread may read the next batch. */
int elfmap_reader__each_batch(const struct elfmap_reader *reader,
			      int (*take)(void *context, const void *keys, const void *values, size_t count),
			      void *context, struct elfmap_msg *msg);

/* Lists all keys, each once; the caller frees *RET_KEYS. -EAGAIN: other programs delete keys faster than they can be
 * listed. */
int elfmap_reader__list_keys(const struct elfmap_reader *reader, void **ret_keys, size_t *ret_count,
			     struct elfmap_msg *msg);

#endif
