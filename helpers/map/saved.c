// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writes and reads the sections of what `elfmap map save` gives. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/map/saved.h"

#define MAX_WORDS 24

/* ---- base64 --------------------------------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void print_base64(FILE *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 3) {
		unsigned int left = size - i < 3 ? (unsigned int)(size - i) : 3;
		unsigned int group = (unsigned int)bytes[i] << 16;

		group |= left > 1 ? (unsigned int)bytes[i + 1] << 8 : 0;
		group |= left > 2 ? bytes[i + 2] : 0;
		putc(digits[group >> 18], to);
		putc(digits[group >> 12 & 63], to);
		putc(left > 1 ? digits[group >> 6 & 63] : '=', to);
		putc(left > 2 ? digits[group & 63] : '=', to);
	}
}

static int read_base64(const char *word, void **ret_bytes, size_t *ret_size)
{
	size_t length = strlen(word), size = 0;
	unsigned char *bytes;
	unsigned int group = 0;

	if (length % 4 || !length)
		return -EINVAL;
	bytes = malloc(length / 4 * 3);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		const char *digit = strchr(digits, word[i]);
		bool padding = word[i] == '=' && i + 2 >= length;

		if (!digit && !padding) {
			free(bytes);
			return -EINVAL;
		}
		group = group << 6 | (padding ? 0 : (unsigned int)(digit - digits));
		if (i % 4 < 3)
			continue;
		bytes[size++] = (unsigned char)(group >> 16);
		bytes[size++] = (unsigned char)(group >> 8);
		bytes[size++] = (unsigned char)group;
		group = 0;
	}
	size -= (word[length - 1] == '=') + (word[length - 2] == '=');
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

/* ---- pins ------------------------------------------------------------------------------------------- */

