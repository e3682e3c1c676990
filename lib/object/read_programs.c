// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read, the programs: sections with code, the functions in them, and which tail-call slot a section
 * is for. To the legacy loader a program is a section; libbpf requires a function symbol, which
 * old compilers did not always write.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "kinds/progs.h"
#include "object/internal.h"

/* The map that tc finds: the first PROG_ARRAY with this id. */
static int find_slot_map(const struct elfmap_object *obj, __u32 id)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (elfmap_map__is_prog_array(obj->maps[i].def.type) && obj->maps[i].def.id == id)
			return (int)i;
	return -1;
}

static void read_slot(const struct elfmap_object *obj, struct elfmap_prog *prog)
{
	int id, key;

	prog->slot_map = -1;
	/* As tc reads it, so that tc and we never disagree about what is a slot. */
	if (sscanf(prog->section, "%i/%i", &id, &key) != 2)
		return;
	prog->is_slot = true;
	prog->slot_id = (__u32)id;
	prog->slot_key = (__u32)key;
	prog->slot_map = find_slot_map(obj, prog->slot_id);
}

static int check_slot(struct elfmap_object *obj, const struct elfmap_prog *prog)
{
	const struct elfmap_map *map;

	if (prog->slot_map < 0)
		return 0; /* a name with a slash that no PROG_ARRAY answers to; tc leaves it alone */
	map = &obj->maps[prog->slot_map];
	if (prog->slot_key >= map->def.max_elem)
		return read__problem(obj, "section '%s': slot %d of map '%s', which has %u slots", prog->section,
				     (int)prog->slot_key, map->name, map->def.max_elem);
	if (prog->slot_key >= MAX_VALUES)
		return read__problem(obj, "section '%s': slot %u of map '%s': at most %u", prog->section,
				     prog->slot_key, map->name, MAX_VALUES - 1);
	return 0;
}

static int compare_slots(const void *a, const void *b)
{
	const struct elfmap_prog *const *left = a, *const *right = b;

	if ((*left)->slot_map != (*right)->slot_map)
		return (*left)->slot_map < (*right)->slot_map ? -1 : 1;
	if ((*left)->slot_key != (*right)->slot_key)
		return (*left)->slot_key < (*right)->slot_key ? -1 : 1;
	return *left < *right ? -1 : *left > *right;
}

static int check_slots(struct elfmap_object *obj)
{
	const struct elfmap_prog **slots = calloc(obj->nr_progs ? obj->nr_progs : 1, sizeof(*slots));
	size_t nr = 0;
	int err = 0;

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; !err && i < obj->nr_progs; i++) {
		if (obj->progs[i].slot_map < 0)
			continue;
		err = check_slot(obj, &obj->progs[i]);
		slots[nr++] = &obj->progs[i];
	}
	qsort(slots, nr, sizeof(*slots), compare_slots);
	for (size_t i = 1; !err && i < nr; i++)
		if (slots[i]->slot_map == slots[i - 1]->slot_map && slots[i]->slot_key == slots[i - 1]->slot_key &&
		    slots[i]->section_index != slots[i - 1]->section_index)
			err = read__problem(obj, "sections '%s' and '%s': both are slot %u of map '%s'",
					    slots[i - 1]->section, slots[i]->section, slots[i]->slot_key,
					    obj->maps[slots[i]->slot_map].name);
	free(slots);
	return err;
}

/* ---- functions in code sections ----------------------------------------------------------------- */

static bool is_label(const char *name)
{
	/* What old compilers left of basic blocks: "LBB0_3", ".L…". */
	return !strncmp(name, "LBB", 3) || !strncmp(name, ".L", 2) || !name[0];
}

/* A function that the legacy loader would take for an entry: libbpf only takes global ones of type
 * FUNC, old compilers wrote NOTYPE, and `static` programs are local. */
