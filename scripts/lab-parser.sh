#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Flows inside tunnels, by a parser of tail calls whose stages are exchanged while packets flow.
#
#      namespace red                                 namespace blue
#   +---------------------+                       +---------------------+
#   |  vx0 10.8.0.1/24    + - - VXLAN, VNI 42 - - +  vx0 10.8.0.2/24    |
#   |  v0  10.9.0.1/24    +-----------------------+  v1  10.9.0.2/24    |
#   +---------------------+         veth          +---------------------+
#                                    parser.o: v1 ingress --> /sys/fs/bpf/tc/globals/parser_*
#
# 1. Without the parser nothing tells what is in the tunnel; with it each inner flow is counted.
# 2. The stage for VXLAN is taken out and put back. Pings go on; their packets are counted as having
#    needed it.
# 3. A stage of somebody else's, parser_quic.o, is added behind UDP.
#
#   scripts/lab-parser.sh [OBJECT]     OBJECT: another parser, parser_percpu.o for instance
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

object=${1:-$BUILD/tc-progs/parser.o}

# No IPv6, no address resolution: nothing is on the wire but what the lab sends.
host() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
	on "$name" ip link add vx0 address "02:00:00:00:08:0$own" type vxlan id 42 dstport 4789 remote "10.9.0.$other" dev "$dev"
	on "$name" sysctl -qw net.ipv6.conf.vx0.disable_ipv6=1
	on "$name" ip link set dev vx0 up
	on "$name" ip address add "10.8.0.$own/24" dev vx0
	on "$name" ip neigh replace "10.8.0.$other" lladdr "02:00:00:00:08:0$other" dev vx0 nud permanent
}

pings() {
	in_short on red ping -c "$1" -i 0.2 10.8.0.2
}

# A UDP packet to port 443 in the tunnel.
send() {
	on red bash -c "printf \"$1\" >/dev/udp/10.8.0.2/443"
}

say 'two namespaces, a cable, and a tunnel in it'
netns_add red blue
veth_add red v0 blue v1
host red v0 1 2
host blue v1 2 1

say 'without the parser: the pings work, and nothing tells who talked to whom'
pings 2
cmd elfmap map list

say 'with it: a program a protocol, in the slots of a pinned jump table'
on blue tc qdisc add dev v1 clsact
on blue elfmap tc filter add dev v1 ingress bpf da obj "$object" sec classifier
cmd elfmap map dump parser_stages

say '4 pings: one flow, by the addresses inside the tunnel'
pings 4
cmd elfmap map dump parser_flows4
cmd elfmap map dump parser_ends sum

say 'the stage for VXLAN taken out: 3 pings are answered as before, and counted as having needed it'
cmd elfmap graft parser_stages vxlan --empty
pings 3
cmd elfmap map dump parser_flows4
cmd elfmap map dump parser_empty sum

say 'and put back: 2 pings more in the flow'
cmd elfmap graft parser_stages vxlan "$object" sec 0x70/9
pings 2
cmd elfmap map dump parser_flows4

say 'a stage of somebody else'\''s behind UDP: it recognises QUIC, and the flow is counted after it'
cmd elfmap graft parser_stages udp_payload "$BUILD/tc-progs/parser_quic.o" sec quic
send '\xc0\x00\x00\x00\x01\x08handshake' # a client's first packet, as far as it matters here
send '\xc0\x00\x00\x00\x01\x08handshake'
send '\x00no QUIC'
cmd elfmap map dump quic_packets sum
cmd elfmap map dump parser_flows4
say 'done'
