// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names of numbers: enumerators, devices, cgroups, programs and maps. The resolver knows all but enumerators. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text/scan.h"

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* Does NAME read back as a word without quotes? */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name >= 0x7f || is_delimiter(*name) || *name == '\\')
			return false;
	return true;
}

static void add_name(struct elfmap_buffer *to, const char *name)
{
	if (*name && *name != '#' && is_plain(name))
		buffer__add_text(to, name);
	else
		text__add_quoted(to, name, strlen(name));
}

/* ---- enums ---------------------------------------------------------------------------------------- */

/* How many bytes all names have in common, up to and with the last underscore among them. */
static size_t common_prefix(const struct elfmap_type *type)
{
	const char *first = type->nr_enumerators ? type->enumerators[0].name : "";
	size_t length = strlen(first);

	for (size_t i = 1; i < type->nr_enumerators; i++)
		while (strncmp(first, type->enumerators[i].name, length) != 0)
			length--;
	while (length && first[length - 1] != '_')
		length--;
	return type->nr_enumerators > 1 ? length : 0;
}

static bool is_caseless(const char *name, const char *word, size_t length)
{
	return strlen(name) == length && !strncasecmp(name, word, length);
}

const struct elfmap_enumerator *elfmap_enum__find(const struct elfmap_type *type, const char *word, size_t length,
						  __u64 most)
{
	const struct elfmap_enumerator *end = type->enumerators + type->nr_enumerators, *found = NULL;
	bool several = false;
	size_t prefix;

	for (const struct elfmap_enumerator *at = type->enumerators; at < end; at++)
		if (at->name_length == length && !memcmp(at->name, word, length) && at->number <= most)
			return at;
	prefix = common_prefix(type);
	for (const struct elfmap_enumerator *at = type->enumerators; at < end; at++) {
		if (at->number > most ||
		    (!is_caseless(at->name, word, length) && !is_caseless(at->name + prefix, word, length)))
			continue;
		several |= found && found->number != at->number;
		found = at;
	}
	return several ? NULL : found;
}

void elfmap_enum__list(const struct elfmap_type *type, __u64 most, char *ret_names, size_t size)
{
	size_t prefix = common_prefix(type), used = 0;

	*ret_names = '\0';
	for (size_t i = 0; i < type->nr_enumerators; i++) {
		const char *name = type->enumerators[i].name + prefix;

		if (type->enumerators[i].number > most)
			continue;
		if (used + strlen(name) + sizeof(", , ...") > size) {
			snprintf(ret_names + used, size - used, ", ...");
			break;
		}
		used += (size_t)snprintf(ret_names + used, size - used, "%s%s", used ? ", " : "", name);
	}
	for (char *at = ret_names; *at; at++)
		*at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
}

int text__read_enum(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	size_t length = (size_t)(word_end(text) - word);
	const struct elfmap_enumerator *found;
	char names[300];

	if (text__begins_number(text))
		return text__read_number(text, type, to);
	if (!length || *word == '#')
		return text__expected_type(text, type);
	found = elfmap_enum__find(type, word, length, ~0ull);
	if (!found) {
		elfmap_enum__list(type, ~0ull, names, sizeof(names));
		return text__refuse(text, word, "the enum has no '%.*s'%s%s", text__shown(text, word), word,
				    *names ? "; there are: " : "", names);
	}
	text->at += length;
	return text__store_number(text, word, type, to, found->number);
}

/* Enumerators that would not read back as names are written as numbers. */
void text__write_enum(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      struct elfmap_resolver *resolver)
{
	const char *name = elfmap_type__enumerator(type, elfmap_type__number(type, value));

	if (name && (isalpha((unsigned char)*name) || *name == '_') && is_plain(name) && strcmp(name, "hex") != 0)
		buffer__add_text(to, name);
	else
		text__write_number(to, type, value, resolver);
}

void json__add_enum(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	const char *name = elfmap_type__enumerator(type, elfmap_type__number(type, value));

	if (name)
		elfmap_json__string(json, name);
	else
		json__add_number(json, type, value);
}

/* ---- devices ------------------------------------------------------------------------------------------------- */

int text__read_device(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	struct elfmap_resolver *resolver = text->resolver;
	const char *word = text->at;
	char name[IF_NAMESIZE];
	__u32 ifindex;
	int err;

	if (text__begins_number(text))
		return text__read_number(text, type, to);
	if (take_word(text, "dev", 3))
		skip_blanks(text);
	err = text__read_quotable(text, notation_of(type)->expected, name, sizeof(name));
	if (err)
		return err;
	if (!resolver || !resolver->device)
		return text__refuse(text, word, "'%s': device names cannot be resolved here; use the number", name);
	err = resolver->device(resolver, name, &ifindex, text->msg);
	if (err) {
		text->wrong = word;
		return err;
	}
	return text__store_number(text, word, type, to, ifindex);
}

