// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An object's BTF, checked before libbpf reads it: libbpf before 1.3 believes every number in there, reads behind the
 * section, through types that are not there, and round in circles. And the symbols that an object uses and need not
 * define, because the running kernel has them: libbpf resolves the names in DATASECs `.ksyms` and `.kconfig`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#define MAX_CHAIN 32 /* of qualifiers and typedefs: what libbpf itself resolves */

/* As objects have had it since the first one. The struct in <linux/btf.h> has grown since Linux 7.2, so that its size
 * says nothing about the bytes of a file. */
struct header {
	__u16 magic;
	__u8 version;
	__u8 flags;
	__u32 hdr_len;
	__u32 type_off; /* behind the header, as str_off is */
	__u32 type_len;
	__u32 str_off;
	__u32 str_len;
};
_Static_assert(sizeof(struct header) == 24, "the header of BTF");

static bool has_sound_header(const void *bytes, size_t size, struct header *ret_header)
{
	struct header header;

	if (!bytes || size < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	*ret_header = header;
	return header.magic == BTF_MAGIC && header.hdr_len >= sizeof(header) && header.hdr_len % 4 == 0 &&
	       (uint64_t)header.hdr_len + header.str_off + header.str_len <= size &&
	       (uint64_t)header.hdr_len + header.type_off + header.type_len <= size;
}

/* A longer header names more parts, such as the layout of unknown kinds, which older versions of libbpf refuse. The
 * types and strings are given to libbpf without them. */
static struct btf *open_parts(const void *bytes, const struct header *header)
{
	const struct header plain = {
		.magic = header->magic,
		.version = header->version,
		.flags = header->flags,
		.hdr_len = sizeof(plain),
		.type_len = header->type_len,
		.str_off = header->type_len,
		.str_len = header->str_len,
	};
	const char *parts = (const char *)bytes + header->hdr_len;
	char *copy = malloc(sizeof(plain) + (size_t)plain.type_len + plain.str_len);
	struct btf *btf;

	if (!copy)
		return NULL;
	memcpy(copy, &plain, sizeof(plain));
	memcpy(copy + sizeof(plain), parts + header->type_off, plain.type_len);
	memcpy(copy + sizeof(plain) + plain.str_off, parts + header->str_off, plain.str_len);
	btf = btf__new(copy, (__u32)(sizeof(plain) + plain.type_len + plain.str_len));
	free(copy);
	return btf;
}

static bool is_named(const struct btf *btf, __u32 name)
{
	return btf__name_by_offset(btf, name);
}

static bool is_type(const struct btf *btf, __u32 id)
{
	return id < btf__type_cnt(btf);
}

static bool are_members(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_member *members = btf_members(type);

	for (__u32 i = 0; i < btf_vlen(type); i++)
		if (!is_named(btf, members[i].name_off) || !is_type(btf, members[i].type))
			return false;
	return true;
}

static bool are_parameters(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_param *parameters = btf_params(type);

	for (__u32 i = 0; i < btf_vlen(type); i++)
		if (!is_named(btf, parameters[i].name_off) || !is_type(btf, parameters[i].type))
			return false;
	return is_type(btf, type->type);
}

static bool are_variables(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_var_secinfo *variables = btf_var_secinfos(type);

	for (__u32 i = 0; i < btf_vlen(type); i++)
		if (!is_type(btf, variables[i].type))
			return false;
	return true;
}

/* Does a chain of qualifiers and typedefs that starts here end? */
static bool ends(const struct btf *btf, const struct btf_type *type)
{
	for (int steps = 0; type && (btf_is_mod(type) || btf_is_typedef(type)); steps++) {
		if (steps == MAX_CHAIN)
			return false;
		type = btf__type_by_id(btf, type->type);
	}
	return true;
}

static bool is_sound(const struct btf *btf, const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_ARRAY:
		return is_type(btf, btf_array(type)->type) && is_type(btf, btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return are_members(btf, type);
	case BTF_KIND_FUNC_PROTO:
		return are_parameters(btf, type);
	case BTF_KIND_DATASEC:
		return are_variables(btf, type);
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return is_type(btf, type->type) && ends(btf, type);
	default:
		return true;
	}
}

struct btf *elfmap_btf__open(const struct elfmap_elf *elf)
{
	const void *bytes = elf->btf ? elfmap_elf__data(elf, elf->btf) : NULL;
	size_t size = elf->btf ? elfmap_elf__section(elf, elf->btf)->sh_size : 0;
	struct header header;
	struct btf *btf;

	if (!has_sound_header(bytes, size, &header))
		return NULL;
	btf = header.hdr_len == sizeof(header) ? btf__new(bytes, (__u32)size) : open_parts(bytes, &header);
	for (__u32 id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (is_named(btf, type->name_off) && is_sound(btf, type))
			continue;
		btf__free(btf);
		btf = NULL;
	}
	return btf;
}

/* ---- symbols of the kernel ------------------------------------------------------------------------------ */

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
