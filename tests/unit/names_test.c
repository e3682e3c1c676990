// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The names of types are those of libbpf, which bpftool prints; newer types than libbpf's have names, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "elfmap.h"
#include "kinds/progs.h"

static void test_map_types_as_bpftool(void **state)
{
	__u32 type;

	(void)state;
	for (type = 0; libbpf_bpf_map_type_str(type) && elfmap_map_type_name(type); type++)
		assert_string_equal(elfmap_map_type_name(type), libbpf_bpf_map_type_str(type));
	assert_true(type > 30);
}

static void test_prog_types_as_bpftool(void **state)
{
	__u32 type;

	(void)state;
	for (type = 0; libbpf_bpf_prog_type_str(type) && elfmap_prog_type_name(type); type++)
		assert_string_equal(elfmap_prog_type_name(type), libbpf_bpf_prog_type_str(type));
	assert_true(type > 31);
}

static void test_newer_than_headers(void **state)
{
	(void)state;
	assert_string_equal(elfmap_map_type_name(31), "user_ringbuf");
	assert_string_equal(elfmap_map_type_name(32), "cgrp_storage");
	assert_string_equal(elfmap_map_type_name(33), "arena");
	assert_string_equal(elfmap_prog_type_name(32), "netfilter");
}

static void test_unknown_is_null(void **state)
{
	(void)state;
	assert_null(elfmap_map_type_name(99));
	assert_null(elfmap_map_type_name(~0u));
	assert_null(elfmap_prog_type_name(99));
	assert_null(elfmap_prog_type_name(~0u));
}

/* Sections that libbpf knows. */
static const char *const section_names[] = {
	"socket",
	"kprobe/x",
	"kretprobe/x",
	"kprobe.multi/x",
	"kretprobe.multi/x",
	"uprobe/x:y",
	"uretprobe/x:y",
	"uprobe.s/x:y",
	"usdt/x:a:b",
	"ksyscall/x",
	"kretsyscall/x",
	"tc",
	"classifier",
	"action",
	"tracepoint/a/b",
	"tp/a/b",
	"xdp",
	"xdp.frags",
	"xdp/devmap",
	"xdp.frags/devmap",
	"xdp/cpumap",
	"xdp.frags/cpumap",
	"perf_event",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"lwt_seg6local",
	"sockops",
	"sk_skb/stream_parser",
	"sk_skb/stream_verdict",
	"sk_skb",
	"sk_msg",
	"lirc_mode2",
	"flow_dissector",
	"cgroup_skb/ingress",
	"cgroup_skb/egress",
	"cgroup/skb",
	"cgroup/sock_create",
	"cgroup/sock_release",
	"cgroup/sock",
	"cgroup/post_bind4",
	"cgroup/post_bind6",
	"cgroup/bind4",
	"cgroup/bind6",
	"cgroup/connect4",
	"cgroup/connect6",
	"cgroup/sendmsg4",
	"cgroup/sendmsg6",
	"cgroup/recvmsg4",
	"cgroup/recvmsg6",
	"cgroup/getpeername4",
	"cgroup/getpeername6",
	"cgroup/getsockname4",
	"cgroup/getsockname6",
	"cgroup/getsockopt",
	"cgroup/setsockopt",
	"cgroup/sysctl",
	"cgroup/dev",
	"raw_tp/x",
	"raw_tracepoint/x",
	"raw_tp.w/x",
	"raw_tracepoint.w/x",
	"tp_btf/x",
	"fentry/x",
	"fentry.s/x",
	"fexit/x",
	"fexit.s/x",
	"fmod_ret/x",
	"fmod_ret.s/x",
	"freplace/x",
	"lsm/x",
	"lsm.s/x",
	"lsm_cgroup/x",
	"iter/x",
	"iter.s/x",
	"struct_ops/x",
	"struct_ops.s/x",
	"sk_lookup",
	"sk_reuseport",
	"sk_reuseport/migrate",
	"syscall",
	"netfilter",
	"cgroup/connect_unix",
	"uprobe.multi/x:y",
	"kprobe.session/x", /* newer than libbpf 1.1 */
};

