// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parses types, for maps without BTF, and writes them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "text/notation.h"

#define MAX_DEPTH 32
#define MAX_DIMENSIONS 8
#define MAX_SIZE (256u << 20)
#define MAX_NAME 128

struct words {
	const char *at;
	size_t all; /* the size of `bytes` without [N]; 0: not allowed */
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

static size_t word_length(const char *at)
{
	return strcspn(at, " \t\r\n[]{}:");
}

/* Is NAME the word that comes next? */
static bool is_word(const struct words *words, const char *name, size_t length)
{
	return name && word_length(words->at) == length && !memcmp(name, words->at, length);
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
	size_t length = word_length(words->at);

	if (!*words->at)
		return elfmap_msg__set(words->msg, -EINVAL, "expected %s, but the type ends", what);
	return elfmap_msg__set(words->msg, -EINVAL, "expected %s, not '%.*s'", what, (int)(length ? length : 1),
			       words->at);
}

/* `[N]`. */
static int parse_length(struct words *words, size_t *ret_length)
{
	size_t digits = strspn(words->at, "0123456789");
	__u64 length;

	if (!digits)
		return expected(words, "a number of elements");
	if (elfmap_number__read_part(words->at, digits, 10, 1, MAX_SIZE, &length))
		return refuse(words, "invalid number of elements", words->at, digits);
	words->at += digits;
	if (!take(words, "]"))
		return expected(words, "']'");
	*ret_length = length;
	return 0;
}

/* ---- names of types -------------------------------------------------------------------------------------------- */

int words__parse_plain(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
		       struct elfmap_type *node)
{
	(void)words;
	type__set_notation(node, notation, name->size);
	node->is_signed = name->is_signed;
	return 0;
}

/* A prefix of the addresses whose column `prefix` is this name. */
int words__parse_prefix(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
			struct elfmap_type *node)
{
	int data = 0;

	while (!notations[data].prefix || strcmp(notations[data].prefix, name->name) != 0)
		data++;
	type__set_notation(node, notation, name->size);
	if (elfmap_type__add_member(node, "prefixlen", 0, ELFMAP_INTEGER, 4) ||
	    elfmap_type__add_member(node, "data", 4, data, name->size - 4))
		return no_memory(words);
	return 0;
}

/* `bytes[N]`, `string[N]`; [N] is optional if the size is known. */
int words__parse_bytes(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
		       struct elfmap_type *node)
{
	size_t length = words->all;
	int err = 0;

	(void)name;
	if (take(words, "["))
		err = parse_length(words, &length);
	else if (words->depth > 1 || !words->all)
		return expected(words, "[N], the number of bytes");
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
	length = word_length(words->at);
	if (!type__is_name(words->at, length))
		return expected(words, "a field's name");
	for (size_t i = 0; i + 1 < node->nr_members; i++)
		if (is_word(words, node->members[i].name, node->members[i].name_length))
			return refuse(words, "duplicate field", words->at, length);
	if (type__set_name(member, words->at, length))
		return no_memory(words);
	words->at += length;
	alignment = node->is_packed ? 1 : type__alignment(member);
	member->offset = type__round_up(node->size, alignment);
	node->size = member->offset + member->size;
	type__note_member(node);
	return node->size > MAX_SIZE ? refuse(words, "too large:", "struct", 6) : 0;
}

int words__parse_struct(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
			struct elfmap_type *node)
{
	type__set_notation(node, notation, name->size);
	skip_blanks(words);
	if (word_length(words->at) == 6 && take(words, "packed"))
		node->is_packed = true;
	if (!take(words, "{"))
		return expected(words, "'{'");
	while (!take(words, "}")) {
		int err = *words->at ? parse_field(words, node) : expected(words, "a field or '}'");

		if (err)
			return err;
	}
	if (!node->nr_members)
		return refuse(words, "no field in", "struct { }", 10);
	node->size = type__round_up(node->size, type__alignment(node));
	type__recognise_prefix(node);
	return 0;
}

static bool fits(const struct elfmap_type *node, __u64 number, bool is_negative)
{
	long long high = node->bits < 64 ? (long long)number >> (node->bits - node->is_signed) : 0;

	return node->bits == 64 || high == (is_negative ? -1 : 0);
}

static int parse_enumerator(struct words *words, struct elfmap_type *node, size_t room)
{
	struct elfmap_enumerator *enumerator = &node->enumerators[node->nr_enumerators];
	size_t length = word_length(words->at);
	bool is_negative;
	__u64 number;
	int err;

	if (!type__is_name(words->at, length) || node->nr_enumerators == room)
		return expected(words, "a name and a number, or '}'");
	for (size_t i = 0; i < node->nr_enumerators; i++)
		if (is_word(words, node->enumerators[i].name, node->enumerators[i].name_length))
			return refuse(words, "duplicate name", words->at, length);
	enumerator->name = words->at;
	enumerator->name_length = length;
	words->at += length;
	skip_blanks(words);
	is_negative = *words->at == '-';
	length = word_length(words->at + is_negative);
	err = elfmap_number__read_part(words->at + is_negative, length, 0, 0, is_negative ? 1ull << 63 : ~0ull,
				       &number);
	if (err == -EINVAL)
		return expected(words, "the number of a name");
	number = is_negative ? -number : number;
	node->is_signed |= is_negative;
	if (err || !fits(node, number, is_negative))
		return refuse(words, "outside the range of the enum:", words->at, length + is_negative);
	words->at += length + is_negative;
	enumerator->number = number;
	node->nr_enumerators++;
	return 0;
}

/* Copies the names. */
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

int words__parse_enum(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
		      struct elfmap_type *node)
{
	size_t room = strcspn(words->at, "}") / 4 + 1; /* for a name, a number, and blanks */
	const char *start;
	int err = 0;

