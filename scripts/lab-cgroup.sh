#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Filter packets by the sender's cgroup: rules in slots and rules by cgroup id, changed while packets flow.
#
#      namespace red                          namespace blue
#   +------------------------+             +------------------------+
#   |        10.9.0.1/24     |             |        10.9.0.2/24     |
#   |  v0    fd09::1/64      +-------------+        fd09::2/64   v1 |
#   +------------------------+    veth     +------------------------+
#      egress: cgroup_filter.o, then cgroup_id_filter.o
#
#      cgroup2
#        web-PID               a rule for web applies to it and all cgroups below it
#          web-PID/backend     sends packets
#        guest-PID             sends packets
#
# 1. Without rules all packets pass.
# 2. One rule in one slot: web may not ping.
# 3. The rule and the cgroup in the slot are changed while the filter is attached.
# 4. The same with rules by cgroup id, found with one look-up, on one level of the tree.
#
#   scripts/lab-cgroup.sh [DIR]     DIR: the directory of cgroup_filter.o and cgroup_id_filter.o
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
lab_private "$@"
shift

objects=${1:-$BUILD/tc-progs}

addresses() {
	local name=$1 dev=$2 own=$3 other=$4

	on "$name" ip address add "10.9.0.$own/24" dev "$dev"
	on "$name" ip address add "fd09::$own/64" dev "$dev" nodad
	on "$name" ip neigh replace "10.9.0.$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
	on "$name" ip neigh replace "fd09::$other" lladdr "02:00:00:00:00:0$other" dev "$dev" nud permanent
}

# two_pings CGROUP FAMILY
two_pings() {
	in_short inside "$1" red ping "-$2" -c 2 -i 0.2 -W 1 "$([[ $2 == 4 ]] && echo 10.9.0.2 || echo fd09::2)"
}

passes() {
	two_pings "$@" || die "$1: packets should pass"
}

dropped() {
	if two_pings "$@"; then
		die "$1: packets should be dropped"
	fi
}

say 'two namespaces, connected by a veth pair; three cgroups'
netns_add red blue
veth_add red v0 blue v1
addresses red v0 1 2
addresses blue v1 2 1
cgroup_add web web/backend guest

say 'the filter without rules: all packets pass'
on red tc qdisc add dev v0 clsact
on red elfmap tc filter add dev v0 egress bpf da obj "$objects/cgroup_filter.o" sec filter
passes web/backend 4

say 'a rule in slot 0 drops ICMP over IPv4 from web and all cgroups below it'
cmd elfmap map set cgroup_rules 0 '{' verdict drop family 4 protocol icmp port_first 0 port_last 0 '}'
cmd elfmap cgroup set cgroup_acl 0 "$(cgroup_dir web)"
cmd elfmap cgroup show cgroup_acl
dropped web/backend 4
passes web/backend 6
passes guest 4
say 'its hits: more than two packets, since ping is told about the drop and retries'
cmd elfmap map get cgroup_hits 0 sum

say 'change the cgroup in the slot: the rule now applies to guest'
cmd elfmap cgroup set cgroup_acl 0 "$(cgroup_dir guest)"
passes web/backend 4
dropped guest 4

say 'insert a rule that accepts guest before it; the old rule moves to slot 1'
cmd elfmap map set cgroup_rules 1 '{' verdict drop family 4 protocol icmp port_first 0 port_last 0 '}'
cmd elfmap cgroup set cgroup_acl 1 "$(cgroup_dir guest)"
cmd elfmap map set cgroup_rules 0 '{' verdict ok family 4 protocol icmp port_first 0 port_last 0 '}'
passes guest 4
cmd elfmap map dump cgroup_totals sum

say 'the second filter: one rule for each cgroup, by id; with level 1, backend matches the rule of web'
on red tc filter del dev v0 egress
on red elfmap tc filter add dev v0 egress bpf da obj "$objects/cgroup_id_filter.o" sec filter
cmd elfmap map set cgroup_id_rules "/web-$$" '{' verdict drop protocol icmp family 4 counter 1 port_first 0 port_last 0 '}'
passes web/backend 4
dropped web 4
cmd elfmap map set cgroup_id_policy 0 '{' unmatched next no_socket next unparsable next level 1 '}'
dropped web/backend 4
passes guest 4
cmd elfmap cgroup show cgroup_id_rules
cmd elfmap map get cgroup_id_hits 1 sum
say 'done'
