// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Records the names of the devices in a map and checks them; device_names.h has the contracts. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/device_names.h"
#include "map/resolve.h"
#include "pins/pin_change.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define MAX_MEMBERS 64

/* ---- ifindexes in a value ----------------------------------------------------------------------- */

static int add_member(struct elfmap_device_names *names, const char *name, size_t offset)
{
	struct elfmap_device_member *members;

	if (names->nr_members == MAX_MEMBERS)
		return -E2BIG;
	members = elfmap_array__grow(names->members, names->nr_members, sizeof(*members));
	if (!members)
		return -ENOMEM;
	names->members = members;
	members[names->nr_members].offset = offset;
	snprintf(members[names->nr_members].name, sizeof(members->name), "%s", name);
	names->nr_members++;
	return 0;
}

/* Members of a union are not taken for an ifindex: their bytes may be another member. */
static bool has_devices(const struct elfmap_type *type)
{
	if (type->notation == ELFMAP_IFINDEX)
		return true;
	for (size_t i = 0; i < type->nr_members && !type->overlaps; i++)
		if (has_devices(&type->members[i]))
			return true;
	return false;
}

static int find_members(struct elfmap_device_names *names, const struct elfmap_type *type, const char *name,
			size_t offset)
{
	bool is_array = type->notation == ELFMAP_ARRAY;
	int err = 0;

	if (type->notation == ELFMAP_IFINDEX)
		return add_member(names, name, offset);
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		size_t count = is_array ? type->count : 1;
		char below[64];

		for (size_t element = 0; element < count && has_devices(member) && !err; element++) {
			if (is_array)
				snprintf(below, sizeof(below), "%s[%zu]", name, element);
			else
				snprintf(below, sizeof(below), "%s%s%s", name, *name ? "." : "", member->name);
			err = find_members(names, member, below, offset + member->offset + element * member->size);
		}
	}
	return err;
}

bool elfmap_map__has_devices(const struct elfmap_reader *map)
{
	return map->format.value && !map->format.per_cpu && map->info.key_size && has_devices(map->format.value);
}

/* ---- the hash of records ------------------------------------------------------------------------ */

static size_t value_size(const struct elfmap_device_names *names)
{
	size_t size = sizeof(names->netns) + names->nr_members * sizeof(struct elfmap_device_note);

	return (size + 7) & ~(size_t)7;
}

/* A hash with another layout belongs to an earlier map with this name. */
static bool fits(const struct elfmap_device_names *names, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_MAP_TYPE_HASH &&
	       info.key_size == names->map->info.key_size && info.value_size == value_size(names);
}

static int create(struct elfmap_device_names *names, struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const struct bpf_map_info *info = &names->map->info;
	struct stat there;
	int fd, err;

	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "devs", info->key_size, value_size(names), info->max_entries, &opts);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "names of devices cannot be kept: %s", strerror(-fd));
	err = stat(names->path, &there) ? elfmap_pin__add(fd, names->path, msg)
					: elfmap_pin__replace(fd, names->path, msg);
	if (err) {
		close(fd);
		return err;
	}
	names->fd = fd;
	return 0;
}

static __u64 find_netns(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(__u64);
	struct stat file;
	__u64 cookie = 0;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	if (fd >= 0)
		close(fd);
	if (!cookie && !stat("/proc/self/ns/net", &file))
		cookie = file.st_ino; /* before Linux 5.14; may be reused after the namespace was deleted */
	return cookie;
}

int elfmap_device_names__open(const char *path, const struct elfmap_reader *map, struct elfmap_device_names *ret_names,
			      struct elfmap_msg *msg)
{
	struct elfmap_device_names names = {.fd = -1, .map = map, .netns = find_netns()};
	int err;

