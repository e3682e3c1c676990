// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tail calls that fall through. Which slots a program jumps to is read off its instructions, as the
 * kernel gives them back: a call of bpf_tail_call with a map and a slot that are constants. A slot that is
 * computed tells nothing.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/doctor/doctor.h"
#include "helpers/map/map_facts.h"
#include "kinds/maps.h"

#define LOOK_BACK 12 /* instructions before the call; compilers set arguments right there */

static bool is_prog_array(__u32 id, struct bpf_map_info *info, __u32 *ret_filled)
{
	__u32 size = sizeof(*info), prog;
	int fd = bpf_map_get_fd_by_id(id);
	bool is_one;

	if (fd < 0)
		return false;
	*info = (struct bpf_map_info){};
	is_one = !bpf_obj_get_info_by_fd(fd, info, &size) && elfmap_map__is_prog_array(info->type);
	*ret_filled = 0;
	for (__u32 key = 0; is_one && key < info->max_entries; key++)
		*ret_filled += !bpf_map_lookup_elem(fd, &key, &prog);
	close(fd);
	return is_one;
}

/* ---- PROG_ARRAYs without a pin ----------------------------------------------------------------------------- */

static int check_pins(struct doctor *doctor, const struct elfmap_program *prog)
{
	struct bpf_map_info info;
	__u32 filled;
	int err = 0;

	for (__u32 i = 0; !err && i < prog->nr_maps; i++) {
		if (doctor__pin(doctor, prog->maps[i]) || !is_prog_array(prog->maps[i], &info, &filled))
			continue;
		err = doctor__find(
			doctor, filled ? WARNING : GRAVE, NULL,
			"program %u %s jumps through PROG_ARRAY %u %s, which has no pin%s", prog->id, prog->name,
			info.id, info.name,
			filled ? ": it is emptied as soon as the process ends that has it open"
			       : " and is empty: every tail call falls through; load the object again with the "
				 "map pinned (PIN_GLOBAL_NS)");
	}
	return err;
}

int doctor_unpinned(struct doctor *doctor)
{
	int err = 0;

	for (size_t i = 0; !err && i < doctor->census.nr_progs; i++)
		if (doctor__runs(doctor, doctor->census.progs[i].id))
			err = check_pins(doctor, &doctor->census.progs[i]);
	return err;
}

/* ---- empty slots ------------------------------------------------------------------------------------------- */

static int read_instructions(__u32 id, struct bpf_insn **ret_insns, size_t *ret_nr)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info), length;
	int err, fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	length = info.xlated_prog_len;
	*ret_insns = err || !length ? NULL : malloc(length);
	if (*ret_insns) {
		info = (struct bpf_prog_info){.xlated_prog_len = length,
					      .xlated_prog_insns = (__u64)(unsigned long)*ret_insns};
		size = sizeof(info);
		err = bpf_obj_get_info_by_fd(fd, &info, &size);
		*ret_nr = info.xlated_prog_insns ? info.xlated_prog_len / sizeof(**ret_insns) : 0;
	}
	close(fd);
	return *ret_insns ? err : err ?: -ENOENT;
}

static bool writes(const struct bpf_insn *insn, int reg)
{
	__u8 class = BPF_CLASS(insn->code);

	return insn->dst_reg == reg && (class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX || class == BPF_LD);
}

/* The last instruction that writes REG before CALL, if control cannot come from elsewhere in between. */
static const struct bpf_insn *find_write(const struct bpf_insn *insns, size_t call, int reg)
{
	for (size_t at = call; at-- && call - at <= LOOK_BACK;) {
		__u8 class = BPF_CLASS(insns[at].code);

		if (insns[at].code && writes(&insns[at], reg))
			return &insns[at];
		if (class == BPF_JMP || class == BPF_JMP32)
			return NULL;
	}
	return NULL;
}

static bool is_tail_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == BPF_FUNC_tail_call;
}

static int check_slot(struct doctor *doctor, const struct elfmap_program *prog, __u32 map, __u32 slot)
{
	int fd = bpf_map_get_fd_by_id(map), err = 0;
	const char *pin = doctor__pin(doctor, map);
	char remedy[PATH_MAX + 64];
	__u32 id;

	if (fd >= 0 && pin && bpf_map_lookup_elem(fd, &slot, &id)) {
		const char *word = map_pin_word(pin, doctor->tc_dir);

		snprintf(remedy, sizeof(remedy), "elfmap graft %s %u FILE sec NAME", word, slot);
		err = doctor__find(doctor, WARNING, remedy, "program %u %s jumps to slot %u of %s, which is empty",
				   prog->id, prog->name, slot, word);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int check_jumps(struct doctor *doctor, const struct elfmap_program *prog)
{
	struct bpf_insn *insns;
	size_t nr = 0;
	int err = 0;

	if (read_instructions(prog->id, &insns, &nr))
		return 0; /* gone since, or hidden (bpf_jit_harden) */
	for (size_t at = 0; !err && at < nr; at++) {
		const struct bpf_insn *map, *slot;

		if (!is_tail_call(&insns[at]))
			continue;
		map = find_write(insns, at, BPF_REG_2);
		slot = find_write(insns, at, BPF_REG_3);
		if (map && slot && map->code == (BPF_LD | BPF_IMM | BPF_DW) && map->src_reg == BPF_PSEUDO_MAP_FD &&
		    BPF_OP(slot->code) == BPF_MOV && BPF_SRC(slot->code) == BPF_K)
			err = check_slot(doctor, prog, (__u32)map->imm, (__u32)slot->imm);
	}
	free(insns);
	return err;
}

int doctor_slots(struct doctor *doctor)
{
	int err = 0;

	for (size_t i = 0; !err && i < doctor->census.nr_progs; i++)
		if (doctor__runs(doctor, doctor->census.progs[i].id))
			err = check_jumps(doctor, &doctor->census.progs[i]);
	return err;
}
