// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Changes parts of a value: single members, and the value of one CPU. A program stores them in place (map/poke.h), so
 * that other bytes stay as programs write them; with --racy the value is read, changed and written back.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_member.h"
#include "kinds/maps.h"
#include "map/map_write.h"
#include "map/poke.h"

struct member {
	const struct elfmap_type *type;
	size_t offset; /* in the value */
	unsigned char *bytes;
	const char *word;
};

struct setting {
	const struct member_request *request;
	struct target target;
	unsigned char *key;
	unsigned char *value; /* of one CPU, or all copies */
	struct member *members;
	size_t nr;
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* The length of "a.b[2]" in "a.b[2]=5"; 0: another word. */
static size_t name_length(const char *word)
{
	size_t length = 0;

	if (!isalpha((unsigned char)*word) && *word != '_')
		return 0;
	while (isalnum((unsigned char)word[length]) || (word[length] && strchr("_.[]", word[length])))
		length++;
	return word[length] == '=' ? length : 0;
}

bool map_member__is_last(const struct option_words *data)
{
	return data->nr > 1 && name_length(data->words[data->nr - 1]);
}

static int refuse_name(const struct setting *setting, const char *word, const char *why)
{
	return complain(setting->request->pin, "%.*s: %s; 'elfmap map show %s' shows the members",
			(int)strcspn(word, "="), word, why, setting->request->pin);
}

static const struct elfmap_type *find_child(const struct elfmap_type *type, const char *name, size_t length)
{
	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++)
		if (type->members[i].name_length == length && !memcmp(type->members[i].name, name, length))
			return &type->members[i];
	return NULL;
}

/* Follows NAME from the type and offset in MEMBER. */
static int find_member(const struct setting *setting, const char *word, struct member *member)
{
	const char *at = word;

	while (*at != '=') {
		size_t length = strcspn(at, ".[=");
		const struct elfmap_type *child = find_child(member->type, at, length);

		if (!length || !child)
			return refuse_name(setting, word, "no such member");
		member->type = child;
		member->offset += child->offset;
		at += length;
		while (*at == '[') {
			char *rest;
			unsigned long index = strtoul(at + 1, &rest, 10);

			if (*rest != ']' || member->type->notation != ELFMAP_ARRAY || index >= member->type->count)
				return refuse_name(setting, word, "no such element");
			member->type = member->type->members;
			member->offset += index * member->type->size;
			at = rest + 1;
		}
		if (*at == '.')
			at++;
		else if (*at != '=')
			return refuse_name(setting, word, "no such member");
	}
	return EXIT_SUCCESS;
}

static int read_member(struct setting *setting, const char *word)
{
	struct member *grown = elfmap_array__grow(setting->members, setting->nr, sizeof(*grown)), *member;
	struct elfmap_msg msg;
	struct elfmap_text text;
	const char *value = strchr(word, '=') + 1;

	if (!grown)
		return complain(setting->request->pin, "no memory");
	setting->members = grown;
	member = &grown[setting->nr];
	*member = (struct member){.type = setting->target.map.format.value, .word = word};
	if (find_member(setting, word, member))
		return EXIT_FAILURE;
	member->bytes = calloc(1, member->type->size + sizeof(__u64));
	if (!member->bytes)
		return complain(setting->request->pin, "no memory");
	setting->nr++;
	text = elfmap_text__new(value, strlen(value), setting->target.resolver, &msg);
	text.ids = false;
	if (elfmap_text__read(&text, member->type, member->bytes))
		return complain(setting->request->pin, "%.*s: %s", (int)strcspn(word, "="), word, msg.text);
	if (!elfmap_text__is_at_end(&text))
		return complain(setting->request->pin, "%s: unexpected words after the value", word);
	return EXIT_SUCCESS;
}

/* The key, and with VALUE a whole value of one CPU. */
static int read_entry(struct setting *setting, int nr_words, bool value)
{
	const struct option_words words = {setting->request->data->words, nr_words};
	char *line = join_words(&words);
	struct elfmap_format *format = &setting->target.map.format;
	const char *what = "key";
	struct elfmap_msg msg;
	struct elfmap_text text;
	int err, status = EXIT_SUCCESS;

	if (!line)
		return complain(setting->request->pin, "no memory");
	text = elfmap_text__new(line, strlen(line), setting->target.resolver, &msg);
	text.ids = false;
	err = elfmap_text__read(&text, format->key, setting->key);
	if (!err && value) {
		what = "value";
		err = elfmap_text__read(&text, format->value, setting->value);
	}
	if (err)
		status = complain(setting->request->pin, "%s: %s", what, msg.text);
	else if (!elfmap_text__is_at_end(&text))
		status = complain(setting->request->pin, "one entry at a time: unexpected words after the %s", what);
	free(line);
	return status;
}

static int read_words(struct setting *setting)
{
	const struct option_words *data = setting->request->data;
	int first = data->nr, status;

	while (first > 1 && name_length(data->words[first - 1]))
		first--;
	status = read_entry(setting, first, first == data->nr);
	for (int i = first; !status && i < data->nr; i++)
		status = read_member(setting, data->words[i]);
	return status;
}

/* ---- in place ---------------------------------------------------------------------------------------------------- */

static bool is_bitfield(const struct elfmap_type *type)
{
	return type->bits && (type->bits != 8 * type->size || type->bit_offset);
}