void text__write_device(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	__int128 number = elfmap_type__number(type, value);
	const char *name = NULL;

	if (number && number == (__u32)number && resolver && resolver->device_name)
		name = resolver->device_name(resolver, (__u32)number);
	if (!name) {
		text__write_number(to, type, value, resolver);
		return;
	}
	/* The name of a device may be 7 or hex. */
	if (!isalpha((unsigned char)*name) || !is_plain(name) || !strcmp(name, "hex") || !strcmp(name, "dev"))
		buffer__add_text(to, "dev ");
	add_name(to, name);
}

/* ---- objects --------------------------------------------------------------------------------------------------- */

/* A reference to an object, with room for its paths. */
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
	const char *what = notations[kind].expected;

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
		return text__refuse(text, word,
				    "names of programs, maps and cgroups cannot be resolved here; use the number");
	err = resolver->object(resolver, reference, ret_fd, ret_id, text->msg);
	if (err)
		text->wrong = word;
	return err;
}

/* The number in the bytes. */
static struct elfmap_type number_type(const struct elfmap_type *type)
{
	return (struct elfmap_type){
		.notation = ELFMAP_INTEGER, .size = type->size, .bits = 8 * (unsigned int)type->size};
}

/* The id of an object, which is valid until the next boot. */
int text__read_id(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type number = number_type(type);
	const char *word = text->at;
	struct spelling spelling;
	__u64 id;
	int err;

	if (text__begins_number(text))
		return text__read_number(text, &number, to);
	err = read_spelling(text, notation_of(type)->object, &spelling);
	if (err)
		return err;
	id = spelling.reference.id;
	if (spelling.reference.path)
		err = resolve(text, word, &spelling.reference, NULL, &id);
	return err ?: text__store_number(text, word, &number, to, id);
}

int text__read_slot(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type number = number_type(type);
	bool is_readable = notation_of(type)->is_slot, wants_id = text->ids && is_readable;
	const char *word = text->at;
	struct spelling spelling;
	int fd = -1, err;
	__u64 id = 0;

	if (is_readable && take_word(text, "0", 1)) /* empty */
		return text__store_number(text, word, &number, to, 0);
	err = read_spelling(text, notation_of(type)->object, &spelling);
	err = err ?: resolve(text, word, &spelling.reference, wants_id ? NULL : &fd, &id);
	return err ?: text__store_number(text, word, &number, to, wants_id ? id : (__u64)fd);
}

int text__read_handle(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type number = number_type(type);
	const char *word = text->at;
	unsigned __int128 fd;

	if (!take_word(text, "fd", 2))
		return text__expected_type(text, type);
	skip_blanks(text);
	if (text__scan_number(text, &fd) || fd > INT_MAX)
		return text__expected(text, "a descriptor's number");
	return text__store_number(text, word, &number, to, fd);
}

static __u64 id_of(const struct elfmap_type *type, const struct elfmap_value *value)
{
	const struct elfmap_type number = number_type(type);

	return (__u64)elfmap_type__number(&number, value);
}

void text__write_handle(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	(void)resolver;
	buffer__add_u64(to, id_of(type, value));
}

void text__write_cgroup(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	__u64 id = id_of(type, value);
	const char *path = resolver && resolver->cgroup_path && id ? resolver->cgroup_path(resolver, id) : NULL;

	if (path)
		add_name(to, path);
	else
		buffer__add_u64(to, id);
}

void text__write_object(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	__u32 id = (__u32)id_of(type, value);
	const char *words = NULL;

	if (id && resolver && resolver->object_words)
		words = resolver->object_words(resolver, notation_of(type)->object, id);
	if (words) {
		buffer__add_text(to, words);
		return;
	}
	buffer__add(to, "id ", id ? 3 : 0);
	buffer__add_u64(to, id);
}

void json__add_id(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	const struct elfmap_type number = number_type(type);

	json__add_number(json, &number, value);
}

/* ---- ids into descriptors ------------------------------------------------------------------------------------- */

static int open_one(const struct elfmap_type *type, struct elfmap_resolver *resolver, unsigned char *bytes,
		    struct elfmap_msg *msg)
{
	struct elfmap_reference reference = {.kind = notation_of(type)->object};
	__u32 number;
	__u64 id;
	int fd, err;

	memcpy(&number, bytes, sizeof(number));
	reference.id = number;
	if (!number)
		return 0;
	if (!resolver || !resolver->object)
		return elfmap_msg__set(msg, -EINVAL, "ids of programs and maps cannot be resolved here");
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
	if (notation_of(type)->is_slot)
		return open_one(type, resolver, at, msg);
	for (size_t i = 0; i < type->nr_members && !err; i++)
		err = elfmap_type__open_objects(&type->members[i], resolver, at + type->members[i].offset, msg);
	return err;
}
