// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap graft PIN SLOT FILE sec NAME`: a program into a slot of a pinned jump table while packets flow
 * through it. The kernel exchanges the old one for the new one in one step; everything that may fail
 * comes before, and what it made is taken back.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpffs.h"
#include "command.h"
#include "loading.h"
#include "map_target.h"
#include "msg.h"
#include "prog_types.h"
#include "slots.h"

struct request {
	const char *pin;
	const char *slot;
	const char *file; /* NULL: the slot is to be empty */
	const char *section;
	const struct prog_type *type; /* NULL: that of the table's programs */
};

/* What was done. */
struct graft {
	const char *path;
	__u32 map;
	__u32 slot;
	const char *slot_name; /* NULL: it has none */
	__u32 old;	       /* ids; 0: the slot was empty */
	__u32 new;
	const struct elfmap_load *load; /* NULL: nothing was loaded */
};

/* ---- the command line ------------------------------------------------------------------------------------ */

static int parse(int argc, char **argv, struct request *request)
{
	bool empty = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--empty"))
			empty = true;
		else if ((!strcmp(argv[i], "sec") || !strcmp(argv[i], "section")) && i + 1 < argc && !request->section)
			request->section = argv[++i];
		else if (!strcmp(argv[i], "type") && i + 1 < argc && !request->type)
			request->type = prog_type__parse(argv[++i], argv[0]);
		else if (!request->pin)
			request->pin = argv[i];
		else if (!request->slot)
			request->slot = argv[i];
		else if (!request->file)
			request->file = argv[i];
		else
			return complain(argv[0], "'%s' is none of its words", argv[i]), -EINVAL;
		if (!strcmp(argv[i - 1], "type") && !request->type)
			return -EINVAL;
	}
	if (empty)
		return request->slot && !request->file && !request->section && !request->type ? 0 : -EINVAL;
	return request->section && request->file ? 0 : -EINVAL;
}

/* ---- the table and its slot ------------------------------------------------------------------------------ */

static int check_table(const struct target *target)
{
	const char *type = elfmap_map_type_name(target->map.info.type);

	if (target->map.info.type == BPF_MAP_TYPE_PROG_ARRAY)
		return EXIT_SUCCESS;
	return complain(target->pin, "is a %s; only a prog_array has slots for programs",
			type ?: "map of another type");
}

/* The names that the object gives the slots, for a table that was made without types. */
static int find_in_object(const struct elfmap_load *object, const char *word, __u32 slots, __u32 *ret_slot,
			  struct elfmap_msg *msg)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	struct elfmap_type *key = NULL;
	struct elfmap_msg none;
	int err;

	for (size_t i = 0; btf && !key && i < object->nr_maps; i++) {
		const struct elfmap_load_map *map = &object->maps[i];
		__u32 type = bpf_map__btf_key_type_id(map->bpf);

		if (type && map->pin_path && !strcmp(map->pin_path, object->opts.graft_into))
			elfmap_type__read(btf, type, sizeof(__u32), &key, &none);
	}
	err = elfmap_slots__find(key, word, slots, ret_slot, msg);
	elfmap_type__free(key);
	return err;
}

static int find_slot(const struct request *request, const struct target *target, const struct elfmap_load *object,
		     __u32 *ret_slot)
{
	const struct elfmap_type *key = target->map.types.key;
	__u32 slots = target->map.info.max_entries;
	struct elfmap_msg msg;
	int err = elfmap_slots__find(key, request->slot, slots, ret_slot, &msg);

	if (err == -ENOENT && object && key->notation != ELFMAP_ENUM)
		err = find_in_object(object, request->slot, slots, ret_slot, &msg);
	return err ? complain(request->pin, "%s", msg.text) : EXIT_SUCCESS;
}

static void describe(const struct target *target, __u32 slot, struct graft *graft)
{
	const struct elfmap_type *key = target->map.types.key;

	*graft = (struct graft){.path = target->path, .map = target->map.info.id, .slot = slot};
	if (key->notation == ELFMAP_ENUM)
		graft->slot_name = elfmap_type__enumerator(key, slot);
	if (bpf_map_lookup_elem(target->map.fd, &slot, &graft->old))
		graft->old = 0;
}

/* ---- whose table it is ----------------------------------------------------------------------------------- */

static const char *type_name(enum bpf_prog_type type)
{
	return elfmap_prog_type_name(type) ?: "unknown";
}

/* The type that the program is loaded as: what the command says, else the table's, else what its section
 * is called. */
static int choose_type(const struct request *request, const struct target *target, enum bpf_prog_type *ret_type)
{
	enum bpf_prog_type owner = elfmap_map__owner(target->map.fd);

	*ret_type = request->type ? request->type->type : owner;
	if (owner && *ret_type != owner)
		return complain(request->pin,
				"holds programs of type %s, and '%s' asks for %s; a prog_array takes the type of its "
				"first program",
				type_name(owner), request->type->name, type_name(*ret_type));
	return EXIT_SUCCESS;
}

/* The kernel says EINVAL, whatever it is. */
static int explain_refusal(const struct target *target, int program, int err)
{
	int jited = elfmap_map__owner_jited(target->map.fd);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (err != -EINVAL || bpf_obj_get_info_by_fd(program, &info, &size))
		return complain(target->pin, "the program cannot be put into the slot: %s", strerror(-err));
	if (jited >= 0 && jited != !!info.jited_prog_len)
		return complain(target->pin,
				"holds programs that are %scompiled, and this one is %scompiled: "
				"net.core.bpf_jit_enable has changed since; load all of them anew, or set it back",
				jited ? "" : "not ", info.jited_prog_len ? "" : "not ");
	return complain(target->pin,
			"holds programs of another kind than this one: their attach type, what they attach to, or "
			"whether they take packets in fragments (xdp.frags) differs");
}

