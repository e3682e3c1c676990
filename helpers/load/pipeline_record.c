// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the lines of a pipeline have made, noted in tc/elfmap/pipelines/ID, where ID is a hash of the file's path and of
 * the network namespace of the command. One line each: a key, which says what and where, and the line of the file.
 *
 *   attach NETNS DEV HOOK DIRECTION CHAIN PRIO HANDLE OWN-NAME  NAME
 *   load DIRECTORY
 *   slot PIN NUMBER  PROGRAM
 *
 * OWN-NAME is empty where only one hook has room. Words are separated by spaces; in them spaces, line breaks and '%'
 * are written as %20 and the like. With --prune what is noted and is not named by a line any more is removed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/netns.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "hook/hook.h"
#include "load/load.h"
#include "pins/pin_change.h"
#include "pins/text_pin.h"
#include "text/buffer.h"

/* ---- words --------------------------------------------------------------------------------------------------- */

static void add_word(struct elfmap_buffer *to, const char *word)
{
	static const char digits[] = "0123456789ABCDEF";

	if (to->length && to->bytes[to->length - 1] != '\n')
		elfmap_buffer__add(to, " ", 1);
	if (!*word)
		elfmap_buffer__add(to, "%", 1); /* an empty word */
	for (; *word; word++) {
		unsigned char c = (unsigned char)*word;
		char code[3] = {'%', digits[c >> 4], digits[c & 15]};

		if (c <= ' ' || c == '%' || c == '\177')
			elfmap_buffer__add(to, code, sizeof(code));
		else
			elfmap_buffer__add(to, word, 1);
	}
}

static void add_number(struct elfmap_buffer *to, unsigned long number)
{
	char word[24];

	snprintf(word, sizeof(word), "%lu", number);
	add_word(to, word);
}

/* In place. */
static void unescape(char *word)
{
	char *to = word;

	for (; *word; word++, to++) {
		unsigned int c;

		*to = *word;
		if (*word != '%' || sscanf(word + 1, "%2X", &c) != 1 || !word[1] || !word[2])
			continue;
		*to = (char)c;
		word += 2;
	}
	*to = '\0';
}

/* Splits TEXT in place. Returns the number of words. */
static int split(char *text, char *words[], int max)
{
	int nr = 0;
	char *word;

	while (nr < max && (word = strsep(&text, " "))) {
		if (!strcmp(word, "%"))
			*word = '\0';
		else
			unescape(word);
		words[nr++] = word;
	}
	return nr;
}

/* ---- keys ---------------------------------------------------------------------------------------------------- */

#define MAX_KEY 9
#define MAX_LINE 64

static unsigned long number_of(const struct pipeline_netns *netns)
{
	unsigned long number = 0;
	struct stat file;

	if (netns->fd < 0)
		elfmap_netns__number(&number, NULL);
	else if (!fstat(netns->fd, &file))
		number = (unsigned long)file.st_ino;
	return number;
}

static void add_hook_key(struct elfmap_buffer *to, const struct line_hook *hook, const char *name)
{
	add_word(to, "attach");
	add_number(to, number_of(hook->netns));
	add_word(to, hook->request.dev);
	add_word(to, hook->request.kind->name);
	add_number(to, hook->request.direction);
	add_number(to, hook->request.chain);
	add_number(to, hook->request.prio);
	add_number(to, hook->request.handle);
	add_word(to, line_hook__is_whole(hook) ? "" : name);
	add_word(to, name);
}

static int add_key(struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_buffer *to)
{
	char name[ELFMAP_HOOK_NAME];

	switch (line->kind) {
	case LINE_ATTACH:
		if (line_hook__name(pipeline, line->hook, name))
			return -ENOENT;
		add_hook_key(to, line->hook, name);
		return 0;
	case LINE_LOAD:
		add_word(to, "load");
		add_word(to, line->load->dir);
		return 0;
	case LINE_SLOT:
		add_word(to, "slot");
		add_word(to, line->slot->path);
		add_number(to, line->slot->number);
		return 0;
	default:
		return -ENOENT;
	}
}

/* ---- entries ------------------------------------------------------------------------------------------------- */

/* TEXT without the words of the line; they follow after a '|'. */
static char *new_entry(struct pipeline *pipeline, const struct pipeline_line *line)
{
	struct elfmap_buffer text = {};

	if (!add_key(pipeline, line, &text)) {
		if (line->kind == LINE_SLOT)
			add_number(&text, line->slot->after ?: line->slot->before);
		add_word(&text, "|");
		for (int i = 0; i < line->argc; i++)
			add_word(&text, line->argv[i]);
	}
	elfmap_buffer__add(&text, "", 1);
	if (text.error || text.length == 1) {
		elfmap_buffer__free(&text);
		return NULL;
	}
	return text.bytes;
}

