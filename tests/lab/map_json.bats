#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map load`, `replace` and `diff` read what `map -j dump` prints.

# shellcheck disable=SC2086,SC2154 # run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

# there_and_back NAME TYPES: dump in JSON, clear, load: the same entries. Compact, pretty, and through replace and diff.
there_and_back() {
	local before

	before=$(map dump "$1" types "$2" | sort)
	map -j dump "$1" types "$2" >"$tmp/compact"
	map -p dump "$1" types "$2" >"$tmp/pretty"
	jq -c '.[]' "$tmp/compact" >"$tmp/lines"
	for form in compact pretty lines; do
		map diff "$1" "$tmp/$form" types "$2" || return 1
		map clear "$1" >/dev/null
		map load "$1" "$tmp/$form" types "$2"
		[[ $(map dump "$1" types "$2" | sort) == "$before" ]] || { cat "$tmp/$form"; map dump "$1" types "$2"; return 1; }
		[[ $(map -j replace "$1" "$tmp/$form" types "$2" | jq -c '[.added, .changed, .deleted]') == '[0,0,0]' ]]
	done
}

@test "JSON: what dump prints is read back, for each notation" {
	create a hash 4 4 8
	map set a 192.0.2.1 -5 192.0.2.2 7 types ipv4:s32
	there_and_back a ipv4:s32
	create b lpm_trie 20 16 8 flags 1
	map set b 10.0.0.0/8 2001:db8::1 2001:db8::/32 :: types prefix:ipv6
	there_and_back b prefix:ipv6
	create d hash 8 8 8
	map set d '"a b"' hex 00 01 02 03 04 05 06 ff types string:bytes
	map set d '"\303\274\\"' hex 00 01 02 03 04 05 06 fe types string:bytes
	map set d '"\377"' hex 00 01 02 03 04 05 06 fd types string:bytes
	there_and_back d string:bytes
	create e percpu_hash 4 8 8
	map set e 1 5 types u32:u64
	there_and_back e u32:u64
	create f hash 4 12 8
	map set f TCP '{ mac 02:00:00:00:00:01 list [ 1 2 3 ] on true kind UDP }' \
		types 'enum { TCP 6 }:struct packed { mac mac u8[3] list bool on enum16 { UDP 17 } kind }'
	there_and_back f 'enum { TCP 6 }:struct packed { mac mac u8[3] list bool on enum16 { UDP 17 } kind }'
	create g hash 8 4 8
	map set g 'hex 01 02 03 04 05 06 07 08' 1 types 'struct { u8 kind u32 id }:u32' # padding that is not 0
	there_and_back g 'struct { u8 kind u32 id }:u32'
	create h array 4 2 3
	map set h 1 7 types u32:be16
	there_and_back h u32:be16
}

@test "JSON: queues, empty arrays, other members and standard input" {
	create q queue 0 4 4
	map push q 3 1 2 types :u32
	map -j dump q --drain types :u32 >"$tmp/q"
	map load q "$tmp/q" types :u32
	[[ $(map dump q --drain types :u32 | xargs) == '3 1 2' ]]
	create a hash 4 4 4
	map set a 1 1 types u32:u32
	[[ $(echo '[]' | map -j replace a types u32:u32 | jq .deleted) == 1 ]]
	map load a types u32:u32 <<<'[ {"note":{"x":[1,"]}"]},"value":2,"key":1,"formatted":{"key":9}} , {"key":3,"value":0x4} ]'
	[[ $(map dump a types u32:u32 | sort) == $'1 2\n3 4' ]]
	map load a types u32:u32 <<<'{"key":5,"value":6}' # as get prints one
	[[ $(map get a 5 types u32:u32) == '5 6' ]]
}

@test "JSON: what is not an entry is refused with its place, and nothing is written" {
	create a hash 4 4 8
	refuses() {
		printf '%s' "$2" >"$tmp/in"
		run -1 --separate-stderr "$elfmap" map load a "$tmp/in" types u32:u32
		[[ ${stderr_lines[0]} == "elfmap: $tmp/in"*"$1"* && $(entries a) == 0 ]] || { echo "$stderr"; return 1; }
	}
	refuses ': entry 2: expected a number' '[{"key":1,"value":1},{"key":"x","value":1}]'
	refuses ': entry 2: the key is in entry 1 with another value' '[{"key":1,"value":1},{"key":1,"value":2}]'
	refuses ": entry 1: an entry without 'value'" '[{"key":1}]'
	refuses ": entry 1: an entry without 'key'" '[{"value":1}]'
	refuses ": entry 1: 'key' is given twice" '[{"key":1,"key":2,"value":1}]'
	refuses ': entry 1: ' '[{"key":1,"value":[1]}]'
	refuses ': entry 1: ' '[{"key":1,"value":{"a":1}}]'
	refuses ': entry 1: ' '[{"key":1,"value":1 2}]'
	refuses ': entry 1: ' '[{"key":1,"value":"\u00"}]'
	refuses 'the array has no end: the file is incomplete; nothing was changed' '[{"key":1,"value":1},'
	refuses 'expected an entry' '[{"key":1,"value":1},{"key":2'
	refuses 'expected an entry' '[{"key":1,"value":1} {"key":2,"value":1}]'
	refuses 'expected an entry' '[{"key":1,"value":1}] [{"key":2,"value":1}]'
	refuses 'expected an entry' '[{"key":1,"value":1},]x'
	printf '[{"key":1,"value":1}]' >"$tmp/in"
	fails 1 "and 'value' is given" load a "$tmp/in" types u32:u32 value 1
	map clear a >/dev/null
	[[ $(printf '[{"key":1,"value":1},{"key":"x","value":1},{"key":2,"value":1}]' |
		"$elfmap" -j map load a types u32:u32 --keep-going 2>/dev/null) == '{"written":2}' ]]
}

@test "JSON: a file on one line of more than a window, in little memory" {
	create a hash 4 8 400000
	seq 1 300000 | sed 's/.*/& &/' | map load a types u32:u64
	map -j dump a types u32:u64 >"$tmp/large"
	(($(wc -l <"$tmp/large") <= 1))
	map clear a >/dev/null
	(
		ulimit -v 200000
		"$elfmap" map load a "$tmp/large" types u32:u64
	)
	[[ $(map -j diff a "$tmp/large" types u32:u64 | jq length) == 0 ]]
	map get a 300000 types u32:u64 | grep -qx '300000 300000'
}
