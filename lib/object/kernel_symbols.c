// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an object uses and need not define, because the running kernel has it: libbpf resolves the
 * names in DATASECs `.ksyms` and `.kconfig`. Sorted, since every extern and relocation asks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#define MAX_KERNEL_NAME 511 /* the kernel's own limit; longer ones would be compared in vain */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int add_names(struct kernel_symbols *symbols, const struct btf *btf, const char *datasec_name)
{
	int id = btf__find_by_name_kind(btf, datasec_name, BTF_KIND_DATASEC);
	const struct btf_type *datasec = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	size_t nr = datasec ? btf_vlen(datasec) : 0;
	const char **grown = realloc(symbols->names, (symbols->nr + nr + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	symbols->names = grown;
	for (size_t i = 0; i < nr; i++) {
		const struct btf_type *member = btf__type_by_id(btf, btf_var_secinfos(datasec)[i].type);
		const char *name = member ? btf__name_by_offset(btf, member->name_off) : NULL;

		if (name && strnlen(name, MAX_KERNEL_NAME + 1) <= MAX_KERNEL_NAME)
			symbols->names[symbols->nr++] = name;
	}
	return 0;
}

int kernel_symbols__read(struct kernel_symbols *symbols, const struct btf *btf)
{
	int err;

	memset(symbols, 0, sizeof(*symbols));
	if (!btf)
		return 0;
	err = add_names(symbols, btf, ".ksyms");
	err = err ?: add_names(symbols, btf, ".kconfig");
	if (!err)
		qsort(symbols->names, symbols->nr, sizeof(*symbols->names), compare_names);
	return err;
}

bool kernel_symbols__has(const struct kernel_symbols *symbols, const char *name)
{
	return symbols->nr && bsearch(&name, symbols->names, symbols->nr, sizeof(*symbols->names), compare_names);
}

void kernel_symbols__free(struct kernel_symbols *symbols)
{
	free(symbols->names);
	memset(symbols, 0, sizeof(*symbols));
}
