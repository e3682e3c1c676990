// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Facts of a pinned map that need no types: how full it is, who uses it, and what the pin keeps alive. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "helpers/command.h"
#include "helpers/map/map_facts.h"
#include "kinds/maps.h"
#include "map/map.h"

/* ---- query -------------------------------------------------------------------------------------- */

static int count_entry(void *context, const void *key, const void *value)
{
	(void)key;
	(void)value;
	(*(__s64 *)context)++;
	return 0;
}

static __s64 count_entries(const char *path, const struct bpf_map_info *info)
{
	struct elfmap_reader reader = {.fd = -1};
	__s64 count = 0;

	if (elfmap_map_kind__of(info->type)->keeps_slots)
		return info->max_entries; /* its entries are always there */
	if (elfmap_reader__open(path, &reader, NULL))
		return -1;
	if (elfmap_reader__each(&reader, count_entry, &count, NULL))
		count = -1;
	elfmap_reader__close(&reader);
	return count;
}

int map_facts__read(const char *path, const struct elfmap_census *census, struct map_facts *ret_facts,
		    struct elfmap_msg *msg)
{
	struct map_facts facts = {.path = strdup(path)};
	int err, fd;

	if (!facts.path) {
		strcpy(msg->text, "no memory");
		return -ENOMEM;
	}
	err = elfmap_map__open(path, &fd, &facts.info, msg);
	if (err) {
		map_facts__free(&facts);
		return err;
	}
	facts.frozen = elfmap_map__is_frozen(fd);
	close(fd);
	facts.entries = count_entries(path, &facts.info);
	facts.survival = elfmap_census__survival(census, &facts.info, path);
	*ret_facts = facts;
	return 0;
}

void map_facts__free(struct map_facts *facts)
{
	free(facts->path);
	facts->path = NULL;
}

const char *map_facts__type(const struct map_facts *facts, char text[16])
{
	const char *name = elfmap_map_type_name(facts->info.type);

	if (name)
		return name;
	snprintf(text, 16, "%u", facts->info.type);
	return text;
}

const char *map_pin_word(const char *path, const char *tc_dir)
{
	size_t length = strlen(tc_dir);

	/* A word without a slash would refer to globals/. */
	if (length && !strncmp(path, tc_dir, length) && path[length] == '/' && strchr(path + length + 1, '/'))
		return path + length + 1;
	return path;
}

/* ---- text ----------------------------------------------------------------------------------------- */

/* In the short form, several filters of a program on one hook are one place. */
static bool is_repeated(const struct elfmap_hooks *hooks, size_t index)
{
	const struct elfmap_hook *this = &hooks->at[index];

	for (const struct elfmap_hook *at = hooks->at; at < this; at++)
		if (at->prog == this->prog && at->kind == this->kind && at->ifindex == this->ifindex &&
		    at->direction == this->direction && at->parent == this->parent && at->link == this->link)
			return true;
	return false;
}

void map_print_places(FILE *to, __u32 prog, const struct elfmap_census *census, bool in_full, const char *before,
		      const char *between, const char *after)
{
	char text[2 * ELFMAP_HOOK_NAME];
	const char *next = before;

	for (size_t i = 0; i < census->nr_slots; i++)
		if (census->slots[i].prog == prog) {
			fprintf(to, "%sslot %u of map %u", next, census->slots[i].key, census->slots[i].table);
			next = between;
		}
	for (size_t i = 0; i < census->hooks.nr; i++) {
		if (census->hooks.at[i].prog != prog || (!in_full && is_repeated(&census->hooks, i)))
			continue;
		elfmap_hook__write(&census->hooks.at[i], in_full, text, sizeof(text));
		fputs(next, to);
		print_name(to, text);
		next = between;
	}
	fputs(next == between ? after : "", to);
}

static void print_program(FILE *to, const struct elfmap_program *prog, const struct elfmap_census *census)
{
	fprintf(to, "prog %u", prog->id);
	if (*prog->name)
		fprintf(to, " %.*s", (int)sizeof(prog->name), prog->name);
	map_print_places(to, prog->id, census, false, " (", ", ", ")");
}

