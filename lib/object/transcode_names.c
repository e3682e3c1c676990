// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, the names of program sections: "ID/KEY" that plain tc would take for a slot, and names
 * that libbpf guesses a program's type from. libbpf finds a section by its name, so programs that
 * get the same one are put into one section. `.BTF.ext` (functions, lines and relocations by section and
 * offset) follows the code to its new place.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "object/internal.h"

/* ---- .BTF.ext ------------------------------------------------------------------------------------------- */

/* What becomes of a section, by its index in the image. */
struct move {
	size_t target;	    /* the section that has the code now; 0: it stays */
	size_t shift;	    /* bytes in front of it there */
	uint32_t name;	    /* new name in .BTF's strings; 0: it keeps its name */
	size_t relocations; /* the section that relocates it; 0 if there is none */
};

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
	size_t section; /* that it names; 0 if that is unknown */
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

static int write_extension(struct transcode *t, const struct move *moves)
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
			section->removed = true; /* records have moved under it, and no loader reads it */
	}
	free(extension.codes);
	return err;
}

/* ---- moving code --------------------------------------------------------------------------------------------- */

static int append_code(struct transcode *t, size_t section, struct move *move)
{
	size_t size = t->image.sections[section].header.sh_size;
	size_t start = t->image.sections[move->target].header.sh_size;
	unsigned char *code = image__edit(&t->image, move->target, size);

	if (!code)
		return -ENOMEM;
	memcpy(code + start, t->image.sections[section].data, size);
	move->shift = start;
	t->image.sections[section].removed = true;
	return 0;
}

static int append_relocations(struct transcode *t, const struct move *move, struct move *target)
{
	size_t from = move->relocations, start = 0, size = t->image.sections[from].header.sh_size;
	unsigned char *bytes;

	if (!from)
		return 0;
	if (!target->relocations) { /* no program before uses a map: this table becomes the common one */
		target->relocations = from;
		t->image.sections[from].header.sh_info = (uint32_t)move->target;
		bytes = image__edit(&t->image, from, 0);
	} else {
		start = t->image.sections[target->relocations].header.sh_size;
		bytes = image__edit(&t->image, target->relocations, size);
		if (bytes)
			memcpy(bytes + start, t->image.sections[from].data, size);
		t->image.sections[from].removed = true;
	}
	if (!bytes)
		return -ENOMEM;
	for (size_t at = start; at + sizeof(Elf64_Rel) <= start + size; at += sizeof(Elf64_Rel)) {
		Elf64_Rel rel;

		memcpy(&rel, bytes + at, sizeof(rel));
		rel.r_offset += move->shift;
		memcpy(bytes + at, &rel, sizeof(rel));
	}
	return 0;
}

static int move_symbols(struct transcode *t, const struct move *moves)
{
	struct image_section *symtab = &t->image.sections[t->elf->symtab];
	Elf64_Sym *symbols = image__edit(&t->image, t->elf->symtab, 0);

	if (!symbols)
		return -ENOMEM;
	for (size_t i = 1; i < symtab->header.sh_size / sizeof(*symbols); i++) {
		size_t section = symbols[i].st_shndx;

		if (section >= t->image.nr_sections || !t->image.sections[section].removed || !moves[section].target)
			continue;
		/* Debug information refers to the section's own symbol, which now stands for a place in it. */
		if (ELF64_ST_TYPE(symbols[i].st_info) == STT_SECTION)
			symbols[i].st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
		symbols[i].st_shndx = (Elf64_Section)moves[section].target;
		symbols[i].st_value += moves[section].shift;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static int rename_section(struct transcode *t, size_t section, const char *name, struct move *move)
{
	int string = t->obj->has_btf ? btf__add_str(t->btf, name) : 0;
	char relocations_name[sizeof(".rel") + MAX_SECTION_NAME];

	if (string < 0)
		return string;
	move->name = (uint32_t)string;
	if (image__rename(&t->image, section, name))
		return -ENOMEM;
	if (!move->relocations)
		return 0;
	snprintf(relocations_name, sizeof(relocations_name), ".rel%s", name);
	return image__rename(&t->image, move->relocations, relocations_name);
}

static int rename_slot(struct transcode *t, const struct elfmap_prog *prog, struct move *move)
{
	char name[64];

	snprintf(name, sizeof(name), "slot_%u_%u", prog->slot_id, prog->slot_key);
	return rename_section(t, prog->section_index, name, move);
}

static int join_section(struct transcode *t, size_t section, size_t target, struct move *moves)
{
	struct move *move = &moves[section];
	int err;

	move->target = target;
	if (section == target)
		return rename_section(t, section, t->opts->prog_section, move);
	move->name = (uint32_t)(t->obj->has_btf ? btf__add_str(t->btf, t->opts->prog_section) : 0);
	err = append_code(t, section, move);
	return err ?: append_relocations(t, move, &moves[target]);
}

static int name_sections(struct transcode *t, struct move *moves)
{
	size_t target = t->text_twin; /* first, since it calls .text by offsets from its own start */
	size_t *relocations = image__list_relocations(&t->image);
	int err = relocations ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < t->image.nr_sections; i++)
		moves[i].relocations = relocations[i];
	free(relocations);
	for (size_t i = 0; !err && i < t->obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &t->obj->progs[i];
		/* .text stays what it is to libbpf; its entry, if it has one, is in a twin (symbols). */
		size_t section = prog->section_index == t->elf->text ? t->text_twin : prog->section_index;

		if (!section || moves[section].target || prog->undefined)
			continue;
		target = target ? target : section;
		if (t->opts->prog_section) {
			err = join_section(t, section, target, moves);
		} else if (t->opts->rename_slots && prog->is_slot) {
			moves[section].target = section;
			err = rename_slot(t, prog, &moves[section]);
		}
	}
	return err ?: move_symbols(t, moves);
}

/* Sections that are new to `.BTF` need a name there to be found by. */
static int name_new(struct transcode *t, const char *name, struct move *move)
{
	int string = move->name || !t->obj->has_btf ? 0 : btf__add_str(t->btf, name);

	if (string > 0)
		move->name = (uint32_t)string;
	return string < 0 ? string : 0;
}

int transcode__names(struct transcode *t)
{
	bool renames = t->opts->prog_section || t->opts->rename_slots;
	struct move *moves;
	int err = 0;

	if (renames || t->text_twin || t->text) {
		moves = calloc(t->image.nr_sections, sizeof(*moves));
		if (!moves)
			return -ENOMEM;
		if (renames)
			err = name_sections(t, moves);
		if (!err && t->text_twin)
			err = name_new(t, ELFMAP_TEXT_TWIN, &moves[t->text_twin]);
		if (!err && t->text)
			err = name_new(t, ".text", &moves[t->text]);
		err = err ?: write_extension(t, moves);
		free(moves);
	}
	return err ?: transcode__write_btf(t);
}
