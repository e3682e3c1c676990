# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # the variables are for the tests
# What the tests of labs share: running one, ending it by a signal, and looking for what it left behind.

# lab_setup SCRIPT: `lab` is the command that runs it, `out` where its output goes.
lab_setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	mark=LAB_MARK=$BATS_TEST_TMPDIR # in the environment of everything the lab starts
	lab=(env --default-signal=INT "$mark" "$1")
	out=$BATS_TEST_TMPDIR/out
	traces >"$BATS_TEST_TMPDIR/before"
}

# What a lab could leave on the system.
traces() {
	ip netns list
	ip -o link show | cut -d: -f2
	findmnt --noheadings --raw --output TARGET,FSTYPE
	find /sys/fs/bpf /run -mindepth 1
	sysctl net.ipv4 net.ipv6 2>/dev/null | grep -E 'forward|rp_filter|accept_dad'
}

# No process either: a namespace lives on in the last one that is in it.
marked_processes() {
	grep --null-data --files-with-matches --line-regexp --fixed-strings "$mark" /proc/[0-9]*/environ 2>/dev/null || true
}

assert_nothing_left() {
	traces >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ -z $(marked_processes) ]]
}

# The same after a SIGKILL: what was running at that moment ends by itself.
assert_nothing_left_soon() {
	local deadline=$((SECONDS + 10))

	until [[ -z $(marked_processes) ]]; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
	assert_nothing_left
}

# Runs the lab until LINE shows up, sends it SIGNAL and puts its exit status in `status`.
signal_at() {
	local signal=$1 line=$2 deadline=$((SECONDS + 20)) pid

	"${lab[@]}" >"$out" 2>&1 3>&- &
	pid=$!
	until grep -qF "$line" "$out"; do
		((SECONDS < deadline)) || { cat "$out"; return 1; }
		sleep 0.02
	done
	[[ -n $(marked_processes) ]] # so an empty answer later means something
	kill -s "$signal" "$pid"
	status=0
	wait "$pid" || status=$?
}
