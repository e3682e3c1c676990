// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap cgroup`: the cgroups in the slots of a CGROUP_ARRAY, and the cgroups that are keys of a map by cgroup id.
 * `elfmap map` changes the entries of the latter.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "cgroup_filter.h"
#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/map.h"
#include "pins/bpffs.h"

struct row {
	__u32 slot; /* of a CGROUP_ARRAY */
	struct elfmap_cgroup_slot cgroup;
};

struct listing {
	bool has_slots;
	struct row *rows;
	size_t count;
};

static int open_slots(const char *pin, struct elfmap_cgroup_slots *ret_slots)
{
	char path[PATH_MAX];
	struct elfmap_msg msg;

	if (elfmap_bpffs__pin_path(pin, path, sizeof(path), &msg) || elfmap_cgroup_slots__open(path, ret_slots, &msg))
		return complain(pin, "%s", msg.text);
	return EXIT_SUCCESS;
}

/* ---- set, clear --------------------------------------------------------------------------------------------- */

struct cgroup_request {
	const char *pin;
	const char *dir;
	__u32 slot;
	__u32 entries; /* 0: the default of a new map */
	bool create;
	bool force;
};

/* Open the cgroup first: if DIR is not a cgroup, no map is opened or created. */
static int run_set(const void *words)
{
	const struct cgroup_request *request = words;
	struct elfmap_cgroup_slots slots = {.map = -1, .notes = -1, .probe = -1};
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int cgroup = -1, status = EXIT_SUCCESS;

	if (elfmap_cgroup__open(request->dir, &cgroup, &msg))
		return complain(request->dir, "%s", msg.text);
	if (request->create) {
		if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) ||
		    elfmap_cgroup_slots__create(path, request->entries ?: CGROUP_SLOTS, request->force, request->slot,
						cgroup, &msg))
			status = complain(request->pin, "%s", msg.text);
	} else {
		status = open_slots(request->pin, &slots);
		if (!status && elfmap_cgroup_slots__set(&slots, request->slot, cgroup, &msg))
			status = complain(request->pin, "%s", msg.text);
	}
	elfmap_cgroup_slots__close(&slots);
	close(cgroup);
	return status;
}

static int run_clear(const void *words)
{
	const struct cgroup_request *request = words;
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	int status;

	status = open_slots(request->pin, &slots);
	if (status)
		return status;
	if (elfmap_cgroup_slots__clear(&slots, request->slot, &msg))
		status = complain(request->pin, "%s", msg.text);
	elfmap_cgroup_slots__close(&slots);
	return status;
}

/* ---- show, prune: query --------------------------------------------------------------------------------------- */

static int add_row(struct listing *listing, __u32 slot, const struct elfmap_cgroup_slot *cgroup, struct elfmap_msg *msg)
{
	struct row *rows = elfmap_array__grow(listing->rows, listing->count, sizeof(*rows));

	if (!rows) {
		snprintf(msg->text, sizeof(msg->text), "no memory");
		return -ENOMEM;
	}
	listing->rows = rows;
	rows[listing->count++] = (struct row){.slot = slot, .cgroup = *cgroup};
	return 0;
}

/* ONLY_GONE: only rows whose cgroup is gone, which prune removes. */
static int list_slots(struct elfmap_cgroup_slots *slots, bool only_gone, struct listing *listing,
		      struct elfmap_msg *msg)
{
	int err = 0;

	listing->has_slots = true;
	for (__u32 slot = 0; slot < slots->count && !err; slot++) {
		struct elfmap_cgroup_slot cgroup;

		err = elfmap_cgroup_slots__read(slots, slot, &cgroup, msg);
		if (err || cgroup.state == CGROUP_SLOT_EMPTY || (only_gone && cgroup.state != CGROUP_SLOT_GONE))
			continue;
		err = add_row(listing, slot, &cgroup, msg);
		if (!err && only_gone)
			err = elfmap_cgroup_slots__clear(slots, slot, msg);
	}
	return err;
}

