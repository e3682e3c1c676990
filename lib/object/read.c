// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read: what an object asks for, from its bytes alone. The contract is iproute2's legacy loader
 * (include/bpf_elf.h); violations are listed in problems[], with their place.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kinds/maps.h"
#include "object/internal.h"

/* ---- the object, and what is added to it ---------------------------------------------------------------- */

#define MAX_PROBLEMS 32 /* a hostile object has as many as it likes */

int read__problem(struct elfmap_object *obj, const char *format, ...)
{
	struct elfmap_msg msg;
	char **grown;
	va_list args;

	if (obj->nr_problems >= MAX_PROBLEMS)
		return 0;
	grown = elfmap_array__grow(obj->problems, obj->nr_problems, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	obj->problems = grown;
	va_start(args, format);
	elfmap_msg__print(&msg, format, args);
	va_end(args);
	grown[obj->nr_problems] = strdup(msg.text);
	if (!grown[obj->nr_problems])
		return -ENOMEM;
	obj->nr_problems++;
	return 0;
}

int read__add_program(struct elfmap_object *obj, const struct elfmap_prog *prog)
{
	struct elfmap_prog *grown;

	/* Grows by doubling: hostile objects may have a symbol every 24 bytes. */
	grown = elfmap_array__grow(obj->progs, obj->nr_progs, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	obj->progs = grown;
	obj->progs[obj->nr_progs++] = *prog;
	return 0;
}

/* A function that has no symbol, and is named after its section. */
int read__add_nameless(struct elfmap_object *obj, size_t section, size_t offset)
{
	struct elfmap_prog prog = {.section_index = section, .offset = offset};
	const char *section_name = elfmap_elf__section_name(obj->elf, section);
	char *name;
	int err;

	if (offset ? asprintf(&name, "func%zu_%s", offset / BPF_INSN_SIZE, section_name) < 0
		   : asprintf(&name, "prog_%s", section_name) < 0)
		return -ENOMEM;
	for (char *at = name; *at; at++)
		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", *at))
			*at = '_';
	prog.name = name;
	err = read__add_program(obj, &prog);
	if (err)
		free(name);
	return err;
}

void elfmap_object__free(struct elfmap_object *obj)
{
	if (!obj)
		return;
	for (size_t i = 0; i < obj->nr_problems; i++)
		free(obj->problems[i]);
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (!obj->progs[i].symbol)
			free((char *)obj->progs[i].name);
	for (size_t i = 0; i < obj->nr_subprogs; i++)
		if (!obj->subprogs[i].symbol)
			free((char *)obj->subprogs[i].name);
	free(obj->problems);
	free(obj->progs);
	free(obj->subprogs);
	free(obj->btf_maps);
	free(obj->maps);
	free((char *)obj->license);
	elfmap_elf__close(obj->elf);
	free(obj);
}

/* ---- what callers of the library see of it ------------------------------------------------------------------ */

/* A member that is added later must not be in today's padding: callers find out by the size whether it is there. */
#define ENDS_WITH(type, member)                                                                                   \
	_Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) == sizeof(struct type), \
		       "no padding after the last member")
ENDS_WITH(elfmap_map, symbol);
ENDS_WITH(elfmap_prog, undefined_why);
ENDS_WITH(elfmap_object_info, nr_problems);
ENDS_WITH(elfmap_transcode_opts, prog_section);

static void describe(struct elfmap_object *obj)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		obj->maps[i].sz = sizeof(*obj->maps);
	for (size_t i = 0; i < obj->nr_progs; i++)
		obj->progs[i].sz = sizeof(*obj->progs);
	for (size_t i = 0; i < obj->nr_subprogs; i++)
		obj->subprogs[i].sz = sizeof(*obj->subprogs);
	obj->info = (struct elfmap_object_info){
		.sz = sizeof(obj->info),
		.license = obj->license,
		.nr_maps = obj->nr_maps,
		.def_size = obj->def_size,
		.nr_progs = obj->nr_progs,
		.nr_subprogs = obj->nr_subprogs,
		.nr_btf_maps = obj->nr_btf_maps,
		.nr_problems = obj->nr_problems,
		.has_legacy_maps = obj->has_legacy_maps,
		.needs_help = obj->needs_help,
		.has_btf_maps = obj->has_btf_maps,
		.has_btf = obj->has_btf,
	};
}

const struct elfmap_object_info *elfmap_object__info(const struct elfmap_object *obj)
{
	return &obj->info;
}

const struct elfmap_map *elfmap_object__map(const struct elfmap_object *obj, size_t index)
{
	return index < obj->nr_maps ? &obj->maps[index] : NULL;
}

const struct elfmap_prog *elfmap_object__prog(const struct elfmap_object *obj, size_t index)
{
	return index < obj->nr_progs ? &obj->progs[index] : NULL;
}

