#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# tc-progs/l2_redirect.c between namespaces: which packets reach a virtual address, their form on the wire, and
# that no packet is lost while entries change. tests/prog/l2_*_test.c test single frames.
#
#   client c0 10.1.1.101 ---veth--- r0 10.1.1.1 router r1 10.2.1.1 ---veth--- s0 10.2.1.102 server
#             fd01::65              fd01::1            fd02::1                fd02::66
#                                               router r2 10.3.1.1 ---veth--- t0 10.3.1.102 other
#
# Server and other have the VIPs 10.10.1.102 and fdfa:ce::66; the router's route to them leads to the server.

# shellcheck disable=SC2154 # flood.bash and run set them
bats_require_minimum_version 1.5.0

load flood.bash

vip4=10.10.1.102
vip6=fdfa:ce::66
server_mac=02:00:00:00:00:66
other_mac=02:00:00:00:00:77
no_mac=00:00:00:00:00:00

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	flood=$build/tests/tools/flood
	object=$build/tc-progs/l2_redirect.o
	probe=$build/tests/testdata/l2_probe.o
	for name in client router server other; do
		ip netns add $name
		# No router solicitations, and addresses are usable at once.
		on $name sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 \
			net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		on $name ip link set dev lo up
	done
	cable client c0 101 65 router r0 1
	cable server s0 102 66 router r1 2
	cable other t0 102 66 router r2 3
	for name in server other; do
		on $name ip address add $vip4/32 dev lo
		on $name ip address add $vip6/128 dev lo
	done
	on router ip route add 10.10.1.0/24 via 10.2.1.102
	on router ip route add fdfa:ce::/32 via fd02::66
}

# cable NAME DEV HOST4 HOST6 ROUTER DEV NET: with static neighbours, so that no packet waits for ARP.
cable() {
	local mac

	ip link add "$2" netns "$1" mtu 1600 type veth peer name "$6" netns "$5" mtu 1600
	on "$1" ip address add "10.$7.1.$3/24" dev "$2"
	on "$1" ip address add "fd0$7::$4/64" dev "$2"
	on "$5" ip address add "10.$7.1.1/24" dev "$6"
	on "$5" ip address add "fd0$7::1/64" dev "$6"
	on "$1" ip link set dev "$2" up
	on "$5" ip link set dev "$6" up
	mac=$(on "$1" ip -j link show dev "$2" | jq -r '.[0].address')
	on "$5" ip neigh replace "10.$7.1.$3" lladdr "$mac" dev "$6" nud permanent
	on "$5" ip neigh replace "fd0$7::$4" lladdr "$mac" dev "$6" nud permanent
	mac=$(on "$5" ip -j link show dev "$6" | jq -r '.[0].address')
	on "$1" ip neigh replace "10.$7.1.1" lladdr "$mac" dev "$2" nud permanent
	on "$1" ip neigh replace "fd0$7::1" lladdr "$mac" dev "$2" nud permanent
	on "$1" ip route add default via "10.$7.1.1"
	on "$1" ip route add default via "fd0$7::1"
	on "$1" tc qdisc add dev "$2" clsact
	on "$5" tc qdisc add dev "$6" clsact
}

teardown() {
	for name in client server other; do on $name ip link del dev "$(cut -c1 <<<"${name/other/t}")0" || true; done
	for name in client router server other; do ip netns del $name || true; done
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

# load_on NETNS DEV HOOK SECTION [PREF]
load_on() {
	on "$1" "$elfmap" tc filter add dev "$2" "$3" pref "${5:-9}" bpf da obj "$object" sec "$4"
}

vxlan_on() { # NETNS MAC
	on "$1" ip link add vxl address "$2" type vxlan external dstport 4789
	on "$1" ip link set dev vxl up
}

# entry ACTION DEVICE TO REMOTE LOCAL: prints the value of a VIP's entry.
entry() {
	printf '{ action %s device %s tunnel_id 10000 tunnel_flags 0 ttl 61 tos 8 to %s remote %s local %s }' "$@"
}

# vips ENTRY: sets the entry of both VIPs.
vips() {
	"$elfmap" map set l2_vips 10.10.1.0/24 "$1" fdfa:ce::/32 "$1"
}

# sends COUNT FROM TO AT...: a flood from one namespace; its report is in `output`.
sends() {
	local count=$1 from=$2 to=$3 at=()

	for name in "${@:4}"; do at+=(at "$name"); done
	run -0 --separate-stderr "$flood" from "$from" to "$to" port 9000 rate 20000 packets "$count" "${at[@]}"
	echo "$output"
}

assert_none_arrived() {
	[[ $(report '[.once == 0, .twice == 0, .sent > 0] | all') == true ]]
}

# The counters that are not 0, except those of other traffic (passed, non_ip).
counts() {
	"$elfmap" -j map dump l2_stats sum | jq -c '.[0].value | del(.passed, .non_ip) | with_entries(select(.value > 0))'
}

# Guard and IPIP decapsulation on the server; the test decides where the redirect is.
set_up_server() {
	load_on server s0 ingress drop_non_tun_vip 1
	load_on server s0 ingress forward 2
	vxlan_on server $server_mac
	"$elfmap" map set l2_ends 0 '{ address 10.2.1.102 action L2_END_STRIP device 0 }' \
		1 '{ address fd02::66 action L2_END_STRIP device 0 }'
}

set_up_router() {
	vxlan_on router 02:00:00:00:00:65
	on router "$elfmap" map set tun_iface 0 dev vxl 1 dev r1
}

# mode NAME: prints the value of an entry that reaches the server by this tunnel.
mode() {
	case $1 in
	vxlan4) entry L2_TUNNEL 0 $server_mac 10.2.1.102 :: ;;
	vxlan6) entry L2_TUNNEL 0 $server_mac fd02::66 fd02::1 ;;
	ipip4) entry L2_IPIP 1 $no_mac 10.2.1.102 10.2.1.1 ;;
	ipip6) entry L2_IPIP 1 $no_mac fd02::66 fd02::1 ;;
	esac
}

