// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The slots of a pinned CGROUP_ARRAY and the records of their cgroups; cgroup_slots.h has the contracts. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "cgroup_filter.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/map.h"
#include "pins/pin_change.h"

static int notes_path(const char *pin, char ret_path[PATH_MAX], struct elfmap_msg *msg)
{
	if (snprintf(ret_path, PATH_MAX, "%s" CGROUP_NOTES_SUFFIX, pin) >= PATH_MAX)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	return 0;
}

/* ---- records ------------------------------------------------------------------------------------------------ */

/* BTF of the records, for `elfmap map dump`. NULL: the map is created without BTF. */
static struct btf *describe_note(int *ret_key, int *ret_note)
{
	struct btf *btf = btf__new_empty();
	int id;

	if (!btf)
		return NULL;
	*ret_key = btf__add_int(btf, "__u32", 4, 0);
	id = btf__add_int(btf, "__u64", 8, 0);
	id = btf__add_typedef(btf, "cgroup_id", id);
	*ret_note = btf__add_struct(btf, "cgroup_note", sizeof(struct cgroup_note));
	if (btf__add_field(btf, "cgroup", id, 8 * offsetof(struct cgroup_note, cgroup), 0) ||
	    btf__add_field(btf, "map_id", *ret_key, 8 * offsetof(struct cgroup_note, map_id), 0) ||
	    btf__load_into_kernel(btf)) {
		btf__free(btf);
		return NULL;
	}
	return btf;
}

static int create_notes(__u32 count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int key = 0, note = 0, fd;
	struct btf *btf = describe_note(&key, &note);

	if (btf) {
		opts.btf_fd = (__u32)btf__fd(btf);
		opts.btf_key_type_id = (__u32)key;
		opts.btf_value_type_id = (__u32)note;
	}
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "cgroup_notes", sizeof(__u32), sizeof(struct cgroup_note), count,
			    &opts);
	btf__free(btf);
	return fd;
}

/* -ENOENT: the array does not exist; -ENOSPC: it has fewer slots and belongs to another CGROUP_ARRAY. */
static int open_notes(const struct elfmap_cgroup_slots *slots, enum elfmap_access access, int *ret_fd,
		      struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	char path[PATH_MAX];
	int fd = -1, err;

	err = notes_path(slots->path, path, msg);
	err = err ?: elfmap_map__open_for(path, access, &fd, &info, msg);
	if (err)
		return err;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(struct cgroup_note))
		err = elfmap_msg__set(msg, -EINVAL, "%s exists, but does not record cgroups; if nothing uses it: rm %s",
				      path, path);
	else if (info.max_entries < slots->count)
		err = elfmap_msg__set(msg, -ENOSPC, "%s is too small", path);
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* Opens the array of records for writing or creates it. *RET_MADE: a new pin was created. */
static int need_notes(struct elfmap_cgroup_slots *slots, bool *ret_made, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err, fd = -1;

	*ret_made = false;
	err = open_notes(slots, ELFMAP_READ_WRITE, &fd, msg);
	if (err == -ENOENT || err == -ENOSPC) {
		bool is_there = err == -ENOSPC;

		fd = create_notes(slots->count);
		err = fd < 0 ? elfmap_msg__set(msg, fd, "no array for notes: %s", strerror(-fd)) : 0;
		err = err ?: notes_path(slots->path, path, msg);
		if (!err)
			err = is_there ? elfmap_pin__replace(fd, path, msg) : elfmap_pin__add(fd, path, msg);
		*ret_made = !err && !is_there;
	}
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	if (slots->notes >= 0)
		close(slots->notes);
	slots->notes = fd;
	return 0;
}

static void remove_notes(const struct elfmap_cgroup_slots *slots)
{
	char path[PATH_MAX];

	if (!notes_path(slots->path, path, NULL))
		unlink(path);
}

static int write_note(const struct elfmap_cgroup_slots *slots, __u32 index, __u64 cgroup, struct elfmap_msg *msg)
{
	struct cgroup_note note = {.cgroup = cgroup, .map_id = cgroup ? slots->map_id : 0};
	int err = bpf_map_update_elem(slots->notes, &index, &note, BPF_ANY);

	return err ? elfmap_msg__set(msg, err, "slot %u cannot be noted: %s", index, strerror(-err)) : 0;
}

