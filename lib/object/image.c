// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An editable ELF image: sections by index, whose data belongs to the original until it is edited. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

int image__open(struct image *image, const struct elfmap_elf *elf)
{
	memcpy(&image->header, elf->bytes, sizeof(image->header));
	image->sections = calloc(elf->nr_sections, sizeof(*image->sections));
	if (!image->sections)
		return -ENOMEM;
	image->nr_sections = elf->nr_sections;
	image->names = elf->names;
	for (size_t i = 1; i < elf->nr_sections; i++) {
		image->sections[i].header = *elfmap_elf__section(elf, i);
		image->sections[i].data = elfmap_elf__data(elf, i);
	}
	return 0;
}

int image__open_empty(struct image *image)
{
	static const Elf64_Shdr strings = {.sh_type = SHT_STRTAB, .sh_addralign = 1};

	image->sections = calloc(2, sizeof(*image->sections));
	if (!image->sections)
		return -ENOMEM;
	image->nr_sections = 2;
	image->names = 1;
	image->sections[1].header = strings;
	return image__edit(image, 1, 1) ? image__rename(image, 1, ".strtab") : -ENOMEM;
}

void image__close(struct image *image)
{
	for (size_t i = 0; i < image->nr_sections; i++)
		free(image->sections[i].owned);
	free(image->sections);
	memset(image, 0, sizeof(*image));
}

size_t image__add(struct image *image, const char *name, const Elf64_Shdr *like)
{
	size_t index = image->nr_sections;
	Elf64_Shdr header = *like; /* which may be one of sections[] */
	struct image_section *grown = realloc(image->sections, (index + 1) * sizeof(*grown));

	if (!grown)
		return 0;
	image->sections = grown;
	memset(&grown[index], 0, sizeof(*grown));
	grown[index].header = header;
	grown[index].header.sh_size = 0;
	image->nr_sections++;
	return image__rename(image, index, name) ? 0 : index;
}

void image__replace(struct image *image, size_t section, void *data, size_t size)
{
	struct image_section *at = &image->sections[section];

	free(at->owned);
	at->data = at->owned = data;
	at->header.sh_size = size;
}

void *image__edit(struct image *image, size_t section, size_t extra)
{
	struct image_section *at = &image->sections[section];
	size_t size = at->data ? at->header.sh_size : 0;
	char *data;

	if (at->owned && !extra)
		return at->owned;
	data = realloc(at->owned, size + extra ? size + extra : 1);
	if (!data)
		return NULL;
	if (!at->owned && size)
		memcpy(data, at->data, size);
	memset(data + size, 0, extra);
	at->data = at->owned = data;
	at->header.sh_size = size + extra;
	return data;
}

uint32_t image__add_string(struct image *image, size_t section, const char *text)
{
	size_t start = image->sections[section].header.sh_size, length = strlen(text) + 1;
	char *strings = image__edit(image, section, length);

	if (!strings)
		return 0;
	memcpy(strings + start, text, length);
	return (uint32_t)start;
}

const char *image__section_name(const struct image *image, size_t section)
{
	return (const char *)image->sections[image->names].data + image->sections[section].header.sh_name;
}

