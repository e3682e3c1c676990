// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map`: what can be done with pinned maps, a table of its own. */
#include "helpers/command.h"
#include "helpers/map/map_verbs.h"

static const struct verb *const map_verbs[] = {
	&map_list_verb,	  &map_show_verb, &map_pin_verb,  &map_unpin_verb,   &map_watch_verb,  &map_types_verb,
	&map_resize_verb, &map_swap_verb, &map_save_verb, &map_restore_verb, &map_dump_verb,   &map_get_verb,
	&map_set_verb,	  &map_del_verb,  &map_load_verb, &map_replace_verb, &map_diff_verb,   &map_clear_verb,
	&map_push_verb,	  &map_pop_verb,  &map_peek_verb, &map_lookup_verb,  &map_update_verb, &map_delete_verb,
	&map_check_verb,  NULL,
};

const struct verb map_verb = {
	.name = "map",
	.summary = "pinned maps: who uses them, their entries, all of them as text",
	.below = map_verbs,
};