/* Section names that libbpf defines have the same type here. tc allows any other text. */
static void test_sections_as_libbpf(void **state)
{
	size_t nr_compared = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(section_names) / sizeof(*section_names); i++) {
		__u32 guess = elfmap_prog_kind__guess(section_names[i]);
		enum bpf_attach_type attach;
		enum bpf_prog_type type;

		assert_int_not_equal(guess, BPF_PROG_TYPE_UNSPEC);
		if (libbpf_prog_type_by_name(section_names[i], &type, &attach))
			continue;
		nr_compared++;
		assert_int_equal(guess, type);
		assert_int_equal(elfmap_prog_kind__mode(guess, section_names[i]).attach_type, attach);
	}
	assert_true(nr_compared > 75);
}

static void test_sections_of_tc_by_prefix(void **state)
{
	(void)state;
	assert_int_equal(elfmap_prog_kind__guess("classifier/part"), BPF_PROG_TYPE_SCHED_CLS);
	assert_int_equal(elfmap_prog_kind__guess("cls_main"), BPF_PROG_TYPE_SCHED_CLS);
	assert_int_equal(elfmap_prog_kind__guess("act_drop"), BPF_PROG_TYPE_SCHED_ACT);
	assert_int_equal(elfmap_prog_kind__guess("xdp_main"), BPF_PROG_TYPE_XDP);
	assert_int_equal(elfmap_prog_kind__guess("socket_main"), BPF_PROG_TYPE_UNSPEC);
	assert_int_equal(elfmap_prog_kind__guess("kprobed"), BPF_PROG_TYPE_UNSPEC);
	assert_int_equal(elfmap_prog_kind__guess("1/0"), BPF_PROG_TYPE_UNSPEC);
	assert_int_equal(elfmap_prog_kind__guess(""), BPF_PROG_TYPE_UNSPEC);
}

static void test_modes(void **state)
{
	(void)state;
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_XDP, "anything").attach_type, BPF_XDP);
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_XDP, "xdp.frags/devmap").attach_type, BPF_XDP_DEVMAP);
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_XDP, "xdp.frags/devmap").flags, 1 << 5);
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_XDP, "xdp/devmap").flags, 0);
	/* The name belongs to another type. */
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_SCHED_CLS, "xdp.frags/devmap").attach_type, 0);
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_SCHED_CLS, "xdp.frags/devmap").flags, 0);
	/* libbpf >= 1.3 sets an attach type for it, with which a table refuses stages of "classifier". */
	assert_int_equal(elfmap_prog_kind__mode(BPF_PROG_TYPE_SCHED_CLS, "tc/ingress").attach_type, 0);
	assert_int_equal(elfmap_prog_kind__mode(99, "anything").attach_type, 0);
}

static void test_words(void **state)
{
	struct elfmap_msg msg;
	__u32 type = 0;

	(void)state;
	assert_int_equal(elfmap_prog_kind__parse("cls", &type, &msg), 0);
	assert_int_equal(type, BPF_PROG_TYPE_SCHED_CLS);
	assert_int_equal(elfmap_prog_kind__parse("lwt_xmit", &type, &msg), 0);
	assert_int_equal(type, BPF_PROG_TYPE_LWT_XMIT);
	assert_true(elfmap_prog_kind__parse("", &type, &msg) < 0);
	assert_true(elfmap_prog_kind__parse("kprobe", &type, &msg) < 0);
	assert_string_equal(msg.text, "'kprobe' is not one of cls, act, xdp, lwt_in, lwt_out, lwt_xmit");
	assert_int_equal(type, BPF_PROG_TYPE_LWT_XMIT);
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	for (__u32 type = 1; elfmap_prog_type_name(type); type++) {
		const struct elfmap_prog_kind *kind = elfmap_prog_kind__of(type);

		assert_int_equal(!*kind->word, !*kind->section);
		if (*kind->section)
			assert_int_equal(elfmap_prog_kind__guess(kind->section), type);
		if (type != BPF_PROG_TYPE_SYSCALL)
			assert_int_not_equal(kind->hooks, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_types_as_bpftool),
		cmocka_unit_test(test_prog_types_as_bpftool),
		cmocka_unit_test(test_newer_than_headers),
		cmocka_unit_test(test_unknown_is_null),
		cmocka_unit_test(test_sections_as_libbpf),
		cmocka_unit_test(test_sections_of_tc_by_prefix),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_rows_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
