/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verbs below `elfmap map` share. */
#ifndef ELFMAP_MAP_VERBS_H
#define ELFMAP_MAP_VERBS_H

#include "helpers/command.h"

/* The verbs, each in the file of its name, or with those that it shares the work with. */
extern const struct verb map_list_verb, map_show_verb, map_pin_verb, map_unpin_verb, map_watch_verb, map_types_verb,
	map_resize_verb, map_migrate_verb, map_swap_verb, map_save_verb, map_restore_verb, map_dump_verb, map_get_verb,
	map_set_verb, map_del_verb, map_load_verb, map_replace_verb, map_diff_verb, map_clear_verb, map_push_verb,
	map_pop_verb, map_peek_verb, map_lookup_verb, map_update_verb, map_delete_verb, map_check_verb, map_create_verb,
	map_freeze_verb;

/* Where list and save begin, and where tc/ is ("": nowhere), PATH_MAX bytes each. Without DIR that is all
 * that tc has pinned, which may be nothing; what the user names must be there. Complaints are
 * VERB's. Returns an exit status. */
int map_find_start(const char *verb, const char *dir, char *path, char *tc_dir);

/* May the pin of MAP at PATH get another map? Programs that use it would go on with the old one. -EBUSY: the
 * message says which, -EPERM: that cannot be seen. */
struct elfmap_census;
int map_check_programs(const struct elfmap_census *census, __u32 map, const char *path, struct elfmap_msg *msg);
/* The same for processes that have the map open. */
int map_check_processes(__u32 map, struct elfmap_msg *msg);

/* The same for all users that elfmap can see: programs, slots of maps of maps, other pins. */
int map_check_unused(__u32 map, const char *path, struct elfmap_msg *msg);

#endif
