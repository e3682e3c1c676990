// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Prints what libbpf knows of an object's maps before it loads them, by name, so that diff tells
 * whether two objects have the same maps (decl.bats):
 *
 *   describe_maps OBJECT
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_MAPS 64 /* of a legacy object */

struct object {
	struct bpf_object *bpf;
	Elf *elf;
	size_t maps; /* index of section .maps */
	Elf_Data *symbols;
	size_t strings;
	size_t nr_symbols;
};

static void print_text(void *context, const char *format, va_list args)
{
	(void)context;
	vprintf(format, args);
}

static void print_type(const struct object *object, const char *what, const struct bpf_map *map, __u32 id)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = "it");
	struct btf_dump *dump = id ? btf_dump__new(bpf_object__btf(object->bpf), print_text, NULL, NULL) : NULL;

	printf("%s: %s:", bpf_map__name(map), what);
	if (!dump) {
		puts(" none");
		return;
	}
	putchar('\n');
	btf_dump__dump_type(dump, id);
	btf_dump__emit_type_decl(dump, id, &opts);
	putchar('\n');
	btf_dump__free(dump);
}

static void print_definition(const struct object *object, const struct bpf_map *map)
{
	printf("%s: type %u key %u value %u entries %u flags 0x%x numa %u extra %llu\n", bpf_map__name(map),
	       bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map), bpf_map__max_entries(map),
	       bpf_map__map_flags(map), bpf_map__numa_node(map), (unsigned long long)bpf_map__map_extra(map));
	printf("%s: pin %s\n", bpf_map__name(map), bpf_map__pin_path(map) ?: "none");
	print_type(object, "key", map, bpf_map__btf_key_type_id(map));
	print_type(object, "value", map, bpf_map__btf_value_type_id(map));
}

/* ---- values: libbpf keeps them to itself, so they are read where it reads them ---------------------- */

static size_t find_section(const struct object *object, const char *name)
{
	Elf_Scn *section = NULL;
	size_t names;

	elf_getshdrstrndx(object->elf, &names);
	while ((section = elf_nextscn(object->elf, section))) {
		GElf_Shdr header;

		gelf_getshdr(section, &header);
		if (!strcmp(elf_strptr(object->elf, names, header.sh_name) ?: "", name))
			return elf_ndxscn(section);
	}
	return 0;
}

static const char *symbol_name(const struct object *object, const GElf_Sym *symbol)
{
	return elf_strptr(object->elf, object->strings, symbol->st_name) ?: "";
}

static int find_map(const struct object *object, const char *name, GElf_Sym *symbol)
{
	for (size_t i = 0; i < object->nr_symbols; i++) {
		gelf_getsym(object->symbols, (int)i, symbol);
		if (symbol->st_shndx == object->maps && !strcmp(symbol_name(object, symbol), name))
			return 0;
	}
	return -ENOENT;
}

/* Where `values` starts in the definition of map NAME, bytes. */
static long values_offset(const struct object *object, const char *name)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type) : NULL;

	for (__u32 i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), "values"))
			return btf_member_bit_offset(type, i) / 8;
	return -1;
}

/* The name of what is at OFFSET in section .maps. */
static const char *find_target(const struct object *object, Elf_Data *relocations, size_t offset)
{
	GElf_Sym target;
	GElf_Rel rel;

	for (int i = 0; relocations && gelf_getrel(relocations, i, &rel); i++)
		if (rel.r_offset == offset && gelf_getsym(object->symbols, (int)GELF_R_SYM(rel.r_info), &target))
			return symbol_name(object, &target);
	return NULL;
}

static void print_values(const struct object *object, const struct bpf_map *map)
{
	long offset = values_offset(object, bpf_map__name(map));
	size_t section = find_section(object, ".rel.maps");
	Elf_Data *data = section ? elf_getdata(elf_getscn(object->elf, section), NULL) : NULL;
	GElf_Sym place;

	printf("%s: values %s\n", bpf_map__name(map), offset < 0 ? "none" : "follow");
	if (offset < 0 || find_map(object, bpf_map__name(map), &place))
		return;
	for (size_t at = (size_t)offset; at < place.st_size; at += 8) {
		const char *target = find_target(object, data, place.st_value + at);

		if (target)
			printf("%s: value %zu is %s\n", bpf_map__name(map), (at - (size_t)offset) / 8, target);
	}
}

/* ---- the whole -------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	struct bpf_map *const *left = a, *const *right = b;

	return strcmp(bpf_map__name(*left), bpf_map__name(*right));
}

static int describe(const struct object *object)
{
	struct bpf_map *maps[MAX_MAPS] = {}, *map;
	size_t nr = 0;

	bpf_object__for_each_map (map, object->bpf)
		if (!bpf_map__is_internal(map) && nr < MAX_MAPS)
			maps[nr++] = map;
	qsort(maps, nr, sizeof(*maps), compare_names);
	for (size_t i = 0; i < nr; i++) {
		print_definition(object, maps[i]);
		print_values(object, maps[i]);
		if (bpf_map__inner_map(maps[i]))
			print_definition(object, bpf_map__inner_map(maps[i]));
	}
	return nr ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int open_object(struct object *object, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	GElf_Shdr header;
	size_t symtab;

	elf_version(EV_CURRENT);
	object->bpf = bpf_object__open(path);
	object->elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (!object->bpf || !object->elf)
		return -errno;
	object->maps = find_section(object, ".maps");
	symtab = find_section(object, ".symtab");
	if (!object->maps || !symtab || !gelf_getshdr(elf_getscn(object->elf, symtab), &header))
		return -ENOENT;
	object->symbols = elf_getdata(elf_getscn(object->elf, symtab), NULL);
	object->strings = header.sh_link;
	object->nr_symbols = header.sh_size / header.sh_entsize;
	return 0;
}

int main(int argc, char **argv)
{
	struct object object = {};

	if (argc != 2 || open_object(&object, argv[1])) {
		fprintf(stderr, "describe_maps: %s: not an object with maps for libbpf\n",
			argc > 1 ? argv[1] : "nothing");
		return EXIT_FAILURE;
	}
	return describe(&object);
}
