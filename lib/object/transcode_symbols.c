// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, symbols and relocations: every map and every program gets the kind of symbol that
 * libbpf looks for, and relocations name the map they mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#define SHT_ADDRSIG 0x6fff4c03 /* LLVM's table of symbol indices; worthless once they are reordered */

/* ---- relocations ------------------------------------------------------------------------------------------ */

static const struct elfmap_map *find_map(const struct elfmap_object *obj, size_t offset)
{
	size_t index = obj->def_size ? offset / obj->def_size : obj->nr_maps;

	return index < obj->nr_maps ? &obj->maps[index] : NULL;
}

/* `.rela`: libbpf ignores it without a warning, and the program has no maps. The addend goes
 * where `.rel` keeps it, into the instruction. */
static int make_rel(struct transcode *t, size_t section)
{
	struct image_section *at = &t->image.sections[section];
	size_t nr = at->header.sh_size / sizeof(Elf64_Rela);
	Elf64_Rel *rels = calloc(nr ? nr : 1, sizeof(*rels));
	unsigned char *code = image__edit(&t->image, at->header.sh_info, 0);
	size_t code_size = t->image.sections[at->header.sh_info].header.sh_size;

	if (!rels || !code) {
		free(rels);
		return -ENOMEM;
	}
	for (size_t i = 0; i < nr; i++) {
		Elf64_Rela rela;
		__s32 addend;

		memcpy(&rela, (const char *)at->data + i * sizeof(rela), sizeof(rela));
		rels[i] = (Elf64_Rel){.r_offset = rela.r_offset, .r_info = rela.r_info};
		if (code_size < BPF_INSN_SIZE || rela.r_offset > code_size - BPF_INSN_SIZE)
			continue; /* refused below */
		memcpy(&addend, code + rela.r_offset + 4, sizeof(addend));
		addend = (__s32)((__u32)addend + (__u32)rela.r_addend);
		memcpy(code + rela.r_offset + 4, &addend, sizeof(addend));
	}
	image__replace(&t->image, section, rels, nr * sizeof(*rels));
	at->header.sh_type = SHT_REL;
	at->header.sh_entsize = sizeof(Elf64_Rel);
	return 0;
}

/* A relocation against the section `maps` itself: only the instruction has the offset of the map. */
static int name_map(struct transcode *t, size_t section, size_t index, size_t code_size, const char *code_name)
{
	const struct image_section *at = &t->image.sections[section];
	const struct elfmap_map *map;
	unsigned char *code, *rels;
	Elf64_Rel rel;
	__u32 offset;

	memcpy(&rel, (const char *)at->data + index * sizeof(rel), sizeof(rel));
	code = image__edit(&t->image, at->header.sh_info, 0);
	rels = image__edit(&t->image, section, 0);
	if (!code || !rels)
		return -ENOMEM;
	memcpy(&offset, code + rel.r_offset + 4, sizeof(offset));
	map = find_map(t->obj, offset);
	if (!map || map->offset != offset)
		return elfmap_msg__set(t->msg, -EINVAL,
				       "section '%s': offset %llu of %zu: refers to byte %u of section maps, where no "
				       "definition starts",
				       code_name, (unsigned long long)rel.r_offset, code_size, offset);
	offset = 0;
	memcpy(code + rel.r_offset + 4, &offset, sizeof(offset));
	rel.r_info = ELF64_R_INFO((uint64_t)map->symbol, ELF64_R_TYPE(rel.r_info));
	memcpy(rels + index * sizeof(rel), &rel, sizeof(rel));
	return 0;
}

