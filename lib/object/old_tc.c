// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an object asks for that a tc without libbpf cannot give: definitions, the tables around the code, and the code.
 * There a program is a whole section, run from its first instruction; relocations name maps, or call `.text`, which
 * is then appended whole.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "kinds/maps.h"
#include "object/internal.h"
#include "object/old_tc.h"

/* ---- lines of the verdict ------------------------------------------------------------------------------- */

#define MAX_LINES 32 /* of each kind; a hostile object has as many as it likes */

struct judge {
	const struct elfmap_object *obj;
	const struct elfmap_elf *elf;
	bool has_btf; /* tc's way of handing over BTF would work with this one */
	struct elfmap_old_tc verdict;
	struct reported { /* reasons given for the code of a section, each once */
		size_t section;
		size_t target; /* section of what it refers to */
		const char *name;
	} reported[MAX_LINES];
	size_t nr_reported;
	int err;
};

static void add_line(struct judge *judge, char ***lines, size_t *nr_lines, const char *format, va_list args)
{
	struct elfmap_msg msg;
	char **grown;

	if (*nr_lines >= MAX_LINES || judge->err)
		return;
	elfmap_msg__print(&msg, format, args);
	grown = elfmap_array__grow(*lines, *nr_lines, sizeof(*grown));
	if (grown) {
		*lines = grown;
		grown[*nr_lines] = strdup(msg.text);
	}
	if (!grown || !grown[*nr_lines])
		judge->err = -ENOMEM;
	else
		++*nr_lines;
}

/* Why not, and what will differ. Past MAX_LINES nothing more is kept. */
__attribute__((format(printf, 2, 3))) static void add_reason(struct judge *judge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(judge, &judge->verdict.reasons, &judge->verdict.nr_reasons, format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void add_warning(struct judge *judge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(judge, &judge->verdict.warnings, &judge->verdict.nr_warnings, format, args);
	va_end(args);
}

/* ---- the code ------------------------------------------------------------------------------------------- */

#define PLACE_SIZE 300

/* What the kernel gets. */
struct code {
	size_t section;
	struct bpf_insn *insns;
	size_t nr_insns;
	size_t nr_own;	/* of the section; the rest is `.text` */
	bool is_called; /* it is `.text`, to be appended to others */
};

/* ---- names for what stands somewhere ------------------------------------------------------------------- */

/* The symbol of the function or variable at OFFSET in SECTION, or ""; the innermost one with a
 * size, since labels are symbols, too. */
static const char *name_at(const struct elfmap_elf *elf, size_t section, uint64_t offset)
{
	const char *name = "";

	for (size_t i = 1; i < elf->nr_symbols; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];

		if (symbol->st_shndx == section && symbol->st_value <= offset &&
		    offset - symbol->st_value < symbol->st_size)
			name = elfmap_elf__symbol_name(elf, i);
	}
	return name;
}

/* "section 'S': function 'f': offset N" of instruction NTH. */
static void name_place(const struct judge *judge, const struct code *code, size_t nth, char *text, size_t size)
{
	size_t section = nth < code->nr_own ? code->section : judge->elf->text;
	size_t offset = (nth < code->nr_own ? nth : nth - code->nr_own) * BPF_INSN_SIZE;
	const char *name = name_at(judge->elf, section, offset);

	snprintf(text, size, "section '%.100s': %s%.100s%soffset %zu", elfmap_elf__section_name(judge->elf, section),
		 *name ? "function '" : "", name, *name ? "': " : "", offset);
}

/* ---- relocations ------------------------------------------------------------------------------------------ */

/* Why tc cannot use what SYMBOL stands for. */
static const char *why_not(const struct elfmap_elf *elf, const Elf64_Sym *symbol)
{
	const char *section = elfmap_elf__section_name(elf, symbol->st_shndx);

	if (symbol->st_shndx == elf->btf_maps)
		return "a map in '.maps', which tc does not read";
	if (!strncmp(section, ".rodata.str", 11))
		return "a string literal; an array on the stack can hold it";
	if (!strncmp(section, ".rodata", 7))
		return "a constant in '.rodata'; tc makes no map for it";
	if (!strncmp(section, ".data", 5) || !strncmp(section, ".bss", 4) || symbol->st_shndx == SHN_COMMON)
		return "a global variable; tc makes no map for it";
	if (symbol->st_shndx == elf->text)
		return "a function; tc relocates no calls when '.text' is the program itself";
	if (elfmap_elf__is_code(elf, symbol->st_shndx))
		return "code that is not in '.text'";
	return "neither a map nor a function";
}

/* Instructions of a section that refer to the same thing are one reason. */
static bool is_reported(struct judge *judge, size_t section, size_t target, const char *name)
{
	for (size_t i = 0; i < judge->nr_reported; i++) {
		const struct reported *at = &judge->reported[i];

		if (at->section == section && at->target == target && !strcmp(at->name, name))
			return true;
	}
	if (judge->nr_reported == MAX_LINES)
		return true; /* there is no room for the line, either */
	judge->reported[judge->nr_reported++] = (struct reported){section, target, name};
	return false;
}

static void refuse_symbol(struct judge *judge, const struct code *code, size_t nth, size_t symbol)
{
	const struct elfmap_elf *elf = judge->elf;
	const Elf64_Sym *target = &elf->symbols[symbol];
	const char *name = elfmap_elf__symbol_name(elf, symbol);
	char place[PLACE_SIZE];

	/* Local things are meant by their section and the distance from its start. */
	if (ELF64_ST_TYPE(target->st_info) == STT_SECTION)
		name = name_at(elf, target->st_shndx, (uint32_t)code->insns[nth].imm);
	if (is_reported(judge, code->section, target->st_shndx, name))
		return;
	name_place(judge, code, nth, place, sizeof(place));
	if (!target->st_shndx)
		add_reason(judge, "%s: refers to '%.100s', which is not in the object", place, name);
	else
		add_reason(judge, "%s: refers to %s%.100s%ssection '%.60s': %s", place, *name ? "'" : "", name,
			   *name ? "' in " : "", elfmap_elf__section_name(elf, target->st_shndx), why_not(elf, target));
}

/* Appends `.text`, once. */
static int append_text(struct judge *judge, struct code *code)
{
	const struct elfmap_elf *elf = judge->elf;
	size_t size = elfmap_elf__section(elf, elf->text)->sh_size / BPF_INSN_SIZE * BPF_INSN_SIZE;
	struct bpf_insn *grown;

	if (code->nr_insns > code->nr_own || !size)
		return 0;
	grown = realloc(code->insns, code->nr_own * BPF_INSN_SIZE + size);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + code->nr_own, elfmap_elf__data(elf, elf->text), size);
	code->insns = grown;
	code->nr_insns = code->nr_own + size / BPF_INSN_SIZE;
	return 0;
}

