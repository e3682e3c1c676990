// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The object that the files of `read` fill: how a problem and a program get into it, and how it goes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"
#include "object/read.h"

#define MAX_PROBLEMS 32 /* a hostile object has as many as it likes */

int read__problem(struct elfmap_object *obj, const char *format, ...)
{
	struct elfmap_msg msg;
	char **grown;
	va_list args;

	if (obj->nr_problems >= MAX_PROBLEMS)
		return 0;
	grown = realloc(obj->problems, (obj->nr_problems + 1) * sizeof(*grown));
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
	if (!(obj->nr_progs & (obj->nr_progs - 1))) {
		grown = realloc(obj->progs, (obj->nr_progs ? 2 * obj->nr_progs : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		obj->progs = grown;
	}
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

/* A member that is added later must not lie in what is padding now: callers tell by the size that it is there. */
#define ENDS_WITH(type, member)                                                                                   \
	_Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) == sizeof(struct type), \
		       "no padding after the last member")
ENDS_WITH(elfmap_map, symbol);
ENDS_WITH(elfmap_prog, undefined_why);
ENDS_WITH(elfmap_object_info, nr_problems);
ENDS_WITH(elfmap_transcode_opts, prog_section);

void read__describe(struct elfmap_object *obj)
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
