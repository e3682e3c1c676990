// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the form of a map and creates another map of that form; copies entries into it; compares a map with entries. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_copy.h"
#include "map/map_write.h"
#include "pins/map_id.h"

/* ---- form ------------------------------------------------------------------------------------------------------- */

/* All inner maps have the same form, so any slot will do. */
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
			inner = elfmap_map__open_id(id);
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

/* ---- copy ------------------------------------------------------------------------------------------------------- */

/* Where the kernel shows ids (of programs and maps) and takes descriptors, each object is opened while its entry is
 * written. */
struct copying {
	const struct elfmap_reader *from;
	const struct elfmap_reader *to;
	struct elfmap_msg *msg;
	size_t count;
};

/* Offset of an id in the value that must be replaced by a descriptor; -1: no id. */
static int object_offset(const struct bpf_map_info *info)
{
	switch (elfmap_map_kind__of(info->type)->value) {
	case ELFMAP_VALUE_PROGRAM:
	case ELFMAP_VALUE_MAP:
		return 0;
	case ELFMAP_VALUE_DEVICE:
	case ELFMAP_VALUE_QUEUE:
		return info->value_size == 8 ? 4 : -1;
	default:
		return -1;
	}
}

static int open_object(__u32 type, __u32 id)
{
	return elfmap_map__is_map_in_map(type) ? elfmap_map__open_id(id) : bpf_prog_get_fd_by_id(id);
}

