// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens the map that a verb works on, and formats its entries. */
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/map_write.h"
#include "pins/bpffs.h"

int target__open(struct target *target, const char *pin, enum elfmap_access access,
		 const struct elfmap_type_words *words)
{
	struct elfmap_msg msg;
	int err;

	*target = (struct target){.pin = pin, .map.fd = -1};
	err = elfmap_bpffs__pin_path(pin, target->path, sizeof(target->path), &msg);
	err = err ?: elfmap_reader__open_for(target->path, access, words, &target->map, &msg);
	err = err ?: elfmap_resolver__new(&target->resolver, &msg);
	if (err)
		return complain(pin, "%s", msg.text);
	if (elfmap_map__is_prog_array(target->map.info.type))
		elfmap_resolver__load_for(target->resolver, target->map.fd, target->path);
	if (target->map.types.are_secret && !(words && words->value))
		complain(pin, "%s", ELFMAP_TYPES_ARE_SECRET);
	return EXIT_SUCCESS;
}

void target__close(struct target *target)
{
	elfmap_resolver__free(target->resolver);
	elfmap_reader__close(&target->map);
}

int target__read_types(char *word, void *to, struct elfmap_msg *msg)
{
	struct elfmap_type_words *words = to;
	int err = elfmap_type_words__split(word, words, msg);

	if (!err && !*words->key)
		words->key = NULL; /* a queue's values: types :VALUE */
	return err;
}

char *join_words(const struct option_words *words)
{
	size_t size = 1;
	char *line, *at;

	for (int i = 0; i < words->nr; i++)
		size += strlen(words->words[i]) + 1;
	line = at = malloc(size);
	if (!line)
		return NULL;
	for (int i = 0; i < words->nr; i++) {
		at = stpcpy(at, words->words[i]);
		*at++ = ' ';
	}
	*at = '\0';
	for (at = line; *at; at++)
		if (*at == '\n')
			*at = ' ';
	return line;
}

void target__describe_key(const struct target *target, const void *key, char *text, size_t size)
{
	elfmap_fill__describe_key(&target->map, target->resolver, key, text, size);
}

void target__end_names(const struct target *target, struct elfmap_name_keeper *keeper, const struct elfmap_job *job)
{
	struct elfmap_msg msg;

	if (elfmap_name_keeper__end(keeper, job, &msg))
		complain(target->pin, "%s", msg.text);
}

int target__print_entry(const struct target *target, const void *key, const void *value, bool sum)
{
	struct elfmap_buffer buffer = {};
	struct elfmap_json json = {.to = &buffer, .pretty = output.pretty};
	int status;

	if (output.json)
		elfmap_json__entry(&json, &target->map.format, key, value, sum);
	else
		elfmap_text__write_entry(&buffer, &target->map.format, key, value, sum, target->resolver);
	if (output.json)
		elfmap_buffer__add(&buffer, "\n", 1);
	if (buffer.error) {
		status = complain(target->pin, "no memory");
	} else {
		output__write(buffer.bytes, buffer.length);
		status = end_output();
	}
	elfmap_buffer__free(&buffer);
	return status;
}

int target__check_sum(const struct target *target)
{
	const struct elfmap_format *format = &target->map.format;
	const char *culprit = "";

	if (!format->per_cpu)
		return complain(target->pin, "%s has one value for each key and nothing to add up; omit 'sum'",
				elfmap_map_kind__of(target->map.info.type)->phrase);
	if (elfmap_type__can_sum(format->value, &culprit))
		return EXIT_SUCCESS;
	if (format->value->notation == ELFMAP_HEX)
		return complain(target->pin,
				"the map has no types, and bytes cannot be summed; 'types KEY:VALUE' gives "
				"it some, or BPF_ANNOTATE_KV_PAIR in its source");
	return complain(target->pin, "%s%s is not a number and cannot be summed", *culprit ? "member " : "the value",
			culprit);
}

int target__check_queue(const struct target *target)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(target->map.info.type);

	if (kind->is_queue)
		return EXIT_SUCCESS;
	return complain(target->pin, "%s is neither queue nor stack; 'get', 'set' and 'del' are for its entries",
			kind->phrase);
}

int target__open_objects(const struct target *target, void *value, struct elfmap_msg *msg)
{
	return elfmap_fill__open_objects(&target->map, target->resolver, value, msg);
}
