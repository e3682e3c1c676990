#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map` killed at any of its system calls: the map is in the previous or the desired state, and the same
# command completes the work.

# shellcheck disable=SC2154 # maps.bash sets them
# shellcheck disable=SC2317 # functions that the walk calls

bats_require_minimum_version 1.5.0

load maps.bash

setup() {
	command -v strace >/dev/null || skip 'strace is not installed'
	begin_maps
	seq 1 9 | sed 's/.*/& 1/' >"$tmp/old"
	seq 5 14 | sed 's/.*/& 2/' >"$tmp/new"
}

start_again() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
	mkdir -p "$globals"
	create h hash 4 8 20
	map load h "$tmp/old" types u32:u64
}

# killed BEFORE WHOLE FINISHED WORD...: BEFORE makes the state in which `map WORD ...` runs. After it is killed before
# any of its calls, WHOLE is true; after the same command has run again, FINISHED is true.
killed() {
	local before=$1 whole=$2 finished=$3 call n walked=0

	shift 3
	for call in bpf mkdir,mkdirat rename,renameat,renameat2 unlink,unlinkat,rmdir; do
		for ((n = 1; n < 200; n++)); do
			"$before"
			strace -qq -o "$tmp/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
				"$elfmap" map "$@" >"$tmp/out" 2>&1 && break
			echo "at $call $n: $(tail -n 2 "$tmp/trace" | head -n 1)"
			[[ $(<"$tmp/trace") == *'killed by SIGKILL'* ]] && "$whole" && again "$@" && "$finished" || return 1
			((++walked))
		done
	done
	((n < 200 && walked > 2))
}

again() {
	map "$@" >"$tmp/out"
}

text() {
	"$elfmap" map dump "$1" types u32:u64 | sort -n
}

is_old() {
	text h | cmp -s - "$tmp/old"
}

is_new() {
	text h | cmp -s - "$tmp/new"
}

pins() {
	find /sys/fs/bpf/tc -type f -printf '%f\n' | sort | paste -sd' '
}

maximum() {
	bpftool -j map show pinned "$globals/h" | jq .max_entries
}

@test "killed: resize leaves a complete map, and a second run completes it" {
	is_resized() {
		is_old && [[ $(maximum) == 40 && $(pins) == h ]]
	}
	killed start_again is_old is_resized resize h 40
}

@test "killed: load and replace leave only entries of either version, and a second run completes them" {
	only_these() { # of either version
		[[ -z $(text h | cat - "$tmp/old" "$tmp/old" "$tmp/new" "$tmp/new" | sort | uniq -u) ]]
	}
	is_loaded() {
		[[ $(text h | wc -l) == 14 ]] && text h | tail -n 10 | cmp -s - "$tmp/new"
	}
	killed start_again only_these is_loaded load h "$tmp/new" types u32:u64
	killed start_again only_these is_new replace h "$tmp/new" types u32:u64
}

@test "killed: swap leaves the old inner map or the new one, and can be rolled back" {
	outer() {
		start_again
		create o hash_of_maps 4 4 2 inner_map pinned "$globals/h"
		map set o hex 01 00 00 00 pinned h
	}
	slot() {
		rm -f "$globals/slot"
		"$elfmap" map pin id "$("$elfmap" map get o hex 01 00 00 00 | sed 's/.* id //')" slot
		text slot >"$tmp/slot"
		rm "$globals/slot"
	}
	old_or_new() {
		slot
		cmp -s "$tmp/slot" "$tmp/old" || cmp -s "$tmp/slot" "$tmp/new"
	}
	is_swapped() {
		slot && cmp -s "$tmp/slot" "$tmp/new" || return 1
		[[ $(pins) == 'h o o~before~01000000' ]] || return 1
		map swap o hex 01 00 00 00 --rollback && old_or_new
	}
	killed outer old_or_new is_swapped swap o hex 01 00 00 00 "$tmp/new" types u32:u64
}

