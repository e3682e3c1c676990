// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compares the device numbers in a map with the devices that there are: see device_check.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/device_check.h"
#include "map/resolve.h"

/* ---- finding ------------------------------------------------------------------------------------ */

struct checking {
	const struct elfmap_reader *map;
	struct elfmap_device_names *names;
	struct elfmap_device_check check;
};

static int no_memory(struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ENOMEM, "no memory");
}

/* NOTE is NULL where nothing was noted of this number. */
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

	findings = reallocarray(check->findings, check->nr_findings + 1, sizeof(*findings));
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
		else /* a note on another number was overtaken by somebody who writes no notes */
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
		return 0; /* the device never left: somebody who writes no notes has deleted the entry */
	err = add_finding(checking, key, 0, checking->names->notes[0].ifindex, &finding);
	if (err)
		return err;
	finding->no_entry = true;
	judge(finding, &checking->names->notes[0]);
	return 0;
}

/* Goes through the notes. A note that is deleted meanwhile begins the walk again, so its end is bounded. */
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

	/* The kernel takes the entries of a device that goes. */
	if (!err && names->fd >= 0 && elfmap_map_kind__of(map->info.type)->value == ELFMAP_VALUE_DEVICE)
		err = check_lost_entries(&checking);
	if (err == -ENOMEM)
		no_memory(msg);
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

/* ---- mending ------------------------------------------------------------------------------------ */

struct mending {
	int fd; /* of the map, for writing */
	const struct elfmap_reader *map;
	struct elfmap_device_names *names;
	struct elfmap_resolver *resolver;
	unsigned char *value;
	unsigned char *written; /* with descriptors where the value has ids */
};

static int fail(struct elfmap_msg *msg, int err, const char *what)
{
	return elfmap_msg__set(msg, err, "%s: %s", what, strerror(-err));
}

/* Puts the right number in place of the wrong one; somebody else may have done so meanwhile. */
static void correct(const struct mending *mending, struct elfmap_device_finding *finding)
{
	unsigned char *at = mending->value + mending->names->members[finding->member].offset;
	__u32 ifindex;

	memcpy(&ifindex, at, sizeof(ifindex));
	if (ifindex != finding->ifindex && !finding->no_entry)
		return;
	if (finding->state == ELFMAP_DEVICE_RENUMBERED)
		memcpy(at, &finding->now, sizeof(finding->now));
	finding->mended = finding->state != ELFMAP_DEVICE_OK && finding->state != ELFMAP_DEVICE_GONE;
}

static int write_entry(const struct mending *mending, const struct elfmap_device_finding *finding,
		       struct elfmap_msg *msg)
{
	const struct elfmap_type *type = mending->map->format.value;
	int err;

	memcpy(mending->written, mending->value, type->size);
	err = elfmap_type__open_objects(type, mending->resolver, mending->written, msg);
	if (err)
		return err;
	err = bpf_map_update_elem(mending->fd, finding->key, mending->written, finding->no_entry ? BPF_ANY : BPF_EXIST);
	return err ? fail(msg, err, "the entry cannot be written") : 0;
}

/* Mends the COUNT findings of one entry. */
static int mend_entry(const struct mending *mending, struct elfmap_device_finding *findings, size_t count,
		      struct elfmap_msg *msg)
{
	bool renumbered = false;
	int err;

	memset(mending->value, 0, mending->map->format.value->size);
	if (!findings->no_entry && bpf_map_lookup_elem(mending->fd, findings->key, mending->value))
		return 0; /* deleted meanwhile */
	for (size_t i = 0; i < count; i++) {
		if (findings[i].state == ELFMAP_DEVICE_ELSEWHERE)
			return 0;
		correct(mending, &findings[i]);
		renumbered |= findings[i].state == ELFMAP_DEVICE_RENUMBERED;
	}
	err = renumbered ? write_entry(mending, findings, msg) : 0;
	return err ?: elfmap_device_names__note(mending->names, findings->key, mending->value, msg);
}

static int mend_all(const struct mending *mending, struct elfmap_device_check *check, struct elfmap_msg *msg)
{
	size_t key_size = mending->map->info.key_size;
	int err = 0;

	for (size_t first = 0, count; first < check->nr_findings && !err; first += count) {
		struct elfmap_device_finding *findings = &check->findings[first];

		for (count = 1; first + count < check->nr_findings; count++)
			if (memcmp(findings->key, findings[count].key, key_size) != 0)
				break;
		err = mend_entry(mending, findings, count, msg);
	}
	return err;
}

int elfmap_device_check__mend(struct elfmap_device_check *check, const char *path, const struct elfmap_reader *map,
			      struct elfmap_device_names *names, struct elfmap_msg *msg)
{
	struct mending mending = {.fd = bpf_obj_get(path), .map = map, .names = names};
	int err = 0;

	if (mending.fd < 0)
		return fail(msg, mending.fd, "cannot be opened for writing");
	mending.value = malloc(map->format.stride);
	mending.written = malloc(map->format.stride);
	if (!mending.value || !mending.written)
		err = no_memory(msg);
	err = err ?: elfmap_resolver__new(&mending.resolver, msg);
	err = err ?: mend_all(&mending, check, msg);
	elfmap_resolver__free(mending.resolver);
	free(mending.written);
	free(mending.value);
	close(mending.fd);
	return err;
}
