#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap upgrade FILE max MAP=N`: another size under running programs; and what changes in the old map until then.

# shellcheck disable=SC2154 # run sets it
# shellcheck disable=SC2317 # functions that run calls

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	link=gr0
	ip link add "$link" type veth peer name gr1
	ip link set "$link" up
	tc qdisc add dev "$link" clsact
	compile "$tmp/grow.o" -g
	"$elfmap" attach "$tmp/grow.o" sec classifier dev "$link" ingress
}

teardown() {
	ip link del "$link" 2>/dev/null || true
	rm -rf /sys/fs/bpf/tc
}

compile() { # OUTPUT [FLAG ...]
	clang -target bpf -std=gnu11 -O2 -Wall -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" \
		"${@:2}" -c -x c -o "$1" - <<-'END'
		#include <linux/bpf.h>
		#include <linux/pkt_cls.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		#define MAP(map_name, map_type, key, map_flags) \
			struct bpf_elf_map SEC("maps") map_name = {.type = BPF_MAP_TYPE_##map_type, .size_key = key, \
				.size_value = 8, .max_elem = 4, .flags = map_flags, .pinning = PIN_GLOBAL_NS}
		MAP(g_hash, HASH, 4, 0);
		MAP(g_percpu, PERCPU_HASH, 4, 0);
		MAP(g_lru, LRU_HASH, 4, 0);
		MAP(g_lpm, LPM_TRIE, 8, BPF_F_NO_PREALLOC);
		MAP(g_array, ARRAY, 4, 0);
		SEC("classifier") int look(struct __sk_buff *skb)
		{
			__u32 key[2] = {32, skb->protocol};
			return bpf_map_lookup_elem(&g_hash, &key[1]) && bpf_map_lookup_elem(&g_percpu, &key[1]) &&
			       bpf_map_lookup_elem(&g_lru, &key[1]) && bpf_map_lookup_elem(&g_lpm, key) &&
			       bpf_map_lookup_elem(&g_array, &key[1]) ? TC_ACT_OK : TC_ACT_UNSPEC;
		}
		char _license[] SEC("license") = "GPL";
	END
}

max_of() {
	bpftool -j map show pinned "$globals/$1" | jq .max_entries
}

prog() {
	tc -j filter show dev "$link" ingress | jq '[.[].options.prog.id // empty][0]'
}

count_of() {
	bpftool -j map dump pinned "$globals/$1" | jq length
}

# The attached program uses the pinned map.
is_used() {
	bpftool -j prog show id "$(prog)" |
		jq -e --argjson id "$(bpftool -j map show pinned "$globals/$1" | jq .id)" '.map_ids | index($id)'
}

entry() { # MAP BYTE
	bpftool map update pinned "$globals/$1" key "$2" 0 0 0 value "$2" 0 0 0 0 0 0 0
}

# refused PATTERN WORD ...: status 1, and nothing has changed.
refused() {
	local before

	before="$(prog) $(cd "$globals" && for map in *; do bpftool -j map show pinned "$map" | jq .id; done)"
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/grow.o" "${@:2}"
	echo "$stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $stderr == $1 ]]
	[[ $before == "$(prog) $(cd "$globals" && for map in *; do bpftool -j map show pinned "$map" | jq .id; done)" ]]
}

@test "growth: the running object again, with larger maps of several types; back, and forward again" {
	for map in g_hash g_percpu g_lru g_array; do
		"$elfmap" map set $map 1 11 2>/dev/null || entry $map 1
	done
	bpftool map update pinned "$globals/g_lpm" key 32 0 0 0 10 0 0 1 value 1 0 0 0 0 0 0 0
	before=$(prog)
	run -0 "$elfmap" -j upgrade "$tmp/grow.o" max g_hash=100 g_percpu=100 g_lru=100 g_lpm=100 max g_array=100
	[[ $(prog) != "$before" ]]
	for map in g_hash g_percpu g_lru g_lpm g_array; do
		[[ $(max_of $map) == 100 ]]
		is_used $map
		[[ $(jq -r --arg map $map '.maps[] | select(.name == $map).state' <<<"$output") == copied ]]
	done
	[[ $(count_of g_hash) == 1 && $(count_of g_percpu) == 1 && $(count_of g_lru) == 1 && $(count_of g_lpm) == 1 ]]
	"$elfmap" upgrade "$tmp/grow.o" --rollback
	[[ $(max_of g_hash) == 4 && $(max_of g_array) == 4 && $(count_of g_hash) == 1 ]]
	is_used g_lru
	"$elfmap" upgrade "$tmp/grow.o" --rollback
	[[ $(max_of g_hash) == 100 && $(max_of g_array) == 100 && $(count_of g_lru) == 1 ]]
}

