// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From a request to a program in a slot. Everything that may fail comes before the one call that changes the slot. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "hook/graft.h"
#include "kinds/maps.h"
#include "load/load.h"
#include "pins/bpffs.h"

static const char *type_name(enum bpf_prog_type type)
{
	return elfmap_prog_type_name(type) ?: "unknown";
}

static void describe_load(const struct elfmap_graft *graft, struct elfmap_load_opts *opts)
{
	*opts = (struct elfmap_load_opts){
		.tc_dir = graft->request.tc_dir,
		.section = graft->request.section,
		.type = graft->prog_type,
		.graft_into = graft->path,
		.is_locked = graft->request.is_locked,
		.warn = graft->request.warn,
	};
}

/* ---- slots by number or name ------------------------------------------------------------------------------- */

static bool has_names(const struct elfmap_type *key)
{
	return key && key->notation == ELFMAP_ENUM && key->nr_enumerators;
}

static int find_name(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		     struct elfmap_msg *msg)
{
	const struct elfmap_enumerator *found;
	char names[300];

	if (!key || !has_names(key))
		return elfmap_msg__set(msg, -ENOENT,
				       "'%s' is not a number, and the table's slots have no names; "
				       "BPF_ANNOTATE_KV_PAIR with an enum for the key gives them names",
				       word);
	/* Numbers beyond the table are not slots: mostly, one that counts the others. */
	found = slots ? elfmap_enum__find(key, word, strlen(word), slots - 1) : NULL;
	if (!found) {
		elfmap_enum__list(key, (__u64)slots - 1, names, sizeof(names));
		return elfmap_msg__set(msg, -ENOENT, "no slot '%s'; there are: %s", word, names);
	}
	*ret_slot = (__u32)found->number;
	return 0;
}

int elfmap_slots__find(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		       struct elfmap_msg *msg)
{
	__u64 number = 0;
	int err;

	if (*word < '0' || *word > '9')
		return find_name(key, word, slots, ret_slot, msg);
	err = elfmap_number__read(word, 0, 0, (__u64)slots - 1, &number);
	if (err == -EINVAL)
		return elfmap_msg__set(msg, -ENOENT, "slot '%s' is neither a number nor a name", word);
	if (err)
		return elfmap_msg__set(msg, -ERANGE, "slot %s: the table has slots 0 to %u", word, slots - 1);
	*ret_slot = (__u32)number;
	return 0;
}

/* ---- the table --------------------------------------------------------------------------------------------- */

static int open_table(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	int err = 0;

	if (!graft->request.path)
		err = elfmap_bpffs__pin_path(graft->request.pin, graft->path, sizeof(graft->path), msg);
	else
		snprintf(graft->path, sizeof(graft->path), "%s", graft->request.path);
	err = err ?: elfmap_reader__open_for(graft->path, ELFMAP_READ_WRITE, NULL, &graft->table, msg);
	if (err || elfmap_map__is_prog_array(graft->table.info.type))
		return err;
	return elfmap_msg__set(msg, -EINVAL, "is %s; only a prog_array has slots for programs",
			       elfmap_map_kind__of(graft->table.info.type)->phrase);
}

/* The type to load the program as: of the request, else of the table, else of its section name. */
static int choose_type(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = elfmap_map__owner(graft->table.fd);

	graft->prog_type = graft->request.type ?: owner;
	if (owner && graft->prog_type != owner)
		return elfmap_msg__set(msg, -EINVAL,
				       "holds programs of type %s, and '%s' asks for %s; a prog_array takes the type "
				       "of its first program",
				       type_name(owner), graft->request.type_name, type_name(graft->prog_type));
	return 0;
}

/* ---- the object, and the slot ------------------------------------------------------------------------------ */

/* Refuses a section like "xdp" in a table of another type with a clear message, before the verifier does. */
static int check_hint(const struct elfmap_graft *graft, const struct elfmap_load *object, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = graft->prog_type;

	for (size_t i = 0; owner && !graft->request.type && i < object->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->object->progs[i];

		if (strcmp(prog->section, graft->request.section) != 0 || !prog->type_hint || prog->type_hint == owner)
			continue;
		return elfmap_msg__set(msg, -EINVAL, "holds programs of type %s, and section '%s' of %s is of type %s",
				       type_name(owner), graft->request.section, graft->request.file,
				       type_name(prog->type_hint));
	}
	return 0;
}

/* Finds the slot by the names of the object, for a table that was made without BTF. */
static int find_in_object(const struct elfmap_graft *graft, const struct elfmap_load *object, __u32 *ret_slot,
			  struct elfmap_msg *msg)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	struct elfmap_type *key = NULL;
	struct elfmap_msg none;
	int err;

	for (size_t i = 0; btf && !key && i < object->nr_maps; i++) {
		const struct elfmap_load_map *map = &object->maps[i];
		__u32 type = bpf_map__btf_key_type_id(map->bpf);

		if (type && map->pin_path && !strcmp(map->pin_path, graft->path))
			elfmap_type__read(btf, type, sizeof(__u32), &key, &none);
	}
	err = elfmap_slots__find(key, graft->request.slot, graft->table.info.max_entries, ret_slot, msg);
	elfmap_type__free(key);
	return err;
}

