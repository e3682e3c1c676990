#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make bench`: each subject loads and works, and each limit is evaluated; no test depends on a time.

# shellcheck disable=SC2154 # run sets them
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	export BUILD=${BUILD:-$PWD/build}
	for built in prog_cost object_cost load_cost attach_cost peers/bare.o; do
		[[ -e $BUILD/tests/bench/$built ]] || skip "$BUILD/tests/bench/$built: not built; 'make bench' or 'make check' builds it"
	done
}

@test "programs: each subject is measured, each limit has a result, and the last line counts those that hold" {
	run -0 --separate-stderr env ROUNDS=1 tests/bench/run.sh programs
	printf '%s\n' "$output"
	[[ -z $stderr ]]
	for subject in 'an empty classifier' 'bare HASH look-up' 'sockex2 port' 'dst_stats ' 'sockex3 port'; do
		grep -q "^  $subject" <<<"$output"
	done
	limits=$(sed '/^==== limits/,$d' <<<"$output" | grep -c limit)
	((limits > 2))
	[[ $(sed '/^==== limits/,$d' <<<"$output" | grep -cE 'limit [0-9.]+: (ok|OVER)') == "$limits" ]]
	grep -qE '^[0-9]+ hold(, all of them|; not these:)$' <<<"$output"
}

@test "whole objects: load time and the number of instructions that the verifier processed" {
	run -0 --separate-stderr tests/sandbox "$BUILD/tests/bench/object_cost" 1
	printf '%s\n' "$output"
	[[ -z $stderr ]]
	grep -qE '^  sockex3 port +5 +[1-9][0-9]+ +[0-9.]+ +1\.00 of sockex3 port$' <<<"$output"
	grep -qE '^  parser +19 +[1-9][0-9]+ ' <<<"$output"
	grep -qE "^  parser's maps, empty programs +19 +38 " <<<"$output" # two instructions each
}

@test "throughput: packets arrive through both classifiers" {
	run -0 --separate-stderr env ROUNDS=1 tests/bench/run.sh throughput
	printf '%s\n' "$output"
	[[ -z $stderr && $output =~ 'an empty classifier'\ +[1-9] && $output =~ dst_stats\ +[1-9][0-9]*\ .*limit\ 0.95:\ (ok|UNDER) ]]
}

@test "loading: every way to load is measured in turn on the same device" {
	for object in load_legacy load_modern sockex3; do
		[[ -e $BUILD/tests/bench/peers/$object.o ]] || skip "$object.o: not built; 'make bench' or 'make check' builds it"
	done
	run -0 --separate-stderr env ROUNDS=1 tests/bench/run.sh loading
	printf '%s\n' "$output"
	[[ -z $stderr && $(grep -c 'ours: the legacy object' <<<"$output") == 2 && $output == *'elfmap -j map dump'*'==== limits'* ]]
}

@test "in one process: each way loads and attaches, with and without existing pins" {
	ip link add bench0 type veth peer name bench1
	tc qdisc add dev bench0 clsact
	"$BUILD/elfmap" convert "$BUILD/tests/bench/peers/load_legacy.o" "$BATS_TEST_TMPDIR/converted.o" type cls --pin
	objects=("$BUILD/tests/bench/peers/"load_{modern,legacy}.o)
	run -0 --separate-stderr "$BUILD/tests/bench/attach_cost" 1 bench0 "${objects[@]}" "$BATS_TEST_TMPDIR/converted.o"
	printf '%s\n' "$output"
	[[ -z $stderr && $(grep -c ' us ' <<<"$output") == 8 && $(grep -cE 'limit 1.10: (ok|OVER)' <<<"$output") == 2 ]]
	[[ -z $(tc filter show dev bench0 ingress) ]]
	run --separate-stderr "$BUILD/tests/bench/attach_cost" 1 bench0 "${objects[1]}" "${objects[@]}"
	[[ $status == 1 && $stderr == "attach_cost: ${objects[1]}: "* ]]
	ip link del bench0
}

@test "a failed measurement and an unknown part are failures" {
	mkdir -p "$BATS_TEST_TMPDIR/tests/bench"
	cp "$BUILD/tests/bench/prog_cost" "$BATS_TEST_TMPDIR/tests/bench/"
	run --separate-stderr env BUILD="$BATS_TEST_TMPDIR" ROUNDS=1 tests/bench/run.sh programs
	[[ $status != 0 && $stderr == *'No such file'* && $output != *limits* ]]
	run -1 --separate-stderr tests/bench/run.sh nosuch
	[[ $stderr == 'bench: no part nosuch; there are: '*programs* ]]
}

@test "apply: pipelines are compared with batches of tc, and each limit has a result" {
	run -0 --separate-stderr env ROUNDS=1 tests/bench/run.sh apply
	printf '%s\n' "$output"
	[[ -z $stderr && $(sed '/^==== limits/,$d' <<<"$output" | grep -cE 'limit [0-9.]+: (ok|OVER)') == 5 ]]
}
