// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes, binds and reads notes of start values. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/start.h"
#include "pins/frozen.h"
#include "pins/map_id.h"

#define NOTE_NAME "elfmap.start"

/* One section of a note: this, then the start values, then the requested ones if they differ. */
struct record {
	char name[56];
	__u32 size;
	__u32 has_requested;
};
_Static_assert(sizeof(struct record) == 64, "records have no padding");

const char *elfmap_start__section(const struct bpf_map *map)
{
	return bpf_map__is_internal(map) ? strchr(bpf_map__name(map), '.') : NULL;
}

static bool is_set(const struct elfmap_start_section *section)
{
	return memcmp(section->start, section->requested, section->size) != 0;
}

static bool is_noted(const struct elfmap_start_section *section)
{
	return !strncmp(section->name, ".data", strlen(".data")) || is_set(section);
}

static size_t record_size(const struct elfmap_start_section *section)
{
	return sizeof(struct record) + section->size * (is_set(section) ? 2 : 1);
}

static void write_record(unsigned char *to, const struct elfmap_start_section *section)
{
	struct record record = {.size = (__u32)section->size, .has_requested = is_set(section)};

	strncpy(record.name, section->name, sizeof(record.name) - 1);
	memcpy(to, &record, sizeof(record));
	memcpy(to + sizeof(record), section->start, section->size);
	if (record.has_requested)
		memcpy(to + sizeof(record) + section->size, section->requested, section->size);
}

int elfmap_start__make(const struct elfmap_start_section *sections, size_t nr, int *ret_fd)
{
	size_t size = 0, at = 0;
	unsigned char *value;
	int fd;

	for (size_t i = 0; i < nr; i++)
		size += is_noted(&sections[i]) ? record_size(&sections[i]) : 0;
	if (!size)
		return -ENODATA;
	value = malloc(size);
	if (!value)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (!is_noted(&sections[i]))
			continue;
		write_record(value + at, &sections[i]);
		at += record_size(&sections[i]);
	}
	fd = elfmap_frozen__make(NOTE_NAME, value, size, BPF_F_RDONLY_PROG);
	free(value);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int elfmap_start__bind(int prog, int fd)
{
	int err = bpf_prog_bind_map(prog, fd, NULL);

	return err == -EINVAL ? 0 : err; /* before Linux 5.10 */
}

bool elfmap_start__is(const struct bpf_map_info *info)
{
	return elfmap_frozen__is(info, NOTE_NAME);
}

static int find_record(const unsigned char *note, size_t size, const char *section, unsigned char *ret_start,
		       size_t wanted)
{
	struct record record;

	for (size_t at = 0; size - at > sizeof(record); at += record.size * (record.has_requested ? 2ull : 1ull)) {
		memcpy(&record, note + at, sizeof(record));
		at += sizeof(record);
		if (record.size > size - at || record.has_requested > 1 ||
		    (size_t)record.size * (1 + record.has_requested) > size - at)
			return -ENOENT;
		if (record.size != wanted || strncmp(record.name, section, sizeof(record.name) - 1) != 0)
			continue;
		memcpy(ret_start, note + at, wanted);
		return 0;
	}
	return -ENOENT;
}

int elfmap_start__read(__u32 id, const char *section, unsigned char *ret_start, size_t size)
{
	struct bpf_map_info info = {};
	__u32 length = sizeof(info);
	unsigned char *note = NULL;
	const __u32 key = 0;
	int err, fd = elfmap_map__open_id(id);

	if (fd < 0)
		return -ENOENT;
	err = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (!err)
		note = malloc(info.value_size);
	err = err ?: note ? bpf_map_lookup_elem(fd, &key, note) : -ENOMEM;
	err = err ?: find_record(note, info.value_size, section, ret_start, size);
	free(note);
	close(fd);
	return err ? -ENOENT : 0;
}
