#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make demo` runs the given labs until it is interrupted; and what all labs check before they start.

# shellcheck disable=SC2154 # lab.bash and run set them
bats_require_minimum_version 1.5.0

load lab

setup() {
	lab_setup scripts/demo.sh
}

@test "demo runs a lab by its name after its topology; an unknown name lists the labs" {
	run -0 make --no-print-directory --silent DEPS=no demo LAB=dst-stats
	[[ $output == *$'=== dst-stats: Packets and bytes per destination'*$'\n  |  v0 '*'veth'*$'\n\n# two namespaces'* ]]
	[[ $output != *'source "'* && $output == *'demo: all labs worked: dst-stats' ]]
	run -2 --separate-stderr "${lab[@]}" nosuch
	[[ -z $output ]]
	[[ $stderr == *'no lab nosuch; there are: '*dst-stats* ]]
}

# As a terminal does, send the signal to the whole process group.
@test "Ctrl-C ends the demo, not only the lab that is running" {
	lab=(setsid "${lab[@]}" dst-stats parser)
	"${lab[@]}" >"$out" 2>&1 3>&- &
	pid=$!
	deadline=$((SECONDS + 20))
	until grep -qF 'tc qdisc add' "$out"; do
		((SECONDS < deadline)) || { cat "$out"; return 1; }
		sleep 0.02
	done
	kill -s INT -- "-$pid"
	status=0
	wait "$pid" || status=$?
	cat "$out"
	[[ $status == 130 ]]
	run ! grep -F '=== parser' "$out"
	assert_nothing_left
}

@test "a user who is not root and has no sudo gets one line" {
	stranger=(unshare --user --map-user=1000)
	"${stranger[@]}" true || skip 'no user namespaces here'
	mkdir "$BATS_TEST_TMPDIR/bin"
	for tool in env bash dirname realpath id; do
		ln -s "$(type -P "$tool")" "$BATS_TEST_TMPDIR/bin/"
	done
	if [[ -e /usr/sbin/sudo || -e /sbin/sudo ]]; then skip 'sudo is where it cannot be hidden'; fi
	for script in scripts/lab-*.sh; do
		run -1 --separate-stderr "${stranger[@]}" env PATH="$BATS_TEST_TMPDIR/bin" "$script"
		[[ -z $output && $stderr == "${script#*/}: labs need root, and there is no sudo here" ]]
	done
	assert_nothing_left
}
