// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes over maps and global variables from the running version. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "load/globals.h"
#include "load/start.h"
#include "pins/map_id.h"
#include "upgrade/merge.h"
#include "upgrade/takeover.h"

/* A running map for the section. Hooks that were attached separately have their own. */
struct instance {
	int fd;
	struct bpf_map_info info;
	struct btf *btf;
	struct elfmap_globals_side side;
};

struct elfmap_taken_section {
	char *name;
	size_t reported; /* variables kept, in the report */
	struct instance *instances;
	size_t nr_instances;
	struct btf *to_btf; /* of a rollback; otherwise the load has it */
	struct elfmap_globals_side to;
	unsigned char *written; /* what the new version started with */
	struct elfmap_merged *merged;
	size_t *origin; /* by variable of `to`: its instance */
	int to_fd;
};

/* ---- names to start anew --------------------------------------------------------------------------------------- */

bool elfmap_takeover__resets(const struct elfmap_takeover *takeover, const char *name)
{
	size_t length = strlen(name);
	const char *at = takeover->resets;

	while (at && *at) {
		size_t word = strcspn(at, ",");

		if (word == length && !strncmp(at, name, length))
			return true;
		at += word + (at[word] == ',');
	}
	return false;
}

static const char *name_of(const struct elfmap_load_map *map)
{
	return map->section ?: map->map.name;
}

int elfmap_takeover__check_resets(const struct elfmap_takeover *takeover, const struct elfmap_load *load,
				  struct elfmap_msg *msg)
{
	const char *at = takeover->resets;

	while (at && *at) {
		int word = (int)strcspn(at, ",");
		bool found = false;

		for (size_t i = 0; !found && i < load->nr_maps; i++)
			found = (int)strlen(name_of(&load->maps[i])) == word &&
				!strncmp(at, name_of(&load->maps[i]), (size_t)word);
		if (!found)
			return elfmap_msg__set(msg, -ENOENT,
					       "--reset %.*s: there is no such map; 'elfmap show %s' lists them", word,
					       at, load->file);
		at += word + (at[word] == ',');
	}
	return 0;
}

/* ---- the running values ---------------------------------------------------------------------------------------- */

static int read_values(struct instance *instance, unsigned char *ret_bytes)
{
	const __u32 key = 0;

	return bpf_map_lookup_elem(instance->fd, &key, ret_bytes);
}

static void read_start(const struct elfmap_running *running, const char *section, struct instance *instance)
{
	struct elfmap_globals_side *side = &instance->side;

	side->start = calloc(1, side->size + 1);
	if (!side->start || !strncmp(section, ".bss", strlen(".bss")))
		return;
	for (size_t i = 0; i < running->nr_maps; i++)
		if (elfmap_start__is(&running->maps[i].info) &&
		    elfmap_running__share_program(running, instance->info.id, running->maps[i].info.id) &&
		    !elfmap_start__read(running->maps[i].info.id, section, side->start, side->size))
			return;
	free(side->start);
	side->start = NULL;
}

static int open_instance(const struct elfmap_running *running, const char *section, const struct bpf_map_info *info,
			 struct instance *ret_instance)
{
	struct instance instance = {.info = *info, .side.size = info->value_size};
	int err = 0;

	instance.fd = elfmap_map__open_id(info->id);
	if (instance.fd < 0)
		return instance.fd;
	instance.side.bytes = calloc(1, info->value_size);
	err = instance.side.bytes ? read_values(&instance, instance.side.bytes) : -ENOMEM;
	if (!err) {
		read_start(running, section, &instance);
		instance.btf = info->btf_id ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	}
	if (!err && instance.btf && info->btf_value_type_id)
		err = elfmap_btf__list_variables(instance.btf, section, info->btf_value_type_id, info->value_size,
						 &instance.side.variables, &instance.side.nr);
	instance.side.btf = instance.btf;
	*ret_instance = instance;
	return err == -ENOENT ? 0 : err;
}

static void close_instance(struct instance *instance)
{
	if (instance->fd >= 0)
		close(instance->fd);
	btf__free(instance->btf);
	free(instance->side.variables);
	free(instance->side.bytes);
	free(instance->side.start);
}

