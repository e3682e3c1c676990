#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# cgroup_filter and cgroup_id_filter on a device: real senders in real cgroups, and rules that change while
# packets flow.

# shellcheck disable=SC2154,SC2030,SC2031 # flood.bash, cgroups.bash and run set them, for one test each
bats_require_minimum_version 1.5.0

load flood.bash
load cgroups.bash

setup() {
	setup_cgroups
	setup_flood
	PATH=$build:$PATH
	# A neighbour that receives packets and never answers. No other traffic.
	on red ip neigh replace 10.9.0.7 lladdr 02:00:00:00:00:02 dev v0 nud permanent
}

teardown() {
	teardown_flood
	teardown_cgroups
}

filter() {
	on red elfmap tc filter add dev v0 egress bpf da obj "$build/tc-progs/cgroup_filter.o" sec filter
}

id_filter() {
	on red elfmap tc filter add dev v0 egress bpf da obj "$build/tc-progs/cgroup_id_filter.o" sec filter
}

# rule SLOT VERDICT [FAMILY [PROTOCOL [FIRST [LAST]]]]
rule() {
	elfmap map set cgroup_rules "$1" \
		"{ verdict $2 family ${3:-0} protocol ${4:-any} port_first ${5:-0} port_last ${6:-0} }"
}

total() {
	elfmap -j map get "${2:-cgroup_totals}" 0 sum | jq ".value.$1"
}

hits() {
	elfmap -j map get "${2:-cgroup_hits}" "$1" sum | jq .value.packets
}

drops() {
	on red tc -s -j qdisc show dev v0 | jq '[.[] | select(.kind == "clsact") | .drops] | add'
}

# send CGROUP N: N UDP packets from a socket that is made in CGROUP. Sets `arrived` to the numbers sent and received.
send() {
	run -0 in_cgroup "$1" "$flood" from red to 10.9.0.2 port 9000 packets "$2" at blue
	arrived=$(report '"\(.sent) \(.once)"')
}

@test "a tc without libbpf can load both objects" {
	for object in cgroup_filter cgroup_id_filter; do
		run -0 elfmap check --old-tc "$build/tc-progs/$object.o"
		[[ $output == *'a tc without libbpf takes it' ]]
	done
}

@test "packets of a cgroup pass without a rule, are dropped and counted with one, and pass again after clear" {
	filter
	rule 0 drop 4 udp 9000
	send "$leaf" 3
	[[ $arrived == '3 3' ]]
	[[ $(total dropped) == 0 ]]
	((3 <= $(total empty_slots)))

	elfmap cgroup set cgroup_acl 0 "$top"
	send "$leaf" 3
	[[ $arrived == '3 0' ]]
	[[ $(total dropped) == 3 && $(drops) == 3 && $(hits 0) == 3 ]]

	elfmap cgroup clear cgroup_acl 0
	empty=$(total empty_slots)
	send "$leaf" 3
	[[ $arrived == '3 3' ]]
	((empty + 3 <= $(total empty_slots)))
	[[ $(total dropped) == 3 ]]
}

@test "a sender inside the cgroup gets an error, one outside does not" {
	filter
	rule 0 drop
	elfmap cgroup set cgroup_acl 0 "$leaf"
	for address in 10.9.0.2 fd09::2; do
		before=$(total dropped)
		run ! in_cgroup "$leaf" nsenter --net=/run/netns/red ping -c 3 -i 0.2 -W 1 "$address"
		[[ $output == *'No buffer space available'* && $output == *' 0 received'* ]]
		((before + 3 <= $(total dropped)))
		[[ $(drops) == "$(total dropped)" ]]
		run -0 in_cgroup "$top" nsenter --net=/run/netns/red ping -c 3 -i 0.2 -W 1 "$address"
		[[ $output == *' 3 received'* ]]
		[[ $(drops) == "$(total dropped)" ]]
	done
	send "$top" 3
	[[ $arrived == '3 3' ]]
}

@test "a rule matches family, protocol and ports, and the first match decides" {
	filter
	elfmap cgroup set cgroup_acl 0 "$leaf"
	elfmap cgroup set cgroup_acl 1 "$top"
	elfmap cgroup set cgroup_acl 2 "$top"
	rule 0 drop 4 tcp 9000
	rule 1 ok 4 udp 8000 9000
	rule 2 drop
	send "$leaf" 3
	[[ $arrived == '3 3' && $(hits 1) == 3 && $(total accepted) == 3 ]]
	rule 1 ok 4 udp 9001
	send "$leaf" 3
	[[ $arrived == '3 0' && $(hits 1) == 3 && $(hits 2) == 3 ]]
	rule 0 ok 4 udp 9000
	send "$leaf" 3
	[[ $arrived == '3 3' && $(hits 0) == 3 ]]
	send "$top" 3
	[[ $arrived == '3 0' && $(hits 2) == 6 ]]
}