int saved_map__add_pin(struct saved_map *map, const char *word, const struct saved_pin *pin)
{
	struct saved_pin *grown = elfmap_array__grow(map->pins, map->nr_pins, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	map->pins = grown;
	grown[map->nr_pins] = *pin;
	grown[map->nr_pins].word = strdup(word);
	return grown[map->nr_pins++].word ? 0 : -ENOMEM;
}

void saved_map__clear(struct saved_map *map)
{
	for (size_t i = 0; i < map->nr_pins; i++)
		free(map->pins[i].word);
	free(map->pins);
	free(map->label);
	free(map->btf);
	free(map->btf_of);
	free(map->inner);
	elfmap_form__free(&map->form);
	*map = (struct saved_map){.form = {.btf = -1, .inner = -1}};
}

/* ---- writing -------------------------------------------------------------------------------------- */

void saved_map__print(FILE *to, const struct saved_map *map)
{
	const struct elfmap_form *form = &map->form;
	const char *type = elfmap_map_type_name(form->type);

	fprintf(to, "map %s\nform type ", map->label);
	if (type)
		fputs(type, to);
	else
		fprintf(to, "%u", form->type);
	fprintf(to, " key %u value %u max_entries %u flags 0x%x", form->key_size, form->value_size, form->max_entries,
		form->flags);
	if (form->extra)
		fprintf(to, " extra 0x%llx", form->extra);
	if (*form->name)
		fprintf(to, " name %.*s", (int)sizeof(form->name), form->name);
	putc('\n', to);
	for (size_t i = 0; i < map->nr_pins; i++)
		fprintf(to, "pin %s mode %04o uid %u gid %u\n", map->pins[i].word, map->pins[i].mode, map->pins[i].uid,
			map->pins[i].gid);
	if (map->btf_of) {
		fprintf(to, "btf %u %u of %s\n", form->btf_key, form->btf_value, map->btf_of);
	} else if (map->btf) {
		fprintf(to, "btf %u %u ", form->btf_key, form->btf_value);
		print_base64(to, map->btf, map->btf_size);
		putc('\n', to);
	}
	if (map->inner)
		fprintf(to, "inner %s\n", map->inner);
	if (map->cpus)
		fprintf(to, "cpus %u\n", map->cpus);
	if (form->frozen)
		fputs("frozen\n", to);
	fputs("entries\n", to);
}

/* ---- reading -------------------------------------------------------------------------------------- */

struct reading {
	struct saved_file *file;
	struct saved_map *map; /* the section we are in; NULL: between two */
	size_t line;
	struct elfmap_window window;
	const char *at; /* in the window */
	const char *end;
	bool has_form;
	struct elfmap_msg *msg;
};

static int refuse(const struct reading *reading, const char *why)
{
	return elfmap_msg__set(reading->msg, -EINVAL, "%s", why);
}

static bool read_type(const char *word, __u32 *ret_type)
{
	__u64 number;

	for (__u32 type = 1; elfmap_map_type_name(type); type++)
		if (!strcmp(elfmap_map_type_name(type), word)) {
			*ret_type = type;
			return true;
		}
	if (elfmap_number__read(word, 10, 0, UINT32_MAX, &number))
		return false;
	*ret_type = (__u32)number;
	return true;
}

/* One of the `NAME VALUE` pairs of the line `form`. */
static bool read_form_pair(struct elfmap_form *form, const char *name, const char *value)
{
	const struct {
		const char *name;
		__u32 *number;
	} numbers[] = {
		{"key", &form->key_size},
		{"value", &form->value_size},
		{"max_entries", &form->max_entries},
		{"flags", &form->flags},
	};
	__u64 number;
	bool ok;

	if (!strcmp(name, "type"))
		return read_type(value, &form->type);
	if (!strcmp(name, "name")) {
		snprintf(form->name, sizeof(form->name), "%s", value);
		return strlen(value) < sizeof(form->name);
	}
	if (!strcmp(name, "extra")) {
		ok = !elfmap_number__read(value, 0, 0, UINT64_MAX, &number);
		form->extra = ok ? number : 0;
		return ok;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (strcmp(numbers[i].name, name) != 0)
			continue;
		ok = !elfmap_number__read(value, 0, 0, UINT32_MAX, &number);
		*numbers[i].number = ok ? (__u32)number : 0;
		return ok;
	}
	return false;
}

static int read_form(struct reading *reading, char **words, size_t nr_words)
{
	reading->has_form = true;
	for (size_t i = 1; i < nr_words; i += 2)
		if (i + 1 == nr_words || !read_form_pair(&reading->map->form, words[i], words[i + 1]))
			return elfmap_msg__set(reading->msg, -EINVAL, "'%s %s': unknown name or invalid value",
					       words[i], i + 1 < nr_words ? words[i + 1] : "");
	return 0;
}

static int read_pin(struct reading *reading, char **words, size_t nr_words)
{
	__u64 mode, uid, gid;
	struct saved_pin pin;

	if (nr_words != 8 || strcmp(words[2], "mode") != 0 || strcmp(words[4], "uid") != 0 ||
	    strcmp(words[6], "gid") != 0 || elfmap_number__read(words[3], 8, 0, 07777, &mode) ||
	    elfmap_number__read(words[5], 10, 0, UINT32_MAX, &uid) ||
	    elfmap_number__read(words[7], 10, 0, UINT32_MAX, &gid))
		return refuse(reading, "'pin' has a name, mode, uid and gid");
	pin = (struct saved_pin){.mode = (__u32)mode, .uid = (__u32)uid, .gid = (__u32)gid};
	return saved_map__add_pin(reading->map, words[1], &pin);
}

static int read_btf(struct reading *reading, char **words, size_t nr_words)
{
	struct saved_map *map = reading->map;
	bool shared = nr_words == 5 && !strcmp(words[3], "of");
	__u64 key, value;
	int err;

	if ((nr_words != 4 && !shared) || map->btf || map->btf_of ||
	    elfmap_number__read(words[1], 10, 0, UINT32_MAX, &key) ||
	    elfmap_number__read(words[2], 10, 0, UINT32_MAX, &value))
		return refuse(reading, "'btf' has two types and the BTF that has them");
	map->form.btf_key = (__u32)key;
	map->form.btf_value = (__u32)value;
	if (shared) {
		map->btf_of = strdup(words[4]);
		return map->btf_of ? 0 : -ENOMEM;
	}
	err = read_base64(words[3], &map->btf, &map->btf_size);
	return err == -EINVAL ? refuse(reading, "'btf': invalid base64") : err;
}

static int begin_map(struct reading *reading, char **words, size_t nr_words)
{
	struct saved_file *file = reading->file;
	struct saved_map *grown;

	if (nr_words != 2)
		return refuse(reading, "'map' has one name");
	for (size_t i = 0; i < file->nr_maps; i++)
		if (!strcmp(file->maps[i].label, words[1]))
			return elfmap_msg__set(reading->msg, -EINVAL, "map %s is given twice", words[1]);
	grown = elfmap_array__grow(file->maps, file->nr_maps, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	file->maps = grown;
	reading->map = &grown[file->nr_maps];
	*reading->map = (struct saved_map){.label = strdup(words[1]), .line = reading->line};
	reading->map->form.btf = reading->map->form.inner = -1;
	if (!reading->map->label)
		return -ENOMEM;
	file->nr_maps++;
	reading->has_form = false;
	return 0;
}

/* 1: a line, with its end if it has one; 0: there are no more. */
static int next_line(struct reading *reading, const char **ret_line, size_t *ret_length)
{
	struct elfmap_window *window = &reading->window;
	const char *newline;
	int more;

	if (reading->at == reading->end) {
		more = elfmap_window__next(window, reading->msg);
		if (more <= 0)
			return more;
		reading->at = window->bytes;
		reading->end = window->bytes + window->whole;
	}
	newline = memchr(reading->at, '\n', (size_t)(reading->end - reading->at));
	if (!reading->line && reading->end - reading->at >= 3 && !memcmp(reading->at, "\xef\xbb\xbf", 3))
		reading->at += 3; /* a byte-order mark */
	*ret_line = reading->at;
	reading->at = newline ? newline + 1 : reading->end;
	*ret_length = (size_t)(reading->at - *ret_line);
	reading->line++;
	return 1;
}

/* How much of the file has been read. */
static __u64 position(const struct reading *reading)
{
	const char *begin = reading->window.bytes;

	return reading->window.at + (begin ? (__u64)(reading->at - begin) : 0);
}

static bool is_end(const char *line, size_t length)
{
	if (length && line[length - 1] == '\n')
		length--;
	if (length && line[length - 1] == '\r')
		length--;
	return length == 3 && !memcmp(line, "end", 3);
}

/* The entries are read later, when the map is there: for now where they are. */
static int skip_entries(struct reading *reading)
{
	struct saved_map *map = reading->map;
	const char *line;
	size_t length;
	int more;

	if (!reading->has_form)
		return refuse(reading, "entries of a map without a 'map' line that defines it");
	map->entries_at = position(reading);
	map->entries_line = reading->line + 1;
	while ((more = next_line(reading, &line, &length)) > 0) {
		if (!is_end(line, length))
			continue;
		map->entries_size = position(reading) - length - map->entries_at;
		reading->map = NULL;
		return 0;
	}
	return more ?: refuse(reading, "the file ends within the entries of a map: it is not whole");
}

static int read_inner(struct reading *reading, char **words, size_t nr_words)
{
	if (nr_words != 2 || reading->map->inner)
		return refuse(reading, "'inner' requires one name of a map");
	reading->map->inner = strdup(words[1]);
	return reading->map->inner ? 0 : -ENOMEM;
}

static int read_promise(struct reading *reading, char **words, size_t nr_words)
{
	__u64 number;

	__u64 version = SAVED_VERSION;

	if ((nr_words != 2 && (nr_words != 4 || strcmp(words[2], "version") != 0)) ||
	    elfmap_number__read(words[1], 10, 0, UINT32_MAX, &number) ||
	    (nr_words == 4 && elfmap_number__read(words[3], 10, 0, UINT32_MAX, &version)))
		return refuse(reading, "'maps' has their number, and a version");
	if (!version || version > SAVED_VERSION)
		return elfmap_msg__set(reading->msg, -EINVAL,
				       "version %s of the format is newer than this elfmap reads (up to %d)", words[3],
				       SAVED_VERSION);
	reading->file->promised = (size_t)number;
	reading->file->has_promise = true;
	return 0;
}

static int read_cpus(struct reading *reading, char **words, size_t nr_words)
{
	__u64 cpus;

	if (nr_words != 2 || elfmap_number__read(words[1], 10, 0, 65536, &cpus) || !cpus)
		return refuse(reading, "'cpus' has their number");
	reading->map->cpus = (unsigned int)cpus;
	return 0;
}

static int read_frozen(struct reading *reading, char **words, size_t nr_words)
{
	(void)words;
	reading->map->form.frozen = true;
	return nr_words == 1 ? 0 : refuse(reading, "'frozen' stands alone");
}

static int read_entries(struct reading *reading, char **words, size_t nr_words)
{
	(void)words;
	return nr_words == 1 ? skip_entries(reading) : refuse(reading, "'entries' stands alone");
}

static const struct {
	const char *word;
	bool within; /* a map */
	int (*read)(struct reading *reading, char **words, size_t nr_words);
} readers[] = {
	{"maps", false, read_promise}, {"map", false, begin_map},     {"form", true, read_form},
	{"pin", true, read_pin},       {"btf", true, read_btf},	      {"inner", true, read_inner},
	{"cpus", true, read_cpus},     {"frozen", true, read_frozen}, {"entries", true, read_entries},
};

static int read_words(struct reading *reading, char **words, size_t nr_words)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		if (strcmp(readers[i].word, words[0]) != 0)
			continue;
		if (readers[i].within && !reading->map)
			return elfmap_msg__set(reading->msg, -EINVAL, "'%s' outside of a map", words[0]);
		if (!readers[i].within && reading->map)
			return elfmap_msg__set(reading->msg, -EINVAL, "'%s' within a map", words[0]);
		return readers[i].read(reading, words, nr_words);
	}
	return elfmap_msg__set(reading->msg, -EINVAL, "unexpected word '%s': not a file that 'elfmap map save' wrote",
			       words[0]);
}