static int open_instances(const struct elfmap_takeover *takeover, struct elfmap_taken_section *section)
{
	const struct elfmap_running_map *map;
	int err = 0;

	for (size_t nth = 0; !err && (map = elfmap_running__globals(&takeover->running, section->name, nth)); nth++) {
		struct instance *grown = elfmap_array__grow(section->instances, section->nr_instances, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		section->instances = grown;
		err = open_instance(&takeover->running, section->name, &map->info, &grown[section->nr_instances]);
		section->nr_instances += grown[section->nr_instances].fd >= 0;
	}
	return err;
}

/* ---- several running maps -------------------------------------------------------------------------------------- */

static bool is_kept(enum elfmap_variable_fate fate)
{
	return fate == ELFMAP_VARIABLE_KEPT || fate == ELFMAP_VARIABLE_CONFLICT || fate == ELFMAP_VARIABLE_UNNOTED ||
	       fate == ELFMAP_VARIABLE_CONVERTED;
}

static int refuse_differing(const struct elfmap_taken_section *section, const char *variable,
			    const struct instance *instance, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ENOTUNIQ,
			       "%s: variable '%s' has different values in maps %u and %u of separately attached hooks; "
			       "replace one hook at a time with 'dev DEV', or start anew: --reset %s",
			       section->name, variable, section->instances[0].info.id, instance->info.id,
			       section->name);
}

/* Merges what instance NTH has changed into what the instances before it have. */
static int merge_instance(struct elfmap_taken_section *section, size_t nth, bool constant, struct elfmap_msg *msg)
{
	struct instance *instance = &section->instances[nth];
	struct elfmap_merged *merged = calloc(section->to.nr + 1, sizeof(*merged));
	unsigned char *bytes = malloc(section->to.size + 1);
	int err = 0;

	if (!merged || !bytes) {
		free(merged);
		free(bytes);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	memcpy(bytes, section->to.bytes, section->to.size);
	elfmap_globals__merge(&instance->side, &section->to, constant, bytes, merged);
	for (size_t i = 0; !err && i < section->to.nr; i++) {
		const struct elfmap_variable *at = &section->to.variables[i];

		if (nth && is_kept(merged[i].fate) && is_kept(section->merged[i].fate) &&
		    memcmp(bytes + at->offset, section->written + at->offset, at->size) != 0)
			err = refuse_differing(section, at->name, instance, msg);
		if (err || (nth && !is_kept(merged[i].fate)))
			continue;
		section->merged[i] = merged[i];
		section->origin[i] = nth;
		memcpy(section->written + at->offset, bytes + at->offset, at->size);
	}
	free(merged);
	free(bytes);
	return err;
}

/* ---- merging a section ----------------------------------------------------------------------------------------- */

/* Without BTF of the running version its variables are where the new version has them, if the size is the same. */
static int guess_variables(const struct elfmap_taken_section *section, struct instance *instance, bool constant,
			   struct elfmap_msg *msg)
{
	struct elfmap_globals_side *side = &instance->side;
	size_t nr = section->to.nr;

	if (side->variables || constant)
		return 0;
	if (side->size != section->to.size) {
		if (side->start && !memcmp(side->start, side->bytes, side->size))
			return 0; /* not changed */
		return elfmap_msg__set(msg, -EINVAL,
				       "%s: the running version has no BTF and %zu bytes, the new version %zu, so its "
				       "variables cannot be found; compile with -g, or start anew: --reset %s",
				       section->name, side->size, section->to.size, section->name);
	}
	side->variables = calloc(nr + 1, sizeof(*side->variables));
	if (!side->variables)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; i < nr; i++) {
		side->variables[i] = section->to.variables[i];
		side->variables[i].type = 0;
	}
	side->nr = nr;
	return 0;
}

static int merge_section(struct elfmap_taken_section *section, bool constant, struct elfmap_msg *msg)
{
	int err = 0;

	section->merged = calloc(section->to.nr + 1, sizeof(*section->merged));
	section->origin = calloc(section->to.nr + 1, sizeof(*section->origin));
	section->written = malloc(section->to.size + 1);
	if (!section->merged || !section->origin || !section->written)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memcpy(section->written, section->to.bytes, section->to.size);
	for (size_t i = 0; !err && i < section->nr_instances; i++)
		err = guess_variables(section, &section->instances[i], constant, msg);
	for (size_t i = 0; !err && i < section->nr_instances; i++)
		err = merge_instance(section, i, constant, msg);
	return err;
}

