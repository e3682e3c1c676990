// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From names to numbers: enumerators, devices, cgroups, programs and maps. What a name means beyond the
 * types is the resolver's to know. */
#include <limits.h>
#include <stdio.h>

#include "text/text_scan.h"

static bool begins_number(const struct elfmap_text *text)
{
	const char *at = text->at;

	at += at < text->end && *at == '-';
	return at < text->end && *at >= '0' && *at <= '9';
}

/* ---- enum and bool ---------------------------------------------------------------------------------------- */

static const struct elfmap_enumerator *find_enumerator(const struct elfmap_type *type, const char *name, size_t length)
{
	for (size_t i = 0; i < type->nr_enumerators; i++)
		if (type->enumerators[i].name_length == length && !memcmp(type->enumerators[i].name, name, length))
			return &type->enumerators[i];
	return NULL;
}

static int read_enum(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	size_t length = (size_t)(word_end(text) - word);
	const struct elfmap_enumerator *found;

	if (begins_number(text))
		return text__read_number(text, type, to);
	if (!length || *word == '#')
		return text__expected(text, "a name of the enum or a number");
	found = find_enumerator(type, word, length);
	if (!found)
		return text__refuse(text, word, "the enum has no '%.*s'", text__shown(text, word), word);
	text->at += length;
	return text__store_number(text, word, type, to, found->number);
}

static int read_bool(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;

	if (take_word(text, "true", 4))
		return text__store_number(text, word, type, to, 1);
	if (take_word(text, "false", 5))
		return text__store_number(text, word, type, to, 0);
	/* A byte that no C program has made is a number. */
	return begins_number(text) ? text__read_number(text, type, to) : text__expected(text, "true or false");
}

/* ---- devices ------------------------------------------------------------------------------------------------- */

static int read_device(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	struct elfmap_resolver *resolver = text->resolver;
	const char *word = text->at;
	char name[IF_NAMESIZE];
	__u32 ifindex;
	int err;

	if (begins_number(text))
		return text__read_number(text, type, to);
	if (take_word(text, "dev", 3))
		skip_blanks(text);
	err = text__read_quotable(text, "a device", name, sizeof(name));
	if (err)
		return err;
	if (!resolver || !resolver->device)
		return text__refuse(text, word, "'%s': names of devices are not known here", name);
	err = resolver->device(resolver, name, &ifindex, text->msg);
	if (err) {
		text->wrong = word;
		return err;
	}
	return text__store_number(text, word, type, to, ifindex);
}

/* ---- objects --------------------------------------------------------------------------------------------------- */

/* The words that name an object, with room for the paths in them. */
struct spelling {
	struct elfmap_reference reference;
	char path[PATH_MAX];
	char section[256];
};

static int read_id(struct elfmap_text *text, struct elfmap_reference *reference)
{
	const char *word;
	unsigned __int128 id;

	skip_blanks(text);
	word = text->at;
	if (text__scan_number(text, &id) || id > (reference->kind == ELFMAP_CGROUP ? ~0ull : ~0u)) {
		text->at = word;
		return text__expected(text, "an id");
	}
	reference->id = (__u64)id;
	return 0;
}

static int read_file(struct elfmap_text *text, struct spelling *spelling)
{
	int err = text__read_quotable(text, "an object file", spelling->path, sizeof(spelling->path));

	skip_blanks(text);
	if (!err && !take_word(text, "sec", 3) && !take_word(text, "section", 7))
		err = text__expected(text, "'sec' and the program's section");
	skip_blanks(text);
	spelling->reference.path = spelling->path;
	spelling->reference.section = spelling->section;
	return err ?: text__read_quotable(text, "a section", spelling->section, sizeof(spelling->section));
}

static int read_spelling(struct elfmap_text *text, enum elfmap_notation kind, struct spelling *spelling)
{
	const char *what = kind == ELFMAP_PROG	? "a program: id N, pinned PIN or obj FILE sec SECTION"
			   : kind == ELFMAP_MAP ? "a map: id N or pinned PIN"
						: "a cgroup: its path or its id";

	spelling->reference = (struct elfmap_reference){.kind = kind};
	if (take_word(text, "id", 2))
		return read_id(text, &spelling->reference);
	if (kind == ELFMAP_PROG && (take_word(text, "obj", 3) || take_word(text, "object-file", 11))) {
		skip_blanks(text);
		return read_file(text, spelling);
	}
	if (kind != ELFMAP_CGROUP && !take_word(text, "pinned", 6))
		return text__expected(text, what);
	if (kind == ELFMAP_CGROUP)
		take_word(text, "cgroup", 6);
	skip_blanks(text);
	spelling->reference.path = spelling->path;
	return text__read_quotable(text, kind == ELFMAP_CGROUP ? what : "a pin", spelling->path,
				   sizeof(spelling->path));
}

