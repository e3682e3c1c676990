/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of this folder share: the opened ELF image, its editable copy, the stages of read and transcode. */
#ifndef ELFMAP_INTERNAL_H
#define ELFMAP_INTERNAL_H

#include <bpf/btf.h>
#include <elf.h>
#include <libelf.h>
#include <stdint.h>

#include "base/msg.h"
#include "object/object.h"

#define BPF_INSN_SIZE sizeof(struct bpf_insn)
#define MAX_MAP_NAME 127 /* tc copies names into 128 bytes without looking */
#define MAX_SECTION_NAME 255
#define MAX_VALUES 65536u /* highest slot that `values` of a map may name, plus one */

/* ---- the opened image ------------------------------------------ */

struct elfmap_elf {
	const unsigned char *bytes;
	size_t size;
	Elf *elf;
	const Elf64_Ehdr *header;
	size_t nr_sections;
	size_t names; /* index of the section with the sections' names */
	size_t symtab;
	size_t strtab;
	const Elf64_Sym *symbols;
	size_t nr_symbols;
	size_t maps;	  /* section `maps`; 0 if the object has none, also below */
	size_t btf_maps;  /* `.maps` */
	size_t bare_maps; /* `.maps` without BTF to describe it, which no loader can use */
	size_t text;	  /* `.text` with code */
	size_t btf;	  /* `.BTF` */
};

int elfmap_elf__open(const void *bytes, size_t size, struct elfmap_elf **ret_elf, struct elfmap_msg *msg);
void elfmap_elf__close(struct elfmap_elf *elf);

const Elf64_Shdr *elfmap_elf__section(const struct elfmap_elf *elf, size_t index); /* NULL for 0, past the end */
const char *elfmap_elf__section_name(const struct elfmap_elf *elf, size_t index);  /* "" at worst */
const char *elfmap_elf__symbol_name(const struct elfmap_elf *elf, size_t symbol);  /* "" at worst */
/* The section's bytes in the image; NULL for an empty or NOBITS section. */
const void *elfmap_elf__data(const struct elfmap_elf *elf, size_t index);
bool elfmap_elf__is_code(const struct elfmap_elf *elf, size_t index);

/* Reads a table of relocations one by one; the addend is 0 in a table without addends. */
struct relocations {
	size_t target; /* the section that they are for */
	bool has_addends;
	const unsigned char *at, *end;
};
/* false: section INDEX is not a table of relocations, or it relocates no section, or it is empty. */
bool relocations__open(struct relocations *ret_table, const struct elfmap_elf *elf, size_t index);
bool relocations__next(struct relocations *table, Elf64_Rela *ret_rela);

bool elfmap_insn__is_call(const struct bpf_insn *insn); /* of a function of the object */
bool elfmap_insn__is_load(const struct bpf_insn *insn); /* of 64 bits, which relocations may make an address */

/* The object's BTF; NULL if it has none, or one that is not valid. */
struct btf *elfmap_btf__open(const struct elfmap_elf *elf);

/* Names that the running kernel defines (libbpf: `.ksyms`, `.kconfig`). They are strings of BTF, valid until something
 * is added to it. BTF may be NULL. */
struct kernel_symbols {
	const char **names;
	size_t nr;
};
int kernel_symbols__read(struct kernel_symbols *symbols, const struct btf *btf);
bool kernel_symbols__has(const struct kernel_symbols *symbols, const char *name);
void kernel_symbols__free(struct kernel_symbols *symbols);

/* Is SYMBOL used, but defined neither here nor in the kernel, or a map that nothing describes? */
bool elfmap_elf__is_undefined(const struct elfmap_elf *elf, size_t symbol, const struct kernel_symbols *kernel);

/* ---- an editable copy: its sections use the image's data until they are edited -------------------- */

