// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From words to types, for maps whose program did not keep them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "text/codec_tree.h"

#define MAX_DEPTH 32
#define MAX_DIMENSIONS 8
#define MAX_SIZE (256u << 20)
#define MAX_NAME 128

struct words {
	const char *at;
	size_t all; /* what `bytes` alone means; 0: nothing */
	struct elfmap_msg *msg;
	unsigned int depth;
};

static int parse_type(struct words *words, struct elfmap_type *node);

static int refuse(struct words *words, const char *why, const char *what, size_t length)
{
	return elfmap_msg__set(words->msg, -EINVAL, "%s '%.*s'", why, (int)(length < MAX_NAME ? length : MAX_NAME),
			       what);
}

static int no_memory(struct words *words)
{
	return elfmap_msg__set(words->msg, -ENOMEM, "no memory");
}

/* ---- words ------------------------------------------------------------------------------------------------- */

static void skip_blanks(struct words *words)
{
	words->at += strspn(words->at, " \t");
}

size_t type__word_length(const char *at)
{
	return strcspn(at, " \t\r\n[]{}:");
}

static bool take(struct words *words, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(words);
	if (strncmp(words->at, word, length) != 0)
		return false;
	words->at += length;
	return true;
}

static int expected(struct words *words, const char *what)
{
	size_t length = type__word_length(words->at);

	if (!*words->at)
		return elfmap_msg__set(words->msg, -EINVAL, "the type ends where %s should be", what);
	return elfmap_msg__set(words->msg, -EINVAL, "%s should be where '%.*s' is", what, (int)(length ? length : 1),
			       words->at);
}

/* `[N]`. */
static int parse_length(struct words *words, size_t *ret_length)
{
	unsigned long long length;
	char *end;

	if (*words->at < '0' || *words->at > '9')
		return expected(words, "a number of elements");
	errno = 0;
	length = strtoull(words->at, &end, 10);
	if (errno || !length || length > MAX_SIZE)
		return refuse(words, "not a number of elements:", words->at, (size_t)(end - words->at));
	words->at = end;
	if (!take(words, "]"))
		return expected(words, "']'");
	*ret_length = length;
	return 0;
}

/* ---- names of types -------------------------------------------------------------------------------------------- */

/* u8, s16, ...: letter and bits. */
static bool is_integer(const char *word, size_t length, const char *prefix, size_t *ret_size, size_t most)
{
	size_t skip = strlen(prefix);

	if (length <= skip || strncmp(word, prefix, skip) != 0)
		return false;
	for (size_t size = 1; size <= most; size *= 2) {
		char bits[8];

		if (length - skip == (size_t)snprintf(bits, sizeof(bits), "%zu", 8 * size) &&
		    !memcmp(word + skip, bits, length - skip)) {
			*ret_size = size;
			return true;
		}
	}
	return false;
}

static int make_prefix(struct words *words, struct elfmap_type *node, enum elfmap_notation data, size_t size)
{
	type__set_notation(node, ELFMAP_PREFIX, 4 + size);
	if (elfmap_type__add_member(node, "prefixlen", 0, ELFMAP_INTEGER, 4) ||
	    elfmap_type__add_member(node, "data", 4, data, size))
		return no_memory(words);
	return 0;
}

/* One word that is a type; 1: it is none. */
static int parse_name(struct words *words, const char *word, size_t length, struct elfmap_type *node)
{
	static const struct notation more[] = {
		{"bool", 1, ELFMAP_BOOL},
		{"cgroup", 8, ELFMAP_CGROUP_ID},
		{"prog", 4, ELFMAP_PROG_ID},
		{"map", 4, ELFMAP_MAP_ID},
	};
	const struct notation *notation;
	char name[MAX_NAME];
	size_t size;

	if (length >= sizeof(name))
		return 1;
	memcpy(name, word, length);
	name[length] = '\0';
	if (!strcmp(name, "prefix4"))
		return make_prefix(words, node, ELFMAP_IPV4, 4);
	if (!strcmp(name, "prefix6"))
		return make_prefix(words, node, ELFMAP_IPV6, 16);
	if (!strcmp(name, "prefix"))
		return make_prefix(words, node, ELFMAP_IP, 16);
	if (is_integer(word, length, "u", &size, 16) || is_integer(word, length, "s", &size, 16)) {
		type__set_notation(node, ELFMAP_INTEGER, size);
		node->is_signed = *word == 's';
		return 0;
	}
	notation = notation__find(name, 0);
	for (size_t i = 0; !notation && i < sizeof(more) / sizeof(*more); i++)
		if (!strcmp(more[i].name, name))
			notation = &more[i];
	if (!notation)
		return 1;
	type__set_notation(node, notation->notation, notation->size);
	return 0;
}