@test "growth: only the named map is made anew; entries that do not fit are refused" {
	other=$(bpftool -j map show pinned "$globals/g_lru" | jq .id)
	"$elfmap" upgrade "$tmp/grow.o" max g_hash=6
	[[ $(max_of g_hash) == 6 && $(bpftool -j map show pinned "$globals/g_lru" | jq .id) == "$other" ]]
	for key in 1 2 3 4 5; do
		entry g_hash $key
	done
	refused "elfmap: $tmp/grow.o: *g_hash: *its 5 entries do not fit into a map of 3 entries*" max g_hash=3
	refused "elfmap: $tmp/grow.o: *its 5 entries do not fit into a map of 4 entries*" --rollback
	"$elfmap" upgrade "$tmp/grow.o" max g_hash=5
	[[ $(max_of g_hash) == 5 && $(count_of g_hash) == 5 ]]
}

@test "growth: an LRU map never drops entries for a smaller size" {
	for key in 1 2 3; do
		entry g_lru $key
	done
	bpftool map update pinned "$globals/g_array" key 3 0 0 0 value 1 0 0 0 0 0 0 0
	refused "*g_array: *its 4 entries do not fit into a map of 3 entries" max g_array=3
	refused "*g_lru: *its 3 entries do not fit into a map of 2 entries*" max g_lru=2
}

@test "growth: unknown maps, numbers and missing words are refused" {
	refused "elfmap: $tmp/grow.o: max nosuch: there is no such map; 'elfmap show $tmp/grow.o' lists them" max nosuch=8
	refused "elfmap: $tmp/grow.o: max g_hash: '0' is not a number from 1 to 4294967295" max g_hash=0
	refused "elfmap: $tmp/grow.o: max g_hash: '4294967296' is not a number from 1 to 4294967295" max g_hash=4294967296
	refused "elfmap: $tmp/grow.o: max g_hash: 'many' is not a number*" max g_hash=many
	run -2 "$elfmap" upgrade "$tmp/grow.o" max
	run -2 "$elfmap" upgrade "$tmp/grow.o" max g_hash
	run -2 "$elfmap" upgrade "$tmp/grow.o" max g_hash=8 --rollback
}

# The entries have been copied when the first hook is exchanged: strace holds the command there.
@test "late: what is deleted, changed and added between the copy and the exchange" {
	for key in 1 2 3; do
		entry g_hash $key
		entry g_lru $key
	done
	strace -qq -o "$tmp/trace" -e trace=sendto,sendmsg -e inject=sendto,sendmsg:delay_enter=300000 \
		"$elfmap" -j upgrade "$tmp/grow.o" max g_hash=100 g_lru=100 >"$tmp/report" &
	command=$!
	copied() {
		local new=/sys/fs/bpf/tc/generations

		new=$(find "$new" -path '*/next/maps/tc/globals/g_lru')
		[[ -n $new ]] && (($(bpftool -j map dump pinned "$new" | jq length) == 3))
	}
	until copied 2>/dev/null; do
		kill -0 "$command"
	done
	for map in g_hash g_lru; do
		bpftool map delete pinned "$globals/$map" key 1 0 0 0
		bpftool map update pinned "$globals/$map" key 2 0 0 0 value 22 0 0 0 0 0 0 0
		entry $map 4
	done
	wait "$command"
	cat "$tmp/report"
	for map in g_hash g_lru; do
		[[ $(max_of $map) == 100 && $(count_of $map) == 3 ]]
		run ! bpftool map lookup pinned "$globals/$map" key 1 0 0 0
		bpftool map lookup pinned "$globals/$map" key 2 0 0 0 | grep -q 'value: 16'
		bpftool map lookup pinned "$globals/$map" key 4 0 0 0 | grep -q 'value: 04'
		[[ $(jq -c --arg map $map '.maps[] | select(.name == $map) | [.carried, .late, .lost, .removed]' \
			"$tmp/report") == '[3,2,0,1]' ]]
	done
}