	if (!elfmap_map__has_devices(map))
		return elfmap_msg__set(msg, -EOPNOTSUPP, "its values have no device numbers according to their type");
	err = find_members(&names, map->format.value, "", 0);
	if (err == -E2BIG)
		err = elfmap_msg__set(msg, err, "more than %d device numbers in a value", MAX_MEMBERS);
	if (!err && asprintf(&names.path, "%s_devs", path) < 0) {
		names.path = NULL;
		err = -ENOMEM;
	}
	names.value = err ? NULL : calloc(1, value_size(&names));
	if (!err && !names.value)
		err = -ENOMEM;
	if (err == -ENOMEM)
		elfmap_msg__set(msg, err, "no memory");
	if (err) {
		elfmap_device_names__close(&names);
		return err;
	}
	names.notes = (struct elfmap_device_note *)((char *)names.value + sizeof(names.netns));
	names.fd = bpf_obj_get(names.path);
	if (names.fd >= 0 && !fits(&names, names.fd)) {
		close(names.fd);
		names.fd = -1;
	}
	*ret_names = names;
	return 0;
}

void elfmap_device_names__close(struct elfmap_device_names *names)
{
	if (names->fd >= 0)
		close(names->fd);
	free(names->path);
	free(names->members);
	free(names->value);
	*names = (struct elfmap_device_names){.fd = -1};
}

__u32 elfmap_device_names__find_missing(const struct elfmap_device_names *names, const void *value)
{
	char name[IF_NAMESIZE];
	__u32 ifindex;

	for (size_t i = 0; i < names->nr_members; i++) {
		memcpy(&ifindex, (const char *)value + names->members[i].offset, sizeof(ifindex));
		if (ifindex && !if_indextoname(ifindex, name))
			return ifindex;
	}
	return 0;
}

/* ---- records ------------------------------------------------------------------------------------ */

/* Fills in the record of an entry. Keeps the name of a device that does not exist any more. False: no ifindex in VALUE.
 */
static bool take_notes(struct elfmap_device_names *names, const void *key, const void *value)
{
	bool any = false;

	if (elfmap_device_names__look_up(names, key))
		memset(names->value, 0, value_size(names));
	memcpy(names->value, &names->netns, sizeof(names->netns));
	for (size_t i = 0; i < names->nr_members; i++) {
		struct elfmap_device_note *note = &names->notes[i];
		char name[IF_NAMESIZE] = "";
		__u32 ifindex;

		memcpy(&ifindex, (const char *)value + names->members[i].offset, sizeof(ifindex));
		any |= ifindex != 0;
		if ((!ifindex || !if_indextoname(ifindex, name)) && note->ifindex == ifindex)
			continue;
		note->ifindex = ifindex;
		memcpy(note->name, name, sizeof(name));
	}
	return any;
}

int elfmap_device_names__note(struct elfmap_device_names *names, const void *key, const void *value,
			      struct elfmap_msg *msg)
{
	int err;

	if (!value || !take_notes(names, key, value)) {
		err = names->fd < 0 ? 0 : bpf_map_delete_elem(names->fd, key);
		return !err || err == -ENOENT ? 0 : elfmap_msg__set(msg, err, "%s: %s", names->path, strerror(-err));
	}
	err = names->fd < 0 ? create(names, msg) : 0;
	if (err)
		return err;
	err = bpf_map_update_elem(names->fd, key, names->value, BPF_ANY);
	return err ? elfmap_msg__set(msg, err, "%s: %s", names->path, strerror(-err)) : 0;
}

int elfmap_device_names__look_up(struct elfmap_device_names *names, const void *key)
{
	__u64 netns;

	if (names->fd < 0 || bpf_map_lookup_elem(names->fd, key, names->value))
		return -ENOENT;
	memcpy(&netns, names->value, sizeof(netns));
	return netns == names->netns ? 0 : -EXDEV;
}

/* ---- check ------------------------------------------------------------------------------------------------------ */

struct checking {
	const struct elfmap_reader *map;
	struct elfmap_device_names *names;
	struct elfmap_device_check check;
};

/* NOTE is NULL if the ifindex has no record. */
static void judge(struct elfmap_device_finding *finding, const struct elfmap_device_note *note)
{
	char current[IF_NAMESIZE] = "";
	bool exists = if_indextoname(finding->ifindex, current) && !finding->no_entry;
	bool named = note && *note->name;

	strcpy(finding->name, named ? note->name : current);
	if (exists && (!named || !strcmp(note->name, current))) {
		finding->state = named ? ELFMAP_DEVICE_OK : ELFMAP_DEVICE_UNNOTED;
		return;
	}
	finding->now = named ? if_nametoindex(note->name) : 0;
	if (finding->now) {
		finding->state = ELFMAP_DEVICE_RENUMBERED;
	} else if (exists) {
		finding->state = ELFMAP_DEVICE_RENAMED;
		strcpy(finding->new_name, current);
	} else {
		finding->state = ELFMAP_DEVICE_GONE;
	}
}

