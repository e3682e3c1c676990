#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two endpoints whose objects have the same file name, as Cilium's had: 57/lxc.o and 58/lxc.o, each with tables of its
# own and a table that they share. A command changes only the hooks of the object that it is about.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	tmp=$BATS_TEST_TMPDIR
	for endpoint in 57 58; do
		ip link add "e$endpoint" type veth peer name "f$endpoint"
		tc qdisc add dev "e$endpoint" clsact
		mkdir "$tmp/$endpoint" "$tmp/${endpoint}_next"
		compile "$endpoint" 0 "$tmp/$endpoint/lxc.o"
		compile "$endpoint" 1 "$tmp/${endpoint}_next/lxc.o"
	done
}

teardown() {
	ip link del e57 2>/dev/null || true
	ip link del e58 2>/dev/null || true
	rm -rf /sys/fs/bpf/tc
}

# compile ENDPOINT VERSION OUTPUT [FLAG ...]
compile() {
	clang -target bpf -std=gnu11 -O2 -Wall -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" \
		"-DEP=$1" "-DVERSION=$2" "${@:4}" -c -x c -o "$3" - <<-'END'
		#include <linux/bpf.h>
		#include <linux/pkt_cls.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		#define J2(a, b) a##b
		#define J(a, b) J2(a, b)
		#define MAP(name, kind, entries, number, pin) struct bpf_elf_map SEC("maps") name = { \
			.type = kind, .size_key = 4, .size_value = 4, .max_elem = entries, .id = number, .pinning = pin }
		#ifndef PRIVATE
		#ifndef ALONE
		MAP(common, BPF_MAP_TYPE_HASH, 64, 0, PIN_GLOBAL_NS);
		#endif
		MAP(J(policy_, EP), BPF_MAP_TYPE_HASH, 64, 0, PIN_GLOBAL_NS);
		MAP(J(calls_, EP), BPF_MAP_TYPE_PROG_ARRAY, 4, 1, PIN_GLOBAL_NS);
		#ifdef DROPPED
		MAP(J(dropped_, EP), BPF_MAP_TYPE_HASH, 64, 0, PIN_GLOBAL_NS);
		#endif
		static int look(struct __sk_buff *skb)
		{
			__u32 key = VERSION;
		#ifndef ALONE
			if (bpf_map_lookup_elem(&common, &key))
				return TC_ACT_SHOT;
		#endif
		#ifdef DROPPED
			if (bpf_map_lookup_elem(&J(dropped_, EP), &key))
				return TC_ACT_SHOT;
		#endif
			if (bpf_map_lookup_elem(&J(policy_, EP), &key))
				return TC_ACT_SHOT;
			bpf_tail_call(skb, &J(calls_, EP), 0);
			return TC_ACT_UNSPEC;
		}
		SEC("1/0") int tail(struct __sk_buff *skb) { (void)skb; return TC_ACT_OK; }
		#else
		static int look(struct __sk_buff *skb) { return skb->len > VERSION + 100000 ? TC_ACT_SHOT : TC_ACT_UNSPEC; }
		#endif
		SEC("in") int enter(struct __sk_buff *skb) { return look(skb); }
		SEC("out") int leave(struct __sk_buff *skb) { return look(skb); }
		char _license[] SEC("license") = "GPL";
	END
}

prog_on() { # DEV DIRECTION: the id of the program there
	tc -j filter show dev "$1" "$2" | jq '[.[].options.prog.id // empty][0] // 0'
}

maps_of() { # PROGRAM: the names of its maps
	local map

	for map in $(bpftool -j prog show id "$1" | jq '.map_ids[]'); do
		bpftool -j map show id "$map" | jq -r .name
	done | sort | paste -sd ' '
}

all() {
	for place in "e57 ingress" "e57 egress" "e58 ingress" "e58 egress"; do
		# shellcheck disable=SC2086 # words
		prog_on $place
	done
}

# attach_both HOW [FILE]: all four hooks, by `tc` or by `attach`.
attach_both() {
	local endpoint

	for endpoint in 57 58; do
		if [[ $1 == tc ]]; then
			"$elfmap" tc filter add dev "e$endpoint" ingress prio 1 handle 1 bpf da obj "$tmp/$endpoint/lxc.o" sec in
			"$elfmap" tc filter add dev "e$endpoint" egress prio 1 handle 1 bpf da obj "$tmp/$endpoint/lxc.o" sec out
		else
			"$elfmap" attach "$tmp/$endpoint/lxc.o" sec in dev "e$endpoint" ingress
			"$elfmap" attach "$tmp/$endpoint/lxc.o" sec out dev "e$endpoint" egress
		fi
	done >/dev/null
}

