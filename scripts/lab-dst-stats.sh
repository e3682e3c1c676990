#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Packets and bytes per destination: a legacy classifier with an unchanged tc command line.
#
#      namespace red                          namespace blue
#   +------------------------+             +------------------------+
#   |        10.9.0.1/24     |             |        10.9.0.2/24     |
#   |  v0    fd09::1/64      +-------------+        fd09::2/64   v1 |
#   +------------------------+    veth     +------------------------+
#      dst_stats.o: ingress, egress  -->  /sys/fs/bpf/tc/globals/dst_stats
#
# 1. `elfmap tc` attaches the object to v0. After some pings, the pinned map contains the counters.
# 2. `elfmap exec` runs an unchanged script with the same tc commands. It reuses the pinned map, so counting
#    continues.
#
#   scripts/lab-dst-stats.sh [OBJECT]     OBJECT: an object with sections ingress and egress
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

object=${1:-$BUILD/tc-progs/dst_stats.o}

# IPv6 gets a permanent neighbour, like IPv4: solicitations would be counted, too.
addresses() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip address add "fd09::$own/64" dev "$dev" nodad
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
	on "$name" ip neigh replace "fd09::$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
}

pings() {
	in_short on red ping -4 -c "$1" -i 0.2 10.9.0.2
	in_short on red ping -6 -c "$2" -i 0.2 fd09::2
}

say 'two namespaces, connected by a veth pair'
netns_add red blue
veth_add red v0 blue v1
addresses red v0 1 2
addresses blue v1 2 1

say 'attach the classifier to v0 in both directions: the usual commands, prefixed with elfmap'
on red tc qdisc add dev v0 clsact
on red elfmap tc filter add dev v0 ingress bpf da obj "$object" sec ingress
on red elfmap tc filter add dev v0 egress bpf da obj "$object" sec egress
on red tc filter show dev v0 ingress

say 'send 4 IPv4 and 3 IPv6 pings, and read the counters'
pings 4 3
cmd elfmap map dump dst_stats sum

say 'an old script does the same with plain tc'
on red tc qdisc del dev v0 clsact
old_script=/run/classify.sh
cat >"$old_script" <<'SCRIPT'
#!/bin/sh -e
# usage: classify.sh DEV OBJECT
tc qdisc add dev "$1" clsact
tc filter add dev "$1" ingress bpf da obj "$2" sec ingress
tc filter add dev "$1" egress bpf da obj "$2" sec egress
SCRIPT
chmod +x "$old_script"
cmd cat "$old_script"

say 'the output of the system'\''s tc'
if on red "$old_script" v0 "$object"; then
	say 'this tc supports legacy objects itself'
else
	say 'refused: nothing was loaded'
fi
on red tc qdisc del dev v0 clsact

say 'the same script, unchanged, under elfmap exec'
on red elfmap exec "$old_script" v0 "$object"
on red tc filter show dev v0 egress

say 'send 2 more IPv4 pings and 1 IPv6 ping, counted in the same pinned map'
pings 2 1
cmd elfmap map dump dst_stats sum
say 'done'