/* No section of a BPF object needs a larger alignment, and tables need this one. */
static inline size_t align8(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

struct image_section {
	Elf64_Shdr header;
	const void *data;
	void *owned;  /* data, when it is ours to free */
	bool removed; /* not written; indices behind it move down */
};

struct image {
	Elf64_Ehdr header;
	struct image_section *sections;
	size_t nr_sections;
	size_t names;
};

int image__open(struct image *image, const struct elfmap_elf *elf);
int image__open_empty(struct image *image);
void image__close(struct image *image);
/* Returns the section's index; 0: no memory. The address of sections[] may change. */
size_t image__add(struct image *image, const char *name, const Elf64_Shdr *like);
const char *image__section_name(const struct image *image, size_t section); /* valid until a name is added */
int image__rename(struct image *image, size_t section, const char *name);
/* Copies the section's data if it is not ours yet, and appends EXTRA zero bytes. NULL: no memory. */
void *image__edit(struct image *image, size_t section, size_t extra);
/* Takes over DATA, from malloc(). */
void image__replace(struct image *image, size_t section, void *data, size_t size);
/* Appends TEXT to string table SECTION; 0 when there is no memory. */
uint32_t image__add_string(struct image *image, size_t section, const char *text);
/* The first table of relocations (SHT_REL) of SECTION; 0 if there is none. */
size_t image__find_relocations(const struct image *image, size_t section);
/* The same for all sections, by index, where the table is not empty. free() it; NULL: no memory. */
size_t *image__list_relocations(const struct image *image);
int image__write(const struct image *image, void **ret_bytes, size_t *ret_size);

/* ---- read's own stages ------------------------------------------------------------------------- */

/* Adds a line to obj->problems. 0 or -ENOMEM: an object with problems can still be read. */
int read__problem(struct elfmap_object *obj, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends to obj->progs; the caller sorts. */
int read__add_program(struct elfmap_object *obj, const struct elfmap_prog *prog);
/* Appends a function without a symbol, which is named after its section. */
int read__add_nameless(struct elfmap_object *obj, size_t section, size_t offset);

/* The instructions that start a function which is called, or whose address is taken. */
struct calls {
	struct called_section {
		unsigned char *flags; /* by instruction */
		size_t nr_insns;      /* 0: no code */
	} * sections;
	size_t nr_sections;
};
int calls__read(struct calls *calls, const struct elfmap_elf *elf);
bool calls__has(const struct calls *calls, size_t section, size_t offset);
/* Appends those without a symbol to obj->progs, which must be sorted before and is not afterwards. */
int calls__add_nameless(const struct calls *calls, struct elfmap_object *obj);
/* Moves those that are not entries from obj->progs to obj->subprogs. */
int calls__part_programs(const struct calls *calls, struct elfmap_object *obj);
void calls__free(struct calls *calls);

int read__maps(struct elfmap_object *obj);     /* read_maps.c: section `maps`: fills obj->maps */
int read__programs(struct elfmap_object *obj); /* read_programs.c: fills obj->progs and obj->subprogs from there */
/* read_undefined.c: which of these use a symbol that is defined nowhere. BTF may be NULL. */
int read__undefined(struct elfmap_object *obj, const struct btf *btf);

/* ---- transcode's own stages ------------------------------------------------------------------- */

struct transcode {
	const struct elfmap_object *obj;
	const struct elfmap_elf *elf;
	const struct elfmap_transcode_opts *opts;
	struct elfmap_msg *msg;
	struct image image;
	struct btf *btf;
	size_t maps;	  /* section that becomes `.maps` */
	size_t rel_maps;  /* its relocations; 0 until the first is added */
	size_t base;	  /* where our slots start in it: behind maps that were BTF-defined already */
	size_t slots_end; /* size of it, in the end */
	struct map_slot {
		size_t offset; /* in `.maps` */
		size_t struct_size;
		size_t nr_values;
	} slots[ELF_MAX_MAPS]; /* by index in obj->maps */
	size_t *added_symbol;  /* by index in obj->progs: the symbol we made; 0: it had one */
	size_t text_twin;      /* section with the copy of `.text` that has the entry; 0 if there is none */
	size_t text;	       /* `.text` to which subprograms are copied; 0 if there are none */
	size_t text_symbol;    /* the symbol of that section */
	struct copy {
		bool made;
		size_t shift; /* bytes in front of it in `.text` */
	} * copies;	      /* in `.text`, by section; NULL if there are none */
};

int transcode__maps(struct transcode *t);	 /* transcode_maps.c: a place in `.maps` for each */
int transcode__btf(struct transcode *t);	 /* transcode_maps.c: a type and a place for each map */
int transcode__relocations(struct transcode *t); /* transcode_symbols.c: by map symbol, without addends */
int transcode__calls(struct transcode *t);   /* transcode_calls.c: subprograms copied to `.text`, and called there */
int transcode__symbols(struct transcode *t); /* transcode_symbols.c: types, sizes, values, order */
int transcode__subprograms(struct transcode *t); /* transcode_calls.c: their symbols */
int transcode__values(struct transcode *t);	 /* transcode_maps.c: `.rel.maps`: slots and inner maps */
int transcode__names(struct transcode *t);	 /* transcode_names.c: program sections, `.BTF.ext`; writes `.BTF` */
int transcode__write_btf(struct transcode *t);	 /* transcode_maps.c: when the last string is in it */

/* Appends an empty global symbol; 0: no memory. */
size_t transcode__add_symbol(struct transcode *t, const char *name);
/* Appends to table *RELOCATIONS of SECTION, which is made if it is 0. */
int transcode__add_relocation(struct transcode *t, size_t section, size_t *relocations, uint64_t offset, uint64_t info);

#endif
