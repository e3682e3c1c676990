// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compares an object's map with a running one, also by the members of key and value. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "load/form.h"
#include "object/layout.h"
#include "pins/pin.h"

/* ---- members ----------------------------------------------------------------------------------------------------- */

struct types {
	struct elfmap_layout_type ours, theirs;
	const char *root;
};

static bool has_btf(const struct types *types)
{
	return types->ours.btf && types->theirs.btf && types->ours.id && types->theirs.id;
}

static void describe(const struct elfmap_layout *layout, struct elfmap_msg *msg)
{
	size_t length = msg ? strlen(msg->text) : 0;

	for (size_t i = 0; msg && i < layout->nr_changes && length < sizeof(msg->text); i++) {
		snprintf(msg->text + length, sizeof(msg->text) - length, "%s%s %s", length ? ", " : "",
			 elfmap_member_fate__word(layout->changes[i].fate), layout->changes[i].name);
		length = strlen(msg->text);
	}
	if (msg && !length)
		snprintf(msg->text, sizeof(msg->text), "the members of its keys or values have other places");
}

static enum elfmap_load_form compare_types(const struct types *types, bool is_prefix, struct elfmap_msg *msg)
{
	struct elfmap_layout layout;
	struct elfmap_msg why;
	enum elfmap_load_form form;
	int err;

	if (!has_btf(types))
		return types->ours.size == types->theirs.size ? ELFMAP_FORM_SAME : ELFMAP_FORM_OTHER;
	err = elfmap_layout__plan(&types->theirs, &types->ours, types->root, &layout, &why);
	if (!err && is_prefix && elfmap_layout__make_prefix(&layout, &why)) {
		elfmap_layout__free(&layout);
		err = -EINVAL;
	}
	if (err) {
		elfmap_msg__set(msg, err, "%s", why.text);
		/* Types that say nothing about the map's bytes are no reason to refuse what has always worked. */
		return types->ours.size == types->theirs.size ? ELFMAP_FORM_SAME : ELFMAP_FORM_OTHER;
	}
	form = layout.is_same ? ELFMAP_FORM_SAME : ELFMAP_FORM_CONVERTED;
	if (form == ELFMAP_FORM_CONVERTED)
		describe(&layout, msg);
	elfmap_layout__free(&layout);
	return form;
}

static enum elfmap_load_form compare_members(const struct elfmap_load *load, const struct elfmap_load_map *map,
					     const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const struct btf *ours = bpf_object__btf(load->bpf);
	bool has_ids = info->btf_id && (bpf_map__btf_key_type_id(map->bpf) || bpf_map__btf_value_type_id(map->bpf));
	struct btf *theirs = ours && has_ids ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	const struct types key = {.ours = {ours, bpf_map__btf_key_type_id(map->bpf), map->map.def.size_key},
				  .theirs = {theirs, info->btf_key_type_id, info->key_size},
				  .root = "key"},
			   value = {.ours = {ours, bpf_map__btf_value_type_id(map->bpf), map->map.def.size_value},
				    .theirs = {theirs, info->btf_value_type_id, info->value_size},
				    .root = "value"};
	enum elfmap_load_form keys, values;

	keys = compare_types(&key, elfmap_map_kind__of(info->type)->is_prefix, msg);
	values = compare_types(&value, false, msg);
	btf__free(theirs);
	return keys > values ? keys : values;
}

/* ---- the definition ---------------------------------------------------------------------------------------------- */

enum elfmap_load_form elfmap_load_map__compare(const struct elfmap_load *load, const struct elfmap_load_map *map,
					       const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	bool is_plain = elfmap_map_kind__of(info->type)->value == ELFMAP_VALUE_BYTES;
	struct elfmap_map resized = map->map;
	enum elfmap_load_form size = ELFMAP_FORM_SAME, members;

	if (msg)
		*msg->text = '\0';
	if (is_plain) {
		resized.def.size_key = info->key_size;
		resized.def.size_value = info->value_size;
	}
	if (elfmap_pin__compare(&resized, info, NULL)) {
		size = ELFMAP_FORM_CONVERTED;
		resized.def.max_elem = info->max_entries;
		if ((map->map.def.max_elem < info->max_entries && !map->is_sized) ||
		    elfmap_pin__compare(&resized, info, NULL))
			return ELFMAP_FORM_OTHER;
	}
	members = is_plain ? compare_members(load, map, info, msg) : ELFMAP_FORM_SAME;
	return members > size ? members : size;
}
