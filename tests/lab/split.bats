#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A change that makes a shared map anew never leaves other users on the old map: it is refused and names them, or
# takes them along.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	ip link add v0 type veth peer name v1
	ip addr add 10.95.0.1/24 dev v0
	ip link set v0 up
	ip link set v1 up
	tc qdisc add dev v0 clsact
	for object in in out; do
		compile 64 "$tmp/$object.o"
	done
}

teardown() {
	ip link del v0 2>/dev/null || true
	ip netns del splitting 2>/dev/null || true
	rm -rf /sys/fs/bpf/tc /sys/fs/bpf/outer
}

compile() { # ENTRIES OUTPUT [FLAG ...]
	clang -target bpf -std=gnu11 -O2 -Wall -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" \
		"-DN=$1" "${@:3}" -c -x c -o "$2" - <<-'END'
		#include <linux/bpf.h>
		#include <linux/pkt_cls.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		struct bpf_elf_map SEC("maps") blocked = {.type = BPF_MAP_TYPE_HASH, .size_key = 4, .size_value = 4,
			.max_elem = N, .pinning = PIN_GLOBAL_NS};
		static int look(__u32 key) { return bpf_map_lookup_elem(&blocked, &key) != 0; }
		SEC("classifier") int check(struct __sk_buff *skb) { return look(skb->protocol) ? TC_ACT_SHOT : TC_ACT_UNSPEC; }
		SEC("xdp") int drop(struct xdp_md *xdp) { return look(xdp->ingress_ifindex) ? XDP_DROP : XDP_PASS; }
		char _license[] SEC("license") = "GPL";
	END
}

prog_on() {
	tc -j filter show dev v0 "$1" | jq '[.[].options.prog.id // empty][0] // 0'
}

map_of() { # PROGRAM
	bpftool -j prog show id "$1" | jq '.map_ids[0]'
}

pinned() {
	bpftool -j map show pinned "$globals/blocked" | jq .id
}

attach_both() {
	"$elfmap" attach "$tmp/in.o" sec classifier dev v0 ingress
	"$elfmap" attach "$tmp/out.o" sec classifier dev v0 egress
	"$elfmap" map set blocked 7 70 2>/dev/null || bpftool map update pinned "$globals/blocked" key 7 0 0 0 value 70 0 0 0
}

# refused PATTERN COMMAND ...: status 1, the reason, and nothing has changed.
refused() {
	local before

	before="$(prog_on ingress) $(prog_on egress) $(pinned)"
	run -1 --separate-stderr "${@:2}"
	# shellcheck disable=SC2154 # run sets it
	echo "$stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $stderr == $1 && "$(prog_on ingress) $(prog_on egress) $(pinned)" == "$before" ]]
	[[ -z $(find /sys/fs/bpf/tc/generations -name old -o -name next 2>/dev/null) ]]
}

@test "split: an object that shares a larger map is named, and both are upgraded by the command that the message names" {
	attach_both
	compile 128 "$tmp/in.o"
	refused "elfmap: $tmp/in.o: map 'blocked' is to be made anew, and program $(prog_on egress) check at v0 egress, from $tmp/out.o would go on with the old one; upgrade both: 'elfmap upgrade $tmp/in.o $tmp/out.o'" \
		"$elfmap" upgrade "$tmp/in.o"
	compile 128 "$tmp/out.o"
	run -0 "$elfmap" upgrade "$tmp/in.o" "$tmp/out.o"
	[[ $(map_of "$(prog_on ingress)") == "$(pinned)" && $(map_of "$(prog_on egress)") == "$(pinned)" ]]
	[[ $(bpftool -j map show pinned "$globals/blocked" | jq .max_entries) == 128 ]]
	bpftool map lookup pinned "$globals/blocked" key 7 0 0 0 | grep -q 'value: 46 00 00 00'
	# Back, together; one alone is refused.
	refused "*would go on with the old one*" "$elfmap" upgrade "$tmp/in.o" --rollback
	bpftool map update pinned "$globals/blocked" key 8 0 0 0 value 80 0 0 0
	"$elfmap" upgrade "$tmp/in.o" "$tmp/out.o" --rollback
	[[ $(map_of "$(prog_on ingress)") == "$(pinned)" && $(map_of "$(prog_on egress)") == "$(pinned)" ]]
	[[ $(bpftool -j map show pinned "$globals/blocked" | jq .max_entries) == 64 ]]
	bpftool map lookup pinned "$globals/blocked" key 8 0 0 0 | grep -q 'value: 50 00 00 00'
}

