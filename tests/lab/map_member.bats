#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map set PIN KEY member=value ...` and `cpu N`: parts of a value, while programs write the others.

# shellcheck disable=SC2154,SC2030,SC2031 # maps.bash and run set them; a test is a subshell

bats_require_minimum_version 1.5.0

load maps.bash

setup() {
	begin_maps
}

teardown() {
	[[ -z ${counter:-} ]] || kill "$counter" 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

# object TYPE VALUE [FLAGS]: pins map t with the members VALUE, and a program that counts in the entry 1.
object() {
	clang -target bpf -O2 -g -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -xc -c -o "$tmp/o.o" - <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"

		typedef ${key:-__u32} key;
		struct value { __u64 count; $2 };
		struct bpf_elf_map SEC("maps") t = {
			.type = BPF_MAP_TYPE_$1, .size_key = sizeof(key), .size_value = sizeof(struct value),
			.max_elem = 16, .flags = ${3:-0}, .pinning = PIN_GLOBAL_NS,
		};
		BPF_ANNOTATE_KV_PAIR(t, key, struct value);
		SEC("classifier") int entry(struct __sk_buff *skb)
		{
			key key = ${first:-1};
			struct value *value = bpf_map_lookup_elem(&t, &key);

			if (value) {
				${count:-__sync_fetch_and_add(&value->count, 1)};
			}
			return 0;
		}
		char _license[] SEC("license") = "GPL";
	END
	"$elfmap" load "$tmp/o.o" >/dev/null
}

value() {
	"$elfmap" -j map get t "${1:-1}" | jq -c .value
}

# no_change STATUS TEXT WORD...
no_change() {
	local before

	before=$("$elfmap" map dump t)
	fails "$@"
	[[ $("$elfmap" map dump t) == "$before" ]]
}

@test "members of 1, 2, 4 and 8 bytes, in structs and arrays, are written and nothing else" {
	object HASH '__u32 flag; __s16 small; __u8 tiny; struct { __u32 x, y; } in; __u16 list[4]; struct { __u8 a, b; } pairs[2];'
	map set t 1 '{ count 1 flag 2 small 3 tiny 4 in { x 5 y 6 } list [ 7 8 9 10 ] pairs [ { a 1 b 2 } { a 3 b 4 } ] }'
	map set t 1 count=9007199254740991 flag=0x20 small=-3 tiny=255 in.y=60 'list[2]=90' 'pairs[1].a=33'
	[[ $(value) == '{"count":9007199254740991,"flag":32,"small":-3,"tiny":255,"in":{"x":5,"y":60},"list":[7,8,90,10],"pairs":[{"a":1,"b":2},{"a":33,"b":4}]}' ]]
	run -0 --separate-stderr "$elfmap" -j map set t 1 flag=7
	jq -e '.done == "map set" and .written == 1' <<<"$output"
}

@test "increments by a program in the meantime are not lost" {
	object HASH '__u32 flag;'
	map set t 1 '{ count 0 flag 0 }'
	head -c 64 /dev/zero >"$tmp/packet"
	bpftool prog run pinned "$tc_dir/progs/o/entry" data_in "$tmp/packet" repeat 3000000 >/dev/null &
	counter=$!
	for ((i = 1; i <= 60; i++)); do
		map set t 1 flag=$i
		[[ $(value | jq .flag) == "$i" ]]
	done
	wait "$counter"
	counter=
	[[ $(value) == '{"count":3000000,"flag":60}' ]]
}

@test "what cannot be written in one step is refused, except with --racy" {
	object HASH '__u32 a : 3, b : 5; char name[6]; __u8 list[3];'
	map set t 1 '{ count 1 a 1 b 2 name "x" list [ 1 2 3 ] }'
	no_change 1 'a: cannot be changed in place: a bit field' set t 1 a=2
	no_change 1 'name: cannot be changed in place: only aligned members of 1, 2, 4 or 8 bytes' set t 1 'name="eth0"'
	no_change 1 'list: cannot be changed in place' set t 1 'count=5' 'list=[ 4 5 6 ]'
	map set t 1 b=31 'name="eth0"' 'list=[ 4 5 6 ]' --racy
	[[ $(value) == '{"count":1,"a":1,"b":31,"name":"eth0","list":[4,5,6]}' ]]
}

@test "wrong members, values and keys are refused" {
	object HASH '__u32 flag; __u16 list[2];'
	map set t 1 '{ count 1 flag 2 list [ 3 4 ] }'
	no_change 1 'nosuch: no such member' set t 1 nosuch=1
	no_change 1 'list[2]: no such element' set t 1 'list[2]=1'
	no_change 1 'flag.x: no such member' set t 1 flag.x=1
	no_change 1 "flag: expected a number, not 'many'" set t 1 count=9 flag=many
	no_change 1 'flag:' set t 1 count=9 flag=4294967296
	no_change 1 'no such key' set t 2 flag=1
	no_change 1 'no such key' set t 2 flag=1 --racy
	no_change 1 'one entry at a time' set t 1 2 flag=1
	no_change 1 "has one value for all CPUs; omit 'cpu'" set t 1 flag=1 cpu 0
	no_change 2 'noexist' set t 1 flag=1 noexist
	no_change 2 'racy' set t 1 '{ count 1 flag 2 list [ 3 4 ] }' --racy
}

@test "one CPU's value: whole or by member, the others stay" {
	last=$(</sys/devices/system/cpu/possible)
	last=${last##*-}
	for type in PERCPU_HASH PERCPU_ARRAY LRU_PERCPU_HASH; do
		find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
		object $type '__u32 flag; __u8 tiny;'
		map set t 1 cpu 0 2>/dev/null && false
		map set t 1 '{ count 5 flag 6 tiny 7 }' cpu "$last"
		map set t 1 flag=66 tiny=77 cpu "$last"
		"$elfmap" -j map get t 1 | jq -ce --argjson n "$last" \
			'.values | .[$n].value == {count: 5, flag: 66, tiny: 77} and all(.[:$n][]; .value == {count: 0, flag: 0, tiny: 0})'
		map set t 1 count=9 cpu "$last" --racy
		"$elfmap" -j map get t 1 | jq -ce --argjson n "$last" '.values[$n].value.count == 9'
		no_change 1 "there is no CPU $((last + 1))" set t 1 flag=1 cpu $((last + 1))
		no_change 1 "choose one with 'cpu N'" set t 1 flag=1
	done
}

@test "a lock is the kernel's: not shown, not asked for, and taken" {
	count='bpf_spin_lock(&value->lock); value->count++; bpf_spin_unlock(&value->lock)' object HASH 'struct bpf_spin_lock lock; __u32 flag;'
	map set t 1 '{ count 1 flag 2 }'
	[[ $(value) == '{"count":1,"flag":2}' ]]
	map set t 1 flag=3
	[[ $(value) == '{"count":1,"flag":3}' ]]
	no_change 1 'lock: no such member' set t 1 lock=1
	head -c 64 /dev/zero >"$tmp/packet"
	bpftool prog run pinned "$tc_dir/progs/o/entry" data_in "$tmp/packet" repeat 1000000 >/dev/null &
	counter=$!
	for ((i = 1; i <= 30; i++)); do
		map set t 1 flag=$i
	done
	wait "$counter"
	counter=
	[[ $(value) == '{"count":1000001,"flag":30}' ]]
}

@test "maps whose members a program cannot write are refused" {
	key='struct { __u32 length; __u32 address; }' first='{8, 10}' object LPM_TRIE '__u32 flag;' 1
	map set t 10.0.0.0/8 '{ count 1 flag 2 }'
	no_change 1 'a program finds a wider prefix' set t 10.0.0.0/8 flag=3
	map set t 10.0.0.0/8 flag=3 --racy
	[[ $(value 10.0.0.0/8) == '{"count":1,"flag":3}' ]]
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
	count='(void)0' object HASH '__u32 flag;' 0x80
	map set t 1 '{ count 1 flag 2 }'
	no_change 1 'programs may only read the map' set t 1 flag=3
	bpftool map freeze pinned "$globals/t"
	no_change 1 'frozen' set t 1 flag=3
	no_change 1 'frozen' set t 1 flag=3 --racy
	create bytes hash 4 4 4
	fails 1 'flag: no such member' set bytes hex 01 00 00 00 flag=1
}
