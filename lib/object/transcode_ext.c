// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, `.BTF.ext`: functions, lines and relocations by section and offset, which follow the code
 * to where transcode has put it.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "object/internal.h"

/* Its layout (linux/btf.h stops at .BTF): a header, then parts, each a record size followed by
 * sections {name, number of records, records}; a record starts with an offset into the section. */
struct ext_header {
	__u16 magic;
	__u8 version;
	__u8 flags;
	__u32 header_size;
	struct {
		__u32 offset; /* behind the header */
		__u32 size;
	} parts[3]; /* functions, lines, relocations for the running kernel */
};

/* A section with code, to be found by its name. */
struct code {
	const char *name;
	size_t section;
};

struct extension {
	const struct transcode *t;
	const struct move *moves;
	struct code *codes; /* sorted */
	size_t nr_codes;
};

static int compare_codes(const void *a, const void *b)
{
	return strcmp(((const struct code *)a)->name, ((const struct code *)b)->name);
}

static int list_codes(struct extension *extension)
{
	const struct elfmap_elf *elf = extension->t->elf;

	extension->codes = calloc(elf->nr_sections, sizeof(*extension->codes));
	if (!extension->codes)
		return -ENOMEM;
	for (size_t i = 1; i < elf->nr_sections; i++)
		if (elfmap_elf__is_code(elf, i))
			extension->codes[extension->nr_codes++] = (struct code){elfmap_elf__section_name(elf, i), i};
	qsort(extension->codes, extension->nr_codes, sizeof(*extension->codes), compare_codes);
	return 0;
}

static size_t find_section(const struct extension *extension, const char *name)
{
	const struct code key = {.name = name ? name : ""}, *found;

	found = bsearch(&key, extension->codes, extension->nr_codes, sizeof(key), compare_codes);
	return found ? found->section : 0;
}

/* One list of records in a part: those of one section. */
struct list {
	size_t section; /* that it names; 0: none that is known */
	size_t target;	/* the section that has its code now; 0: unknown, as is its name */
	size_t shift;
	__u32 head[2]; /* name, number of records */
	const unsigned char *records;
};

static __u32 offset_of(const void *record)
{
	__u32 offset;

	memcpy(&offset, record, sizeof(offset));
	return offset;
}

static int compare_records(const void *a, const void *b)
{
	return offset_of(a) < offset_of(b) ? -1 : offset_of(a) > offset_of(b);
}

static int compare_lists(const void *a, const void *b)
{
	const struct list *left = a, *right = b;

	if (left->target != right->target)
		return left->target < right->target ? -1 : 1;
	return left->records < right->records ? -1 : 1;
}

/* Takes the next list off PART; 0: the part ends there, or what follows is no list. */
static size_t read_list(const struct extension *extension, const unsigned char *part, size_t left, __u32 record_size,
			struct list *list)
{
	*list = (struct list){};
	if (left < sizeof(list->head))
		return 0;
	memcpy(list->head, part, sizeof(list->head));
	left -= sizeof(list->head);
	if (list->head[1] > left / record_size)
		return 0;
	list->records = part + sizeof(list->head);
	list->section = find_section(extension, btf__name_by_offset(extension->t->btf, list->head[0]));
	return sizeof(list->head) + (size_t)list->head[1] * record_size;
}

/* Makes LIST that of the code which was, or is a twin of, SECTION's. */
static void place_list(const struct extension *extension, size_t section, struct list *list)
{
	const struct move *move = &extension->moves[section];

	list->target = move->target ? move->target : section;
	list->shift = move->shift;
	if (move->name)
		list->head[0] = move->name;
}

/* Puts NR lists, whose code is in one section now, into one list at OUT: libbpf reads the first of a
 * name and takes no record for missing. Returns its size. */
static size_t join_lists(const struct list *lists, size_t nr, __u32 record_size, unsigned char *out)
{
	__u32 head[2] = {lists[0].head[0], 0};
	unsigned char *records = out + sizeof(head);

	for (size_t i = 0; i < nr; i++)
		for (__u32 r = 0; r < lists[i].head[1]; r++) {
			unsigned char *record = records + (size_t)head[1]++ * record_size;
			__u32 offset;

			memcpy(record, lists[i].records + (size_t)r * record_size, record_size);
			offset = offset_of(record) + (__u32)lists[i].shift;
			memcpy(record, &offset, sizeof(offset));
		}
	if (head[1] > 1) /* qsort() takes memory for a record, whose size may be no record's */
		qsort(records, head[1], record_size, compare_records);
	memcpy(out, head, sizeof(head));
	return sizeof(head) + (size_t)head[1] * record_size;
}