static int read_line(struct reading *reading, const char *line, size_t length)
{
	char *words[MAX_WORDS], *copy, *rest;
	size_t nr_words = 0;
	int err = 0;

	copy = rest = strndup(line, length);
	if (!copy)
		return elfmap_msg__set(reading->msg, -ENOMEM, "no memory");
	for (char *word; nr_words < MAX_WORDS && (word = strsep(&rest, " \t\r\n"));)
		if (*word)
			words[nr_words++] = word;
	if (nr_words && *words[0] != '#')
		err = read_words(reading, words, nr_words);
	free(copy);
	return err == -ENOMEM ? elfmap_msg__set(reading->msg, err, "no memory") : err;
}

int saved_file__read(struct saved_file *file, size_t *ret_line, struct elfmap_msg *msg)
{
	struct reading reading = {.file = file, .window.fd = file->fd, .msg = msg};
	off_t start = lseek(file->fd, 0, SEEK_CUR);
	const char *line;
	size_t length;
	int err = 0, more = 1;

	file->start = start < 0 ? 0 : (__u64)start;
	while (!err && (more = next_line(&reading, &line, &length)) > 0)
		err = read_line(&reading, line, length);
	err = err ?: more;
	if (!err && reading.map)
		err = refuse(&reading, "the file ends within a map: it is not whole");
	if (!err && !file->has_promise)
		err = refuse(
			&reading,
			"the line 'maps NUMBER' is missing: not a file that 'elfmap map save' wrote, or incomplete");
	if (!err && file->promised != file->nr_maps)
		err = elfmap_msg__set(msg, -EINVAL, "it should have %zu maps and has %zu: it is not whole",
				      file->promised, file->nr_maps);
	elfmap_window__free(&reading.window);
	if (err)
		*ret_line = reading.line;
	return err;
}

