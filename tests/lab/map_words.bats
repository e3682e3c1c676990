#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Maps by id and name, lists of keys, byte-order marks, words in maps without types, create and freeze.

# shellcheck disable=SC2086,SC2154 # run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

id_of() {
	bpftool -j map show pinned "$globals/$1" | jq .id
}

@test "id N, name NAME: the verbs take maps without a pin" {
	create outer hash 4 4 4
	create unpinned hash 4 4 4 # the slot of a map of maps keeps it
	create keeper array_of_maps 4 4 1 inner_map pinned "$globals/unpinned"
	map set keeper 0 pinned unpinned
	id=$(id_of unpinned)
	rm $globals/unpinned
	map set id "$id" 1 2 types u32:u32
	[[ $(map get name unpinned 1 types u32:u32) == '1 2' ]]
	[[ $(map dump id "$id" types u32:u32) == '1 2' && $(map -j dump name unpinned types u32:u32) == *'"value":2'* ]]
	printf '1 3\n4 5\n' | map load id "$id" types u32:u32
	run -1 "$elfmap" map diff name unpinned - types u32:u32 <<<'1 3'
	[[ $output == '-4 5' ]]
	map replace id "$id" - types u32:u32 <<<'7 8'
	map del name unpinned 7 types u32:u32
	[[ -z $(map dump id "$id") ]]
	map pin id "$id" again
	[[ $(id_of again) == "$id" ]]
	map set again 1 1 types u32:u32
	map clear id "$id" >/dev/null
	[[ $(entries again) == 0 ]]
	"$elfmap" map show id "$id" | grep -q '^id '
}

@test "id N, name NAME: refused if there is no such map, or several" {
	create one hash 4 4 4 && create two hash 4 4 4
	bpftool map create $globals/twin type hash key 4 value 4 entries 1 name one
	fails 1 '2 maps have this name; choose one by its id: id ' dump name one
	fails 1 'no map has this name' dump name nosuch
	fails 1 'no map has this id' dump id 4294967290
	fails 1 "'x' is not the id of a map" dump id x
	fails 1 'requires a pin' unpin id "$(id_of two)"
	[[ -e $globals/two ]]
	# A pin with such a name goes first.
	create id hash 4 4 4
	map set id hex 01 00 00 00 hex 02 00 00 00
	[[ $(map get id hex 01 00 00 00) == 'hex 01 00 00 00 hex 02 00 00 00' ]]
}

@test "load, replace, diff: a list of keys with one value" {
	create deny hash 4 1 8
	printf '192.0.2.1\n192.0.2.2 # comment\n\n192.0.2.1\n' >"$tmp/list"
	[[ $(map -j load deny "$tmp/list" types ipv4:u8 value 1) == '{"written":2}' ]]
	[[ $(map dump deny types ipv4:u8 | sort) == $'192.0.2.1 1\n192.0.2.2 1' ]]
	map diff deny "$tmp/list" types ipv4:u8 value 1
	printf '192.0.2.2\n192.0.2.3\n' | map replace deny types ipv4:u8 value 2
	[[ $(map dump deny types ipv4:u8 | sort) == $'192.0.2.2 2\n192.0.2.3 2' ]]
	fails 1 "value 'x': " load deny "$tmp/list" types ipv4:u8 value x
	fails 1 "value '1 2': is more than one value" load deny "$tmp/list" types ipv4:u8 value '1 2'
	printf '192.0.2.9 1\n' >"$tmp/pair"
	run -1 --separate-stderr "$elfmap" map load deny "$tmp/pair" types ipv4:u8 value 1
	[[ ${stderr_lines[0]} == *"unexpected '1' after"* && $(entries deny) == 2 ]]
	create queue queue 0 4 4
	fails 1 'the map has no keys' load queue "$tmp/list" types :u32 value 1
	[[ $(printf '192.0.2.5 7\n' | map -j load deny key ipv4 value u8) == '{"written":1}' ]] # types as two words
}

@test "load, replace, restore: a byte-order mark is no part of a key" {
	create names hash 4 4 8
	printf '\xef\xbb\xbf1 2\n3 4\n' >"$tmp/marked"
	map load names "$tmp/marked" types u32:u32
	map diff names "$tmp/marked" types u32:u32
	printf '\xef\xbb\xbfx 2\n' >"$tmp/wrong"
	run -1 --separate-stderr "$elfmap" map load names "$tmp/wrong" types u32:u32
	[[ ${stderr_lines[0]} == "elfmap: $tmp/wrong:1:1: expected a number, not 'x'" ]] || { echo "$stderr"; false; }
	{ printf '\xef\xbb\xbf'; map save; } >"$tmp/saved"
	rm $globals/names
	map restore "$tmp/saved"
	map diff names "$tmp/marked" types u32:u32
}

@test "maps without types: devices and addresses are taken if the size fits" {
	ip link add d0 type veth peer name d1
	create devs hash 4 4 4
	map set devs 192.0.2.1 dev d0
	[[ $(map dump devs) == "hex c0 00 02 01 hex $(printf '%02x' "$(ip -j link show d0 | jq ".[0].ifindex")") 00 00 00" ]]
	[[ $(map get devs 192.0.2.1) == "$(map dump devs)" ]]
	create macs hash 6 16 4
	map set macs 02:00:00:00:00:01 2001:db8::1
	[[ $(map dump macs) == 'hex 02 00 00 00 00 01 hex 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01' ]]
	fails 1 "expected 'hex' and bytes" set macs 192.0.2.1 2001:db8::1
	fails 1 "expected 'hex' and bytes" set macs 02:00:00:00:00:02 dev d0
	fails 1 'no such device' set devs 192.0.2.1 dev nosuch
	fails 1 "expected 'hex' and bytes" set devs 192.0.2.1 5
	[[ $(entries devs) == 1 && $(entries macs) == 1 ]]
	ip link del d0
}

@test "create: a pinned map of each form, or nothing" {
	map create nets type lpm_trie key 8 value 4 entries 16 flags 1
	[[ $(bpftool -j map show pinned $globals/nets | jq -c '[.type, .name, .bytes_key, .max_entries, .flags]') == \
		'["lpm_trie","nets",8,16,1]' ]]
	map create below/a-long-name-of-a-map type array key 4 value 8 entries 2
	[[ $(bpftool -j map show pinned $tc_dir/below/a-long-name-of-a-map | jq -r .name) == a_long_name_of_ ]]
	map create other type hash key 4 value 4 entries 1 name given
	[[ $(bpftool -j map show pinned $globals/other | jq -r .name) == given ]]
	map create outer type hash_of_maps key 4 value 4 entries 2 inner other
	fails 1 'exists already' create nets type hash key 4 value 4 entries 1
	fails 1 'requires' create o2 type array_of_maps key 4 value 4 entries 2
	fails 1 'omit' create o2 type hash key 4 value 4 entries 2 inner other
	fails 2 "'hush' is not a type of maps" create o2 type hush key 4
	run -1 "$elfmap" map create o2 type hash key 0 value 4 entries 1
	[[ ! -e $globals/o2 ]]
}

@test "freeze: user space cannot write any more" {
	create table hash 4 4 4
	map set table 192.0.2.1 192.0.2.2
	map freeze table
	map freeze table # again
	grep -qx 'frozen yes' <("$elfmap" map show table)
	run -1 "$elfmap" map set table 192.0.2.1 192.0.2.3
	[[ $(entries table) == 1 ]]
	fails 1 'no pin' freeze nosuch
}