static int add_finding(struct checking *checking, const void *key, size_t member, __u32 ifindex,
		       struct elfmap_device_finding **ret_finding)
{
	struct elfmap_device_check *check = &checking->check;
	struct elfmap_device_finding *findings;
	size_t key_size = checking->map->info.key_size;

	findings = elfmap_array__grow(check->findings, check->nr_findings, sizeof(*findings));
	if (!findings)
		return -ENOMEM;
	check->findings = findings;
	findings += check->nr_findings;
	*findings = (struct elfmap_device_finding){.key = malloc(key_size), .member = member, .ifindex = ifindex};
	if (!findings->key)
		return -ENOMEM;
	memcpy(findings->key, key, key_size);
	check->nr_findings++;
	*ret_finding = findings;
	return 0;
}

static void name_elsewhere(struct elfmap_device_finding *finding, const struct elfmap_device_note *note)
{
	finding->state = ELFMAP_DEVICE_ELSEWHERE;
	strcpy(finding->name, note->name);
}

static int check_entry(void *context, const void *key, const void *value)
{
	struct checking *checking = context;
	struct elfmap_device_names *names = checking->names;
	int noted = elfmap_device_names__look_up(names, key);

	for (size_t i = 0; i < names->nr_members; i++) {
		const struct elfmap_device_note *note = noted ? NULL : &names->notes[i];
		struct elfmap_device_finding *finding;
		__u32 ifindex;
		int err;

		memcpy(&ifindex, (const char *)value + names->members[i].offset, sizeof(ifindex));
		if (!ifindex)
			continue;
		err = add_finding(checking, key, i, ifindex, &finding);
		if (err)
			return err;
		if (noted == -EXDEV && names->notes[i].ifindex == ifindex)
			name_elsewhere(finding, &names->notes[i]);
		else /* a record of another ifindex is outdated: a program wrote the entry without a record */
			judge(finding, note && note->ifindex == ifindex ? note : NULL);
	}
	return 0;
}

static bool is_in_map(const struct checking *checking, const void *key)
{
	char value[8];

	return !bpf_map_lookup_elem(checking->map->fd, key, value);
}

static int check_lost(struct checking *checking, const void *key)
{
	struct elfmap_device_finding *finding;
	int err;

	if (is_in_map(checking, key) || elfmap_device_names__look_up(checking->names, key))
		return 0;
	if (if_nametoindex(checking->names->notes[0].name) == checking->names->notes[0].ifindex)
		return 0; /* the device still exists: a program deleted the entry without the record */
	err = add_finding(checking, key, 0, checking->names->notes[0].ifindex, &finding);
	if (err)
		return err;
	finding->no_entry = true;
	judge(finding, &checking->names->notes[0]);
	return 0;
}

/* Checks the records whose entry is missing. A deleted record restarts the walk, so the steps are limited. */
static int check_lost_entries(struct checking *checking)
{
	size_t size = checking->map->info.key_size, left = checking->map->info.max_entries;
	void *key = NULL, *next = malloc(size);
	int err = next ? 0 : -ENOMEM;

	while (!err && left-- && !bpf_map_get_next_key(checking->names->fd, key, next)) {
		err = check_lost(checking, next);
		key = key ?: malloc(size);
		if (!key)
			err = -ENOMEM;
		else
			memcpy(key, next, size);
	}
	free(key);
	free(next);
	return err;
}

int elfmap_device_check__run(const struct elfmap_reader *map, struct elfmap_device_names *names,
			     struct elfmap_device_check *ret_check, struct elfmap_msg *msg)
{
	struct checking checking = {.map = map, .names = names};
	int err = elfmap_reader__each(map, check_entry, &checking, msg);

	/* The kernel deletes the entries of a device with the device. */
	if (!err && names->fd >= 0 && elfmap_map_kind__of(map->info.type)->value == ELFMAP_VALUE_DEVICE)
		err = check_lost_entries(&checking);
	if (err == -ENOMEM)
		elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (err) {
		elfmap_device_check__free(&checking.check);
		return err;
	}
	*ret_check = checking.check;
	return 0;
}

