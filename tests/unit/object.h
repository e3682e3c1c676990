/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * BPF objects that the test builds section by section and symbol by symbol: objects of old compilers, and
 * objects that no compiler writes. Without memory it aborts.
 */
#ifndef TESTS_OBJECT_H
#define TESTS_OBJECT_H

#include <elf.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf_elf.h"

struct object;

struct object *object__new(void);
void object__free(struct object *object);

/* Sections and symbols are numbered from 1 in the order of addition. */
size_t object__add_section(struct object *object, const char *name, uint32_t type, uint64_t flags, const void *data,
			   size_t size);
size_t object__find_section(const struct object *object, const char *name);
void object__append(struct object *object, size_t section, const void *data, size_t size);
size_t object__add_symbol(struct object *object, const char *name, size_t section, unsigned int bind, unsigned int type,
			  uint64_t value, uint64_t size);
/* Adds to ".relSECTION" or, with an addend, to ".relaSECTION". */
void object__add_relocation(struct object *object, size_t section, uint64_t offset, size_t symbol);
void object__add_addend(struct object *object, size_t section, uint64_t offset, size_t symbol, int64_t addend);

/* Appends DEF to section `maps`, padded with zeros to SIZE bytes, with a global symbol. */
size_t object__add_map(struct object *object, const char *name, const struct bpf_elf_map *def, size_t size);

/* Appends "r1 = MAP …; return 0" to code section SECTION and returns its offset. MAPS are symbols,
 * each of which gets a relocation. The caller adds the symbol of the program. */
size_t object__add_code(struct object *object, const char *section, const size_t *maps, size_t nr_maps);
size_t object__code_size(size_t nr_maps);
/* The same with a global FUNC. Returns its symbol. */
size_t object__add_program(struct object *object, const char *section, const char *name, const size_t *maps,
			   size_t nr_maps);

/* free() the bytes. */
void *object__write(const struct object *object, size_t *ret_size);

/* A section header or symbol in such bytes, which the test may patch; the test fails if it does not exist. */
Elf64_Shdr *bytes__section(void *bytes, const char *name);
Elf64_Sym *bytes__symbol(void *bytes, const char *name);
size_t bytes__section_index(void *bytes, const char *name);

/* The bytes of the compiled tests/testdata/NAME.o. free() them. */
void *bytes__of_testdata(const char *name, size_t *ret_size);

#endif