/* tc adds the place of the appended `.text` to the instruction's offset, but does not add the symbol's value. */
static int relocate_call(struct judge *judge, struct code *code, size_t nth, size_t symbol)
{
	const char *name = elfmap_elf__symbol_name(judge->elf, symbol), *what = NULL;
	const struct bpf_insn *insn = &code->insns[nth];
	char place[PLACE_SIZE];
	int err;

	if (insn->code != (BPF_JMP | BPF_CALL) && insn->src_reg != BPF_PSEUDO_CALL)
		what = "takes the address of a function in '.text'; tc relocates calls only";
	else if (judge->elf->symbols[symbol].st_value)
		what = "is global and not the first in '.text', and tc calls the first; make it static";
	else if (code->is_called)
		what = "is called from '.text' itself, and tc loses such a call; make it static";
	if (what) {
		name_place(judge, code, nth, place, sizeof(place));
		add_reason(judge, "%s: %s%.100s%s%s", place, *name ? "'" : "", name, *name ? "' " : "", what);
		return 0;
	}
	err = append_text(judge, code);
	if (!err)
		code->insns[nth].imm += (int)(code->nr_own - nth);
	return err;
}

static void check_map_load(struct judge *judge, const struct code *code, size_t nth)
{
	char place[PLACE_SIZE];

	if (elfmap_insn__is_load(&code->insns[nth]))
		return;
	name_place(judge, code, nth, place, sizeof(place));
	add_reason(judge, "%s: refers to a map and does not load its address", place);
}