static void free_section(struct elfmap_taken_section *section)
{
	for (size_t k = 0; k < section->nr_instances; k++)
		close_instance(&section->instances[k]);
	free(section->instances);
	free(section->name);
	free(section->to.variables);
	free(section->to.bytes);
	free(section->to.start);
	free(section->written);
	free(section->merged);
	free(section->origin);
	btf__free(section->to_btf);
	if (section->to_fd >= 0)
		close(section->to_fd);
}

/* Of an attempt to load that is repeated. */
static void drop_section(struct elfmap_takeover *takeover, const char *name)
{
	for (size_t i = 0; i < takeover->nr_sections; i++) {
		struct elfmap_map_report *report;

		if (strcmp(takeover->sections[i].name, name) != 0)
			continue;
		report = elfmap_map_reports__get(takeover->reports, name);
		if (report)
			report->carried -= takeover->sections[i].reported;
		free_section(&takeover->sections[i]);
		takeover->sections[i--] = takeover->sections[--takeover->nr_sections];
	}
}

/* Takes ownership of TO's members. */
static struct elfmap_taken_section *add_section(struct elfmap_takeover *takeover, const char *name,
						const struct elfmap_globals_side *to)
{
	struct elfmap_taken_section *grown;
	char *copy = strdup(name);

	drop_section(takeover, name);
	grown = copy ? reallocarray(takeover->sections, takeover->nr_sections + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		free(to->variables);
		free(to->bytes);
		free(to->start);
		return NULL;
	}
	takeover->sections = grown;
	grown += takeover->nr_sections++;
	*grown = (struct elfmap_taken_section){.name = copy, .to = *to, .to_fd = -1};
	return grown;
}

static void warn(const struct elfmap_takeover *takeover, const char *section, const char *variable, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "warning: %s: variable '%s' %s", section, variable, what);
	if (takeover->warn)
		takeover->warn(takeover->file, text);
}

static int report_section(const struct elfmap_takeover *takeover, struct elfmap_taken_section *section, bool warns)
{
	struct elfmap_map_report *report = elfmap_map_reports__get(takeover->reports, section->name);

	if (!report)
		return -ENOMEM;
	report->fate = section->nr_instances ? ELFMAP_MAP_MERGED : ELFMAP_MAP_NEW;
	for (size_t i = 0; i < section->to.nr; i++) {
		const char *name = section->to.variables[i].name;

		section->reported += is_kept(section->merged[i].fate);
		report->unnoted |= section->merged[i].fate == ELFMAP_VARIABLE_UNNOTED;
		if (warns && section->merged[i].fate == ELFMAP_VARIABLE_CONFLICT)
			warn(takeover, section->name, name,
			     "was changed, and has another start value now; the running value is kept");
		if (warns && section->merged[i].fate == ELFMAP_VARIABLE_RETYPED)
			warn(takeover, section->name, name, "was changed, and has another type now; it starts anew");
	}
	report->carried += section->reported;
	if (section->nr_instances)
		report->removed = elfmap_globals__count_removed(&section->instances[0].side, &section->to);
	return 0;
}

/* ---- a new version --------------------------------------------------------------------------------------------- */

static int fill_globals(void *context, const struct elfmap_load *load, const struct elfmap_load_map *map,
			struct elfmap_msg *msg)
{
	bool constant = bpf_map__map_flags(map->bpf) & BPF_F_RDONLY_PROG;
	struct elfmap_takeover *takeover = context;
	struct elfmap_globals_side to = {.size = map->size};
	struct elfmap_taken_section *section;
	int err;

	if (elfmap_takeover__resets(takeover, map->section))
		return 0;
	to.bytes = malloc(map->size + 1);
	to.btf = bpf_object__btf(load->bpf);
	err = to.bytes ? elfmap_load__list_variables(load, map, &to.variables, &to.nr) : -ENOMEM;
	if (err) {
		free(to.bytes);
		return elfmap_msg__set(msg, err, "%s: %s", map->section, strerror(-err));
	}
	memcpy(to.bytes, map->start, map->size);
	section = add_section(takeover, map->section, &to);
	err = section ? open_instances(takeover, section) : -ENOMEM;
	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", map->section, strerror(-err));
	err = merge_section(section, constant, msg);
	if (!err && report_section(takeover, section, true))
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (err)
		return err;
	err = bpf_map__set_initial_value(map->bpf, section->written, section->to.size);
	return err ? elfmap_msg__set(msg, err, "%s: %s", map->section, strerror(-err)) : 0;
}

