// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode: the same object with BTF-defined maps, made in stages that each have a file (internal.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"

/* ---- what several stages append to the copy ------------------------------------------------------------- */

size_t transcode__add_symbol(struct transcode *t, const char *name)
{
	uint32_t string = image__add_string(&t->image, t->elf->strtab, name);
	size_t size = t->image.sections[t->elf->symtab].header.sh_size;
	Elf64_Sym *symbols = string ? image__edit(&t->image, t->elf->symtab, sizeof(Elf64_Sym)) : NULL;

	if (!symbols)
		return 0;
	symbols[size / sizeof(*symbols)].st_name = string;
	symbols[size / sizeof(*symbols)].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
	return size / sizeof(*symbols);
}

int transcode__add_relocation(struct transcode *t, size_t section, size_t *relocations, uint64_t offset, uint64_t info)
{
	const Elf64_Shdr like = {.sh_type = SHT_REL,
				 .sh_flags = SHF_INFO_LINK,
				 .sh_link = (uint32_t)t->elf->symtab,
				 .sh_info = (uint32_t)section,
				 .sh_addralign = 8,
				 .sh_entsize = sizeof(Elf64_Rel)};
	const Elf64_Rel rel = {.r_offset = offset, .r_info = info};
	char name[sizeof(".rel") + MAX_SECTION_NAME];
	size_t end;
	char *bytes;

	snprintf(name, sizeof(name), ".rel%s", image__section_name(&t->image, section));
	if (!*relocations)
		*relocations = image__add(&t->image, name, &like);
	if (!*relocations)
		return -ENOMEM;
	end = t->image.sections[*relocations].header.sh_size;
	bytes = image__edit(&t->image, *relocations, sizeof(rel));
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes + end, &rel, sizeof(rel));
	return 0;
}

/* ---- the stages ----------------------------------------------------------------------------------------- */

/* struct elfmap_transcode_opts as the first version of the library had it: up to its last member. */
#define OPTS_SIZE_0_1 (offsetof(struct elfmap_transcode_opts, prog_section) + sizeof(const char *))

/* libbpf requires four bytes in `version`, which the kernel has not used since Linux 5.0. */
static int set_version_aside(struct transcode *t)
{
	for (size_t i = 1; i < t->elf->nr_sections; i++)
		if (!strcmp(elfmap_elf__section_name(t->elf, i), "version") &&
		    t->image.sections[i].header.sh_size != sizeof(__u32))
			return image__rename(&t->image, i, ".legacy.version");
	return 0;
}

static int open_copy(struct transcode *t)
{
	t->added_symbol = calloc(t->obj->nr_progs ? t->obj->nr_progs : 1, sizeof(*t->added_symbol));
	return t->added_symbol ? image__open(&t->image, t->elf) : -ENOMEM;
}

/* The caller's options in the form of this library; the caller may have been built with another header. */
static int take_opts(const struct elfmap_transcode_opts *given, struct elfmap_transcode_opts *ret_opts,
		     struct elfmap_msg *msg)
{
	size_t size = given ? given->sz : sizeof(*ret_opts);
	struct elfmap_transcode_opts opts = {};

	if (size < OPTS_SIZE_0_1)
		return elfmap_msg__set(msg, -EINVAL,
				       "transcode options: their size is %zu, which no version of elfmap.h has", size);
	for (size_t i = sizeof(opts); i < size; i++)
		if (((const char *)given)[i])
			return elfmap_msg__set(msg, -E2BIG, "transcode options: this library lacks one of them");
	if (given)
		memcpy(&opts, given, size < sizeof(opts) ? size : sizeof(opts));
	*ret_opts = opts;
	return 0;
}

int elfmap_object__transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts,
			     void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	struct elfmap_transcode_opts own;
	struct transcode t = {.obj = obj, .elf = obj->elf, .opts = &own, .msg = msg};
	int err = take_opts(opts, &own, msg);

	if (err)
		return err;
	if (obj->nr_problems)
		return elfmap_msg__set(msg, -EINVAL, "%s", obj->problems[0]);
	if (!obj->needs_help)
		return elfmap_msg__set(msg, -EINVAL, "no section maps");
	elfmap_msg__set(msg, 0, "%s", "");
	err = open_copy(&t);
	err = err ?: transcode__maps(&t);
	err = err ?: transcode__btf(&t);
	err = err ?: transcode__relocations(&t);
	err = err ?: transcode__calls(&t);
	err = err ?: transcode__symbols(&t);
	err = err ?: set_version_aside(&t);
	err = err ?: transcode__names(&t);
	err = err ?: image__write(&t.image, ret_bytes, ret_size);
	if (err && msg && !msg->text[0])
		elfmap_msg__set(msg, err, "cannot be transcoded: %s",
				err == -E2BIG ? "too many sections" : strerror(-err));
	image__close(&t.image);
	btf__free(t.btf);
	free(t.added_symbol);
	free(t.copies);
	return err;
}

/* ---- what tc sees instead of the object ----------------------------------------------------------------- */

static int add_definitions(struct image *image, const struct elfmap_object *obj)
{
	static const Elf64_Shdr like = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE, .sh_addralign = 4};
	size_t section = image__add(image, ELF_SECTION_MAPS, &like);
	struct bpf_elf_map *defs = section ? image__edit(image, section, obj->nr_maps * sizeof(*defs)) : NULL;

	if (!defs)
		return -ENOMEM;
	for (size_t i = 0; i < obj->nr_maps; i++) {
		const struct bpf_elf_map *def = &obj->maps[i].def;

		defs[i] = *def;
		defs[i].pinning = PIN_NONE;
		defs[i].id = elfmap_map__is_prog_array(def->type) ? def->id : 0;
		defs[i].inner_id = defs[i].inner_idx = 0;
	}
	return 0;
}

static int add_symbols(struct image *image, const struct elfmap_object *obj, size_t maps)
{
	const Elf64_Shdr like = {.sh_type = SHT_SYMTAB,
				 .sh_link = (uint32_t)image->names,
				 .sh_info = 1,
				 .sh_addralign = 8,
				 .sh_entsize = sizeof(Elf64_Sym)};
	size_t section = image__add(image, ".symtab", &like);
	Elf64_Sym *symbols = section ? image__edit(image, section, (obj->nr_maps + 1) * sizeof(*symbols)) : NULL;

	if (!symbols)
		return -ENOMEM;
	for (size_t i = 0; i < obj->nr_maps; i++) {
		Elf64_Sym *symbol = &symbols[i + 1];

		symbol->st_name = image__add_string(image, image->names, obj->maps[i].name);
		if (!symbol->st_name)
			return -ENOMEM;
		symbol->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
		symbol->st_shndx = (Elf64_Section)maps;
		symbol->st_value = i * sizeof(struct bpf_elf_map);
		symbol->st_size = sizeof(struct bpf_elf_map);
	}
	return 0;
}

int elfmap_object__tc_view(const struct elfmap_object *obj, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	struct image image = {};
	int err;

	if (obj->nr_problems)
		return elfmap_msg__set(msg, -EINVAL, "%s", obj->problems[0]);
	err = image__open_empty(&image);
	memcpy(&image.header, obj->elf->bytes, sizeof(image.header));
	if (!err && obj->nr_maps) {
		err = add_definitions(&image, obj);
		err = err ?: add_symbols(&image, obj, image.nr_sections - 1);
	}
	err = err ?: image__write(&image, ret_bytes, ret_size);
	image__close(&image);
	return err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : 0;
}
