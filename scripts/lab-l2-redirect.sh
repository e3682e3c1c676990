#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Redirect packets for virtual addresses into tunnels; the server accepts them only from a tunnel.
#
#     namespace client             namespace router              namespace server
#   +------------------+      +------------------------+      +-----------------------+
#   |  10.1.1.101/24   |      | 10.1.1.1      10.2.1.1 |      | 10.2.1.102/24         |
#   |  fd01::65    c0  +------+ r0    (vxl)         r1 +------+ s0    (vxl)           |
#   +------------------+ veth | fd01::1        fd02::1 | veth | fd02::66              |
#                             +------------------------+      | lo: VIPs 10.10.1.102, |
#      l2_redirect.o:           r0 ingress: redirect          |     fdfa:ce::66       |
#                                                             +-----------------------+
#                                                               s0 ingress: the guard,
#                                                                           forward
#
# 1. Without a tunnel: the router routes packets for the VIPs, and the guard on the server drops them.
# 2. With entries in l2_vips: the packets arrive in a vxlan, and the VIPs reply.
# 3. The entries are changed during a ping: from the vxlan to IPIP, which the classifier encapsulates without
#    tunnel devices. No reply is lost.
# 4. The vxlan device is deleted and created again. `elfmap map check` finds and fixes its number.
#
#   scripts/lab-l2-redirect.sh [OBJECT]     OBJECT: an object with these sections
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

object=${1:-$BUILD/tc-progs/l2_redirect.o}
vip4=10.10.1.102
vip6=fdfa:ce::66
server_mac=02:00:00:00:00:66 # of its vxlan device, to which the frames inside are addressed

# All of it ends with the namespace. Without duplicate address detection IPv6 works at once.
sysctls() {
	on "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.accept_dad=0 "${@:2}"
}

link_up() { # A DEV ADDRESS4 ADDRESS6 B DEV ADDRESS4 ADDRESS6
	veth_add "$1" "$2" "$5" "$6"
	on "$1" ip address add "$3/24" dev "$2"
	on "$1" ip address add "$4/64" dev "$2" nodad
	on "$5" ip address add "$7/24" dev "$6"
	on "$5" ip address add "$8/64" dev "$6" nodad
}

vxlan_add() { # NAMESPACE MAC
	on "$1" ip link add vxl address "$2" type vxlan external dstport 4789
	on "$1" ip link set dev vxl up
}

topology() {
	netns_add client router server
	sysctls client
	sysctls router net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	sysctls server
	link_up client c0 10.1.1.101 fd01::65 router r0 10.1.1.1 fd01::1
	link_up router r1 10.2.1.1 fd02::1 server s0 10.2.1.102 fd02::66
	on client ip route add default via 10.1.1.1
	on client ip route add default via fd01::1
	on server ip route add default via 10.2.1.1
	on server ip route add default via fd02::1
	on server ip address add $vip4/32 dev lo
	on server ip address add $vip6/128 dev lo
	on router ip route add 10.10.1.0/24 via 10.2.1.102
	on router ip route add fdfa:ce::/32 via fd02::66
}

# Three pings each, answered or not.
pings() {
	local vip

	for vip in $vip4 $vip6; do
		in_short on client ping -c 3 -i 0.2 -W 0.5 "$vip" || true
	done
}

counters() {
	local only_set='.[0].value | with_entries(select(.value > 0))'

	printf '$ elfmap -j map dump l2_stats sum | jq -c %s\n' "${only_set@Q}"
	elfmap -j map dump l2_stats sum | jq -c "$only_set"
}

tunnelled_more_than() {
	(($(elfmap -j map dump l2_stats sum | jq '.[0].value.tunnel') > $1))
}

# What both VIPs have in common.
vips() {
	printf '%s { %s }\n' 10.10.1.0/24 "$*" fdfa:ce::/32 "$*" >/run/vips
	cmd cat /run/vips
	cmd elfmap map load l2_vips /run/vips
}

vips_in_vxlan() {
	vips action L2_TUNNEL device 0 tunnel_id 10000 tunnel_flags 0 ttl 61 tos 0 to $server_mac \
		remote 10.2.1.102 local ::
}

vips_in_ipip() {
	vips action L2_IPIP device 1 tunnel_id 0 tunnel_flags 0 ttl 0 tos 0 to 00:00:00:00:00:00 \
		remote 10.2.1.102 local 10.2.1.1
}

vips_here() {
	vips action L2_HERE device 0 tunnel_id 0 tunnel_flags 0 ttl 0 tos 0 to 00:00:00:00:00:00 remote :: local ::
}

say 'three namespaces, two veth pairs; the virtual addresses are on the server'
topology

say 'without a classifier the VIPs reply: the router has routes to them'
pings

say 'the guard drops packets for a VIP that arrive without a tunnel'
on server tc qdisc add dev s0 clsact
on server elfmap tc filter add dev s0 ingress pref 1 bpf da obj "$object" sec drop_non_tun_vip
on server elfmap tc filter add dev s0 ingress pref 2 bpf da obj "$object" sec forward
vips_here
pings
counters

say 'redirect into a vxlan; the namespaces share the pinned maps, unlike two machines'
vxlan_add router 02:00:00:00:00:65
vxlan_add server $server_mac
on router tc qdisc add dev r0 clsact
on router elfmap tc filter add dev r0 ingress bpf da obj "$object" sec redirect
on router elfmap map set tun_iface 0 dev vxl 1 dev r1
vips_in_vxlan
pings
counters

say 'change from vxlan to IPIP during a ping: each packet takes one path or the other'
cmd elfmap map set l2_ends 0 '{' address 10.2.1.102 action L2_END_STRIP device 0 '}'
on_behind client ping -c 15 -i 0.1 -W 1 -q $vip4
pings=$!
wait_for 'pings in the vxlan' 5 tunnelled_more_than 8
vips_in_ipip
wait "$pings"
pings
counters

say 'back to the vxlan; then create its device again: the number is wrong, packets leave without a tunnel'
vips_in_vxlan
on router ip link del dev vxl
vxlan_add router 02:00:00:00:00:65
pings
on router elfmap map check tun_iface || say 'fix it'
on router elfmap map check tun_iface --fix
pings
counters
say 'done'
