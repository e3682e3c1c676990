// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An opened image: libelf's view of the bytes, checked once so that later stages need not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_DATA ELFDATA2LSB
#define HOST_ORDER "little"
#define OTHER_ORDER "big"
#else
#define HOST_DATA ELFDATA2MSB
#define HOST_ORDER "big"
#define OTHER_ORDER "little"
#endif

static int check_header(const struct elfmap_elf *elf, struct elfmap_msg *msg)
{
	const unsigned char *ident = elf->bytes;
	Elf64_Ehdr header;

	if (elf->size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return elfmap_msg__set(msg, -ENOEXEC, "not an ELF file");
	if (ident[EI_CLASS] != ELFCLASS64)
		return elfmap_msg__set(msg, -ENOEXEC, "not a BPF object: its ELF class is not 64-bit");
	if (ident[EI_DATA] != HOST_DATA)
		return elfmap_msg__set(msg, -ENOEXEC,
				       "is a %s-endian object and this host is %s-endian; compile it with -target bpf",
				       OTHER_ORDER, HOST_ORDER);
	if (elf->size < sizeof(Elf64_Ehdr))
		return elfmap_msg__set(msg, -ENOEXEC, "truncated: %zu bytes, less than an ELF header", elf->size);
	memcpy(&header, elf->bytes, sizeof(header));
	/* Old compilers wrote no machine at all, and tc has always taken that. */
	if (header.e_machine != EM_BPF && header.e_machine != EM_NONE)
		return elfmap_msg__set(msg, -ENOEXEC, "not a BPF object: its ELF machine is %u, BPF is %u",
				       header.e_machine, EM_BPF);
	if (header.e_type != ET_REL)
		return elfmap_msg__set(msg, -ENOEXEC, "not a BPF object: its ELF type is %u, not relocatable",
				       header.e_type);
	if (header.e_shoff > elf->size || (elf->size - header.e_shoff) / sizeof(Elf64_Shdr) < header.e_shnum)
		return elfmap_msg__set(msg, -ENOEXEC,
				       "truncated: the section table at byte %llu is not in a file of %zu",
				       (unsigned long long)header.e_shoff, elf->size);
	if (header.e_shoff % sizeof(Elf64_Xword))
		return elfmap_msg__set(msg, -ENOEXEC, "damaged: the section table at byte %llu is not aligned",
				       (unsigned long long)header.e_shoff);
	return 0;
}

/* Every section lies in the file, and together they are not larger than it: a hostile table of
 * overlapping sections would otherwise make the copy many times as large as the file. */
static int check_sections(const struct elfmap_elf *elf, struct elfmap_msg *msg)
{
	uint64_t total = 0;

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const Elf64_Shdr *section = elfmap_elf__section(elf, i);

		if (!section)
			return elfmap_msg__set(msg, -ENOEXEC, "section %zu: %s", i, elf_errmsg(-1));
		if (section->sh_type == SHT_NOBITS || section->sh_type == SHT_NULL)
			continue;
		if (section->sh_offset > elf->size || section->sh_size > elf->size - section->sh_offset)
			return elfmap_msg__set(msg, -ENOEXEC,
					       "truncated: section %zu '%s' ends at byte %llu of a file of %zu", i,
					       elfmap_elf__section_name(elf, i),
					       (unsigned long long)(section->sh_offset + section->sh_size), elf->size);
		total += section->sh_size;
	}
	if (total > elf->size)
		return elfmap_msg__set(msg, -ENOEXEC, "sections overlap: %llu bytes of them in a file of %zu",
				       (unsigned long long)total, elf->size);
	return 0;
}

/* A table without an end would be searched to its end for every name in it. */
static int check_strings(const struct elfmap_elf *elf, size_t index, struct elfmap_msg *msg)
{
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);
	const char *bytes = elfmap_elf__data(elf, index);

	if (section && section->sh_type == SHT_STRTAB && bytes && !bytes[section->sh_size - 1])
		return 0;
	return elfmap_msg__set(msg, -ENOEXEC, "section %zu '%s': not a string table that ends with a zero byte", index,
			       elfmap_elf__section_name(elf, index));
}

static int check_names(const struct elfmap_elf *elf, struct elfmap_msg *msg)
{
	int err = check_strings(elf, elf->names, msg);

	for (size_t i = 1; !err && i < elf->nr_sections; i++) {
		const char *name = elfmap_elf__section_name(elf, i);

		/* Nor may it become one when transcode appends its own. */
		if (elfmap_elf__section(elf, i)->sh_name >= elfmap_elf__section(elf, elf->names)->sh_size)
			err = elfmap_msg__set(msg, -ENOEXEC, "section %zu: its name is not in the string table", i);
		else if (strnlen(name, MAX_SECTION_NAME + 1) > MAX_SECTION_NAME)
			err = elfmap_msg__set(msg, -ENOEXEC, "section %zu '%.40s...': its name has more than %d bytes",
					      i, name, MAX_SECTION_NAME);
	}
	return err;
}

static void note_section(struct elfmap_elf *elf, size_t index)
{
	const char *name = elfmap_elf__section_name(elf, index);
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);

	if (section->sh_type == SHT_SYMTAB && !elf->symtab) {
		elf->symtab = index;
		elf->strtab = section->sh_link;
	} else if (!strcmp(name, ELF_SECTION_MAPS) && !elf->maps)
		elf->maps = index;
	else if (!strcmp(name, ".maps") && section->sh_type == SHT_PROGBITS)
		elf->btf_maps = index;
	else if (!strcmp(name, ".BTF") && section->sh_type == SHT_PROGBITS)
		elf->btf = index;
	else if (!strcmp(name, ".text") && elfmap_elf__is_code(elf, index))
		elf->text = index;
}

