// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asks the kernel what a map is like, and makes another of that form. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_form.h"

/* Any map in a slot has the form of them all. */
static int find_inner(int fd, const struct bpf_map_info *info, int *ret_inner)
{
	char *here = calloc(1, info->key_size), *next = calloc(1, info->key_size);
	bool first = true;
	int inner = -1;
	__u32 id;

	int err = here && next ? 0 : -ENOMEM;

	for (__u32 i = 0; !err && inner < 0 && i < info->max_entries; i++, first = false) {
		if (bpf_map_get_next_key(fd, first ? NULL : here, next))
			break;
		if (!bpf_map_lookup_elem(fd, next, &id))
			inner = bpf_map_get_fd_by_id(id);
		memcpy(here, next, info->key_size);
	}
	free(here);
	free(next);
	*ret_inner = inner < 0 ? -1 : inner;
	return err;
}

int elfmap_form__read(int fd, const struct bpf_map_info *info, struct elfmap_form *ret_form, struct elfmap_msg *msg)
{
	struct elfmap_form form = {
		.type = info->type,
		.key_size = info->key_size,
		.value_size = info->value_size,
		.max_entries = info->max_entries,
		.flags = info->map_flags & ~elfmap_map_kind__of(info->type)->added_flags,
		.extra = info->map_extra,
		.ifindex = info->ifindex,
		.frozen = elfmap_map__is_frozen(fd),
		.btf = -1,
		.btf_key = info->btf_key_type_id,
		.btf_value = info->btf_value_type_id,
		.inner = -1,
	};
	int err = 0;

	memcpy(form.name, info->name, sizeof(form.name));
	if (info->btf_id && (form.btf_key || form.btf_value)) {
		form.btf = bpf_btf_get_fd_by_id(info->btf_id);
		if (form.btf < 0)
			return elfmap_msg__set(msg, form.btf, "the map's types (BTF id %u) cannot be read: %s",
					       info->btf_id, strerror(-form.btf));
	}
	if (elfmap_map__is_map_in_map(form.type))
		err = find_inner(fd, info, &form.inner);
	if (err) {
		elfmap_form__free(&form);
		return elfmap_msg__set(msg, err, "no memory");
	}
	*ret_form = form;
	return 0;
}

void elfmap_form__free(struct elfmap_form *form)
{
	if (form->btf >= 0)
		close(form->btf);
	if (form->inner >= 0)
		close(form->inner);
	form->btf = form->inner = -1;
}

int elfmap_form__read_btf(const struct elfmap_form *form, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	struct bpf_btf_info info = {};
	__u32 size = sizeof(info);
	void *bytes = NULL;
	int err;

	if (form->btf < 0) {
		*ret_bytes = NULL;
		*ret_size = 0;
		return 0;
	}
	err = bpf_obj_get_info_by_fd(form->btf, &info, &size);
	if (!err) {
		bytes = malloc(info.btf_size);
		err = bytes ? 0 : -ENOMEM;
	}
	if (!err) {
		info = (struct bpf_btf_info){.btf = (__u64)(uintptr_t)bytes, .btf_size = info.btf_size};
		size = sizeof(info);
		err = bpf_obj_get_info_by_fd(form->btf, &info, &size);
	}
	if (err) {
		free(bytes);
		return elfmap_msg__set(msg, err, "the map's types cannot be read: %s", strerror(-err));
	}
	*ret_bytes = bytes;
	*ret_size = info.btf_size;
	return 0;
}

static int explain(const struct elfmap_form *form, int err, struct elfmap_msg *msg)
{
	const struct bpf_elf_map def = {
		.type = form->type,
		.size_key = form->key_size,
		.size_value = form->value_size,
		.max_elem = form->max_entries,
		.flags = form->flags,
	};
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(form->type);
	const char *why = elfmap_map__fault(&def);
	__u32 unknown = form->flags & ~kind->flags;

	if (err == -EPERM && geteuid() != 0)
		return elfmap_msg__set(msg, err, "not permitted to make maps; run it as root, with 'sudo elfmap ...'");
	if (err == -EINVAL && !why && unknown)
		return elfmap_msg__set(msg, err, "%s of %u entries cannot be made: flag 0x%x is not for this type",
				       kind->phrase, form->max_entries, unknown);
	return elfmap_msg__set(msg, err, "%s of %u entries cannot be made: %s", kind->phrase, form->max_entries,
			       why ?: strerror(-err));
}

int elfmap_form__create(const struct elfmap_form *form, int *ret_fd, struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = form->flags, .map_extra = form->extra,
		    .map_ifindex = form->ifindex, .btf_key_type_id = form->btf_key,
		    .btf_value_type_id = form->btf_value);
	int fd;

	if (elfmap_map_kind__of(form->type)->belongs_to_program)
		return elfmap_msg__set(msg, -EOPNOTSUPP,
				       "a struct_ops belongs to its program and cannot be made alone");
	if (elfmap_map__is_map_in_map(form->type) && form->inner < 0)
		return elfmap_msg__set(msg, -EINVAL,
				       "this map of maps is empty, and an empty one does not tell what it may hold");
	if (form->btf >= 0)
		opts.btf_fd = (__u32)form->btf;
	if (form->inner >= 0)
		opts.inner_map_fd = (__u32)form->inner;
	fd = bpf_map_create((enum bpf_map_type)form->type, *form->name ? form->name : NULL, form->key_size,
			    form->value_size, form->max_entries, &opts);
	if (fd < 0)
		return explain(form, fd, msg);
	*ret_fd = fd;
	return 0;
}
