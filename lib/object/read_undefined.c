// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read, what is not there: programs that use a symbol which neither the object nor the kernel defines. They are refused
 * by name, and the other programs load. A function in `.text` passes what it lacks on to those that call it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/internal.h"

/* What a section or function lacks first. */
struct lack {
	size_t symbol; /* 0: nothing */
	bool is_value; /* a number or an address is wanted, not a function to call */
};

struct text_function {
	uint64_t offset;
	struct lack lack;
};

struct search {
	const struct elfmap_elf *elf;
	struct kernel_symbols kernel;
	struct lack *sections;		 /* by index; without `.text` */
	struct text_function *functions; /* of `.text`, by offset; the first is at 0 */
	size_t nr_functions;
};

bool elfmap_elf__is_undefined(const struct elfmap_elf *elf, size_t symbol, const struct kernel_symbols *kernel)
{
	const Elf64_Sym *at = &elf->symbols[symbol];
	const char *name = elfmap_elf__symbol_name(elf, symbol);

	if (symbol >= elf->nr_symbols)
		return false; /* of the image: a stage has added it */
	if (elf->bare_maps && at->st_shndx == elf->bare_maps)
		return true;
	return at->st_shndx == SHN_UNDEF && ELF64_ST_BIND(at->st_info) != STB_LOCAL && name[0] &&
	       !kernel_symbols__has(kernel, name);
}

/* ---- functions of .text ------------------------------------------------------------------------------------- */

