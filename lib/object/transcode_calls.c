// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, the calls: libbpf finds what is called in `.text` only. A section of programs that has
 * functions which are called is copied there whole, so that everything keeps its distance; the calls go
 * to the copy. The function that stays in the section is dead code outside of any program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#define R_BPF_64_32 10 /* what compilers write for a call */

/* Where the copies begin in .text, in the order of the sections. */
static int place_copies(struct transcode *t)
{
	size_t end = t->text ? t->image.sections[t->text].header.sh_size : 0;

	t->copies = calloc(t->elf->nr_sections, sizeof(*t->copies));
	if (!t->copies)
		return -ENOMEM;
	for (size_t i = 0; i < t->obj->nr_subprogs; i++) {
		const struct elfmap_prog *function = &t->obj->subprogs[i];
		struct copy *copy = &t->copies[function->section_index];

		if (copy->made || function->undefined)
			continue;
		*copy = (struct copy){.made = true, .shift = end};
		end += elfmap_elf__section(t->elf, function->section_index)->sh_size;
	}
	return 0;
}

/* Compilers write an empty one, too, and libbpf takes the first of the name. */
static size_t find_text(const struct transcode *t)
{
	for (size_t i = 1; i < t->elf->nr_sections; i++)
		if (t->image.sections[i].header.sh_type == SHT_PROGBITS &&
		    !strcmp(elfmap_elf__section_name(t->elf, i), ".text"))
			return i;
	return 0;
}

static int open_text(struct transcode *t)
{
	static const Elf64_Shdr like = {
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR, .sh_addralign = 8};
	Elf64_Sym *symbols;

	t->text = t->elf->text ?: find_text(t) ?: image__add(&t->image, ".text", &like);
	t->text_symbol = t->text ? transcode__add_symbol(t, "") : 0;
	if (!t->text_symbol)
		return -ENOMEM;
	symbols = image__edit(&t->image, t->elf->symtab, 0);
	symbols[t->text_symbol].st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION);
	symbols[t->text_symbol].st_shndx = (Elf64_Section)t->text;
	return 0;
}

/* ---- the calls ------------------------------------------------------------------------------------------- */

/* Makes INSN, which refers to byte OFFSET of a copied section, refer to the copy. */
static void retarget(const struct copy *copy, struct bpf_insn *insn, uint64_t offset)
{
	offset += copy->shift;
	insn->imm = (__s32)(elfmap_insn__is_call(insn) ? offset / BPF_INSN_SIZE - 1 : offset);
}

/* A call, or an address, that a relocation explains. */
static void follow_relocation(const struct transcode *t, struct bpf_insn *insn, Elf64_Rel *rel)
{
	const Elf64_Sym *symbol = &t->elf->symbols[ELF64_R_SYM(rel->r_info)]; /* checked before */
	uint64_t offset;

	if (symbol->st_shndx >= t->elf->nr_sections || !t->copies[symbol->st_shndx].made)
		return;
	if (elfmap_insn__is_call(insn))
		offset = symbol->st_value + ((uint64_t)insn->imm + 1) * BPF_INSN_SIZE;
	else if (elfmap_insn__is_load(insn))
		offset = symbol->st_value + (uint64_t)insn->imm;
	else
		return;
	retarget(&t->copies[symbol->st_shndx], insn, offset);
	rel->r_info = ELF64_R_INFO((uint64_t)t->text_symbol, ELF64_R_TYPE(rel->r_info));
}

static int follow_relocations(struct transcode *t, size_t section, size_t relocations, bool *related)
{
	size_t size = t->image.sections[relocations].header.sh_size;
	unsigned char *code = image__edit(&t->image, section, 0), *bytes = image__edit(&t->image, relocations, 0);

	if (!code || !bytes)
		return -ENOMEM;
	for (size_t at = 0; at + sizeof(Elf64_Rel) <= size; at += sizeof(Elf64_Rel)) {
		struct bpf_insn insn;
		Elf64_Rel rel;

		memcpy(&rel, bytes + at, sizeof(rel));
		memcpy(&insn, code + rel.r_offset, sizeof(insn));
		follow_relocation(t, &insn, &rel);
		memcpy(code + rel.r_offset, &insn, sizeof(insn));
		memcpy(bytes + at, &rel, sizeof(rel));
		related[rel.r_offset / BPF_INSN_SIZE] = true;
	}
	return 0;
}

