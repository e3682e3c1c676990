#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Count flows inside tunnels with a tail-call parser, and replace its stages while packets flow.
#
#      namespace red                                 namespace blue
#   +---------------------+                       +---------------------+
#   |  vx0 10.8.0.1/24    + - - VXLAN, VNI 42 - - +  vx0 10.8.0.2/24    |
#   |  v0  10.9.0.1/24    +-----------------------+  v1  10.9.0.2/24    |
#   +---------------------+         veth          +---------------------+
#                                    parser.o: v1 ingress --> /sys/fs/bpf/tc/globals/parser_*
#
# 1. The parser counts each flow inside the tunnel.
# 2. The stage for VXLAN is removed and restored. Pings continue; packets that needed the stage are counted.
# 3. An external stage, parser_quic.o, is added for UDP payload.
#
#   scripts/lab-parser.sh [OBJECT]     OBJECT: another parser, such as parser_percpu.o
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

object=${1:-$BUILD/tc-progs/parser.o}

# Without IPv6 and address resolution, only the packets of the lab are sent.
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

say 'two namespaces, connected by a veth pair with a tunnel'
netns_add red blue
veth_add red v0 blue v1
host red v0 1 2
host blue v1 2 1

say 'without the parser: the pings work, and there are no counters'
pings 2
cmd elfmap map list

say 'the parser: one program for each protocol, in the slots of a pinned jump table'
on blue tc qdisc add dev v1 clsact
on blue elfmap tc filter add dev v1 ingress bpf da obj "$object" sec classifier
cmd elfmap map dump parser_stages

say '4 pings: one flow, with the addresses inside the tunnel'
pings 4
cmd elfmap map dump parser_flows4
cmd elfmap map dump parser_ends sum

say 'remove the stage for VXLAN: 3 pings are answered as before, and counted as packets that needed it'
cmd elfmap graft parser_stages vxlan --empty
pings 3
cmd elfmap map dump parser_flows4
cmd elfmap map dump parser_empty sum

say 'restore it: 2 more pings in the flow'
cmd elfmap graft parser_stages vxlan "$object" sec 0x70/9
pings 2
cmd elfmap map dump parser_flows4

say 'add an external stage after UDP: it recognises QUIC, then the flow is counted'
cmd elfmap graft parser_stages udp_payload "$BUILD/tc-progs/parser_quic.o" sec quic
send '\xc0\x00\x00\x00\x01\x08handshake' # a client's first packet, as far as it matters here
send '\xc0\x00\x00\x00\x01\x08handshake'
send '\x00no QUIC'
cmd elfmap map dump quic_packets sum
cmd elfmap map dump parser_flows4
say 'done'