# only_57_changed BEFORE: of the four programs those of e57 alone are others, and each endpoint has its own tables.
only_57_changed() {
	local -a old after

	mapfile -t old <<<"$1"
	mapfile -t after <<<"$(all)"
	echo "${old[*]} -> ${after[*]}"
	[[ ${after[0]} != "${old[0]}" && ${after[1]} != "${old[1]}" && ${after[2]} == "${old[2]}" && ${after[3]} == "${old[3]}" ]]
	[[ $(maps_of "${after[0]}") == *calls_57*policy_57* && $(maps_of "${after[0]}") != *_58* ]]
	[[ $(maps_of "${after[2]}") == *calls_58*policy_58* && $(maps_of "${after[2]}") != *_57* ]]
}

@test "identity: upgrade, rollback and forget change the hooks of one of two objects with the same name" {
	for how in tc attach; do
		attach_both "$how"
		before=$(all)
		"$elfmap" upgrade "$tmp/57_next/lxc.o"
		only_57_changed "$before"
		"$elfmap" upgrade "$tmp/58_next/lxc.o"
		mapfile -t both <<<"$(all)"
		[[ $(maps_of "${both[2]}") == *policy_58* && $(maps_of "${both[0]}") == *policy_57* ]]
		between=$(all)
		"$elfmap" upgrade "$tmp/57_next/lxc.o" --rollback
		only_57_changed "$between"
		[[ $(all | head -2) == "$(head -2 <<<"$before")" ]]
		"$elfmap" upgrade "$tmp/58_next/lxc.o" --rollback
		[[ $(all) == "$before" ]]
		"$elfmap" upgrade "$tmp/57/lxc.o" --forget
		# shellcheck disable=SC2154 # run sets stderr
		run -1 --separate-stderr "$elfmap" upgrade "$tmp/57_next/lxc.o" --rollback
		[[ $(all) == "$before" ]]
		"$elfmap" upgrade "$tmp/58_next/lxc.o" --rollback
		[[ $(all | head -2) == "$(head -2 <<<"$before")" && $(all | tail -2) != "$(tail -2 <<<"$before")" ]]
		teardown
		setup_again
	done
}

setup_again() {
	for endpoint in 57 58; do
		ip link add "e$endpoint" type veth peer name "f$endpoint"
		tc qdisc add dev "e$endpoint" clsact
	done
}

@test "identity: apply changes the hooks that its lines name" {
	attach_both tc
	before=$(all)
	printf 'attach %s sec in dev e57 ingress prio 1 handle 1\nattach %s sec out dev e57 egress prio 1 handle 1\n' \
		"$tmp/57_next/lxc.o" "$tmp/57_next/lxc.o" >"$tmp/pipeline"
	"$elfmap" apply "$tmp/pipeline"
	only_57_changed "$before"
	printf 'attach %s sec in dev e58 ingress prio 1 handle 1\n' "$tmp/58_next/lxc.o" >>"$tmp/pipeline"
	between=$(all)
	"$elfmap" apply "$tmp/pipeline"
	mapfile -t after <<<"$(all)"
	[[ $(all | head -2) == "$(head -2 <<<"$between")" && ${after[3]} == "$(tail -1 <<<"$between")" ]]
	[[ ${after[2]} != "$(sed -n 3p <<<"$between")" && $(maps_of "${after[2]}") == *policy_58* ]]
	"$elfmap" apply "$tmp/pipeline"
	[[ $(all) == "$(printf '%s\n' "${after[@]}")" ]]
}

@test "identity: a canary changes the named hooks, and its rollback restores them alone" {
	attach_both attach
	"$elfmap" attach "$tmp/57/lxc.o" sec in dev e58 ingress prio 7 >/dev/null # a second device of 57
	on_e58() { tc -j filter show dev e58 ingress | jq '[.[] | select(.pref == 7).options.prog.id // empty][0]'; }
	before=$(all)
	second=$(on_e58)
	"$elfmap" upgrade "$tmp/57_next/lxc.o" dev e57 ingress
	mapfile -t now <<<"$(all)"
	[[ ${now[0]} != "$(head -1 <<<"$before")" && ${now[1]} == "$(sed -n 2p <<<"$before")" && $(on_e58) == "$second" ]]
	canary=${now[0]}
	"$elfmap" upgrade "$tmp/57_next/lxc.o" --rollback
	[[ $(all) == "$before" && $(on_e58) == "$second" ]]
	"$elfmap" upgrade "$tmp/57_next/lxc.o" --rollback # again: back to the canary
	[[ $(prog_on e57 ingress) == "$canary" && $(on_e58) == "$second" ]]
	# All of them, from two versions; then each hook gets back its own.
	"$elfmap" upgrade "$tmp/57_next/lxc.o"
	[[ $(prog_on e57 ingress) != "$canary" && $(on_e58) == "$(prog_on e57 ingress)" ]]
	"$elfmap" upgrade "$tmp/57_next/lxc.o" --rollback
	[[ $(prog_on e57 ingress) == "$canary" && $(on_e58) == "$second" && $(prog_on e57 egress) == "${now[1]}" ]]
	[[ $(all | tail -2) == "$(tail -2 <<<"$before")" ]]
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/57_next/lxc.o" dev f57
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == "elfmap: $tmp/57_next/lxc.o: it is not attached at dev f57" && $(prog_on e57 ingress) == "$canary" ]]
	run -2 --separate-stderr "$elfmap" upgrade "$tmp/57_next/lxc.o" dev
}