static int resolve(struct elfmap_text *text, const char *word, const struct elfmap_reference *reference, int *ret_fd,
		   __u64 *ret_id)
{
	struct elfmap_resolver *resolver = text->resolver;
	int err;

	if (!resolver || !resolver->object)
		return text__refuse(text, word, "names of programs, maps and cgroups are not known here");
	err = resolver->object(resolver, reference, ret_fd, ret_id, text->msg);
	if (err)
		text->wrong = word;
	return err;
}

/* A number that stands for the object, and that only means something as long as this machine runs. */
static int read_stored_id(struct elfmap_text *text, const struct elfmap_type *type, enum elfmap_notation kind,
			  unsigned char *to)
{
	const struct elfmap_type number = {
		.notation = ELFMAP_INTEGER, .size = type->size, .bits = 8 * (unsigned int)type->size};
	const char *word = text->at;
	struct spelling spelling;
	__u64 id;
	int err;

	if (begins_number(text))
		return text__read_number(text, &number, to);
	err = read_spelling(text, kind, &spelling);
	if (err)
		return err;
	id = spelling.reference.id;
	if (spelling.reference.path)
		err = resolve(text, word, &spelling.reference, NULL, &id);
	return err ?: text__store_number(text, word, &number, to, id);
}

static int read_object(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type number = {
		.notation = ELFMAP_INTEGER, .size = type->size, .bits = 8 * (unsigned int)type->size};
	bool wants_id = text->ids && type->notation != ELFMAP_CGROUP;
	const char *word = text->at;
	struct spelling spelling;
	int fd = -1, err;
	__u64 id;

	if (type->notation != ELFMAP_CGROUP && take_word(text, "0", 1)) /* none */
		return text__store_number(text, word, &number, to, 0);
	err = read_spelling(text, type->notation, &spelling);
	err = err ?: resolve(text, word, &spelling.reference, wants_id ? NULL : &fd, &id);
	return err ?: text__store_number(text, word, &number, to, wants_id ? id : (__u64)fd);
}

static int read_handle(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type number = {
		.notation = ELFMAP_INTEGER, .size = type->size, .bits = 8 * (unsigned int)type->size};
	const char *word = text->at;
	unsigned __int128 fd;

	if (!take_word(text, "fd", 2))
		return text__expected(text, "fd N, a descriptor that is open in this process");
	skip_blanks(text);
	if (text__scan_number(text, &fd) || fd > INT_MAX)
		return text__expected(text, "a descriptor's number");
	return text__store_number(text, word, &number, to, fd);
}

int text__read_name(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	switch (type->notation) {
	case ELFMAP_BOOL:
		return read_bool(text, type, to);
	case ELFMAP_ENUM:
		return read_enum(text, type, to);
	case ELFMAP_IFINDEX:
		return read_device(text, type, to);
	case ELFMAP_CGROUP_ID:
		return read_stored_id(text, type, ELFMAP_CGROUP, to);
	case ELFMAP_PROG_ID:
		return read_stored_id(text, type, ELFMAP_PROG, to);
	case ELFMAP_MAP_ID:
		return read_stored_id(text, type, ELFMAP_MAP, to);
	case ELFMAP_HANDLE:
		return read_handle(text, type, to);
	default:
		return read_object(text, type, to);
	}
}

/* ---- ids into descriptors ------------------------------------------------------------------------------------------
 */

static int open_one(const struct elfmap_type *type, struct elfmap_resolver *resolver, unsigned char *bytes,
		    struct elfmap_msg *msg)
{
	struct elfmap_reference reference = {.kind = type->notation};
	__u32 number;
	__u64 id;
	int fd, err;

	memcpy(&number, bytes, sizeof(number));
	reference.id = number;
	if (!number)
		return 0;
	if (!resolver || !resolver->object)
		return elfmap_msg__set(msg, -EINVAL, "ids of programs and maps are not known here");
	err = resolver->object(resolver, &reference, &fd, &id, msg);
	if (err)
		return err;
	memcpy(bytes, &fd, sizeof(fd));
	return 0;
}

int elfmap_type__open_objects(const struct elfmap_type *type, struct elfmap_resolver *resolver, void *bytes,
			      struct elfmap_msg *msg)
{
	unsigned char *at = bytes;
	int err = 0;

	if (!type->has_objects)
		return 0;
	if (type->notation == ELFMAP_PROG || type->notation == ELFMAP_MAP)
		return open_one(type, resolver, at, msg);
	for (size_t i = 0; i < type->nr_members && !err; i++)
		err = elfmap_type__open_objects(&type->members[i], resolver, at + type->members[i].offset, msg);
	return err;
}
