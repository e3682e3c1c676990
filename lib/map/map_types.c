// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the types of the keys and values of a map; map_types.h lists the sources. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map.h"
#include "map/map_types.h"
#include "pins/map_id.h"
#include "text/types.h"

/* ---- types of the kernel ------------------------------------------------------------------------------ */

/* The kernel defines "prefixlen" only. Four bytes after it are usually an IPv4 address, sixteen bytes an address of
 * either family. */
static struct elfmap_type *new_prefix(size_t size)
{
	struct elfmap_type *prefix = elfmap_type__new(ELFMAP_PREFIX, size);
	enum elfmap_notation data = size == 4 + 4 ? ELFMAP_IPV4 : size == 4 + 16 ? ELFMAP_IP : ELFMAP_HEX;

	if (prefix && !elfmap_type__add_member(prefix, "prefixlen", 0, ELFMAP_INTEGER, 4) &&
	    !elfmap_type__add_member(prefix, "data", 4, data, size - 4))
		return prefix;
	elfmap_type__free(prefix);
	return NULL;
}

/* The target of a redirect (NAME: the device, or the queue length of a CPU) and the program that runs there. */
static struct elfmap_type *new_target(size_t size, const char *name, enum elfmap_notation notation)
{
	struct elfmap_type *target;

	if (size != 8)
		return elfmap_type__new(size == 4 ? notation : ELFMAP_HEX, size);
	target = elfmap_type__new(ELFMAP_STRUCT, size);
	if (target && !elfmap_type__add_member(target, name, 0, notation, 4) &&
	    !elfmap_type__add_member(target, "prog_id", 4, ELFMAP_PROG, 4))
		return target;
	elfmap_type__free(target);
	return NULL;
}

static struct elfmap_type *new_key(const struct bpf_map_info *info)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(info->type);

	if (kind->is_prefix && info->key_size > 4)
		return new_prefix(info->key_size);
	return elfmap_type__new(kind->numeric_key && info->key_size == 4 ? ELFMAP_INTEGER : ELFMAP_HEX, info->key_size);
}

/* The value of a map type that the kernel interprets, for example a descriptor on update and an id on look-up. It
 * overrides the BTF. NULL with *RET_DECIDED: no memory. */
static struct elfmap_type *new_prescribed_value(const struct bpf_map_info *info, bool *ret_decided)
{
	*ret_decided = true;
	switch (elfmap_map_kind__of(info->type)->value) {
	case ELFMAP_VALUE_PROGRAM:
		return elfmap_type__new(ELFMAP_PROG, info->value_size);
	case ELFMAP_VALUE_MAP:
		return elfmap_type__new(ELFMAP_MAP, info->value_size);
	case ELFMAP_VALUE_CGROUP:
		return elfmap_type__new(ELFMAP_CGROUP, info->value_size);
	case ELFMAP_VALUE_HANDLE:
		return elfmap_type__new(ELFMAP_HANDLE, info->value_size);
	case ELFMAP_VALUE_DEVICE:
		return new_target(info->value_size, "ifindex", ELFMAP_IFINDEX);
	case ELFMAP_VALUE_QUEUE:
		return new_target(info->value_size, "qsize", ELFMAP_INTEGER);
	case ELFMAP_VALUE_BYTES:
	case ELFMAP_VALUE_NONE:
		break;
	}
	*ret_decided = false;
	return NULL;
}

/* ---- sources ---------------------------------------------------------------------------------------------- */

static int parse_words(const char *words, size_t size, const char *what, struct elfmap_type **ret_type,
		       struct elfmap_msg *msg)
{
	const char *at = words;
	int err = elfmap_type__parse(&at, size, ret_type, msg);

	while (!err && (*at == ' ' || *at == '\t'))
		at++;
	if (err || !*at)
		return err;
	elfmap_type__free(*ret_type);
	*ret_type = NULL;
	return elfmap_msg__set(msg, -EINVAL, "'%s' is more than the type of a %s", at, what);
}