static int compare_functions(const void *a, const void *b)
{
	const struct text_function *left = a, *right = b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int list_functions(struct search *search)
{
	const struct elfmap_elf *elf = search->elf;
	size_t nr = 1;

	search->functions = calloc(elf->nr_symbols + 1, sizeof(*search->functions));
	if (!search->functions)
		return -ENOMEM;
	for (size_t i = 1; elf->text && i < elf->nr_symbols; i++)
		if (elf->symbols[i].st_shndx == elf->text && ELF64_ST_TYPE(elf->symbols[i].st_info) <= STT_FUNC)
			search->functions[nr++].offset = elf->symbols[i].st_value;
	qsort(search->functions, nr, sizeof(*search->functions), compare_functions);
	search->nr_functions = nr;
	return 0;
}

/* The function that has the instruction at OFFSET; of several that start at one place the last. */
static struct text_function *function_at(const struct search *search, uint64_t offset)
{
	size_t low = 0, high = search->nr_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->functions[middle].offset > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return &search->functions[low ? low - 1 : 0];
}

/* ---- what is lacking, and who is affected ----------------------------------------------------------------- */

/* Where SECTION notes what the instruction at OFFSET lacks. */
static struct lack *place_of(const struct search *search, size_t section, uint64_t offset)
{
	return section == search->elf->text ? &function_at(search, offset)->lack : &search->sections[section];
}

/* The instruction at OFFSET of SECTION. false: that is outside of it. */
static bool read_insn(const struct elfmap_elf *elf, size_t section, uint64_t offset, struct bpf_insn *ret_insn)
{
	uint64_t size = elfmap_elf__section(elf, section)->sh_size;

	if (size < sizeof(*ret_insn) || offset > size - sizeof(*ret_insn))
		return false;
	memcpy(ret_insn, (const char *)elfmap_elf__data(elf, section) + offset, sizeof(*ret_insn));
	return true;
}

/* The function of `.text` that an instruction calls, or takes the address of, through RELA; NULL: neither. */
static const struct text_function *find_callee(const struct search *search, size_t section, const Elf64_Rela *rela)
{
	const Elf64_Sym *symbol = &search->elf->symbols[ELF64_R_SYM(rela->r_info)];
	struct bpf_insn insn;
	uint64_t at;

	if (symbol->st_shndx != search->elf->text || !read_insn(search->elf, section, rela->r_offset, &insn))
		return NULL;
	at = (uint64_t)insn.imm + (uint64_t)rela->r_addend;
	if (elfmap_insn__is_call(&insn))
		return function_at(search, symbol->st_value + (at + 1) * BPF_INSN_SIZE);
	return elfmap_insn__is_load(&insn) ? function_at(search, symbol->st_value + at) : NULL;
}

/* True: RELA, of SECTION, is the first from which its place gets a lack. */
static bool take_lack(struct search *search, size_t section, const Elf64_Rela *rela)
{
	size_t symbol = ELF64_R_SYM(rela->r_info);
	struct lack *place = place_of(search, section, rela->r_offset);
	const struct text_function *callee;
	struct bpf_insn insn = {};

	if (!symbol || symbol >= search->elf->nr_symbols || place->symbol)
		return false;
	if (elfmap_elf__is_undefined(search->elf, symbol, &search->kernel)) {
		read_insn(search->elf, section, rela->r_offset, &insn);
		*place = (struct lack){.symbol = symbol, .is_value = elfmap_insn__is_load(&insn)};
		return true;
	}
	callee = search->elf->text ? find_callee(search, section, rela) : NULL;
	if (!callee || !callee->lack.symbol)
		return false;
	*place = callee->lack;
	return true;
}

/* Calls by distance, within `.text`. */
static bool follow_distances(struct search *search)
{
	size_t text = search->elf->text;
	bool news = false;
	struct bpf_insn insn;

	for (uint64_t at = 0; text && read_insn(search->elf, text, at, &insn); at += sizeof(insn)) {
		struct lack *place = place_of(search, text, at), *callee;

		if (place->symbol || !elfmap_insn__is_call(&insn))
			continue;
		callee = place_of(search, text, at + ((uint64_t)insn.imm + 1) * BPF_INSN_SIZE);
		*place = *callee;
		news = news || callee->symbol;
	}
	return news;
}

#define MAX_DEPTH 8 /* of calls, in the kernel */

/* Until there is no news: a function may be called by one that is called by another. */
static void find_lacks(struct search *search)
{
	bool news = true;

	for (int depth = 0; news && depth <= MAX_DEPTH; depth++) {
		news = false;
		for (size_t i = 1; i < search->elf->nr_sections; i++) {
			struct relocations table;
			Elf64_Rela rela;

			if (!relocations__open(&table, search->elf, i) ||
			    !elfmap_elf__is_code(search->elf, table.target))
				continue;
			while (relocations__next(&table, &rela))
				news |= take_lack(search, table.target, &rela) && search->elf->text;
		}
		news |= follow_distances(search);
	}
}

/* ---- the programs ------------------------------------------------------------------------------------------- */

static void set_undefined(const struct search *search, struct elfmap_prog *prog)
{
	const struct elfmap_elf *elf = search->elf;
	struct lack lack = *place_of(search, prog->section_index, prog->offset);

	if (!lack.symbol)
		return;
	prog->undefined = elfmap_elf__symbol_name(elf, lack.symbol);
	prog->undefined_why = "which the object does not define";
	if (lack.is_value)
		prog->undefined_why = "which the object does not define; its own loader would write a value there";
	if (elf->symbols[lack.symbol].st_shndx != SHN_UNDEF) {
		prog->undefined = *prog->undefined ? prog->undefined : ".maps";
		prog->undefined_why = "which needs BTF to describe it, and the object has no valid BTF; "
				      "compile it with -g";
	}
}

int read__undefined(struct elfmap_object *obj, const struct btf *btf)
{
	struct search search = {.elf = obj->elf};
	int err = kernel_symbols__read(&search.kernel, btf);

	search.sections = calloc(obj->elf->nr_sections, sizeof(*search.sections));
	err = err ?: search.sections ? list_functions(&search) : -ENOMEM;
	if (!err)
		find_lacks(&search);
	for (size_t i = 0; !err && i < obj->nr_progs; i++) {
		struct elfmap_prog *prog = &obj->progs[i];

		set_undefined(&search, prog);
		if (prog->undefined && prog->slot_map >= 0)
			err = read__problem(obj, "section '%s': uses '%s', %s", prog->section, prog->undefined,
					    prog->undefined_why);
	}
	for (size_t i = 0; !err && i < obj->nr_subprogs; i++)
		set_undefined(&search, &obj->subprogs[i]);
	kernel_symbols__free(&search.kernel);
	free(search.sections);
	free(search.functions);
	return err;
}
