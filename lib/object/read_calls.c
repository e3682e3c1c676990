// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read, the calls: functions outside `.text` that other functions call, or take the address of. To the
 * legacy loader they are a part of their section's program; libbpf would take them for programs, and
 * looks for what is called in `.text` alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/internal.h"

#define MAX_CALLED 4096 /* in an object; the kernel takes 256 in a program */
#define RELOCATED 1	/* instruction: it has a relocation */
#define CALLED 2	/* instruction: a function starts with it that is called */

bool elfmap_insn__is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

bool elfmap_insn__is_load(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* OFFSET is computed from unchecked numbers. */
static void note_called(struct calls *calls, size_t section, uint64_t offset)
{
	if (offset / BPF_INSN_SIZE < calls->sections[section].nr_insns && offset % BPF_INSN_SIZE == 0)
		calls->sections[section].flags[offset / BPF_INSN_SIZE] |= CALLED;
}

/* What instruction NTH of SECTION refers to through SYMBOL, when that is code in a section of programs. */
static void note_reference(struct calls *calls, const struct elfmap_elf *elf, size_t section, size_t nth,
			   uint64_t addend, const Elf64_Sym *symbol)
{
	const unsigned char *code = elfmap_elf__data(elf, section);
	struct bpf_insn insn;
	uint64_t at;

	memcpy(&insn, code + nth * BPF_INSN_SIZE, sizeof(insn));
	at = (uint64_t)insn.imm + addend;
	if (elfmap_insn__is_call(&insn))
		note_called(calls, symbol->st_shndx, symbol->st_value + (at + 1) * BPF_INSN_SIZE);
	else if (elfmap_insn__is_load(&insn))
		note_called(calls, symbol->st_shndx, symbol->st_value + at);
}

static void read_relocations(struct calls *calls, const struct elfmap_elf *elf, struct relocations *table)
{
	struct called_section *code = &calls->sections[table->target];
	Elf64_Rela rela;

	while (relocations__next(table, &rela)) {
		size_t nth = rela.r_offset / BPF_INSN_SIZE, symbol = ELF64_R_SYM(rela.r_info);

		if (nth >= code->nr_insns || symbol >= elf->nr_symbols)
			continue;
		code->flags[nth] |= RELOCATED;
		if (elf->symbols[symbol].st_shndx < elf->nr_sections)
			note_reference(calls, elf, table->target, nth, (uint64_t)rela.r_addend, &elf->symbols[symbol]);
	}
}

/* Calls by distance, which compilers write where caller and function are in one section. */
static void read_distances(struct calls *calls, const struct elfmap_elf *elf, size_t section)
{
	const struct called_section *code = &calls->sections[section];
	const unsigned char *bytes = elfmap_elf__data(elf, section);

	for (size_t nth = 0; nth < code->nr_insns; nth++) {
		struct bpf_insn insn;

		memcpy(&insn, bytes + nth * BPF_INSN_SIZE, sizeof(insn));
		if (elfmap_insn__is_call(&insn) && !(code->flags[nth] & RELOCATED))
			note_called(calls, section, ((uint64_t)nth + (uint64_t)insn.imm + 1) * BPF_INSN_SIZE);
	}
}

int calls__read(struct calls *calls, const struct elfmap_elf *elf)
{
	*calls = (struct calls){.nr_sections = elf->nr_sections};
	calls->sections = calloc(elf->nr_sections, sizeof(*calls->sections));
	if (!calls->sections)
		return -ENOMEM;
	for (size_t i = 1; i < elf->nr_sections; i++) {
		struct called_section *code = &calls->sections[i];

		if (!elfmap_elf__is_code(elf, i))
			continue;
		code->nr_insns = elfmap_elf__section(elf, i)->sh_size / BPF_INSN_SIZE;
		code->flags = calloc(code->nr_insns + 1, sizeof(*code->flags));
		if (!code->flags) {
			calls__free(calls);
			return -ENOMEM;
		}
	}
	for (size_t i = 1; i < elf->nr_sections; i++) {
		struct relocations table;

		if (relocations__open(&table, elf, i))
			read_relocations(calls, elf, &table);
	}
	for (size_t i = 1; i < elf->nr_sections; i++)
		read_distances(calls, elf, i);
	return 0;
}

bool calls__has(const struct calls *calls, size_t section, size_t offset)
{
	return section < calls->nr_sections && offset / BPF_INSN_SIZE < calls->sections[section].nr_insns &&
	       (calls->sections[section].flags[offset / BPF_INSN_SIZE] & CALLED) && offset % BPF_INSN_SIZE == 0;
}

void calls__free(struct calls *calls)
{
	for (size_t i = 0; calls->sections && i < calls->nr_sections; i++)
		free(calls->sections[i].flags);
	free(calls->sections);
	*calls = (struct calls){};
}

int calls__add_nameless(const struct calls *calls, struct elfmap_object *obj)
{
	size_t at = 0, nr_named = obj->nr_progs, nr_called = 0;
	int err = 0;

	for (size_t i = 1; i < calls->nr_sections; i++)
		for (size_t nth = 0; i != obj->elf->text && nth < calls->sections[i].nr_insns; nth++) {
			size_t offset = nth * BPF_INSN_SIZE;

			if (!(calls->sections[i].flags[nth] & CALLED))
				continue;
			if (++nr_called > MAX_CALLED)
				return read__problem(obj, "section '%s': with it, more than %d functions are called",
						     elfmap_elf__section_name(obj->elf, i), MAX_CALLED);
			while (at < nr_named && (obj->progs[at].section_index < i ||
						 (obj->progs[at].section_index == i && obj->progs[at].offset < offset)))
				at++;
			if (at == nr_named || obj->progs[at].section_index != i || obj->progs[at].offset != offset)
				err = read__add_nameless(obj, i, offset);
			if (err)
				return err;
		}
	return 0;
}

/* ---- what is called is no entry ------------------------------------------------------------------------ */

/* One that is a program as well has its symbol for that. */
static int add_subprogram(struct elfmap_object *obj, const struct elfmap_prog *prog, bool also_program)
{
	struct elfmap_prog *grown = elfmap_array__grow(obj->subprogs, obj->nr_subprogs, sizeof(*grown));
	char *name = also_program ? strdup(prog->name) : NULL;

	if (grown)
		obj->subprogs = grown;
	if (!grown || (also_program && !name)) {
		free(name);
		return -ENOMEM;
	}
	grown[obj->nr_subprogs] = *prog;
	if (also_program) {
		grown[obj->nr_subprogs].symbol = 0;
		grown[obj->nr_subprogs].name = name;
	}
	obj->nr_subprogs++;
	return 0;
}

/* Takes the functions of one section that are called, NR from FIRST on, out of the programs. Where
 * everything is called the first one is an entry as well. */
static int part_section(struct elfmap_object *obj, const struct calls *calls, size_t first, size_t nr, size_t *kept)
{
	bool has_entry = false;
	int err = 0;

	for (size_t i = first; i < first + nr; i++)
		has_entry |= !calls__has(calls, obj->progs[i].section_index, obj->progs[i].offset);
	for (size_t i = first; i < first + nr; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];
		bool called =
			prog->section_index != obj->elf->text && calls__has(calls, prog->section_index, prog->offset);
		bool is_program = !called || (!has_entry && i == first);

		if (called && !err)
			err = add_subprogram(obj, prog, is_program);
		if (is_program || err)
			obj->progs[(*kept)++] = *prog;
	}
	return err;
}

