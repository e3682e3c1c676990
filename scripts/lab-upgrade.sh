#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A pipeline of tail calls upgraded and rolled back under traffic, written down, broken, and found broken.
#
#      namespace red                                 namespace blue
#   +---------------------+                       +---------------------+
#   |  v0  10.9.0.1/24    +-----------------------+  v1  10.9.0.2/24    |
#   +---------------------+         veth          +---------------------+
#                               gen.o: v1 ingress --> /sys/fs/bpf/tc/globals/gen_*
#
# gen.o is an entry and two stages in the slots of gen_jmp. Each looks whether the one before it was of its own
# version; gen_cells has how many packets went whole through version 1 (cell 0), whole through version 2 (cell 1),
# through some of both (cell 2), and how many ended at an empty slot (cell 3).
#
# 1. Attached by `elfmap attach`; a flood of pings; version 2 goes live, version 1 comes back, and so on. Every
#    ping is answered, and went through one version whole.
# 2. The same as a file of two lines: `elfmap apply` does what is missing, and then nothing more.
# 3. A stage is lost; `elfmap doctor` finds it, and says how to mend it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

version_1=$BUILD/tests/testdata/generation_1.o
version_2=$BUILD/tests/testdata/generation_2.o
[[ -e $version_1 && -e $version_2 ]] || die "$version_1: not built yet; 'make demo' builds it"

# No IPv6, no address resolution: nothing is on the wire but what the lab sends.
host() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
}

# Packets have come since; so many that a change falls into the middle of them.
flows() {
	local packets

	packets=$(elfmap -j map dump gen_cells sum types u32:u64 | jq '[.[].value] | add')
	((packets > $1 + 20)) && seen=$packets
}

wait_for_packets() {
	wait_for 'pings' 20 flows "$seen"
}

# Not found, nothing to mend: the doctor's status is for scripts, and it is not the lab's.
doctor() {
	on blue elfmap doctor dev v1 || true
}

say 'two namespaces and a cable'
netns_add red blue
veth_add red v0 blue v1
host red v0 1 2
host blue v1 2 1

say 'version 1 at the ingress of v1: the clsact is made, the maps are pinned, the slots are filled'
cmd cp "$version_1" /run/gen.o
on blue elfmap attach /run/gen.o sec ingress dev v1 ingress
say 'the same again changes nothing'
on blue elfmap attach /run/gen.o sec ingress dev v1 ingress

say 'pings, 500 a second, and meanwhile another version, and back, and forth again'
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

say 'whole through version 1, whole through version 2, mixed, lost:'
cmd elfmap map dump gen_cells sum types u32:u64

say 'what shall be there, as a file: the same at the egress, too; first what that would do'
cat >/run/pipeline <<-'END'
	attach gen.o sec ingress dev v1 ingress
	attach gen.o sec egress  dev v1 egress
END
cmd cat /run/pipeline
on blue elfmap apply /run/pipeline --dry-run
on blue elfmap apply /run/pipeline
say 'and again: nothing is left to do'
on blue elfmap apply /run/pipeline

say 'a stage is lost: 3 pings are answered, but they and their answers end at the empty slot'
doctor
cmd elfmap graft gen_jmp 1 --empty
in_short on red ping -c 3 -i 0.2 10.9.0.2
cmd elfmap map dump gen_cells sum types u32:u64
doctor

say 'mended as it says'
cmd elfmap graft globals/gen_jmp 1 /run/gen.o sec 7/1
doctor
in_short on red ping -c 3 -i 0.2 10.9.0.2
cmd elfmap map dump gen_cells sum types u32:u64
say 'done'
