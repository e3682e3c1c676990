#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Upgrade and roll back a tail-call pipeline under traffic, describe it in a file, and diagnose a fault.
#
#      namespace red                                 namespace blue
#   +---------------------+                       +---------------------+
#   |  v0  10.9.0.1/24    +-----------------------+  v1  10.9.0.2/24    |
#   +---------------------+         veth          +---------------------+
#                               gen.o: v1 ingress --> /sys/fs/bpf/tc/globals/gen_*
#
# gen.o has an entry and two stages in the slots of gen_jmp. Each stage compares its version with the one of the
# stage before it. gen_cells counts packets that passed only version 1 (cell 0), only version 2 (cell 1), or both
# (cell 2), and packets that ended at an empty slot (cell 3).
#
# 1. `elfmap attach` attaches version 1. During a flood of pings, `elfmap upgrade` switches between version 1 and 2.
#    Every ping is answered, and every packet passes a single version.
# 2. A file of two lines describes the pipeline. `elfmap apply` adds what is missing, and the second time nothing.
# 3. A stage is removed. `elfmap doctor` finds the empty slot, and prints the command that fixes it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

version_1=$BUILD/tests/testdata/generation_1.o
version_2=$BUILD/tests/testdata/generation_2.o
[[ -e $version_1 && -e $version_2 ]] || die "$version_1: not built yet; 'make demo' builds it"

# Without IPv6 and address resolution, only the packets of the lab are sent.
host() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
}

# At least 20 packets arrived since the last call, so that a change happens between packets.
flows() {
	local packets

	packets=$(elfmap -j map dump gen_cells sum types u32:u64 | jq '[.[].value] | add')
	((packets > $1 + 20)) && seen=$packets
}

wait_for_packets() {
	wait_for 'pings' 20 flows "$seen"
}

# The exit status is 1 if there are findings; the lab continues.
doctor() {
	on blue elfmap doctor dev v1 || true
}

say 'two namespaces, connected by a veth pair'
netns_add red blue
veth_add red v0 blue v1
host red v0 1 2
host blue v1 2 1

say 'attach version 1 to the ingress of v1: creates the clsact qdisc, pins the maps, fills the slots'
cmd cp "$version_1" /run/gen.o
on blue elfmap attach /run/gen.o sec ingress dev v1 ingress
say 'the same command again changes nothing'
on blue elfmap attach /run/gen.o sec ingress dev v1 ingress

say '500 pings a second; meanwhile upgrade, roll back, and roll forward again'
seen=0
on_behind red ping -q -i 0.002 -c 1500 10.9.0.2
pings=$!
cmd cp "$version_2" /run/gen.o
wait_for_packets
on blue elfmap upgrade /run/gen.o
wait_for_packets
on blue elfmap upgrade /run/gen.o --rollback
wait_for_packets
on blue elfmap upgrade /run/gen.o --rollback
wait "$pings"

say 'packets through version 1, through version 2, through both, lost:'
cmd elfmap map dump gen_cells sum types u32:u64

say 'the desired state as a file, with the egress in addition; first a dry run'
cat >/run/pipeline <<-'END'
	attach gen.o sec ingress dev v1 ingress
	attach gen.o sec egress  dev v1 egress
END
cmd cat /run/pipeline
on blue elfmap apply /run/pipeline --dry-run
on blue elfmap apply /run/pipeline
say 'again: nothing is left to do'
on blue elfmap apply /run/pipeline

say 'remove a stage: 3 pings are answered, but they and their replies end at the empty slot'
doctor
cmd elfmap graft gen_jmp 1 --empty
in_short on red ping -c 3 -i 0.2 10.9.0.2
cmd elfmap map dump gen_cells sum types u32:u64
doctor

say 'fix it as suggested'
cmd elfmap graft globals/gen_jmp 1 /run/gen.o sec 7/1
doctor
in_short on red ping -c 3 -i 0.2 10.9.0.2
cmd elfmap map dump gen_cells sum types u32:u64
say 'done'