static int relocate(struct judge *judge, struct code *code, const Elf64_Rela *rel)
{
	const struct elfmap_elf *elf = judge->elf;
	size_t nth = rel->r_offset / BPF_INSN_SIZE, symbol = ELF64_R_SYM(rel->r_info);
	size_t target = symbol < elf->nr_symbols ? elf->symbols[symbol].st_shndx : 0;

	if (nth >= code->nr_own || symbol >= elf->nr_symbols) {
		add_reason(judge, "section '%.100s': relocation: offset %llu, symbol %zu: does not exist",
			   elfmap_elf__section_name(elf, code->section), (unsigned long long)rel->r_offset, symbol);
		return 0;
	}
	if (target && target == elf->text && (code->is_called || code->section != elf->text))
		return relocate_call(judge, code, nth, symbol);
	if (target && target == elf->maps)
		check_map_load(judge, code, nth);
	else
		refuse_symbol(judge, code, nth, symbol);
	return 0;
}

/* tc takes the first section of relocations (SHT_REL) for a section of code. */
static bool open_relocations(const struct elfmap_elf *elf, size_t section, struct relocations *table)
{
	for (size_t i = 1; i < elf->nr_sections; i++)
		if (relocations__open(table, elf, i) && table->target == section && !table->has_addends)
			return true;
	return false;
}

static int relocate_all(struct judge *judge, struct code *code)
{
	struct relocations table;
	Elf64_Rela rela;
	int err = 0;

	if (!open_relocations(judge->elf, code->section, &table))
		return 0;
	while (!err && relocations__next(&table, &rela))
		err = relocate(judge, code, &rela);
	return err;
}

/* ---- the way through the code -------------------------------------------------------------------------------- */

/* What the kernel takes with BTF alone: fields of a map's values that it has to find, and, of functions
 * that are called (what tc never describes), whatever leaves them by another way than their end. */
static const char *what_needs_btf(const struct bpf_insn *insn, bool is_called, bool has_btf)
{
	unsigned int mode = BPF_MODE(insn->code);

	if (is_called && BPF_CLASS(insn->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND))
		return "reads the packet by LD_ABS in a function that is called";
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return NULL;
	if (is_called && insn->imm == BPF_FUNC_tail_call)
		return "makes a tail call in a function that is called";
	if (has_btf)
		return NULL;
	switch (insn->imm) {
	case BPF_FUNC_spin_lock:
	case BPF_FUNC_spin_unlock:
		return "uses a bpf_spin_lock in a map";
	case BPF_FUNC_timer_init:
	case BPF_FUNC_timer_set_callback:
	case BPF_FUNC_timer_start:
	case BPF_FUNC_timer_cancel:
		return "uses a bpf_timer in a map";
	case BPF_FUNC_kptr_xchg:
		return "keeps a pointer to an object of the kernel in a map";
	default:
		return NULL;
	}
}

/* Where instruction NTH leads: up to two places. */
static size_t find_next(const struct bpf_insn *insn, size_t nth, int64_t next[2])
{
	bool jumps = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
	int64_t here = (int64_t)nth + 1;

	next[0] = elfmap_insn__is_load(insn) ? here + 1 : here;
	if (!jumps)
		return 1;
	switch (BPF_OP(insn->code)) {
	case BPF_EXIT:
		return 0;
	case BPF_JA:
		next[0] = here + (BPF_CLASS(insn->code) == BPF_JMP32 ? insn->imm : insn->off);
		return 1;
	case BPF_CALL:
		next[1] = here + insn->imm;
		return insn->src_reg == BPF_PSEUDO_CALL ? 2 : 1;
	default:
		next[1] = here + insn->off;
		return 2;
	}
}

/* Marks what can be reached from the first instruction; TODO has room for all of them. Returns the first
 * instruction of the functions that are called, which stand behind what calls them. */
static size_t walk(const struct code *code, bool *reached, size_t *todo)
{
	size_t nr_todo = 0, first_called = code->nr_insns;

	reached[0] = true;
	todo[nr_todo++] = 0;
	while (nr_todo) {
		size_t nth = todo[--nr_todo];
		const struct bpf_insn *insn = &code->insns[nth];
		int64_t next[2];

		for (size_t i = find_next(insn, nth, next); i-- > 0;) {
			if (next[i] < 0 || next[i] >= (int64_t)code->nr_insns)
				continue;
			if (i && BPF_OP(insn->code) == BPF_CALL && next[i] < (int64_t)first_called)
				first_called = (size_t)next[i];
			if (!reached[next[i]])
				todo[nr_todo++] = (size_t)next[i];
			reached[next[i]] = true;
		}
		if (elfmap_insn__is_load(insn) && nth + 1 < code->nr_insns)
			reached[nth + 1] = true;
	}
	return first_called;
}

