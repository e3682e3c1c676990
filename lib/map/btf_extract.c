// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reduces BTF to some types. The BTF of an object also has its functions, and the paths and lines of its source. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "map/btf_extract.h"

struct extract {
	struct btf *from, *to;
	__u32 *ids; /* by id in FROM: the id in TO; 0: not needed */
	__u32 *order;
	size_t nr;
};

/* Calls EACH for the place of every id that TYPE refers to. */
static int each_reference(struct btf_type *type, int (*each)(struct extract *extract, __u32 *id),
			  struct extract *extract)
{
	int err = 0;

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FWD:
		return 0;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
		return each(extract, &type->type);
	case BTF_KIND_ARRAY:
		return each(extract, &btf_array(type)->type) ?: each(extract, &btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (int i = 0; i < btf_vlen(type) && !err; i++)
			err = each(extract, &btf_members(type)[i].type);
		return err;
	case BTF_KIND_FUNC_PROTO:
		err = each(extract, &type->type);
		for (int i = 0; i < btf_vlen(type) && !err; i++)
			err = each(extract, &btf_params(type)[i].type);
		return err;
	case BTF_KIND_DATASEC:
		for (int i = 0; i < btf_vlen(type) && !err; i++)
			err = each(extract, &btf_var_secinfos(type)[i].type);
		return err;
	default:
		return -EOPNOTSUPP;
	}
}

static int need(struct extract *extract, __u32 *id) /* NOLINT(readability-non-const-parameter): one of two */
{
	if (!*id || (*id < btf__type_cnt(extract->from) && extract->ids[*id]))
		return 0;
	if (*id >= btf__type_cnt(extract->from))
		return -EINVAL;
	extract->order[extract->nr++] = *id;
	extract->ids[*id] = (__u32)extract->nr;
	return 0;
}

static int renumber(struct extract *extract, __u32 *id)
{
	*id = *id ? extract->ids[*id] : 0;
	return 0;
}

/* An array's key that is an int to the kernel: its type is in the map's annotation. */
static int need_annotation(struct extract *extract, __u32 key)
{
	const struct btf_type *type = btf__type_by_id(extract->from, key);
	const char *name = type && btf_is_typedef(type) ? btf__name_by_offset(extract->from, type->name_off) : NULL;
	__s32 found;
	__u32 id;

	if (!name || strncmp(name, ELFMAP_ANNOTATION, strlen(ELFMAP_ANNOTATION)) != 0)
		return 0;
	found = btf__find_by_name_kind(extract->from, name, BTF_KIND_STRUCT);
	id = found > 0 ? (__u32)found : 0;
	return need(extract, &id);
}

static int copy_types(struct extract *extract)
{
	int err = 0;

	for (size_t i = 0; i < extract->nr && !err; i++)
		err = each_reference((struct btf_type *)btf__type_by_id(extract->from, extract->order[i]), need,
				     extract);
	for (size_t i = 0; i < extract->nr && !err; i++) {
		int id = btf__add_type(extract->to, extract->from, btf__type_by_id(extract->from, extract->order[i]));

		err = id < 0 ? id : id != (int)i + 1 ? -EINVAL : 0;
		if (!err)
			err = each_reference((struct btf_type *)btf__type_by_id(extract->to, (__u32)id), renumber,
					     extract);
	}
	return err;
}

static int copy_bytes(const struct btf *btf, void **ret_bytes, size_t *ret_size)
{
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);
	void *copy = raw ? malloc(size) : NULL;

	if (!copy)
		return -ENOMEM;
	*ret_bytes = memcpy(copy, raw, size);
	*ret_size = size;
	return 0;
}

int elfmap_btf__extract(const void *bytes, size_t size, __u32 *const *ids, size_t nr, void **ret_bytes,
			size_t *ret_size)
{
	struct extract extract = {.from = btf__new(bytes, (__u32)size), .to = btf__new_empty()};
	size_t count = extract.from ? btf__type_cnt(extract.from) : 0;
	int err;

	extract.ids = calloc(count + 1, sizeof(*extract.ids));
	extract.order = calloc(count + 1, sizeof(*extract.order));
	err = extract.from && extract.to ? 0 : -EINVAL;
	if (!extract.ids || !extract.order)
		err = -ENOMEM;
	for (size_t i = 0; i < nr && !err; i++)
		err = need(&extract, ids[i]) ?: need_annotation(&extract, *ids[i]);
	err = err ?: copy_types(&extract);
	err = err ?: copy_bytes(extract.to, ret_bytes, ret_size);
	for (size_t i = 0; i < nr && !err; i++)
		renumber(&extract, ids[i]);
	free(extract.ids);
	free(extract.order);
	btf__free(extract.from);
	btf__free(extract.to);
	return err;
}
