#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# tests/tools/flood reports what happened to each packet, and dst_stats counts each packet once while its map
# is being changed.

# shellcheck disable=SC2154 # flood.bash and run set them
bats_require_minimum_version 1.5.0

load flood.bash

setup() {
	setup_flood
}

teardown() {
	teardown_flood
}

# counted DIRECTION ADDRESS: packets of a destination in dst_stats, summed over the CPUs.
counted() {
	"$elfmap" -j map dump dst_stats sum |
		jq --arg direction "$1" --arg address "$2" '[.[] | select(.key.direction == $direction and .key.addr == $address)
			| .value.packets] | add // 0'
}

# A batch for bpftool: adds and deletes destinations that no packet has, N times.
write_updates() {
	local i

	for ((i = 0; i < $1; i++)); do
		printf 'map update pinned %s/dst_stats key 4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 255 255 10 0 %d %d' \
			"$globals" $((i % 200 >> 8)) $((i % 200 & 255))
		printf ' value%s\n' "$(printf ' 0%.0s' {1..40})"
		((i % 7)) || printf 'map delete pinned %s/dst_stats key 4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 255 255 10 0 %d %d\n' \
			"$globals" $((i % 200 >> 8)) $((i % 200 & 255))
	done >"$tmp/updates"
}

@test "dst_stats: counts what is sent and received, in both families and directions, during 1000 map updates" {
	on red "$elfmap" tc filter add dev v0 egress bpf da obj "$build/tc-progs/dst_stats.o" sec egress
	on blue "$elfmap" tc filter add dev v1 ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	write_updates 1000
	for address in 10.9.0.2 fd09::2; do
		run -0 --separate-stderr "$flood" from red to "$address" port 9000 rate 60000 packets 60000 at blue \
			-- bpftool batch file "$tmp/updates"
		output=${output##*$'\n'}
		assert_lossless
		((60000 <= $(report .sent)))
		[[ $(report .sent) == "$(counted DST_EGRESS "$address")" ]]
		[[ $(report .sent) == "$(counted DST_INGRESS "$address")" ]]
	done
	[[ $(counted DST_INGRESS 10.0.0.1) == 0 ]]
	[[ $("$elfmap" -j map dump dst_errs sum | jq '[.[].value] | add') == 0 ]]
}

@test "without the classifier nothing is counted" {
	on blue "$elfmap" tc filter add dev v1 ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	on blue tc filter del dev v1 ingress
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 1000 at blue
	assert_lossless
	[[ $(report .sent) == 1000 && $(counted DST_INGRESS 10.9.0.2) == 0 ]]
}

@test "flood: dropped, marked and tagged packets are reported separately" {
	on blue "$elfmap" tc filter add dev v1 ingress bpf da obj "$build/tests/testdata/flood_paths.o" sec classifier
	run -0 "$flood" from red to 10.9.0.2 port 9000 rate 50000 packets 8000 at blue
	echo "$output"
	[[ $(report '[.sent, .once, .twice, .never, .first_never] | join(" ")') == '8000 7000 0 1000 0' ]]
	[[ $("$elfmap" -j map dump flood_dropped | jq '.[0].value') == 1000 ]]
	[[ $(report '[.at[0].from[] | "\(.source) \(.mark) \(.tag) \(.received)"] | sort | join(", ")') == \
		'10.9.0.1 0 0 2000, 10.9.0.1 0 2748 2000, 10.9.0.1 7 0 2000, 10.9.0.1 7 2748 1000' ]]
}

@test "flood: a copy on another device is a second arrival; a copy that nothing receives is not" {
	ip netns add green
	on red ip link add w0 type veth peer name w1 address 02:00:00:00:00:02 netns green
	on red ip link set w0 up
	on green ip address add 10.9.0.2/24 dev w1
	on green ip link set w1 up
	on red tc filter add dev v0 egress protocol ip u32 match u32 0 0 action mirred egress mirror dev w0
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 500 at blue at green
	echo "$output"
	[[ $(report '[.sent, .once, .twice, .never, .at[0].received, .at[1].received] | join(" ")') == '500 0 500 0 500 500' ]]
	[[ $(report '.at[1].netns') == green ]]
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 500 at blue port 9001
	[[ $(report '[.sent, .once, .twice, .never, .first_never] | join(" ")') == '500 0 0 500 0' ]]
	ip netns del green
}

@test "flood: packets flow before the command starts and until it has ended, and its failure is reported" {
	run -0 "$flood" from red to fd09::2 port 9000 rate 50000 at blue -- sh -c "cat </proc/net/snmp >$tmp/seen"
	assert_lossless
	[[ -s $tmp/seen ]]
	run -1 --separate-stderr "$flood" from red to fd09::2 port 9000 rate 50000 at blue -- false
	[[ -z $output && $stderr == 'flood: false: failed'* ]]
}

@test "flood: an error of sending or receiving is a failure, and wrong usage is status 2" {
	run -1 --separate-stderr "$flood" from red to 10.99.0.1 port 9000 packets 5 at blue
	[[ -z $output && $stderr == 'flood: sending from red: Network is unreachable' ]]
	run -1 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 packets 5 at nowhere
	[[ -z $output && $stderr == 'flood: at nowhere port 9000: No such file or directory' ]]
	for words in 'to 10.9.0.2 port 9000 at blue' 'to 10.9.0.2 packets 5 at blue' 'to 10.9.0.2 port 9000 packets 5' \
		'to 10.9.0 port 9000 packets 5 at blue' 'to 10.9.0.2 port 70000 packets 5 at blue' \
		'to 10.9.0.2 port 9000 packets 5 size 8 at blue' 'to 10.9.0.2 port 9000 packets 5 at blue --' 'via 5'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$flood" $words
		[[ -z $output && $stderr == *'usage: flood'* ]]
	done
}
