// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of hooks in the running kernel: each row attaches, finds, exchanges, detaches and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/hook.h"
#include "pins/pin_change.h"

#define TC_DIR "/sys/fs/bpf/tc"

static struct elfmap_msg msg;

/* Two programs that differ only in their ids. */
static int progs[2] = {-1, -1};

static int load(enum bpf_prog_type type, enum bpf_attach_type attach_type, int result)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);
	int fd = bpf_prog_load(type, "hook_test", "GPL", insns, 2, &opts);

	if (fd < 0)
		fail_msg("a program of type %d does not load: %s", type, strerror(-fd));
	return fd;
}

static struct elfmap_hook on_lo(const char *kind, int netns, enum elfmap_direction direction)
{
	struct elfmap_hook hook;

	if (elfmap_hook__init(elfmap_hook_kind__find(kind), netns, "lo", &hook, &msg))
		fail_msg("%s", msg.text);
	hook.direction = direction;
	hook.tc_dir = TC_DIR;
	strcpy(hook.name, "test.o:[a/b.c]");
	return hook;
}

static void attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *hook)
{
	if (elfmap_hook__attach(wanted, prog, hook, &msg))
		fail_msg("%s", msg.text);
	assert_int_equal(hook->prog, elfmap_program__id(prog));
}

/* The number of hooks of KIND (NULL: any) that run PROG in namespace NETNS, and the last of them. */
static size_t list(int netns, const char *kind, __u32 prog, struct elfmap_hook *ret_last)
{
	struct elfmap_hooks hooks;
	size_t nr = 0;

	if (elfmap_hooks__list(netns, kind ? elfmap_hook_kind__find(kind) : NULL, TC_DIR, &hooks, &msg))
		fail_msg("%s", msg.text);
	for (size_t i = 0; i < hooks.nr; i++)
		if (hooks.at[i].prog == prog) {
			*ret_last = hooks.at[i];
			nr++;
		}
	free(hooks.at);
	return nr;
}

static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		progs[i] = load(BPF_PROG_TYPE_SCHED_CLS, 0, i);
	return 0;
}

static int take_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		close(progs[i]);
	elfmap_pin__remove_directory(TC_DIR);
	return system("tc qdisc del dev lo clsact 2>/dev/null") == -1;
}

/* ---- rows with all operations ------------------------------------------------------------------------------- */

/* All operations on hook WANTED, for any row. */
static void live(const struct elfmap_hook *wanted)
{
	__u32 first = elfmap_program__id(progs[0]), second = elfmap_program__id(progs[1]);
	struct elfmap_hook hook, found, other;

	assert_int_equal(elfmap_hook__find(wanted, &found, &msg), -ENOENT);
	assert_int_equal(elfmap_hook__detach(wanted, &found, &msg), -ENOENT);
	attach(wanted, progs[0], &hook);
	assert_int_equal(elfmap_hook__find(wanted, &found, &msg), 0);
	assert_int_equal(found.prog, first);
	assert_string_equal(found.name, wanted->name);
	assert_int_equal(list(-1, wanted->kind->name, first, &found), 1);
	assert_int_equal(found.direction, wanted->direction);
	assert_string_equal(found.dev, "lo");
	assert_string_equal(found.name, wanted->name);
	/* another command has replaced the program: nothing changes */
	assert_int_equal(elfmap_hook__exchange(&found, second, progs[1], &msg), -ESTALE);
	assert_non_null(strstr(msg.text, "another command has "));
	assert_int_equal(list(-1, NULL, second, &other), 0);
	assert_int_equal(elfmap_hook__exchange(&found, first, progs[1], &msg), 0);
	assert_int_equal(list(-1, NULL, first, &other), 0);
	assert_int_equal(list(-1, NULL, second, &other), 1);
	/* `hook` still has the first program */
	assert_int_equal(elfmap_hook__detach(&hook, &other, &msg), -ESTALE);
	assert_int_equal(elfmap_hook__exchange(&found, 0, progs[0], &msg), 0);
	assert_int_equal(elfmap_hook__detach(&hook, &other, &msg), 0);
	assert_int_equal(other.prog, first);
	/* the kernel frees a link some time after its pin is removed */
	for (int i = 0; i < 200 && list(-1, NULL, first, &other); i++)
		usleep(10000);
	assert_int_equal(list(-1, NULL, first, &other), 0);
}

static void test_filter(void **state)
{
	struct elfmap_hook wanted = on_lo("filter", -1, ELFMAP_INGRESS);

	(void)state;
	live(&wanted);
	assert_int_not_equal(system("tc qdisc show dev lo | grep -q clsact"), 0); /* removed with the filter */
	assert_int_equal(system("tc qdisc add dev lo clsact"), 0);
	wanted.direction = ELFMAP_EGRESS;
	wanted.chain = 7;
	wanted.prio = 3;
	wanted.handle = 5;
	live(&wanted);
	assert_int_equal(system("tc qdisc show dev lo | grep -q clsact"), 0);
}

