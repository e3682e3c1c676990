/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entries as -j prints them, turned into the lines that values.h reads. */
#ifndef ELFMAP_JSON_LINES_H
#define ELFMAP_JSON_LINES_H

#include "text/buffer.h"
#include "text/values.h"

/* Does the text begin as entries in JSON do: an object, or an array of objects or nothing, whose members have names in
 * quotes? No line of entries does. */
bool json_lines__is(const char *text, size_t length);
/* The length of TEXT up to the end of its last whole entry; 0: none is whole. */
size_t json_lines__whole(const char *text, size_t length);

/* The state between entries. */
struct json_lines {
	bool in_array;
	bool has_ended; /* the array */
	bool expects_comma;
};

/* Finds the next entry between *AT and END, and moves *AT to its end: 1, with the entry; 0: there is none; -EINVAL:
 * something else than an entry. */
int json_lines__next(struct json_lines *lines, const char **at, const char *end, const char **ret_entry,
		     struct elfmap_msg *msg);
/* Adds an entry of FORMAT as a line of text to TO. -EINVAL: it is not an entry of JSON. */
int json_lines__add(struct elfmap_buffer *to, const struct elfmap_format *format, const char *entry, const char *end,
		    struct elfmap_msg *msg);

#endif
