// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The builder of BPF objects for tests; see object.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "object/object.h"

#define BPF_RELOCATION 1 /* R_BPF_64_64: the address of a map */

struct buffer {
	unsigned char *bytes;
	size_t size;
	size_t room;
};

struct section {
	char *name;
	Elf64_Shdr header;
	struct buffer data;
	size_t relocates; /* of a section of relocations: the section that it is for */
};

struct object {
	struct section *sections; /* by index; [0] is unused */
	size_t nr_sections;
	struct buffer symbols;
	struct buffer strings;
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static size_t buffer__append(struct buffer *buffer, const void *bytes, size_t size)
{
	size_t at = buffer->size;

	if (at + size >= buffer->room) {
		buffer->room = 2 * (at + size) + 64;
		buffer->bytes = must(realloc(buffer->bytes, buffer->room));
	}
	if (bytes && size)
		memcpy(buffer->bytes + at, bytes, size);
	else
		memset(buffer->bytes + at, 0, size);
	buffer->size += size;
	return at;
}

static void buffer__align(struct buffer *buffer, size_t to)
{
	buffer__append(buffer, NULL, (to - buffer->size % to) % to);
}

struct object *object__new(void)
{
	struct object *object = must(calloc(1, sizeof(*object)));

	object->sections = must(calloc(1, sizeof(*object->sections)));
	object->nr_sections = 1;
	buffer__append(&object->symbols, NULL, sizeof(Elf64_Sym));
	buffer__append(&object->strings, "", 1);
	return object;
}

void object__free(struct object *object)
{
	for (size_t i = 0; i < object->nr_sections; i++) {
		free(object->sections[i].name);
		free(object->sections[i].data.bytes);
	}
	free(object->sections);
	free(object->symbols.bytes);
	free(object->strings.bytes);
	free(object);
}

/* ---- sections, symbols, relocations ---------------------------------------------------------------- */

size_t object__add_section(struct object *object, const char *name, uint32_t type, uint64_t flags, const void *data,
			   size_t size)
{
	struct section *section;

	if (!(object->nr_sections & (object->nr_sections - 1)))
		object->sections = must(realloc(object->sections, 2 * object->nr_sections * sizeof(*object->sections)));
	section = &object->sections[object->nr_sections];
	memset(section, 0, sizeof(*section));
	section->name = must(strdup(name));
	section->header = (Elf64_Shdr){.sh_type = type, .sh_flags = flags, .sh_addralign = 1, .sh_size = size};
	if (type != SHT_NOBITS)
		buffer__append(&section->data, data, size);
	return object->nr_sections++;
}

size_t object__find_section(const struct object *object, const char *name)
{
	for (size_t i = 1; i < object->nr_sections; i++)
		if (!strcmp(object->sections[i].name, name))
			return i;
	return 0;
}

void object__append(struct object *object, size_t section, const void *data, size_t size)
{
	buffer__append(&object->sections[section].data, data, size);
}

size_t object__add_symbol(struct object *object, const char *name, size_t section, unsigned int bind, unsigned int type,
			  uint64_t value, uint64_t size)
{
	Elf64_Sym symbol = {.st_info = ELF64_ST_INFO(bind, type),
			    .st_shndx = (Elf64_Section)section,
			    .st_value = value,
			    .st_size = size};

	if (name[0])
		symbol.st_name = (Elf64_Word)buffer__append(&object->strings, name, strlen(name) + 1);
	return buffer__append(&object->symbols, &symbol, sizeof(symbol)) / sizeof(symbol);
}

static size_t relocation_section(struct object *object, size_t section, uint32_t type)
{
	char name[128];
	size_t index;

	for (size_t i = 1; i < object->nr_sections; i++)
		if (object->sections[i].relocates == section && object->sections[i].header.sh_type == type)
			return i;
	snprintf(name, sizeof(name), "%s%s", type == SHT_RELA ? ".rela" : ".rel", object->sections[section].name);
	index = object__add_section(object, name, type, SHF_INFO_LINK, NULL, 0);
	object->sections[index].relocates = section;
	object->sections[index].header.sh_info = (uint32_t)section;
	object->sections[index].header.sh_entsize = type == SHT_RELA ? sizeof(Elf64_Rela) : sizeof(Elf64_Rel);
	return index;
}

void object__add_relocation(struct object *object, size_t section, uint64_t offset, size_t symbol)
{
	Elf64_Rel rel = {.r_offset = offset, .r_info = ELF64_R_INFO((uint64_t)symbol, BPF_RELOCATION)};

	object__append(object, relocation_section(object, section, SHT_REL), &rel, sizeof(rel));
}

void object__add_addend(struct object *object, size_t section, uint64_t offset, size_t symbol, int64_t addend)
{
	Elf64_Rela rela = {
		.r_offset = offset, .r_info = ELF64_R_INFO((uint64_t)symbol, BPF_RELOCATION), .r_addend = addend};

	object__append(object, relocation_section(object, section, SHT_RELA), &rela, sizeof(rela));
}

/* ---- maps and programs -------------------------------------------------------------------------------- */

size_t object__add_map(struct object *object, const char *name, const struct bpf_elf_map *def, size_t size)
{
	size_t section = object__find_section(object, ELF_SECTION_MAPS), at;
	size_t known = size < sizeof(*def) ? size : sizeof(*def);

	if (!section)
		section = object__add_section(object, ELF_SECTION_MAPS, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, NULL, 0);
	at = object->sections[section].data.size;
	object__append(object, section, def, known);
	object__append(object, section, NULL, size - known);
	return object__add_symbol(object, name, section, STB_GLOBAL, STT_OBJECT, at, size);
}

size_t object__code_size(size_t nr_maps)
{
	return (2 * nr_maps + 2) * sizeof(struct bpf_insn);
}

size_t object__add_code(struct object *object, const char *section, const size_t *maps, size_t nr_maps)
{
	static const struct bpf_insn load[2] = {{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1}};
	static const struct bpf_insn end[2] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
					       {.code = BPF_JMP | BPF_EXIT}};
	size_t index = object__find_section(object, section), start;

