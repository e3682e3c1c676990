#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The sources of types in `elfmap map`, and values that are names of other things: cgroups, programs by their
# object. The bytes in maps are read with bpftool.

# shellcheck disable=SC2154 # maps.bash, cgroups.bash and run set them
bats_require_minimum_version 1.5.0

load maps.bash
load cgroups.bash

setup() {
	begin_maps
	export ELFMAP_TYPES_DIR=$tmp/types.d
	mkdir "$ELFMAP_TYPES_DIR"
}

teardown() {
	[[ -z ${top-} ]] || teardown_cgroups
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
}

# bytes NAME: key and value of the only entry, as bpftool shows them.
bytes() {
	bpftool -j map dump pinned "$globals/$1" | jq -r '.[0] | (.key | join(" ")) + " = " + (.value | join(" "))'
}

# ---- sources -----------------------------------------------------------------------------------------

@test "types: the command line, in both spellings, has precedence over all other sources" {
	create m hash 4 8 10
	echo 'm mac mac' >"$ELFMAP_TYPES_DIR/broken" # not read
	map set m types ipv4:be64 10.0.0.1 258
	[[ $(bytes m) == '0x0a 0x00 0x00 0x01 = 0x00 0x00 0x00 0x00 0x00 0x00 0x01 0x02' ]]
	[[ $("$elfmap" map get m types ipv4:be64 10.0.0.1) == '10.0.0.1 258' ]]
	echo '10.0.0.1 { a 1 b 2 }' | "$elfmap" map load m key ipv4 value 'struct { u8 a u32 b }'
	[[ $(bytes m) == '0x0a 0x00 0x00 0x01 = 0x01 0x00 0x00 0x00 0x02 0x00 0x00 0x00' ]]
	fails 1 "'u32' has 4 bytes, the map's has 8" set m types ipv4:u32 10.0.0.1 1
	fails 1 "unknown type 'ipv5'" set m types ipv5:u64 10.0.0.1 1
	fails 2 "not a pair of types" set m types u64 10.0.0.1 1
}

@test "types: a file gives types by the name of the pin" {
	create filed hash 4 4 10
	[[ $(map dump filed) == '' ]]
	cat >"$ELFMAP_TYPES_DIR/10-mine" <<-'END'
		# NAME KEY VALUE
		other	 no such	types at all

		filed struct { u16 a u16 b }   be16[2]  # behind it a comment
	END
	map set filed '{ a 1 b 2 }' '[ 3 4 ]'
	[[ $(bytes filed) == '0x01 0x00 0x02 0x00 = 0x00 0x03 0x00 0x04' ]]
	[[ $(map dump filed) == '{ a 1 b 2 } [ 3 4 ]' ]]
	create filed_too hash 4 4 10
	map set filed_too hex 01 02 03 04 hex 05 06 07 08
	[[ $(map dump filed_too) == 'hex 01 02 03 04 hex 05 06 07 08' ]] # only a complete name matches
}

@test "types: maps without keys or values have - in that place" {
	create q queue 0 4 10
	echo 'q - be32' >"$ELFMAP_TYPES_DIR/q"
	map push q 7
	[[ $(map pop q) == 7 ]]
	echo 'q u32 be32' >"$ELFMAP_TYPES_DIR/q"
	fails 1 "$ELFMAP_TYPES_DIR/q:1: the map has no keys: write '-' as their type" push q 7
}

@test "types: an invalid file is refused" {
	create m hash 4 4 10
	echo 'm u32 u64' >"$ELFMAP_TYPES_DIR/a"
	fails 1 "$ELFMAP_TYPES_DIR/a:1: 'u64' has 8 bytes, the map's has 4" dump m
	echo 'm u32' >"$ELFMAP_TYPES_DIR/a"
	fails 1 "$ELFMAP_TYPES_DIR/a:1: expected a type, but the type ends" dump m
	echo 'm u32 u32 u32' >"$ELFMAP_TYPES_DIR/a"
	fails 1 "unexpected 'u32' after the two types" dump m
	printf '\nm u32 u32\n' >"$ELFMAP_TYPES_DIR/a"
	map dump m
	echo 'm u32 u32' >"$ELFMAP_TYPES_DIR/b"
	fails 1 "$ELFMAP_TYPES_DIR/a:2 and $ELFMAP_TYPES_DIR/b:1 both have types for 'm'" dump m
	mv "$ELFMAP_TYPES_DIR/b" "$ELFMAP_TYPES_DIR/b~" # an editor's copy
	map dump m
	rm "$ELFMAP_TYPES_DIR/a"
	mkfifo "$tmp/fifo"
	ln -s "$tmp/fifo" "$ELFMAP_TYPES_DIR/c"
	timeout 20 "$elfmap" map dump m
}