void map_print_users(FILE *to, const struct map_facts *facts, const struct elfmap_census *census, const char *tc_dir)
{
	const char *comma = "";

	for (size_t i = 0; i < census->nr_progs; i++) {
		if (!elfmap_program__uses(&census->progs[i], facts->info.id))
			continue;
		fputs(comma, to);
		print_program(to, &census->progs[i], census);
		comma = ", ";
	}
	for (size_t i = 0; i < census->nr_holdings; i++)
		if (census->holdings[i].inner == facts->info.id) {
			fprintf(to, "%smap %u", comma, census->holdings[i].outer);
			comma = ", ";
		}
	for (size_t i = 0; i < census->pins.nr; i++)
		if (elfmap_pinned__is_other(&census->pins.pins[i], facts->info.id, facts->path)) {
			fprintf(to, "%spin ", comma);
			print_name(to, map_pin_word(census->pins.pins[i].path, tc_dir));
			comma = ", ";
		}
	if (!*comma || !census->complete)
		fprintf(to, "%s%s", comma, census->complete ? "-" : "?");
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

static void add_text(json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void add_number(json_object *object, const char *name, __s64 number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

static json_object *slot_json(const struct elfmap_slot *slot)
{
	json_object *place = json_object_new_object();

	add_text(place, "kind", "slot");
	add_number(place, "map_id", slot->table);
	add_number(place, "key", slot->key);
	return place;
}

static json_object *hook_json(const struct elfmap_hook *hook)
{
	json_object *place = json_object_new_object();
	unsigned int has = hook->kind->has;

	add_text(place, "kind", hook->kind->name);
	if (has & ELFMAP_HOOK_LINK) {
		add_number(place, "id", hook->link);
		add_text(place, "type", elfmap_hook__link_type(hook));
	}
	if (has & ELFMAP_HOOK_DEVICE)
		add_text(place, "dev", hook->dev);
	if (hook->direction)
		add_text(place, "direction", elfmap_hook__direction(hook));
	else if (has & ELFMAP_HOOK_DIRECTION)
		add_number(place, "parent", hook->parent);
	if (has & ELFMAP_HOOK_PLACE) {
		add_number(place, "pref", hook->prio);
		add_number(place, "chain", hook->chain);
		add_number(place, "handle", hook->handle);
		add_text(place, "name", hook->name);
	}
	return place;
}

static json_object *program_json(const struct elfmap_program *prog, const struct elfmap_census *census)
{
	json_object *row = json_object_new_object(), *places = json_object_new_array();
	char name[BPF_OBJ_NAME_LEN + 1];

	snprintf(name, sizeof(name), "%.*s", (int)sizeof(prog->name), prog->name);
	add_number(row, "id", prog->id);
	add_text(row, "name", name);
	if (elfmap_prog_type_name(prog->type))
		add_text(row, "type", elfmap_prog_type_name(prog->type));
	else
		add_number(row, "type", prog->type);
	for (size_t i = 0; i < census->nr_slots; i++)
		if (census->slots[i].prog == prog->id)
			json_object_array_add(places, slot_json(&census->slots[i]));
	for (size_t i = 0; i < census->hooks.nr; i++)
		if (census->hooks.at[i].prog == prog->id)
			json_object_array_add(places, hook_json(&census->hooks.at[i]));
	json_object_object_add(row, "attached", places);
	return row;
}

static void add_users_json(json_object *row, const struct map_facts *facts, const struct elfmap_census *census)
{
	json_object *pins = json_object_new_array(), *outers = json_object_new_array();
	json_object *progs = census->complete ? json_object_new_array() : NULL;

	json_object_array_add(pins, json_object_new_string(facts->path));
	for (size_t i = 0; i < census->pins.nr; i++)
		if (elfmap_pinned__is_other(&census->pins.pins[i], facts->info.id, facts->path))
			json_object_array_add(pins, json_object_new_string(census->pins.pins[i].path));
	for (size_t i = 0; i < census->nr_progs && progs; i++)
		if (elfmap_program__uses(&census->progs[i], facts->info.id))
			json_object_array_add(progs, program_json(&census->progs[i], census));
	for (size_t i = 0; i < census->nr_holdings; i++)
		if (census->holdings[i].inner == facts->info.id)
			json_object_array_add(outers, json_object_new_int64(census->holdings[i].outer));
	json_object_object_add(row, "pinned", pins);
	json_object_object_add(row, "programs", progs);
	json_object_object_add(row, "outer_maps", outers);
}

json_object *map_facts__json(const struct map_facts *facts, const struct elfmap_census *census)
{
	const struct bpf_map_info *info = &facts->info;
	json_object *row = json_object_new_object();
	char text[16], name[BPF_OBJ_NAME_LEN + 1];

	snprintf(name, sizeof(name), "%.*s", (int)sizeof(info->name), info->name);
	add_number(row, "id", info->id);
	add_text(row, "type", map_facts__type(facts, text));
	if (*name)
		add_text(row, "name", name);
	add_number(row, "flags", info->map_flags);
	add_number(row, "bytes_key", info->key_size);
	add_number(row, "bytes_value", info->value_size);
	add_number(row, "max_entries", info->max_entries);
	json_object_object_add(row, "entries", facts->entries < 0 ? NULL : json_object_new_int64(facts->entries));
	add_number(row, "frozen", facts->frozen);
	json_object_object_add(
		row, "survives",
		facts->survival == ELFMAP_UNKNOWN ? NULL : json_object_new_boolean(facts->survival == ELFMAP_KEPT));
	add_users_json(row, facts, census);
	return row;
}