@test "split: a failure of the second object puts the first one back" {
	attach_both
	compile 128 "$tmp/in.o"
	echo nothing >"$tmp/out.o"
	before="$(prog_on ingress) $(prog_on egress) $(pinned)"
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/in.o" "$tmp/out.o"
	[[ $stderr == "elfmap: $tmp/out.o: "* && "$(prog_on ingress) $(prog_on egress) $(pinned)" == "$before" ]]
}

@test "split: another namespace, a pinned program, XDP, tcx, a map of maps and a process are users" {
	"$elfmap" attach "$tmp/in.o" sec classifier dev v0 ingress
	compile 128 "$tmp/in_next.o"
	mkdir "$tmp/next"
	mv "$tmp/in_next.o" "$tmp/next/in.o"
	upgrade=("$elfmap" upgrade "$tmp/next/in.o")

	ip netns add splitting
	ip -n splitting link add w0 type veth peer name w1
	"$elfmap" -n splitting attach "$tmp/out.o" sec classifier dev w0 ingress
	refused '*in another network namespace, or held by a process, from */out.o would go on with the old one; detach it there first' "${upgrade[@]}"
	ip netns del splitting

	"$elfmap" load "$tmp/out.o" sec classifier
	refused "*pinned at /sys/fs/bpf/tc/progs/out/check*would go on with the old one; remove the pin first: 'rm /sys/fs/bpf/tc/progs/out/check'" "${upgrade[@]}"
	rm /sys/fs/bpf/tc/progs/out/check

	"$elfmap" attach "$tmp/out.o" sec xdp dev v1 xdp
	refused '*drop at v1 xdp*would go on with the old one*' "${upgrade[@]}"
	"$elfmap" detach "$tmp/out.o" sec xdp dev v1 xdp

	"$elfmap" attach "$tmp/out.o" sec classifier dev v0 egress --tcx
	refused '*at v0 egress*would go on with the old one*' "${upgrade[@]}"
	"$elfmap" detach "$tmp/out.o" sec classifier dev v0 egress --tcx

	bpftool map create /sys/fs/bpf/outer type array_of_maps key 4 value 4 entries 2 inner_map pinned "$globals/blocked" name outer
	bpftool map update pinned /sys/fs/bpf/outer key 0 0 0 0 value pinned "$globals/blocked"
	refused "*map *, which holds it in a slot, would keep the old one" "${upgrade[@]}"
	rm /sys/fs/bpf/outer

	"$elfmap" map watch blocked >"$tmp/held" & # a collector
	holder=$!
	until [[ -s $tmp/held ]]; do sleep 0.02; done
	refused "*process $holder (*) has the old one open*" "${upgrade[@]}"
	kill "$holder"
	wait "$holder" || true
	"${upgrade[@]}"
	[[ $(map_of "$(prog_on ingress)") == "$(pinned)" && $(bpftool -j map show pinned "$globals/blocked" | jq .max_entries) == 128 ]]
}

@test "split: resize names a process that has the map open" {
	"$elfmap" load "$tmp/in.o" sec classifier
	"$elfmap" unload in
	"$elfmap" map watch blocked >"$tmp/held" &
	holder=$!
	until [[ -s $tmp/held ]]; do sleep 0.02; done
	refused "elfmap: blocked: process $holder (*) has it open*" "$elfmap" map resize blocked 128
	kill "$holder"
	wait "$holder" || true
	"$elfmap" map resize blocked 128
	[[ $(bpftool -j map show pinned "$globals/blocked" | jq .max_entries) == 128 ]]
}
