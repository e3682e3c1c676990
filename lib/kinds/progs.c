// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Types of programs, as two tables. The numbers are the kernel's and never change; those that <linux/bpf.h> of Linux
 * 6.1 lacks are defined here. No pointers: the tables are in the preload, and each pointer is a relocation in each tc
 * that is started.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/progs.h"

#define TYPE_NETFILTER 32 /* Linux 6.4 */

#define FLAG_FRAGS (1u << 5) /* BPF_F_XDP_HAS_FRAGS, Linux 5.18 */

/* Attach types that are younger than Linux 6.1. */
#define ATTACH_NETFILTER 45
#define ATTACH_UPROBE_MULTI 48
#define ATTACH_UNIX_CONNECT 49
#define ATTACH_UNIX_SENDMSG 50
#define ATTACH_UNIX_RECVMSG 51
#define ATTACH_UNIX_GETPEERNAME 52
#define ATTACH_UNIX_GETSOCKNAME 53
#define ATTACH_KPROBE_SESSION 56
#define ATTACH_UPROBE_SESSION 57

static const struct elfmap_prog_kind kinds[] = {
	[BPF_PROG_TYPE_UNSPEC] = {.name = "unspec"},
	[BPF_PROG_TYPE_SOCKET_FILTER] = {.name = "socket_filter", .hooks = ELFMAP_AT_SOCKET},
	[BPF_PROG_TYPE_KPROBE] = {.name = "kprobe", .hooks = ELFMAP_AT_EVENT},
	/* For tcx and netkit the kernel asks for no attach type, and with one a PROG_ARRAY would refuse the others. */
	[BPF_PROG_TYPE_SCHED_CLS] = {.name = "sched_cls",
				     .word = "cls",
				     .section = "tc",
				     .hooks = ELFMAP_AT_FILTER | ELFMAP_AT_TCX},
	[BPF_PROG_TYPE_SCHED_ACT] = {.name = "sched_act",
				     .word = "act",
				     .section = "action",
				     .hooks = ELFMAP_AT_ACTION},
	[BPF_PROG_TYPE_TRACEPOINT] = {.name = "tracepoint", .hooks = ELFMAP_AT_EVENT},
	[BPF_PROG_TYPE_XDP] =
		{.name = "xdp", .word = "xdp", .section = "xdp", .hooks = ELFMAP_AT_XDP, .attach_type = BPF_XDP},
	[BPF_PROG_TYPE_PERF_EVENT] = {.name = "perf_event", .hooks = ELFMAP_AT_EVENT},
	[BPF_PROG_TYPE_CGROUP_SKB] = {.name = "cgroup_skb", .hooks = ELFMAP_AT_CGROUP},
	[BPF_PROG_TYPE_CGROUP_SOCK] = {.name = "cgroup_sock",
				       .hooks = ELFMAP_AT_CGROUP,
				       .attach_type = BPF_CGROUP_INET_SOCK_CREATE},
	[BPF_PROG_TYPE_LWT_IN] = {.name = "lwt_in", .word = "lwt_in", .section = "lwt_in", .hooks = ELFMAP_AT_ROUTE},
	[BPF_PROG_TYPE_LWT_OUT] = {.name = "lwt_out",
				   .word = "lwt_out",
				   .section = "lwt_out",
				   .hooks = ELFMAP_AT_ROUTE},
	[BPF_PROG_TYPE_LWT_XMIT] = {.name = "lwt_xmit",
				    .word = "lwt_xmit",
				    .section = "lwt_xmit",
				    .hooks = ELFMAP_AT_ROUTE},
	[BPF_PROG_TYPE_SOCK_OPS] = {.name = "sock_ops", .hooks = ELFMAP_AT_CGROUP, .attach_type = BPF_CGROUP_SOCK_OPS},
	[BPF_PROG_TYPE_SK_SKB] = {.name = "sk_skb", .hooks = ELFMAP_AT_SOCKET},
	[BPF_PROG_TYPE_CGROUP_DEVICE] = {.name = "cgroup_device",
					 .hooks = ELFMAP_AT_CGROUP,
					 .attach_type = BPF_CGROUP_DEVICE},
	[BPF_PROG_TYPE_SK_MSG] = {.name = "sk_msg", .hooks = ELFMAP_AT_SOCKET, .attach_type = BPF_SK_MSG_VERDICT},
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = {.name = "raw_tracepoint", .hooks = ELFMAP_AT_EVENT},
	[BPF_PROG_TYPE_CGROUP_SOCK_ADDR] = {.name = "cgroup_sock_addr",
					    .hooks = ELFMAP_AT_CGROUP,
					    .attach_type = BPF_CGROUP_INET4_BIND},
	[BPF_PROG_TYPE_LWT_SEG6LOCAL] = {.name = "lwt_seg6local", .hooks = ELFMAP_AT_ROUTE},
	[BPF_PROG_TYPE_LIRC_MODE2] = {.name = "lirc_mode2", .hooks = ELFMAP_AT_EVENT, .attach_type = BPF_LIRC_MODE2},
	[BPF_PROG_TYPE_SK_REUSEPORT] = {.name = "sk_reuseport",
					.hooks = ELFMAP_AT_SOCKET,
					.attach_type = BPF_SK_REUSEPORT_SELECT},
	[BPF_PROG_TYPE_FLOW_DISSECTOR] = {.name = "flow_dissector",
					  .hooks = ELFMAP_AT_NETNS,
					  .attach_type = BPF_FLOW_DISSECTOR},
	[BPF_PROG_TYPE_CGROUP_SYSCTL] = {.name = "cgroup_sysctl",
					 .hooks = ELFMAP_AT_CGROUP,
					 .attach_type = BPF_CGROUP_SYSCTL},
	[BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = {.name = "raw_tracepoint_writable", .hooks = ELFMAP_AT_EVENT},
	[BPF_PROG_TYPE_CGROUP_SOCKOPT] = {.name = "cgroup_sockopt",
					  .hooks = ELFMAP_AT_CGROUP,
					  .attach_type = BPF_CGROUP_GETSOCKOPT},
	[BPF_PROG_TYPE_TRACING] = {.name = "tracing", .hooks = ELFMAP_AT_EVENT, .attach_type = BPF_TRACE_FENTRY},
	[BPF_PROG_TYPE_STRUCT_OPS] = {.name = "struct_ops", .hooks = ELFMAP_AT_FUNCTION, .is_libbpfs = true},
	[BPF_PROG_TYPE_EXT] = {.name = "ext", .hooks = ELFMAP_AT_FUNCTION},
	[BPF_PROG_TYPE_LSM] = {.name = "lsm", .hooks = ELFMAP_AT_FUNCTION, .attach_type = BPF_LSM_MAC},
	[BPF_PROG_TYPE_SK_LOOKUP] = {.name = "sk_lookup", .hooks = ELFMAP_AT_NETNS, .attach_type = BPF_SK_LOOKUP},
	[BPF_PROG_TYPE_SYSCALL] = {.name = "syscall"},
	[TYPE_NETFILTER] = {.name = "netfilter", .hooks = ELFMAP_AT_NETNS, .attach_type = ATTACH_NETFILTER},
};

#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

/* How a section is called whose programs are of a type, and the attach type that the name gives them. The first that
 * fits. Names of tc programs are free text, of which these are a hint; the others are those that libbpf takes. */
static const struct {
	char name[24];
	enum {
		EXACT,
		WITH_PATH, /* or with a slash behind it */
		PREFIX,	   /* or with anything behind it */
	} rule : 8;
	__u8 type;
	__u8 attach_type;
	__u8 flags;
} sections[] = {
	{ELF_SECTION_CLASSIFIER, PREFIX, BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"tc", PREFIX, BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"cls", PREFIX, BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{"netkit", WITH_PATH, BPF_PROG_TYPE_SCHED_CLS, 0, 0},
	{ELF_SECTION_ACTION, PREFIX, BPF_PROG_TYPE_SCHED_ACT, 0, 0},
	{"act", PREFIX, BPF_PROG_TYPE_SCHED_ACT, 0, 0},
	{"xdp.frags/devmap", EXACT, BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, FLAG_FRAGS},
	{"xdp/devmap", EXACT, BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, 0},
	{"xdp.frags/cpumap", EXACT, BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, FLAG_FRAGS},
	{"xdp/cpumap", EXACT, BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, 0},
	{"xdp.frags", EXACT, BPF_PROG_TYPE_XDP, BPF_XDP, FLAG_FRAGS},
	{"xdp", PREFIX, BPF_PROG_TYPE_XDP, BPF_XDP, 0},
	{"lwt_in", PREFIX, BPF_PROG_TYPE_LWT_IN, 0, 0},
	{"lwt_out", PREFIX, BPF_PROG_TYPE_LWT_OUT, 0, 0},
	{"lwt_xmit", PREFIX, BPF_PROG_TYPE_LWT_XMIT, 0, 0},
	{"lwt_seg6local", PREFIX, BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, 0},
	{"socket", EXACT, BPF_PROG_TYPE_SOCKET_FILTER, 0, 0},
	{"sk_reuseport/migrate", EXACT, BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, 0},
	{"sk_reuseport", EXACT, BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, 0},
	{"sk_lookup", EXACT, BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, 0},
	{"sk_skb/stream_parser", EXACT, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_PARSER, 0},
	{"sk_skb/stream_verdict", EXACT, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, 0},
	{"sk_skb/verdict", EXACT, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT, 0},
	{"sk_skb", EXACT, BPF_PROG_TYPE_SK_SKB, 0, 0},
	{"sk_msg", EXACT, BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, 0},
	{"flow_dissector", EXACT, BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, 0},
	{"netfilter", EXACT, TYPE_NETFILTER, ATTACH_NETFILTER, 0},
	{"cgroup_skb/ingress", EXACT, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 0},
	{"cgroup_skb/egress", EXACT, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0},
	{"cgroup/skb", EXACT, BPF_PROG_TYPE_CGROUP_SKB, 0, 0},
	{"cgroup/sock_create", EXACT, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 0},
	{"cgroup/sock_release", EXACT, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, 0},
	{"cgroup/sock", EXACT, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, 0},
	{"cgroup/post_bind4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND, 0},
	{"cgroup/post_bind6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND, 0},
	{"cgroup/bind4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 0},
	{"cgroup/bind6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND, 0},
	{"cgroup/connect4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, 0},
	{"cgroup/connect6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT, 0},
	{"cgroup/connect_unix", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_UNIX_CONNECT, 0},
	{"cgroup/sendmsg4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, 0},
	{"cgroup/sendmsg6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG, 0},
	{"cgroup/sendmsg_unix", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_UNIX_SENDMSG, 0},
	{"cgroup/recvmsg4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG, 0},
	{"cgroup/recvmsg6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG, 0},
	{"cgroup/recvmsg_unix", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_UNIX_RECVMSG, 0},
	{"cgroup/getpeername4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, 0},
	{"cgroup/getpeername6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME, 0},
	{"cgroup/getpeername_unix", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_UNIX_GETPEERNAME, 0},
	{"cgroup/getsockname4", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME, 0},
	{"cgroup/getsockname6", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME, 0},
	{"cgroup/getsockname_unix", EXACT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_UNIX_GETSOCKNAME, 0},
	{"cgroup/getsockopt", EXACT, BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, 0},
	{"cgroup/setsockopt", EXACT, BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, 0},
	{"cgroup/sysctl", EXACT, BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, 0},
	{"cgroup/dev", EXACT, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, 0},
	{"sockops", EXACT, BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, 0},
	{"kprobe.multi", WITH_PATH, BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0},
	{"kretprobe.multi", WITH_PATH, BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0},
	{"kprobe.session", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_KPROBE_SESSION, 0},
	{"uprobe.multi", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_MULTI, 0},
	{"uretprobe.multi", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_MULTI, 0},
	{"uprobe.session", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_SESSION, 0},
	{"uprobe.multi.s", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_MULTI, 0},
	{"uretprobe.multi.s", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_MULTI, 0},
	{"uprobe.session.s", WITH_PATH, BPF_PROG_TYPE_KPROBE, ATTACH_UPROBE_SESSION, 0},
	{"kprobe", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"kretprobe", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"uprobe", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"uretprobe", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"uprobe.s", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"uretprobe.s", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"ksyscall", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"kretsyscall", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"usdt", WITH_PATH, BPF_PROG_TYPE_KPROBE, 0, 0},
	{"tracepoint", WITH_PATH, BPF_PROG_TYPE_TRACEPOINT, 0, 0},
	{"tp", WITH_PATH, BPF_PROG_TYPE_TRACEPOINT, 0, 0},
	{"raw_tracepoint", WITH_PATH, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0},
	{"raw_tp", WITH_PATH, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0},
	{"raw_tracepoint.w", WITH_PATH, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 0},
	{"raw_tp.w", WITH_PATH, BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 0},
	{"perf_event", EXACT, BPF_PROG_TYPE_PERF_EVENT, 0, 0},
	{"lirc_mode2", EXACT, BPF_PROG_TYPE_LIRC_MODE2, BPF_LIRC_MODE2, 0},
	{"tp_btf", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, 0},
	{"fentry", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0},
	{"fentry.s", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, 0},
	{"fexit", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, 0},
	{"fexit.s", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, 0},
	{"fmod_ret", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, 0},
	{"fmod_ret.s", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, 0},
	{"iter", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0},
	{"iter.s", WITH_PATH, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, 0},
	{"freplace", WITH_PATH, BPF_PROG_TYPE_EXT, 0, 0},
	{"lsm", WITH_PATH, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0},
	{"lsm.s", WITH_PATH, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, 0},
	{"lsm_cgroup", WITH_PATH, BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, 0},
	{"struct_ops", WITH_PATH, BPF_PROG_TYPE_STRUCT_OPS, 0, 0},
	{"struct_ops.s", WITH_PATH, BPF_PROG_TYPE_STRUCT_OPS, 0, 0},
	{"syscall", EXACT, BPF_PROG_TYPE_SYSCALL, 0, 0},
};

#define NR_SECTIONS (sizeof(sections) / sizeof(*sections))

const struct elfmap_prog_kind *elfmap_prog_kind__of(__u32 type)
{
	static const struct elfmap_prog_kind unknown;

	return type < NR_KINDS ? &kinds[type] : &unknown;
}

const char *elfmap_prog_type_name(__u32 type)
{
	const char *name = elfmap_prog_kind__of(type)->name;

	return *name ? name : NULL;
}

int elfmap_prog_kind__parse(const char *word, __u32 *ret_type, struct elfmap_msg *msg)
{
	char words[NR_KINDS * (sizeof(kinds->word) + 2)] = "";

	for (__u32 type = 0; type < NR_KINDS; type++) {
		const char *known = kinds[type].word;

		if (!*known)
			continue;
		if (!strcmp(known, word)) {
			*ret_type = type;
			return 0;
		}
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s", *words ? ", " : "", known);
	}
	return elfmap_msg__set(msg, -EINVAL, "'%s' is not one of %s", word, words);
}

/* The row of the section called NAME; NR_SECTIONS if there is none. */
static size_t find_section(const char *name)
{
	for (size_t i = 0; i < NR_SECTIONS; i++) {
		size_t length = strlen(sections[i].name);

		if (strncmp(name, sections[i].name, length) != 0)
			continue;
		if (!name[length] || sections[i].rule == PREFIX ||
		    (sections[i].rule == WITH_PATH && name[length] == '/'))
			return i;
	}
	return NR_SECTIONS;
}

__u32 elfmap_prog_kind__guess(const char *section)
{
	size_t row = find_section(section);

	return row < NR_SECTIONS ? sections[row].type : BPF_PROG_TYPE_UNSPEC;
}

struct elfmap_prog_mode elfmap_prog_kind__mode(__u32 type, const char *section)
{
	size_t row = find_section(section);

	if (row < NR_SECTIONS && sections[row].type == type)
		return (struct elfmap_prog_mode){sections[row].attach_type, sections[row].flags};
	return (struct elfmap_prog_mode){elfmap_prog_kind__of(type)->attach_type, 0};
}