static int open_symbols(struct elfmap_elf *elf, struct elfmap_msg *msg)
{
	const Elf64_Shdr *section;
	Elf_Data *data;
	int err;

	if (!elf->symtab)
		return elfmap_msg__set(msg, -ENOEXEC, "no symbol table: the object was stripped; 'strip -g' keeps it");
	section = elfmap_elf__section(elf, elf->symtab);
	data = elf_getdata(elf_getscn(elf->elf, elf->symtab), NULL);
	if (section->sh_entsize != sizeof(Elf64_Sym) || section->sh_offset % sizeof(Elf64_Xword) || !data)
		return elfmap_msg__set(msg, -ENOEXEC, "section %zu '%s': not a symbol table", elf->symtab,
				       elfmap_elf__section_name(elf, elf->symtab));
	elf->symbols = data->d_buf;
	elf->nr_symbols = data->d_size / sizeof(Elf64_Sym);
	err = check_strings(elf, elf->strtab, msg);
	for (size_t i = 0; !err && i < elf->nr_symbols; i++)
		if (elf->symbols[i].st_name >= elfmap_elf__section(elf, elf->strtab)->sh_size)
			err = elfmap_msg__set(msg, -ENOEXEC, "symbol %zu: its name is not in the string table", i);
	return err;
}

static int open_image(struct elfmap_elf *elf, struct elfmap_msg *msg)
{
	int err = check_header(elf, msg);

	if (err)
		return err;
	elf_version(EV_CURRENT);
	elf->elf = elf_memory((char *)elf->bytes, elf->size);
	elf->header = elf->elf ? elf64_getehdr(elf->elf) : NULL;
	if (!elf->header || elf_getshdrnum(elf->elf, &elf->nr_sections) || elf_getshdrstrndx(elf->elf, &elf->names))
		return elfmap_msg__set(msg, -ENOEXEC, "truncated or damaged: %s", elf_errmsg(-1));
	if (elf->nr_sections < 2)
		return elfmap_msg__set(msg, -ENOEXEC, "truncated or damaged: no sections");
	if (elf->nr_sections >= SHN_LORESERVE)
		return elfmap_msg__set(msg, -ENOEXEC, "has %zu sections, at most %d", elf->nr_sections,
				       SHN_LORESERVE - 1);
	err = check_sections(elf, msg);
	err = err ?: check_names(elf, msg);
	if (err)
		return err;
	for (size_t i = 1; i < elf->nr_sections; i++)
		note_section(elf, i);
	return open_symbols(elf, msg);
}

int elfmap_elf__open(const void *bytes, size_t size, struct elfmap_elf **ret_elf, struct elfmap_msg *msg)
{
	struct elfmap_elf *elf = calloc(1, sizeof(*elf));
	int err;

	if (!elf)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elf->bytes = bytes;
	elf->size = size;
	err = open_image(elf, msg);
	if (err)
		elfmap_elf__close(elf);
	else
		*ret_elf = elf;
	return err;
}

void elfmap_elf__close(struct elfmap_elf *elf)
{
	if (!elf)
		return;
	elf_end(elf->elf);
	free(elf);
}

const Elf64_Shdr *elfmap_elf__section(const struct elfmap_elf *elf, size_t index)
{
	/* Section 0 does not exist, even if it has a header. */
	Elf_Scn *section = index ? elf_getscn(elf->elf, index) : NULL;

	return section ? elf64_getshdr(section) : NULL;
}

const char *elfmap_elf__section_name(const struct elfmap_elf *elf, size_t index)
{
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);
	const char *name = section ? elf_strptr(elf->elf, elf->names, section->sh_name) : NULL;

	return name ? name : "";
}

const char *elfmap_elf__symbol_name(const struct elfmap_elf *elf, size_t symbol)
{
	const char *name = NULL;

	if (symbol < elf->nr_symbols)
		name = elf_strptr(elf->elf, elf->strtab, elf->symbols[symbol].st_name);
	return name ? name : "";
}

const void *elfmap_elf__data(const struct elfmap_elf *elf, size_t index)
{
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);

	if (!section || section->sh_type == SHT_NOBITS || section->sh_type == SHT_NULL || !section->sh_size)
		return NULL;
	return elf->bytes + section->sh_offset;
}

bool elfmap_elf__is_code(const struct elfmap_elf *elf, size_t index)
{
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);

	return section && section->sh_type == SHT_PROGBITS && (section->sh_flags & SHF_EXECINSTR) && section->sh_size &&
	       index != elf->maps;
}

bool relocations__open(struct relocations *ret_table, const struct elfmap_elf *elf, size_t index)
{
	const Elf64_Shdr *section = elfmap_elf__section(elf, index);
	const unsigned char *bytes = elfmap_elf__data(elf, index);

	if (!bytes || (section->sh_type != SHT_REL && section->sh_type != SHT_RELA) ||
	    !elfmap_elf__section(elf, section->sh_info))
		return false;
	*ret_table = (struct relocations){.target = section->sh_info,
					  .has_addends = section->sh_type == SHT_RELA,
					  .at = bytes,
					  .end = bytes + section->sh_size};
	return true;
}

bool relocations__next(struct relocations *table, Elf64_Rela *ret_rela)
{
	size_t size = table->has_addends ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);

	if ((size_t)(table->end - table->at) < size)
		return false;
	*ret_rela = (Elf64_Rela){};
	memcpy(ret_rela, table->at, size);
	table->at += size;
	return true;
}
