#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is tested on the guest's kernel, in TAP: what kernels of distributions have and others lack.
# It runs in a system that has nothing but bash, busybox, iproute2, bpftool and elfmap. (A shell of
# busybox would prefer its own ip.)
set -uo pipefail
count=0

# test_that WHAT CMD...: one line of TAP, and what CMD said when it failed.
test_that() {
	local what=$1 said

	shift
	count=$((count + 1))
	if said=$("$@" 2>&1); then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		printf '# %s\n' "${said//$'\n'/$'\n# '}"
	fi
}

inside() {
	nsenter --net=/run/netns/n "$@"
}

cable() {
	ip netns add n &&
		ip link add v0 type veth peer name v1 netns n &&
		ip address add 10.9.0.1/24 dev v0 &&
		ip link set dev v0 up &&
		inside ip address add 10.9.0.2/24 dev v1 &&
		inside ip link set dev v1 up &&
		tc qdisc add dev v0 clsact
}

refused_by_tc() {
	local said

	! said=$(tc filter add dev v0 ingress bpf da obj /dst_stats.o sec ingress 2>&1) &&
		[[ $said == *'legacy map definitions'* ]]
}

classifier() {
	elfmap tc filter add dev v0 ingress bpf da obj /dst_stats.o sec ingress &&
		elfmap tc filter add dev v0 egress bpf da obj /dst_stats.o sec egress &&
		tc filter show dev v0 ingress | grep -F 'dst_stats.o:[ingress]'
}

pins() {
	bpftool map show pinned /sys/fs/bpf/tc/globals/dst_stats &&
		bpftool map show pinned /sys/fs/bpf/tc/globals/dst_errs
}

pings() {
	ping -c "$1" -W 2 10.9.0.2
}

# counted DIRECTION ADDRESS PACKETS: exactly that many, as the pinned map has it.
counted() {
	local dump

	dump=$(elfmap map dump dst_stats sum) || return 1
	printf '%s\n' "$dump"
	[[ $dump == *"direction DST_$1 addr $2 } { packets $3 bytes "* ]]
}

action() {
	elfmap tc actions add action bpf obj /action.o index 7 &&
		tc actions show action bpf | grep -F 'action.o:[action]' &&
		bpftool prog show | grep sched_act
}

action_counts() {
	tc filter add dev v0 egress pref 1 protocol ip matchall action bpf index 7 &&
		pings 2 &&
		bpftool map dump pinned /sys/fs/bpf/tc/globals/action_hits &&
		bpftool -j map dump pinned /sys/fs/bpf/tc/globals/action_hits | grep -E "\"value\":(2|\[\"0x02\",\"0x00\")"
}

echo "# kernel $(uname -r), $(tc -V)"
test_that 'a veth pair with clsact' cable
test_that 'the tc of this system refuses a legacy object by itself' refused_by_tc
test_that 'elfmap tc loads the legacy classifier, and tc shows it under its name' classifier
test_that 'its maps are pinned' pins
test_that 'four pings are answered' pings 4
test_that 'four packets to the other side are in the map' counted EGRESS 10.9.0.2 4
test_that 'four packets from the other side are in the map' counted INGRESS 10.9.0.1 4
test_that 'elfmap tc actions loads a legacy action as sched_act' action
test_that 'the action counts two pings behind matchall' action_counts
echo "1..$count"