# ---- what arrives -----------------------------------------------------------------------------------

@test "guard alone: plain packets for a VIP are dropped and counted, other packets arrive (A1)" {
	for to in $vip4 $vip6; do
		sends 100 client "$to" server
		assert_lossless
	done
	load_on server s0 ingress drop_non_tun_vip
	sends 100 client "$vip4" server # without the guard
	assert_lossless
	vips "$(entry L2_HERE 0 $no_mac :: ::)"
	for to in $vip4 $vip6; do
		sends 100 client "$to" server
		assert_none_arrived
	done
	[[ $(counts) == '{"guarded":200}' ]]
	for to in 10.2.1.102 fd02::66; do
		sends 100 client "$to" server
		assert_lossless
	done
}

@test "redirect without a device: packets take the usual path and are counted (A2)" {
	load_on router r0 ingress redirect
	vips "$(mode vxlan4)"
	for to in $vip4 $vip6; do
		sends 100 client "$to" server
		assert_lossless
	done
	[[ $(counts) == '{"unset":200}' ]]
}

@test "every tunnel type, both families inside and outside, at both hooks, from the client and from the router (A3, A4)" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	sent=0
	for hook in ingress egress; do
		if [[ $hook == egress ]]; then
			on router tc filter del dev r0 ingress
			load_on router r1 egress redirect
		fi
		for mode in vxlan4 vxlan6 ipip4 ipip6; do
			vips "$(mode $mode)"
			for from in client router; do
				[[ $hook == egress || $from == client ]] || continue
				for to in $vip4 $vip6; do
					echo "$hook $mode from $from to $to"
					sends 50 "$from" "$to" server
					assert_lossless
					sent=$((sent + $(report .sent)))
				done
			done
		done
	done
	[[ $(counts | jq -c '[.tunnel + .ipip, .guarded, .ipip == .stripped, has("gone")]') == "[$sent,null,true,false]" ]]
}

@test "on the wire: remote, VNI, TTL and TOS are those of the entry (A3)" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	on server "$elfmap" tc filter add dev s0 ingress pref 3 bpf da obj "$probe" sec outer
	on server tc filter del dev s0 ingress pref 2 # it would remove the tunnel header
	for mode in vxlan4 vxlan6 ipip4 ipip6; do
		vips "$(mode $mode)"
		sends 10 client "$vip4" server
		sends 10 client $vip6 server
	done
	outer=$("$elfmap" map dump l2_outer | sort)
	echo "$outer"
	# A tunnel device sets its own TOS; IPIP copies the two ECN bits from the inner header.
	[[ $outer == "\
{ remote 10.2.1.102 protocol 17 ttl 61 tos 8 vni 10000 } 20
{ remote 10.2.1.102 protocol 4 ttl 61 tos 8 vni 0 } 10
{ remote 10.2.1.102 protocol 41 ttl 61 tos 8 vni 0 } 10
{ remote fd02::66 protocol 17 ttl 61 tos 8 vni 10000 } 20
{ remote fd02::66 protocol 4 ttl 61 tos 8 vni 0 } 10
{ remote fd02::66 protocol 41 ttl 61 tos 8 vni 0 } 10" ]]
}

# With a hash of the outer header, one CPU would get all packets of a tunnel.
@test "a packet taken out of a tunnel no longer has the hash of the tunnel" {
	load_on router r0 ingress redirect
	set_up_router
	vips "$(mode ipip4)"
	on server "$elfmap" tc filter add dev s0 ingress pref 3 bpf da obj "$probe" sec hash
	sends 20 client "$vip4" server
	[[ $("$elfmap" -j map dump l2_hashed | jq -c 'map(.value)') == '[0,20]' ]]
	set_up_server
	sends 20 client "$vip4" server
	assert_lossless
	[[ $("$elfmap" -j map dump l2_hashed | jq -c 'map(.value)') == '[20,20]' ]]
}

@test "packets that are not for a VIP are unchanged, also tunnels in transit (A5, A7)" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	load_on router r0 ingress forward 8
	vips "$(mode vxlan4)"
	for to in 10.2.1.102 fd02::66 10.3.1.102; do
		sends 100 client "$to" server other
		assert_lossless
	done
	[[ $(counts) == '{}' ]]
	# The client has a tunnel of its own, through the router to another end.
	load_on client c0 egress redirect
	on client "$elfmap" map set tun_iface 2 dev c0
	vips "$(entry L2_IPIP 2 $no_mac 10.3.1.102 10.1.1.101)"
	on router tc filter del dev r0 ingress pref 9
	on other "$elfmap" tc filter add dev t0 ingress bpf da obj "$probe" sec outer
	sends 100 client "$vip4" other
	[[ $(counts) == '{"ipip":100}' ]] # the router has decapsulated nothing
	[[ $("$elfmap" map dump l2_outer) == '{ remote 10.3.1.102 protocol 4 ttl 60 tos 8 vni 0 } 100' ]]
}

