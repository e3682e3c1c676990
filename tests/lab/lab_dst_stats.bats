#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The lab dst-stats counts the packets that it sends, and leaves nothing behind in any case.

# shellcheck disable=SC2154 # lab.bash and run set them
bats_require_minimum_version 1.5.0

load lab

setup() {
	lab_setup scripts/lab-dst-stats.sh
}

# The sum of FIELD over the CPUs for a destination, in the lab's first or second dump of the map.
sum_of() {
	local dump=$1 field=$2 direction=$3 address=$4

	awk -v dump="$dump" -v field="$field" -v key="direction $direction addr $address }" '
		/^\$ elfmap map dump/ { nth++ }
		nth == dump && index($0, key) { for (i = 1; i < NF; i++) if ($i == field) sum += $(i + 1) }
		END { print sum + 0 }' "$out"
}

@test "the lab counts every ping by destination, and continues with the pinned map" {
	run -0 "${lab[@]}"
	printf '%s\n' "$output" | tee "$out"
	while read -r direction address packets bytes packets_after; do
		[[ $(sum_of 1 packets "$direction" "$address") == "$packets" ]]
		[[ $(sum_of 1 bytes "$direction" "$address") == "$bytes" ]]
		[[ $(sum_of 2 packets "$direction" "$address") == "$packets_after" ]]
	done <<-'EOF'
		DST_EGRESS 10.9.0.2 4 392 6
		DST_INGRESS 10.9.0.1 4 392 6
		DST_EGRESS fd09::2 3 354 4
		DST_INGRESS fd09::1 3 354 4
		DST_INGRESS 10.9.0.2 0 0 0
		DST_EGRESS fd09::1 0 0 0
	EOF
}

@test "the script of the second part fails under plain tc and works under elfmap exec" {
	run -0 "${lab[@]}"
	[[ $output == *'classify.sh v0'*'legacy map definitions'*'# refused'*'elfmap exec /run/classify.sh'* ]]
	[[ $(grep -c 'dst_stats.o:\[egress\]' <<<"${output##*elfmap exec}") == 1 ]]
	run ! grep elfmap <(sed -n '/^#!\/bin\/sh/,/^$/p' <<<"$output")
}

@test "the lab leaves nothing behind" {
	run -0 "${lab[@]}"
	assert_nothing_left
}

@test "a step that fails ends the lab with its status, and nothing is left" {
	run -1 "${lab[@]}" /nonexistent.o
	[[ $output == *nonexistent.o* ]]
	[[ $output == *'lab-dst-stats.sh: failed, status 1'* ]]
	[[ $output != *'ping -4'* ]]
	assert_nothing_left
}

@test "without a built elfmap the lab names the command that builds it" {
	run -1 env BUILD="$BATS_TEST_TMPDIR" "${lab[@]}"
	[[ $output == *"elfmap: not built yet; 'make' builds it"* ]]
	assert_nothing_left
}

@test "SIGTERM during the lab: everything is removed" {
	signal_at TERM 'ping -4'
	[[ $status == 143 ]]
	assert_nothing_left
}

@test "SIGINT during the lab: everything is removed" {
	signal_at INT 'tc filter add dev v0 egress'
	[[ $status == 130 ]]
	assert_nothing_left
}

@test "SIGKILL during the lab: the kernel removes everything" {
	signal_at KILL 'ping -4'
	[[ $status == 137 ]]
	assert_nothing_left_soon
}