static void test_filter_refuses_a_taken_place(void **state)
{
	struct elfmap_hook wanted = on_lo("filter", -1, ELFMAP_INGRESS), hook, other;

	(void)state;
	wanted.prio = wanted.handle = 1;
	attach(&wanted, progs[0], &hook);
	assert_int_equal(elfmap_hook__attach(&wanted, progs[1], &other, &msg), -EEXIST);
	wanted.handle = 2;
	attach(&wanted, progs[1], &other);
	wanted.prio = wanted.handle = 0;
	assert_int_equal(elfmap_hook__find(&wanted, &other, &msg), -ENOTUNIQ);
	assert_non_null(strstr(msg.text, "prio 1 handle 0x1"));
	assert_non_null(strstr(msg.text, "prio 1 handle 0x2"));
}

static void test_tcx(void **state)
{
	const struct elfmap_hook wanted = on_lo("tcx", -1, ELFMAP_EGRESS);
	char path[PATH_MAX];
	struct stat pin;
	int link = bpf_link_create(progs[0], wanted.ifindex, (enum bpf_attach_type)47, NULL);

	(void)state;
	if (link < 0) {
		print_message("the kernel has no tcx\n");
		skip();
	}
	close(link);
	live(&wanted);
	assert_int_equal(elfmap_hook__pin_path(&wanted, path, sizeof(path), &msg), 0);
	assert_non_null(strstr(path, "/lo/egress/test%2Eo:[a%2Fb%2Ec]"));
	assert_int_not_equal(stat(path, &pin), 0);
	assert_false(elfmap_hook__is_orphan(path));
}

/* XDP by rtnetlink or by a link: the kernel compares the expected program. */
static void live_xdp(bool by_link)
{
	struct elfmap_hook wanted = on_lo("xdp", -1, ELFMAP_NO_DIRECTION), hook, other;
	int xdp[2] = {load(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS), load(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_DROP)};
	__u32 first = elfmap_program__id(xdp[0]), second = elfmap_program__id(xdp[1]);

	wanted.by_link = by_link;
	assert_int_equal(elfmap_hook__find(&wanted, &other, &msg), -ENOENT);
	assert_int_equal(elfmap_hook__detach(&wanted, &other, &msg), -ENOENT);
	attach(&wanted, xdp[0], &hook);
	assert_int_equal(hook.mode, ELFMAP_XDP_GENERIC); /* lo has no other */
	assert_int_equal(hook.link != 0, by_link);
	assert_int_equal(elfmap_hook__attach(&wanted, xdp[1], &other, &msg), -EEXIST);
	assert_int_equal(list(-1, NULL, first, &other), 1);
	assert_int_equal(elfmap_hook__exchange(&other, second, xdp[1], &msg), -ESTALE);
	assert_non_null(strstr(msg.text, "another command has "));
	assert_int_equal(elfmap_hook__exchange(&other, first, xdp[1], &msg), 0);
	assert_int_equal(list(-1, NULL, second, &other), 1);
	assert_int_equal(elfmap_hook__detach(&hook, &other, &msg), -ESTALE);
	wanted.mode = ELFMAP_XDP_NATIVE;
	assert_int_equal(elfmap_hook__find(&wanted, &other, &msg), -ENOENT);
	wanted.mode = ELFMAP_XDP_OFFLOAD;
	assert_int_equal(elfmap_hook__attach(&wanted, xdp[0], &other, &msg), -EOPNOTSUPP);
	wanted.mode = ELFMAP_XDP_ANY;
	assert_int_equal(elfmap_hook__detach(&wanted, &other, &msg), 0);
	assert_int_equal(other.prog, second);
	assert_int_equal(list(-1, NULL, second, &other), 0);
	close(xdp[0]);
	close(xdp[1]);
}

static void test_xdp(void **state)
{
	(void)state;
	live_xdp(false);
}

static void test_xdp_link(void **state)
{
	(void)state;
	live_xdp(true);
}

/* ---- namespaces --------------------------------------------------------------------------------------------- */

static int new_namespace(void)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	close(here);
	assert_true(there >= 0);
	return there;
}