@test "types: BTF has precedence over files, and files over the map type" {
	create lpm lpm_trie 8 4 10 flags 1
	map set lpm 10.0.0.0/8 hex 01 00 00 00
	[[ $(map dump lpm) == '10.0.0.0/8 hex 01 00 00 00' ]]
	echo 'lpm struct { u32 bits ipv4 net } u32' >"$ELFMAP_TYPES_DIR/lpm"
	[[ $(map dump lpm) == '10.0.0.0/8 1' ]]
	echo 'lpm bytes u32' >"$ELFMAP_TYPES_DIR/lpm"
	[[ $(map dump lpm) == 'hex 08 00 00 00 0a 00 00 00 1' ]]
	clang -target bpf -O2 -g -c -idirafter "/usr/include/$(cc -print-multiarch)" -o "$tmp/btf.o" -x c - <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		typedef __u32 ipv4;
		struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, ipv4); __type(value, __u64);
		} with_btf SEC(".maps");
		SEC("tc") int entry(void *ctx) { __u32 key = 0; return bpf_map_lookup_elem(&with_btf, &key) ? 1 : 0; }
		char _license[] SEC("license") = "GPL";
	END
	bpftool prog loadall "$tmp/btf.o" "$tc_dir/progs" pinmaps "$globals"
	echo 'with_btf mac mac' >"$ELFMAP_TYPES_DIR/btf" # of another size, which is ignored
	map set with_btf 10.0.0.1 5
	[[ $(map dump with_btf) == '10.0.0.1 5' ]]
}

@test "prefixes of both families in one trie, and prefixes of bytes" {
	create both lpm_trie 20 4 10 flags 1
	map load both types prefix:u32 - >/dev/null <<<$'10.0.0.0/8 1\n2001:db8::/32 2\n0.0.0.0/0 3\n::/0 4\n192.0.2.1 5'
	[[ $(map dump both types prefix:u32 | LC_ALL=C sort) == \
		$'0.0.0.0/0 3\n10.0.0.0/8 1\n192.0.2.1/32 5\n2001:db8::/32 2\n::/0 4' ]]
	[[ $(map dump both | grep -c '^[0-9.]*/[0-9]* hex 0. 00 00 00$') == 3 ]] # without types on the command line
	create odd lpm_trie 7 1 10 flags 1
	map set odd hex 0a 0b 0c/20 hex 01
	[[ $(map dump odd) == 'hex 0a 0b 00/20 hex 01' ]]
	fails 1 '/25 is longer than the address, which has 24 bits' set odd hex 0a 0b 0c/25 hex 01
}

# ---- names -------------------------------------------------------------------------------------------

@test "cgroups are given by path, also inside ip netns exec" {
	setup_cgroups
	create limits hash 8 4 10
	echo 'limits cgroup u32' >"$ELFMAP_TYPES_DIR/cgroups"
	map set limits "/$name/leaf" 1
	map set limits "$top" 2 # a path in the file system
	[[ $(map dump limits | sort) == $"/$name 2"$'\n'"/$name/leaf 1" ]]
	[[ $(map get limits "$(id_of "$leaf")") == "/$name/leaf 1" ]]
	[[ $("$elfmap" -j map dump limits | jq -c 'map(.key) | sort') == \
		"$(jq -nc "[$(id_of "$top"), $(id_of "$leaf")] | sort")" ]]
	fails 1 "no cgroup at $cgroup2/$name/none" set limits "/$name/none" 1
	ip netns add "elfmap$$"
	run ip netns exec "elfmap$$" "$elfmap" map dump limits
	ip netns del "elfmap$$"
	[[ $status == 0 && $output == *"/$name/leaf 1"* ]]
	rmdir "$leaf"
	[[ $(map dump limits | sort) =~ ^"/$name 2"$'\n'[0-9]+' 1'$ ]] # a removed cgroup is printed as its id
}