static int read_btf(struct elfmap_map_types *types, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	if (!info->btf_id || (!info->btf_key_type_id && !info->btf_value_type_id))
		return 0;
	types->btf = btf__load_from_kernel_by_id(info->btf_id);
	if (types->btf)
		return 0;
	/* Reading BTF by id requires CAP_SYS_ADMIN, reading a map does not. */
	types->are_secret = errno == EPERM;
	if (types->are_secret)
		return 0;
	return elfmap_msg__set(msg, -errno, "the map's types (BTF id %u) cannot be read: %s", info->btf_id,
			       strerror(errno));
}

#define MOST_SLOTS 256 /* looked at: the others are like them, or empty */

/* The BTF of a map in a slot of the map of maps ID; 0: unknown. */
static __u32 btf_of_inner(__u32 id, size_t key_size)
{
	int fd = elfmap_map__open_id(id);
	struct bpf_map_info inner = {};
	void *key = calloc(1, key_size);
	int err = fd < 0 || !key ? -ENOENT : bpf_map_get_next_key(fd, NULL, key);
	__u32 inner_id;

	for (int tries = 0; tries < MOST_SLOTS && !err && !inner.btf_id; tries++) {
		if (!bpf_map_lookup_elem(fd, key, &inner_id) && !elfmap_map__describe(inner_id, &inner))
			inner.btf_id = 0;
		err = bpf_map_get_next_key(fd, key, key);
	}
	free(key);
	if (fd >= 0)
		close(fd);
	return inner.btf_id;
}

/* The kernel keeps no BTF of a map of maps. That of a map in its slots is of the same object, and has the annotation.
 */
static int find_outer_key(struct elfmap_map_types *types, const struct bpf_map_info *info, const char *name,
			  struct elfmap_msg *msg)
{
	char annotation[sizeof(ELFMAP_ANNOTATION) + NAME_MAX];
	const struct btf_type *pair;
	__u32 btf_id;
	__s32 id;

	if (types->key || types->btf || !elfmap_map__is_map_in_map(info->type))
		return 0;
	btf_id = btf_of_inner(info->id, info->key_size);
	types->btf = btf_id ? btf__load_from_kernel_by_id(btf_id) : NULL;
	if (!types->btf)
		return 0;
	snprintf(annotation, sizeof(annotation), ELFMAP_ANNOTATION "%.*s", NAME_MAX, name ?: info->name);
	id = btf__find_by_name_kind(types->btf, annotation, BTF_KIND_STRUCT);
	pair = id > 0 ? btf__type_by_id(types->btf, (__u32)id) : NULL;
	if (!pair || btf_vlen(pair) != 2 || btf__resolve_size(types->btf, btf_members(pair)->type) != info->key_size)
		return 0;
	return elfmap_type__read(types->btf, btf_members(pair)->type, info->key_size, &types->key, msg);
}

