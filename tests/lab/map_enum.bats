#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Keys of arrays that are annotated with an enum or another type of 4 bytes: the kernel accepts only an int, and the
# types are kept. Names of enumerators in keys and values.

# shellcheck disable=SC2086,SC2154 # run and maps.bash set variables
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	ip link add v0 type veth peer name v1
	ip link set v0 up
}

teardown() {
	ip link del v0 2>/dev/null || true
}

# build_object NAME TYPE KEY-TYPE [VALUE-TYPE]: $tmp/NAME.o with the annotated map NAME
build_object() {
	cat >"$tmp/$1.c" <<-END
		#include <linux/bpf.h>
		#include <linux/types.h>
		#include "bpf_elf.h"
		#define SEC(name) __attribute__((section(name), used))
		enum verdict { PASS, DROP, VERDICTS };
		enum { TABLE_ZERO, TABLE_ONE };
		typedef enum verdict verdict_t;
		struct half { __u16 a, b; };
		struct total { __u64 packets, bytes; };
		static void *(*look)(void *, const void *) = (void *)1;
		struct bpf_elf_map SEC("maps") $1 = {.type = BPF_MAP_TYPE_$2, .size_key = 4,
			.size_value = sizeof(${4-struct total}), .max_elem = 4, .pinning = PIN_GLOBAL_NS};
		BPF_ANNOTATE_KV_PAIR($1, $3, ${4-struct total});
		SEC("classifier") int in(struct __sk_buff *skb)
		{
			__u32 key = DROP;
			struct total *total = look(&$1, &key);

			if (total)
				total->packets++;
			return -1;
		}
	END
	clang -target bpf -O2 -g -c -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -o "$tmp/$1.o" "$tmp/$1.c"
}

@test "array: keys annotated as an enum keep their names with load, tc, attach and convert" {
	build_object totals ARRAY 'enum verdict'
	expected=$'PASS { packets 0 bytes 0 }\nDROP { packets 0 bytes 0 }\nVERDICTS { packets 0 bytes 0 }\n3 { packets 0 bytes 0 }'
	"$elfmap" load "$tmp/totals.o"
	[[ $(map dump totals) == "$expected" ]]
	[[ $(bpftool -j map dump pinned $globals/totals | jq '.[1].formatted.value.packets') == 0 ]]
	rm -r /sys/fs/bpf/tc
	tc qdisc add dev v0 clsact
	"$elfmap" tc filter add dev v0 ingress bpf da obj "$tmp/totals.o" sec classifier
	[[ $(map dump totals) == "$expected" ]]
	tc qdisc del dev v0 clsact
	"$elfmap" attach "$tmp/totals.o" dev v0 ingress >/dev/null # the pin is reused
	[[ $(map dump totals) == "$expected" ]]
	rm $globals/totals
	"$elfmap" convert "$tmp/totals.o" "$tmp/modern.o"
	bpftool prog load "$tmp/modern.o" /sys/fs/bpf/modern type classifier pinmaps $globals
	[[ $(map dump totals) == "$expected" ]]
	map set totals DROP '{ packets 1 bytes 2 }'
	[[ $(map get totals DROP) == 'DROP { packets 1 bytes 2 }' && $(map -j get totals DROP | jq -c .) == '{"key":"DROP",'* ]]
}

@test "array: names of enumerators are accepted without regard to case, and without the common prefix" {
	build_object totals ARRAY 'enum verdict' && "$elfmap" load "$tmp/totals.o"
	map set totals drop '{ packets 7 bytes 8 }'
	[[ $(map get totals Drop) == 'DROP { packets 7 bytes 8 }' ]]
	fails 1 "the enum has no 'dro'; there are: pass, drop, verdicts" get totals dro
	create short hash 4 1 4
	map set short one 1 types 'enum { TABLE_ZERO 0 TABLE_ONE 1 TABLE_TWO 2 }:u8'
	[[ $(map dump short types 'enum { TABLE_ZERO 0 TABLE_ONE 1 TABLE_TWO 2 }:u8') == 'TABLE_ONE 1' ]]
	fails 1 "there are: zero, one, two" set short three 1 types 'enum { TABLE_ZERO 0 TABLE_ONE 1 TABLE_TWO 2 }:u8'
	# Two names that differ only in case have to be written exactly.
	map set short Ab 2 types 'enum { Ab 2 aB 3 }:u8'
	fails 1 "the enum has no 'ab'" set short ab 3 types 'enum { Ab 2 aB 3 }:u8'
}

@test "array: other types of 4 bytes, per-CPU arrays" {
	build_object a ARRAY 'struct half' && "$elfmap" load "$tmp/a.o"
	[[ $(map dump a | sed -n 2p) == '{ a 1 b 0 } { packets 0 bytes 0 }' ]]
	build_object b PERCPU_ARRAY verdict_t && "$elfmap" load "$tmp/b.o"
	[[ $(map dump b sum | sed -n 2p) == 'DROP { packets 0 bytes 0 }' ]]
	build_object c ARRAY '__typeof__(TABLE_ONE)' && "$elfmap" load "$tmp/c.o"
	[[ $(map dump c | sed -n 1p) =~ ^(TABLE_ZERO|0)\ \{\ packets ]]
	build_object d ARRAY '__be32' && "$elfmap" load "$tmp/d.o"
	[[ $(map dump d | sed -n 2p) == '16777216 { packets 0 bytes 0 }' ]]
	build_object e HASH 'enum verdict' && "$elfmap" load "$tmp/e.o" # a hash takes every type
	map set e DROP '{ packets 1 bytes 2 }'
	[[ $(map dump e) == 'DROP { packets 1 bytes 2 }' ]]
	build_object f ARRAY 'const enum verdict' && "$elfmap" load "$tmp/f.o"
	[[ $(map dump f | sed -n 2p) == 'DROP { packets 0 bytes 0 }' ]]
}

@test "maps of maps: the key of the outer map and those of the inner maps" {
	cat >"$tmp/nested.c" <<-'END'
		#include <linux/bpf.h>
		#include <linux/types.h>
		#include "bpf_elf.h"
		#define SEC(name) __attribute__((section(name), used))
		enum verdict { PASS, DROP, VERDICTS };
		static void *(*look)(void *, const void *) = (void *)1;
		struct bpf_elf_map SEC("maps") template = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8,
			.max_elem = 3, .id = 7, .inner_idx = 1};
		BPF_ANNOTATE_KV_PAIR(template, enum verdict, __u64);
		struct bpf_elf_map SEC("maps") outer = {.type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4,
			.max_elem = 3, .inner_id = 7, .pinning = PIN_GLOBAL_NS};
		BPF_ANNOTATE_KV_PAIR(outer, enum verdict, __u32);
		SEC("classifier") int in(struct __sk_buff *skb)
		{
			__u32 key = DROP;
			void *inner = look(&outer, &key);

			return inner && look(inner, &key) ? -1 : 0;
		}
	END
	clang -target bpf -O2 -g -c -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -o "$tmp/nested.o" "$tmp/nested.c"
	"$elfmap" load "$tmp/nested.o"
	[[ $(map dump outer) =~ ^'DROP id '[0-9]+$ ]]
	id=$(map get outer drop | sed 's/.* id //')
	[[ $(map dump id "$id") == $'PASS 0\nDROP 0\nVERDICTS 0' ]]
	fails 1 "the enum has no 'nosuch'; there are: pass, drop, verdicts" get outer nosuch
	map set id "$id" drop 7
	[[ $(map get id "$id" drop) == 'DROP 7' ]]
}