/* The length of its key: what decides whether two entries are for the same thing. */
static size_t key_length(const char *entry)
{
	size_t words = !strncmp(entry, "slot ", 5) ? 3 : !strncmp(entry, "load ", 5) ? 2 : MAX_KEY;
	const char *at = entry;

	while (words-- && *at)
		at += strcspn(at, " ") + (words ? 1 : 0);
	return (size_t)(at - entry);
}

static int compare_entries(const void *left, const void *right)
{
	const char *a = *(const char *const *)left, *b = *(const char *const *)right;
	size_t length = key_length(a), other = key_length(b);

	return strncmp(a, b, length < other ? length : other) ?: (length > other) - (length < other);
}

static int add_entry(struct pipeline_record *record, char *entry)
{
	char **grown = entry ? elfmap_array__grow(record->entries, record->nr, sizeof(*grown)) : NULL;

	if (!grown) {
		free(entry);
		return -ENOMEM;
	}
	record->entries = grown;
	grown[record->nr++] = entry;
	return 0;
}

static void free_record(struct pipeline_record *record)
{
	for (size_t i = 0; i < record->nr; i++)
		free(record->entries[i]);
	free(record->entries);
	record->entries = NULL;
	record->nr = 0;
}

static bool has_entry(const struct pipeline_record *record, const char *entry)
{
	return record->nr && bsearch(&entry, record->entries, record->nr, sizeof(*record->entries), compare_entries);
}

/* ---- reading and writing --------------------------------------------------------------------------------------- */

static int find_path(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	char path[PATH_MAX], hash[41], *identity;
	unsigned long netns;
	int length, err = elfmap_netns__number(&netns, msg);

	if (err)
		return err;
	/* The working directory is that of the file. */
	if (!realpath(elfmap_path__name(pipeline->file), path))
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	length = asprintf(&identity, "%s\n%lu", path, netns);
	if (length < 0)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elfmap_sha1(identity, (size_t)length, hash);
	free(identity);
	if (asprintf(&pipeline->record.path, "%s/elfmap/pipelines/%s", pipeline->tc_dir, hash) < 0) {
		pipeline->record.path = NULL;
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	return 0;
}

int pipeline_record__read(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct pipeline_record *record = &pipeline->record;
	char *text, *at, *entry;
	int err;

	if (!strcmp(pipeline->file, "-"))
		return 0;
	err = find_path(pipeline, msg) ?: elfmap_text_pin__read(record->path, &text, msg);
	if (err)
		return err == -ENOENT ? 0 : err;
	at = text;
	while (!err && (entry = strsep(&at, "\n")))
		err = *entry ? add_entry(record, strdup(entry)) : 0;
	free(text);
	if (record->nr)
		qsort(record->entries, record->nr, sizeof(*record->entries), compare_entries);
	return err ? elfmap_msg__set(msg, err, "no memory") : 0;
}

static int write_record(const struct pipeline *pipeline, const struct pipeline_record *record, struct elfmap_msg *msg)
{
	struct elfmap_buffer text = {};
	int err;

	if (!record->nr) {
		elfmap_pin__remove(pipeline->record.path, 2);
		return 0;
	}
	for (size_t i = 0; i < record->nr; i++) {
		elfmap_buffer__add(&text, record->entries[i], strlen(record->entries[i]));
		elfmap_buffer__add(&text, "\n", 1);
	}
	elfmap_buffer__add(&text, "", 1);
	err = text.error ? elfmap_msg__set(msg, -ENOMEM, "no memory")
			 : elfmap_text_pin__write(pipeline->record.path, text.bytes, msg);
	elfmap_buffer__free(&text);
	return err;
}

/* ---- before and after the work ----------------------------------------------------------------------------------- */

static bool is_made(const struct pipeline_line *line)
{
	if (line->is_taken_over)
		return true;
	return (line->kind == LINE_ATTACH || line->kind == LINE_LOAD ||
		(line->kind == LINE_SLOT && line->slot->file && line->slot->has_number)) &&
	       (line->intent == WILL_ADD || line->intent == WILL_CHANGE);
}

/* The entries of lines that make something, and the others that are noted; IS_DONE: without those that were removed. */
static int merge(struct pipeline *pipeline, bool is_done, struct pipeline_record *ret_record)
{
	struct pipeline_record made = {}, gone = {};
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (is_made(line))
			err = add_entry(&made, new_entry(pipeline, line));
		else if (is_done && line->noted)
			err = add_entry(&gone, strdup(line->noted));
	}
	if (made.nr)
		qsort(made.entries, made.nr, sizeof(*made.entries), compare_entries);
	if (gone.nr)
		qsort(gone.entries, gone.nr, sizeof(*gone.entries), compare_entries);
	for (size_t i = 0, nr = made.nr; !err && i < pipeline->record.nr; i++) {
		const struct pipeline_record sorted = {.entries = made.entries, .nr = nr};
		const char *entry = pipeline->record.entries[i];

		if (!has_entry(&sorted, entry) && !has_entry(&gone, entry))
			err = add_entry(&made, strdup(entry));
	}
	free_record(&gone);
	if (err)
		free_record(&made);
	else
		*ret_record = made;
	return err;
}

