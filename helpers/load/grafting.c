// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From words to a program in a slot. Everything that may fail comes before the one call that changes the slot. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "helpers/load/grafting.h"
#include "helpers/load/loading.h"
#include "map/slots.h"
#include "pins/bpffs.h"

static const char *type_name(enum bpf_prog_type type)
{
	return elfmap_prog_type_name(type) ?: "unknown";
}

static void describe_load(const struct grafting *grafting, const char *tc_dir, struct elfmap_load_opts *opts)
{
	*opts = (struct elfmap_load_opts){
		.tc_dir = tc_dir,
		.section = grafting->section,
		.type = grafting->prog_type,
		.graft_into = grafting->path,
		.is_locked = grafting->is_locked,
		.warn = warn_of_object,
	};
}

/* ---- the table --------------------------------------------------------------------------------------------- */

static int open_table(struct grafting *grafting, struct elfmap_msg *msg)
{
	char kind[ELFMAP_TYPE_PHRASE];
	int err = 0;

	if (!*grafting->path)
		err = elfmap_bpffs__pin_path(grafting->pin, grafting->path, sizeof(grafting->path), msg);
	err = err ?: elfmap_reader__open_for(grafting->path, ELFMAP_READ_WRITE, NULL, &grafting->table, msg);
	if (err || grafting->table.info.type == BPF_MAP_TYPE_PROG_ARRAY)
		return err;
	return elfmap_msg__set(msg, -EINVAL, "is %s; only a prog_array has slots for programs",
			       elfmap_map_type_phrase(grafting->table.info.type, kind));
}

/* The type that the program is loaded as: what the command says, else the table's, else what its section
 * is called. */
static int choose_type(struct grafting *grafting, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = elfmap_map__owner(grafting->table.fd);

	grafting->prog_type = grafting->type ? grafting->type->type : owner;
	if (owner && grafting->prog_type != owner)
		return elfmap_msg__set(msg, -EINVAL,
				       "holds programs of type %s, and '%s' asks for %s; a prog_array takes the type "
				       "of its first program",
				       type_name(owner), grafting->type->name, type_name(grafting->prog_type));
	return 0;
}

/* ---- the object, and the slot ------------------------------------------------------------------------------ */

/* A section like "xdp" says what its program is for, and the verifier's words about it would be riddles. */
static int check_hint(const struct grafting *grafting, const struct elfmap_load *object, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = grafting->prog_type;

	for (size_t i = 0; owner && !grafting->type && i < object->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &object->object->progs[i];

		if (strcmp(prog->section, grafting->section) != 0 || !prog->type_hint || prog->type_hint == owner)
			continue;
		return elfmap_msg__set(msg, -EINVAL, "holds programs of type %s, and section '%s' of %s is of type %s",
				       type_name(owner), grafting->section, grafting->file, type_name(prog->type_hint));
	}
	return 0;
}

/* The names that the object gives the slots, for a table that was made without types. */
static int find_in_object(const struct grafting *grafting, const struct elfmap_load *object, __u32 *ret_slot,
			  struct elfmap_msg *msg)
{
	const struct btf *btf = bpf_object__btf(object->bpf);
	struct elfmap_type *key = NULL;
	struct elfmap_msg none;
	int err;

	for (size_t i = 0; btf && !key && i < object->nr_maps; i++) {
		const struct elfmap_load_map *map = &object->maps[i];
		__u32 type = bpf_map__btf_key_type_id(map->bpf);

		if (type && map->pin_path && !strcmp(map->pin_path, grafting->path))
			elfmap_type__read(btf, type, sizeof(__u32), &key, &none);
	}
	err = elfmap_slots__find(key, grafting->slot_word, grafting->table.info.max_entries, ret_slot, msg);
	elfmap_type__free(key);
	return err;
}

static int find_slot(struct grafting *grafting, const struct elfmap_load *object, struct elfmap_msg *msg)
{
	const struct elfmap_type *key = grafting->table.types.key;
	__u32 id;
	int err;

	err = elfmap_slots__find(key, grafting->slot_word, grafting->table.info.max_entries, &grafting->slot, msg);
	if (err == -ENOENT && object && key->notation != ELFMAP_ENUM)
		err = find_in_object(grafting, object, &grafting->slot, msg);
	if (err)
		return err;
	if (key->notation == ELFMAP_ENUM)
		grafting->slot_name = elfmap_type__enumerator(key, grafting->slot);
	err = bpf_map_lookup_elem(grafting->table.fd, &grafting->slot, &id);
	if (err == -ENOENT)
		return 0;
	grafting->before = err ?: bpf_prog_get_fd_by_id(id);
	return grafting->before >= 0 ? 0
				     : elfmap_msg__set(msg, grafting->before, "slot %u: %s", grafting->slot,
						       strerror(-grafting->before));
}

