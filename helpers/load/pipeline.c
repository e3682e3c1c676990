// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the file of a pipeline into lines and words. Does not call the kernel otherwise. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"

#define MAX_WORDS 64
#define MAX_BYTES (64u << 20)

/* ---- errors ---------------------------------------------------------------------------------------------- */

int pipeline__name_culprit(const char *culprit, int err, struct elfmap_msg *msg)
{
	struct elfmap_msg why = *msg;

	return elfmap_msg__set(msg, err, "%s: %s", culprit, why.text);
}

int pipeline_line__fail(struct pipeline_line *line, int err, const struct elfmap_msg *msg)
{
	size_t before = line->error ? strlen(line->error) + 1 : 0, length = strlen(msg->text);
	char *grown = realloc(line->error, before + length + 1);

	if (!grown)
		return err;
	if (before)
		grown[before - 1] = '\n';
	memcpy(grown + before, msg->text, length + 1);
	line->error = grown;
	return err;
}

/* ---- words ----------------------------------------------------------------------------------------------- */

#define SPACE " \t\r"

/* The next word at *AT, which is cut out of the line; NULL at its end. Quotes protect spaces and '#'. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, SPACE), *end;

	if (!*word || *word == '#')
		return NULL;
	if (*word == '"' || *word == '\'') {
		end = strchr(word + 1, *word);
		if (!end)
			return NULL;
		word++;
	} else {
		end = word + strcspn(word, SPACE);
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int cut_line(char *text, struct pipeline_line *line, struct elfmap_msg *msg)
{
	char *words[MAX_WORDS + 1], *word;
	int nr = 0;

	while ((word = next_word(&text)) && nr < MAX_WORDS)
		words[nr++] = word;
	if (word)
		return elfmap_msg__set(msg, -E2BIG, "more than %d words", MAX_WORDS);
	text += strspn(text, SPACE);
	if (*text && *text != '#')
		return elfmap_msg__set(msg, -EINVAL, "unterminated quote");
	words[nr] = NULL;
	line->argc = nr;
	line->argv = calloc((size_t)nr + 1, sizeof(*words));
	if (!line->argv)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memcpy(line->argv, words, (size_t)nr * sizeof(*words));
	return 0;
}

/* The line at *AT ends here? At a line break outside of a comment that follows a backslash it does not: both become
 * spaces. Returns how many line breaks the line has. */
