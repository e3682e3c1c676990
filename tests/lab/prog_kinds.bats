#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A program of each type, and of each attach type of XDP: check, load, graft and, where they have a hook for it, tc
# and ip give the same result as libbpf. All of them refuse types that this kernel lacks.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	link=k$BATS_TEST_NUMBER
	ip link add "$link" type veth peer name "p$link"
	ip addr add 10.98.0.1/24 dev "$link"
	ip link set "$link" up
	tc qdisc add dev "$link" clsact
}

teardown() {
	ip link del "$link" 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

compile() {
	clang -target bpf -std=gnu11 -O2 -g -Wall -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -c -x c -o "$1" -
}

# make_objects SECTION RETURN [alone]: makes legacy.o, whose program in SECTION jumps to that in slot 0, and plain.o,
# the same for libbpf. alone: without the jump, for programs of one kernel function, which have no stages.
make_objects() {
	local stage="SEC(\"7/0\") int stage(void *ctx) { (void)ctx; return $2; }"

	compile "$tmp/legacy.o" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		struct bpf_elf_map SEC("maps") kind_jumps = {
			.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 4,
			.id = 7, .pinning = PIN_GLOBAL_NS,
		};
		SEC("$1") int enter(void *ctx) { if (${3:+0 &&} 1) bpf_tail_call(ctx, &kind_jumps, 0); return $2; }
		${3:+//} $stage
		char _license[] SEC("license") = "GPL";
	END
	compile "$tmp/plain.o" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct {
			__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
			__type(key, __u32);
			__type(value, __u32);
			__uint(max_entries, 4);
		} plain_jumps SEC(".maps");
		SEC("$1") int enter(void *ctx) { if (${3:+0 &&} 1) bpf_tail_call(ctx, &plain_jumps, 0); return $2; }
		char _license[] SEC("license") = "GPL";
	END
}

verdict() { # COMMAND ...: yes or no
	local answer=no

	! "$@" >"$tmp/said" 2>&1 || answer=yes
	echo "$answer"
}

# ask SECTION [alone]: the verdicts of check, load and graft on legacy.o's program there, into `verdicts`.
ask() {
	verdicts="$(verdict "$elfmap" check "$tmp/legacy.o") $(verdict "$elfmap" load "$tmp/legacy.o")"
	if [[ -z ${2-} ]]; then
		verdicts+=" $(verdict "$elfmap" graft kind_jumps 1 "$tmp/legacy.o" sec "$1")"
		[[ $verdicts == no* ]] ||
			bpftool -j map dump pinned "$globals/kind_jumps" | jq -e 'length == 2' >/dev/null || verdicts+=' slots'
	fi
	"$elfmap" unload legacy >/dev/null 2>&1 || true
	rm -f "$globals/kind_jumps"
}

@test "kinds: check, load and graft accept each program type of libbpf" {
	local section result type alone plain accepted=0

	while read -r section result type alone; do
		make_objects "$section" "$result" ${alone:+"$alone"}
		plain=$(verdict bpftool prog load "$tmp/plain.o" "/sys/fs/bpf/plain$BATS_TEST_NUMBER")
		[[ $plain == yes ]] || echo "# not on this machine: $section: $(tail -1 "$tmp/said")"
		[[ $plain == no ]] || [[ $(bpftool -j prog show pinned "/sys/fs/bpf/plain$BATS_TEST_NUMBER" | jq -r .type) == "$type" ]]
		rm -f "/sys/fs/bpf/plain$BATS_TEST_NUMBER"
		ask "$section" ${alone:+"$alone"}
		echo "$section: libbpf $plain; check, load, graft $verdicts"
		[[ $verdicts == "$plain $plain$([[ -n $alone ]] || echo " $plain")" ]]
		[[ $("$elfmap" -j show "$tmp/legacy.o" | jq -r '.progs[0].type') == "$type" ]]
		[[ $plain == no ]] || ((++accepted))
	done <<-'END'
		socket 0 socket_filter
		kprobe/do_unlinkat 0 kprobe
		tc 0 sched_cls
		action 0 sched_act
		tracepoint/sched/sched_switch 0 tracepoint
		xdp 0 xdp
		xdp.frags 0 xdp
		xdp/devmap 0 xdp
		xdp.frags/devmap 0 xdp
		xdp/cpumap 0 xdp
		xdp.frags/cpumap 0 xdp
		perf_event 0 perf_event
		cgroup_skb/ingress 1 cgroup_skb
		cgroup_skb/egress 1 cgroup_skb
		cgroup/skb 1 cgroup_skb
		cgroup/sock_create 1 cgroup_sock
		cgroup/sock_release 1 cgroup_sock
		cgroup/post_bind4 1 cgroup_sock
		lwt_in 0 lwt_in
		lwt_out 0 lwt_out
		lwt_xmit 0 lwt_xmit
		lwt_seg6local 0 lwt_seg6local
		sockops 1 sock_ops
		sk_skb/stream_verdict 1 sk_skb
		sk_skb/stream_parser 1 sk_skb
		cgroup/dev 1 cgroup_device
		sk_msg 1 sk_msg
		raw_tp/sched_switch 0 raw_tracepoint
		cgroup/bind4 1 cgroup_sock_addr
		cgroup/connect4 1 cgroup_sock_addr
		cgroup/connect6 1 cgroup_sock_addr
		cgroup/sendmsg4 1 cgroup_sock_addr
		cgroup/recvmsg6 1 cgroup_sock_addr
		cgroup/getsockname4 1 cgroup_sock_addr
		lirc_mode2 0 lirc_mode2
		sk_reuseport 1 sk_reuseport
		sk_reuseport/migrate 1 sk_reuseport
		flow_dissector 0 flow_dissector
		cgroup/sysctl 1 cgroup_sysctl
		cgroup/getsockopt 1 cgroup_sockopt
		cgroup/setsockopt 1 cgroup_sockopt
		tp_btf/sched_switch 0 tracing alone
		fentry/do_unlinkat 0 tracing alone
		iter/bpf_map 0 tracing alone
		lsm/file_open 0 lsm alone
		struct_ops/init 0 struct_ops alone
		freplace/enter 0 ext alone
		raw_tracepoint.w/bpf_test_finish__ 0 raw_tracepoint_writable
		sk_lookup 1 sk_lookup
		syscall 0 syscall
	END
	((accepted >= 20))
}

@test "kinds: tc and ip accept the types for which they have hooks, also in slots" {
	local section

	make_objects classifier 0
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$tmp/legacy.o" sec classifier
	"$elfmap" attach "$tmp/legacy.o" sec classifier dev "$link" egress
	for section in xdp xdp.frags xdp/devmap xdp.frags/cpumap; do
		rm -f "$globals/kind_jumps"
		tc filter del dev "$link" ingress
		make_objects "$section" 2
		ask "$section"
		[[ $verdicts == 'yes yes yes' ]]
		run --separate-stderr "$elfmap" ip link set dev "$link" xdpgeneric obj "$tmp/legacy.o" sec "$section"
		# shellcheck disable=SC2154 # run sets it
		echo "$section: $status $stderr"
		case $section in
		*/*) [[ $status != 0 && $stderr == *'programs can not be attached to a device'* ]] ;; # it has been loaded
		*) [[ $status == 0 ]] && bpftool -j map dump pinned "$globals/kind_jumps" | jq -e 'length == 1' ;;
		esac
		ip link set dev "$link" xdpgeneric off
	done
	for section in lwt_in lwt_out lwt_xmit; do
		rm -f "$globals/kind_jumps"
		make_objects "$section" 0
		"$elfmap" ip route add 10.97.0.0/24 encap bpf "${section#lwt_}" obj "$tmp/legacy.o" section "$section" dev "$link"
		bpftool -j map dump pinned "$globals/kind_jumps" | jq -e 'length == 1'
		ip route del 10.97.0.0/24
	done
}

@test "kinds: a program of another attach type is refused by a table and is not a stage of it" {
	make_objects xdp/devmap 2
	cp "$tmp/legacy.o" "$tmp/devmap.o"
	make_objects xdp 2
	"$elfmap" load "$tmp/legacy.o"
	run -1 --separate-stderr "$elfmap" graft kind_jumps 1 "$tmp/devmap.o" sec xdp/devmap
	[[ $stderr == *kind_jumps* || $stderr == *devmap* ]]
	"$elfmap" graft kind_jumps 1 "$tmp/legacy.o" sec xdp
}

@test "kinds: a stage has the type of the program that jumps to it, not of the object's first program" {
	compile "$tmp/legacy.o" <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		#define JUMPS(name, number) struct bpf_elf_map SEC("maps") name = { \
			.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 4, \
			.id = number, .pinning = PIN_GLOBAL_NS }
		JUMPS(kind_cls, 7);
		JUMPS(kind_xdp, 8);
		JUMPS(kind_next, 9);
		SEC("classifier") int enter(void *ctx) { bpf_tail_call(ctx, &kind_cls, 0); return 0; }
		SEC("xdp") int enter_xdp(void *ctx) { bpf_tail_call(ctx, &kind_xdp, 0); return 2; }
		SEC("7/0") int cls(struct __sk_buff *skb) { return skb->mark; }
		SEC("8/0") int first(struct xdp_md *xdp) { bpf_tail_call(xdp, &kind_next, 0); return xdp->rx_queue_index; }
		SEC("9/0") int second(struct xdp_md *xdp) { return xdp->ingress_ifindex; }
		char _license[] SEC("license") = "GPL";
	END
	run -0 "$elfmap" -j check "$tmp/legacy.o"
	[[ $(jq -c '[.progs[] | [.name, .type]] | sort' <<<"$output") == '[["cls","sched_cls"],["enter","sched_cls"],["enter_xdp","xdp"],["first","xdp"],["second","xdp"]]' ]]
	"$elfmap" load "$tmp/legacy.o"
}