	if (!index)
		index = object__add_section(object, section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, NULL, 0);
	start = object->sections[index].data.size;
	for (size_t i = 0; i < nr_maps; i++) {
		object__add_relocation(object, index, object->sections[index].data.size, maps[i]);
		object__append(object, index, load, sizeof(load));
	}
	object__append(object, index, end, sizeof(end));
	return start;
}

size_t object__add_program(struct object *object, const char *section, const char *name, const size_t *maps,
			   size_t nr_maps)
{
	size_t start = object__add_code(object, section, maps, nr_maps);

	return object__add_symbol(object, name, object__find_section(object, section), STB_GLOBAL, STT_FUNC, start,
				  object__code_size(nr_maps));
}

/* ---- the file ------------------------------------------------------------------------------------------- */

static uint32_t count_locals(const struct object *object)
{
	const Elf64_Sym *symbols = (const Elf64_Sym *)object->symbols.bytes;
	size_t nr = object->symbols.size / sizeof(*symbols), locals = 0;

	while (locals < nr && ELF64_ST_BIND(symbols[locals].st_info) == STB_LOCAL)
		locals++;
	return (uint32_t)locals;
}

/* A file while it is written. */
struct file {
	struct buffer bytes;
	struct buffer table; /* section headers */
	struct buffer names;
};

static void write_section(struct file *file, const char *name, Elf64_Shdr header, const struct buffer *data)
{
	header.sh_name = (Elf64_Word)buffer__append(&file->names, name, strlen(name) + 1);
	buffer__align(&file->bytes, 8);
	header.sh_offset = file->bytes.size;
	if (header.sh_type != SHT_NOBITS) {
		header.sh_size = data->size;
		buffer__append(&file->bytes, data->bytes, data->size);
	}
	buffer__append(&file->table, &header, sizeof(header));
}