const struct elfmap_prog *elfmap_object__subprog(const struct elfmap_object *obj, size_t index)
{
	return index < obj->nr_subprogs ? &obj->subprogs[index] : NULL;
}

const char *elfmap_object__btf_map(const struct elfmap_object *obj, size_t index)
{
	return index < obj->nr_btf_maps ? obj->btf_maps[index] : NULL;
}

const char *elfmap_object__problem(const struct elfmap_object *obj, size_t index)
{
	return index < obj->nr_problems ? obj->problems[index] : NULL;
}

/* ---- types of keys and values --------------------------------------------------------------------- */

/* BPF_ANNOTATE_KV_PAIR leaves struct ____btf_map_NAME {key; value;} in the object's BTF. */
static void read_types(struct elfmap_map *map, const struct btf *btf)
{
	char name[sizeof(ELFMAP_ANNOTATION) + MAX_MAP_NAME];
	const struct btf_member *member;
	const struct btf_type *pair;
	int id;

	snprintf(name, sizeof(name), ELFMAP_ANNOTATION "%s", map->name);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	pair = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	if (!pair || btf_vlen(pair) != 2)
		return;
	member = btf_members(pair);
	/* Sizes that disagree: the annotation is of another map's; the definition is what counts. */
	if (btf__resolve_size(btf, member[0].type) != map->def.size_key ||
	    btf__resolve_size(btf, member[1].type) != map->def.size_value)
		return;
	map->key_type = member[0].type;
	map->value_type = member[1].type;
}

/* Old compilers gave functions no type, and libbpf then finds no program. An object with modern maps
 * is no old compiler's. */
static bool has_old_symbols(const struct elfmap_object *obj)
{
	for (size_t i = 0; !obj->has_btf_maps && i < obj->nr_progs; i++)
		if (obj->progs[i].symbol &&
		    ELF64_ST_TYPE(obj->elf->symbols[obj->progs[i].symbol].st_info) == STT_NOTYPE)
			return true;
	return false;
}

/* What the object's BTF adds: types of keys and values, and which undefined symbols are the kernel's. */
static int read_btf(struct elfmap_object *obj)
{
	struct btf *btf;
	int err;

	obj->needs_help = obj->has_legacy_maps || has_old_symbols(obj) || (obj->nr_subprogs && !obj->has_btf_maps);
	if (!obj->needs_help)
		return 0;
	btf = elfmap_btf__open(obj->elf);
	obj->has_btf = btf;
	obj->has_bad_btf = !btf && obj->elf->btf;
	for (size_t i = 0; btf && i < obj->nr_maps; i++)
		if (elfmap_map_kind__of(obj->maps[i].def.type)->takes_btf)
			read_types(&obj->maps[i], btf);
	if (obj->has_btf_maps && !btf) {
		/* They cost the programs that use them; to tc's own loader they were never there. */
		obj->elf->bare_maps = obj->elf->btf_maps;
		obj->elf->btf_maps = 0;
		obj->has_btf_maps = false;
	}
	err = read__undefined(obj, btf);
	btf__free(btf);
	return err;
}

/* Maps that libbpf reads itself; to name them is all that is done here. */
static int name_btf_maps(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	if (!elf->btf_maps)
		return 0;
	obj->btf_maps = calloc(elf->nr_symbols, sizeof(*obj->btf_maps));
	if (!obj->btf_maps)
		return -ENOMEM;
	for (size_t i = 1; i < elf->nr_symbols; i++)
		if (elf->symbols[i].st_shndx == elf->btf_maps && ELF64_ST_TYPE(elf->symbols[i].st_info) == STT_OBJECT)
			obj->btf_maps[obj->nr_btf_maps++] = elfmap_elf__symbol_name(elf, i);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static int read_license(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const char *text = elfmap_elf__data(elf, i);

		if (!text || strcmp(elfmap_elf__section_name(elf, i), ELF_SECTION_LICENSE) != 0)
			continue;
		obj->license = strndup(text, elfmap_elf__section(elf, i)->sh_size);
		return obj->license ? 0 : -ENOMEM;
	}
	obj->license = strdup("");
	return obj->license ? 0 : -ENOMEM;
}

int elfmap_object__read(const void *bytes, size_t size, struct elfmap_object **ret_obj, struct elfmap_msg *msg)
{
	struct elfmap_object *obj = calloc(1, sizeof(*obj));
	int err;

	if (!obj)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_elf__open(bytes, size, &obj->elf, msg);
	if (err)
		goto out;
	obj->has_btf_maps = obj->elf->btf_maps;
	err = read__maps(obj);
	err = err ?: read__programs(obj);
	err = err ?: read_license(obj);
	err = err ?: read_btf(obj);
	err = err ?: name_btf_maps(obj);
	if (err) {
		elfmap_msg__set(msg, err, "no memory");
		goto out;
	}
	describe(obj);
	*ret_obj = obj;
	obj = NULL;
out:
	elfmap_object__free(obj);
	return err;
}
