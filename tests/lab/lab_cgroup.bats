#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab cgroup: packets pass, or are dropped and counted, as the rules define, and nothing is left behind
# in any case, cgroups included.

# shellcheck disable=SC2154,SC2030,SC2031 # run sets them; a test is a subshell
bats_require_minimum_version 1.5.0

load lab.bash

setup() {
	lab_setup scripts/lab-cgroup.sh
	cgroup2=$(findmnt --noheadings --raw --first-only --types cgroup2 --output TARGET) ||
		skip 'cgroup2 is not mounted here'
	[[ $(readlink /proc/self/ns/cgroup) == 'cgroup:[4026531835]' ]] || skip 'a cgroup namespace hides how deep we are'
}

# Those of the lab's announced cgroups that still exist. Other tests make and remove their own.
cgroups_left() {
	local made

	while read -r made; do
		if [[ -e $cgroup2/${made#/run/cgroup2/} ]]; then
			printf '%s\n' "$made"
		fi
	done < <(sed -n 's/^\$ mkdir //p' "$out")
}

assert_nothing_left() {
	traces >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ -z $(marked_processes) && -z $(cgroups_left) ]]
}

# Runs the lab until it prints LINE, sends it SIGNAL (with target=-: to its process group) and sets `status` to its
# exit status.
signal_at() {
	local signal=$1 line=$2 deadline=$((SECONDS + 20)) pid

	"${lab[@]}" >"$out" 2>&1 3>&- &
	pid=$!
	until grep -qF "$line" "$out"; do
		((SECONDS < deadline)) || { cat "$out"; return 1; }
		sleep 0.02
	done
	[[ -n $(marked_processes) && -n $(cgroups_left) ]] # so that an empty result later is significant
	kill -s "$signal" -- "${target-}$pid"
	status=0
	wait "$pid" || status=$?
}

@test "the lab shows which senders pass and which do not, and leaves nothing behind" {
	"${lab[@]}" >"$out" 2>&1
	cat "$out"
	[[ $(grep -c ' 2 received' "$out") == 7 ]]
	[[ $(grep -c ' 0 received' "$out") == 4 ]]
	[[ $(grep -c 'No buffer space available' "$out") == 4 ]]
	grep -qE '^ +0 +[0-9]+ +/web-[0-9]+$' "$out"
	# Each packet has one verdict, and one reason or rule.
	run -0 sed -n 's/^0 { passed //p' "$out"
	read -r passed _ accepted _ dropped _ unmatched _ no_socket _ <<<"$output"
	[[ $accepted == 2 ]]
	((0 < dropped && passed == unmatched + no_socket))
	[[ $(grep -c '^mkdir' "$out") == 0 && $(grep -c '^\$ mkdir' "$out") == 3 ]]
	assert_nothing_left
}

@test "a step that fails ends the lab with its status, and nothing is left" {
	status=0
	"${lab[@]}" /nonexistent >"$out" 2>&1 || status=$?
	[[ $status == 1 ]]
	grep -qF 'lab-cgroup.sh: failed, status 1' "$out"
	run ! grep -q 'ping -4' "$out"
	assert_nothing_left
}

@test "a packet that passes against a rule ends the lab with a failure" {
	mkdir "$BATS_TEST_TMPDIR/objects"
	# A filter with the right maps that accepts every packet.
	cp "${BUILD:-build}/tc-progs/cgroup_id_filter.o" "$BATS_TEST_TMPDIR/objects/"
	cp "${BUILD:-build}/tests/testdata/cgroup_deaf.o" "$BATS_TEST_TMPDIR/objects/cgroup_filter.o"
	status=0
	"${lab[@]}" "$BATS_TEST_TMPDIR/objects" >"$out" 2>&1 || status=$?
	[[ $status == 1 ]]
	grep -qF 'web/backend: packets should be dropped' "$out"
	assert_nothing_left
}

@test "SIGTERM during the lab: everything is removed" {
	signal_at TERM '[red, web/backend] $ ping -4'
	[[ $status == 143 ]]
	assert_nothing_left
}

@test "SIGINT during the lab: everything is removed" {
	signal_at INT 'elfmap cgroup set cgroup_acl 0'
	[[ $status == 130 ]]
	assert_nothing_left
}

@test "SIGKILL during the lab: its cgroups are removed" {
	signal_at KILL '[red, web/backend] $ ping -4'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}

@test "SIGKILL to all processes of the lab: its cgroups are removed" {
	lab=(setsid "${lab[@]}")
	target=-
	signal_at KILL '[red, web/backend] $ ping -4'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}

@test "two labs at the same time do not disturb each other" {
	"${lab[@]}" >"$BATS_TEST_TMPDIR/other" 2>&1 3>&- &
	"${lab[@]}" >"$out" 2>&1 3>&-
	wait $!
	for log in "$out" "$BATS_TEST_TMPDIR/other"; do
		[[ $(grep -c ' 2 received' "$log") == 7 && $(grep -c ' 0 received' "$log") == 4 ]]
	done
	assert_nothing_left
	cp "$BATS_TEST_TMPDIR/other" "$out"
	assert_nothing_left
}