/* Calls by distance get a relocation, which libbpf requires for calls into another section. */
static int follow_distances(struct transcode *t, size_t section, size_t *relocations, const bool *related)
{
	size_t nr = t->image.sections[section].header.sh_size / BPF_INSN_SIZE;
	unsigned char *code = image__edit(&t->image, section, 0);
	int err = code ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nr; i++) {
		struct bpf_insn insn;
		uint64_t target;

		memcpy(&insn, code + i * BPF_INSN_SIZE, sizeof(insn));
		target = (uint64_t)i + (uint64_t)insn.imm + 1;
		if (!elfmap_insn__is_call(&insn) || related[i] || target >= nr)
			continue;
		retarget(&t->copies[section], &insn, target * BPF_INSN_SIZE);
		memcpy(code + i * BPF_INSN_SIZE, &insn, sizeof(insn));
		err = transcode__add_relocation(t, section, relocations, i * BPF_INSN_SIZE,
						ELF64_R_INFO((uint64_t)t->text_symbol, R_BPF_64_32));
	}
	return err;
}

static int follow_calls(struct transcode *t, size_t section, size_t *relocations)
{
	bool *related = calloc(t->image.sections[section].header.sh_size / BPF_INSN_SIZE + 1, sizeof(*related));
	int err = related ? 0 : -ENOMEM;

	if (!err && *relocations)
		err = follow_relocations(t, section, *relocations, related);
	if (!err && t->copies[section].made)
		err = follow_distances(t, section, relocations, related);
	free(related);
	return err;
}

/* ---- the copies -------------------------------------------------------------------------------------------- */

static int copy_relocations(struct transcode *t, const struct copy *copy, size_t from, size_t *to)
{
	size_t start, size = from ? t->image.sections[from].header.sh_size : 0;
	unsigned char *bytes;
	int err;

	if (size < sizeof(Elf64_Rel))
		return 0;
	/* The first one makes the table, if need be, and is then written again with the others. */
	start = *to ? t->image.sections[*to].header.sh_size : 0;
	err = transcode__add_relocation(t, t->text, to, 0, 0);
	bytes = err ? NULL : image__edit(&t->image, *to, size - sizeof(Elf64_Rel));
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes + start, t->image.sections[from].data, size);
	for (size_t at = start; at + sizeof(Elf64_Rel) <= start + size; at += sizeof(Elf64_Rel)) {
		Elf64_Rel rel;

		memcpy(&rel, bytes + at, sizeof(rel));
		rel.r_offset += copy->shift;
		memcpy(bytes + at, &rel, sizeof(rel));
	}
	return 0;
}

static int copy_section(struct transcode *t, size_t section, size_t *relocations)
{
	size_t size = t->image.sections[section].header.sh_size;
	unsigned char *code = image__edit(&t->image, t->text, size);

	if (!code)
		return -ENOMEM;
	memcpy(code + t->copies[section].shift, t->image.sections[section].data, size);
	return copy_relocations(t, &t->copies[section], relocations[section], &relocations[t->text]);
}

int transcode__calls(struct transcode *t)
{
	size_t *relocations;
	int err;

	if (!t->obj->nr_subprogs)
		return 0;
	err = open_text(t) ?: place_copies(t);
	relocations = err ? NULL : image__list_relocations(&t->image);
	if (!relocations)
		return -ENOMEM;
	for (size_t i = 1; !err && i < t->elf->nr_sections; i++)
		if (elfmap_elf__is_code(t->elf, i))
			err = follow_calls(t, i, &relocations[i]);
	for (size_t i = 1; !err && i < t->elf->nr_sections; i++)
		if (t->copies[i].made)
			err = copy_section(t, i, relocations);
	free(relocations);
	return err;
}

/* Hidden, as those that were in .text before (transcode_symbols.c). */
int transcode__subprograms(struct transcode *t)
{
	for (size_t i = 0; i < t->obj->nr_subprogs; i++) {
		const struct elfmap_prog *function = &t->obj->subprogs[i];
		const struct copy *copy = &t->copies[function->section_index];
		size_t symbol = function->symbol;
		Elf64_Sym *symbols;

		if (!copy->made)
			continue;
		symbol = symbol ?: transcode__add_symbol(t, function->name);
		symbols = symbol ? image__edit(&t->image, t->elf->symtab, 0) : NULL;
		if (!symbols)
			return -ENOMEM;
		symbols[symbol].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
		symbols[symbol].st_other = STV_HIDDEN;
		symbols[symbol].st_shndx = (Elf64_Section)t->text;
		symbols[symbol].st_value = function->offset + copy->shift;
		symbols[symbol].st_size = function->size;
	}
	return 0;
}