static int check_relocation(struct transcode *t, size_t section, size_t index)
{
	const struct image_section *at = &t->image.sections[section];
	const char *code_name = elfmap_elf__section_name(t->elf, at->header.sh_info);
	size_t code_size = t->image.sections[at->header.sh_info].header.sh_size, symbol;
	const Elf64_Sym *target;
	Elf64_Rel rel;

	memcpy(&rel, (const char *)at->data + index * sizeof(rel), sizeof(rel));
	symbol = ELF64_R_SYM(rel.r_info);
	if (symbol >= t->elf->nr_symbols)
		return elfmap_msg__set(t->msg, -EINVAL, "section '%s': relocation %zu: symbol %zu of %zu", code_name,
				       index, symbol, t->elf->nr_symbols);
	if (code_size < BPF_INSN_SIZE || rel.r_offset > code_size - BPF_INSN_SIZE || rel.r_offset % BPF_INSN_SIZE)
		return elfmap_msg__set(t->msg, -EINVAL,
				       "section '%s': relocation %zu: offset %llu is not an instruction", code_name,
				       index, (unsigned long long)rel.r_offset);
	target = &t->elf->symbols[symbol];
	if (target->st_shndx != t->elf->maps)
		return 0;
	if (ELF64_ST_TYPE(target->st_info) == STT_SECTION)
		return name_map(t, section, index, code_size, code_name);
	return 0;
}

int transcode__relocations(struct transcode *t)
{
	int err = 0;

	for (size_t i = 1; !err && i < t->elf->nr_sections; i++) {
		const Elf64_Shdr *header = &t->image.sections[i].header;

		if (!t->image.sections[i].data || !elfmap_elf__is_code(t->elf, header->sh_info))
			continue;
		if (header->sh_type == SHT_RELA)
			err = make_rel(t, i);
		if (err || t->image.sections[i].header.sh_type != SHT_REL)
			continue;
		/* Later stages append: a part of a relocation at the end would shift theirs. */
		t->image.sections[i].header.sh_size -= t->image.sections[i].header.sh_size % sizeof(Elf64_Rel);
		for (size_t r = 0; !err && r < t->image.sections[i].header.sh_size / sizeof(Elf64_Rel); r++)
			err = check_relocation(t, i, r);
	}
	return err;
}

/* ---- symbols ------------------------------------------------------------------------------------------------ */

static void move_map_symbol(const struct transcode *t, Elf64_Sym *symbol)
{
	const struct elfmap_map *map = find_map(t->obj, symbol->st_value);
	size_t index = map ? (size_t)(map - t->obj->maps) : 0;

	symbol->st_shndx = (Elf64_Section)t->maps;
	if (!map || ELF64_ST_TYPE(symbol->st_info) == STT_SECTION)
		return;
	symbol->st_value = t->slots[index].offset;
	if (symbol - (const Elf64_Sym *)t->image.sections[t->elf->symtab].data != (ptrdiff_t)map->symbol)
		return;
	symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	symbol->st_size = t->slots[index].struct_size + t->slots[index].nr_values * 8;
}

static int move_map_symbols(struct transcode *t, size_t nr)
{
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);

	if (!symbols)
		return -ENOMEM;
	for (size_t i = 1; t->maps && i < nr; i++)
		if (symbols[i].st_shndx == t->elf->maps)
			move_map_symbol(t, &symbols[i]);
	return 0;
}

/* libbpf keeps `.text` for what is called. An entry in it gets another section with the
 * same code; `.text` stays, because other symbols refer to it. */
static size_t add_text_twin(struct transcode *t)
{
	const struct elfmap_elf *elf = t->elf;
	size_t twin = image__add(&t->image, ELFMAP_TEXT_TWIN, &t->image.sections[elf->text].header);
	size_t copy;

	if (!twin)
		return 0;
	t->image.sections[twin].data = t->image.sections[elf->text].data;
	t->image.sections[twin].header.sh_size = t->image.sections[elf->text].header.sh_size;
	for (size_t i = 1; i < elf->nr_sections; i++) {
		Elf64_Shdr like = t->image.sections[i].header;
		void *data;

		if (like.sh_type != SHT_REL || like.sh_info != elf->text || !like.sh_size)
			continue;
		data = malloc(like.sh_size);
		like.sh_info = (uint32_t)twin;
		copy = data ? image__add(&t->image, ".rel" ELFMAP_TEXT_TWIN, &like) : 0;
		if (!copy) {
			free(data);
			return 0;
		}
		memcpy(data, t->image.sections[i].data, like.sh_size);
		image__replace(&t->image, copy, data, like.sh_size);
	}
	return twin;
}

