# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Shared by tests that attach programs: a device with clsact, a neighbour, and lists of pins and filters.
# A test file sources this, and calls these functions from its setup() and teardown().

# shellcheck shell=bash disable=SC2034 # the variables are for the tests

setup_link() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	objects=$build/tests/testdata
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	link=v$BATS_TEST_NUMBER
	net=n$BATS_TEST_NUMBER
	ip netns add "$net"
	ip link add "$link" type veth peer name peer netns "$net"
	# No other traffic than that of the tests: no router solicitations, no MLD reports.
	echo 1 >"/proc/sys/net/ipv6/conf/$link/disable_ipv6"
	in_net sh -c 'echo 1 >/proc/sys/net/ipv6/conf/peer/disable_ipv6'
	ip link set "$link" up
	ip addr add 10.9.0.1/24 dev "$link"
	in_net ip link set peer up
	in_net ip addr add 10.9.0.2/24 dev peer
	tc qdisc add dev "$link" clsact
}

# Both ends know the address of the other, so that no ARP request is on the link.
set_neighbours() {
	ip neigh replace 10.9.0.2 dev "$link" lladdr "$(in_net ip -j link show dev peer | jq -r '.[0].address')"
	in_net ip neigh replace 10.9.0.1 dev peer lladdr "$(ip -j link show dev "$link" | jq -r '.[0].address')"
}

teardown_link() {
	ip link del "$link" 2>/dev/null || true
	ip netns del "$net" 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
	find /sys/fs/bpf -mindepth 1 -depth -type d ! -path /sys/fs/bpf/tc ! -path "$globals" -delete
}

in_net() {
	nsenter --net="/run/netns/$net" "$@"
}

# add OBJECT SECTION: attaches a classifier with `elfmap tc`.
add() {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/$1.o" sec "$2"
}

pins() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' ! -type l ! -path /sys/fs/bpf/tc ! -path "$globals" | sort
}

filters() {
	tc -j filter show dev "$link" ingress | jq -r '.[].options | select(.bpf_name) | .bpf_name'
}

# counter MAP KEY: the 64-bit value of an ARRAY.
counter() {
	bpftool -j map lookup pinned "$globals/$1" key "$2" 0 0 0 |
		jq -r '[.value[] | ltrimstr("0x") | explode | map(if . > 96 then . - 87 else . - 48 end) |
			.[0] * 16 + .[1]] | to_entries | map(.value * pow(256; .key)) | add'
}

# fails STATUS PATTERN: the last run failed, with a line of elfmap that matches PATTERN before those of tc.
fails() {
	# shellcheck disable=SC2154 # run sets it
	echo "status $status: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == "$1" && $(grep -c '^elfmap: ' <<<"$stderr") == 1 && $(grep '^elfmap: ' <<<"$stderr") == $2 ]]
}

setup() {
	setup_link
}

teardown() {
	teardown_link
}
