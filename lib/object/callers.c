// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which program jumps through which PROG_ARRAY: a relocation of its code names the map. */
#include <string.h>

#include "object/callers.h"
#include "object/internal.h"

_Static_assert(ELF_MAX_MAPS <= 64, "a bit for each map");

struct search {
	const struct elfmap_object *obj;
	const struct elfmap_prog **entries; /* by map */
	uint64_t callers[ELF_MAX_MAPS];	    /* by map: a bit for each map whose programs use it */
	uint64_t wanted;		    /* a bit for each map that has programs for its slots */
};

/* The map that RELA of SECTION means; nr_maps: none. */
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
		for (size_t map = 0; map < ELF_MAX_MAPS; map++)
			for (size_t from = 0; from < ELF_MAX_MAPS && !search->entries[map]; from++) {
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
	for (size_t i = 1; search.wanted && i < obj->elf->nr_sections; i++) {
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
