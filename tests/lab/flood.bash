# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Two connected namespaces for tests under traffic with tests/tools/flood. The only other packets are MLD reports,
# so count the packets of the flood. A test file sources this, and calls these functions from its setup() and
# teardown().
#
#   red: v0 10.9.0.1 fd09::1  ---veth---  v1 10.9.0.2 fd09::2 :blue
#
# shellcheck shell=bash disable=SC2034 # the variables are for the tests

setup_flood() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	flood=$build/tests/tools/flood
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	[[ -x $flood ]] || {
		echo "$flood: not built yet; 'make $flood' builds it"
		return 1
	}
	ip netns add red
	ip netns add blue
	ip link add v0 address 02:00:00:00:00:01 netns red type veth peer name v1 address 02:00:00:00:00:02 netns blue
	setup_end red v0 1 2
	setup_end blue v1 2 1
}

# No router solicitations and no neighbour discovery.
setup_end() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" sysctl -qw "net.ipv6.conf.$dev.router_solicitations=0" "net.ipv6.conf.$dev.addr_gen_mode=1"
	on "$name" ip link set lo up
	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip address add "fd09::$own/64" dev "$dev" nodad
	on "$name" ip link set "$dev" up
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
	on "$name" ip neigh replace "fd09::$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
	on "$name" tc qdisc add dev "$dev" clsact
}

# Removes the devices first, because attached programs hold maps.
teardown_flood() {
	[[ ! -e /run/netns/red ]] || on red ip link del v0
	ip netns del red 2>/dev/null || true
	ip netns del blue 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
	find /sys/fs/bpf -mindepth 1 -depth -type d ! -path /sys/fs/bpf/tc ! -path "$globals" -delete
}

# on NETNS COMMAND...
on() {
	nsenter --net="/run/netns/$1" -- "${@:2}"
}

# report FILTER: the output of jq FILTER on the report of the last flood, which is the last run's stdout.
report() {
	# shellcheck disable=SC2154 # run sets it
	jq -r "$1" <<<"$output"
}

# Each packet sent has arrived once, and no receive buffer was full.
assert_lossless() {
	echo "$output"
	[[ $(report '[.once == .sent, .sent > 0, .strange == 0, ([.at[].overflow] | add) == 0] | all') == true ]]
}