static int describe_id(__u64 id, struct elfmap_cgroup_slot *ret_cgroup, struct elfmap_msg *msg)
{
	int err = elfmap_cgroup__name(id, ret_cgroup->path, sizeof(ret_cgroup->path), msg);

	if (err && err != -ENOENT)
		return err;
	ret_cgroup->cgroup = id;
	ret_cgroup->state = err ? CGROUP_SLOT_GONE : CGROUP_SLOT_SET;
	return 0;
}

static int add_id(void *context, const void *key, const void *value)
{
	struct elfmap_cgroup_slot cgroup = {};
	struct elfmap_msg msg;
	__u64 id;
	int err;

	(void)value;
	memcpy(&id, key, sizeof(id));
	err = describe_id(id, &cgroup, &msg);
	return err ?: add_row(context, 0, &cgroup, &msg);
}

/* Keeps the rows whose cgroups are gone, and deletes their entries. */
static int delete_gone(int map, struct listing *listing, struct elfmap_msg *msg)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->count; i++) {
		struct row *row = &listing->rows[i];
		int err;

		if (row->cgroup.state != CGROUP_SLOT_GONE)
			continue;
		err = bpf_map_delete_elem(map, &row->cgroup.cgroup);
		if (err && err != -ENOENT) {
			snprintf(msg->text, sizeof(msg->text), "cgroup id %llu: %s",
				 (unsigned long long)row->cgroup.cgroup, strerror(-err));
			return err;
		}
		listing->rows[kept++] = *row;
	}
	listing->count = kept;
	return 0;
}

static int list_ids(const char *path, bool only_gone, struct listing *listing, struct elfmap_msg *msg)
{
	struct elfmap_reader reader = {.fd = -1};
	int err;

	err = elfmap_reader__open_for(path, ELFMAP_READ_WRITE, NULL, &reader, msg);
	if (err)
		return err;
	if (!reader.format.key || reader.format.key->notation != ELFMAP_CGROUP_ID) {
		snprintf(msg->text, sizeof(msg->text),
			 "is neither a cgroup_array nor a map whose keys are of type cgroup_id");
		err = -EINVAL;
	}
	err = err ?: elfmap_reader__each(&reader, add_id, listing, msg);
	if (!err && only_gone)
		err = delete_gone(reader.fd, listing, msg);
	elfmap_reader__close(&reader);
	return err;
}

static int list_cgroups(const char *pin, bool only_gone, struct listing *listing)
{
	struct elfmap_cgroup_slots slots;
	struct bpf_map_info info;
	char path[PATH_MAX];
	struct elfmap_msg msg;
	int err, fd = -1;

	err = elfmap_bpffs__pin_path(pin, path, sizeof(path), &msg);
	err = err ?: elfmap_map__open(path, &fd, &info, &msg);
	if (fd >= 0)
		close(fd);
	if (err)
		return complain(pin, "%s", msg.text);
	if (elfmap_map_kind__of(info.type)->value != ELFMAP_VALUE_CGROUP) {
		err = list_ids(path, only_gone, listing, &msg);
		return err ? complain(pin, "%s", msg.text) : EXIT_SUCCESS;
	}
	err = elfmap_cgroup_slots__open(path, &slots, &msg);
	if (!err) {
		err = list_slots(&slots, only_gone, listing, &msg);
		elfmap_cgroup_slots__close(&slots);
	}
	return err ? complain(pin, "%s", msg.text) : EXIT_SUCCESS;
}

/* ---- show, prune: render -------------------------------------------------------------------------------------- */

static const char *state_name(const struct row *row)
{
	static const char *const names[] = {
		[CGROUP_SLOT_EMPTY] = "empty",
		[CGROUP_SLOT_SET] = "set",
		[CGROUP_SLOT_GONE] = "gone",
		[CGROUP_SLOT_UNKNOWN] = "unknown",
	};

	return names[row->cgroup.state];
}