static void judge_reached(struct judge *judge, const struct code *code, const bool *reached)
{
	char place[PLACE_SIZE];
	size_t nth = 0;

	while (nth < code->nr_insns && reached[nth])
		nth++;
	if (nth == code->nr_insns)
		return;
	name_place(judge, code, nth, place, sizeof(place));
	add_reason(judge,
		   "%s: is not reached from the start of section '%.100s'; tc loads all of the section, and of '.text' "
		   "if it calls that, as one program, and the kernel refuses dead code",
		   place, elfmap_elf__section_name(judge->elf, code->section));
}

static void judge_needs(struct judge *judge, const struct code *code, const bool *reached, size_t first_called)
{
	const char *what = NULL;
	char place[PLACE_SIZE];
	size_t nth;

	for (nth = 0; nth < code->nr_insns && !what; nth++)
		if (reached[nth])
			what = what_needs_btf(&code->insns[nth], nth >= first_called, judge->has_btf);
	if (!what)
		return;
	name_place(judge, code, nth - 1, place, sizeof(place));
	add_reason(judge, "%s: %s, which requires BTF; tc loads none", place, what);
}

/* The first place of each kind is enough. */
static int judge_flow(struct judge *judge, const struct code *code)
{
	bool *reached = calloc(code->nr_insns, sizeof(*reached));
	size_t *todo = calloc(code->nr_insns, sizeof(*todo));
	int err = reached && todo ? 0 : -ENOMEM;

	if (!err) {
		size_t first_called = walk(code, reached, todo);

		judge_reached(judge, code, reached);
		judge_needs(judge, code, reached, first_called);
	}
	free(reached);
	free(todo);
	return err;
}

/* ---- sections -------------------------------------------------------------------------------------------------- */

static int take_code(const struct elfmap_elf *elf, size_t section, struct code *code)
{
	size_t size = elfmap_elf__section(elf, section)->sh_size / BPF_INSN_SIZE * BPF_INSN_SIZE;

	*code = (struct code){.section = section, .nr_own = size / BPF_INSN_SIZE, .nr_insns = size / BPF_INSN_SIZE};
	code->insns = malloc(size + 1);
	if (!code->insns)
		return -ENOMEM;
	memcpy(code->insns, elfmap_elf__data(elf, section), size);
	return 0;
}

static void judge_section(struct judge *judge, size_t section)
{
	size_t nr_reasons = judge->verdict.nr_reasons;
	struct code code;
	int err;

	err = take_code(judge->elf, section, &code);
	if (!err)
		err = relocate_all(judge, &code);
	/* Code that is not what it was meant to be leads nowhere. */
	if (!err && judge->verdict.nr_reasons == nr_reasons && code.nr_insns)
		err = judge_flow(judge, &code);
	free(code.insns);
	judge->err = judge->err ?: err;
}

static void judge_called(struct judge *judge)
{
	struct relocations table;
	struct code code;
	int err;

	if (!judge->elf->text)
		return;
	if (!open_relocations(judge->elf, judge->elf->text, &table)) {
		add_reason(judge, "section '.text': no function in it uses a map; tc loads '.text' only if one does");
		return;
	}
	err = take_code(judge->elf, judge->elf->text, &code);
	code.is_called = true;
	if (!err)
		err = relocate_all(judge, &code);
	free(code.insns);
	judge->err = judge->err ?: err;
}

#define NEWEST_OLD_KIND BTF_KIND_FUNC_PROTO /* tc looks at no further kind of BTF type */

/* ---- the licence, the maps ----------------------------------------------------------------------------- */

static void judge_license(struct judge *judge)
{
	for (size_t i = 1; i < judge->elf->nr_sections; i++) {
		const Elf64_Shdr *section = elfmap_elf__section(judge->elf, i);

		if (section->sh_type == SHT_PROGBITS && section->sh_size > ELF_MAX_LICENSE_LEN &&
		    !strcmp(elfmap_elf__section_name(judge->elf, i), ELF_SECTION_LICENSE))
			add_reason(judge, "section 'license': %llu bytes, at most %d",
				   (unsigned long long)section->sh_size, ELF_MAX_LICENSE_LEN);
	}
}

