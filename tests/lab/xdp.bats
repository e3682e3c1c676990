#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# XDP is a hook like any other: attach, detach, listings; native, generic, and as a pinned link.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/lab/link.bash
source "$BATS_TEST_DIRNAME/link.bash"

setup() {
	setup_link
	xdp=$objects/xdp.o
}

attach() {
	"$elfmap" attach "$xdp" dev "$link" "$@"
}

# The id of the XDP program of a device, and its mode as ip shows it.
xdp_id() {
	ip -j link show dev "${1-$link}" | jq '.[0].xdp.prog.id // empty'
}

xdp_mode() {
	ip link show dev "${1-$link}" | grep -oE ' xdp[a-z]*( |/)' | head -1 | tr -d ' /'
}

# write_object NAME SECTION TYPE BODY: an object with one program of its own.
write_object() {
	cat >"$tmp/$1.c" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		struct bpf_elf_map SEC("maps") xdp_own = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8,
			.max_elem = 1, .pinning = PIN_GLOBAL_NS};
		SEC("$2") int lb_$1(struct $3 *ctx) { $4 }
		char _license[] SEC("license") = "GPL";
	END
	clang -O2 -g -target bpf -I include -I "/usr/include/$(gcc -print-multiarch)" -c "$tmp/$1.c" -o "$tmp/$1.o"
}

@test "xdp: attach, again, another version, detach, again" {
	for mode in xdp xdpdrv xdpgeneric; do
		run -0 --separate-stderr attach "$mode"
		[[ $output == "dev $link ${mode%drv} xdp.o:[prog] id $(xdp_id) attached" && -z $stderr ]]
		[[ $(xdp_mode) == "${mode%drv}" && $(pins) == "$globals/xdp_bytes" ]]
		before=$(xdp_id)
		run -0 --separate-stderr attach "$mode"
		[[ $output == *" id $before unchanged" && -z $stderr && $(xdp_id) == "$before" ]]
		run -0 --separate-stderr "$elfmap" detach "$xdp" dev "$link" "$mode"
		[[ $output == *" id $before detached" && -z $(xdp_id) ]]
		run -0 --separate-stderr "$elfmap" detach "$xdp" dev "$link" "$mode"
		[[ $output == "dev $link $mode xdp.o:[prog] unchanged" || $mode == xdpdrv ]]
		[[ -z $stderr ]]
	done
}

@test "xdp: the same program of another object is exchanged in its mode, and another program is not" {
	write_object one xdp xdp_md 'return XDP_PASS;'
	mkdir "$tmp/old" "$tmp/new"
	cp "$tmp/one.o" "$tmp/old/lb.o"
	sed 's/XDP_PASS/XDP_DROP/' "$tmp/one.c" >"$tmp/two.c"
	clang -O2 -g -target bpf -I include -I "/usr/include/$(gcc -print-multiarch)" -c "$tmp/two.c" -o "$tmp/new/lb.o"
	for how in "" --link; do
		for mode in xdpdrv xdpgeneric; do
			# shellcheck disable=SC2086 # no word
			"$elfmap" attach "$tmp/old/lb.o" sec xdp dev "$link" "$mode" $how
			old=$(xdp_id)
			run -0 --separate-stderr "$elfmap" attach "$tmp/new/lb.o" sec xdp dev "$link" xdp
			[[ $output == *replaced && $(xdp_id) != "$old" && $(xdp_mode) == "${mode%drv}" ]]
			old=$(xdp_id)
			run -1 --separate-stderr attach xdp
			fails 1 "elfmap: $xdp: program $old lb_one of * is attached as ${mode%drv}, not xdp.o:\[prog\]; to remove it: elfmap detach dev $link xdp"
			run -1 --separate-stderr "$elfmap" detach "$xdp" dev "$link" xdp
			fails 1 "elfmap: $link: program $old lb_one *"
			[[ $(xdp_id) == "$old" && ! -e $globals/xdp_bytes ]]
			"$elfmap" detach "$tmp/new/lb.o" sec xdp dev "$link" xdp
			[[ -z $(xdp_id) ]]
		done
	done
}

