// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read, what a section uses and nobody gives: functions and values that a project's own loader, or another
 * object, would have supplied, and maps that nothing describes. They cost the sections that use them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"
#include "object/read.h"

bool elfmap_elf__is_undefined(const struct elfmap_elf *elf, size_t symbol, const struct kernel_symbols *kernel)
{
	const Elf64_Sym *at = &elf->symbols[symbol];
	const char *name = elfmap_elf__symbol_name(elf, symbol);

	if (elf->bare_maps && at->st_shndx == elf->bare_maps)
		return true;
	return at->st_shndx == SHN_UNDEF && ELF64_ST_BIND(at->st_info) != STB_LOCAL && name[0] &&
	       !kernel_symbols__has(kernel, name);
}

/* What a section lacks first. */
struct lack {
	size_t symbol; /* 0: nothing */
	bool is_value; /* a number or an address is wanted, not a function to call */
};

/* The first undefined symbol that TABLE names. */
static struct lack find_undefined(const struct elfmap_elf *elf, struct relocations *table,
				  const struct kernel_symbols *kernel)
{
	size_t code_size = elfmap_elf__section(elf, table->target)->sh_size;
	Elf64_Rela rela;

	while (relocations__next(table, &rela)) {
		size_t symbol = ELF64_R_SYM(rela.r_info);
		struct bpf_insn insn = {};

		if (!symbol || symbol >= elf->nr_symbols || !elfmap_elf__is_undefined(elf, symbol, kernel))
			continue;
		if (code_size >= sizeof(insn) && rela.r_offset <= code_size - sizeof(insn))
			memcpy(&insn, (const char *)elfmap_elf__data(elf, table->target) + rela.r_offset, sizeof(insn));
		return (struct lack){.symbol = symbol, .is_value = elfmap_insn__is_load(&insn)};
	}
	return (struct lack){};
}

static void set_undefined(const struct elfmap_elf *elf, struct elfmap_prog *prog, struct lack lack)
{
	if (!lack.symbol)
		return;
	prog->undefined = elfmap_elf__symbol_name(elf, lack.symbol);
	prog->undefined_why = "which the object does not define";
	if (lack.is_value)
		prog->undefined_why = "which the object does not define; a loader of its own would put a value there";
	if (elf->symbols[lack.symbol].st_shndx != SHN_UNDEF) {
		prog->undefined = *prog->undefined ? prog->undefined : ".maps";
		prog->undefined_why = "which BTF would have to describe, and the object has none that can be read; "
				      "compile it with -g";
	}
}

int read__undefined(struct elfmap_object *obj, const struct btf *btf)
{
	const struct elfmap_elf *elf = obj->elf;
	struct lack *undefined = calloc(elf->nr_sections, sizeof(*undefined)); /* by section */
	struct kernel_symbols kernel;
	int err = kernel_symbols__read(&kernel, btf) ?: undefined ? 0 : -ENOMEM;

	for (size_t i = 1; !err && i < elf->nr_sections; i++) {
		struct relocations table;

		if (relocations__open(&table, elf, i) && table.target != elf->text &&
		    elfmap_elf__is_code(elf, table.target) && !undefined[table.target].symbol)
			undefined[table.target] = find_undefined(elf, &table, &kernel);
	}
	for (size_t i = 0; !err && i < obj->nr_progs; i++) {
		struct elfmap_prog *prog = &obj->progs[i];

		set_undefined(elf, prog, undefined[prog->section_index]);
		if (prog->undefined && prog->slot_map >= 0)
			err = read__problem(obj, "section '%s': uses '%s', %s", prog->section, prog->undefined,
					    prog->undefined_why);
	}
	for (size_t i = 0; !err && i < obj->nr_subprogs; i++)
		set_undefined(elf, &obj->subprogs[i], undefined[obj->subprogs[i].section_index]);
	kernel_symbols__free(&kernel);
	free(undefined);
	return err;
}
