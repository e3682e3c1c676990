#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Routes with `encap bpf`: the kernel tells only the name of a program, so they are reported and never changed.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/lab/link.bash
source "$BATS_TEST_DIRNAME/link.bash"

setup() {
	setup_link
	echo 0 >"/proc/sys/net/ipv6/conf/$link/disable_ipv6"
	lwt=$objects/lwt.o
	"$elfmap" ip route add 10.8.0.0/24 encap bpf out obj "$lwt" sec leave dev "$link"
	"$elfmap" ip -6 route add fd08::/64 table 77 encap bpf xmit obj "$lwt" sec send headroom 4 dev "$link"
}

routes() {
	ip route
	ip -6 route show table 77
}

@test "upgrade: routes are reported as program unknown, and stay; both families" {
	before=$(routes)
	run -1 --separate-stderr "$elfmap" upgrade "$lwt"
	echo "$stderr"
	[[ $stderr == *"warning: route 10.8.0.0/24 dev $link encap bpf out lwt.o:[leave]: program unknown, so it stays;"* ]]
	[[ $stderr == *"warning: route fd08::/64 table 77 dev $link encap bpf xmit lwt.o:[send]: program unknown, so it stays;"* ]]
	[[ $stderr == *'it is not attached here'* && $(routes) == "$before" ]]
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress
	run -0 --separate-stderr "$elfmap" upgrade "$objects/shared.o"
	[[ -z $stderr && $(routes) == "$before" ]]
}

@test "upgrade: each nexthop of a route is reported" {
	ip link add "x$link" type veth peer name "y$link"
	ip link set "x$link" up
	"$elfmap" ip route add 10.9.9.0/24 nexthop encap bpf in obj "$lwt" dev "$link" nexthop dev "x$link"
	run -1 --separate-stderr "$elfmap" upgrade "$lwt"
	[[ $stderr == *"route 10.9.9.0/24 dev $link encap bpf in lwt.o:[prog]: program unknown"* && $stderr != *"dev x$link"* ]]
	ip link del "x$link"
}

@test "detach --all: routes are reported, and stay" {
	before=$(routes)
	"$elfmap" attach "$lwt" sec leave dev "$link" ingress
	run -0 --separate-stderr "$elfmap" detach "$lwt" --all
	[[ $output == "dev $link ingress "*detached && $(grep -c 'program unknown' <<<"$stderr") == 2 && $(routes) == "$before" ]]
}
