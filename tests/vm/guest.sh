#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tests on the guest's kernel, in TAP, of features that only kernels of distributions have.
# The system has only bash, busybox, iproute2, bpftool and elfmap. (busybox's shell would prefer its
# own ip.)
set -uo pipefail
count=0

# test_that WHAT CMD...: one line of TAP, and CMD's output if it failed.
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

# counted DIRECTION ADDRESS PACKETS: the pinned map has exactly this number.
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

# A program that one kernel's verifier accepts may be refused by another's.
all_load() {
	local object failed=0

	for object in /usr/local/share/elfmap/*.o; do
		elfmap check "$object" || failed=1
	done
	return $failed
}

# VIPs on lo of the other side, and ipip and ip6tnl devices in external mode on both sides. (nsenter of busybox would
# prefer its own ip.)
tunnel_devices() {
	inside /usr/sbin/ip link set dev lo up &&
		inside /usr/sbin/ip address add 10.10.1.102/32 dev lo &&
		inside /usr/sbin/ip address add fdfa:ce::66/128 dev lo &&
		ip route add 10.10.1.0/24 via 10.9.0.2 &&
		ip address add fd09::1/64 dev v0 nodad &&
		inside /usr/sbin/ip address add fd09::2/64 dev v1 nodad &&
		ip route add fdfa:ce::/32 via fd09::2 &&
		for name in 4 6; do
			ip link add "t$name" type "${1%,*}" external && ip link set dev "t$name" up &&
				inside /usr/sbin/ip link add "t$name" type "${1%,*}" external && inside /usr/sbin/ip link set dev "t$name" up || return 1
			set -- "${1#*,}"
		done &&
		inside /usr/sbin/tc qdisc add dev v1 clsact &&
		for file in all default t4 t6; do inside sh -c "echo 0 >/proc/sys/net/ipv4/conf/$file/rp_filter" || return 1; done
}

# Removes the previous action, which accepts all IPv4 packets and ends the chain.
redirect() {
	tc filter del dev v0 egress pref 1
	elfmap tc filter replace dev v0 egress pref 2 handle 1 bpf da obj /usr/local/share/elfmap/l2_redirect.o sec redirect &&
		inside elfmap tc filter add dev v1 ingress pref 1 bpf da obj /usr/local/share/elfmap/l2_redirect.o sec drop_non_tun_vip &&
		inside elfmap tc filter add dev v1 ingress pref 2 bpf da obj /usr/local/share/elfmap/l2_redirect.o sec forward &&
		elfmap map set tun_iface 0 dev t4 1 dev t6 &&
		inside elfmap map set tun_iface 2 dev t4 3 dev t6 &&
		elfmap map set l2_ends 0 '{ address 10.9.0.2 action L2_END_DEVICE device 2 }' \
			1 '{ address fd09::2 action L2_END_DEVICE device 3 }'
}

# through SLOT REMOTE VIP: two pings are answered, and arrive in this tunnel.
through() {
	local entry="{ action L2_TUNNEL device $1 tunnel_id 10000 tunnel_flags 0 ttl 61 tos 0
		to 00:00:00:00:00:00 remote $2 local :: }" before after

	before=$(elfmap map dump l2_stats sum) &&
		elfmap map set l2_vips 10.10.1.0/24 "$entry" fdfa:ce::/32 "$entry" &&
		ping -c 2 -W 2 "$3"
	after=$(elfmap map dump l2_stats sum)
	printf '%s\n%s\n' "$before" "$after"
	(($(member tunnel "$after") == $(member tunnel "$before") + 2 &&
		$(member forwarded "$after") == $(member forwarded "$before") + 2 &&
		$(member guarded "$after") == $(member guarded "$before")))
}

member() {
	local rest=${2#* "$1" }

	printf '%s' "${rest%% *}"
}

bare_is_guarded() {
	elfmap map set tun_iface 0 0 1 0 && ! ping -c 1 -W 1 10.10.1.102 &&
		(($(member guarded "$(elfmap map dump l2_stats sum)") > 0))
}

echo "# kernel $(uname -r), $(tc -V)"
test_that 'every classifier loads on this kernel' all_load
test_that 'a veth pair with clsact is made' cable
test_that 'plain tc refuses a legacy object' refused_by_tc
test_that 'elfmap tc loads the legacy classifier, and tc shows its name' classifier
test_that 'its maps are pinned' pins
test_that 'four pings are answered' pings 4
test_that 'four packets to the other side are counted' counted EGRESS 10.9.0.2 4
test_that 'four packets from the other side are counted' counted INGRESS 10.9.0.1 4
test_that 'elfmap tc actions loads a legacy action as sched_act' action
test_that 'the action counts two pings that match matchall' action_counts
test_that 'ipip and ip6tnl devices in external mode are made' tunnel_devices ipip,ip6tnl
test_that 'the redirect, the guard and the forward load' redirect
test_that 'an IPv4 VIP answers through ipip' through 0 10.9.0.2 10.10.1.102
test_that 'an IPv4 VIP answers through ip6tnl' through 1 fd09::2 10.10.1.102
test_that 'an IPv6 VIP answers through ip6tnl' through 1 fd09::2 fdfa:ce::66
test_that 'without its devices packets arrive without a tunnel, and the guard drops them' bare_is_guarded

# The rules of the loader (tests/lab/rules.bats), including those that other kernels skip.
ip link del v0
ip netns del n
find /sys/fs/bpf -type f ! -name '*.debug' -delete
while read -r line; do
	case $line in
	'ok '* | 'not ok '*)
		count=$((count + 1))
		echo "${line%%ok *}ok $count - ${line#*ok * }"
		;;
	'#'*) echo "$line" ;;
	esac
done < <(cd /elfmap && BUILD=/elfmap/build bats --tap tests/lab/rules.bats 2>&1)
echo "1..$count"
