// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What can be told of a pinned map without its types: how full it is, who uses it, what its pin holds. */
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

	/* A word without a slash would mean one in globals/. */
	if (length && !strncmp(path, tc_dir, length) && path[length] == '/' && strchr(path + length + 1, '/'))
		return path + length + 1;
	return path;
}

/* ---- text ----------------------------------------------------------------------------------------- */

static const char *link_type(const struct elfmap_attachment *at)
{
	return libbpf_bpf_link_type_str((enum bpf_link_type)at->type) ?: "of unknown type";
}

void map_print_place(FILE *to, const struct elfmap_attachment *at, bool in_full)
{
	static const char *const kinds[] = {"filter dev ", "tcx dev ", "xdp dev "};

	switch (at->kind) {
	case ELFMAP_AT_LINK:
		fprintf(to, "link %u %s", at->id, link_type(at));
		return;
	case ELFMAP_AT_SLOT:
		fprintf(to, "slot %u of map %u", at->slot, at->id);
		return;
	default:
		break;
	}
	if (in_full)
		fputs(kinds[at->kind], to);
	print_name(to, at->dev);
	if (at->kind == ELFMAP_AT_XDP && !in_full)
		fputs(" xdp", to);
	else if (at->direction)
		fprintf(to, " %s", at->direction);
	else if (at->kind == ELFMAP_AT_FILTER)
		fprintf(to, " parent %x:", at->parent >> 16);
	if (at->kind != ELFMAP_AT_FILTER || !in_full)
		return;
	fprintf(to, " pref %u chain %u handle 0x%x ", at->pref, at->chain, at->handle);
	print_name(to, at->name);
}

/* Several filters of a program on one hook are one place in short. */
static bool is_repeated(const struct elfmap_census *census, size_t index)
{
	const struct elfmap_attachment *at = census->attachments.at, *this = &at[index];

	for (size_t i = 0; i < index; i++)
		if (at[i].prog == this->prog && at[i].kind == this->kind && !strcmp(at[i].dev, this->dev) &&
		    at[i].direction == this->direction && at[i].parent == this->parent && at[i].id == this->id &&
		    at[i].slot == this->slot)
			return true;
	return false;
}

static void print_program(FILE *to, const struct elfmap_program *prog, const struct elfmap_census *census)
{
	const char *before = " (";

	fprintf(to, "prog %u", prog->id);
	if (*prog->name)
		fprintf(to, " %.*s", (int)sizeof(prog->name), prog->name);
	for (size_t i = 0; i < census->attachments.nr; i++) {
		if (census->attachments.at[i].prog != prog->id || is_repeated(census, i))
			continue;
		fputs(before, to);
		map_print_place(to, &census->attachments.at[i], false);
		before = ", ";
	}
	fputs(*before == ',' ? ")" : "", to);
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

static json_object *place_json(const struct elfmap_attachment *at)
{
	static const char *const kinds[] = {"filter", "tcx", "xdp", "link", "slot"};
	json_object *place = json_object_new_object();

	add_text(place, "kind", kinds[at->kind]);
	switch (at->kind) {
	case ELFMAP_AT_LINK:
		add_number(place, "id", at->id);
		add_text(place, "type", link_type(at));
		return place;
	case ELFMAP_AT_SLOT:
		add_number(place, "map_id", at->id);
		add_number(place, "key", at->slot);
		return place;
	default:
		add_text(place, "dev", at->dev);
	}
	if (at->direction)
		add_text(place, "direction", at->direction);
	if (at->kind != ELFMAP_AT_FILTER)
		return place;
	if (!at->direction)
		add_number(place, "parent", at->parent);
	add_number(place, "pref", at->pref);
	add_number(place, "chain", at->chain);
	add_number(place, "handle", at->handle);
	add_text(place, "name", at->name);
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
	for (size_t i = 0; i < census->attachments.nr; i++)
		if (census->attachments.at[i].prog == prog->id)
			json_object_array_add(places, place_json(&census->attachments.at[i]));
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