/* A symbol through which code in `.text` can be called: that of the section, or a global one. 0: none. */
static size_t find_text_symbol(const struct elfmap_elf *elf)
{
	size_t found = 0;

	for (size_t i = 1; i < elf->nr_symbols; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];

		if (symbol->st_shndx != elf->text)
			continue;
		if (ELF64_ST_TYPE(symbol->st_info) == STT_SECTION)
			return i;
		if (ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL)
			found = i;
	}
	return found;
}

/* Makes instruction AT of `.text`, which uses an undefined symbol, refer to SYMBOL. No program that is loaded reaches
 * it; libbpf reads it nevertheless. */
static void redirect(unsigned char *code, Elf64_Rel *rel, size_t symbol)
{
	struct bpf_insn insn;

	memcpy(&insn, code + rel->r_offset, sizeof(insn));
	insn.imm = elfmap_insn__is_call(&insn) ? -1 : 0;
	memcpy(code + rel->r_offset, &insn, sizeof(insn));
	rel->r_info = ELF64_R_INFO((uint64_t)symbol, ELF64_R_TYPE(rel->r_info));
}

static int redirect_text(struct transcode *t, const struct kernel_symbols *kernel)
{
	size_t symbol = t->elf->text ? find_text_symbol(t->elf) : 0;

	for (size_t i = 1; symbol && i < t->elf->nr_sections; i++) {
		const Elf64_Shdr *table = &t->image.sections[i].header;
		unsigned char *code, *rels;
		Elf64_Rel rel;

		if (table->sh_type != SHT_REL || table->sh_info != t->elf->text || !table->sh_size)
			continue;
		code = image__edit(&t->image, t->elf->text, 0);
		rels = image__edit(&t->image, i, 0);
		if (!code || !rels)
			return -ENOMEM;
		for (size_t at = 0; at + sizeof(rel) <= table->sh_size; at += sizeof(rel)) {
			memcpy(&rel, rels + at, sizeof(rel)); /* transcode__relocations() has checked its numbers */
			if (!ELF64_R_SYM(rel.r_info) ||
			    !elfmap_elf__is_undefined(t->elf, ELF64_R_SYM(rel.r_info), kernel))
				continue;
			redirect(code, &rel, symbol);
			memcpy(rels + at, &rel, sizeof(rel));
		}
	}
	return 0;
}

/* libbpf refuses a whole object for one undefined symbol. The sections that use it are data to it
 * from here on, and the symbol becomes local. Functions in `.text` stay, since others there may be called. */
static int set_undefined_aside(struct transcode *t)
{
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);
	struct kernel_symbols kernel;
	int err = kernel_symbols__read(&kernel, t->btf);

	if (!err && !symbols)
		err = -ENOMEM;
	err = err ?: redirect_text(t, &kernel);
	for (size_t i = 0; !err && i < t->obj->nr_progs; i++)
		if (t->obj->progs[i].undefined && t->obj->progs[i].section_index != t->elf->text)
			t->image.sections[t->obj->progs[i].section_index].header.sh_flags &= ~(uint64_t)SHF_EXECINSTR;
	for (size_t i = 1; !err && i < t->elf->nr_symbols; i++)
		if (elfmap_elf__is_undefined(t->elf, i, &kernel))
			symbols[i].st_info = ELF64_ST_INFO(STB_LOCAL, ELF64_ST_TYPE(symbols[i].st_info));
	kernel_symbols__free(&kernel);
	return err;
}