@test "the policy decides about packets that match no cgroup" {
	filter
	elfmap cgroup set cgroup_acl 0 "$leaf"
	rule 0 ok
	elfmap map set cgroup_policy 0 '{ unmatched drop no_socket next unparsable drop }'
	send "$leaf" 3
	[[ $arrived == '3 3' ]]
	before=$(total unmatched)
	send "$top" 3
	[[ $arrived == '3 0' ]]
	((before + 3 <= $(total unmatched)))
	elfmap map set cgroup_policy 0 '{ unmatched next no_socket next unparsable drop }'
	send "$top" 3
	[[ $arrived == '3 3' ]]
}

@test "a packet belongs to the cgroup in which its socket was made, also after the process has moved" {
	filter
	rule 0 drop 4 udp
	elfmap cgroup set cgroup_acl 0 "$leaf"
	# hits prints the number of matches of the rule so far.
	# shellcheck disable=SC2016 # for the inner shell
	run -0 in_cgroup "$top" nsenter --net=/run/netns/red bash -c '
		hits() { elfmap -j map get cgroup_hits 0 sum | jq .value.packets; }
		exec 3<>/dev/udp/10.9.0.7/9000
		echo x >&3; hits
		echo $$ >"$1/cgroup.procs"
		echo x >&3; hits
		exec 4<>/dev/udp/10.9.0.7/9000
		echo x >&4; hits
		echo $$ >"$2/cgroup.procs"
		echo x >&4; hits
		echo x >&3; hits' _ "$leaf" "$top"
	[[ $(paste -sd ' ' <<<"$output") == '0 0 1 2 2' ]]
}

@test "packets of the kernel match no cgroup, or the root" {
	filter
	rule 0 drop
	elfmap cgroup set cgroup_acl 0 "$top"
	run -0 on blue ping -c 3 -i 0.2 -W 1 10.9.0.1
	[[ $output == *' 3 received'* ]]
	[[ $(hits 0) == 0 ]]
	elfmap cgroup set cgroup_acl 0 "$cgroup2"
	run ! on blue ping -c 3 -i 0.2 -W 1 10.9.0.1
	[[ $output == *' 0 received'* ]]
	((3 <= $(hits 0)))
	# ARP has no socket.
	no_socket=$(total no_socket)
	on red ip neigh del 10.9.0.7 dev v0
	run ! on red ping -c 1 -W 1 10.9.0.7
	((no_socket < $(total no_socket)))
}

@test "MLD reports, which follow a hop-by-hop header, are dropped as ICMPv6" {
	in_cgroup "$leaf" ip netns add green
	ip link add w0 netns green type veth peer name w1 netns blue
	on blue ip link set w1 up
	on green tc qdisc add dev w0 clsact
	on green elfmap tc filter add dev w0 egress bpf da obj "$build/tc-progs/cgroup_filter.o" sec filter
	rule 0 drop 6 icmpv6
	elfmap cgroup set cgroup_acl 0 "$leaf"
	on green ip link set w0 up
	deadline=$((SECONDS + 10))
	until (($(hits 0) > 0)); do
		((SECONDS < deadline))
		sleep 0.05
	done
	[[ $(total too_short) == 0 && $(total unmatched) == 0 ]]
	on green ip link del w0
	ip netns del green
}

@test "at the ingress of a neighbour on the same host the sender's cgroup is known" {
	on blue elfmap tc filter add dev v1 ingress bpf da obj "$build/tc-progs/cgroup_filter.o" sec filter
	rule 0 drop 4 udp
	elfmap cgroup set cgroup_acl 0 "$leaf"
	send "$leaf" 3
	[[ $arrived == '3 0' && $(hits 0) == 3 ]]
	send "$top" 3
	[[ $arrived == '3 3' && $(hits 0) == 3 ]]
}

@test "a cgroup that is removed after set: no crash, and no new socket matches it" {
	filter
	rule 0 drop 4 udp
	elfmap cgroup set cgroup_acl 0 "$leaf"
	send "$leaf" 3
	[[ $arrived == '3 0' ]]
	teardown_cgroups
	mkdir "$top" "$leaf"
	send "$leaf" 3
	[[ $arrived == '3 3' && $(hits 0) == 3 ]]
}

