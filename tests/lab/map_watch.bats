#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map watch`: rates are changes divided by the elapsed time, which is part of the output.

# shellcheck disable=SC2154 # run sets them
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/maps.bash"

setup() {
	begin_maps
	create h hash 4 8 8
}

teardown() {
	[[ -z ${watcher-} ]] || kill "$watcher" 2>/dev/null || true
}

# watch_until FILTER WORD ...: reads the output up to the first object for which jq FILTER is true, into $object.
watch_until() {
	local filter=$1

	while IFS= read -r object <&"${seen[0]}"; do
		[[ $(jq "$filter" <<<"$object") != true ]] || return 0
	done
	return 1
}

@test "watch: prints entries first without rates, then with rates" {
	map set h 'hex 01 00 00 00' 'hex 05 00 00 00 00 00 00 00'
	run --separate-stderr "$elfmap" map watch h count 1 types u32:u64
	[[ $status == 0 && -z $stderr && ${#lines[@]} == 2 ]]
	[[ ${lines[0]} == '# h: 1 of 8 entries, 0.0 seconds' && ${lines[1]} == '1 5' ]]
	run "$elfmap" map watch h count 2 interval 0.01 types u32:u64
	[[ ${#lines[@]} == 4 && ${lines[3]} == '1 5 0.0/s' ]]
	run "$elfmap" map watch h count 2 interval 0.01
	[[ ${lines[3]} == 'hex 01 00 00 00 hex 05 00 00 00 00 00 00 00 -' ]] # plain bytes have no rate
}

@test "watch: a rate is the change divided by the seconds; sorted by rate; new and deleted entries are marked" {
	map set h 1 5 2 5 3 5 types u32:u64
	coproc seen { exec "$elfmap" -j map watch h interval 0.2 types u32:u64; }
	watcher=$seen_PID
	watch_until '.rows | length == 3'
	map set h 2 1005 4 50 types u32:u64
	map del h 3 types u32:u64
	watch_until '.rows | map(.key) | sort == [1, 2, 4]'
	if [[ $(jq '.rows[] | select(.key == 4) | .rate > 0' <<<"$object") == true ]]; then
		# All changes fell into one interval, or only the last ones; then 2 had changed before.
		[[ $(jq '.seconds as $s | .rows[] | select(.key == 4) | .rate * $s | round' <<<"$object") == 50 ]]
	fi
	[[ $(jq -c '[.entries, .max_entries]' <<<"$object") == '[3,8]' ]]
	map set h 1 100005 types u32:u64
	watch_until '.rows[0].key == 1 and .rows[0].rate > 0'
	[[ $(jq '.rows[0].rate * .seconds | round | . > 99990 and . < 100010' <<<"$object") == true ]]
	watch_until '[.rows[].rate] == [0, 0, 0]'
	kill -INT "$watcher"
	wait "$watcher"
}

@test "watch: per-CPU values are summed" {
	create p percpu_array 4 8 1
	cpus=$("$elfmap" -j map dump p | jq '.[0].values | length')
	bpftool map update pinned $globals/p key 0 0 0 0 value 3 0 0 0 0 0 0 0
	[[ $("$elfmap" -j map watch p count 1 types u32:u64 | jq .rows[0].value) == $((3 * cpus)) ]]
}

@test "watch -p: the same data on several lines" {
	map set h 1 5 types u32:u64
	[[ $("$elfmap" -p map watch h count 1 types u32:u64 | wc -l) -gt 5 ]]
	[[ $("$elfmap" -p map watch h count 1 types u32:u64 | jq -c .rows) == '[{"key":1,"value":5}]' ]]
}

@test "watch rows: prints the busiest entries and their number, while entries are deleted and added again" {
	create many hash 4 8 20000
	seq 20000 | sed 's/.*/& 1/' | "$elfmap" map load many types u32:u64
	run "$elfmap" map watch many count 1 rows 3 types u32:u64
	[[ ${#lines[@]} == 4 && ${lines[0]} == '# many: 20000 of 20000 entries, 0.0 seconds, the 3 busiest' ]]
	[[ $("$elfmap" map watch many count 1 types u32:u64 | wc -l) == 10001 ]]
	[[ $("$elfmap" map watch many count 1 rows 4000000000 types u32:u64 | wc -l) == 20001 ]]
	coproc seen { exec "$elfmap" -j map watch many interval 0.2 rows 2 types u32:u64; }
	watcher=$seen_PID
	watch_until '.seconds > 0'
	printf '%s\n' '777 100' '19999 200' '5 2' | "$elfmap" map load many types u32:u64
	watch_until '.rows | map([.key, .value]) == [[19999, 200], [777, 100]]'
	seq 1000 20000 | xargs "$elfmap" map del many types u32:u64
	watch_until '.entries == 999'
	watch_until '[.rows[].rate] == [0, 0]'
	seq 1000 1001 | sed 's/.*/& 50/' | "$elfmap" map load many types u32:u64
	watch_until '.entries == 1001 and ([.rows[].key] | sort) == [1000, 1001] and .rows[0].rate > 0'
	map set many 777 101 types u32:u64
	watch_until '.rows[0].key == 777 and (.rows[0].rate * .seconds | round) == 1'
	kill -INT "$watcher"
	wait "$watcher"
}

@test "watch: each number of a value has its rate in the same place" {
	create s hash 4 24 4
	types='u32:struct { u64 a ipv4 who u32 b struct { s64 c } in }'
	map set s 1 '{ a 10 who 10.0.0.1 b 20 in { c -5 } }' types "$types"
	coproc seen { exec "$elfmap" -j map watch s interval 0.2 types "$types"; }
	watcher=$seen_PID
	watch_until '.seconds > 0'
	map set s 1 '{ a 40 who 10.0.0.1 b 10 in { c -105 } }' types "$types"
	watch_until '.rows[0].rate.a > 0'
	[[ $(jq -c '.seconds as $s | .rows[0].rate | [.a, .b, .in.c] | map(. * $s | round)' <<<"$object") == '[30,-10,-100]' ]]
	kill -INT "$watcher"
	wait "$watcher"
	run "$elfmap" map watch s count 2 interval 0.01 types "$types"
	[[ ${lines[3]} == '1 { a 40 who 10.0.0.1 b 10 in { c -105 } } { a 0.0/s b 0.0/s in { c 0.0/s } }' ]]
}

@test "watch: a queue, a missing pin, numbers out of range and wrong usage are refused" {
	create q queue 0 4 4
	fails 1 'reading takes them out' watch q
	fails 1 'no pin at' watch nope
	for seconds in x 0 -1 1x 1e9; do
		fails 2 "interval: '$seconds' is not a number from 0.01 to 86400" watch h interval $seconds
	done
	fails 2 "count: '0' is not a number from 1 to 4294967295" watch h count 0
	fails 2 "rows: '0' is not a number from 1 to 4294967295" watch h rows 0
	fails 2 "rows: '5000000000' is not a number from 1 to 4294967295" watch h rows 5000000000
	fails 2 'usage: elfmap map watch' watch h interval
	fails 2 'usage: elfmap map watch' watch h often 3
	fails 2 'usage: elfmap map watch' watch
}