/* `bytes[N]`, `string[N]`, and without [N] where that says enough. */
static int parse_bytes(struct words *words, enum elfmap_notation notation, struct elfmap_type *node)
{
	size_t length = words->all;
	int err = 0;

	if (take(words, "["))
		err = parse_length(words, &length);
	else if (words->depth > 1 || !words->all)
		return expected(words, "[N], the number of bytes,");
	type__set_notation(node, notation, length);
	node->count = length;
	return err;
}

/* ---- structs and enums --------------------------------------------------------------------------------------- */

static int parse_field(struct words *words, struct elfmap_type *node)
{
	struct elfmap_type *member = type__new_member(node, "", 0);
	size_t length, alignment;
	int err;

	if (!member)
		return no_memory(words);
	err = parse_type(words, member);
	if (err)
		return err;
	skip_blanks(words);
	length = type__word_length(words->at);
	if (!type__is_name(words->at, length))
		return expected(words, "a field's name");
	for (size_t i = 0; i + 1 < node->nr_members; i++)
		if (node->members[i].name_length == length && !memcmp(node->members[i].name, words->at, length))
			return refuse(words, "two fields have the name", words->at, length);
	if (type__set_name(member, words->at, length))
		return no_memory(words);
	words->at += length;
	alignment = node->is_packed ? 1 : type__alignment(member);
	member->offset = type__round_up(node->size, alignment);
	node->size = member->offset + member->size;
	type__note_member(node);
	return node->size > MAX_SIZE ? refuse(words, "too large:", "struct", 6) : 0;
}

static int parse_struct(struct words *words, struct elfmap_type *node)
{
	type__set_notation(node, ELFMAP_STRUCT, 0);
	skip_blanks(words);
	if (type__word_length(words->at) == 6 && take(words, "packed"))
		node->is_packed = true;
	if (!take(words, "{"))
		return expected(words, "'{'");
	while (!take(words, "}")) {
		int err = *words->at ? parse_field(words, node) : expected(words, "a field, or '}',");

		if (err)
			return err;
	}
	if (!node->nr_members)
		return refuse(words, "no field in", "struct { }", 10);
	node->size = type__round_up(node->size, type__alignment(node));
	type__recognise_prefix(node);
	return 0;
}

static int parse_enumerator(struct words *words, struct elfmap_type *node, size_t room)
{
	struct elfmap_enumerator *enumerator = &node->enumerators[node->nr_enumerators];
	size_t length = type__word_length(words->at);
	long long number;
	char *end;

	if (!type__is_name(words->at, length) || node->nr_enumerators == room)
		return expected(words, "a name and a number, or '}',");
	enumerator->name = words->at;
	enumerator->name_length = length;
	words->at += length;
	skip_blanks(words);
	errno = 0;
	number = *words->at == '-' ? strtoll(words->at, &end, 0) : (long long)strtoull(words->at, &end, 0);
	if (errno || end == words->at || type__word_length(words->at) != (size_t)(end - words->at))
		return expected(words, "the number of a name");
	node->is_signed |= *words->at == '-';
	if (node->bits < 64 && (number >> (node->bits - node->is_signed)) != (node->is_signed && number < 0 ? -1 : 0))
		return refuse(words, "not in the enum's range:", words->at, (size_t)(end - words->at));
	words->at = end;
	enumerator->number = (__u64)number;
	node->nr_enumerators++;
	return 0;
}

/* The names live in a copy of the words. */
static int own_enumerators(struct words *words, struct elfmap_type *node, const char *start)
{
	char *copy = strndup(start, (size_t)(words->at - start));

	if (!copy)
		return no_memory(words);
	node->owned_enumerators = copy;
	for (size_t i = 0; i < node->nr_enumerators; i++) {
		struct elfmap_enumerator *enumerator = &node->enumerators[i];
		char *name = copy + (enumerator->name - start);

		name[enumerator->name_length] = '\0';
		enumerator->name = name;
	}
	return 0;
}