static int no_memory(struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static int find_key(struct elfmap_map_types *types, const struct bpf_map_info *info, const char *words,
		    struct elfmap_msg *msg)
{
	if (words && !info->key_size)
		return elfmap_msg__set(msg, -EINVAL, "the map has no keys, and a type for them is given");
	if (words)
		return parse_words(words, info->key_size, "key", &types->key, msg);
	if (types->btf && info->btf_key_type_id && info->key_size)
		return elfmap_type__read(types->btf, info->btf_key_type_id, info->key_size, &types->key, msg);
	return 0;
}

static int find_value(struct elfmap_map_types *types, const struct bpf_map_info *info, const char *words,
		      struct elfmap_msg *msg)
{
	bool decided = false;

	if (words && !info->value_size)
		return elfmap_msg__set(msg, -EINVAL, "the map has no values, and a type for them is given");
	if (info->value_size)
		types->value = new_prescribed_value(info, &decided);
	if (decided)
		return types->value ? 0 : no_memory(msg);
	if (words)
		return parse_words(words, info->value_size, "value", &types->value, msg);
	if (types->btf && info->btf_value_type_id && info->value_size)
		return elfmap_type__read(types->btf, info->btf_value_type_id, info->value_size, &types->value, msg);
	return 0;
}

/* Fills in the types that neither words nor BTF have given. */
static int find_in_files(struct elfmap_map_types *types, const struct bpf_map_info *info, const char *name,
			 struct elfmap_msg *msg)
{
	const char *dir = getenv("ELFMAP_TYPES_DIR") ?: ELFMAP_TYPES_DIR;
	struct elfmap_type *key = NULL, *value = NULL;
	int err;

	if ((types->key || !info->key_size) && (types->value || !info->value_size))
		return 0;
	err = elfmap_types_dir__find(dir, name ?: info->name, info->key_size, info->value_size, &key, &value, msg);
	if (err)
		return err;
	if (!types->key) {
		types->key = key;
		key = NULL;
	}
	if (!types->value) {
		types->value = value;
		value = NULL;
	}
	elfmap_type__free(key);
	elfmap_type__free(value);
	return 0;
}

/* Fills in the types that are still missing: those of the map type, or bytes. */
static int fill_in(struct elfmap_map_types *types, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	if (!types->key && info->key_size)
		types->key = new_key(info);
	if (!types->value && info->value_size)
		types->value = elfmap_type__new(ELFMAP_HEX, info->value_size);
	if ((!types->key && info->key_size) || (!types->value && info->value_size))
		return no_memory(msg);
	if (types->key && elfmap_map_kind__of(info->type)->is_prefix)
		elfmap_type__make_prefix(types->key);
	return 0;
}

int elfmap_map_types__find(const struct bpf_map_info *info, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_map_types *ret_types, struct elfmap_msg *msg)
{
	const struct elfmap_type_words none = {};
	struct elfmap_map_types types = {};
	int err;

	words = words ?: &none;
	err = read_btf(&types, info, msg);
	err = err ?: find_key(&types, info, words->key, msg);
	err = err ?: find_outer_key(&types, info, name, msg);
	err = err ?: find_value(&types, info, words->value, msg);
	err = err ?: find_in_files(&types, info, name, msg);
	err = err ?: fill_in(&types, info, msg);
	if (err) {
		elfmap_map_types__free(&types);
		return err;
	}
	*ret_types = types;
	return 0;
}

void elfmap_map_types__free(struct elfmap_map_types *types)
{
	elfmap_type__free(types->key);
	elfmap_type__free(types->value);
	btf__free(types->btf);
	*types = (struct elfmap_map_types){};
}

int elfmap_map_types__format(const struct elfmap_map_types *types, const struct bpf_map_info *info,
			     struct elfmap_format *ret_format, struct elfmap_msg *msg)
{
	struct elfmap_format format = {.key = types->key, .value = types->value, .copies = 1};
	int cpus;

	format.stride = info->value_size;
	format.per_cpu = elfmap_map_kind__of(info->type)->per_cpu;
	if (format.per_cpu) {
		cpus = libbpf_num_possible_cpus();
		if (cpus < 0)
			return elfmap_msg__set(msg, cpus, "the number of CPUs is unknown: %s", strerror(-cpus));
		format.copies = (size_t)cpus;
		format.stride = (format.stride + 7) / 8 * 8; /* as the kernel rounds */
	}
	*ret_format = format;
	return 0;
}

int elfmap_type_words__split(char *pair, struct elfmap_type_words *ret_words, struct elfmap_msg *msg)
{
	char *colon = strchr(pair, ':');

	if (!colon)
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not a pair of types, KEY:VALUE", pair);
	*colon = '\0';
	*ret_words = (struct elfmap_type_words){.key = pair, .value = colon + 1};
	return 0;
}
