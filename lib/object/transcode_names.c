// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, the names of program sections: "ID/KEY" that plain tc would take for a slot, and names
 * that libbpf guesses a program's type from. libbpf finds a section by its name, so programs that
 * get the same one are put into one section; `.BTF.ext`, which names sections too, follows
 * (transcode_ext.c).
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

/* ---- moving code --------------------------------------------------------------------------------------------- */

static int append_code(struct transcode *t, size_t section, struct move *move)
{
	size_t size = t->image.sections[section].header.sh_size;
	size_t start = t->image.sections[move->target].header.sh_size;
	unsigned char *code = image__edit(&t->image, move->target, size);

	if (!code)
		return -ENOMEM;
	memcpy(code + start, t->image.sections[section].data, size);
	move->shift = start;
	t->image.sections[section].removed = true;
	return 0;
}

static int append_relocations(struct transcode *t, const struct move *move, struct move *target)
{
	size_t from = move->relocations, start = 0, size = t->image.sections[from].header.sh_size;
	unsigned char *bytes;

	if (!from)
		return 0;
	if (!target->relocations) { /* no program before uses a map: this table becomes the common one */
		target->relocations = from;
		t->image.sections[from].header.sh_info = (uint32_t)move->target;
		bytes = image__edit(&t->image, from, 0);
	} else {
		start = t->image.sections[target->relocations].header.sh_size;
		bytes = image__edit(&t->image, target->relocations, size);
		if (bytes)
			memcpy(bytes + start, t->image.sections[from].data, size);
		t->image.sections[from].removed = true;
	}
	if (!bytes)
		return -ENOMEM;
	for (size_t at = start; at + sizeof(Elf64_Rel) <= start + size; at += sizeof(Elf64_Rel)) {
		Elf64_Rel rel;

		memcpy(&rel, bytes + at, sizeof(rel));
		rel.r_offset += move->shift;
		memcpy(bytes + at, &rel, sizeof(rel));
	}
	return 0;
}

static int move_symbols(struct transcode *t, const struct move *moves)
{
	struct image_section *symtab = &t->image.sections[t->elf->symtab];
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);

	if (!symbols)
		return -ENOMEM;
	for (size_t i = 1; i < symtab->header.sh_size / sizeof(*symbols); i++) {
		size_t section = symbols[i].st_shndx;

		if (section >= t->image.nr_sections || !t->image.sections[section].removed || !moves[section].target)
			continue;
		/* Debug information refers to the section's own symbol, which now stands for a place in it. */
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_SECTION)
			symbols[i].st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
		symbols[i].st_shndx = (Elf64_Section)moves[section].target;
		symbols[i].st_value += moves[section].shift;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static int rename_section(struct transcode *t, size_t section, const char *name, struct move *move)
{
	int string = t->obj->has_btf ? btf__add_str(t->btf, name) : 0;
	char relocations_name[sizeof(".rel") + MAX_SECTION_NAME];

	if (string < 0)
		return string;
	move->name = (uint32_t)string;
	if (image__rename(&t->image, section, name))
		return -ENOMEM;
	if (!move->relocations)
		return 0;
	snprintf(relocations_name, sizeof(relocations_name), ".rel%s", name);
	return image__rename(&t->image, move->relocations, relocations_name);
}

static int rename_slot(struct transcode *t, const struct elfmap_prog *prog, struct move *move)
{
	char name[64];

	snprintf(name, sizeof(name), "slot_%u_%u", prog->slot_id, prog->slot_key);
	return rename_section(t, prog->section_index, name, move);
}

static int join_section(struct transcode *t, size_t section, size_t target, struct move *moves)
{
	struct move *move = &moves[section];
	int err;

	move->target = target;
	if (section == target)
		return rename_section(t, section, t->opts->prog_section, move);
	move->name = (uint32_t)(t->obj->has_btf ? btf__add_str(t->btf, t->opts->prog_section) : 0);
	err = append_code(t, section, move);
	return err ?: append_relocations(t, move, &moves[target]);
}

static int name_sections(struct transcode *t, struct move *moves)
{
	size_t target = t->text_twin; /* first, since it calls .text by offsets from its own start */
	size_t *relocations = image__list_relocations(&t->image);
	int err = relocations ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < t->image.nr_sections; i++)
		moves[i].relocations = relocations[i];
	free(relocations);
	for (size_t i = 0; !err && i < t->obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &t->obj->progs[i];
		/* .text stays what it is to libbpf; its entry, if it has one, is in a twin (symbols). */
		size_t section = prog->section_index == t->elf->text ? t->text_twin : prog->section_index;

		if (!section || moves[section].target || prog->undefined)
			continue;
		target = target ? target : section;
		if (t->opts->prog_section) {
			err = join_section(t, section, target, moves);
		} else if (t->opts->rename_slots && prog->is_slot) {
			moves[section].target = section;
			err = rename_slot(t, prog, &moves[section]);
		}
	}
	return err ?: move_symbols(t, moves);
}

/* Sections that are new to `.BTF` need a name there to be found by. */
static int name_new(struct transcode *t, const char *name, struct move *move)
{
	int string = move->name || !t->obj->has_btf ? 0 : btf__add_str(t->btf, name);

	if (string > 0)
		move->name = (uint32_t)string;
	return string < 0 ? string : 0;
}

int transcode__names(struct transcode *t)
{
	bool renames = t->opts->prog_section || t->opts->rename_slots;
	struct move *moves;
	int err = 0;

	if (renames || t->text_twin || t->text) {
		moves = calloc(t->image.nr_sections, sizeof(*moves));
		if (!moves)
			return -ENOMEM;
		if (renames)
			err = name_sections(t, moves);
		if (!err && t->text_twin)
			err = name_new(t, ELFMAP_TEXT_TWIN, &moves[t->text_twin]);
		if (!err && t->text)
			err = name_new(t, ".text", &moves[t->text]);
		err = err ?: transcode__extension(t, moves);
		free(moves);
	}
	return err ?: transcode__write_btf(t);
}
