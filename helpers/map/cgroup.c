// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap cgroup`: which cgroup is in which slot of a CGROUP_ARRAY, and whose the rules of a map by cgroup id
 * are. Rules themselves are entries like others: `elfmap map`.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_filter.h"
#include "helpers/command.h"
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

static int read_number(const char *pin, const char *what, const char *word, __u32 *ret_number)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(word, &end, 0);
	if (errno || *end || end == word || *word < '0' || *word > '9' || number > UINT32_MAX)
		return complain(pin, "%s '%s' is not a number", what, word);
	*ret_number = (__u32)number;
	return EXIT_SUCCESS;
}

/* ---- set, clear --------------------------------------------------------------------------------------------- */

struct set_request {
	const char *pin;
	const char *dir;
	__u32 slot;
	__u32 entries;
	bool create;
	bool force;
};

/* Takes WORD out of argv, if it is there. */
static bool take_flag(int *argc, char **argv, const char *word)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], word)) {
			memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
			--*argc;
			return true;
		}
	return false;
}

static int read_set_words(int argc, char **argv, struct set_request *request)
{
	int status;

	*request = (struct set_request){.entries = CGROUP_SLOTS};
	request->create = take_flag(&argc, argv, "--create");
	request->force = take_flag(&argc, argv, "--force");
	argc = take_options(argc, argv, NULL);
	if ((argc != 4 && (argc != 6 || strcmp(argv[4], "entries") != 0)) ||
	    (!request->create && (request->force || argc == 6)))
		return EXIT_USAGE;
	request->pin = argv[1];
	request->dir = argv[3];
	status = read_number(request->pin, "slot", argv[2], &request->slot);
	if (!status && argc == 6)
		status = read_number(request->pin, "entries", argv[5], &request->entries);
	return status;
}

/* The cgroup first: if that is none, nothing is opened or made. */
static int cgroup_set(int argc, char **argv)
{
	struct elfmap_cgroup_slots slots = {.map = -1, .notes = -1, .probe = -1};
	struct set_request request;
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int cgroup = -1, status;

	status = read_set_words(argc, argv, &request);
	if (status)
		return status;
	if (elfmap_cgroup__open(request.dir, &cgroup, &msg))
		return complain(request.dir, "%s", msg.text);
	if (request.create) {
		if (elfmap_bpffs__pin_path(request.pin, path, sizeof(path), &msg) ||
		    elfmap_cgroup_slots__create(path, request.entries, request.force, request.slot, cgroup, &msg))
			status = complain(request.pin, "%s", msg.text);
	} else {
		status = open_slots(request.pin, &slots);
		if (!status && elfmap_cgroup_slots__set(&slots, request.slot, cgroup, &msg))
			status = complain(request.pin, "%s", msg.text);
	}
	elfmap_cgroup_slots__close(&slots);
	close(cgroup);
	return status;
}

static int cgroup_clear(int argc, char **argv)
{
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	__u32 slot = 0;
	int status;

	argc = take_options(argc, argv, NULL);
	if (argc != 3)
		return EXIT_USAGE;
	status = read_number(argv[1], "slot", argv[2], &slot);
	status = status ?: open_slots(argv[1], &slots);
	if (status)
		return status;
	if (elfmap_cgroup_slots__clear(&slots, slot, &msg))
		status = complain(argv[1], "%s", msg.text);
	elfmap_cgroup_slots__close(&slots);
	return status;
}

/* ---- show, prune: query --------------------------------------------------------------------------------------- */

static int add_row(struct listing *listing, __u32 slot, const struct elfmap_cgroup_slot *cgroup, struct elfmap_msg *msg)
{
	struct row *rows = reallocarray(listing->rows, listing->count + 1, sizeof(*rows));

	if (!rows) {
		snprintf(msg->text, sizeof(msg->text), "no memory");
		return -ENOMEM;
	}
	listing->rows = rows;
	rows[listing->count++] = (struct row){.slot = slot, .cgroup = *cgroup};
	return 0;
}

/* ONLY_GONE: what prune is about, which then goes. */
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

static int show_or_prune(int argc, char **argv, bool prune)
{
	struct listing listing = {};
	int status;

	argc = take_options(argc, argv, NULL);
	if (argc != 2)
		return EXIT_USAGE;
	status = list_cgroups(argv[1], prune, &listing);
	if (!status && output.json)
		print_rows_json(&listing);
	else if (!status)
		print_rows(&listing);
	free(listing.rows);
	return status;
}

static int cgroup_show(int argc, char **argv)
{
	return show_or_prune(argc, argv, false);
}

static int cgroup_prune(int argc, char **argv)
{
	return show_or_prune(argc, argv, true);
}

static const struct verb cgroup_verbs[] = {
	{"set", cgroup_set, "PIN SLOT DIR [--create [entries N] [--force]]", "put a cgroup into a slot"},
	{"clear", cgroup_clear, "PIN SLOT", "empty a slot"},
	{"show", cgroup_show, "PIN", "the cgroups in the slots, or those a map has as keys"},
	{"prune", cgroup_prune, "PIN", "empty the slots, delete the keys, of cgroups that are gone"},
	{},
};

int verb_cgroup(int argc, char **argv)
{
	libbpf_set_print(NULL);
	return run_verb(cgroup_verbs, "elfmap cgroup", argc - 1, argv + 1);
}
