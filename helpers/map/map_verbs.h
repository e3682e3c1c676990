/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verbs below `elfmap map` share. */
#ifndef ELFMAP_MAP_VERBS_H
#define ELFMAP_MAP_VERBS_H

/* The verbs, one file each. */
int map_dump(int argc, char **argv);  /* map_dump.c */
int map_list(int argc, char **argv);  /* map_list.c */
int map_show(int argc, char **argv);  /* map_show.c */
int map_check(int argc, char **argv); /* map_check.c */
int map_pin(int argc, char **argv);   /* map_pin.c */
int map_unpin(int argc, char **argv);
int map_resize(int argc, char **argv);	/* map_resize.c */
int map_swap(int argc, char **argv);	/* map_swap.c */
int map_watch(int argc, char **argv);	/* map_watch.c */
int map_types(int argc, char **argv);	/* map_type_names.c */
int map_save(int argc, char **argv);	/* map_save.c */
int map_restore(int argc, char **argv); /* map_restore.c */
int map_get(int argc, char **argv);	/* map_entry.c */
int map_set(int argc, char **argv);
int map_del(int argc, char **argv);
int map_load(int argc, char **argv); /* map_load.c */
int map_clear(int argc, char **argv);
int map_replace(int argc, char **argv); /* map_replace.c */
int map_diff(int argc, char **argv);
int map_push(int argc, char **argv); /* map_queue.c */
int map_pop(int argc, char **argv);
int map_peek(int argc, char **argv);

/* Output can be long: a large buffer for stdout, and a complaint at the end if not all of it could
 * be written. Returns the exit status. */
void begin_output(void);
int end_output(void);

/* Writes what is in BUFFER to stdout if that are LEAST bytes, and empties it. -ENOMEM, -EIO. */
struct elfmap_buffer;
int flush_output(struct elfmap_buffer *buffer, size_t least);

/* Where list and save begin, and where tc/ is ("": nowhere), PATH_MAX bytes each. Without DIR that is all
 * that tc has pinned, which may be nothing; what the user names must be there. Complaints are
 * VERB's. Returns an exit status. */
int map_find_start(const char *verb, const char *dir, char *path, char *tc_dir);

/* May the pin of MAP at PATH get another map? Programs that use it would go on with the old one. -EBUSY: the
 * message says which, -EPERM: that cannot be seen. */
struct elfmap_census;
int map_check_programs(const struct elfmap_census *census, __u32 map, const char *path, struct elfmap_msg *msg);

#endif