static int write_object(const struct copying *copying, const void *key, const void *value, int offset)
{
	struct elfmap_job job = {.map = copying->to};
	char slot[8];
	__u32 id;
	int err, fd = -1;

	memcpy(slot, value, copying->from->info.value_size);
	memcpy(&id, slot + offset, sizeof(id));
	if (id) {
		fd = open_object(copying->from->info.type, id);
		if (fd == -ENOENT)
			return 0; /* the object was freed, and its slot with it */
		if (fd < 0)
			return elfmap_msg__set(copying->msg, fd, "id %u in a slot: %s", id, strerror(-fd));
		memcpy(slot + offset, &fd, sizeof(fd));
	}
	err = elfmap_job__update(&job, key, slot, 1, copying->msg);
	if (fd >= 0)
		close(fd);
	return err;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* Drops the entries beyond the end of a shorter array; they must be zero. */
static int clip(const struct copying *copying, const char *keys, const unsigned char *values, size_t *count)
{
	size_t size = elfmap_map__value_size(copying->from), kept = 0;

	for (size_t i = 0; i < *count; i++) {
		__u32 index;

		memcpy(&index, keys + i * sizeof(index), sizeof(index));
		if (index < copying->to->info.max_entries)
			kept = i + 1; /* the indexes ascend */
		else if (!is_zero(values + i * size, size))
			return elfmap_msg__set(copying->msg, -E2BIG, "entry %u is not zero and would be lost", index);
	}
	*count = kept;
	return 0;
}

static int take(void *context, const void *keys, const void *values, size_t count)
{
	struct copying *copying = context;
	const struct bpf_map_info *info = &copying->from->info;
	size_t size = elfmap_map__value_size(copying->from);
	struct elfmap_job job = {.map = copying->to};
	int offset = object_offset(info), err = 0;

	if (elfmap_map_kind__of(info->type)->keeps_slots)
		err = clip(copying, keys, values, &count);
	copying->count += err ? 0 : count;
	if (offset < 0 && !err && count)
		return elfmap_job__update(&job, keys, values, count, copying->msg);
	for (size_t i = 0; offset >= 0 && i < count && !err; i++)
		err = write_object(copying, (const char *)keys + i * info->key_size, (const char *)values + i * size,
				   offset);
	return err;
}

static int count_entry(void *context, const void *keys, const void *values, size_t count)
{
	(void)keys;
	(void)values;
	*(size_t *)context += count;
	return 0;
}

int elfmap_map__copy(const struct elfmap_reader *from, const struct elfmap_reader *to, struct elfmap_msg *msg)
{
	struct copying copying = {.from = from, .to = to, .msg = msg};
	size_t arrived = 0;
	int err;

	err = elfmap_map__check_copyable(&from->info, msg);
	err = err ?: elfmap_reader__each_batch(from, take, &copying, msg);
	/* A full LRU map evicts entries without an error. */
	err = err ?: elfmap_reader__each_batch(to, count_entry, &arrived, msg);
	if (!err && arrived < copying.count)
		err = elfmap_msg__set(msg, -E2BIG, "%zu entries do not fit: %zu would be lost", copying.count,
				      copying.count - arrived);
	return err;
}

/* ---- comparison ------------------------------------------------------------------------------------------------- */

/* Compares values without the padding between the values of CPUs. */
static bool is_equal(const struct elfmap_reader *map, const unsigned char *a, const unsigned char *b)
{
	if (map->format.copies == 1)
		return !memcmp(a, b, map->info.value_size);
	for (size_t i = 0; i < map->format.copies; i++)
		if (memcmp(a + i * map->format.stride, b + i * map->format.stride, map->info.value_size) != 0)
			return false;
	return true;
}

static int add_leftover(struct elfmap_comparison *c, const unsigned char *key)
{
	size_t size = c->map->info.key_size;

	if (c->nr_leftover == c->room) {
		size_t room = c->room ? c->room + c->room / 2 : 256;
		unsigned char *keys = reallocarray(c->leftover, room, size);

		if (!keys)
			return -ENOMEM;
		c->leftover = keys;
		c->room = room;
	}
	memcpy(c->leftover + c->nr_leftover++ * size, key, size);
	return 0;
}

static int tell(const struct elfmap_comparison *c, const void *key, const void *old_value, const void *new_value)
{
	return c->differs ? c->differs(c->context, key, old_value, new_value) : 0;
}

static int judge(struct elfmap_comparison *c, const unsigned char *key, const unsigned char *value, size_t index)
{
	const unsigned char *wanted;
	int err;

	if (index == ELFMAP_NO_ENTRY) {
		if (c->zeros && is_equal(c->map, value, c->zeros))
			return 0;
		err = add_leftover(c, key);
		return err ?: tell(c, key, value, c->zeros);
	}
	wanted = c->wanted->values + index * c->wanted->value_size;
	if (is_equal(c->map, value, wanted)) {
		c->is_equal[index] = 1;
		c->nr_equal++;
		return 0;
	}
	c->is_equal[index] = 2;
	c->nr_changed++;
	return tell(c, key, value, wanted);
}

static int judge_batch(void *context, const void *keys, const void *values, size_t count)
{
	struct elfmap_comparison *c = context;
	size_t key_size = c->map->info.key_size, value_size = elfmap_map__value_size(c->map);
	size_t indexes[ELFMAP_ENTRIES_BLOCK], step;
	int err = 0;

	for (size_t done = 0; done < count && !err; done += step) {
		const unsigned char *key = (const unsigned char *)keys + done * key_size;
		const unsigned char *value = (const unsigned char *)values + done * value_size;

		step = count - done < ELFMAP_ENTRIES_BLOCK ? count - done : ELFMAP_ENTRIES_BLOCK;
		elfmap_entries__find(c->wanted, key, step, indexes);
		for (size_t i = 0; i < step && !err; i++)
			err = judge(c, key + i * key_size, value + i * value_size, indexes[i]);
	}
	return err;
}

static int tell_additions(struct elfmap_comparison *c)
{
	int err = 0;

	for (size_t i = 0; i < c->wanted->count && !err; i++) {
		if (!c->is_equal[i])
			err = tell(c, c->wanted->keys + i * c->wanted->key_size, NULL,
				   c->wanted->values + i * c->wanted->value_size);
		c->is_equal[i] &= 1;
	}
	return err;
}

int elfmap_comparison__make(struct elfmap_comparison *comparison, struct elfmap_msg *msg)
{
	int err = elfmap_map__check_readable(&comparison->map->info, msg);

	if (err)
		return err;
	comparison->is_equal = calloc(comparison->wanted->count + 1, 1);
	if (elfmap_map_kind__of(comparison->map->info.type)->keeps_slots)
		comparison->zeros = calloc(1, elfmap_map__value_size(comparison->map));
	if (!comparison->is_equal ||
	    (elfmap_map_kind__of(comparison->map->info.type)->keeps_slots && !comparison->zeros))
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elfmap_msg__set(msg, 0, "no memory");
	err = elfmap_reader__each_batch(comparison->map, judge_batch, comparison, msg);
	return err ?: tell_additions(comparison);
}

void elfmap_comparison__free(struct elfmap_comparison *comparison)
{
	free(comparison->is_equal);
	free(comparison->leftover);
	free(comparison->zeros);
	comparison->is_equal = comparison->leftover = comparison->zeros = NULL;
}
