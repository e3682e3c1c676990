#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Keys of an lpm_trie: bits after the prefix length are ignored in all verbs. Contents are written and read with bpftool.

# shellcheck disable=SC2086,SC2154 # run and maps.bash set variables
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

# trie NAME KEY-SIZE [ENTRIES]
trie() {
	create "$1" lpm_trie "$2" 4 "${3:-16}" flags 1
}

# foreign NAME KEY-BYTE ... : an entry with the value 9, written with the bits that are in the key
foreign() {
	bpftool map update pinned "$globals/$1" key "${@:2}" value 9 0 0 0
}

keys() {
	bpftool -j map dump pinned "$globals/$1" | jq -c '.[].key'
}

@test "prefixes: bits after the length are masked on input, with and without types" {
	trie v4 8
	map set v4 10.9.7.7/16 1 types prefix4:u32
	[[ $(keys v4) == '["0x10","0x00","0x00","0x00","0x0a","0x09","0x00","0x00"]' ]]
	map set v4 10.9.3.3/16 2 types prefix4:u32 # the same entry
	[[ $(map dump v4 types prefix4:u32) == '10.9.0.0/16 2' ]]
	map set v4 key 16 0 0 0 10 9 200 200 value 3 0 0 0
	[[ $(map dump v4 types prefix4:u32) == '10.9.0.0/16 3' ]]
	map del v4 10.9.1.1/16 types prefix4:u32
	[[ $(entries v4) == 0 ]]
	map set v4 10.9.255.255/13 1 0.0.0.0/0 2 10.9.255.255/32 3 types prefix4:u32
	[[ $(map dump v4 types prefix4:u32 | sort) == $'0.0.0.0/0 2\n10.8.0.0/13 1\n10.9.255.255/32 3' ]]

	trie v6 20
	map set v6 2001:db8:ffff::1/33 1 types prefix6:u32
	[[ $(map dump v6 types prefix6:u32) == '2001:db8:8000::/33 1' ]]
	trie both 20
	map set both 10.9.7.7/12 1 2001:db8::7/64 2 types prefix:u32
	[[ $(map dump both types prefix:u32 | sort) == $'10.0.0.0/12 1\n2001:db8::/64 2' ]]
	trie three 7
	map set three 'hex ff ff ff/13' 'hex 01 00 00 00'
	[[ $(map dump three) == 'hex ff f8 00/13 hex 01 00 00 00' ]]
	trie layout 12
	map set layout '{ prefixlen 40 id 7 address 10.9.7.7 }' 1 types 'struct{u32 prefixlen be32 id ipv4 address}:u32'
	[[ $(keys layout) == '["0x28","0x00","0x00","0x00","0x00","0x00","0x00","0x07","0x0a","0x00","0x00","0x00"]' ]]
}

@test "prefixes: a prefix in two spellings is a key that occurs twice" {
	trie nets 8
	printf '10.9.0.0/16 1\n10.9.7.7/16 2\n' >"$tmp/two"
	for verb in load replace; do
		run --separate-stderr "$elfmap" map $verb nets "$tmp/two" types prefix4:u32
		[[ $status == 1 && ${stderr_lines[0]} == "elfmap: $tmp/two:2: the key is in line 1 with another value" ]]
		[[ $(entries nets) == 0 ]]
	done
	fails 1 'pair 2 has the key of pair 1' set nets 10.9.0.0/16 1 10.9.7.7/16 2 types prefix4:u32
	printf '10.9.0.0/16 1\n10.9.7.7/16 1\n' >"$tmp/equal"
	[[ $(map -j load nets "$tmp/equal" types prefix4:u32) == '{"written":1}' ]]
	printf '10.9.0.0/16 1\n10.9.7.7/17 2\n' >"$tmp/other" # other lengths are other entries
	[[ $(map -j load nets "$tmp/other" types prefix4:u32) == '{"written":2}' ]]
}

@test "prefixes: replace converges, diff and swap compare masked, also with keys of other programs" {
	trie nets 8
	foreign nets 16 0 0 0 10 9 200 201
	foreign nets 13 0 0 0 10 255 1 1
	[[ $(map dump nets types prefix4:u32 | sort) == $'10.248.0.0/13 9\n10.9.0.0/16 9' ]]
	[[ $(map -j dump nets types prefix4:u32 | jq -c '[.[].key.address] | sort') == '["10.248.0.0","10.9.0.0"]' ]] ||
		map -j dump nets types prefix4:u32
	printf '10.9.7.7/16 9\n10.255.0.0/13 9\n' >"$tmp/same"
	map diff nets "$tmp/same" types prefix4:u32
	[[ $(map -j replace nets "$tmp/same" types prefix4:u32) == '{"added":0,"changed":0,"deleted":0,"equal":2}' ]]
	printf '10.9.7.7/16 2\n192.0.2.0/24 3\n' >"$tmp/one"
	[[ $(map -j replace nets "$tmp/one" types prefix4:u32) == '{"added":1,"changed":1,"deleted":1,"equal":0}' ]]
	map diff nets "$tmp/one" types prefix4:u32
	[[ $(map -j replace nets "$tmp/one" types prefix4:u32) == '{"added":0,"changed":0,"deleted":0,"equal":2}' ]]
	printf '10.9.7.7/16 5\n' >"$tmp/changed"
	run "$elfmap" map diff nets "$tmp/changed" types prefix4:u32
	[[ $status == 1 && $output == *'-10.9.0.0/16 2'* && $output == *'+10.9.0.0/16 5'* ]]
}