static void write_tables(struct file *file, const struct object *object)
{
	const Elf64_Shdr strings = {.sh_type = SHT_STRTAB, .sh_addralign = 1};
	Elf64_Shdr symtab = {.sh_type = SHT_SYMTAB,
			     .sh_link = (uint32_t)object->nr_sections + 1,
			     .sh_info = count_locals(object),
			     .sh_addralign = 8,
			     .sh_entsize = sizeof(Elf64_Sym)};
	struct buffer names = {};

	write_section(file, ".symtab", symtab, &object->symbols);
	write_section(file, ".strtab", strings, &object->strings);
	/* The last table contains its own name, too. */
	buffer__append(&names, file->names.bytes, file->names.size);
	buffer__append(&names, ".shstrtab", sizeof(".shstrtab"));
	write_section(file, ".shstrtab", strings, &names);
	free(names.bytes);
}

void *object__write(const struct object *object, size_t *ret_size)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 little ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT},
			     .e_type = ET_REL,
			     .e_machine = EM_BPF,
			     .e_version = EV_CURRENT,
			     .e_ehsize = sizeof(header),
			     .e_shentsize = sizeof(Elf64_Shdr)};
	struct file file = {};

	buffer__append(&file.bytes, NULL, sizeof(header));
	buffer__append(&file.table, NULL, sizeof(Elf64_Shdr));
	buffer__append(&file.names, "", 1);
	for (size_t i = 1; i < object->nr_sections; i++) {
		Elf64_Shdr section = object->sections[i].header;

		if (object->sections[i].relocates)
			section.sh_link = (uint32_t)object->nr_sections;
		write_section(&file, object->sections[i].name, section, &object->sections[i].data);
	}
	write_tables(&file, object);
	buffer__align(&file.bytes, 8);
	header.e_shoff = file.bytes.size;
	header.e_shnum = (Elf64_Half)(file.table.size / sizeof(Elf64_Shdr));
	header.e_shstrndx = (Elf64_Half)(header.e_shnum - 1);
	buffer__append(&file.bytes, file.table.bytes, file.table.size);
	memcpy(file.bytes.bytes, &header, sizeof(header));
	free(file.table.bytes);
	free(file.names.bytes);
	*ret_size = file.bytes.size;
	return file.bytes.bytes;
}

/* ---- patching ------------------------------------------------------------------------------------------- */

static Elf64_Shdr *section_table(void *bytes)
{
	return (Elf64_Shdr *)((char *)bytes + ((Elf64_Ehdr *)bytes)->e_shoff);
}

size_t bytes__section_index(void *bytes, const char *name)
{
	const Elf64_Ehdr *header = bytes;
	const Elf64_Shdr *sections = section_table(bytes);
	const char *names = (const char *)bytes + sections[header->e_shstrndx].sh_offset;

	for (size_t i = 1; i < header->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, name))
			return i;
	fail_msg("no section '%s'", name);
	return 0;
}

Elf64_Shdr *bytes__section(void *bytes, const char *name)
{
	return &section_table(bytes)[bytes__section_index(bytes, name)];
}

Elf64_Sym *bytes__symbol(void *bytes, const char *name)
{
	const Elf64_Shdr *symtab = bytes__section(bytes, ".symtab");
	const char *strings = (const char *)bytes + section_table(bytes)[symtab->sh_link].sh_offset;
	Elf64_Sym *symbols = (Elf64_Sym *)((char *)bytes + symtab->sh_offset);

	for (size_t i = 1; i < symtab->sh_size / sizeof(*symbols); i++)
		if (!strcmp(strings + symbols[i].st_name, name))
			return &symbols[i];
	fail_msg("no symbol '%s'", name);
	return NULL;
}

void *bytes__of_testdata(const char *name, size_t *ret_size)
{
	const char *build = getenv("BUILD");
	struct elfmap_msg msg;
	char path[512];
	void *bytes;

	snprintf(path, sizeof(path), "%s/tests/testdata/%s.o", build ? build : "build", name);
	if (elfmap_file__read(path, &bytes, ret_size, &msg))
		fail_msg("%s: %s", path, msg.text);
	return bytes;
}