static int find_map(void *context, const struct elfmap_load *load, const struct elfmap_load_map *map, int *ret_fd,
		    struct elfmap_msg *msg)
{
	const struct elfmap_takeover *takeover = context;

	return elfmap_running__find(&takeover->running, load, map, ret_fd, msg);
}

static bool starts_anew(void *context, const struct elfmap_load_map *map)
{
	return elfmap_takeover__resets(context, map->map.name);
}

static int find_successor(void *context, const struct elfmap_load_map *map)
{
	const struct elfmap_takeover *takeover = context;
	const struct elfmap_load *first = takeover->first;

	for (size_t i = 0; first && i < first->nr_maps; i++)
		if (first->maps[i].pin_path && !strcmp(first->maps[i].pin_path, map->pin_path) &&
		    (first->maps[i].has_grown || first->maps[i].starts_anew))
			return elfmap_pair__fd(first->maps[i].bpf);
	return -1;
}

int elfmap_takeover__init(struct elfmap_takeover *takeover, struct elfmap_msg *msg)
{
	int err = elfmap_running__read_pins(&takeover->running, takeover->tc_dir);

	takeover->source = (struct elfmap_load_source){.find_map = find_map,
						       .find_successor = find_successor,
						       .starts_anew = starts_anew,
						       .fill_globals = fill_globals,
						       .context = takeover};
	return err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : 0;
}

static enum elfmap_map_fate fate_of(const struct elfmap_load_map *map)
{
	return map->has_grown ? ELFMAP_MAP_COPIED : map->is_reused ? ELFMAP_MAP_KEPT : ELFMAP_MAP_NEW;
}

int elfmap_takeover__report(struct elfmap_takeover *takeover, const struct elfmap_load *load)
{
	for (size_t i = 0; i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		struct elfmap_map_report *report = elfmap_map_reports__get(takeover->reports, name_of(map));

		if (!report)
			return -ENOMEM;
		/* Of several loads, one may have no use for a map that another one keeps. */
		if (!map->section && (report->fate == ELFMAP_MAP_NEW || map->has_grown))
			report->fate = fate_of(map);
		for (size_t k = 0; map->section && k < takeover->nr_sections; k++)
			if (!strcmp(takeover->sections[k].name, map->section))
				takeover->sections[k].to_fd = fcntl(elfmap_pair__fd(map->bpf), F_DUPFD_CLOEXEC, 3);
	}
	return 0;
}

/* ---- writing variables of a map in use ------------------------------------------------------------------------- */

