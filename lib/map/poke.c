// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Changes members of a value in place, by a program that runs once. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_write.h"
#include "map/poke.h"

#define MAX_KEY 256    /* on the program's stack, which has 512 bytes */
#define MAX_POKES 4096 /* so that every kernel that has this map takes the program */
#define FOUND 2	       /* what the program returns */
#define ABSENT 1
#define LOAD_WIDE (BPF_LD | BPF_DW) /* of an immediate number: BPF_IMM and BPF_K are 0 */
#define ADD (BPF_ALU64 | BPF_ADD)
#define UPDATE_CPU 8 /* BPF_F_CPU, newer than the headers; the CPU is in the upper half of the flags */

struct code {
	struct bpf_insn *at;
	size_t nr;
};

/* ---- the program ------------------------------------------------------------------------------------------------- */

static void emit(struct code *code, __u8 op, __u8 to, __u8 from, __s16 offset, __s32 number)
{
	code->at[code->nr++] =
		(struct bpf_insn){.code = op, .dst_reg = to, .src_reg = from, .off = offset, .imm = number};
}

static void load_number(struct code *code, __u8 to, __u64 number)
{
	emit(code, LOAD_WIDE, to, 0, 0, (__s32)number);
	emit(code, 0, 0, 0, 0, (__s32)(number >> 32));
}