/* Every FUNC that is not in .text would be a program to libbpf; only those of mark_programs() are. */
static int retire_aliases(struct transcode *t)
{
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);

	for (size_t i = 1; symbols && i < t->elf->nr_symbols; i++)
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_shndx != t->elf->text &&
		    elfmap_elf__is_code(t->elf, symbols[i].st_shndx))
			symbols[i].st_info = ELF64_ST_INFO(ELF64_ST_BIND(symbols[i].st_info), STT_NOTYPE);
	return symbols ? 0 : -ENOMEM;
}

/* A function in .text that is not called may be an entry, which tc takes when it is asked for. A loader that loads
 * every program would trip over what is only a function that is not used. */
const char *elfmap_object__spare(const struct elfmap_object *obj)
{
	const char *name = NULL;
	bool has_others = false;

	for (size_t i = 0; i < obj->nr_progs; i++) {
		if (obj->elf->text && obj->progs[i].section_index == obj->elf->text)
			name = obj->progs[i].name;
		else
			has_others = true;
	}
	return has_others ? name : NULL;
}

static int mark_programs(struct transcode *t)
{
	bool is_spare = t->opts->text_is_library && elfmap_object__spare(t->obj);

	for (size_t i = 0; i < t->obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &t->obj->progs[i];
		Elf64_Sym *symbol;

		if (prog->undefined || (is_spare && prog->section_index == t->elf->text))
			continue;
		if (!prog->symbol && !(t->added_symbol[i] = transcode__add_symbol(t, prog->name)))
			return -ENOMEM;
		if (prog->section_index == t->elf->text && !t->text_twin) {
			t->text_twin = add_text_twin(t);
			if (!t->text_twin)
				return -ENOMEM;
		}
		symbol = image__edit(&t->image, t->elf->symtab, 0);
		if (!symbol)
			return -ENOMEM;
		symbol += prog->symbol ? prog->symbol : t->added_symbol[i];
		symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
		symbol->st_shndx = (Elf64_Section)prog->section_index;
		if (prog->section_index == t->elf->text)
			symbol->st_shndx = (Elf64_Section)t->text_twin;
		symbol->st_value = prog->offset;
		symbol->st_size = prog->size;
	}
	return 0;
}

static int compare_offsets(const void *a, const void *b)
{
	Elf64_Addr left = *(const Elf64_Addr *)a, right = *(const Elf64_Addr *)b;

	return left < right ? -1 : left > right;
}

static bool is_in_text(const struct transcode *t, const Elf64_Sym *symbol)
{
	return symbol->st_shndx == t->elf->text && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL;
}

/* Subprograms of old compilers: libbpf finds only FUNCs with a size in `.text`. Hidden ones the kernel
 * takes as they are called, as it took them from the legacy loader; others it judges by their types
 * alone, and refuses a pointer that is not compared with NULL. */
static int mark_subprograms(struct transcode *t)
{
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);
	size_t nr = t->elf->nr_symbols, nr_starts = 0;
	Elf64_Addr *starts;

	if (!t->elf->text || !symbols)
		return symbols ? 0 : -ENOMEM;
	starts = calloc(nr + 1, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	for (size_t i = 1; i < nr; i++)
		if (is_in_text(t, &symbols[i]))
			starts[nr_starts++] = symbols[i].st_value;
	starts[nr_starts++] = elfmap_elf__section(t->elf, t->elf->text)->sh_size;
	qsort(starts, nr_starts, sizeof(*starts), compare_offsets);
	for (size_t i = 1; i < nr; i++) {
		const Elf64_Addr *next;

		if (!is_in_text(t, &symbols[i]))
			continue;
		symbols[i].st_other = STV_HIDDEN;
		if (ELF64_ST_TYPE(symbols[i].st_info) != STT_NOTYPE)
			continue;
		next = bsearch(&symbols[i].st_value, starts, nr_starts, sizeof(*starts), compare_offsets);
		while (next && next < starts + nr_starts && *next == symbols[i].st_value)
			next++;
		if (!next || next == starts + nr_starts)
			continue;
		symbols[i].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
		symbols[i].st_size = *next - symbols[i].st_value;
	}
	free(starts);
	return 0;
}