@test "VLAN tags stay outside of tunnels" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	for section in tag tag_twice; do
		on client "$elfmap" tc filter replace dev c0 egress pref 1 handle 1 bpf da obj "$probe" sec $section
		sends 20 client 10.2.1.102 server # the router has no VLAN device
		assert_none_arrived
		for mode in vxlan4 ipip4 ipip6; do
			vips "$(mode $mode)"
			for to in $vip4 $vip6; do
				sends 20 client "$to" server
				assert_lossless
			done
		done
	done
	[[ $(counts) == '{"tunnel":80,"ipip":160,"stripped":160}' ]]
}

@test "fragments of a packet take the same path; a packet that is too long with the outer header is counted" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	on client ip link set dev c0 mtu 1280
	for mode in vxlan4 ipip4 ipip6; do
		vips "$(mode $mode)"
		for to in $vip4 $vip6; do
			run -0 --separate-stderr "$flood" from client to "$to" port 9000 rate 5000 packets 20 size 1400 at server
			assert_lossless
		done
	done
	[[ $(counts | jq -c '[.tunnel, .ipip, .stripped]') == '[80,160,160]' ]] # two fragments each
	on client ip link set dev c0 mtu 1600
	on router ip link set dev r1 mtu 1428
	vips "$(mode ipip4)"
	run -0 --separate-stderr "$flood" from client to $vip4 port 9000 rate 5000 packets 20 size 1400 at server
	assert_none_arrived
	[[ $(counts | jq -c .too_big) == 20 ]]
}

# TCP sends GSO packets, which are segmented after the tunnel.
@test "TCP through every tunnel: three megabytes arrive unchanged" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	on client ip link set dev c0 mtu 1500 # and 1600 beyond the router, for the tunnel headers
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	for mode in vxlan4 vxlan6 ipip4 ipip6; do
		vips "$(mode $mode)"
		echo "$mode"
		receive 9001 >"$BATS_TEST_TMPDIR/received" 3>&- &
		wait_for_port 9001
		on client timeout 20 bash -c "cat '$BATS_TEST_TMPDIR/sent' >/dev/tcp/$vip4/9001"
		wait $!
		cmp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/received"
	done
	[[ $(counts | jq -c '[.tunnel > 1000, .ipip > 1000, .guarded, .room_failed, .too_big]') == \
		'[true,true,null,null,null]' ]]
}

# One complete connection to the server. (perl-base is essential in Debian.)
receive() {
	# shellcheck disable=SC2016 # perl's
	on server timeout 20 perl -MSocket -e 'socket(L, PF_INET, SOCK_STREAM, 0); setsockopt(L, SOL_SOCKET, SO_REUSEADDR, 1);
		bind(L, sockaddr_in(shift, INADDR_ANY)) && listen(L, 1) && accept(C, L) or die "$!";
		while (sysread(C, $part, 65536)) { print $part }' "$1"
}

wait_for_port() {
	local end=$((SECONDS + 5))

	until on server ss -Hltn "sport = $1" | grep -q .; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}