static void print_rows(const struct listing *listing)
{
	if (!listing->count)
		return;
	printf("%s%10s  %s\n", listing->has_slots ? "SLOT  " : "", "CGROUP_ID", "PATH");
	for (size_t i = 0; i < listing->count; i++) {
		const struct row *row = &listing->rows[i];

		if (listing->has_slots)
			printf("%4u  ", row->slot);
		if (row->cgroup.cgroup)
			printf("%10llu  ", (unsigned long long)row->cgroup.cgroup);
		else
			printf("%10s  ", "-");
		print_name(stdout, row->cgroup.state == CGROUP_SLOT_SET ? row->cgroup.path : state_name(row));
		putchar('\n');
	}
}

static void print_rows_json(const struct listing *listing)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < listing->count; i++) {
		const struct row *row = &listing->rows[i];
		json_object *object = json_object_new_object();

		if (listing->has_slots)
			json_object_object_add(object, "slot", json_object_new_int64(row->slot));
		json_object_object_add(object, "state", json_object_new_string(state_name(row)));
		if (row->cgroup.cgroup)
			json_object_object_add(object, "cgroup_id", json_object_new_uint64(row->cgroup.cgroup));
		if (row->cgroup.state == CGROUP_SLOT_SET)
			json_object_object_add(object, "path", json_object_new_string(row->cgroup.path));
		json_object_array_add(root, object);
	}
	print_json(root);
}

static int show_or_prune(const struct cgroup_request *request, bool prune)
{
	struct listing listing = {};
	int status;

	status = list_cgroups(request->pin, prune, &listing);
	if (!status && output.json)
		print_rows_json(&listing);
	else if (!status)
		print_rows(&listing);
	free(listing.rows);
	return status;
}

static int run_show(const void *request)
{
	return show_or_prune(request, false);
}

static int run_prune(const void *request)
{
	return show_or_prune(request, true);
}

#define SLOT_ROW                                                                                            \
	{                                                                                                   \
		NULL, "SLOT", OPTION_REQUIRED, OPTION_NUMBER_AT(struct cgroup_request, slot, 0, UINT32_MAX) \
	}

static const struct option_row set_options[] = {
	PIN_ROW(struct cgroup_request),
	SLOT_ROW,
	{NULL, "DIR", OPTION_REQUIRED, OPTION_TEXT_AT(struct cgroup_request, dir), .completes = COMPLETE_FILE,
	 .help = "of the cgroup, in its file system"},
	{"--create", NULL, 0, OPTION_FLAG_AT(struct cgroup_request, create), .help = "make and pin the map"},
	{"entries", "N", 0, OPTION_NUMBER_AT(struct cgroup_request, entries, 1, UINT32_MAX), .needs = "--create",
	 .help = "slots of the new map"},
	{"--force", NULL, 0, OPTION_FLAG_AT(struct cgroup_request, force), .needs = "--create",
	 .help = "replace a map that is pinned already"},
	{},
};
static const struct option_row clear_options[] = {PIN_ROW(struct cgroup_request), SLOT_ROW, {}};
static const struct option_row pin_options[] = {PIN_ROW(struct cgroup_request), {}};

static const struct verb set_verb = {
	.name = "set",
	.summary = "put a cgroup into a slot",
	.run = run_set,
	.options = set_options,
	.request_size = sizeof(struct cgroup_request),
	.changes = true,
};
static const struct verb clear_verb = {
	.name = "clear",
	.summary = "empty a slot",
	.run = run_clear,
	.options = clear_options,
	.request_size = sizeof(struct cgroup_request),
	.changes = true,
};
static const struct verb show_verb_of_cgroups = {
	.name = "show",
	.summary = "show the cgroups in the slots or keys of a map",
	.run = run_show,
	.options = pin_options,
	.request_size = sizeof(struct cgroup_request),
};
static const struct verb prune_verb = {
	.name = "prune",
	.summary = "remove the slots and keys of deleted cgroups",
	.run = run_prune,
	.options = pin_options,
	.request_size = sizeof(struct cgroup_request),
	.changes = true,
};
static const struct verb *const cgroup_verbs[] = {&set_verb, &clear_verb, &show_verb_of_cgroups, &prune_verb, NULL};

const struct verb cgroup_verb = {
	.name = "cgroup",
	.summary = "set, clear and show the cgroups in maps",
	.below = cgroup_verbs,
};
