#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map replace` and `diff`: the smallest set of changes that makes a map equal to a file.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

# Maps and files with 32-bit numbers.
words() {
	map "$@" types u32:u32
}

@test "replace: adds, changes and deletes entries, and leaves equal ones" {
	create h hash 4 4 10
	words set h 1 1 2 2 3 3
	printf '2 2\n3 30\n4 4\n' >"$tmp/wanted"
	[[ $(words replace h "$tmp/wanted" --dry-run | sort) == $'+3 30\n+4 4\n-1 1\n-3 3' ]]
	[[ $(words dump h | sort) == $'1 1\n2 2\n3 3' ]]
	[[ $("$elfmap" -j map replace h "$tmp/wanted" types u32:u32) == \
		'{"added":1,"changed":1,"deleted":1,"equal":1}' ]]
	words dump h | sort | cmp - "$tmp/wanted"
	[[ -z $(words replace h --dry-run <"$tmp/wanted") ]]
	[[ $("$elfmap" -j map replace h types u32:u32 <"$tmp/wanted") == \
		'{"added":0,"changed":0,"deleted":0,"equal":3}' ]]
	words replace h - </dev/null
	[[ $(entries h) == 0 ]]
}

@test "replace: in a full map new entries take the space of deleted ones" {
	create h hash 4 4 3
	words set h 1 1 2 2 3 3
	printf '4 4\n5 5\n6 6\n' | words replace h
	[[ $(words dump h | sort) == $'4 4\n5 5\n6 6' ]]
	seq 1 4 | sed 's/$/ 1/' >"$tmp/four"
	run --separate-stderr "$elfmap" map replace h "$tmp/four" types u32:u32
	[[ $status == 1 && $stderr == *"$tmp/four has 4 entries, and there is room for 3; nothing was changed" ]]
	[[ $(words dump h | sort) == $'4 4\n5 5\n6 6' ]]
	create l lru_hash 4 4 3
	words replace l "$tmp/four"
}

@test "replace: array entries that are not in the input become zero" {
	local type

	for type in array percpu_array; do
		create $type $type 4 4 4
		words set $type 0 7 1 8 3 9
		printf '1 8\n2 5\n' >"$tmp/wanted"
		run -1 "$elfmap" map diff $type "$tmp/wanted" types u32:u32
		[[ ${#lines[@]} == 6 ]]
		[[ $("$elfmap" -j map replace $type "$tmp/wanted" types u32:u32) == \
			'{"added":0,"changed":1,"deleted":2,"equal":1}' ]]
		words diff $type "$tmp/wanted"
		[[ $(words dump $type | tr -d '[]' | awk '{ print $2 }' | xargs) == '0 8 5 0' ]]
	done
}

@test "replace: works for prefixes, devices, inner maps and per-CPU values" {
	create trie lpm_trie 8 4 10 flags 1
	map set trie 10.0.0.0/8 1 10.1.0.0/16 2 types prefix4:u32
	printf '10.0.0.0/8 1\n10.2.0.0/16 3\n' | map replace trie types prefix4:u32
	[[ $(map dump trie types prefix4:u32 | sort) == $'10.0.0.0/8 1\n10.2.0.0/16 3' ]]
	create ports devmap 4 4 8
	echo '3 lo' | map replace ports
	echo '3 lo' | map diff ports
	echo '4 lo' | map replace ports
	[[ $(map dump ports) == '4 lo' ]]
	create inner array 4 4 1
	create outer array_of_maps 4 4 4 inner_map pinned $globals/inner
	printf '1 pinned inner\n2 pinned inner\n' | map replace outer
	printf '1 pinned inner\n2 pinned inner\n' | map diff outer
	printf '2 pinned inner\n' | map replace outer
	[[ $(map dump outer) == "2 id $(bpftool -j map show pinned $globals/inner | jq .id)" ]]
	create p percpu_hash 4 4 10
	map set p 1 5 2 6 types u32:u32
	map dump p types u32:u32 >"$tmp/dump"
	map diff p "$tmp/dump" types u32:u32
	printf '1 5\n2 7\n' >"$tmp/wanted"
	[[ $("$elfmap" -j map replace p "$tmp/wanted" types u32:u32) == '{"added":0,"changed":1,"deleted":0,"equal":1}' ]]
}

@test "replace: if a line is refused the map is unchanged" {
	create h hash 4 4 10
	words set h 1 1
	printf '2 2\n3 x\n' >"$tmp/bad"
	run --separate-stderr "$elfmap" map replace h "$tmp/bad" types u32:u32
	[[ $status == 1 && $stderr == *"$tmp/bad:2:3: "*'nothing was changed' ]] # --keep-going is not suggested
	[[ $(words dump h) == '1 1' ]]
}

@test "diff: status 0 for equal, 1 for different, 2 for an error" {
	create h hash 4 4 10
	words set h 1 1 2 2
	printf '2 2\n1 1\n' >"$tmp/same"
	words diff h "$tmp/same"
	words diff h <"$tmp/same"
	printf '2 2\n1 7\n3 3\n' >"$tmp/other"
	run -1 --separate-stderr "$elfmap" map diff h "$tmp/other" types u32:u32
	[[ -z $stderr && $(sort <<<"$output") == $'+1 7\n+3 3\n-1 1' ]]
	run -1 --separate-stderr "$elfmap" -j map diff h "$tmp/other" types u32:u32
	[[ $(jq -c 'map([.old.value, .new.value]) | sort' <<<"$output") == '[[null,3],[1,7]]' ]]
	run -1 --separate-stderr "$elfmap" -p map diff h "$tmp/other" types u32:u32
	[[ $(jq length <<<"$output") == 2 ]]
	[[ $("$elfmap" -j map diff h "$tmp/same" types u32:u32) == '[]' ]]
	fails 2 'no pin at' diff nope "$tmp/same"
	fails 2 'cannot be opened' diff h "$tmp/nope"
	fails 2 'usage: elfmap map diff PIN' diff
	echo 'x' >"$tmp/bad"
	run -2 --separate-stderr "$elfmap" map diff h "$tmp/bad"
	[[ -z $output && $stderr == *"$tmp/bad:1:1: "* ]]
	create groups cgroup_array 4 4 4
	fails 2 'its slots can only be written' diff groups "$tmp/same"
}

@test "replace: a large map: only differences are written" {
	create h hash 4 4 200000
	seq 1 150000 | awk '{ print $1, $1 }' >"$tmp/before"
	awk '$1 % 100 { print; next } $1 % 200 { print $1, 7 } END { print 1000000, 1 }' "$tmp/before" >"$tmp/wanted"
	words load h "$tmp/before"
	[[ $("$elfmap" -j map replace h "$tmp/wanted" types u32:u32) == \
		'{"added":1,"changed":750,"deleted":750,"equal":148500}' ]]
	words dump h | sort | cmp - <(sort "$tmp/wanted")
}

@test "diff: an error and wrong usage have status 2; only wrong usage prints the usage line" {
	create h hash 4 4 4
	run -2 --separate-stderr "$elfmap" map diff nosuch /dev/null
	[[ $stderr == 'elfmap: nosuch: no pin at '* && $stderr != *usage* && -z $output ]]
	run -2 --separate-stderr "$elfmap" map diff h "$tmp/nosuch"
	[[ $stderr == "elfmap: $tmp/nosuch: cannot be opened: No such file or directory" ]]
	run -2 --separate-stderr "$elfmap" map diff h "$tmp/a" "$tmp/b"
	[[ $stderr == "elfmap: map diff: unexpected argument '$tmp/b'"$'\n''usage: elfmap map diff '* ]]
}