static void load_map(struct code *code, __u8 to, int fd)
{
	emit(code, LOAD_WIDE, to, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(code, 0, 0, 0, 0, 0);
}

static void call(struct code *code, __s32 function)
{
	emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static void end(struct code *code, __s32 result)
{
	emit(code, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, result);
	emit(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* The address of the value's byte OFFSET, which may be larger than an instruction's offset. */
static void point_at(struct code *code, __u8 to, __u32 offset)
{
	emit(code, BPF_ALU64 | BPF_MOV | BPF_X, to, BPF_REG_6, 0, 0);
	emit(code, ADD, to, 0, 0, (__s32)offset);
}

static void find_entry(struct code *code, const struct elfmap_reader *map, const void *key)
{
	__s16 room = (__s16)((map->info.key_size + 7) / 8 * 8);

	for (__s16 at = 0; at < room; at = (__s16)(at + 8)) {
		__u32 left = map->info.key_size - (__u32)at;
		__u64 word = 0;

		memcpy(&word, (const char *)key + at, left < 8 ? left : 8);
		load_number(code, BPF_REG_1, word);
		emit(code, BPF_STX | BPF_DW | BPF_MEM, BPF_REG_10, BPF_REG_1, (__s16)(at - room), 0);
	}
	load_map(code, BPF_REG_1, map->fd);
	emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	emit(code, ADD, BPF_REG_2, 0, 0, -room);
	call(code, BPF_FUNC_map_lookup_elem);
	emit(code, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 2, 0);
	end(code, ABSENT);
	emit(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_0, 0, 0);
}

static void store(struct code *code, const struct elfmap_poke *poke)
{
	static const __u8 sizes[] = {[1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW};
	__u64 number;
	__u32 word;
	__u16 half;

	memcpy(&number, poke->bytes, 8);
	memcpy(&word, poke->bytes, 4);
	memcpy(&half, poke->bytes, 2);
	number = poke->size == 8 ? number : poke->size == 4 ? word : poke->size == 2 ? half : poke->bytes[0];
	load_number(code, BPF_REG_1, number);
	point_at(code, BPF_REG_2, poke->offset);
	emit(code, (__u8)(BPF_STX | sizes[poke->size] | BPF_MEM), BPF_REG_2, BPF_REG_1, 0, 0);
}

/* Offset of the spin lock in a value; -1: it has none. The kernel requires it at the top level. */
static long find_lock(const struct elfmap_reader *map)
{
	__u32 id = map->info.btf_value_type_id;
	const struct btf_type *type = map->types.btf ? btf__type_by_id(map->types.btf, id) : NULL;

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(map->types.btf, type->type);
	for (__u32 i = 0; map->lock && type && btf_is_struct(type) && i < btf_vlen(type); i++) {
		const struct btf_type *member = btf__type_by_id(map->types.btf, btf_members(type)[i].type);
		const char *name = member ? btf__name_by_offset(map->types.btf, member->name_off) : NULL;

		if (name && !strcmp(name, "bpf_spin_lock"))
			return btf_member_bit_offset(type, i) / 8;
	}
	return -1;
}

static void write_program(struct code *code, const struct elfmap_reader *map, const void *key,
			  const struct elfmap_poke *pokes, size_t nr)
{
	long lock = find_lock(map);

	find_entry(code, map, key);
	if (lock >= 0) {
		point_at(code, BPF_REG_1, (__u32)lock);
		call(code, BPF_FUNC_spin_lock);
	}
	for (size_t i = 0; i < nr; i++)
		store(code, &pokes[i]);
	if (lock >= 0) {
		point_at(code, BPF_REG_1, (__u32)lock);
		call(code, BPF_FUNC_spin_unlock);
	}
	end(code, FOUND);
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

static int load(const struct code *code, int *ret_prog, struct elfmap_msg *msg)
{
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "elfmap_poke", "GPL", code->at, code->nr, NULL);

	if (prog < 0)
		return elfmap_msg__set(msg, prog, "the kernel refuses the program that changes members in place: %s",
				       strerror(-prog));
	*ret_prog = prog;
	return 0;
}

static int run_here(int prog, struct elfmap_msg *msg)
{
	unsigned char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);
	int err = bpf_prog_test_run_opts(prog, &opts);

	if (err)
		return elfmap_msg__set(msg, err, "the program that changes members cannot be run: %s", strerror(-err));
	return opts.retval == FOUND ? 0 : elfmap_msg__set(msg, -ENOENT, "no such key");
}

/* Runs PROG on CPU, where this thread moves for a moment. */
static int run_on(int prog, int cpu, struct elfmap_msg *msg)
{
	size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	cpu_set_t *set = CPU_ALLOC((size_t)cpu + 1), before;
	int err = set && !sched_getaffinity(0, sizeof(before), &before) ? 0 : -ENOMEM;

	if (!err) {
		CPU_ZERO_S(size, set);
		CPU_SET_S((size_t)cpu, size, set);
		err = sched_setaffinity(0, size, set) ? -errno : 0;
	}
	if (err)
		elfmap_msg__set(msg, err, "CPU %d: this process cannot run there: %s", cpu, strerror(-err));
	else
		err = run_here(prog, msg);
	sched_setaffinity(0, sizeof(before), &before);
	CPU_FREE(set);
	return err;
}

int elfmap_map__check_pokable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);
	const char *why = NULL;

	if (kind->value != ELFMAP_VALUE_BYTES || !map->info.key_size)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "%s has no members", kind->phrase);
	if (elfmap_map__is_frozen(map->fd))
		return elfmap_msg__set(msg, -EPERM, "the map is frozen: user space cannot change it any more");
	if (kind->is_prefix)
		why = "a program finds a wider prefix where this one was deleted meanwhile";
	else if (map->info.map_flags & BPF_F_RDONLY_PROG)
		why = "programs may only read the map";
	else if (map->info.key_size > MAX_KEY)
		why = "its keys are too long for a program's stack";
	return why ? elfmap_msg__set(msg, -EOPNOTSUPP, "members cannot be changed in place: %s", why) : 0;
}

int elfmap_map__poke(const struct elfmap_reader *map, const void *key, int cpu, const struct elfmap_poke *pokes,
		     size_t nr, struct elfmap_msg *msg)
{
	size_t most = 2 * 8 + MAX_KEY / 8 * 3 + 5 * nr + 32;
	struct code code = {};
	int prog = -1, err = elfmap_map__check_pokable(map, msg);

	if (err)
		return err;
	if (nr > MAX_POKES)
		return elfmap_msg__set(msg, -E2BIG, "the value is too large to be changed in place");
	code.at = calloc(most, sizeof(*code.at));
	if (!code.at)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	write_program(&code, map, key, pokes, nr);
	err = load(&code, &prog, msg);
	if (!err)
		err = cpu == ELFMAP_POKE_ANY_CPU ? run_here(prog, msg) : run_on(prog, cpu, msg);
	if (prog >= 0)
		close(prog);
	free(code.at);
	return err;
}

/* ---- one CPU's value --------------------------------------------------------------------------------------------- */

/* All stores of a value. free() it. */
static struct elfmap_poke *split(const struct elfmap_reader *map, const unsigned char *value, size_t *ret_nr)
{
	struct elfmap_poke *pokes = calloc(map->info.value_size / 8 + 4, sizeof(*pokes));
	size_t nr = 0;

	for (__u32 at = 0; pokes && at < map->info.value_size; nr++) {
		__u32 size = 8;

		while (size > map->info.value_size - at)
			size /= 2;
		pokes[nr].offset = at;
		pokes[nr].size = size;
		memcpy(pokes[nr].bytes, value + at, size);
		at += size;
	}
	*ret_nr = nr;
	return pokes;
}

/* Adds the entry with zeros for all CPUs, unless it exists. */
static int add_entry(const struct elfmap_reader *map, const void *key, struct elfmap_msg *msg)
{
	struct elfmap_job job = {.map = map, .flags = BPF_NOEXIST};
	void *zeros = calloc(1, elfmap_map__value_size(map));
	int err = zeros ? elfmap_job__update(&job, key, zeros, 1, msg) : elfmap_msg__set(msg, -ENOMEM, "no memory");

	free(zeros);
	return err == -EEXIST ? 0 : err;
}

int elfmap_map__update_cpu(const struct elfmap_reader *map, const void *key, int cpu, const void *value,
			   struct elfmap_msg *msg)
{
	__u64 flags = UPDATE_CPU | (__u64)(__u32)cpu << 32;
	struct elfmap_poke *pokes;
	size_t nr = 0;
	int err;

	if (!bpf_map_update_elem(map->fd, key, value, flags))
		return 0;
	if (errno != EINVAL && errno != EOPNOTSUPP) /* an older kernel does not know the flag */
		return elfmap_refusal__explain(map, false, key, -errno, msg);
	err = elfmap_map__check_pokable(map, msg);
	pokes = err ? NULL : split(map, value, &nr);
	if (!err && !pokes)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = err ?: elfmap_map__poke(map, key, cpu, pokes, nr, msg);
	if (err == -ENOENT)
		err = add_entry(map, key, msg) ?: elfmap_map__poke(map, key, cpu, pokes, nr, msg);
	free(pokes);
	return err;
}