@test "a packet leaves unencapsulated by a device, with the link address of the entry" {
	load_on router r0 ingress redirect
	on router "$elfmap" map set tun_iface 0 dev r2
	on other ip link set dev t0 address $other_mac
	vips "$(entry L2_DEVICE 0 $other_mac :: ::)"
	for to in $vip4 $vip6; do
		sends 100 client "$to" server other
		assert_lossless
		[[ $(report '.at[] | select(.netns == "other") | .received') == 100 ]]
	done
	vips "$(entry L2_DEVICE 0 $server_mac :: ::)" # no host has that address
	sends 100 client "$vip4" server other
	assert_none_arrived
	[[ $(counts) == '{"device":300}' ]]
}

# ---- under change -----------------------------------------------------------------------------------

@test "1000 changes of an entry under traffic: each packet uses the old entry or the new one, and none is lost" {
	set_up_server
	set_up_router
	load_on router r0 ingress redirect
	on router "$elfmap" map set tun_iface 2 dev r2
	on other ip link set dev t0 address $other_mac
	# A device with the other host's address, or a tunnel to the server: a mixture of both reaches no host.
	export elfmap plain tunnel
	plain=$(entry L2_DEVICE 2 $other_mac :: ::)
	tunnel=$(mode ipip4)
	"$elfmap" map set l2_vips 10.10.1.0/24 "$plain"
	# shellcheck disable=SC2016
	run -0 --separate-stderr "$flood" from client to $vip4 port 9000 rate 60000 packets 60000 at server at other -- \
		bash -ec 'for ((i = 0; i < 500; i++)); do
			"$elfmap" map set l2_vips 10.10.1.0/24 "$tunnel"
			"$elfmap" map set l2_vips 10.10.1.0/24 "$plain"
		done'
	assert_lossless
	sent=$(report .sent)
	[[ $(counts | jq -c '[.device + .ipip, .ipip == .stripped, .device > 1000, .ipip > 1000]') == \
		"[$sent,true,true,true]" ]]
	[[ $(counts | jq -c 'keys') == '["device","ipip","stripped"]' ]]
}

@test "1000 changes of a device under traffic: each packet takes one path or the other" {
	load_on router r0 ingress redirect
	on router "$elfmap" map set tun_iface 0 dev r1
	on server ip link set dev s0 address $other_mac
	on other ip link set dev t0 address $other_mac
	"$elfmap" map set l2_vips $vip4/32 "$(entry L2_DEVICE 0 $other_mac :: ::)"
	export elfmap
	# shellcheck disable=SC2016
	run -0 --separate-stderr "$flood" from client to $vip4 port 9000 rate 60000 packets 60000 at server at other -- \
		nsenter --net=/run/netns/router bash -ec 'for ((i = 0; i < 500; i++)); do
			"$elfmap" map set tun_iface 0 dev r2
			"$elfmap" map set tun_iface 0 dev r1
		done'
	assert_lossless
	[[ $(counts) == "{\"device\":$(report .sent)}" ]]
}

# ---- the manual page --------------------------------------------------------------------------------

# example NTH NETNS ETH0 ETH1: runs the page's NTH example in NETNS, without mdoc's escapes.
example() {
	awk -v nth="$1" '/^\.Sh EXAMPLES/ { examples = 1 } examples && /^\.Bd/ { n++ } /^\.Ed/ { inside = 0 }
		inside && n == nth { sub(/^# /, ""); print } examples && /^\.Bd/ { inside = 1 }' man/elfmap-l2-redirect.8 |
		sed "s/\\\\e/\\\\/; s/eth0/$3/; s/eth1/$4/; s|l2_redirect\.o|$object|" >"$BATS_TEST_TMPDIR/example"
	cat "$BATS_TEST_TMPDIR/example"
	[[ -s $BATS_TEST_TMPDIR/example ]]
	PATH=$(dirname "$elfmap"):$PATH on "$2" bash -ex "$BATS_TEST_TMPDIR/example"
}

@test "the examples of elfmap-l2-redirect(8) print what the page shows" {
	example 3 server - s0
	sends 100 client "$vip4" server
	assert_none_arrived
	[[ $(counts) == '{"guarded":100}' ]]
	vxlan_on server $server_mac
	example 1 router r0 r1
	sends 100 client "$vip4" server
	assert_lossless
	example 2 router r0 r1
	sends 100 client "$vip4" server
	assert_lossless
	[[ $(counts) == '{"tunnel":100,"ipip":100,"stripped":100,"guarded":100}' ]]
	run -0 example 4 router r0 r1
	[[ $output == *'tunnel 100 ipip 100'*'vxl '*ok* ]]
}

# ---- an old tc ----------------------------------------------------------------------------------------

@test "a tc without libbpf can load the object" {
	run -0 "$elfmap" check --old-tc "$object"
	[[ $output == *'takes it'* ]]
	run -1 "$elfmap" check --old-tc "$build/tests/testdata/no_old_tc.o"
}