/* Does the work change what is noted? */
static bool has_news(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (is_made(&pipeline->lines[i]) || pipeline->lines[i].noted)
			return true;
	return false;
}

static int update(struct pipeline *pipeline, bool is_done, struct elfmap_msg *msg)
{
	struct pipeline_record record = {};
	int err = merge(pipeline, is_done, &record);

	err = err ? elfmap_msg__set(msg, err, "no memory") : write_record(pipeline, &record, msg);
	free_record(&record);
	return err;
}

int pipeline_record__begin(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	return pipeline->record.path && has_news(pipeline) ? update(pipeline, false, msg) : 0;
}

/* Is there more to note than before the work? */
static bool has_more(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].noted || (pipeline->lines[i].kind == LINE_SLOT && is_made(&pipeline->lines[i])))
			return true;
	return false;
}

void pipeline_record__end(struct pipeline *pipeline, bool keep)
{
	struct elfmap_msg msg;
	int err = 0;

	if (!pipeline->record.path || !has_news(pipeline))
		return;
	if (!keep)
		err = write_record(pipeline, &pipeline->record, &msg);
	else if (has_more(pipeline))
		err = update(pipeline, true, &msg);
	if (err)
		complain(pipeline->file, "warning: the record for --prune is not up to date: %s", msg.text);
}

void pipeline_record__free(struct pipeline_record *record)
{
	free_record(record);
	free(record->path);
	record->path = NULL;
}

/* ---- prune ------------------------------------------------------------------------------------------------------- */

/* The namespace with this number. -ENOENT: it is gone, or has no name here. */
static int find_netns(struct pipeline *pipeline, unsigned long number, struct pipeline_netns **ret_netns,
		      struct elfmap_msg *msg)
{
	char name[NAME_MAX + 1];

	for (size_t i = 0; i < pipeline->nr_netns; i++)
		if (number_of(pipeline->netns[i]) == number) {
			*ret_netns = pipeline->netns[i];
			return 0;
		}
	if (!elfmap_netns__name(number, name, sizeof(name)))
		return -ENOENT;
	return pipeline__find_netns(pipeline, name, ret_netns, msg);
}

/* Words of a noted hook, by their places in the key. */
enum { AT_NETNS = 1, AT_DEV, AT_HOOK, AT_DIRECTION, AT_CHAIN, AT_PRIO, AT_HANDLE, AT_OWN_NAME, AT_NAME };

static __u32 read_number(const char *word)
{
	__u64 number = 0;

	return elfmap_number__read(word, 10, 0, UINT32_MAX, &number) ? 0 : (__u32)number;
}

/* Does a line mean the hook that HOOK found? It is noted for that line then. */
static bool is_named(struct pipeline *pipeline, const struct line_hook *hook)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if ((line->kind != LINE_ATTACH && line->kind != LINE_DETACH) || line->noted ||
		    !line_hook__is_at(line->hook, hook))
			continue;
		line->is_taken_over = line->kind == LINE_ATTACH;
		return true;
	}
	return false;
}

/* A line that detaches what is noted. -ENOENT: there is nothing to detach. */
static int make_detach(struct pipeline *pipeline, struct pipeline_line *line, char *const *words,
		       struct elfmap_msg *msg)
{
	struct line_hook *hook = calloc(1, sizeof(*hook));
	struct elfmap_hook found;
	int err;

	if (!hook)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	line->kind = LINE_DETACH;
	line->hook = hook;
	hook->request = (struct elfmap_attach_request){
		.dev = words[AT_DEV],
		.source = ELFMAP_FROM_PIN,
		.kind = elfmap_hook_kind__find(words[AT_HOOK]),
		.direction = (enum elfmap_direction)read_number(words[AT_DIRECTION]),
		.chain = read_number(words[AT_CHAIN]),
		.prio = read_number(words[AT_PRIO]),
		.handle = read_number(words[AT_HANDLE]),
	};
	hook->name = words[AT_NAME];
	if (!hook->request.kind)
		return -ENOENT;
	err = find_netns(pipeline, strtoul(words[AT_NETNS], NULL, 10), &hook->netns, msg);
	err = err ?: elfmap_hook__init(hook->request.kind, hook->netns->fd, words[AT_DEV], &found, msg);
	if (err)
		return err == -ENODEV ? -ENOENT : err;
	hook->ifindex = found.ifindex;
	err = line_hook__plan(pipeline, line, msg);
	if (err)
		return err;
	/* Another program may have its place by now, or a line of another form names it. */
	if (line->intent != WILL_REMOVE || strcmp(hook->found->name, hook->name) != 0 || is_named(pipeline, hook))
		return -ENOENT;
	hook->request.prio = hook->found->prio;
	hook->request.handle = hook->found->handle;
	return 0;
}

