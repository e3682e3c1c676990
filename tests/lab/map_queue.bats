#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map push`, `pop` and `peek`, and what the other verbs do with queues and stacks.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
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
