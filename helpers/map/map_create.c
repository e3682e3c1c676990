// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map create`: an empty map, pinned. */
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/map_copy.h"
#include "pins/bpffs.h"
#include "pins/map_word.h"
#include "pins/pin_change.h"
#include "pins/pins.h"

struct create_request {
	const char *pin, *name, *inner;
	__u32 type, key, value, entries, flags;
};

static int read_type(char *word, void *to, struct elfmap_msg *msg)
{
	for (__u32 type = 1; elfmap_map_type_name(type); type++)
		if (!strcmp(elfmap_map_type_name(type), word)) {
			*(__u32 *)to = type;
			return 0;
		}
	return elfmap_msg__set(msg, -EINVAL, "'%s' is not a type of maps, such as hash, array or lpm_trie", word);
}

static int read_flags(char *word, void *to, struct elfmap_msg *msg)
{
	__u64 flags;

	if (elfmap_number__read(word, 0, 0, UINT32_MAX, &flags))
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not a number", word);
	*(__u32 *)to = (__u32)flags;
	return 0;
}

static int find_inner(const struct create_request *request, int *ret_fd, struct elfmap_msg *msg)
{
	bool is_outer = elfmap_map__is_map_in_map(request->type);
	struct bpf_map_info info;
	char path[PATH_MAX];
	int err;

	if (!is_outer && request->inner)
		return elfmap_msg__set(msg, -EINVAL, "only a map of maps has inner maps; omit 'inner'");
	if (is_outer && !request->inner)
		return elfmap_msg__set(msg, -EINVAL,
				       "a map of maps requires 'inner PIN', a map like those in its slots");
	if (!request->inner)
		return 0;
	err = elfmap_bpffs__pin_path(request->inner, path, sizeof(path), msg);
	return err ?: elfmap_map__open(path, ret_fd, &info, msg);
}

/* The kernel accepts letters, digits, dots and underscores. */
static void set_name(struct elfmap_form *form, const char *name)
{
	snprintf(form->name, sizeof(form->name), "%.15s", name);
	for (char *at = form->name; *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '.')
			*at = '_';
}

static int create(const struct create_request *request, struct elfmap_msg *msg)
{
	struct elfmap_form form = {.type = request->type,
				   .key_size = request->key,
				   .value_size = request->value,
				   .max_entries = request->entries,
				   .flags = request->flags,
				   .btf = -1,
				   .inner = -1};
	int fd = -1, lock = -1, err;
	char path[PATH_MAX];

	err = elfmap_bpffs__pin_path(request->pin, path, sizeof(path), msg);
	if (!err)
		set_name(&form, request->name ?: elfmap_path__name(path));
	err = err ?: find_inner(request, &form.inner, msg);
	err = err ?: elfmap_pin__lock(path, &lock, msg);
	err = err ?: elfmap_form__create(&form, &fd, msg);
	err = err ?: elfmap_pin__add(fd, path, msg);
	if (fd >= 0)
		close(fd);
	if (lock >= 0)
		close(lock);
	elfmap_form__free(&form);
	return err;
}

static int run(const void *words)
{
	const struct create_request *request = words;
	struct elfmap_msg msg;

	return create(request, &msg) ? complain(request->pin, "%s", msg.text) : EXIT_SUCCESS;
}

static const struct option_row options[] = {
	{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct create_request, pin)},
	{"type", "TYPE", OPTION_REQUIRED, OPTION_READ_AT(struct create_request, type, read_type),
	 .help = "of map, such as hash"},
	{"key", "BYTES", 0, OPTION_NUMBER_AT(struct create_request, key, 0, UINT32_MAX), .help = "size of a key"},
	{"value", "BYTES", 0, OPTION_NUMBER_AT(struct create_request, value, 0, UINT32_MAX), .help = "size of a value"},
	{"entries", "N", 0, OPTION_NUMBER_AT(struct create_request, entries, 0, UINT32_MAX),
	 .help = "the maximum number of entries"},
	{"flags", "FLAGS", 0, OPTION_READ_AT(struct create_request, flags, read_flags), .help = "BPF_F_..., a number"},
	{"name", "NAME", 0, OPTION_TEXT_AT(struct create_request, name), .help = "in the kernel, else that of the pin"},
	{"inner", "PIN", 0, OPTION_TEXT_AT(struct create_request, inner), .completes = COMPLETE_PIN,
	 .help = "a map like those in the slots of a map of maps"},
	{},
};

const struct verb map_create_verb = {
	.name = "create",
	.summary = "create and pin an empty map",
	.run = run,
	.options = options,
	.request_size = sizeof(struct create_request),
	.changes = true,
};