@test "identity: a version that drops or adds a map is still of the same deployment" {
	compile 57 0 "$tmp/57/lxc.o" -DDROPPED
	attach_both tc
	before=$(all)
	"$elfmap" upgrade "$tmp/57_next/lxc.o"
	only_57_changed "$before"
	before=$(all)
	compile 57 2 "$tmp/57_next/lxc.o" -DDROPPED
	"$elfmap" upgrade "$tmp/57_next/lxc.o"
	only_57_changed "$before"
}

@test "identity: objects without pinned maps belong to the file that was noted, and an unknown one is refused" {
	for endpoint in 57 58; do
		compile "$endpoint" 0 "$tmp/$endpoint/lxc.o" -DPRIVATE
		compile "$endpoint" 1 "$tmp/${endpoint}_next/lxc.o" -DPRIVATE
	done
	attach_both tc
	before=$(all)
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/57_next/lxc.o"
	echo "$stderr"
	[[ $stderr == "elfmap: $tmp/57_next/lxc.o: several objects of this name are attached: e57 "*"($tmp/57/lxc.o)"*"($tmp/58/lxc.o)"*"'elfmap upgrade $tmp/57_next/lxc.o dev e5"* ]]
	[[ $(all) == "$before" && ! -e /sys/fs/bpf/tc/generations ]]
	"$elfmap" upgrade "$tmp/57_next/lxc.o" dev e57
	[[ $(all | tail -2) == "$(tail -2 <<<"$before")" && $(all | head -2) != "$(head -2 <<<"$before")" ]]
	before=$(all)
	compile 58 3 "$tmp/58/lxc.o" -DPRIVATE
	"$elfmap" upgrade "$tmp/58/lxc.o"
	[[ $(all | head -2) == "$(head -2 <<<"$before")" && $(all | tail -2) != "$(tail -2 <<<"$before")" ]]
}

@test "identity: another object of the same name with other tables is not replaced" {
	attach_both tc
	tc filter del dev e58 ingress
	tc filter del dev e58 egress
	compile 58 1 "$tmp/58_next/lxc.o" -DALONE
	before=$(all)
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/58_next/lxc.o"
	echo "$stderr"
	[[ $stderr == *"what is attached under this name uses other pinned maps: e57 "* && $(all) == "$before" ]]
}

@test "identity: load, unload and detach --all leave the programs of another object of the same name" {
	attach_both attach
	"$elfmap" load "$tmp/57/lxc.o"
	pinned=$(bpftool -j prog show pinned /sys/fs/bpf/tc/progs/lxc/enter | jq .id)
	run -1 --separate-stderr "$elfmap" load "$tmp/58/lxc.o"
	echo "$stderr"
	[[ $stderr == "elfmap: $tmp/58/lxc.o: /sys/fs/bpf/tc/progs/lxc has programs of another object of this name, $tmp/57/lxc.o; 'elfmap unload $tmp/57/lxc.o' removes them" ]]
	run -1 --separate-stderr "$elfmap" unload "$tmp/58/lxc.o"
	[[ $(bpftool -j prog show pinned /sys/fs/bpf/tc/progs/lxc/enter | jq .id) == "$pinned" ]]
	"$elfmap" load "$tmp/57_next/lxc.o" # another version of the same
	"$elfmap" unload "$tmp/57_next/lxc.o"
	[[ ! -e /sys/fs/bpf/tc/progs/lxc ]]
	before=$(all)
	"$elfmap" detach "$tmp/57/lxc.o" --all
	[[ $(all | head -2) == $'0\n0' && $(all | tail -2) == "$(tail -2 <<<"$before")" ]]
}