/* tc hands `.BTF` to the kernel as it is. Since clang 9 there are VARs and DATASECs in it, which the
 * kernel wants filled in first, and with which tc does not find BPF_ANNOTATE_KV_PAIR. */
static bool btf_reaches_kernel(const struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;
	struct btf *btf = NULL;
	bool reaches = true;

	if (obj->has_btf)
		btf = elfmap_btf__open(elf);
	if (!btf)
		return false;
	for (__u32 id = 1; id < btf__type_cnt(btf); id++)
		reaches = reaches && btf_kind(btf__type_by_id(btf, id)) <= NEWEST_OLD_KIND;
	btf__free(btf);
	return reaches;
}

static void judge_map(struct judge *judge, const struct elfmap_map *map)
{
	struct bpf_elf_map def = map->def;
	const char *fault;

	if (elfmap_map__is_map_in_map(def.type) && map->inner < 0)
		add_reason(judge, "map '%s': offset %zu: a map of maps without inner_id; tc cannot make it", map->name,
			   map->offset);
	if (map->inner >= 0)
		def.size_value = sizeof(__u32); /* tc sets it itself */
	fault = elfmap_map__fault(&def);
	if (fault)
		add_reason(judge, "map '%s': offset %zu: %s: %s", map->name, map->offset,
			   elfmap_map_type_name(def.type), fault);
	if (elfmap_map_kind__of(def.type)->needs_btf && !(map->key_type && judge->has_btf))
		add_reason(judge, "map '%s': offset %zu: %s: the kernel requires its types (BTF); tc loads none",
			   map->name, map->offset, elfmap_map_type_name(def.type));
}

static void judge_maps(struct judge *judge)
{
	const struct elfmap_object *obj = judge->obj;

	if (obj->def_size > sizeof(struct bpf_elf_map))
		add_reason(judge, "section 'maps': definitions of %zu bytes, at most %zu", obj->def_size,
			   sizeof(struct bpf_elf_map));
	for (size_t i = 0; obj->def_size && i < obj->nr_maps; i++)
		judge_map(judge, &obj->maps[i]);
}

/* ---- sections -------------------------------------------------------------------------------------------- */

static bool is_chosen(const struct elfmap_prog *prog, const char *section)
{
	return !section || prog->slot_map >= 0 || !strcmp(prog->section, section);
}

static void judge_sections(struct judge *judge, const char *section)
{
	const struct elfmap_object *obj = judge->obj;
	bool found = false, judged_text = false;

	for (size_t i = 0; i < obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];

		found = found || (section && !strcmp(prog->section, section));
		if (!is_chosen(prog, section) || (i && prog->section_index == prog[-1].section_index))
			continue;
		if (prog->section_index != obj->elf->text && !judged_text) {
			judge_called(judge);
			judged_text = true;
		}
		judge_section(judge, prog->section_index);
	}
	if (section && !found)
		add_reason(judge, "section '%s': there is no such program", section);
}

static void warn_about_slots(struct judge *judge)
{
	const struct elfmap_object *obj = judge->obj;

	for (size_t i = 0; i < obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];

		if (prog->slot_map >= 0 && !obj->maps[prog->slot_map].def.pinning)
			add_warning(
				judge,
				"section '%s': map '%s' is not pinned, so the kernel empties its slots when tc ends",
				prog->section, obj->maps[prog->slot_map].name);
	}
}

int elfmap_object__old_tc(const struct elfmap_object *obj, const char *section, struct elfmap_old_tc *ret_verdict)
{
	struct judge judge = {.obj = obj, .elf = obj->elf, .has_btf = btf_reaches_kernel(obj)};

	for (size_t i = 0; i < obj->nr_problems; i++)
		add_reason(&judge, "%s", obj->problems[i]);
	judge_license(&judge);
	judge_maps(&judge);
	judge_sections(&judge, section);
	warn_about_slots(&judge);
	if (judge.err)
		elfmap_old_tc__free(&judge.verdict);
	else
		*ret_verdict = judge.verdict;
	return judge.err;
}

void elfmap_old_tc__free(struct elfmap_old_tc *verdict)
{
	for (size_t i = 0; i < verdict->nr_reasons; i++)
		free(verdict->reasons[i]);
	for (size_t i = 0; i < verdict->nr_warnings; i++)
		free(verdict->warnings[i]);
	free(verdict->reasons);
	free(verdict->warnings);
	*verdict = (struct elfmap_old_tc){};
}