@test "prefixes: save, restore and check are masked" {
	trie nets 8
	foreign nets 16 0 0 0 10 9 200 201
	map save >"$tmp/saved"
	grep -q '^10\.9\.0\.0/16 ' "$tmp/saved" || { cat "$tmp/saved"; false; }
	sed -i 's,^10\.9\.0\.0/16 ,10.9.99.99/16 ,' "$tmp/saved"
	rm $globals/nets
	map restore "$tmp/saved"
	[[ $(keys nets) == '["0x10","0x00","0x00","0x00","0x0a","0x09","0x00","0x00"]' ]]
}

@test "get match: the prefix that matched" {
	trie nets 8
	map set nets 10.0.0.0/8 1 10.9.0.0/16 2 10.9.8.0/21 2 10.9.8.8/32 2 192.0.2.0/24 4 types prefix4:u32
	get() { map get nets "$1" match types prefix4:u32; }
	[[ $(get 10.9.8.8) == '10.9.8.8/32 2' ]]
	[[ $(get 10.9.8.9) == '10.9.8.0/21 2' ]] # the same value as the prefix around it
	[[ $(get 10.9.16.1) == '10.9.0.0/16 2' ]]
	[[ $(get 10.10.0.1) == '10.0.0.0/8 1' ]]
	[[ $(get 192.0.2.200/25) == '192.0.2.0/24 4' ]]
	[[ $(map get nets 192.0.2.200/25 types prefix4:u32) == '192.0.2.128/25 4' ]] # without match: what was asked for
	fails 1 'no such key' get nets 192.0.3.1 match types prefix4:u32
	fails 1 'no such key' get nets 10.0.0.0/7 match types prefix4:u32
	[[ $(map -j get nets 10.9.9.9/24 match types prefix4:u32) == *'"value":2'* ]]
	map set nets 0.0.0.0/0 1 types prefix4:u32
	[[ $(get 203.0.113.1) == '0.0.0.0/0 1' && $(get 10.0.0.1) == '10.0.0.0/8 1' ]]

	trie v6 20
	map set v6 2001:db8::/32 1 2001:db8::/64 1 ::/0 1 types prefix6:u32
	[[ $(map get v6 2001:db8::1 match types prefix6:u32) == '2001:db8::/64 1' ]]
	[[ $(map get v6 2001:db8:1::1 match types prefix6:u32) == '2001:db8::/32 1' ]]
	[[ $(map get v6 2002:: match types prefix6:u32) == '::/0 1' ]]
	create hash hash 4 4 4
	map set hash 1 1 types u32:u32
	fails 1 'has no prefixes' get hash 1 match types u32:u32
}

@test "get match: random tables, compared with a linear search" {
	trie nets 8 512
	awk 'BEGIN { srand(7); for (i = 0; i < 300; i++) { l = int(rand() * 33)
		printf "10.%d.%d.%d/%d %d\n", int(rand() * 3), int(rand() * 3), int(rand() * 256), l, 1 + int(rand() * 2) } }' \
		>"$tmp/lines"
	"$elfmap" map load nets "$tmp/lines" --keep-going types prefix4:u32 2>/dev/null || true
	map dump nets types prefix4:u32 >"$tmp/dump"
	for ((i = 0; i < 60; i++)); do
		address=10.$((i % 3)).$((i / 3 % 3)).$((i * 37 % 256))
		want=$(python3 - "$address" "$tmp/dump" <<-'P'
			import ipaddress, sys
			found = None
			for line in open(sys.argv[2]):
			    prefix = ipaddress.ip_network(line.split()[0])
			    if ipaddress.ip_address(sys.argv[1]) in prefix and (found is None or prefix.prefixlen > found[0]):
			        found = prefix.prefixlen, line.strip()
			print(found[1] if found else "")
		P
		)
		got=$(map get nets "$address" match types prefix4:u32 || true)
		[[ -z $want || $got == "$want" ]] || { echo "$address: '$got', not '$want'"; false; }
	done
}

@test "set exist, del: a wider prefix with the same value is another entry" {
	trie nets 8
	map set nets 10.0.0.0/8 1 10.9.0.0/16 1 types prefix4:u32
	fails 1 'no such key' del nets 10.9.0.0/24 types prefix4:u32
	fails 1 'no such key' set nets 10.9.0.0/24 1 exist types prefix4:u32
	fails 1 'the key is there already' set nets 10.9.1.1/16 1 10.9.1.1/24 1 noexist types prefix4:u32
	map del nets 10.9.1.1/16 types prefix4:u32
	[[ $(map dump nets types prefix4:u32) == '10.0.0.0/8 1' ]]
}