@test "killed: swap --rollback keeps both maps, and a second run completes it" {
	swapped() {
		start_again
		create o hash_of_maps 4 4 2 inner_map pinned "$globals/h"
		map set o hex 01 00 00 00 pinned h
		map swap o hex 01 00 00 00 "$tmp/new" types u32:u64
		rm "$globals/h"
	}
	# Both maps are in the slot or pinned.
	both() {
		local pin

		rm -f "$globals"/text*
		"$elfmap" map pin id "$("$elfmap" map get o hex 01 00 00 00 | sed 's/.* id //')" text || return 1
		: >"$tmp/texts"
		for pin in "$globals"/text "$globals"/o~before~*; do
			text "$pin" >"$tmp/slot"
			! cmp -s "$tmp/slot" "$tmp/old" || echo old >>"$tmp/texts"
			! cmp -s "$tmp/slot" "$tmp/new" || echo new >>"$tmp/texts"
		done
		rm "$globals/text"
		[[ $(sort -u "$tmp/texts") == $'new\nold' ]] || { ls "$globals"; return 1; }
	}
	is_back() {
		both && [[ $(pins) == 'o o~before~01000000' ]] || return 1
		rm -f "$globals/slot"
		"$elfmap" map pin id "$("$elfmap" map get o hex 01 00 00 00 | sed 's/.* id //')" slot
		text slot | cmp - "$tmp/old"
		rm "$globals/slot"
	}
	killed swapped both is_back swap o hex 01 00 00 00 --rollback
}

@test "killed: a swap that fails leaves the previous map as it was" {
	local call n before kept walked=0

	start_again
	create o hash_of_maps 4 4 2 inner_map pinned "$globals/h"
	map set o hex 01 00 00 00 pinned h
	map swap o hex 01 00 00 00 "$tmp/new" types u32:u64
	for call in bpf rename,renameat,renameat2; do
		before=$("$elfmap" map get o hex 01 00 00 00) kept=$(text "o~before~01000000")
		for ((n = 1; n < 30; n++)); do
			if strace -qq -o /dev/null -e "trace=$call" -e "inject=$call:error=ENOMEM:when=$n" \
				"$elfmap" map swap o hex 01 00 00 00 "$tmp/old" types u32:u64 >"$tmp/out" 2>&1; then
				before=$("$elfmap" map get o hex 01 00 00 00) kept=$(text "o~before~01000000")
				continue # it can do without this call
			fi
			[[ $("$elfmap" map get o hex 01 00 00 00) == "$before" ]] || { echo "$call $n"; cat "$tmp/out"; false; }
			[[ $(text "o~before~01000000") == "$kept" ]] || { echo "$call $n"; false; }
			[[ $(pins) == 'h o o~before~01000000' ]]
			((++walked))
		done
	done
	((walked > 5))
}

@test "killed: restore leaves only complete maps, and a second run completes it" {
	saved() {
		start_again
		map pin h below/second
		map save | sed 1d | sort >"$tmp/wanted"
	}
	gone() {
		saved
		rm "$globals/h" /sys/fs/bpf/tc/below/second
	}
	changed() {
		saved
		map load h "$tmp/new" types u32:u64
	}
	none_half() { # each pinned map is complete
		local pin

		for pin in globals/h below/second; do
			[[ ! -e /sys/fs/bpf/tc/$pin ]] || text "$pin" | cmp -s - "$tmp/old" ||
				[[ $(text "$pin" | wc -l) == 14 ]] || return 1
		done
	}
	is_restored() {
		map save | sed 1d | sort | cmp - "$tmp/wanted" &&
			[[ $(pins) == 'h second' ]]
	}
	saved
	map save >"$tmp/saved"
	killed changed none_half is_restored restore "$tmp/saved" --replace
	killed gone none_half is_restored restore "$tmp/saved" --replace
}
