/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command's output. With -j stdout is one JSON text, whatever the verb and however it ends: what the verb prints;
 * else what it did, from its request; else its first complaint, as {"error": ...}.
 */
#ifndef ELFMAP_OUTPUT_H
#define ELFMAP_OUTPUT_H

#include <json-c/json.h>
#include <stdbool.h>

#include "helpers/options.h"

/* -j and -p, wherever on the line they stood (before or after the verb's words). */
#define OUTPUT_ADDED 8

struct output {
	bool json;
	bool pretty;
	bool is_written; /* something was printed as JSON */
	struct {
		const char *name;
		json_object *value;
	} added[OUTPUT_ADDED];
	size_t nr_added;
};
extern struct output output;

/* Prints ROOT on stdout as -j or -p asks for it, with a line end, and frees it. */
void print_json(json_object *root);

/* Prints SIZE bytes. What is printed by itself, and not by print_json(), goes through here. */
void output__write(const char *bytes, size_t size);

/* Prints what is in BUFFER if that are LEAST bytes, and empties it. -ENOMEM, -EIO. */
struct elfmap_buffer;
int flush_output(struct elfmap_buffer *buffer, size_t least);

/* What a silent verb did, beyond what its request says: a member of the object that -j prints. VALUE is taken over. */
void output__add(const char *name, json_object *value);

/* Long output: a large buffer for stdout; and a complaint if not all of it could be written. Returns the exit status.
 */
void begin_output(void);
int end_output(void);

/* Prints what the verb called NAME ("map set") did, or its complaint, if it has printed nothing and JSON is asked for.
 * Returns STATUS, or a failure if the output does not arrive. */
int output__finish(int status, const char *name, const struct option_row *rows, const struct options_common *common,
		   const void *request);

#endif
