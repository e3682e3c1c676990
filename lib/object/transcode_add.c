// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* transcode: what its stages append to the copy of the object: a symbol, a relocation. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "object/internal.h"

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