static unsigned char *map_values(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Replaces the SIZE bytes EXPECTED at AT by VALUE, in one step where the machine can. */
static bool exchange_bytes(unsigned char *at, const unsigned char *expected, const unsigned char *value, size_t size)
{
	if (size == sizeof(__u64) && !((uintptr_t)at % size)) {
		__u64 old, new;

		memcpy(&old, expected, size);
		memcpy(&new, value, size);
		return __atomic_compare_exchange_n((__u64 *)(void *)at, &old, new, false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	}
	if (size == sizeof(__u32) && !((uintptr_t)at % size)) {
		__u32 old, new;

		memcpy(&old, expected, size);
		memcpy(&new, value, size);
		return __atomic_compare_exchange_n((__u32 *)(void *)at, &old, new, false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	}
	if (memcmp(at, expected, size) != 0)
		return false;
	memcpy(at, value, size);
	return true;
}

/* ---- after the exchange ---------------------------------------------------------------------------------------- */

static void merge_late(struct elfmap_taken_section *section, size_t nth, const unsigned char *now,
		       const unsigned char *late, const struct elfmap_merged *merged, unsigned char *memory,
		       struct elfmap_map_report *report)
{
	const struct elfmap_globals_side *side = &section->instances[nth].side;

	for (size_t i = 0; i < section->to.nr; i++) {
		const struct elfmap_variable *at = &section->to.variables[i], *from;

		if (section->merged[i].fate == ELFMAP_VARIABLE_NEW ||
		    section->merged[i].fate == ELFMAP_VARIABLE_RETYPED || section->origin[i] != nth ||
		    !is_kept(merged[i].fate))
			continue;
		from = &side->variables[section->merged[i].from];
		if (!memcmp(now + from->offset, side->bytes + from->offset, from->size))
			continue;
		if (exchange_bytes(memory + at->offset, section->written + at->offset, late + at->offset, at->size))
			report->late++;
		else
			report->lost++;
	}
}

static int finish_instance(struct elfmap_taken_section *section, size_t nth, unsigned char *memory,
			   struct elfmap_map_report *report)
{
	struct instance *instance = &section->instances[nth];
	struct elfmap_globals_side now = instance->side;
	struct elfmap_merged *merged = calloc(section->to.nr + 1, sizeof(*merged));
	unsigned char *late = malloc(section->to.size + 1);
	int err;

	now.bytes = malloc(now.size + 1);
	err = merged && late && now.bytes ? read_values(instance, now.bytes) : -ENOMEM;
	if (!err) {
		memcpy(late, section->to.bytes, section->to.size);
		elfmap_globals__merge(&now, &section->to, false, late, merged);
		merge_late(section, nth, now.bytes, late, merged, memory, report);
	}
	free(now.bytes);
	free(late);
	free(merged);
	return err;
}

void elfmap_takeover__finish(struct elfmap_takeover *takeover)
{
	for (size_t i = 0; i < takeover->nr_sections; i++) {
		struct elfmap_taken_section *section = &takeover->sections[i];
		struct elfmap_map_report *report = elfmap_map_reports__get(takeover->reports, section->name);
		unsigned char *memory = section->to_fd < 0 ? NULL : map_values(section->to_fd, section->to.size);

		for (size_t k = 0; memory && report && k < section->nr_instances; k++)
			if (finish_instance(section, k, memory, report))
				report->lost++;
		if (memory)
			munmap(memory, section->to.size);
	}
}

/* ---- the way back ---------------------------------------------------------------------------------------------- */

static int merge_into(struct elfmap_takeover *takeover, const struct elfmap_running *target_running,
		      const struct bpf_map_info *info, const char *name, struct elfmap_msg *msg)
{
	struct elfmap_taken_section *section;
	struct instance target = {.fd = -1};
	unsigned char *memory = NULL;
	int err = open_instance(target_running, name, info, &target);

	section = err ? NULL : add_section(takeover, name, &target.side);
	if (!section) {
		if (!err)
			target.side = (struct elfmap_globals_side){}; /* released by add_section() */
		err = err ?: -ENOMEM;
		close_instance(&target);
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): released by add_section() */
		return elfmap_msg__set(msg, err, "%s: %s", name, strerror(-err));
	}
	section->to_btf = target.btf;
	section->to_fd = target.fd;
	err = open_instances(takeover, section);
	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", name, strerror(-err));
	err = merge_section(section, false, msg);
	if (!err)
		memory = map_values(section->to_fd, section->to.size);
	if (memory) {
		memcpy(memory, section->written, section->to.size);
		munmap(memory, section->to.size);
	}
	return err ?: report_section(takeover, section, false);
}

int elfmap_takeover__report_common(struct elfmap_takeover *takeover, const struct elfmap_running *target)
{
	for (size_t i = 0; i < target->nr_maps; i++) {
		const struct bpf_map_info *info = &target->maps[i].info;
		struct elfmap_map_report *report;

		if (!elfmap_running__has(&takeover->running, info->id))
			continue;
		report = elfmap_map_reports__get(takeover->reports, info->name);
		if (!report)
			return -ENOMEM;
		report->fate = ELFMAP_MAP_KEPT;
	}
	return 0;
}

int elfmap_takeover__merge_back(struct elfmap_takeover *takeover, const struct elfmap_running *target,
				struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; !err && i < target->nr_maps; i++) {
		const struct bpf_map_info *info = &target->maps[i].info;
		const char *name = strchr(info->name, '.');

		if (!name || info->map_flags & BPF_F_RDONLY_PROG || !(info->map_flags & BPF_F_MMAPABLE))
			continue;
		err = merge_into(takeover, target, info, name, msg);
	}
	return err;
}

void elfmap_takeover__free(struct elfmap_takeover *takeover)
{
	for (size_t i = 0; i < takeover->nr_sections; i++)
		free_section(&takeover->sections[i]);
	free(takeover->sections);
	elfmap_running__free(&takeover->running);
}
