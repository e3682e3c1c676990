// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lists global variables, and sets them as `set NAME=VALUE` requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/nearest.h"
#include "load/globals.h"
#include "load/start.h"
#include "text/values.h"

/* ---- lists of variables ---------------------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
	const struct elfmap_variable *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

int elfmap_btf__list_variables(const struct btf *btf, const char *section, __u32 id, size_t size,
			       struct elfmap_variable **ret_variables, size_t *ret_nr)
{
	int found = id ? (int)id : btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type = found > 0 ? btf__type_by_id(btf, (__u32)found) : NULL;
	struct elfmap_variable *variables;
	size_t nr = 0;

	if (!type || !btf_is_datasec(type))
		return -ENOENT;
	variables = calloc(btf_vlen(type) + 1, sizeof(*variables));
	if (!variables)
		return -ENOMEM;
	for (unsigned int i = 0; i < btf_vlen(type); i++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(type) + i;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!var || !btf_is_var(var) || !at->size || at->offset > size || at->size > size - at->offset)
			continue;
		variables[nr++] = (struct elfmap_variable){.name = btf__name_by_offset(btf, var->name_off),
							   .offset = at->offset,
							   .size = at->size,
							   .type = var->type};
	}
	qsort(variables, nr, sizeof(*variables), by_offset);
	*ret_variables = variables;
	*ret_nr = nr;
	return 0;
}

int elfmap_load__list_variables(const struct elfmap_load *load, const struct elfmap_load_map *map,
				struct elfmap_variable **ret_variables, size_t *ret_nr)
{
	const struct btf *btf = bpf_object__btf(load->bpf);
	int err = -ENOENT;

	if (btf)
		err = elfmap_btf__list_variables(btf, map->section, 0, map->size, ret_variables, ret_nr);
	return err == -ENOENT ? elfmap_object__variables(load->object, map->section, ret_variables, ret_nr) : err;
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static int read_typed(const struct btf *btf, const struct elfmap_variable *variable, const char *value,
		      unsigned char *ret_bytes, struct elfmap_msg *msg)
{
	struct elfmap_text text = elfmap_text__new(value, strlen(value), NULL, msg);
	struct elfmap_type *type = NULL;
	int err = elfmap_type__read(btf, variable->type, variable->size, &type, msg);

	err = err ?: elfmap_text__read(&text, type, ret_bytes);
	if (!err && !elfmap_text__is_at_end(&text))
		err = elfmap_msg__set(msg, -EINVAL, "unexpected '%.*s'", (int)(text.end - text.at), text.at);
	elfmap_type__free(type);
	return err;
}

/* Without BTF a variable of 1, 2, 4 or 8 bytes is a number, with or without sign. */
static int read_number(const struct elfmap_variable *variable, const char *value, unsigned char *ret_bytes,
		       struct elfmap_msg *msg)
{
	unsigned int bits = 8 * (unsigned int)variable->size;
	bool is_negative = *value == '-';
	__u64 number, most;

	if (variable->size > sizeof(number) || variable->size & (variable->size - 1))
		return elfmap_msg__set(msg, -EINVAL,
				       "it has %zu bytes, and the object no BTF: only variables of 1, 2, 4 or 8 bytes "
				       "can be set; compile with -g",
				       variable->size);
	most = is_negative ? 1ull << (bits - 1) : ~0ull >> (64 - bits);
	if (elfmap_number__read(value + is_negative, 0, 0, most, &number))
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not a number of %zu bytes", value, variable->size);
	if (is_negative)
		number = -number;
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(ret_bytes, &number, variable->size);
	else
		memcpy(ret_bytes, (char *)&number + sizeof(number) - variable->size, variable->size);
	return 0;
}

static int set_variable(const struct elfmap_load *load, const struct elfmap_variable *variable, const char *value,
			unsigned char *bytes, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	int err = variable->type
			  ? read_typed(bpf_object__btf(load->bpf), variable, value, bytes + variable->offset, &why)
			  : read_number(variable, value, bytes + variable->offset, &why);

	return err ? elfmap_msg__set(msg, err, "set %s: %s", variable->name, why.text) : 0;
}

/* ---- settings -------------------------------------------------------------------------------------------------- */

static bool has_name(const struct elfmap_variable *variable, const char *setting)
{
	size_t length = strcspn(setting, "=");

	return strlen(variable->name) == length && !strncmp(variable->name, setting, length);
}

int elfmap_load__apply_settings(const struct elfmap_load *load, const struct elfmap_load_map *map, unsigned char *bytes,
				struct elfmap_msg *msg)
{
	const struct elfmap_settings *settings = load->opts.settings;
	struct elfmap_variable *variables = NULL;
	size_t nr = 0;
	int err;

	if (!settings || !settings->nr)
		return 0;
	err = elfmap_load__list_variables(load, map, &variables, &nr);
	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", map->section, strerror(-err));
	for (size_t i = 0; !err && i < settings->nr; i++)
		for (size_t k = 0; !err && k < nr; k++)
			if (has_name(&variables[k], settings->at[i]))
				err = set_variable(load, &variables[k], strchr(settings->at[i], '=') + 1, bytes, msg);
	free(variables);
	return err;
}

/* Counts the variables with the name of SETTING, and keeps the nearest name of another one. */
static int count_variables(const struct elfmap_load *load, const char *setting, size_t *ret_count,
			   struct elfmap_nearest *nearest)
{
	char name[256];
	int err = 0;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(setting, "="), setting);
	*ret_count = 0;
	for (size_t i = 0; !err && i < load->nr_maps; i++) {
		struct elfmap_load_map map = load->maps[i];
		struct elfmap_variable *variables = NULL;
		size_t nr = 0;

		map.section = elfmap_start__section(map.bpf);
		if (!map.section || !bpf_map__initial_value(map.bpf, &map.size))
			continue;
		err = elfmap_load__list_variables(load, &map, &variables, &nr);
		for (size_t k = 0; !err && k < nr; k++) {
			*ret_count += has_name(&variables[k], setting);
			elfmap_nearest__try(nearest, name, variables[k].name, strlen(variables[k].name));
		}
		free(variables);
	}
	return err;
}

int elfmap_load__check_settings(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	const struct elfmap_settings *settings = load->opts.settings;

	for (size_t i = 0; settings && i < settings->nr; i++) {
		struct elfmap_nearest nearest = {.distance = ELFMAP_FAR};
		int length = (int)strcspn(settings->at[i], "="), err;
		const char *name = settings->at[i];
		size_t count;

		err = count_variables(load, name, &count, &nearest);
		if (err)
			return elfmap_msg__set(msg, err, "%s", strerror(-err));
		if (count > 1)
			return elfmap_msg__set(msg, -ENOTUNIQ, "set %.*s: there are %zu variables of this name", length,
					       name, count);
		if (!count && *nearest.word)
			return elfmap_msg__set(msg, -ENOENT, "set %.*s: there is no such variable; did you mean '%s'?",
					       length, name, nearest.word);
		if (!count)
			return elfmap_msg__set(msg, -ENOENT, "set %.*s: there is no such variable", length, name);
	}
	return 0;
}