int image__rename(struct image *image, size_t section, const char *name)
{
	uint32_t at = image__add_string(image, image->names, name);

	if (!at)
		return -ENOMEM;
	image->sections[section].header.sh_name = at;
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static bool takes_space(const struct image_section *section)
{
	return !section->removed && section->data && section->header.sh_type != SHT_NOBITS;
}

/* Section indices after the removed ones have gone: new index by old one. */
static size_t *number_sections(const struct image *image, size_t *ret_nr)
{
	size_t *number = calloc(image->nr_sections, sizeof(*number));

	*ret_nr = 0;
	for (size_t i = 0; number && i < image->nr_sections; i++)
		number[i] = image->sections[i].removed ? 0 : (*ret_nr)++;
	return number;
}

static size_t lay_out(const struct image *image, size_t *offsets)
{
	size_t end = sizeof(Elf64_Ehdr);

	for (size_t i = 1; i < image->nr_sections; i++) {
		const struct image_section *section = &image->sections[i];

		end = align8(end);
		offsets[i] = end;
		if (takes_space(section))
			end += section->header.sh_size;
	}
	return align8(end);
}

static bool info_is_section(const Elf64_Shdr *header)
{
	return header->sh_type == SHT_REL || header->sh_type == SHT_RELA || (header->sh_flags & SHF_INFO_LINK);
}

static void renumber_symbols(unsigned char *bytes, size_t size, const size_t *number, size_t nr)
{
	for (size_t at = 0; at + sizeof(Elf64_Sym) <= size; at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;

		memcpy(&symbol, bytes + at, sizeof(symbol));
		if (symbol.st_shndx >= nr || symbol.st_shndx >= SHN_LORESERVE)
			continue;
		symbol.st_shndx = (Elf64_Section)number[symbol.st_shndx];
		memcpy(bytes + at, &symbol, sizeof(symbol));
	}
}

static void write_section(const struct image *image, size_t index, unsigned char *bytes, size_t offset, Elf64_Shdr *to,
			  const size_t *number)
{
	const struct image_section *section = &image->sections[index];

	*to = section->header;
	to->sh_offset = offset;
	if (to->sh_link < image->nr_sections)
		to->sh_link = (uint32_t)number[to->sh_link];
	if (info_is_section(to) && to->sh_info < image->nr_sections)
		to->sh_info = (uint32_t)number[to->sh_info];
	if (!takes_space(section))
		return;
	memcpy(bytes + offset, section->data, section->header.sh_size);
	if (to->sh_type == SHT_SYMTAB)
		renumber_symbols(bytes + offset, to->sh_size, number, image->nr_sections);
}

static bool relocates(const struct image_section *section)
{
	return section->header.sh_type == SHT_REL && !section->removed;
}

size_t image__find_relocations(const struct image *image, size_t section)
{
	for (size_t i = 1; i < image->nr_sections; i++)
		if (relocates(&image->sections[i]) && image->sections[i].header.sh_info == section)
			return i;
	return 0;
}

size_t *image__list_relocations(const struct image *image)
{
	size_t *tables = calloc(image->nr_sections, sizeof(*tables));

	for (size_t i = 1; tables && i < image->nr_sections; i++) {
		size_t target = image->sections[i].header.sh_info;

		if (relocates(&image->sections[i]) && image->sections[i].data && target < image->nr_sections &&
		    !tables[target])
			tables[target] = i;
	}
	return tables;
}

int image__write(const struct image *image, void **ret_bytes, size_t *ret_size)
{
	size_t *offsets = calloc(image->nr_sections, sizeof(*offsets));
	size_t nr, table, *number = number_sections(image, &nr);
	unsigned char *bytes = NULL;
	Elf64_Ehdr header = image->header;
	int err = -ENOMEM;

	if (!offsets || !number)
		goto out;
	err = -E2BIG;
	if (nr >= SHN_LORESERVE || image->names >= SHN_LORESERVE)
		goto out;
	err = -ENOMEM;
	table = lay_out(image, offsets);
	bytes = calloc(1, table + nr * sizeof(Elf64_Shdr));
	if (!bytes)
		goto out;
	header.e_shoff = table;
	header.e_shnum = (Elf64_Half)nr;
	header.e_shstrndx = (Elf64_Half)number[image->names];
	memcpy(bytes, &header, sizeof(header));
	for (size_t i = 1; i < image->nr_sections; i++) {
		Elf64_Shdr section;

		if (image->sections[i].removed)
			continue;
		write_section(image, i, bytes, offsets[i], &section, number);
		memcpy(bytes + table + number[i] * sizeof(section), &section, sizeof(section));
	}
	*ret_bytes = bytes;
	*ret_size = table + nr * sizeof(Elf64_Shdr);
	bytes = NULL;
	err = 0;
out:
	free(bytes);
	free(number);
	free(offsets);
	return err;
}