static int parse_enum(struct words *words, size_t size, struct elfmap_type *node)
{
	size_t room = strcspn(words->at, "}") / 4 + 1; /* a name, a number, and blanks */
	const char *start;
	int err = 0;

	type__set_notation(node, ELFMAP_ENUM, size);
	if (!take(words, "{"))
		return expected(words, "'{'");
	node->enumerators = calloc(room, sizeof(*node->enumerators));
	if (!node->enumerators)
		return no_memory(words);
	start = words->at;
	while (!err && !take(words, "}"))
		err = parse_enumerator(words, node, room);
	if (err) {
		node->nr_enumerators = 0;
		return err;
	}
	return own_enumerators(words, node, start);
}

/* ---- types ----------------------------------------------------------------------------------------------------- */

static int parse_base(struct words *words, struct elfmap_type *node)
{
	const char *word;
	size_t length, size;
	int err;

	skip_blanks(words);
	word = words->at;
	length = type__word_length(word);
	words->at += length;
	if (length == 6 && !strncmp(word, "struct", length))
		return parse_struct(words, node);
	if (length == 4 && !strncmp(word, "enum", length))
		return parse_enum(words, 4, node);
	if (is_integer(word, length, "enum", &size, 8))
		return parse_enum(words, size, node);
	if (length == 5 && !strncmp(word, "bytes", length))
		return parse_bytes(words, ELFMAP_HEX, node);
	if (length == 6 && !strncmp(word, "string", length))
		return parse_bytes(words, ELFMAP_STRING, node);
	err = parse_name(words, word, length, node);
	if (err <= 0)
		return err;
	words->at = word;
	if (!length)
		return expected(words, "a type");
	return refuse(words, "there is no type", word, length);
}

/* Makes NODE an array of COUNT of what it was. */
static int wrap(struct words *words, struct elfmap_type *node, size_t count)
{
	struct elfmap_type element = *node, *place;

	*node = (struct elfmap_type){.name = ""};
	place = type__new_member(node, "", 0);
	if (!place) {
		*node = element;
		return no_memory(words);
	}
	*place = element;
	if (!count || element.size > MAX_SIZE / count)
		return refuse(words, "too large:", "[N]", 3);
	type__set_notation(node, ELFMAP_ARRAY, element.size * count);
	node->count = count;
	node->has_objects = element.has_objects;
	return 0;
}

/* Fills all of NODE but its place in the parent. */
static int parse_type(struct words *words, struct elfmap_type *node)
{
	size_t counts[MAX_DIMENSIONS] = {}, nr = 0;
	int err;

	if (++words->depth > MAX_DEPTH)
		return refuse(words, "nested too deeply:", "struct", 6);
	err = parse_base(words, node);
	while (!err && take(words, "[")) {
		if (nr == MAX_DIMENSIONS)
			return refuse(words, "too many dimensions:", words->at, type__word_length(words->at));
		err = parse_length(words, &counts[nr++]);
	}
	/* The last one is the innermost. */
	while (!err && nr)
		err = wrap(words, node, counts[--nr]);
	words->depth--;
	return err;
}

int elfmap_type__parse(const char **words, size_t size, struct elfmap_type **ret_type, struct elfmap_msg *msg)
{
	struct words state = {.at = *words, .all = size, .msg = msg};
	struct elfmap_type *type = elfmap_type__new(ELFMAP_HEX, size);
	int length, err;

	if (!type)
		return no_memory(&state);
	err = parse_type(&state, type);
	length = (int)(state.at - *words);
	if (!err && type->size != size)
		err = elfmap_msg__set(msg, -EINVAL, "'%.*s' has %zu bytes, the map's has %zu",
				      length < MAX_NAME ? length : MAX_NAME, *words, type->size, size);
	if (!err && elfmap_type__finish(type))
		err = no_memory(&state);
	if (err) {
		elfmap_type__free(type);
		return err;
	}
	*words = state.at;
	*ret_type = type;
	return 0;
}