@test "by id: a rule for one level of the tree covers all below it; counters by number" {
	id_filter
	elfmap map set cgroup_id_rules "/$name" '{ verdict drop protocol udp family 4 counter 7 port_first 9000 port_last 0 }'
	[[ $(elfmap -j cgroup show cgroup_id_rules | jq -r '.[0].path') == "/$name" ]]
	send "$leaf" 3 # level 0: each socket's own cgroup
	[[ $arrived == '3 3' ]]
	send "$top" 3
	[[ $arrived == '3 0' && $(hits 7 cgroup_id_hits) == 3 ]]
	[[ $(readlink /proc/self/ns/cgroup) == 'cgroup:[4026531835]' ]] || skip 'a cgroup namespace hides how deep we are'
	elfmap map set cgroup_id_policy 0 '{ unmatched next no_socket next unparsable next level 1 }'
	send "$leaf" 2
	[[ $arrived == '2 0' && $(hits 7 cgroup_id_hits) == 5 && $(hits 0 cgroup_id_hits) == 0 ]]
	elfmap map del cgroup_id_rules "/$name"
	send "$leaf" 2
	[[ $arrived == '2 2' ]]
	[[ $(total dropped cgroup_id_totals) == 5 ]]
}

# changes N A B: a script that changes the first rule N times, to A and B alternately, B last.
changes() {
	local i

	for ((i = 0; i < $1; i += 50)); do
		{
			printf "map update pinned $globals/cgroup_rules key 0 0 0 0 value $2\nmap update pinned $globals/cgroup_rules key 0 0 0 0 value $3\n%.0s" {1..25}
		} >"$tmp/batch"
	done
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/bash -e\nfor ((i = 0; i < %d; i += 50)); do bpftool batch file %q >/dev/null; done\n' "$1" "$tmp/batch" >"$tmp/changes"
	chmod +x "$tmp/changes"
}

# The bytes of a rule: verdict, family, protocol, padding, two ports.
ok_ipv4='2 4 17 0 40 35 0 0'    # ok, UDP to 9000
drop_ipv6='3 6 17 0 40 35 0 0'  # matches none of the packets
drop_ipv4='3 4 17 0 40 35 0 0'

# flood_with_changes: 60,000 packets a second during 1,000 changes. Sets sent, once, never.
flood_with_changes() {
	run -0 --separate-stderr in_cgroup "$leaf" \
		"$flood" from red to 10.9.0.2 port 9000 rate 60000 packets 60000 at blue -- "$tmp/changes"
	echo "$output"
	sent=$(report .sent) once=$(report .once) never=$(report .never)
	[[ $(report '[.twice == 0, .strange == 0, ([.at[].overflow] | add) == 0] | all') == true ]]
}

@test "1000 rule changes at 60,000 packets a second: each packet meets the old rule or the new one" {
	filter
	elfmap cgroup set cgroup_acl 0 "$leaf"
	changes 1000 "$ok_ipv4" "$drop_ipv6"
	# One rule accepts the packet, the other does not match it. A mixture of both would drop it.
	flood_with_changes
	[[ $never == 0 && $once == "$sent" ]]
	[[ $(hits 0) == "$(total accepted)" && $(total dropped) == 0 ]]
	((0 < $(total accepted) && $(total accepted) < sent))
	((sent <= $(total accepted) + $(total unmatched)))
}

@test "1000 changes between ok and drop: the drop counter equals the number of missing packets" {
	filter
	elfmap cgroup set cgroup_acl 0 "$leaf"
	changes 1000 "$ok_ipv4" "$drop_ipv4"
	rule 0 ok 4 udp 9000
	flood_with_changes
	[[ $(hits 0) == "$sent" && $(total accepted) == "$once" && $(total dropped) == "$never" ]]
	((0 < once && 0 < never && once + never == sent))
	[[ $(drops) == "$never" ]]
}

@test "cgroups that are added to and removed from a slot under traffic: each packet is counted once" {
	filter
	rule 0 ok 4 udp 9000
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/bash -e\nfor ((i = 0; i < 100; i++)); do\n\telfmap cgroup set cgroup_acl 0 %q\n\telfmap cgroup clear cgroup_acl 0\ndone\n' \
		"$top" >"$tmp/changes"
	chmod +x "$tmp/changes"
	flood_with_changes
	[[ $never == 0 && $once == "$sent" ]]
	((0 < $(total accepted) && $(total accepted) < sent))
	((sent <= $(total accepted) + $(total empty_slots)))
	[[ $(hits 0) == "$(total accepted)" ]]
}