static bool is_missing(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

static int make_unload(struct pipeline_line *line, char *const *words, struct elfmap_msg *msg)
{
	char *staging;
	bool is_gone;

	line->kind = LINE_UNLOAD;
	line->load = calloc(1, sizeof(*line->load));
	if (!line->load)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	line->load->dir = strdup(words[1]);
	line->intent = WILL_REMOVE;
	if (!line->load->dir)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (asprintf(&staging, "%s~new", line->load->dir) < 0)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	/* A command that was killed while it removed the directory has renamed it before. */
	is_gone = is_missing(line->load->dir) && is_missing(staging);
	free(staging);
	return is_gone ? -ENOENT : 0;
}

static int make_empty(struct pipeline *pipeline, struct pipeline_line *line, char *const *words, struct elfmap_msg *msg)
{
	line->kind = LINE_SLOT;
	line->slot = calloc(1, sizeof(*line->slot));
	if (!line->slot)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	line->slot->path = strdup(words[1]);
	line->slot->number = read_number(words[2]);
	line->slot->before = read_number(words[3]);
	line->slot->has_number = true;
	if (!line->slot->path)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	return line_slot__plan_empty(pipeline, line);
}

/* The words of ENTRY up to '|' are its key, those after it the line. */
static int make_line(struct pipeline *pipeline, const char *entry, struct pipeline_line *line, struct elfmap_msg *msg)
{
	char *words[MAX_KEY + 2 + MAX_LINE], *copy = strdup(entry);
	int err, nr = 0, bar = 0;

	if (!copy)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	line->noted_words = copy;
	line->kind = LINE_NETNS; /* until its first word is known */
	nr = split(copy, words, MAX_KEY + 2 + MAX_LINE);
	while (bar < nr && strcmp(words[bar], "|") != 0)
		bar++;
	line->argc = nr > bar ? nr - bar - 1 : 0;
	line->argv = calloc((size_t)line->argc + 1, sizeof(*line->argv));
	if (!line->argv)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (line->argc)
		memcpy(line->argv, words + bar + 1, (size_t)line->argc * sizeof(*line->argv));
	if (bar == MAX_KEY + 1 && !strcmp(words[0], "attach"))
		err = make_detach(pipeline, line, words, msg);
	else if (bar == 2 && !strcmp(words[0], "load"))
		err = make_unload(line, words, msg);
	else if (bar == 4 && !strcmp(words[0], "slot"))
		err = make_empty(pipeline, line, words, msg);
	else
		err = -ENOENT;
	return err;
}

static int list_named(struct pipeline *pipeline, struct pipeline_record *ret_named)
{
	struct pipeline_record named = {};
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_ATTACH || line->kind == LINE_LOAD || line->kind == LINE_SLOT)
			err = add_entry(&named, new_entry(pipeline, line));
	}
	if (named.nr)
		qsort(named.entries, named.nr, sizeof(*named.entries), compare_entries);
	*ret_named = named;
	return err;
}

/* Adds the line for ENTRY, or only notes that what it made is gone. */
static int prune_one(struct pipeline *pipeline, const char *entry, struct elfmap_msg *msg)
{
	struct pipeline_line line = {.noted = strdup(entry)}, *added;
	int err = line.noted ? make_line(pipeline, entry, &line, msg) : elfmap_msg__set(msg, -ENOMEM, "no memory");

	if (err == -ENOENT) {
		line.intent = WILL_KEEP;
		line.is_hidden = true;
		err = 0;
	}
	added = pipeline__push_line(pipeline, &line);
	if (!added)
		return err ?: elfmap_msg__set(msg, -ENOMEM, "no memory");
	return err ? pipeline_line__fail(added, err, msg) : 0;
}

int pipeline_record__prune(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct pipeline_record named = {};
	int err = list_named(pipeline, &named);

	if (err)
		elfmap_msg__set(msg, err, "no memory");
	for (size_t i = 0; !err && i < pipeline->record.nr; i++)
		if (!has_entry(&named, pipeline->record.entries[i]))
			err = prune_one(pipeline, pipeline->record.entries[i], msg);
	free_record(&named);
	return err;
}