int grafting__open(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_load *object = NULL;
	struct elfmap_load_opts opts;
	int err;

	grafting->culprit = grafting->pin;
	err = open_table(grafting, msg);
	err = err ?: choose_type(grafting, msg);
	if (!err && grafting->file) {
		describe_load(grafting, tc_dir, &opts);
		err = elfmap_load__open(grafting->file, &opts, &object, msg);
		if (err)
			grafting->culprit = grafting->file;
		err = err ?: check_hint(grafting, object, msg);
	}
	err = err ?: find_slot(grafting, object, msg);
	elfmap_load__free(object);
	return err;
}

/* ---- doing it ---------------------------------------------------------------------------------------------- */

int grafting__load(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_load_opts opts;
	int err;

	describe_load(grafting, tc_dir, &opts);
	grafting->culprit = grafting->file;
	err = elfmap_load__open(grafting->file, &opts, &grafting->load, msg);
	return err ?: elfmap_load__kernel(grafting->load, msg);
}

/* The kernel says EINVAL, whatever it is. */
static int explain_refusal(const struct grafting *grafting, int program, int err, struct elfmap_msg *msg)
{
	int jited = elfmap_map__owner_jited(grafting->table.fd);
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (err != -EINVAL || bpf_obj_get_info_by_fd(program, &info, &size))
		return elfmap_msg__set(msg, err, "the program cannot be put into the slot: %s", strerror(-err));
	if (jited >= 0 && jited != !!info.jited_prog_len)
		return elfmap_msg__set(msg, err,
				       "holds programs that are %scompiled, and this one is %scompiled: "
				       "net.core.bpf_jit_enable has changed since; load all of them anew, or set it "
				       "back",
				       jited ? "" : "not ", info.jited_prog_len ? "" : "not ");
	return elfmap_msg__set(msg, err,
			       "holds programs of another kind than this one: their attach type, what they attach to, "
			       "or whether they take packets in fragments (xdp.frags) differs");
}

int grafting__put(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_load_opts opts;
	int err, program;

	elfmap_load__free(grafting->load);
	grafting->load = NULL;
	describe_load(grafting, tc_dir, &opts);
	grafting->culprit = grafting->file;
	err = load_object(grafting->file, &opts, false, &grafting->load, msg);
	if (err)
		return err;
	program = bpf_program__fd(elfmap_load__find_prog(grafting->load, grafting->section)->bpf);
	grafting->culprit = grafting->pin;
	err = bpf_map_update_elem(grafting->table.fd, &grafting->slot, &program, BPF_ANY);
	grafting->is_done = !err;
	return err ? explain_refusal(grafting, program, err, msg) : 0;
}

int grafting__empty(struct grafting *grafting, struct elfmap_msg *msg)
{
	int err = bpf_map_delete_elem(grafting->table.fd, &grafting->slot);

	grafting->culprit = grafting->pin;
	if (err == -ENOENT)
		return elfmap_msg__set(msg, err, "slot %s is empty already", grafting->slot_word);
	return err ? elfmap_msg__set(msg, err, "slot %s cannot be emptied: %s", grafting->slot_word, strerror(-err))
		   : 0;
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

static void restore_slot(const struct grafting *grafting)
{
	if (grafting->before >= 0)
		bpf_map_update_elem(grafting->table.fd, &grafting->slot, &grafting->before, BPF_ANY);
	else
		bpf_map_delete_elem(grafting->table.fd, &grafting->slot);
}

void grafting__close(struct grafting *grafting, bool keep)
{
	if (grafting->is_done && !keep)
		restore_slot(grafting);
	if (grafting->load && keep)
		elfmap_load__keep(grafting->load);
	else if (grafting->load)
		elfmap_load__undo(grafting->load);
	elfmap_load__free(grafting->load);
	if (grafting->before >= 0)
		close(grafting->before);
	if (grafting->table.fd >= 0)
		elfmap_reader__close(&grafting->table);
	grafting->load = NULL;
	grafting->before = -1;
	grafting->is_done = false;
}
