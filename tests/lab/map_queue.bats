#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map push`, `pop` and `peek`, and what the other verbs do with queues and stacks.

# shellcheck disable=SC2016,SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	create queue queue 0 4 3
	create stack stack 0 4 3
}

@test "push, peek, pop: a queue returns the first value, a stack the last" {
	map push queue 1 2 types :u32
	map push stack 1 2 types :u32
	[[ $(map peek queue types :u32) == 1 && $(map peek queue types :u32) == 1 ]]
	[[ $(map peek stack types :u32) == 2 ]]
	[[ $(map pop queue types :u32) == 1 && $(map pop stack types :u32) == 2 ]]
	[[ $(map -j pop queue types :u32) == '{"value":2}' ]]
	fails 1 'it is empty' pop queue types :u32
	fails 1 'it is empty' peek queue types :u32
	[[ $(map pop stack types :u32) == 1 ]]
}

@test "push: accepts bytes and bpftool's words, and a full queue is refused" {
	map push queue value hex 01 02 03 04
	[[ $(bpftool -j map peek pinned $globals/queue | jq -c .value) == '["0x01","0x02","0x03","0x04"]' ]]
	fails 1 'map full: 3 of 3 entries; 2 of 3 values were pushed' push queue 2 3 4 types :u32
	fails 1 'value: ' push stack 1 two types :u32
	fails 1 'it is empty' pop stack
}

@test "verbs with keys are refused for queues, and verbs of queues for maps with keys" {
	create h hash 4 4 3
	fails 1 'a hash is neither queue nor stack' push h 1
	fails 1 'a hash is neither queue nor stack' pop h
	fails 1 'a hash is neither queue nor stack' peek h
	fails 2 'usage: elfmap map push' push queue
	fails 2 'usage: elfmap map pop' pop queue 1
}

@test "dump: requires --drain, which removes the values" {
	map push queue 1 2 3 types :u32
	fails 1 'cannot be read: ' dump queue
	[[ $(map dump queue --drain types :u32 | xargs) == '1 2 3' ]]
	fails 1 'it is empty' pop queue
	map push stack 1 2 3 types :u32
	[[ $("$elfmap" -j map dump stack --drain types :u32 | jq -c '[.[].value]') == '[3,2,1]' ]]
	[[ -z $(map dump stack --drain) && $("$elfmap" -j map dump stack --drain) == '[]' ]]
	create h hash 4 4 3
	fails 1 'is neither queue nor stack' dump h --drain
}

@test "load fills and clear empties a queue" {
	printf '1\n2 # the second\n\n3\n' | map load queue types :u32
	[[ $(map peek queue types :u32) == 1 ]]
	[[ $("$elfmap" -j map clear queue) == '{"cleared":3}' ]]
	fails 1 'it is empty' pop queue
	printf '1\n2\n3\n4\n' >"$tmp/four"
	fails 1 "$tmp/four:4: map full: 3 of 3 entries; 3 of 4 entries were written" load queue "$tmp/four" types :u32
	fails 1 'cannot be read' diff queue "$tmp/four" types :u32 || [[ $status == 2 ]]
}

# ---- what cannot be written is not taken ---------------------------------------------------------------

# fill: 1 2 3 in both
fill() {
	map clear queue >/dev/null && map clear stack >/dev/null
	map push queue 1 2 3 types :u32
	map push stack 1 2 3 types :u32
}

# all_there: all values are there, in their places; they are taken out.
all_there() {
	[[ $(map dump queue --drain types :u32 | xargs) == '1 2 3' ]] || return 1
	[[ $(map dump stack --drain types :u32 | xargs) == '3 2 1' ]]
}

@test "pop, dump --drain, save --drain: a full disk or a closed stdout takes nothing" {
	[[ -c /dev/full ]] || skip 'no /dev/full'
	for pin in queue stack; do
		for words in "pop $pin" "dump $pin --drain" 'save --drain' "-j pop $pin" "-j dump $pin --drain" '-j save --drain'; do
			json=
			[[ $words != -j* ]] || json=-j
			fill
			run -1 bash -c '"$0" "$@" >/dev/full' "$elfmap" $json map ${words#-j }
			all_there || { echo "full: $words"; false; }
			fill
			run -1 bash -c '"$0" "$@" >&-' "$elfmap" $json map ${words#-j }
			all_there || { echo "closed: $words"; false; }
		done
	done
	fill
	run -1 "$elfmap" map save --drain -o /dev/full/no
	run -1 "$elfmap" map save --drain -o "$tmp/nosuch/file"
	all_there
}

@test "pop, dump --drain, save --drain: a reader that has gone takes nothing" {
	for words in 'pop queue' 'dump queue --drain' 'dump stack --drain' 'save --drain'; do
		fill
		mkfifo "$tmp/pipe"
		exec 9<>"$tmp/pipe" # so that opening does not wait
		exec 8>"$tmp/pipe"
		exec 9>&-
		run -1 bash -c '"$0" map "$@" >&8' "$elfmap" $words
		exec 8>&-
		rm "$tmp/pipe"
		all_there || { echo "$words"; false; }
	done
}

@test "dump --drain, save --drain: a failure or SIGTERM at any write loses and repeats no value" {
	command -v strace >/dev/null || skip 'strace is not installed'
	create long queue 0 4 8
	for inject in error=ENOSPC error=EINTR signal=TERM; do
		for words in 'dump long --drain types :u32' '-j dump long --drain types :u32'; do
			json=
			[[ $words != -j* ]] || json=-j
			for ((n = 1; n <= 10; n++)); do
				map clear long >/dev/null
				map push long 1 2 3 4 5 6 7 8 types :u32
				strace -qq -o /dev/null -e trace=write -e "inject=write:$inject:when=$n" \
					"$elfmap" $json map ${words#-j } >"$tmp/out" 2>/dev/null || true
				{ grep -oE '[0-9]+' "$tmp/out" || true; map dump long --drain types :u32; } | xargs >"$tmp/all"
				[[ $(<"$tmp/all") == '1 2 3 4 5 6 7 8' ]] || { echo "$inject $n $words"; cat "$tmp/all"; false; }
			done
		done
		for ((n = 1; n <= 12; n++)); do
			fill
			strace -qq -o /dev/null -e trace=write -e "inject=write:$inject:when=$n" \
				"$elfmap" map save --drain >"$tmp/out" 2>/dev/null && continue
			all_there || { echo "$inject $n save"; false; }
		done
	done
}
