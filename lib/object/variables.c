// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The variables of a data section, by the symbols of the object. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "object/internal.h"

static bool is_variable(const struct elfmap_elf *elf, const Elf64_Sym *symbol, size_t section)
{
	unsigned char type = ELF64_ST_TYPE(symbol->st_info);

	return symbol->st_shndx == section && symbol->st_size && (type == STT_OBJECT || type == STT_NOTYPE) &&
	       symbol->st_size <= elfmap_elf__section(elf, section)->sh_size &&
	       symbol->st_value <= elfmap_elf__section(elf, section)->sh_size - symbol->st_size;
}

static int by_offset(const void *a, const void *b)
{
	const struct elfmap_variable *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

int elfmap_object__variables(const struct elfmap_object *obj, const char *section,
			     struct elfmap_variable **ret_variables, size_t *ret_nr)
{
	const struct elfmap_elf *elf = obj->elf;
	struct elfmap_variable *variables = NULL;
	size_t index = 1, nr = 0;

	while (index < elf->nr_sections && strcmp(elfmap_elf__section_name(elf, index), section) != 0)
		index++;
	for (size_t i = 0; index < elf->nr_sections && i < elf->nr_symbols; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];
		struct elfmap_variable *grown;

		if (!is_variable(elf, symbol, index))
			continue;
		grown = elfmap_array__grow(variables, nr, sizeof(*grown));
		if (!grown) {
			free(variables);
			return -ENOMEM;
		}
		variables = grown;
		grown[nr++] = (struct elfmap_variable){
			.name = elfmap_elf__symbol_name(elf, i), .offset = symbol->st_value, .size = symbol->st_size};
	}
	if (nr)
		qsort(variables, nr, sizeof(*variables), by_offset);
	*ret_variables = variables;
	*ret_nr = nr;
	return 0;
}