/* ---- opening and creating ----------------------------------------------------------------------------------- */

void elfmap_cgroup_slots__close(struct elfmap_cgroup_slots *slots)
{
	if (slots->map >= 0)
		close(slots->map);
	if (slots->notes >= 0)
		close(slots->notes);
	if (slots->probe >= 0)
		close(slots->probe);
	slots->map = slots->notes = slots->probe = -1;
}

/* Loads a program that calls bpf_skb_under_cgroup() for a slot, which returns -EAGAIN if the slot is empty. Returns a
 * descriptor or a negative errno. */
static int load_probe(int map)
{
	const struct bpf_insn program[] = {
		{.code = BPF_LDX | BPF_W | BPF_MEM,
		 .dst_reg = BPF_REG_3,
		 .src_reg = BPF_REG_1,
		 .off = offsetof(struct __sk_buff, cb[0])},
		{.code = BPF_LD | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map},
		{},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_skb_under_cgroup},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "cgroup_slot", "GPL", program, sizeof(program) / sizeof(*program),
			     NULL);
}

int elfmap_cgroup_slots__open(const char *path, struct elfmap_cgroup_slots *ret_slots, struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slots slots = {.map = -1, .notes = -1, .probe = -1};
	struct bpf_map_info info;
	int err;

	if (snprintf(slots.path, sizeof(slots.path), "%s", path) >= (int)sizeof(slots.path))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	err = elfmap_map__open_for(path, ELFMAP_READ_WRITE, &slots.map, &info, msg);
	if (err)
		return err;
	if (elfmap_map_kind__of(info.type)->value != ELFMAP_VALUE_CGROUP) {
		elfmap_cgroup_slots__close(&slots);
		return elfmap_msg__set(msg, -EINVAL, "is not a cgroup_array; its type is %s",
				       elfmap_map_type_name(info.type) ?: "unknown");
	}
	slots.map_id = info.id;
	slots.count = info.max_entries;
	err = open_notes(&slots, ELFMAP_READ_WRITE, &slots.notes, msg);
	if (err && err != -ENOENT && err != -ENOSPC) {
		elfmap_cgroup_slots__close(&slots);
		return err;
	}
	slots.probe = load_probe(slots.map);
	*ret_slots = slots;
	return 0;
}

static int check_index(__u32 index, __u32 count, struct elfmap_msg *msg)
{
	if (index < count)
		return 0;
	if (!count)
		return elfmap_msg__set(msg, -EINVAL, "an array needs at least one slot");
	return elfmap_msg__set(msg, -E2BIG, "no slot %u; there are %u, from 0 to %u", index, count, count - 1);
}

static int put(int map, __u32 index, int cgroup, struct elfmap_msg *msg)
{
	int err = bpf_map_update_elem(map, &index, &cgroup, BPF_ANY);

	if (err == -ENOENT)
		return elfmap_msg__set(msg, err, "slot %u: the cgroup has just been removed", index);
	return err ? elfmap_msg__set(msg, err, "slot %u: %s", index, strerror(-err)) : 0;
}

static int pin_array(int map, const char *path, bool replace, struct elfmap_msg *msg)
{
	if (replace && !access(path, F_OK))
		return elfmap_pin__replace(map, path, msg);
	return elfmap_pin__add(map, path, msg);
}

/* The array is complete before it is pinned. */
static int create(struct elfmap_cgroup_slots *slots, bool replace, __u32 index, int cgroup, struct elfmap_msg *msg)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	bool made = false;
	__u64 id = 0;
	int err;

	err = elfmap_cgroup__id(cgroup, &id, msg);
	slots->map =
		bpf_map_create(BPF_MAP_TYPE_CGROUP_ARRAY, "cgroups", sizeof(__u32), sizeof(__u32), slots->count, NULL);
	if (slots->map < 0 || bpf_obj_get_info_by_fd(slots->map, &info, &size))
		return elfmap_msg__set(msg, -errno, "no array of %u slots: %s", slots->count, strerror(errno));
	slots->map_id = info.id;
	err = err ?: put(slots->map, index, cgroup, msg);
	err = err ?: need_notes(slots, &made, msg);
	err = err ?: pin_array(slots->map, slots->path, replace, msg);
	if (err && made)
		remove_notes(slots);
	return err ?: write_note(slots, index, id, msg);
}

