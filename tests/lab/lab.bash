# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # the variables are for the tests
# Shared by the tests of labs: run a lab, end it with a signal, and check that it left nothing behind.

# lab_setup SCRIPT: sets `lab` to the command that runs it, and `out` to the file for its output.
lab_setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	mark=LAB_MARK=$BATS_TEST_TMPDIR # in the environment of every process of the lab
	lab=(env --default-signal=INT "$mark" "$1")
	out=$BATS_TEST_TMPDIR/out
	traces >"$BATS_TEST_TMPDIR/before"
}

# The state of the system that a lab changes.
traces() {
	ip netns list
	ip -o link show | cut -d: -f2
	findmnt --noheadings --raw --output TARGET,FSTYPE
	find /sys/fs/bpf /run -mindepth 1 ! -path '/run/mount*' # mount(8) makes that
	sysctl net.ipv4 net.ipv6 2>/dev/null | grep -E 'forward|rp_filter|accept_dad'
}

# A process would keep its namespace.
marked_processes() {
	grep --null-data --files-with-matches --line-regexp --fixed-strings "$mark" /proc/[0-9]*/environ 2>/dev/null || true
}

assert_nothing_left() {
	traces >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[[ -z $(marked_processes) ]]
}

# The same after a SIGKILL: the remaining processes end a moment later.
assert_nothing_left_soon() {
	local deadline=$((SECONDS + 10))

	until [[ -z $(marked_processes) ]]; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
	assert_nothing_left
}

# Runs the lab until it prints LINE, sends it SIGNAL and sets `status` to its exit status.
signal_at() {
	local signal=$1 line=$2 deadline=$((SECONDS + 20)) pid

	"${lab[@]}" >"$out" 2>&1 3>&- &
	pid=$!
	until grep -qF "$line" "$out"; do
		((SECONDS < deadline)) || { cat "$out"; return 1; }
		sleep 0.02
	done
	[[ -n $(marked_processes) ]] # so that an empty result later is significant
	kill -s "$signal" "$pid"
	status=0
	wait "$pid" || status=$?
}