static bool is_entry(const struct elfmap_elf *elf, size_t symbol)
{
	const Elf64_Sym *at = &elf->symbols[symbol];
	unsigned int type = ELF64_ST_TYPE(at->st_info);

	if (type == STT_FUNC)
		return true;
	if (type != STT_NOTYPE || is_label(elfmap_elf__symbol_name(elf, symbol)))
		return false;
	return ELF64_ST_BIND(at->st_info) != STB_LOCAL || !at->st_value;
}

static int compare_programs(const void *a, const void *b)
{
	const struct elfmap_prog *left = a, *right = b;

	if (left->section_index != right->section_index)
		return left->section_index < right->section_index ? -1 : 1;
	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return left->symbol < right->symbol ? -1 : left->symbol > right->symbol;
}

/* A function that others call: its place decides, not the type of its symbol. */
static bool is_called_function(const struct elfmap_elf *elf, size_t symbol, const struct calls *calls)
{
	const Elf64_Sym *at = &elf->symbols[symbol];

	return ELF64_ST_TYPE(at->st_info) == STT_NOTYPE && calls__has(calls, at->st_shndx, at->st_value) &&
	       !is_label(elfmap_elf__symbol_name(elf, symbol));
}

static void sort_programs(struct elfmap_object *obj)
{
	if (obj->nr_progs)
		qsort(obj->progs, obj->nr_progs, sizeof(*obj->progs), compare_programs);
}

/* libbpf overruns its buffers with the size of a function in .text that wraps around. */
static int check_called(struct elfmap_object *obj, size_t symbol)
{
	const Elf64_Sym *at = &obj->elf->symbols[symbol];
	size_t size = elfmap_elf__section(obj->elf, at->st_shndx)->sh_size;

	if (at->st_value <= size && at->st_size <= size - at->st_value)
		return 0;
	return read__problem(obj, "section '.text': function '%s' at offset %llu ends past the section (%zu bytes)",
			     elfmap_elf__symbol_name(obj->elf, symbol), (unsigned long long)at->st_value, size);
}

static int collect_functions(struct elfmap_object *obj, const struct calls *calls)
{
	const struct elfmap_elf *elf = obj->elf;
	int err = 0;

	for (size_t i = 1; !err && i < elf->nr_symbols; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];
		struct elfmap_prog prog = {.symbol = i};

		if (symbol->st_shndx >= elf->nr_sections || !elfmap_elf__is_code(elf, symbol->st_shndx) ||
		    (!is_entry(elf, i) && !is_called_function(elf, i, calls)))
			continue;
		/* Functions in .text are called, but for one (find_text_entry()). */
		if (symbol->st_shndx == elf->text && symbol->st_value) {
			err = check_called(obj, i);
			continue;
		}
		prog.name = elfmap_elf__symbol_name(elf, i);
		prog.section_index = symbol->st_shndx;
		prog.offset = symbol->st_value;
		prog.size = symbol->st_size;
		err = read__add_program(obj, &prog);
	}
	return err;
}

/* Is anything in .text called from elsewhere, or its address taken? Then it holds subprograms, not an entry. */
static bool text_is_called(const struct elfmap_elf *elf)
{
	for (size_t i = 1; i < elf->nr_sections; i++) {
		struct relocations table;
		Elf64_Rela rela;

		if (!relocations__open(&table, elf, i) || table.target == elf->text ||
		    !elfmap_elf__is_code(elf, table.target))
			continue;
		while (relocations__next(&table, &rela)) {
			size_t symbol = ELF64_R_SYM(rela.r_info);

			if (symbol < elf->nr_symbols && elf->symbols[symbol].st_shndx == elf->text)
				return true;
		}
	}
	return false;
}

static void drop_programs(struct elfmap_object *obj, size_t section)
{
	size_t kept = 0;

	for (size_t i = 0; i < obj->nr_progs; i++)
		if (obj->progs[i].section_index != section)
			obj->progs[kept++] = obj->progs[i];
	obj->nr_progs = kept;
}

