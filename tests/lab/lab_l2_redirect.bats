#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab l2-redirect prints exact packet counts, and leaves nothing behind in any case.

# shellcheck disable=SC2154 # lab.bash and run set them
bats_require_minimum_version 1.5.0
load lab

setup() {
	lab_setup scripts/lab-l2-redirect.sh
}

# The counters as the lab printed them the NTH time.
counters() {
	grep -E '^\{"' "$out" | sed -n "$1p"
}

# The number of answers to the NTH ping.
answers() {
	grep -oE '[0-9]+ received' "$out" | sed -n "$1s/ .*//p"
}

@test "the VIPs answer, then plain packets are dropped, then tunnels are used; nothing is left behind" {
	run -0 "${lab[@]}"
	printf '%s\n' "$output" | tee "$out"
	[[ $(counters 1 | jq -c '[.guarded, .tunnel, .unset, .gone]') == '[6,null,null,null]' ]]
	[[ $(counters 2 | jq -c '[.guarded, .tunnel, .ipip]') == '[6,6,null]' ]]
	[[ $(counters 3 | jq -c '[.guarded, .tunnel + .ipip, .ipip == .stripped, .tunnel > 8, .ipip > 6]') == \
		'[6,27,true,true,true]' ]]
	ipip=$(counters 3 | jq .ipip)
	[[ $(counters 4 | jq -c '[.guarded, .gone, .tunnel + .ipip, .ipip]') == "[12,6,33,$ipip]" ]]
	for nth in 1 2 5 6 8 9 12 13; do [[ $(answers $nth) == 3 ]]; done
	for nth in 3 4 10 11; do [[ $(answers $nth) == 0 ]]; done
	[[ $(answers 7) == 15 ]] # during the change of the tunnel
	[[ $output == *'renumbered to '*"'elfmap map check tun_iface --fix' fixes"*'renumbered to '*', fixed'* ]]
	assert_nothing_left
}

@test "a step that fails ends the lab with its status, and nothing is left" {
	run -1 "${lab[@]}" /nonexistent.o
	[[ $output == *nonexistent.o*'lab-l2-redirect.sh: failed, status 1'* ]]
	[[ $output != *'elfmap map set'* ]]
	assert_nothing_left
}

@test "signals during the lab: everything is removed" {
	signal_at TERM 'elfmap map load'
	[[ $status == 143 ]]
	assert_nothing_left
	signal_at INT 'sec drop_non_tun_vip'
	[[ $status == 130 ]]
	assert_nothing_left
}

@test "SIGKILL during the lab, with a ping in the background: the kernel removes everything" {
	signal_at KILL 'ping -c 15'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}
