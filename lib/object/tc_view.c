// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What tc's own parser gets to see instead of the object. tc reads `maps` itself before it calls
 * libbpf, and does wrong with what it finds there: it refuses long definitions, overruns its buffers
 * with long names, loses inner maps, forgets pins. So it sees an object that has nothing but maps,
 * with nothing but the ids of PROG_ARRAYs, which tc needs to fill the slots of tail calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"

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