/* A section like "xdp" says what its program is for, and the verifier's words about it would be riddles. */
static int check_hint(const struct request *request, const struct elfmap_load *object)
{
	enum bpf_prog_type owner = object->opts.type;

	for (size_t i = 0; owner && !request->type && i < object->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->object->progs[i];

		if (strcmp(prog->section, request->section) != 0 || !prog->type_hint || prog->type_hint == owner)
			continue;
		return complain(request->pin, "holds programs of type %s, and section '%s' of %s is of type %s",
				type_name(owner), request->section, request->file, type_name(prog->type_hint));
	}
	return EXIT_SUCCESS;
}

/* ---- doing it -------------------------------------------------------------------------------------------- */

static int put(const struct request *request, const struct target *target, const struct elfmap_load_opts *opts,
	       struct graft *graft, struct elfmap_load **ret_load)
{
	struct elfmap_load *load = NULL;
	struct elfmap_msg msg;
	int err, program;

	if (load_object(request->file, opts, false, &load, &msg))
		return complain(request->file, "%s", msg.text);
	program = bpf_program__fd(elfmap_load__find_prog(load, request->section)->bpf);
	err = bpf_map_update_elem(target->map.fd, &graft->slot, &program, BPF_ANY);
	if (err) {
		explain_refusal(target, program, err);
		elfmap_load__undo(load);
		elfmap_load__free(load);
		return EXIT_FAILURE;
	}
	elfmap_load__keep(load);
	graft->new = program_id(program);
	graft->load = *ret_load = load;
	return EXIT_SUCCESS;
}

static int empty(const struct request *request, const struct target *target, const struct graft *graft)
{
	if (!bpf_map_delete_elem(target->map.fd, &graft->slot))
		return EXIT_SUCCESS;
	if (errno == ENOENT)
		return complain(request->pin, "slot %s is empty already", request->slot);
	return complain(request->pin, "slot %s cannot be emptied: %s", request->slot, strerror(errno));
}

/* ---- what was done --------------------------------------------------------------------------------------- */

static void add_id(json_object *object, const char *name, __u32 id)
{
	json_object_object_add(object, name, id ? json_object_new_int64(id) : NULL);
}

static void print_graft(const struct graft *graft)
{
	json_object *object = json_object_new_object(), *pinned = json_object_new_array();

	json_object_object_add(object, "pinned", json_object_new_string(graft->path));
	json_object_object_add(object, "map_id", json_object_new_int64(graft->map));
	json_object_object_add(object, "slot", json_object_new_int64(graft->slot));
	json_object_object_add(object, "slot_name", graft->slot_name ? json_object_new_string(graft->slot_name) : NULL);
	add_id(object, "prog_id", graft->new);
	add_id(object, "old_prog_id", graft->old);
	for (size_t i = 0; graft->load && i < graft->load->nr_maps; i++) {
		const struct elfmap_load_map *map = &graft->load->maps[i];

		if (map->pin_path && !map->is_reused)
			json_object_array_add(pinned, json_object_new_string(map->pin_path));
	}
	json_object_object_add(object, "new_pins", pinned);
	print_json(object);
}

/* All that can be said before anything is loaded. */
static int prepare(const struct request *request, const struct target *target, const struct elfmap_load_opts *opts,
		   struct graft *graft)
{
	struct elfmap_load *object = NULL;
	struct elfmap_msg msg;
	__u32 slot = 0;
	int status;

	if (request->file && elfmap_load__open(request->file, opts, &object, &msg))
		return complain(request->file, "%s", msg.text);
	status = object ? check_hint(request, object) : EXIT_SUCCESS;
	status = status ?: find_slot(request, target, object, &slot);
	if (!status)
		describe(target, slot, graft);
	elfmap_load__free(object);
	return status;
}

static int run(const struct request *request, const char *tc_dir, const struct target *target)
{
	struct elfmap_load_opts opts = {
		.tc_dir = tc_dir, .section = request->section, .warn = warn_of_object, .graft_into = target->path};
	struct elfmap_load *load = NULL;
	struct graft graft = {};
	int status;

	status = check_table(target);
	status = status ?: choose_type(request, target, &opts.type);
	status = status ?: prepare(request, target, &opts, &graft);
	if (!status && request->file)
		status = put(request, target, &opts, &graft, &load);
	else if (!status)
		status = empty(request, target, &graft);
	if (!status && output.json)
		print_graft(&graft);
	elfmap_load__free(load);
	return status;
}

int verb_graft(int argc, char **argv)
{
	struct request request = {};
	char tc_dir[PATH_MAX];
	struct target target;
	struct elfmap_msg msg;
	int status;

	argc = take_options(argc, argv, "--empty");
	if (argc < 0 || parse(argc, argv, &request))
		return EXIT_USAGE;
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(request.pin, "%s", msg.text);
	status = target__open(&target, request.pin, ELFMAP_READ_WRITE, NULL);
	if (status)
		return status;
	status = run(&request, tc_dir, &target);
	target__close(&target);
	return status;
}