@test "slots of a cgroup_array take a cgroup by path or by id" {
	setup_cgroups
	create groups cgroup_array 4 4 2
	map set groups 0 "/$name/leaf"
	map set groups 1 id "$(id_of "$top")"
	fails 1 'is not a cgroup of version 2' set groups 0 /proc
}

@test "devices are given by name, in the namespace of the command" {
	create ports devmap 4 4 4
	map set ports 1 lo
	[[ $(map dump ports) == '1 lo' ]]
	[[ $(bpftool -j map lookup pinned "$globals/ports" key 1 0 0 0 | jq -c .value) == \
		"[\"0x0$(cat /sys/class/net/lo/ifindex)\",\"0x00\",\"0x00\",\"0x00\"]" ]]
	fails 1 "'nosuch0': no such device" set ports 1 nosuch0
	create plain hash 4 4 4
	ip link add '7' type veth peer name hex
	map set plain types ifindex:ifindex dev 7 dev hex
	[[ $(map get plain types ifindex:ifindex dev 7) == 'dev 7 dev hex' ]]
	ip link del hex
}

@test "a program given by its object is loaded with the type of its table, and with its maps" {
	object=${BUILD:-$PWD/build}/tests/testdata/tailcall.o
	[[ -e $object ]] || skip "$object: not built; 'make check' builds it"
	create jmp_parse prog_array 4 4 2
	map set jmp_parse 1 obj "$object" sec 42/0
	id=$(map dump jmp_parse | sed -n 's/^1 id //p')
	[[ $(bpftool -j prog show id "$id" | jq -r .name) == stage_first ]]
	[[ $(map dump jmp_parse) == "1 id $id" ]]
	[[ -e $globals/stages ]] # the counters of its stages
	printf '0 obj %s sec 42/0\n1 obj "%s" sec 42/0 # once for both\n' "$object" "$object" >"$tmp/slots"
	map load jmp_parse "$tmp/slots" >/dev/null
	[[ $(map dump jmp_parse | cut -d' ' -f2- | uniq | wc -l) == 1 ]]
	map dump jmp_parse >"$tmp/dumped"
	map load jmp_parse "$tmp/dumped" >/dev/null # ids are accepted
	map dump jmp_parse | cmp - "$tmp/dumped"
}

@test "a program given by its object: a refused one leaves nothing" {
	object=${BUILD:-$PWD/build}/tests/testdata/tailcall.o
	[[ -e $object ]] || skip "$object: not built; 'make check' builds it"
	create jmp_parse prog_array 4 4 2
	fails 1 'none.o: ' set jmp_parse 0 obj none.o sec x
	fails 1 "$object: " set jmp_parse 0 obj "$object" sec nosuch
	printf '0 obj %s sec 42/0\n1 nonsense\n' "$object" >"$tmp/slots"
	run --separate-stderr "$elfmap" map load jmp_parse "$tmp/slots"
	[[ $status == 1 && ${stderr_lines[0]} == "elfmap: $tmp/slots:2:3: expected a program: id N, pinned PIN or obj FILE sec SECTION, not 'nonsense'" ]]
	[[ ${#stderr_lines[@]} == 2 && ${stderr_lines[1]} == *': nothing was changed; '* ]]
	fails 1 '' set jmp_parse 7 obj "$object" sec 42/0 # the slot does not exist
	[[ $(ls "$globals") == jmp_parse && -z $(map dump jmp_parse) ]]
	fails 1 'no program has the id 4294967295' set jmp_parse 0 id 4294967295
	create other hash 4 4 1
	fails 1 "$globals/other is not a program" set jmp_parse 0 pinned other
	fails 1 "no program at $globals/nothing" set jmp_parse 0 pinned nothing
}

@test "each type that elfmap map types lists is in elfmap-map(8)" {
	local name list

	list=$(sed -n '/^Type names are listed below/,/^\.El/s/^\.\(It \)\{0,1\}Vt//p' man/elfmap-map.8)
	while IFS= read -r name; do
		echo "# $name"
		grep -qE "(^|[ ,])$name([[]| |,|$)" <<<"$list"
	done < <("$elfmap" -j map types | jq -r '.[].name')
	run ! grep -qE '(^|[ ,])u7([[]| |,|$)' <<<"$list"
}