	type__set_notation(node, notation, name->size);
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
	const struct elfmap_type_name *name;
	enum elfmap_notation notation;
	const char *word;
	size_t length;

	skip_blanks(words);
	word = words->at;
	length = word_length(word);
	if (!length)
		return expected(words, "a type");
	name = notation__find(word, length, &notation);
	if (!name)
		return refuse(words, "unknown type", word, length);
	words->at += length;
	return notations[notation].parse(words, notation, name, node);
}

/* Makes NODE an array of COUNT times its former type. */
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

/* Fills NODE except its offset in the parent. */
static int parse_type(struct words *words, struct elfmap_type *node)
{
	size_t counts[MAX_DIMENSIONS] = {}, nr = 0;
	int err;

	if (++words->depth > MAX_DEPTH)
		return refuse(words, "nested too deeply:", "struct", 6);
	err = parse_base(words, node);
	while (!err && take(words, "[")) {
		if (nr == MAX_DIMENSIONS)
			return refuse(words, "too many dimensions:", words->at, word_length(words->at));
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

/* ---- types to words --------------------------------------------------------------------------------------------- */

static void add_length(struct elfmap_buffer *to, size_t length)
{
	buffer__add_char(to, '[');
	buffer__add_u64(to, length);
	buffer__add_char(to, ']');
}

bool words__describe_struct(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	size_t end = 0;
	bool exact = type->nr_members;

	buffer__add_text(to, type->is_packed ? "struct packed { " : "struct { ");
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];

		exact &= member->offset == type__round_up(end, type->is_packed ? 1 : type__alignment(member));
		exact &= member->name_length && word_length(member->name) == member->name_length;
		end = member->offset + member->size;
		exact &= elfmap_type__write(to, member);
		buffer__add_char(to, ' ');
		buffer__add(to, member->name, member->name_length);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
	return exact && type->size == type__round_up(end, type__alignment(type));
}

bool words__describe_enum(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	bool exact = true;

	buffer__add_text(to, "enum");
	if (type->size != 4)
		buffer__add_u64(to, type->bits);
	buffer__add_text(to, " { ");
	for (size_t i = 0; i < type->nr_enumerators; i++) {
		const struct elfmap_enumerator *enumerator = &type->enumerators[i];
		__int128 number = type->is_signed ? (__s64)enumerator->number : (__int128)enumerator->number;

		if (!type->is_signed && type->bits < 64)
			number &= (__int128)(1ull << type->bits) - 1;
		exact &= enumerator->name_length && word_length(enumerator->name) == enumerator->name_length;
		buffer__add(to, enumerator->name, enumerator->name_length);
		buffer__add_char(to, ' ');
		buffer__add_number(to, number, false);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
	return exact;
}

/* Writes the lengths in the order of parsing. */
bool words__describe_array(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	const struct elfmap_type *element = type;
	bool exact;

	while (element->notation == ELFMAP_ARRAY && element->nr_members)
		element = element->members;
	exact = elfmap_type__write(to, element);
	for (; type != element; type = type->members) {
		exact &= type->count > 0;
		add_length(to, type->count);
	}
	return exact;
}

static bool is_whole(const struct elfmap_type *type)
{
	return !type->bits || type->bits == 8 * type->size;
}

/* The name of the notation with this size. */
bool words__describe_plain(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	const struct elfmap_type_name *name = notation_of(type)->names;

	buffer__add_text(to, name->name);
	return name->size == type->size && is_whole(type);
}

bool words__describe_integer(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	bool is_network = notation_of(type)->number == NUMBER_NETWORK;

	buffer__add_text(to, is_network ? "be" : type->is_signed ? "s" : "u");
	buffer__add_u64(to, type->bits);
	return is_whole(type) && (type->size & (type->size - 1)) == 0;
}

bool words__describe_bytes(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	buffer__add_text(to, notation_of(type)->names->name);
	add_length(to, type->size);
	return type->size > 0;
}

/* A prefix of bytes that are not an address has no name. */
bool words__describe_prefix(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	const char *name = notation_of(&type->members[1])->prefix;

	if (name) {
		buffer__add_text(to, name);
		return true;
	}
	buffer__add_text(to, "bytes");
	add_length(to, type->size);
	return false;
}

/* As the type of an id of such an object. */
bool words__describe_slot(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	for (int i = 0; i < ELFMAP_NR_NOTATIONS; i++)
		if (notations[i].object == notation_of(type)->object && notations[i].names->name)
			buffer__add_text(to, notations[i].names->name);
	return true;
}

bool words__describe_handle(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	(void)type;
	buffer__add_text(to, "fd");
	return false;
}

bool elfmap_type__write(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	return notation_of(type)->describe(to, type);
}

/* ---- types in files: two files that have the same map are an error ------------------------------------------ */

struct search {
	const char *dir;
	const char *name;
	size_t key_size;
	size_t value_size;
	struct elfmap_type *key;
	struct elfmap_type *value;
	char found[PATH_MAX]; /* FILE:LINE of the line found; "": not found yet */
	struct elfmap_msg *msg;
};

/* Skips backup copies of editors and hidden files. */
static int is_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[length - 1] != '~' &&
	       (entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static int parse_column(const char **at, size_t size, const char *what, struct elfmap_type **ret_type,
			struct elfmap_msg *msg)
{
	*at += strspn(*at, " \t");
	if (!size) {
		if (**at != '-')
			return elfmap_msg__set(msg, -EINVAL, "the map has no %s: write '-' as their type", what);
		++*at;
		return 0;
	}
	return elfmap_type__parse(at, size, ret_type, msg);
}

static int parse_types(struct search *search, const char *at, struct elfmap_msg *msg)
{
	int err = parse_column(&at, search->key_size, "keys", &search->key, msg);

	err = err ?: parse_column(&at, search->value_size, "values", &search->value, msg);
	if (err)
		return err;
	at += strspn(at, " \t");
	return *at ? elfmap_msg__set(msg, -EINVAL, "unexpected '%s' after the two types", at) : 0;
}

/* Changes LINE. */
static int read_line(struct search *search, char *line, const char *file, unsigned int number)
{
	struct elfmap_msg why;
	char place[PATH_MAX];
	size_t length;
	int err;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	length = strcspn(line, " \t");
	if (length != strlen(search->name) || memcmp(line, search->name, length) != 0)
		return 0;
	snprintf(place, sizeof(place), "%s/%s:%u", search->dir, file, number);
	if (*search->found)
		return elfmap_msg__set(search->msg, -ENOTUNIQ, "%s and %s both have types for '%s'", search->found,
				       place, search->name);
	strcpy(search->found, place);
	err = parse_types(search, line + length, &why);
	return err ? elfmap_msg__set(search->msg, err, "%s: %s", place, why.text) : 0;
}

static int read_file(struct search *search, const char *file)
{
	char path[PATH_MAX], *line = NULL;
	unsigned int number = 0;
	size_t room = 0;
	FILE *from = NULL;
	int err = 0, fd;

	snprintf(path, sizeof(path), "%s/%s", search->dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a FIFO */
	if (fd >= 0)
		from = fdopen(fd, "r");
	if (!from) {
		err = elfmap_msg__set(search->msg, -errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && getline(&line, &room, from) >= 0)
		err = read_line(search, line, file, ++number);
	if (!err && ferror(from))
		err = elfmap_msg__set(search->msg, -EIO, "%s: cannot be read", path);
	free(line);
	fclose(from);
	return err;
}

int elfmap_types_dir__find(const char *dir, const char *name, size_t key_size, size_t value_size,
			   struct elfmap_type **ret_key, struct elfmap_type **ret_value, struct elfmap_msg *msg)
{
	struct search search = {
		.dir = dir,
		.name = name,
		.key_size = key_size,
		.value_size = value_size,
		.msg = msg,
	};
	struct dirent **files;
	int nr = scandir(dir, &files, is_file, alphasort), err = 0;

	if (nr < 0 && errno != ENOENT && errno != ENOTDIR)
		return elfmap_msg__set(msg, -errno, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < nr; i++) {
		err = err ?: read_file(&search, files[i]->d_name);
		free(files[i]);
	}
	if (nr >= 0)
		free(files);
	if (err) {
		elfmap_type__free(search.key);
		elfmap_type__free(search.value);
		return err;
	}
	*ret_key = search.key;
	*ret_value = search.value;
	return 0;
}
