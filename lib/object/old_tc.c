// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What an object asks for that a tc without libbpf cannot give: definitions, and the tables around the
 * code. The code itself is in old_tc_code.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"
#include "object/old_tc_judge.h"

#define NEWEST_OLD_KIND BTF_KIND_FUNC_PROTO /* tc looks at no further kind of BTF type */

/* ---- the licence, the maps ----------------------------------------------------------------------------- */

static void judge_license(struct judge *judge)
{
	for (size_t i = 1; i < judge->elf->nr_sections; i++) {
		const Elf64_Shdr *section = elfmap_elf__section(judge->elf, i);

		if (section->sh_type == SHT_PROGBITS && section->sh_size > ELF_MAX_LICENSE_LEN &&
		    !strcmp(elfmap_elf__section_name(judge->elf, i), ELF_SECTION_LICENSE))
			judge__reason(judge, "section 'license': %llu bytes, at most %d",
				      (unsigned long long)section->sh_size, ELF_MAX_LICENSE_LEN);
	}
}

/* tc hands `.BTF` to the kernel as it is. Since clang 9 there are VARs and DATASECs in it, which the
 * kernel wants filled in first, and with which tc finds no BPF_ANNOTATE_KV_PAIR. */
static bool btf_reaches_kernel(const struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;
	struct btf *btf = NULL;
	bool reaches = true;

	if (obj->has_btf)
		btf = btf__new(elfmap_elf__data(elf, elf->btf), (__u32)elfmap_elf__section(elf, elf->btf)->sh_size);
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
		judge__reason(judge, "map '%s': offset %zu: a map of maps without inner_id; tc cannot make it",
			      map->name, map->offset);
	if (map->inner >= 0)
		def.size_value = sizeof(__u32); /* tc says so itself */
	fault = elfmap_map__fault(&def);
	if (fault)
		judge__reason(judge, "map '%s': offset %zu: %s: %s", map->name, map->offset,
			      elfmap_map_type_name(def.type), fault);
	if (elfmap_map_kind__of(def.type)->needs_btf && !(map->key_type && judge->has_btf))
		judge__reason(judge, "map '%s': offset %zu: %s: the kernel wants its types (BTF), and tc gives none",
			      map->name, map->offset, elfmap_map_type_name(def.type));
}

static void judge_maps(struct judge *judge)
{
	const struct elfmap_object *obj = judge->obj;

	if (obj->def_size > sizeof(struct bpf_elf_map))
		judge__reason(judge, "section 'maps': definitions of %zu bytes, at most %zu", obj->def_size,
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
			judge__called(judge);
			judged_text = true;
		}
		judge__section(judge, prog->section_index);
	}
	if (section && !found)
		judge__reason(judge, "section '%s': there is no such program", section);
}

static void warn_about_slots(struct judge *judge)
{
	const struct elfmap_object *obj = judge->obj;

	for (size_t i = 0; i < obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];

		if (prog->slot_map >= 0 && !obj->maps[prog->slot_map].def.pinning)
			judge__warn(
				judge,
				"section '%s': map '%s' is not pinned, so the kernel empties its slots when tc ends",
				prog->section, obj->maps[prog->slot_map].name);
	}
}

int elfmap_object__old_tc(const struct elfmap_object *obj, const char *section, struct elfmap_old_tc *ret_verdict)
{
	struct judge judge = {.obj = obj, .elf = obj->elf, .has_btf = btf_reaches_kernel(obj)};

	for (size_t i = 0; i < obj->nr_problems; i++)
		judge__reason(&judge, "%s", obj->problems[i]);
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
