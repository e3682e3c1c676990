// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is attached: duplicate filters, programs that use other maps than the pinned ones, tail calls that fall
 * through. The slots that a program jumps to are read from its instructions in the kernel: a call of bpf_tail_call with
 * a constant map and a constant slot. Computed slots are not checked.
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
#include "map/map.h"
#include "pins/map_id.h"

/* ---- duplicates -------------------------------------------------------------------------------------------- */

static bool is_same_filter(const struct elfmap_hook *a, const struct elfmap_hook *b)
{
	return a->kind == b->kind && (a->kind->has & ELFMAP_HOOK_PLACE) && a->direction && *a->name &&
	       a->ifindex == b->ifindex && a->direction == b->direction && a->chain == b->chain &&
	       !strcmp(a->name, b->name);
}

int doctor_duplicates(struct doctor *doctor)
{
	const struct elfmap_hooks *hooks = &doctor->census.hooks;
	char remedy[256];
	int err = 0;

	for (size_t i = 0; !err && i < hooks->nr; i++) {
		const struct elfmap_hook *hook = &hooks->at[i];
		const char *direction = elfmap_hook__direction(hook);
		size_t first = 0;

		while (first < i && !is_same_filter(&hooks->at[first], hook))
			first++;
		if (first == i || !doctor__wants(doctor, hook))
			continue;
		snprintf(remedy, sizeof(remedy), "tc filter del dev %s %s pref %u handle 0x%x bpf", hook->dev,
			 direction, hook->prio, hook->handle);
		err = doctor__find(
			doctor, WARNING, remedy,
			"dev %s %s: %s is attached with pref %u and with pref %u: a packet may meet it twice",
			hook->dev, direction, hook->name, hooks->at[first].prio, hook->prio);
	}
	return err;
}

/* ---- maps that are not the pinned ones --------------------------------------------------------------------- */

/* The pin below tc/globals with the map's name, which the kernel truncates. */
static const struct elfmap_pinned *find_namesake(const struct doctor *doctor, const struct bpf_map_info *info)
{
	char globals[PATH_MAX + 16];
	size_t length;

	length = (size_t)snprintf(globals, sizeof(globals), "%s/globals/", doctor->tc_dir);
	for (size_t i = 0; *info->name && i < doctor->census.pins.nr; i++) {
		const struct elfmap_pinned *pin = &doctor->census.pins.pins[i];

		if (pin->kind == ELFMAP_PIN_MAP && !strncmp(pin->path, globals, length) &&
		    !strncmp(pin->path + length, info->name, sizeof(info->name) - 1) &&
		    (strlen(info->name) == sizeof(info->name) - 1 || strlen(pin->path + length) == strlen(info->name)))
			return pin;
	}
	return NULL;
}

/* Where a program is, and the command that replaces it with one that uses the pinned maps; "": not known. */
struct place {
	__u32 prog;
	char words[PATH_MAX + 128];
	char remedy[PATH_MAX + 128];
};

static void describe_slot(const struct doctor *doctor, const struct elfmap_slot *slot, struct place *place)
{
	const char *pin = doctor__pin(doctor, slot->table);

	*place = (struct place){.prog = slot->prog};
	snprintf(place->words, sizeof(place->words), "program %u in slot %u of %s", slot->prog, slot->key,
		 pin ? map_pin_word(pin, doctor->tc_dir) : "a PROG_ARRAY");
	if (pin)
		snprintf(place->remedy, sizeof(place->remedy), "elfmap graft %s %u FILE sec NAME",
			 map_pin_word(pin, doctor->tc_dir), slot->key);
}

static void describe_hook(const struct elfmap_hook *hook, struct place *place)
{
	const char *bracket = strstr(hook->name, ":["), *direction = elfmap_hook__direction(hook);

	*place = (struct place){.prog = hook->prog};
	snprintf(place->words, sizeof(place->words), "dev %s %s %s", hook->dev, direction ?: "", hook->name);
	if ((hook->kind->has & ELFMAP_HOOK_PLACE) && direction && bracket)
		snprintf(place->remedy, sizeof(place->remedy),
			 "elfmap attach %.*s sec %.*s dev %s %s prio %u handle 0x%x", (int)(bracket - hook->name),
			 hook->name, (int)strcspn(bracket + 2, "]"), bracket + 2, hook->dev, direction, hook->prio,
			 hook->handle);
}

static int report_split(struct doctor *doctor, const struct place *place, const struct bpf_map_info *info,
			const struct elfmap_pinned *pin)
{
	return doctor__find(
		doctor, GRAVE, *place->remedy ? place->remedy : NULL,
		"%s uses map %u named %s, but %s is map %u: what is written to the pin does not reach the program",
		place->words, info->id, info->name, map_pin_word(pin->path, doctor->tc_dir), pin->id);
}

static int check_maps(struct doctor *doctor, const struct place *place)
{
	const struct elfmap_program *prog = doctor__program(doctor, place->prog);
	int err = 0;

	for (__u32 i = 0; !err && prog && i < prog->nr_maps; i++) {
		const struct elfmap_pinned *pin;
		struct bpf_map_info info;

		if (doctor__pin(doctor, prog->maps[i]) || !elfmap_map__describe(prog->maps[i], &info))
			continue;
		pin = find_namesake(doctor, &info);
		if (pin)
			err = report_split(doctor, place, &info, pin);
	}
	return err;
}

/* A stage that is in several slots is checked once. */
static bool is_first(const struct elfmap_census *census, size_t slot)
{
	size_t first = 0;

	while (census->slots[first].prog != census->slots[slot].prog)
		first++;
	return first == slot;
}

int doctor_split(struct doctor *doctor)
{
	const struct elfmap_census *census = &doctor->census;
	struct place place;
	int err = 0;

	for (size_t i = 0; !err && i < census->nr_slots; i++) {
		if (!doctor__runs(doctor, census->slots[i].prog) || !is_first(census, i))
			continue;
		describe_slot(doctor, &census->slots[i], &place);
		err = check_maps(doctor, &place);
	}
	for (size_t i = 0; !err && i < census->hooks.nr; i++) {
		if (!doctor__wants(doctor, &census->hooks.at[i]))
			continue;
		describe_hook(&census->hooks.at[i], &place);
		err = check_maps(doctor, &place);
	}
	return err;
}

#define LOOK_BACK 12 /* instructions before the call; compilers set arguments right there */

static bool is_prog_array(__u32 id, struct bpf_map_info *info, __u32 *ret_filled)
{
	__u32 size = sizeof(*info), prog;
	int fd = elfmap_map__open_id(id);
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
			filled ? ": it is emptied when the process that has it open ends"
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
	return err || *ret_insns ? err : -ENOENT;
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
	int fd = elfmap_map__open_id(map), err = 0;
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
		return 0; /* removed meanwhile, or hidden (bpf_jit_harden) */
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
