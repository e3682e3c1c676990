#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# include/bpf_api.h: sources that use it compile, load and work. There is one source for each family of macros:
# tests/testdata/api_*.c.

# shellcheck disable=SC2154 # link.bash and run set them
bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	set_neighbours
}

teardown() {
	teardown_link
}

# compile SOURCE FLAGS...: to $tmp/it.o, without the flags of this tree.
compile() {
	clang -target bpf -O2 -g -Wall -Wextra -Werror -idirafter "/usr/include/$(cc -print-multiarch)" "${@:2}" \
		-c -o "$tmp/it.o" "$1"
}

@test "sections: entry, tail calls by id and key, and names of any form" {
	add api_sections classifier
	in_net ping -q -c 3 -i 0.01 10.9.0.1 >/dev/null
	[[ $("$elfmap" map dump runs types u32:u32) == $'0 3\n1 3\n2 3' ]]
	run -0 "$elfmap" load "$objects/api_sections.o"
	[[ $output == *'/own own/name sched_cls '* ]]
}

@test "sections: actions and XDP have macros of their own" {
	run -0 "$elfmap" load "$objects/api_entries.o" sec action
	[[ $output == *' action sched_act '* ]]
	run -0 "$elfmap" load "$objects/api_entries.o" sec prog type xdp
	[[ $output == *' prog xdp '* ]]
	"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/api_entries.o"
	[[ $(ip link show dev "$link") == *xdpgeneric* ]]
}

@test "maps: each macro defines the type and sizes in its name" {
	add api_maps classifier
	while read -r name type key value max; do
		[[ $("$elfmap" -j map show "$name" |
			jq -r '[.type, .bytes_key, .bytes_value, .max_entries] | join(" ")') == "$type $key $value $max" ]]
	done <<-END
		hash hash 16 24 16
		hash4 hash 8 4 17
		hash8 hash 8 8 18
		percpu_hash percpu_hash 4 8 19
		lru_hash lru_hash 4 8 20
		array array 4 40 21
		array2 array 4 2 22
		array4 array 4 4 23
		array8 array 4 8 24
		percpu_array percpu_array 4 8 25
		prog_array prog_array 4 4 26
		cgroup_array cgroup_array 4 4 27
		events perf_event_array 4 4 $(getconf _NPROCESSORS_CONF)
	END
}

@test "helpers: they return what they should, and a source can declare another one itself" {
	add api_helpers classifier
	in_net ping -q -c 1 10.9.0.1 >/dev/null
	[[ $("$elfmap" map get told 0 types u32:u64) != '0 0' ]]
	[[ $("$elfmap" map get told 4 types u32:u64) != '4 0' ]]
	run -0 "$elfmap" load "$objects/api_helpers.o" sec clone
}

@test "packets: a TTL is rewritten with its checksum, and byte order conversions are right" {
	"$elfmap" tc filter add dev "$link" egress bpf da obj "$objects/api_packet.o" sec ttl
	# The neighbour does not answer if the checksum is wrong.
	ping -q -c 3 -i 0.01 10.9.0.2 >/dev/null
	[[ $("$elfmap" map dump seen types u32:u32 | head -4) == $'0 2048\n1 9\n2 1\n3 4660' ]]
	run -0 "$elfmap" load "$objects/api_packet.o"
	[[ $output == *rest*vlan*tunnel* ]]
}

@test "skb_under_cgroup: takes the packet; a call without it does not compile" {
	cat >"$tmp/it.c" <<-'END'
		#include "bpf_api.h"
		BPF_CGROUP_ARRAY(cgroups, 0, PIN_NONE, 1);
		__section_cls_entry int entry(struct __sk_buff *skb) { return skb_under_cgroup(skb, &cgroups, 0); }
		BPF_LICENSE("GPL");
	END
	compile "$tmp/it.c" -Iinclude
	"$elfmap" check "$tmp/it.o"
	sed -i 's/skb_under_cgroup(skb, /skb_under_cgroup(/' "$tmp/it.c"
	run -1 compile "$tmp/it.c" -Iinclude
	[[ $output == *'too few arguments'* ]]
}

@test "a source's own definitions of these macros and stdint.h types are kept" {
	cat >"$tmp/it.c" <<-'END'
		typedef __UINT32_TYPE__ uint32_t;
		#define __section(name) __attribute__((section(name), used))
		#define likely(x) (x)
		#define htons(x) 7
		#include "bpf_api.h"
		_Static_assert(htons(1) == 7, "the source's");
		_Static_assert(htonl(0x01020304) != ntohs(1) && sizeof(uint64_t) == 8, "the header's");
		__section_cls_entry int entry(struct __sk_buff *skb) { return likely(skb->len) ? TC_ACT_OK : TC_ACT_SHOT; }
		BPF_LICENSE("GPL");
	END
	compile "$tmp/it.c" -Iinclude
	"$elfmap" check "$tmp/it.o"
}

@test "installed: the header is found by the include lines of iproute2's examples" {
	make --no-print-directory install PREFIX="$tmp/prefix" >/dev/null
	cp tests/testdata/api_sections.c "$tmp/it.c"
	grep -qxF '#include "../../include/bpf_api.h"' "$tmp/it.c"
	compile "$tmp/it.c" "-I$tmp/prefix/include/elfmap"
	"$elfmap" check "$tmp/it.o"
	run -1 compile "$tmp/it.c"
	compile tests/testdata/api_maps.c "-I$tmp/prefix/include"
}