int elfmap_cgroup_slots__create(const char *path, __u32 count, bool replace, __u32 index, int cgroup,
				struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slots slots = {.map = -1, .notes = -1, .probe = -1, .count = count};
	int err, lock = -1;

	if (snprintf(slots.path, sizeof(slots.path), "%s", path) >= (int)sizeof(slots.path))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	err = check_index(index, count, msg);
	err = err ?: elfmap_pin__lock(path, &lock, msg);
	if (!err && !replace && !access(path, F_OK))
		err = elfmap_msg__set(msg, -EEXIST, "exists already; with --force a new array takes its place");
	err = err ?: create(&slots, replace, index, cgroup, msg);
	elfmap_cgroup_slots__close(&slots);
	if (lock >= 0)
		close(lock);
	return err;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

/* The record is deleted before the slot changes: if the command is killed between, the state is 'unknown', not wrong.
 */
int elfmap_cgroup_slots__set(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg)
{
	bool made = false;
	__u64 id = 0;
	int err;

	err = check_index(index, slots->count, msg);
	err = err ?: elfmap_cgroup__id(cgroup, &id, msg);
	err = err ?: need_notes(slots, &made, msg);
	err = err ?: write_note(slots, index, 0, msg);
	if (err)
		return err;
	err = put(slots->map, index, cgroup, msg);
	if (err && made)
		remove_notes(slots);
	return err ?: write_note(slots, index, id, msg);
}

int elfmap_cgroup_slots__clear(struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_msg *msg)
{
	int err;

	err = check_index(index, slots->count, msg);
	if (err)
		return err;
	err = bpf_map_delete_elem(slots->map, &index);
	if (err && err != -ENOENT)
		return elfmap_msg__set(msg, err, "slot %u: %s", index, strerror(-err));
	if (slots->notes >= 0 && write_note(slots, index, 0, msg))
		return -EIO;
	return err ? elfmap_msg__set(msg, err, "slot %u is empty", index) : 0;
}

int elfmap_cgroup_slots__note(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg)
{
	bool made = false;
	__u64 id = 0;
	int err = 0;

	if (cgroup < 0 && slots->notes < 0)
		return 0;
	if (cgroup >= 0)
		err = elfmap_cgroup__id(cgroup, &id, msg);
	err = err ?: need_notes(slots, &made, msg);
	return err ?: write_note(slots, index, id, msg);
}

/* Returns 1 if the slot is empty, 0 if not, or a negative errno: the kernel cannot run the probe. */
static int ask_empty(const struct elfmap_cgroup_slots *slots, __u32 index)
{
	struct __sk_buff context = {.cb = {index}};
	unsigned char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet), .ctx_in = &context,
		    .ctx_size_in = sizeof(context));
	int err = slots->probe < 0 ? slots->probe : bpf_prog_test_run_opts(slots->probe, &run);

	if (err)
		return err;
	if ((int)run.retval == -EAGAIN)
		return 1;
	return (int)run.retval == 0 || run.retval == 1 ? 0 : (int)run.retval;
}

static __u64 read_note(const struct elfmap_cgroup_slots *slots, __u32 index)
{
	struct cgroup_note note;

	if (slots->notes < 0 || bpf_map_lookup_elem(slots->notes, &index, &note) || note.map_id != slots->map_id)
		return 0;
	return note.cgroup;
}

int elfmap_cgroup_slots__read(const struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_cgroup_slot *ret_slot,
			      struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slot slot = {.state = CGROUP_SLOT_UNKNOWN};
	int err = check_index(index, slots->count, msg), empty;

	if (err)
		return err;
	slot.cgroup = read_note(slots, index);
	empty = ask_empty(slots, index);
	if (empty == 1)
		slot = (struct elfmap_cgroup_slot){.state = CGROUP_SLOT_EMPTY};
	else if (slot.cgroup) {
		err = elfmap_cgroup__name(slot.cgroup, slot.path, sizeof(slot.path), msg);
		if (err && err != -ENOENT)
			return err;
		slot.state = err ? CGROUP_SLOT_GONE : CGROUP_SLOT_SET;
	}
	*ret_slot = slot;
	return 0;
}