@test "xdp: the remedy for another program removes it" {
	attach xdpgeneric
	run -1 --separate-stderr "$elfmap" attach "$objects/shared.o" sec ingress dev "$link" xdp
	remedy=${stderr##*to remove it: }
	eval "$build/${remedy}"
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" xdp
	[[ $(xdp_mode) == xdp ]]
}

@test "xdp --link: the link is pinned, and both fronts find it" {
	run -0 --separate-stderr attach xdp --link
	pin="/sys/fs/bpf/tc/links/$(stat -Lc %i /proc/self/ns/net)/$link/xdp/xdp%2Eo:[prog]"
	[[ $output == "dev $link xdp $pin attached" && -e $pin ]]
	run -0 attach xdp
	[[ $output == *unchanged ]]
	run -2 ip link set dev "$link" xdp off # the kernel protects links
	[[ $("$elfmap" map list) == *"($link xdp)"* ]]
	run -0 --separate-stderr "$elfmap" detach "$xdp" dev "$link" xdp
	[[ $output == *detached && -z $(xdp_id) && ! -e $pin && ! -e /sys/fs/bpf/tc/links ]]
}

@test "xdp: a link that another program holds is exchanged, but not detached" {
	attach xdp --link
	mv /sys/fs/bpf/tc/links/*/*/xdp/* /sys/fs/bpf/foreign
	run -1 --separate-stderr "$elfmap" detach dev "$link" xdp
	fails 1 "elfmap: $link: program * is attached by a link that another program holds*"
	[[ -n $(xdp_id) ]]
}

@test "xdp: native XDP of a driver that has none, offload and tcx are refused in words" {
	run -1 --separate-stderr "$elfmap" attach "$xdp" dev lo xdpdrv
	fails 1 'elfmap: lo: its driver has no native XDP; *use xdpgeneric instead of xdpdrv'
	run -1 --separate-stderr attach xdpoffload
	fails 1 "elfmap: $link: xdpoffload: *"
	run -2 --separate-stderr attach xdp --tcx
	[[ $stderr == 'elfmap: attach: --tcx: requires one of ingress, egress'* ]]
	run -2 --separate-stderr attach ingress --link
	[[ $stderr == 'elfmap: attach: --link: requires one of xdp, xdpgeneric, xdpdrv'* ]]
	run -2 --separate-stderr attach xdp prio 1
	[[ $stderr == 'elfmap: attach: xdp: has no prio, handle or chain'* ]]
	run -0 "$elfmap" attach "$xdp" dev lo xdp
	[[ $(xdp_mode lo) == xdpgeneric ]]
	"$elfmap" detach "$xdp" dev lo xdp
	[[ -z $(xdp_id) && -z $(xdp_id lo) ]]
}

@test "xdp: a native program while a generic one is attached" {
	attach xdpgeneric
	run -1 --separate-stderr attach xdpdrv
	fails 1 "elfmap: $link: program $(xdp_id) is attached as xdpgeneric; to remove it: elfmap detach dev $link xdpgeneric"
	[[ $(xdp_mode) == xdpgeneric ]]
}

@test "attach: a program of another type is refused with the command that works" {
	write_object lb xdp xdp_md 'return ctx->ingress_ifindex ? XDP_PASS : XDP_DROP;'
	run -1 --separate-stderr "$elfmap" attach "$tmp/lb.o" sec xdp dev "$link" ingress
	fails 1 "elfmap: $tmp/lb.o: section 'xdp' has a program of type xdp, and ingress runs programs of type sched_cls; to attach it: elfmap attach $tmp/lb.o sec xdp dev $link xdp"
	[[ -z $(pins) && -z $(filters) ]]
	eval "$build/${stderr##*to attach it: }"
	[[ -n $(xdp_id) ]]
	"$elfmap" detach dev "$link" xdp
	rm "$globals/xdp_own"
	# The name of the section does not tell: the kernel does.
	write_object lb entry xdp_md 'void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
		return data + 14 > end ? XDP_DROP : bpf_xdp_adjust_head(ctx, 0);'
	run -1 --separate-stderr "$elfmap" attach "$tmp/lb.o" sec entry dev "$link" egress
	fails 1 "*section 'entry' has a program of type xdp, and egress runs programs of type sched_cls; *"
	write_object lb classifier __sk_buff 'return ctx->mark;'
	run -1 --separate-stderr "$elfmap" attach "$tmp/lb.o" sec classifier dev "$link" xdp
	fails 1 "*section 'classifier' has a program of type sched_cls, and xdp runs programs of type xdp; *dev $link ingress"
	write_object lb lwt_in __sk_buff 'return 0;'
	run -1 --separate-stderr "$elfmap" attach "$tmp/lb.o" sec lwt_in dev "$link" ingress
	fails 1 "*section 'lwt_in' has a program of type lwt_in, and ingress *: elfmap load $tmp/lb.o sec lwt_in"
	write_object lb entry __sk_buff 'return *(volatile int *)0;'
	run -1 --separate-stderr "$elfmap" attach "$tmp/lb.o" sec entry dev "$link" ingress
	fails 1 "*the kernel refuses it: *"
	[[ -z $(pins) && -z $(xdp_id) ]]
}

@test "xdp: a program that ip attached is found, by the name of its function" {
	for mode in xdp xdpgeneric; do
		"$elfmap" ip link set dev "$link" "$mode" obj "$xdp"
		before=$(xdp_id)
		run -0 attach xdp
		[[ $output == *" $mode xdp.o:[prog] id $before unchanged" ]]
		[[ $("$elfmap" map list) == *"prog $before count ($link $mode)"* ]]
		run -1 --separate-stderr "$elfmap" attach "$objects/shared.o" sec ingress dev "$link" xdp
		[[ $(xdp_id) == "$before" ]]
		"$elfmap" detach "$xdp" dev "$link" xdp
		[[ -z $(xdp_id) ]]
	done
}

@test "xdp: in another network namespace, of a pin, and with the maps of a tc filter" {
	"$elfmap" load "$xdp" type xdp
	run -0 "$elfmap" -n "$net" attach /sys/fs/bpf/tc/progs/xdp/count dev peer xdp
	[[ $output == *'count:[*fsobj] id '*attached && -z $(xdp_id) ]]
	[[ $(in_net ip -j link show dev peer | jq '.[0].xdp.prog.id') -gt 0 ]]
	run -0 "$elfmap" -n "$net" attach /sys/fs/bpf/tc/progs/xdp/count dev peer xdp
	[[ $output == *unchanged ]]
	run -0 "$elfmap" -n "$net" detach dev peer xdp
	[[ $output == *detached ]]
	"$elfmap" attach "$objects/shared.o" sec egress dev "$link" egress
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" xdp
	in_net ping -q -c 1 -W 1 10.9.0.1 >/dev/null || true
	ping -q -c 1 -W 1 10.9.0.2 >/dev/null || true
	[[ $(counter shared_hits 0) -gt 0 && $(counter shared_hits 1) -gt 0 ]]
}

@test "xdp: a program that another command attaches between look and exchange stays" {
	write_object one xdp xdp_md 'return XDP_PASS;'
	mkdir "$tmp/new"
	sed 's/XDP_PASS/XDP_DROP/' "$tmp/one.c" >"$tmp/two.c"
	clang -O2 -g -target bpf -I include -I "/usr/include/$(gcc -print-multiarch)" -c "$tmp/two.c" -o "$tmp/new/one.o"
	"$elfmap" attach "$tmp/one.o" sec xdp dev "$link" xdp
	# Each message to rtnetlink waits; before the first look the other command changes the program.
	strace -f -qq -o "$tmp/trace" -e trace=sendto -e inject=sendto:delay_enter=400000 \
		"$elfmap" attach "$tmp/new/one.o" sec xdp dev "$link" xdp >"$tmp/out" 2>&1 &
	while [[ $(grep -c sendto "$tmp/trace" 2>/dev/null) -lt 1 ]]; do sleep 0.02; done
	"$elfmap" attach "$xdp" dev "$link" xdpgeneric 2>/dev/null || true
	ip link set dev "$link" xdp off
	"$elfmap" attach "$xdp" dev "$link" xdp
	foreign=$(xdp_id)
	status=0
	wait $! || status=$?
	cat "$tmp/out"
	[[ $status == 1 && $(xdp_id) == "$foreign" ]]
}

# two_sided VALUE: an object with a classifier, an XDP program in a section of any name, which share a map and a variable,
# and an XDP program that is not attached.
two_sided() {
	cat >"$tmp/x.c" <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		struct bpf_elf_map SEC("maps") two_hits = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8,
			.max_elem = 2, .pinning = PIN_GLOBAL_NS};
		volatile int total;
		static int hit(int k) { __u64 *v = bpf_map_lookup_elem(&two_hits, &k); if (v) *v = $1; return total; }
		SEC("filter") int two_filter(struct __sk_buff *skb) { hit(0); return 0; }
		SEC("front") int two_front(struct xdp_md *x) { hit(1); return x->rx_queue_index > 99 ? XDP_DROP : XDP_PASS; }
		SEC("xdp") int two_spare(struct xdp_md *x) { return x->rx_queue_index > 7 ? XDP_PASS : XDP_DROP; }
		char _license[] SEC("license") = "GPL";
	END
	clang -O2 -g -target bpf -I include -I "/usr/include/$(gcc -print-multiarch)" -c "$tmp/x.c" -o "$tmp/x.o"
}

@test "upgrade: XDP of attach, of a link and of ip, and a filter of one object, and back" {
	two_sided 1
	ip link add "x$link" type veth peer name "y$link"
	"$elfmap" attach "$tmp/x.o" sec filter dev "$link" ingress
	"$elfmap" attach "$tmp/x.o" sec front dev "$link" xdp
	"$elfmap" attach "$tmp/x.o" sec front dev "x$link" xdpgeneric --link
	"$elfmap" ip link set dev "y$link" xdpgeneric obj "$tmp/x.o" sec front
	"$elfmap" attach "$xdp" dev lo xdp # another object's
	foreign=$(xdp_id lo)
	before=$(xdp_id "x$link")
	two_sided 2
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/x.o"
	[[ -z $stderr && $(grep -c 'replaced$' <<<"$output") == 4 && $output == *"dev $link xdp x.o:[front] replaced"* ]]
	[[ $(xdp_id) != "$before" ]] # hooks attached separately have programs of their own
	[[ $(xdp_mode) == xdp && $(xdp_mode "x$link") == xdpgeneric && $(xdp_mode "y$link") == xdpgeneric ]]
	[[ $(xdp_id lo) == "$foreign" ]]
	in_net ping -q -c 1 -W 1 10.9.0.1 >/dev/null
	[[ $(counter two_hits 0) == 2 && $(counter two_hits 1) == 2 ]]
	run -0 --separate-stderr "$elfmap" -j upgrade "$tmp/x.o" --rollback
	[[ $(jq -c '[.replaced[].mode] | sort' <<<"$output") == '[null,"xdp","xdpgeneric","xdpgeneric"]' ]]
	in_net ping -q -c 1 -W 1 10.9.0.1 >/dev/null
	[[ $(counter two_hits 0) == 1 && $(counter two_hits 1) == 1 && $(xdp_id lo) == "$foreign" ]]
	ip link del "x$link"
	ip link set dev lo xdp off
}

@test "upgrade: a section that is attached as XDP and as a filter is refused in words" {
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" xdp
	before=$(xdp_id)
	run -1 --separate-stderr "$elfmap" upgrade "$objects/shared.o"
	fails 1 "elfmap: $objects/shared.o: section 'ingress' is attached as program of two types *"
	[[ $(xdp_id) == "$before" ]]
}

@test "apply: a line with xdp attaches, is done the second time, and leaves another program alone" {
	two_sided 1
	echo "attach $tmp/x.o sec front dev $link xdp" >"$tmp/pipeline"
	run -0 --separate-stderr "$elfmap" apply "$tmp/pipeline"
	[[ $output == "+ "* && -z $stderr && -n $(xdp_id) ]]
	before=$(xdp_id)
	run -0 --separate-stderr "$elfmap" apply "$tmp/pipeline"
	[[ $output == "= "* && $(xdp_id) == "$before" ]]
	two_sided 2
	run -0 --separate-stderr "$elfmap" apply "$tmp/pipeline"
	[[ $output == "~ "* && $(xdp_id) != "$before" ]]
	before=$(xdp_id)
	echo "attach $xdp dev $link xdp" >"$tmp/other"
	run -1 --separate-stderr "$elfmap" apply "$tmp/other"
	[[ $stderr == *"to remove it: elfmap detach dev $link xdp" && $(xdp_id) == "$before" ]]
	echo "detach $tmp/x.o sec front dev $link xdp" >"$tmp/pipeline"
	run -0 --separate-stderr "$elfmap" apply "$tmp/pipeline"
	[[ $output == "- "* && -z $(xdp_id) ]]
}