int calls__part_programs(const struct calls *calls, struct elfmap_object *obj)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0, same; !err && i < obj->nr_progs; i += same) {
		same = 1;
		while (i + same < obj->nr_progs && obj->progs[i + same].section_index == obj->progs[i].section_index)
			same++;
		err = part_section(obj, calls, i, same, &kept);
	}
	obj->nr_progs = kept;
	return err;
}

/* ---- which program jumps through which PROG_ARRAY ------------------------------------------------------- */

_Static_assert(ELF_MAX_MAPS <= 64, "a bit for each map");

struct search {
	const struct elfmap_object *obj;
	const struct elfmap_prog **entries; /* by map */
	uint64_t callers[ELF_MAX_MAPS];	    /* by map: a bit for each map whose programs use it */
	uint64_t wanted;		    /* a bit for each map that has programs for its slots */
};

/* The index of the map that RELA of SECTION refers to; nr_maps if it is not a map. */
static size_t find_map(const struct elfmap_object *obj, size_t section, const Elf64_Rela *rela)
{
	const struct elfmap_elf *elf = obj->elf;
	size_t symbol = ELF64_R_SYM(rela->r_info), index = 0;
	uint64_t offset = (uint64_t)rela->r_addend;
	struct bpf_insn insn;

	if (symbol >= elf->nr_symbols || !elf->maps || elf->symbols[symbol].st_shndx != elf->maps)
		return obj->nr_maps;
	if (rela->r_offset + sizeof(insn) <= elfmap_elf__section(elf, section)->sh_size) {
		memcpy(&insn, (const char *)elfmap_elf__data(elf, section) + rela->r_offset, sizeof(insn));
		offset += (uint32_t)insn.imm; /* of a local symbol, which stands for the section */
	}
	offset += elf->symbols[symbol].st_value;
	while (index < obj->nr_maps && obj->maps[index].offset != offset)
		index++;
	return index;
}

