// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps that are opened by their id. The kernel must free each when its users have gone. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "../prog/test.h"
#include "pins/map_id.h"

#define ROUNDS 10 /* of which one must do: others that list all maps meanwhile may lose a table */
#define TABLES 10
#define OPENS 5

/* A program with a PROG_ARRAY that has no other user. */
static int load_program(__u32 *ret_table)
{
	int table = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "opened", sizeof(__u32), sizeof(__u32), 4, NULL), prog;
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_2, .src_reg = BPF_PSEUDO_MAP_FD, .imm = table},
		{},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	assert_true(table >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(table, &info, &size), 0);
	prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "opener", "GPL", insns, sizeof(insns) / sizeof(insns[0]), NULL);
	assert_true(prog >= 0);
	close(table);
	*ret_table = info.id;
	usleep(20000);
	return prog;
}

static bool is_freed(__u32 id)
{
	int fd = bpf_map_get_fd_by_id(id);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/* The number of tables that the kernel frees with the program that uses them, after they were opened again and again.
 */
static int count_freed(void)
{
	__u32 tables[TABLES];
	int freed = 0;

	for (int i = 0; i < TABLES; i++) {
		int prog = load_program(&tables[i]);

		for (int opened = 0; opened < OPENS; opened++) {
			int fd = elfmap_map__open_id(tables[i]);

			assert_true(fd >= 0);
			close(fd);
		}
		close(prog);
	}
	usleep(500000);
	for (int i = 0; i < TABLES; i++)
		freed += is_freed(tables[i]);
	return freed;
}

/* Opened without a pause, at most 3 of 10 are freed. */
static void test_tables_are_freed(void **state)
{
	int most = 0;

	(void)state;
	for (int i = 0; i < ROUNDS && most < TABLES * 8 / 10; i++) {
		int freed = count_freed();

		most = freed > most ? freed : most;
	}
	assert_in_range(most, TABLES * 8 / 10, TABLES);
}

static void test_no_such_map(void **state)
{
	(void)state;
	assert_int_equal(elfmap_map__open_id(0xfffffff0), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_freed),
		cmocka_unit_test(test_no_such_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
