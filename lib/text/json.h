/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * JSON that is written as it comes, since the entries of a map do not fit in memory as objects. The layout is
 * json-c's, which makes the rest of what the commands print: compact, or two blanks for each level.
 *
 *   elfmap_json__open(&json, '{');
 *   elfmap_json__name(&json, "id");
 *   elfmap_json__number(&json, 7);
 *   elfmap_json__close(&json, '}');
 *
 * Commas and lines are the writer's; that each name has a value and each bracket its other one is the caller's to
 * see to. TO may be emptied between any two calls.
 */
#ifndef ELFMAP_JSON_H
#define ELFMAP_JSON_H

#include "text/buffer.h"

/* Set the first block, zero the rest. */
struct elfmap_json {
	struct elfmap_buffer *to;
	bool pretty;

	unsigned int depth; /* private: brackets that are open */
	bool has_one;	    /* something stands in the innermost */
	bool has_name;	    /* a name, which waits for its value */
};

void elfmap_json__open(struct elfmap_json *json, char bracket);
void elfmap_json__close(struct elfmap_json *json, char bracket);
void elfmap_json__name(struct elfmap_json *json, const char *name);

void elfmap_json__string(struct elfmap_json *json, const char *text);
void elfmap_json__number(struct elfmap_json *json, __s64 number);
/* WORD as it stands: true, null, or a number that is there as text. */
void elfmap_json__word(struct elfmap_json *json, const char *word);

/* ---- within lib/text ------------------------------------------------------------------------------------------ */

/* The comma and the line before the next value or name. */
void json__separate(struct elfmap_json *json);

/* Before a value that is then put into TO by hand. */
static inline void json__begin(struct elfmap_json *json)
{
	if (json->has_name)
		json->has_name = false;
	else if (json->depth)
		json__separate(json);
}

/* LENGTH bytes that are UTF-8. */
void json__add_string(struct elfmap_json *json, const char *text, size_t length);

#endif
