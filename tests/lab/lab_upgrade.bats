#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab upgrade prints exact packet counts, and leaves nothing behind in any case.

# shellcheck disable=SC2154 # lab.bash and run set them
bats_require_minimum_version 1.5.0
load lab

setup() {
	lab_setup scripts/lab-upgrade.sh
}

# shown NTH COMMAND: the output of the NTH run of COMMAND.
shown() {
	awk -v nth="$1" -v command="$2" '
		/^(\[[a-z]+\] )?\$ / || /^$/ { inside = 0 }
		$0 == command { inside = ++seen == nth; next }
		inside { print }' "$out"
}

cells() {
	shown "$1" '$ elfmap map dump gen_cells sum types u32:u64' | awk '{ print $2 }' | paste -sd " "
}

@test "no packet is lost or mixes versions; a pipeline applies once; a lost stage is found and put back" {
	run -0 "${lab[@]}"
	printf '%s\n' "$output" | tee "$out"
	read -r one two mixed lost < <(cells 1)
	((one > 20 && two > 20 && one + two == 1500 && mixed == 0 && lost == 0))
	[[ $output == *'1500 packets transmitted, 1500 received, 0% packet loss'* ]]
	grep -q 'gen.o:\[ingress\] id [0-9]* unchanged$' "$out"
	[[ $(shown 1 '[blue] $ elfmap apply /run/pipeline') == '= attach gen.o sec ingress dev v1 ingress
+ attach gen.o sec egress dev v1 egress' ]]
	[[ $(shown 2 '[blue] $ elfmap apply /run/pipeline') == '= attach gen.o sec ingress dev v1 ingress
= attach gen.o sec egress dev v1 egress' ]]
	[[ $(shown 1 '[blue] $ elfmap doctor dev v1') != *empty-slot* ]]
	[[ $(shown 2 '[blue] $ elfmap doctor dev v1') == *'empty-slot: '*'fix: elfmap graft '*'/gen_jmp 1 FILE sec NAME'* ]]
	[[ $(shown 3 '[blue] $ elfmap doctor dev v1') != *empty-slot* ]]
	[[ $(cells 2) == "$one $two 0 6" && $(cells 3) == "$one $((two + 6)) 0 6" ]]
	assert_nothing_left
}

@test "a step that fails ends the lab with its status, and nothing is left" {
	run -1 env BUILD=/nonexistent "${lab[@]}"
	[[ $output == *'not built yet'* ]]
	assert_nothing_left
}

@test "signals during the lab: everything is removed" {
	signal_at TERM 'elfmap upgrade /run/gen.o --rollback'
	[[ $status == 143 ]]
	assert_nothing_left
	signal_at INT 'elfmap attach'
	[[ $status == 130 ]]
	assert_nothing_left
}

@test "SIGKILL during the lab: the kernel removes everything" {
	signal_at KILL 'ping -q -i 0.002'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}