/* Of two names for one place: global before weak before local, then FUNC before NOTYPE. */
static unsigned int rank_name(const struct elfmap_elf *elf, const struct elfmap_prog *prog)
{
	unsigned int info = elf->symbols[prog->symbol].st_info, bind = ELF64_ST_BIND(info);

	return (bind == STB_GLOBAL ? 4 : bind == STB_WEAK ? 2 : 0) + (ELF64_ST_TYPE(info) == STT_FUNC);
}

/* One FUNC a place: aliases ("weak" twins and the like) would be two programs to libbpf. */
static void drop_aliases(struct elfmap_object *obj)
{
	size_t kept = 0;

	for (size_t i = 0; i < obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];
		struct elfmap_prog *last = kept ? &obj->progs[kept - 1] : NULL;

		if (!last || last->section_index != prog->section_index || last->offset != prog->offset)
			obj->progs[kept++] = *prog;
		else if (rank_name(obj->elf, prog) > rank_name(obj->elf, last))
			*last = *prog;
	}
	obj->nr_progs = kept;
}

/* Sections whose code no symbol names get a program named after the section. */
static int add_nameless(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;
	size_t named = 0, nr_named = obj->nr_progs;
	int err = 0;

	for (size_t i = 1; !err && i < elf->nr_sections; i++) {
		while (named < nr_named && obj->progs[named].section_index < i)
			named++;
		if (elfmap_elf__is_code(elf, i) && i != elf->text &&
		    (named == nr_named || obj->progs[named].section_index != i))
			err = read__add_nameless(obj, i, 0);
	}
	sort_programs(obj);
	return err;
}

static int check_program(struct elfmap_object *obj, struct elfmap_prog *prog, const struct calls *calls)
{
	size_t section_size = elfmap_elf__section(obj->elf, prog->section_index)->sh_size;
	size_t end = section_size;

	/* progs[] is sorted: the next one's start is this one's end where the symbol gives no size. */
	if (prog + 1 < obj->progs + obj->nr_progs && prog[1].section_index == prog->section_index)
		end = prog[1].offset;
	if (!prog->size && prog->offset < end)
		prog->size = end - prog->offset;
	/* Nor does a program have what it calls inside. */
	if (end < section_size && prog->offset < end && prog->size > end - prog->offset &&
	    calls__has(calls, prog->section_index, end))
		prog->size = end - prog->offset;
	if (section_size % BPF_INSN_SIZE)
		return read__problem(obj, "section '%s': %zu bytes are not whole instructions", prog->section,
				     section_size);
	if (prog->offset > section_size || prog->size > section_size - prog->offset)
		return read__problem(obj, "section '%s': function '%s' at offset %zu ends past the section (%zu bytes)",
				     prog->section, prog->name, prog->offset, section_size);
	if (!prog->size || prog->size % BPF_INSN_SIZE || prog->offset % BPF_INSN_SIZE)
		return read__problem(obj,
				     "section '%s': function '%s' at offset %zu: %zu bytes are not whole instructions",
				     prog->section, prog->name, prog->offset, prog->size);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

/* Where functions are, in progs[], and in their order there. */
static int find_functions(struct elfmap_object *obj, const struct calls *calls)
{
	int err = collect_functions(obj, calls);

	if (err)
		return err;
	if (obj->elf->text && text_is_called(obj->elf))
		drop_programs(obj, obj->elf->text);
	sort_programs(obj);
	drop_aliases(obj);
	err = add_nameless(obj) ?: calls__add_nameless(calls, obj);
	sort_programs(obj);
	return err;
}

int read__programs(struct elfmap_object *obj)
{
	struct calls calls;
	int err = calls__read(&calls, obj->elf);

	err = err ?: find_functions(obj, &calls);
	for (size_t i = 0; !err && i < obj->nr_progs; i++) {
		struct elfmap_prog *prog = &obj->progs[i];

		prog->section = elfmap_elf__section_name(obj->elf, prog->section_index);
		prog->type_hint = elfmap_prog_kind__guess(prog->section);
		read_slot(obj, prog);
		err = check_program(obj, prog, &calls);
	}
	err = err ?: calls__part_programs(&calls, obj);
	calls__free(&calls);
	return err ?: check_slots(obj);
}