static int check_place(const struct setting *setting, const struct member *member)
{
	size_t size = member->type->size;
	const char *why = NULL;

	if (is_bitfield(member->type))
		why = "a bit field shares its bytes with others";
	else if ((size != 1 && size != 2 && size != 4 && size != 8) || member->offset % size)
		why = "only aligned members of 1, 2, 4 or 8 bytes are written in one step";
	if (!why)
		return EXIT_SUCCESS;
	return complain(setting->request->pin,
			"%.*s: cannot be changed in place: %s; with --racy the value is read, changed and written, and "
			"what programs write meanwhile is lost",
			(int)strcspn(member->word, "="), member->word, why);
}

static int set_in_place(const struct setting *setting)
{
	struct elfmap_poke *pokes = calloc(setting->nr + 1, sizeof(*pokes));
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS;

	if (!pokes)
		return complain(setting->request->pin, "no memory");
	for (size_t i = 0; !status && i < setting->nr; i++) {
		status = check_place(setting, &setting->members[i]);
		pokes[i] = (struct elfmap_poke){.offset = (__u32)setting->members[i].offset,
						.size = (__u32)setting->members[i].type->size};
		if (!status)
			memcpy(pokes[i].bytes, setting->members[i].bytes, pokes[i].size);
	}
	if (!status) {
		int err = elfmap_map__check_pokable(&setting->target.map, &msg);

		if (err)
			status = complain(setting->request->pin, "%s%s", msg.text,
					  err == -EOPNOTSUPP ? "; --racy reads, changes and writes the value" : "");
	}
	if (!status &&
	    elfmap_map__poke(&setting->target.map, setting->key, setting->request->cpu, pokes, setting->nr, &msg))
		status = complain(setting->request->pin, "%s", msg.text);
	free(pokes);
	return status;
}

/* ---- read, change, write ----------------------------------------------------------------------------------------- */

static void merge_bits(unsigned char *to, const unsigned char *from, unsigned int first, unsigned int bits)
{
	for (unsigned int bit = first; bit < first + bits; bit++) {
		unsigned int shift = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? bit % 8 : 7 - bit % 8;
		unsigned char mask = (unsigned char)(1u << shift);

		to[bit / 8] = (unsigned char)((to[bit / 8] & ~mask) | (from[bit / 8] & mask));
	}
}

static int set_racy(const struct setting *setting)
{
	const struct elfmap_reader *map = &setting->target.map;
	struct elfmap_job job = {.map = map, .flags = BPF_EXIST};
	unsigned char *value = setting->value;
	struct elfmap_msg msg;
	int err = elfmap_map__lookup_exact(map, setting->key, value, &msg);

	if (setting->request->cpu >= 0)
		value += (size_t)setting->request->cpu * map->format.stride;
	for (size_t i = 0; !err && i < setting->nr; i++) {
		const struct member *member = &setting->members[i];

		if (is_bitfield(member->type))
			merge_bits(value + member->offset, member->bytes, member->type->bit_offset, member->type->bits);
		else
			memcpy(value + member->offset, member->bytes, member->type->size);
	}
	err = err ?: elfmap_job__update(&job, setting->key, setting->value, 1, &msg);
	return err ? complain(setting->request->pin, "%s", msg.text) : EXIT_SUCCESS;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static int check_map(const struct setting *setting)
{
	const struct elfmap_reader *map = &setting->target.map;
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);
	const char *pin = setting->request->pin;
	struct elfmap_msg msg;

	if (elfmap_map__check_writable(map, &msg))
		return complain(pin, "%s", msg.text);
	if (!map->info.key_size || kind->value != ELFMAP_VALUE_BYTES)
		return complain(pin, "%s has no members", kind->phrase);
	if (setting->request->cpu >= 0 && !kind->per_cpu)
		return complain(pin, "%s has one value for all CPUs; omit 'cpu'", kind->phrase);
	if (setting->request->cpu < 0 && kind->per_cpu)
		return complain(pin, "%s has a value for each CPU; choose one with 'cpu N'", kind->phrase);
	if (setting->request->cpu >= 0 && (size_t)setting->request->cpu >= map->format.copies)
		return complain(pin, "there is no CPU %d: the values are of CPU 0 to %zu", setting->request->cpu,
				map->format.copies - 1);
	return EXIT_SUCCESS;
}

static int set(struct setting *setting)
{
	const struct elfmap_reader *map = &setting->target.map;
	struct elfmap_msg msg;
	int status = check_map(setting);

	if (status)
		return status;
	setting->key = calloc(1, map->info.key_size + 1);
	setting->value = calloc(1, elfmap_map__value_size(map) + 1);
	if (!setting->key || !setting->value)
		return complain(setting->request->pin, "no memory");
	status = read_words(setting);
	if (status)
		return status;
	if (setting->nr)
		return setting->request->racy ? set_racy(setting) : set_in_place(setting);
	if (setting->request->racy)
		return complain(setting->request->pin, "--racy is for 'member=value'");
	if (elfmap_map__update_cpu(map, setting->key, setting->request->cpu, setting->value, &msg))
		return complain(setting->request->pin, "%s", msg.text);
	return EXIT_SUCCESS;
}

int map_member__set(const struct member_request *request)
{
	struct setting setting = {.request = request, .target.map.fd = -1};
	int status = target__open(&setting.target, request->pin, ELFMAP_READ_WRITE, request->words) ?: set(&setting);

	if (!status)
		output__add("written", json_object_new_uint64(1));
	for (size_t i = 0; i < setting.nr; i++)
		free(setting.members[i].bytes);
	free(setting.members);
	free(setting.key);
	free(setting.value);
	target__close(&setting.target);
	return status;
}