static int find_slot(struct elfmap_graft *graft, const struct elfmap_load *object, struct elfmap_msg *msg)
{
	const struct elfmap_type *key = graft->table.types.key;
	__u32 id;
	int err;

	err = elfmap_slots__find(key, graft->request.slot, graft->table.info.max_entries, &graft->slot, msg);
	if (err == -ENOENT && object && key->notation != ELFMAP_ENUM)
		err = find_in_object(graft, object, &graft->slot, msg);
	if (err)
		return err;
	if (key->notation == ELFMAP_ENUM)
		graft->slot_name = elfmap_type__enumerator(key, graft->slot);
	err = bpf_map_lookup_elem(graft->table.fd, &graft->slot, &id);
	if (err == -ENOENT)
		return 0;
	graft->before = err ?: bpf_prog_get_fd_by_id(id);
	return graft->before >= 0
		       ? 0
		       : elfmap_msg__set(msg, graft->before, "slot %u: %s", graft->slot, strerror(-graft->before));
}

int elfmap_graft__open_table(const struct elfmap_graft_request *request, struct elfmap_graft *graft,
			     struct elfmap_msg *msg)
{
	*graft = (struct elfmap_graft)ELFMAP_NO_GRAFT;
	graft->request = *request;
	graft->culprit = request->pin;
	return open_table(graft, msg) ?: choose_type(graft, msg);
}

int elfmap_graft__find_slot(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	return find_slot(graft, NULL, msg);
}

int elfmap_graft__open(const struct elfmap_graft_request *request, struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	struct elfmap_load *object = NULL;
	struct elfmap_load_opts opts;
	int err;

	err = elfmap_graft__open_table(request, graft, msg);
	if (!err && graft->request.file) {
		describe_load(graft, &opts);
		err = elfmap_load__open(graft->request.file, &opts, &object, msg);
		if (err)
			graft->culprit = graft->request.file;
		err = err ?: check_hint(graft, object, msg);
	}
	err = err ?: find_slot(graft, object, msg);
	elfmap_load__free(object);
	return err;
}

/* ---- changing the slot ----------------------------------------------------------------------------------------- */

static int load(struct elfmap_graft *graft, const struct elfmap_load_goal *goal, struct elfmap_msg *msg)
{
	struct elfmap_load_opts opts;

	elfmap_load__free(graft->load);
	graft->load = NULL;
	describe_load(graft, &opts);
	graft->culprit = graft->request.file;
	return elfmap_load__run(graft->request.file, &opts, goal, &graft->load, msg);
}

int elfmap_graft__load(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	static const struct elfmap_load_goal goal = {.look = elfmap_load__look_only};

	return load(graft, &goal, msg);
}

/* The kernel returns EINVAL for all causes. */
static int explain_refusal(const struct elfmap_graft *graft, int program, int err, struct elfmap_msg *msg)
{
	int jited = elfmap_map__owner_jited(graft->table.fd);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (err != -EINVAL || bpf_obj_get_info_by_fd(program, &info, &size))
		return elfmap_msg__set(msg, err, "the program cannot be put into the slot: %s", strerror(-err));
	if (jited >= 0 && jited != !!info.jited_prog_len)
		return elfmap_msg__set(msg, err,
				       "holds programs that are %scompiled, and this one is %scompiled: "
				       "net.core.bpf_jit_enable was changed since; load all of them again, or restore "
				       "the setting",
				       jited ? "" : "not ", info.jited_prog_len ? "" : "not ");
	return elfmap_msg__set(msg, err,
			       "holds programs of another kind: their attach type, their attach target, or the "
			       "support of fragmented packets (xdp.frags) differs");
}

int elfmap_graft__put_program(struct elfmap_graft *graft, int program, struct elfmap_msg *msg)
{
	int err = bpf_map_update_elem(graft->table.fd, &graft->slot, &program, BPF_ANY);

	graft->culprit = graft->request.pin;
	graft->is_done = !err;
	return err ? explain_refusal(graft, program, err, msg) : 0;
}

int elfmap_graft__put(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	int err = load(graft, NULL, msg);

	if (err)
		return err;
	return elfmap_graft__put_program(
		graft, bpf_program__fd(elfmap_load__find_prog(graft->load, graft->request.section)->bpf), msg);
}

int elfmap_graft__empty(struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	int err = bpf_map_delete_elem(graft->table.fd, &graft->slot);

	graft->culprit = graft->request.pin;
	if (err == -ENOENT)
		return elfmap_msg__set(msg, err, "slot %s is already empty", graft->request.slot);
	return err ? elfmap_msg__set(msg, err, "slot %s cannot be emptied: %s", graft->request.slot, strerror(-err))
		   : 0;
}

/* ---- closing ----------------------------------------------------------------------------------------------- */

static void restore_slot(const struct elfmap_graft *graft)
{
	if (graft->before >= 0)
		bpf_map_update_elem(graft->table.fd, &graft->slot, &graft->before, BPF_ANY);
	else
		bpf_map_delete_elem(graft->table.fd, &graft->slot);
}

void elfmap_graft__close(struct elfmap_graft *graft, bool keep)
{
	if (graft->is_done && !keep)
		restore_slot(graft);
	elfmap_load__end(graft->load, keep);
	if (graft->before >= 0)
		close(graft->before);
	if (graft->table.fd >= 0)
		elfmap_reader__close(&graft->table);
	graft->load = NULL;
	graft->before = -1;
	graft->is_done = false;
}