static size_t next_line(char **at, char **ret_line)
{
	char *from = *at, *end;
	size_t breaks = 0;
	bool is_comment = false;

	for (end = from; *end; end++) {
		size_t skip = end[1] == '\r' ? 2 : 1;

		is_comment = is_comment || (*end == '#' && (end == from || strchr(SPACE, end[-1])));
		if (*end == '\n') {
			breaks++;
			break;
		}
		if (!is_comment && *end == '\\' && end[skip] == '\n') {
			memset(end, ' ', skip + 1);
			end += skip;
			breaks++;
		}
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	*ret_line = from;
	return breaks;
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

struct pipeline_line *pipeline__push_line(struct pipeline *pipeline, const struct pipeline_line *like)
{
	struct pipeline_line *grown;

	grown = elfmap_array__grow(pipeline->lines, pipeline->nr_lines, sizeof(*grown));
	if (!grown)
		return NULL;
	pipeline->lines = grown;
	grown += pipeline->nr_lines++;
	*grown = *like;
	return grown;
}

struct pipeline_line *pipeline__add_line(struct pipeline *pipeline, const struct pipeline_line *like, int nth,
					 const char *word)
{
	struct pipeline_line copy = *like, *added;
	size_t length = strlen(word) + 1;

	/* The words belong to the text of the pipeline; the new one follows the array. */
	copy.argv = malloc(((size_t)like->argc + 1) * sizeof(*copy.argv) + length);
	if (!copy.argv)
		return NULL;
	memcpy(copy.argv, like->argv, ((size_t)like->argc + 1) * sizeof(*copy.argv));
	copy.argv[nth] = memcpy(&copy.argv[like->argc + 1], word, length);
	copy.error = NULL;
	copy.hook = NULL;
	added = pipeline__push_line(pipeline, &copy);
	if (!added)
		free(copy.argv);
	return added;
}

static int read_text(struct pipeline *pipeline, const char *file, size_t *ret_size, struct elfmap_msg *msg)
{
	bool is_stdin = !strcmp(file, "-");
	FILE *from = is_stdin ? stdin : fopen(file, "re");
	size_t size = 0, room = 0;

	if (!from)
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	for (size_t got = 1; got && size < MAX_BYTES; size += got) {
		if (room - size < 2) {
			char *grown = realloc(pipeline->text, room ? 2 * room : 4096);

			room = room ? 2 * room : 4096;
			if (!grown)
				break;
			pipeline->text = grown;
		}
		got = fread(pipeline->text + size, 1, room - size - 1, from);
	}
	if (!feof(from)) {
		int err = ferror(from) ? -errno : size < MAX_BYTES ? -ENOMEM : -EFBIG;

		if (!is_stdin)
			fclose(from);
		return elfmap_msg__set(msg, err, "%s", strerror(-err));
	}
	if (!is_stdin)
		fclose(from);
	pipeline->text[size] = '\0';
	*ret_size = size;
	return 0;
}

int pipeline__read(struct pipeline *pipeline, const char *file, struct elfmap_msg *msg)
{
	size_t size = 0, number = 1;
	char *at, *line;
	int err = read_text(pipeline, file, &size, msg);

	if (err)
		return err;
	if (strlen(pipeline->text) != size)
		return elfmap_msg__set(msg, -EINVAL, "is not a text file");
	at = pipeline->text + (strncmp(pipeline->text, "\xef\xbb\xbf", 3) ? 0 : 3); /* a byte-order mark */
	while (*at) {
		struct pipeline_line *row = pipeline__push_line(pipeline, &(struct pipeline_line){});
		size_t breaks = next_line(&at, &line);
		struct elfmap_msg why;

		if (!row)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
		row->number = number;
		number += breaks;
		err = cut_line(line, row, &why);
		if (err)
			pipeline_line__fail(row, err, &why);
		else if (!row->argc)
			free(pipeline->lines[--pipeline->nr_lines].argv); /* empty, or a comment */
	}
	return pipeline->nr_lines ? 0 : elfmap_msg__set(msg, -EINVAL, "has no lines");
}

/* ---- the end --------------------------------------------------------------------------------------------- */

static void free_line(struct pipeline_line *line)
{
	switch (line->kind) {
	case LINE_ATTACH:
	case LINE_DETACH:
		line_hook__free(line->hook);
		break;
	case LINE_MAP:
		line_map__free(line->map);
		break;
	case LINE_CGROUP:
		line_cgroup__free(line->cgroup);
		break;
	case LINE_SLOT:
		line_slot__free(line->slot);
		break;
	case LINE_LOAD:
	case LINE_UNLOAD:
		if (line->load)
			free(line->load->dir);
		free(line->load);
		break;
	case LINE_NETNS:
		break;
	}
	free(line->error);
	free(line->noted);
	free(line->noted_words);
	free(line->argv);
}

void pipeline__free(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		free_line(&pipeline->lines[i]);
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		pipeline_object__close(pipeline->objects[i], true);
		free(pipeline->objects[i]);
	}
	for (size_t i = 0; i < pipeline->nr_netns; i++) {
		elfmap_hook_index__free(&pipeline->netns[i]->hooks);
		if (pipeline->netns[i]->fd >= 0)
			close(pipeline->netns[i]->fd);
		free(pipeline->netns[i]->name);
		free(pipeline->netns[i]);
	}
	elfmap_holder__free(&pipeline->holder);
	pipeline_record__free(&pipeline->record);
	free(pipeline->objects);
	free(pipeline->netns);
	free(pipeline->lines);
	free(pipeline->text);
	*pipeline = (struct pipeline){};
}
