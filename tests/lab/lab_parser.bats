#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab parser prints exact packet counts, and leaves nothing behind in any case.

# shellcheck disable=SC2154 # lab.bash and run set them
bats_require_minimum_version 1.5.0
load lab

setup() {
	lab_setup scripts/lab-parser.sh
}

# shown NTH COMMAND: the output of the NTH run of COMMAND.
shown() {
	awk -v nth="$1" -v command="\$ $2" '
		/^(\[[a-z]+\] )?\$ / || /^$/ { inside = 0 }
		$0 == command { inside = ++seen == nth; next }
		inside { print }' "$out"
}

icmp_flow() {
	shown "$1" 'elfmap map dump parser_flows4' | sed -n 's/.*src 10.8.0.1 dst 10.8.0.2 sport 0 dport 0 protocol PARSER_PROTO_ICMP } { packets \([0-9]*\) .*/\1/p'
}

@test "inner flows are counted with their stage and not without it; a stage of others gets its packets" {
	run -0 "${lab[@]}"
	printf '%s\n' "$output" | tee "$out"
	[[ $(shown 1 'elfmap map list' | wc -l) == 1 ]] # without
	[[ $(shown 1 'elfmap map dump parser_stages' | wc -l) == 17 ]]
	[[ $(icmp_flow 1) == 4 && $(shown 1 'elfmap map dump parser_flows4' | wc -l) == 1 ]]
	[[ $(shown 1 'elfmap map dump parser_ends sum') == '0 { flow_refused 0 too_short 0 malformed 0 fragment 0 '* ]]
	[[ $(icmp_flow 2) == 4 && $(shown 1 'elfmap map dump parser_empty sum') == 'PARSER_VXLAN 3' ]]
	[[ $(icmp_flow 3) == 6 ]]
	[[ $(shown 1 'elfmap map dump quic_packets sum') == '0 { initial 2 '*' short_header 0 no_quic 1 }' ]]
	[[ $(shown 4 'elfmap map dump parser_flows4' | grep -c 'dport 443 protocol PARSER_PROTO_UDP } { packets 1 ') == 3 ]]
	[[ $(grep -oE '[0-9]+ received' "$out" | paste -sd ' ') == '2 received 4 received 3 received 2 received' ]]
}

@test "the same with per-CPU values" {
	run -0 "${lab[@]}" "${BUILD:-build}/tc-progs/parser_percpu.o"
	[[ $output == *'elfmap graft parser_stages vxlan '*'parser_percpu.o'*'# done'* ]]
	assert_nothing_left
}

@test "a step that fails ends the lab with its status, and nothing is left" {
	run -1 "${lab[@]}" /nonexistent.o
	[[ $output == *nonexistent.o*'lab-parser.sh: failed, status 1'* ]]
	[[ $output != *'elfmap graft'* ]]
	assert_nothing_left
}

@test "signals during the lab: everything is removed" {
	signal_at TERM 'elfmap graft parser_stages vxlan --empty'
	[[ $status == 143 ]]
	assert_nothing_left
	signal_at INT 'sec classifier'
	[[ $status == 130 ]]
	assert_nothing_left
}

@test "SIGKILL during the lab: the kernel removes everything" {
	signal_at KILL 'ping -c 4'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}