void saved_file__free(struct saved_file *file)
{
	for (size_t i = 0; i < file->nr_maps; i++)
		saved_map__clear(&file->maps[i]);
	free(file->maps);
	file->maps = NULL;
	file->nr_maps = 0;
}

/* ---- reading entries ------------------------------------------------------------------------------ */

int saved_entries__begin(struct saved_entries *entries, const struct saved_file *file, const struct saved_map *map,
			 struct elfmap_resolver *names, struct elfmap_msg *msg)
{
	*entries = (struct saved_entries){.window = {.fd = file->fd, .limit = map->entries_size},
					  .text = elfmap_text__new(NULL, 0, names, msg),
					  .first_line = map->entries_line};
	entries->window.at_end = !map->entries_size;
	if (lseek(file->fd, (off_t)(file->start + map->entries_at), SEEK_SET) < 0)
		return elfmap_msg__set(msg, -errno, "cannot be read again: %s", strerror(errno));
	return 0;
}

int saved_entries__next(struct saved_entries *entries, const struct elfmap_format *format, void *key, void *value)
{
	struct elfmap_window *window = &entries->window;
	struct elfmap_text *text = &entries->text;
	int more = elfmap_text__read_entry(text, format, key, value);

	while (!more && (more = elfmap_window__next(window, text->msg)) > 0) {
		text->at = window->bytes;
		text->end = window->bytes + window->whole;
		text->line = text->wrong = NULL;
		more = elfmap_text__read_entry(text, format, key, value);
	}
	return more;
}

size_t saved_entries__line(const struct saved_entries *entries)
{
	return entries->first_line + entries->text.line_number - 1;
}

void saved_entries__end(struct saved_entries *entries)
{
	elfmap_window__free(&entries->window);
}
