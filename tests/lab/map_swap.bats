#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map swap`: replaces an inner map in one step, and restores the previous one.

# shellcheck disable=SC2154 # run sets them
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/maps.bash"

setup() {
	begin_maps
	create template hash 4 4 8
	create outer hash_of_maps 4 4 4 inner_map pinned $globals/template
	create slots array_of_maps 4 4 2 inner_map pinned $globals/template
	key='hex 01 00 00 00'
	printf '%s\n' '# first' 'hex 01 00 00 00 hex 0a 00 00 00' 'hex 02 00 00 00 hex 0b 00 00 00' >"$tmp/first"
	printf '%s\n' 'hex 01 00 00 00 hex 63 00 00 00' >"$tmp/second"
}

# inner PIN KEY: the contents of the map in that slot, by bpftool.
inner() {
	bpftool -j map dump id "$("$elfmap" -j map get "$1" "$2" | jq '.value.id? // .value')" |
		jq -c '[.[] | [.key[0], .value[0]]] | sort'
}

first='[["0x01","0x0a"],["0x02","0x0b"]]'
second='[["0x01","0x63"]]'

@test "swap: fills an empty slot and pins the map, then replaces the inner map, and rolls back and forth" {
	map swap outer "$key" "$tmp/first" like template
	[[ $(inner outer "$key") == "$first" ]]
	[[ ! -e $globals/outer~before~01000000 ]]
	fails 1 'no earlier map of this slot is kept' swap outer "$key" --rollback

	old=$("$elfmap" map get outer "$key")
	map swap outer "$key" - <"$tmp/second"
	[[ $(inner outer "$key") == "$second" && $("$elfmap" map get outer "$key") != "$old" ]]
	[[ -e $globals/outer~before~01000000 ]]
	map swap outer "$key" --rollback
	[[ $(inner outer "$key") == "$first" && $("$elfmap" map get outer "$key") == "$old" ]]
	map swap outer "$key" --rollback
	[[ $(inner outer "$key") == "$second" ]]
}

@test "swap: takes the definition from another slot; works with array keys and keys of several words" {
	map set slots 0 pinned template
	map swap slots 1 "$tmp/first"
	[[ $(inner slots 1) == "$first" ]]
	[[ $("$elfmap" -j map dump template) == '[]' ]]
	map swap slots 1 "$tmp/second"
	[[ -e $globals/slots~before~01000000 && $(inner slots 1) == "$second" ]]
	# shellcheck disable=SC2086
	map swap outer $key "$tmp/first" like template
	[[ $(inner outer "$key") == "$first" ]]
}

@test "swap: a refused swap changes nothing, and leaves no pin and no map" {
	map swap outer "$key" "$tmp/first" like template
	before=$(find /sys/fs/bpf | sort; "$elfmap" map dump outer)
	echo 'hex 01 00 00 00 nonsense' >"$tmp/wrong"
	run --separate-stderr "$elfmap" map swap outer "$key" "$tmp/wrong"
	[[ $status == 1 && -z $output && $stderr == *"$tmp/wrong:1:17:"*'nothing was changed'* ]]
	for ((i = 0; i < 9; i++)); do printf 'hex 0%d 00 00 00 hex 00 00 00 00\n' $i; done >"$tmp/many"
	fails 1 'many:9: map full: 8 of 8 entries; nothing was changed' swap outer "$key" "$tmp/many"
	fails 1 'cannot be opened: No such file' swap outer "$key" "$tmp/nope"
	fails 1 'key: ' swap outer 'hex 01' "$tmp/first"
	create odd hash 4 8 8
	fails 1 'differs from that of the inner maps' swap outer "$key" - like odd </dev/null
	rm $globals/odd
	fails 1 'is a hash, which has no maps in its slots' swap template "$key" "$tmp/first"
	fails 1 'no pin at' swap nope "$key" "$tmp/first"
	fails 1 'all slots are empty' swap slots 1 "$tmp/first"
	fails 2 'usage: elfmap map swap' swap outer "$key"
	fails 2 'usage: elfmap map swap' swap outer --rollback
	[[ $(find /sys/fs/bpf | sort; "$elfmap" map dump outer) == "$before" ]]
}

@test "swap: a slot beyond the end is refused, and so is a new slot in a full map" {
	map set slots 0 pinned template
	fails 1 'beyond its 2 entries' swap slots 2 "$tmp/first"
	for i in 2 3 4 5; do
		map swap outer "hex 0$i 00 00 00" "$tmp/first" like template
	done
	fails 1 'all taken' swap outer "$key" "$tmp/first"
	map swap outer 'hex 02 00 00 00' "$tmp/second" # this slot has a map already
	[[ $(inner outer 'hex 02 00 00 00') == "$second" ]]
}

@test "swap: --keep-going writes the valid lines, and its status reports the rest" {
	map swap outer "$key" "$tmp/first" like template
	(echo nonsense; cat "$tmp/second") >"$tmp/half"
	run --separate-stderr "$elfmap" map swap outer "$key" "$tmp/half" --keep-going
	[[ $status == 1 && $stderr == *"$tmp/half:1"* && $(inner outer "$key") == "$second" ]]
}

@test "swap: two swaps at the same time are serialized" {
	map swap outer "$key" "$tmp/first" like template
	for ((i = 0; i < 20; i++)); do
		"$elfmap" map swap outer "$key" "$tmp/first" &
		"$elfmap" map swap outer "$key" "$tmp/second" &
	done 2>"$tmp/said"
	wait
	[[ ! -s $tmp/said ]]
	[[ $(inner outer "$key") == "$first" || $(inner outer "$key") == "$second" ]]
	[[ $(find $globals -name '*~*' | wc -l) == 1 ]]
}