/* ---- order: locals first, as ELF has it ------------------------------------------------------------------------ */

static bool is_local(const Elf64_Sym *symbol)
{
	return ELF64_ST_BIND(symbol->st_info) == STB_LOCAL;
}

/* Its section has gone; what refers to it refers to nothing, symbol 0. */
static bool is_gone(const struct transcode *t, const Elf64_Sym *symbol)
{
	return symbol->st_shndx < t->elf->nr_sections && t->image.sections[symbol->st_shndx].removed;
}

static void renumber_relocations(struct image_section *section, unsigned char *bytes, const size_t *number, size_t nr)
{
	size_t entry = section->header.sh_type == SHT_RELA ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);

	for (size_t at = 0; at + entry <= section->header.sh_size; at += entry) {
		size_t symbol;
		Elf64_Rel rel;

		memcpy(&rel, bytes + at, sizeof(rel));
		symbol = ELF64_R_SYM(rel.r_info);
		if (symbol >= nr)
			continue;
		rel.r_info = ELF64_R_INFO((uint64_t)number[symbol], ELF64_R_TYPE(rel.r_info));
		memcpy(bytes + at, &rel, sizeof(rel));
	}
}

static int renumber_sections(struct transcode *t, const size_t *number, size_t nr)
{
	for (size_t i = 1; i < t->image.nr_sections; i++) {
		struct image_section *section = &t->image.sections[i];
		unsigned char *bytes;

		if (section->header.sh_link != t->elf->symtab || !section->data)
			continue;
		if (section->header.sh_type == SHT_ADDRSIG)
			section->header.sh_size = 0;
		if (section->header.sh_type == SHT_GROUP && section->header.sh_info < nr)
			section->header.sh_info = (uint32_t)number[section->header.sh_info];
		if (section->header.sh_type != SHT_REL && section->header.sh_type != SHT_RELA)
			continue;
		bytes = image__edit(&t->image, i, 0);
		if (!bytes)
			return -ENOMEM;
		renumber_relocations(section, bytes, number, nr);
	}
	return 0;
}

static int order_symbols(struct transcode *t)
{
	struct image_section *symtab = &t->image.sections[t->elf->symtab];
	size_t nr = symtab->header.sh_size / sizeof(Elf64_Sym), locals = 0, next = 0;
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);
	Elf64_Sym *ordered = calloc(nr ? nr : 1, sizeof(*ordered));
	size_t *number = calloc(nr ? nr : 1, sizeof(*number));
	bool moved = false;
	int err = symbols && ordered && number ? 0 : -ENOMEM;

	for (int pass = 0; !err && pass < 2; pass++) {
		for (size_t i = 0; i < nr; i++) {
			if (is_local(&symbols[i]) != (pass == 0) || is_gone(t, &symbols[i]))
				continue;
			moved |= next != i;
			number[i] = next;
			ordered[next++] = symbols[i];
		}
		locals = pass ? locals : next;
	}
	if (!err && (moved || next != nr)) {
		memcpy(symbols, ordered, next * sizeof(*symbols));
		symtab->header.sh_size = next * sizeof(*symbols);
		err = renumber_sections(t, number, nr);
	}
	symtab->header.sh_info = (uint32_t)locals;
	free(ordered);
	free(number);
	return err;
}

int transcode__symbols(struct transcode *t)
{
	size_t nr = t->elf->nr_symbols;
	int err = move_map_symbols(t, nr);

	err = err ?: retire_aliases(t);
	err = err ?: set_undefined_aside(t);
	err = err ?: mark_programs(t);
	err = err ?: transcode__subprograms(t);
	err = err ?: mark_subprograms(t);
	err = err ?: transcode__values(t);
	return err ?: order_symbols(t);
}
