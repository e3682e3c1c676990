// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Output on stdout, which with -j is always valid JSON. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "text/buffer.h"

struct output output;

void print_json(json_object *root)
{
	int flags = output.pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	const char *text = json_object_to_json_string_ext(root, flags | JSON_C_TO_STRING_NOSLASHESCAPE);

	output__write(text, strlen(text));
	output__write("\n", 1);
	json_object_put(root);
}

void output__write(const char *bytes, size_t size)
{
	output.is_written = output.is_written || size;
	fwrite(bytes, 1, size, stdout);
}

int flush_output(struct elfmap_buffer *buffer, size_t least)
{
	if (buffer->error)
		return buffer->error;
	if (buffer->length < least || !buffer->length)
		return 0;
	output__write(buffer->bytes, buffer->length);
	buffer->length = 0;
	return ferror(stdout) ? -EIO : 0;
}

int write_output(struct elfmap_buffer *buffer)
{
	int err = flush_output(buffer, 0), number;

	if (err || !fflush(stdout))
		return err;
	number = errno;
	__fpurge(stdout); /* the caller takes it back */
	errno = number;
	return -EIO;
}

void output__add(const char *name, json_object *value)
{
	if (output.nr_added < OUTPUT_ADDED) {
		output.added[output.nr_added].name = name;
		output.added[output.nr_added++].value = value;
	} else {
		json_object_put(value);
	}
}

void begin_output(void)
{
	static char buffer[64 << 10];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

int end_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	complain("standard output", "%s", strerror(errno));
	__fpurge(stdout); /* reported, and not tried again */
	clearerr(stdout);
	return EXIT_FAILURE;
}

/* ---- what was done --------------------------------------------------------------------------------- */

static bool is_unnamed_choice(const struct option_row *row)
{
	return !row->words && row->kind == OPTION_CHOICE;
}

static const char *find_choice(const struct option_row *row, int value)
{
	const struct option_choice *choice = row->choices;

	while (choice->word && choice->value != value)
		choice++;
	return choice->word;
}

/* "prio" of "prio|pref", "keep_going" of "--keep-going", "file" of the argument "FILE|-"; "ingress" if that was chosen.
 */
static void name_member(const struct option_row *row, const void *request, char name[32])
{
	const char *from = row->words ?: row->value;
	size_t length = 0;

	if (is_unnamed_choice(row))
		from = find_choice(row, *(const int *)((const char *)request + row->at)) ?: "";
	from += strspn(from, "-");
	for (; from[length] && from[length] != '|' && length < 31; length++)
		name[length] = strchr("- ", from[length]) ? '_' : (char)tolower((unsigned char)from[length]);
	name[length] = '\0';
}

static json_object *json_words(const struct option_words *words)
{
	json_object *array = json_object_new_array();

	for (int i = 0; i < words->nr; i++)
		json_object_array_add(array, json_object_new_string(words->words[i]));
	return array;
}

/* The value of a row in the request; NULL: of a type that only its READ knows. */
static json_object *json_value(const struct option_row *row, const void *request)
{
	const void *at = (const char *)request + row->at;

	switch (row->kind) {
	case OPTION_FLAG:
		return json_object_new_boolean(*(const bool *)at);
	case OPTION_TEXT:
		return json_object_new_string(*(const char *const *)at);
	case OPTION_NUMBER:
		return json_object_new_int64(*(const __u32 *)at);
	case OPTION_CHOICE:
		return is_unnamed_choice(row) ? json_object_new_boolean(true)
					      : json_object_new_string(find_choice(row, *(const int *)at));
	case OPTION_WORDS:
		return json_words(at);
	default:
		return NULL;
	}
}

static void print_done(const char *name, const struct option_row *rows, const struct options_common *common,
		       const void *request)
{
	json_object *root = json_object_new_object();
	char member[32];

	json_object_object_add(root, "done", json_object_new_string(name));
	for (size_t i = 0; rows && rows[i].kind; i++) {
		json_object *value = common->given >> i & 1 ? json_value(&rows[i], request) : NULL;

		if (!value)
			continue;
		name_member(&rows[i], request, member);
		json_object_object_add(root, member, value);
	}
	for (size_t i = 0; i < output.nr_added; i++)
		json_object_object_add(root, output.added[i].name, json_object_get(output.added[i].value));
	print_json(root);
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void add_part(json_object *object, const char *name, const struct complaint_part *part)
{
	json_object *value = part->length ? json_object_new_string_len(part->text, (int)part->length) : NULL;

	json_object_object_add(object, name, value);
}

static void print_error(void)
{
	json_object *root = json_object_new_object(), *error = json_object_new_object();
	struct complaint parts;

	complain__first(&parts);
	add_part(error, "object", &parts.object);
	add_part(error, "what", &parts.what);
	add_part(error, "why", &parts.why);
	add_part(error, "command", &parts.command);
	json_object_object_add(root, "error", error);
	print_json(root);
}

int output__finish(int status, const char *name, const struct option_row *rows, const struct options_common *common,
		   const void *request)
{
	if (output.json && !output.is_written && status)
		print_error();
	else if (output.json && !output.is_written)
		print_done(name, rows, common, request);
	while (output.nr_added)
		json_object_put(output.added[--output.nr_added].value);
	return end_output() && !status ? EXIT_FAILURE : status;
}