static void test_namespace(void **state)
{
	static const char *const kinds[] = {"filter", "tcx"};
	struct stat before, after;
	int netns = new_namespace();

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &before), 0);
	for (int i = 0; i < 2; i++) {
		struct elfmap_hook wanted = on_lo(kinds[i], netns, ELFMAP_INGRESS), hook, found;
		__u32 first = elfmap_program__id(progs[0]), second = elfmap_program__id(progs[1]);

		if (elfmap_hook__attach(&wanted, progs[0], &hook, &msg) == -EOPNOTSUPP)
			continue;
		assert_int_equal(list(-1, kinds[i], first, &found), 0);
		assert_int_equal(list(netns, kinds[i], first, &found), 1);
		assert_string_equal(found.name, wanted.name);
		assert_int_equal(elfmap_hook__exchange(&found, first, progs[1], &msg), 0);
		assert_int_equal(list(netns, kinds[i], second, &found), 1);
		wanted.netns = -1;
		assert_int_equal(elfmap_hook__detach(&wanted, &found, &msg), -ENOENT);
		wanted.netns = netns;
		assert_int_equal(elfmap_hook__detach(&wanted, &found, &msg), 0);
	}
	assert_int_equal(stat("/proc/self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	close(netns);
}

/* ---- rows that only list ------------------------------------------------------------------------------------ */

static void test_missing_operation_is_refused(void **state)
{
	struct elfmap_hook link = on_lo("filter", -1, ELFMAP_NO_DIRECTION), hook;
	char path[64];

	(void)state;
	link.kind = elfmap_hook_kind__find("link");
	assert_int_equal(elfmap_hook__attach(&link, progs[0], &hook, &msg), -EOPNOTSUPP);
	assert_string_equal(msg.text, "link: programs cannot be attached by this command yet");
	assert_int_equal(elfmap_hook__exchange(&link, 0, progs[0], &msg), -EOPNOTSUPP);
	assert_string_equal(msg.text, "link: programs cannot be exchanged by this command yet");
	assert_int_equal(elfmap_hook__detach(&link, &hook, &msg), -EOPNOTSUPP);
	assert_int_equal(elfmap_hook__find(&link, &hook, &msg), -EOPNOTSUPP);
	assert_int_equal(elfmap_hook__pin_path(&link, path, sizeof(path), &msg), -EOPNOTSUPP);
	assert_null(elfmap_hook_kind__find("nosuch"));
}

static void test_xdp_is_listed(void **state)
{
	int prog = load(BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS), link;
	struct elfmap_hook hook;
	char text[64];

	(void)state;
	link = bpf_link_create(prog, on_lo("xdp", -1, ELFMAP_NO_DIRECTION).ifindex, BPF_XDP, NULL);
	assert_true(link >= 0);
	assert_int_equal(list(-1, NULL, elfmap_program__id(prog), &hook), 1); /* and not a second time as a link */
	elfmap_hook__write(&hook, false, text, sizeof(text));
	assert_string_equal(text, "lo xdpgeneric");
	elfmap_hook__write(&hook, true, text, sizeof(text));
	assert_string_equal(text, "xdp dev lo xdpgeneric");
	close(link);
	assert_int_equal(list(-1, NULL, elfmap_program__id(prog), &hook), 0);
	close(prog);
}

/* A hook without a device. */
static void test_link_is_listed(void **state)
{
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int prog = load(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, SK_PASS);
	int link = bpf_link_create(prog, netns, BPF_SK_LOOKUP, NULL);
	char text[64], expected[64];
	struct elfmap_hook hook;

	(void)state;
	assert_true(link >= 0);
	assert_int_equal(list(-1, NULL, elfmap_program__id(prog), &hook), 1);
	assert_int_equal(hook.ifindex, 0);
	elfmap_hook__write(&hook, true, text, sizeof(text));
	snprintf(expected, sizeof(expected), "link %u netns", hook.link);
	assert_string_equal(text, expected);
	close(link);
	close(prog);
	close(netns);
}

static void test_filter_in_words(void **state)
{
	struct elfmap_hook hook = on_lo("filter", -1, ELFMAP_NO_DIRECTION);
	char text[128];

	(void)state;
	hook.parent = 0x10000;
	hook.prio = 2;
	hook.handle = 10;
	elfmap_hook__write(&hook, false, text, sizeof(text));
	assert_string_equal(text, "lo parent 1:");
	elfmap_hook__write(&hook, true, text, sizeof(text));
	assert_string_equal(text, "filter dev lo parent 1: pref 2 chain 0 handle 0xa test.o:[a/b.c]");
	elfmap_hook__write(&hook, true, text, 10);
	assert_string_equal(text, "filter de");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_filter, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_filter_refuses_a_taken_place, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_tcx, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_xdp, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_xdp_link, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_namespace, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_missing_operation_is_refused, set_up, take_down),
		cmocka_unit_test(test_xdp_is_listed),
		cmocka_unit_test(test_link_is_listed),
		cmocka_unit_test(test_filter_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