/* The program of SECTION that has the instruction at OFFSET; progs[] is sorted by both. */
static const struct elfmap_prog *find_prog(const struct elfmap_object *obj, size_t section, uint64_t offset)
{
	size_t low = 0, high = obj->nr_progs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct elfmap_prog *prog = &obj->progs[middle];

		if (prog->section_index > section || (prog->section_index == section && prog->offset > offset))
			high = middle;
		else
			low = middle + 1;
	}
	return low && obj->progs[low - 1].section_index == section ? &obj->progs[low - 1] : NULL;
}

static void note_use(struct search *search, size_t map, const struct elfmap_prog *user)
{
	if (!user || map >= ELF_MAX_MAPS || !(search->wanted & 1ull << map))
		return;
	if (user->slot_map >= 0 && user->slot_map < ELF_MAX_MAPS)
		search->callers[map] |= 1ull << user->slot_map;
	else if (!user->is_slot && (!search->entries[map] || user < search->entries[map]))
		search->entries[map] = user;
}

/* An entry of a map is one of all that its programs jump to; until there is no news. */
static void follow(struct search *search)
{
	bool news = true;

	while (news) {
		news = false;
		for (size_t map = 0; map < search->obj->nr_maps; map++)
			for (size_t from = 0; from < search->obj->nr_maps && !search->entries[map]; from++) {
				if (!(search->callers[map] & 1ull << from) || !search->entries[from])
					continue;
				search->entries[map] = search->entries[from];
				news = true;
			}
	}
}

void elfmap_object__find_entries(const struct elfmap_object *obj, const struct elfmap_prog *ret_entries[ELF_MAX_MAPS])
{
	struct search search = {.obj = obj, .entries = ret_entries};

	memset(ret_entries, 0, ELF_MAX_MAPS * sizeof(*ret_entries));
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (obj->progs[i].slot_map >= 0 && obj->progs[i].slot_map < ELF_MAX_MAPS)
			search.wanted |= 1ull << obj->progs[i].slot_map;
	if (!search.wanted)
		return;
	for (size_t i = 1; i < obj->elf->nr_sections; i++) {
		struct relocations table;
		Elf64_Rela rela;

		if (!relocations__open(&table, obj->elf, i))
			continue;
		while (relocations__next(&table, &rela))
			note_use(&search, find_map(obj, table.target, &rela),
				 find_prog(obj, table.target, rela.r_offset));
	}
	follow(&search);
}

bool elfmap_object__uses(const struct elfmap_object *obj, const struct elfmap_prog *prog, const char *name)
{
	for (size_t i = 1; i < obj->elf->nr_sections; i++) {
		struct relocations table;
		Elf64_Rela rela;

		if (!relocations__open(&table, obj->elf, i) || table.target != prog->section_index)
			continue;
		while (relocations__next(&table, &rela)) {
			size_t map = find_map(obj, table.target, &rela);

			if (find_prog(obj, table.target, rela.r_offset) != prog)
				continue;
			if (!strcmp(map < obj->nr_maps ? obj->maps[map].name
						       : elfmap_elf__symbol_name(obj->elf, ELF64_R_SYM(rela.r_info)),
				    name))
				return true;
		}
	}
	return false;
}