/* Fills LISTS, which has room for twice as many as fit into the part. Returns how many there are. */
static size_t read_lists(const struct extension *extension, const unsigned char *part, size_t size, __u32 record_size,
			 struct list *lists)
{
	size_t at = sizeof(record_size), nr = 0, twin = extension->t->text_twin, step;
	const struct copy *copies = extension->t->copies;

	while ((step = read_list(extension, part + at, size - at, record_size, &lists[nr])) != 0) {
		struct list *list = &lists[nr++];

		at += step;
		if (twin && list->section == extension->t->elf->text) { /* for both: .text may hold subprograms, too */
			lists[nr] = *list;
			place_list(extension, twin, &lists[nr++]);
		}
		if (copies && list->section && copies[list->section].made) {
			lists[nr] = *list;
			place_list(extension, extension->t->text, &lists[nr]);
			lists[nr++].shift = copies[list->section].shift;
		}
		place_list(extension, list->section, list);
	}
	qsort(lists, nr, sizeof(*lists), compare_lists);
	return nr;
}

/* Writes what becomes of a part to OUT, where there is room for twice its size. Returns the new size,
 * or a negative errno. */
static ssize_t follow_part(const struct extension *extension, const unsigned char *part, size_t size,
			   unsigned char *out)
{
	size_t nr, end = sizeof(__u32);
	struct list *lists;
	__u32 record_size;

	memcpy(out, part, size);
	if (size < sizeof(record_size) || (record_size = offset_of(part)) < sizeof(__u32))
		return (ssize_t)size;
	lists = calloc(2 * (size / sizeof(lists->head) + 1), sizeof(*lists));
	if (!lists)
		return -ENOMEM;
	nr = read_lists(extension, part, size, record_size, lists);
	for (size_t i = 0, same; i < nr; i += same) {
		same = 1;
		while (lists[i].target && i + same < nr && lists[i + same].target == lists[i].target)
			same++;
		end += join_lists(&lists[i], same, record_size, out + end);
	}
	free(lists);
	return (ssize_t)end;
}

/* Where parts begin, and their sizes; false: it is nothing that libbpf would read. */
static bool read_header(const void *bytes, size_t size, struct ext_header *header)
{
	*header = (struct ext_header){};
	memcpy(header, bytes, size < sizeof(*header) ? size : sizeof(*header));
	/* The third part is younger than the first header. */
	if (header->header_size < sizeof(*header))
		memset(&header->parts[2], 0, sizeof(header->parts[2]));
	if (header->header_size < offsetof(struct ext_header, parts[2]) || header->header_size > size)
		return false;
	for (size_t part = 0; part < 3; part++)
		if ((uint64_t)header->header_size + header->parts[part].offset + header->parts[part].size > size)
			return false;
	return true;
}

static int follow_in_section(struct transcode *t, const struct extension *extension, size_t section)
{
	const unsigned char *bytes = t->image.sections[section].data;
	size_t end, known;
	struct ext_header header;
	unsigned char *out;

	if (!read_header(bytes, t->image.sections[section].header.sh_size, &header))
		return 0;
	end = header.header_size;
	known = end < sizeof(header) ? end : sizeof(header);
	out = calloc(1, end + 2 * ((size_t)header.parts[0].size + header.parts[1].size + header.parts[2].size) + 16);
	if (!out)
		return -ENOMEM;
	memcpy(out, bytes, header.header_size);
	for (size_t part = 0; part < 3; part++) {
		const unsigned char *from = bytes + header.header_size + header.parts[part].offset;
		ssize_t size;

		end = (end + 3) & ~(size_t)3;
		size = follow_part(extension, from, header.parts[part].size, out + end);
		if (size < 0) {
			free(out);
			return (int)size;
		}
		header.parts[part].offset = (__u32)(end - header.header_size);
		header.parts[part].size = (__u32)size;
		end += (size_t)size;
	}
	memcpy(out, &header, known);
	image__replace(&t->image, section, out, end);
	return 0;
}

int transcode__extension(struct transcode *t, const struct move *moves)
{
	struct extension extension = {.t = t, .moves = moves};
	int err = list_codes(&extension);

	for (size_t i = 1; !err && i < t->elf->nr_sections; i++) {
		const char *name = elfmap_elf__section_name(t->elf, i);
		struct image_section *section = &t->image.sections[i];

		if (section->removed || !section->data)
			continue;
		if (section->header.sh_type == SHT_PROGBITS && !strcmp(name, ".BTF.ext"))
			err = follow_in_section(t, &extension, i);
		else if (section->header.sh_type == SHT_REL && !strcmp(name, ".rel.BTF.ext"))
			section->removed = true; /* records have moved under it; nobody reads it */
	}
	free(extension.codes);
	return err;
}