void elfmap_device_check__free(struct elfmap_device_check *check)
{
	for (size_t i = 0; i < check->nr_findings; i++)
		free(check->findings[i].key);
	free(check->findings);
	*check = (struct elfmap_device_check){};
}

/* ---- correction ------------------------------------------------------------------------------------------------- */

struct correction {
	int fd; /* of the map, for writing */
	const struct elfmap_reader *map;
	struct elfmap_device_names *names;
	struct elfmap_resolver *resolver;
	unsigned char *value;
	unsigned char *written; /* value with descriptors instead of ids */
};

static int fail(struct elfmap_msg *msg, int err, const char *what)
{
	return elfmap_msg__set(msg, err, "%s: %s", what, strerror(-err));
}

/* Writes the correct ifindex into the value, unless another program has changed it since the check. */
static void correct(const struct correction *c, struct elfmap_device_finding *finding)
{
	unsigned char *at = c->value + c->names->members[finding->member].offset;
	__u32 ifindex;

	memcpy(&ifindex, at, sizeof(ifindex));
	if (ifindex != finding->ifindex && !finding->no_entry)
		return;
	if (finding->state == ELFMAP_DEVICE_RENUMBERED)
		memcpy(at, &finding->now, sizeof(finding->now));
	finding->fixed = finding->state != ELFMAP_DEVICE_OK && finding->state != ELFMAP_DEVICE_GONE;
}

static int write_entry(const struct correction *c, const struct elfmap_device_finding *finding, struct elfmap_msg *msg)
{
	const struct elfmap_type *type = c->map->format.value;
	int err;

	memcpy(c->written, c->value, type->size);
	err = elfmap_type__open_objects(type, c->resolver, c->written, msg);
	if (err)
		return err;
	err = bpf_map_update_elem(c->fd, finding->key, c->written, finding->no_entry ? BPF_ANY : BPF_EXIST);
	return err ? fail(msg, err, "the entry cannot be written") : 0;
}

/* Corrects the COUNT findings of one entry. */
static int correct_entry(const struct correction *c, struct elfmap_device_finding *findings, size_t count,
			 struct elfmap_msg *msg)
{
	bool renumbered = false;
	int err;

	memset(c->value, 0, c->map->format.value->size);
	if (!findings->no_entry && bpf_map_lookup_elem(c->fd, findings->key, c->value))
		return 0; /* deleted since the check */
	for (size_t i = 0; i < count; i++) {
		if (findings[i].state == ELFMAP_DEVICE_ELSEWHERE)
			return 0;
		correct(c, &findings[i]);
		renumbered |= findings[i].state == ELFMAP_DEVICE_RENUMBERED;
	}
	err = renumbered ? write_entry(c, findings, msg) : 0;
	return err ?: elfmap_device_names__note(c->names, findings->key, c->value, msg);
}

static int correct_all(const struct correction *c, struct elfmap_device_check *check, struct elfmap_msg *msg)
{
	size_t key_size = c->map->info.key_size;
	int err = 0;

	for (size_t first = 0, count; first < check->nr_findings && !err; first += count) {
		struct elfmap_device_finding *findings = &check->findings[first];

		for (count = 1; first + count < check->nr_findings; count++)
			if (memcmp(findings->key, findings[count].key, key_size) != 0)
				break;
		err = correct_entry(c, findings, count, msg);
	}
	return err;
}

int elfmap_device_check__fix(struct elfmap_device_check *check, const char *path, const struct elfmap_reader *map,
			     struct elfmap_device_names *names, struct elfmap_msg *msg)
{
	struct correction c = {.fd = bpf_obj_get(path), .map = map, .names = names};
	int err = 0;

	if (c.fd < 0)
		return fail(msg, c.fd, "cannot be opened for writing");
	c.value = malloc(map->format.stride);
	c.written = malloc(map->format.stride);
	if (!c.value || !c.written)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = err ?: elfmap_resolver__new(&c.resolver, msg);
	err = err ?: correct_all(&c, check, msg);
	elfmap_resolver__free(c.resolver);
	free(c.written);
	free(c.value);
	close(c.fd);
	return err;
}
