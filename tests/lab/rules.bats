#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The numbered rules of tc's legacy loader and of the programs it attaches: R01 to R14 about objects, R15 to R18
# about pins and namespaces, R19 to R23 about verdicts and counters. Each is tested with elfmap and this
# system's tc, with real packets, and with the opposite case. This file is the list; other files test many of the
# rules in more detail. It needs no compiler, and also runs in tests/vm.

# shellcheck disable=SC2154 # link.bash sets them

bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	# No other traffic, so that every counted packet belongs to a test.
	ip neigh replace 10.9.0.2 dev "$link" lladdr "$(in_net ip -j link show dev peer | jq -r '.[0].address')"
	in_net ip neigh replace 10.9.0.1 dev peer lladdr "$(ip -j link show dev "$link" | jq -r '.[0].address')"
}

# send: one packet out of $link.
send() {
	echo x >/dev/udp/10.9.0.2/9 || true # a drop may be an error of write()
}

# attach HOOK SECTION PREF [WORD...]: of verdicts.o.
attach() {
	"$elfmap" tc filter replace dev "$link" "$1" pref "$3" handle 1 bpf "${@:4}" obj "$objects/verdicts.o" sec "$2"
}

# bytes32 NUMBER: a 32-bit value as bytes for bpftool.
bytes32() {
	local number=$(($1 & 0xffffffff))

	echo "$((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24))"
}

# setting KEY NUMBER
setting() {
	# shellcheck disable=SC2046 # words
	bpftool map update pinned "$globals/settings" key "$1" 0 0 0 value $(bytes32 "$2")
}

drops() {
	tc -s -j qdisc show dev "$link" | jq '[.[] | select(.kind == "clsact") | .drops] | add'
}

sent() {
	ip -s -j link show dev "$link" | jq '.[0].stats64.tx.packets'
}

map_of() {
	bpftool -j map show pinned "$globals/$1" | jq .id
}

prog_of() {
	tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty'
}

# refuses PATTERN COMMAND...: it fails, with one line of elfmap that matches PATTERN.
refuses() {
	local pattern=$1

	shift
	run --separate-stderr "$@"
	fails 1 "$pattern"
	[[ -z $(filters) ]]
}

# ---- objects ------------------------------------------------------------------------------------------

@test "R01 a tc with libbpf 1 refuses legacy objects; elfmap tc loads them" {
	run -1 tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $output == *"legacy map definitions in 'maps' section"* && -z $(filters) && -z $(pins) ]]
	add shared ingress
	[[ $(filters) == 'shared.o:[ingress]' && $(pins) == "$globals/shared_hits" ]]
}

@test "R02 a tc without libbpf cannot load an object with BTF maps, and check reports it; elfmap leaves it to tc" {
	run -1 --separate-stderr "$elfmap" check --old-tc "$objects/modern.o"
	[[ $stderr == *"a map in '.maps', which tc does not read"* ]]
	run -0 "$elfmap" check --old-tc "$objects/shared.o"
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/modern.o" sec tc
	[[ $(filters) == 'modern.o:[tc]' ]]
}

@test "R03 legacy and BTF-defined objects share a pin, in any order, if the definitions agree" {
	"$elfmap" convert "$objects/shared.o" "$tmp/new.o" --for tc
	tc filter add dev "$link" egress bpf da obj "$tmp/new.o" sec egress
	id=$(map_of shared_hits)
	add shared ingress
	[[ $(map_of shared_hits) == "$id" ]]
	[[ $(bpftool -j prog show id "$(prog_of)" | jq '.map_ids[0]') == "$id" ]] # behind it is the note of the file
	rm "$globals/shared_hits"
	bpftool map create "$globals/shared_hits" type array key 4 value 8 entries 7 name shared_hits
	run -1 tc filter replace dev "$link" egress bpf da obj "$tmp/new.o" sec egress
	tc filter del dev "$link" ingress
	refuses "*'shared_hits': differs from its pin in max_entries*" add shared ingress
}

@test "R04 maps are global symbols with definitions of one size, which may be an older one" {
	refuses "*map 'unseen': offset 0: is not global; a map must be neither static nor weak" add static_map classifier
	refuses "*map 'short_definition': offset 36*: definitions of different sizes" add bad_sizes classifier
	for object in samples28 mapdef20 wide40 shared; do
		add "$object" "$("$elfmap" -j show "$objects/$object.o" | jq -r '.progs[0].section')"
		[[ $(filters) == "$object.o:"* ]]
		tc filter del dev "$link" ingress
	done
}

@test "R05 an old tc supports only maps and functions; here globals, constants and strings work too" {
	run -1 --separate-stderr "$elfmap" check --old-tc "$objects/globals.o"
	[[ $stderr == *'a global variable; tc makes no map for it'* ]]
	for object in globals globals.nobtf; do
		add "$object" classifier
		[[ $(filters) == "$object.o:[classifier]" ]]
		tc filter del dev "$link" ingress
	done
}

@test "R06 programs and maps have names and types in the kernel, and map types that require BTF load" {
	add annotated classifier
	id=$(prog_of)
	[[ $(bpftool -j prog show id "$id" | jq -r .name) != null && $(bpftool -j prog show id "$id" | jq .btf_id) -gt 0 ]]
	pin=$(pins | head -1)
	[[ $(bpftool -j map show pinned "$pin" | jq -r .name) == "$(basename "$pin" | cut -c-15)" ]]
	tc filter del dev "$link" ingress
	add needs_types classifier
	[[ $(filters) == needs_types.o:* ]]
	tc filter del dev "$link" ingress
	rm "$globals"/*
	run ! add needs_types.nobtf classifier
}

@test "R07 inner maps go to inner_idx, not under a key of another size, and not into a pinned outer map" {
	add map_in_map classifier
	bpftool map lookup pinned "$globals/outer" key 0 0 0 0
	bpftool map delete pinned "$globals/outer" key 0 0 0 0
	tc filter del dev "$link" ingress
	add map_in_map classifier
	run ! bpftool map lookup pinned "$globals/outer" key 0 0 0 0
	tc filter del dev "$link" ingress

	refuses "*map 'inner8': inner_idx 0 cannot be a key of map 'outer8', whose keys have 8 bytes; set it to -1*" \
		add inner_key8 classifier
	add inner_key8_none classifier
	[[ $(bpftool -j map dump pinned "$globals/outer8" | jq length) == 0 ]]
	# The kernel requires the template's flags of other inner maps, but not its size.
	for flags in 0 1; do
		bpftool map create "/sys/fs/bpf/other$flags" type hash key 4 value 4 entries 99 flags "$flags" name other
	done
	bpftool map update pinned "$globals/outer8" key 5 0 0 0 0 0 0 0 value pinned /sys/fs/bpf/other0
	run ! bpftool map update pinned "$globals/outer8" key 6 0 0 0 0 0 0 0 value pinned /sys/fs/bpf/other1
}

@test "R08 pins that the kernel reports differently from the definition are reused at every load" {
	for round in 1 2 3; do
		"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/contract.o" sec redirect
		ids[round]="$(map_of devices) $(map_of rounded)"
		ip link set dev "$link" xdpgeneric off
	done
	[[ ${ids[1]} == "${ids[2]}" && ${ids[2]} == "${ids[3]}" ]]
	rm "$globals/devices"
	bpftool map create "$globals/devices" type devmap key 4 value 4 entries 99 name devices
	run ! "$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/contract.o" sec redirect
	[[ $output == *"map 'devices': differs from its pin in max_entries"* ]]
}

@test "R09 a slot is ID/KEY in any of C's spellings, and nothing else" {
	attach ingress cycle 1 da
	bpftool map lookup pinned "$globals/again" key 1 0 0 0
	run ! bpftool map lookup pinned "$globals/again" key 0 0 0 0
	[[ $("$elfmap" -j show "$objects/verdicts.o" | jq -c '[.progs[] | select(.slot) | .section]') == '["0x9/01"]' ]]
}

@test "R10 tail calls: 33 in a row; an array without user references is emptied; one type of program" {
	attach egress cycle 1 da
	send
	[[ $(counter seen 2) == 33 ]]
	tc filter del dev "$link" egress
	run ! --separate-stderr "$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/verdicts.o" sec cycle
	[[ $stderr == *"map 'again': $globals/again: holds programs of type sched_cls, and what this command loads is xdp"* ]]

	run -0 --separate-stderr add tailcall_unpinned classifier
	[[ $stderr == *'is not pinned, so the kernel empties its tail-call slots'* ]]
	for id in $(bpftool -j prog show id "$(prog_of)" | jq '.map_ids[]'); do
		[[ $(bpftool -j map show id "$id" | jq -r .type) != prog_array ]] ||
			[[ $(bpftool -j map dump id "$id" | jq '[.[] | select(.value | type == "array" or type == "number")] | length') == 0 ]]
	done
}

@test "R11 bpf_skb_under_cgroup takes the packet; as old headers declare it the verifier refuses it" {
	add under_cgroup three
	[[ $(filters) == 'under_cgroup.o:[three]' ]]
	tc filter del dev "$link" ingress
	run ! add under_cgroup two
	[[ $output == *'R1 type=map_ptr expected=ctx'* && -z $(filters) ]]
}

# class CLASS: the number of packets through it.
class() {
	tc -s class show dev "$link" | sed -n "/class htb $1 /,/^\$/s/.* bytes \([0-9]*\) pkt.*/\1/p"
}

htb() {
	tc qdisc add dev "$link" root handle 1: htb default 7
	for class in 7 42 43; do
		tc class add dev "$link" parent 1: classid "1:$class" htb rate 1gbit 2>/dev/null
	done
	"$elfmap" tc filter add dev "$link" parent 1: bpf obj "$objects/verdicts.o" sec classify "$@"
}

@test "R12 the major of a class that a program sets is in the upper 16 bits" {
	htb
	setting 0 0x10042
	send
	[[ $(class 1:42) == 1 && $(class 1:7) == 0 ]]
	setting 0 $((1 << 8 | 0x42))
	send
	[[ $(class 1:42) == 1 && $(class 1:7) == 1 ]]
}

@test "R13 export sends nothing in a tc with libbpf, and prints a warning" {
	run -0 --separate-stderr add shared ingress
	[[ -z $stderr ]]
	run --separate-stderr "$elfmap" tc filter replace dev "$link" ingress pref 9 bpf da obj "$objects/shared.o" sec ingress \
		export "$tmp/socket" # no process listens, which tc reports
	[[ $stderr == 'elfmap: export: warning: a tc with libbpf sends no maps'* ]]
}

@test "R14 the command decides the program type" {
	add shared ingress
	[[ $(bpftool -j prog show id "$(prog_of)" | jq -r .type) == sched_cls ]]
	"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/shared.o" sec ingress
	[[ $(bpftool -j prog show id "$(ip -j link show dev "$link" | jq '.[0].xdp.prog.id')" | jq -r .type) == xdp ]]
	ip link set dev "$link" xdpgeneric off
	"$elfmap" ip route replace 10.9.7.0/24 dev "$link" encap bpf out obj "$objects/lwt.o" section leave
	ip route show 10.9.7.0/24 | grep -qF 'lwt.o:[leave]'
	run ! add lwt nosuch
}

@test "R14 tc action loads an action, also in its default section" {
	tc actions add action bpf bytecode '1,6 0 0 4294967295,' index 99 || skip 'this kernel has no act_bpf'
	"$elfmap" tc actions add action bpf obj "$objects/contract.o" sec classifier index 107
	tc actions show action bpf | grep -qF 'contract.o:[classifier]'
	id=$(tc -j actions show action bpf | jq '.. | objects | select(.bpf_name? // "" | startswith("contract")) | .prog.id' | head -1)
	[[ $(bpftool -j prog show id "$id" | jq -r .type) == sched_act ]]
	run ! "$elfmap" tc actions add action bpf obj "$objects/contract.o" index 108
	[[ $output == *"doesn't contain sec action"* ]]
	"$elfmap" tc actions add action bpf obj "$objects/action.o" index 108
	tc filter add dev "$link" egress matchall action bpf index 108 || skip 'this kernel has no matchall'
	send
	[[ $(counter action_hits 0) == 1 ]]
	tc qdisc del dev "$link" clsact
	tc actions flush action bpf
}

# ---- pins and namespaces ------------------------------------------------------------------------------------

@test "R15 pins: the object's directory, globals, or where a table says; other numbers only get a warning" {
	run -0 --separate-stderr add pin_object classifier
	[[ $stderr == *"warning: map 'pin_number': pinning 77 is in no table"* ]]
	[[ $(pins) == *"/sys/fs/bpf/tc/$(sha1sum <"$objects/pin_object.o" | cut -d' ' -f1)/pin_object"* ]]
	[[ -e $globals/pin_global && $(pins) != *pin_number* && $(pins) != *pin_none* ]]
	mkdir -p /etc/iproute2
	echo '77 own/deep' >>/etc/iproute2/bpf_pinning
	run -0 --separate-stderr add pin_object classifier
	[[ -z $stderr && -e /sys/fs/bpf/own/deep/pin_number ]]
	"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/shared.o" sec ingress
	[[ -e $globals/shared_hits && /sys/fs/bpf/xdp -ef /sys/fs/bpf/tc && /sys/fs/bpf/ip -ef /sys/fs/bpf/tc ]]
}

@test "R16 the bpffs is that of TC_BPF_MNT, else the usual one, and never the first one mounted" {
	mkdir /run/other
	mount -t bpf -o mode=0700 bpf /run/other
	add shared ingress
	[[ -e $globals/shared_hits && ! -e /run/other/tc ]]
	TC_BPF_MNT=/run/other add shared egress
	[[ -e /run/other/tc/globals/shared_hits ]]
	run --separate-stderr env TC_BPF_MNT=/proc/nosuch "$elfmap" tc filter add dev "$link" egress bpf da obj "$objects/shared.o" sec ingress
	[[ $status == 1 && $stderr == *'no bpffs at TC_BPF_MNT'* ]]
	umount /run/other
}

@test "R17 with -n and in ip netns exec the pins are the host's" {
	in_net tc qdisc add dev peer clsact
	words=(filter add dev peer ingress bpf da obj "$objects/shared.o" sec)
	"$elfmap" tc -n "$net" "${words[@]}" ingress
	id=$(map_of shared_hits)
	ip netns exec "$net" "$elfmap" tc "${words[@]}" egress
	[[ $(map_of shared_hits) == "$id" && $(pins) == "$globals/shared_hits" ]]
	[[ $(in_net tc -j filter show dev peer ingress | jq '[.[].options.prog.id // empty] | length') == 2 ]]
	run ! tc -n "$net" "${words[@]}" ingress
}

@test "R18 contents of a pinned map persist over a reload; without the pin there is a second map" {
	add shared ingress
	bpftool map update pinned "$globals/shared_hits" key 0 0 0 0 value 9 0 0 0 0 0 0 0
	id=$(map_of shared_hits)
	add shared egress
	[[ $(map_of shared_hits) == "$id" && $(counter shared_hits 0) == 9 ]]
	rm "$globals/shared_hits"
	add shared egress
	[[ $(map_of shared_hits) != "$id" && $(counter shared_hits 0) == 0 ]]
	bpftool map show id "$id"
}

# ---- verdicts and counters --------------------------------------------------------------------------------

@test "R19 verdicts: 0, 2, 4 and 7 end the chain; -1 and every other number continue with the next filter" {
	attach egress decide 1 da
	attach egress after 2 da
	asked=0
	while read -r verdict goes_on passes; do
		setting 0 "$verdict"
		before=$(sent)
		after=$(counter seen 1)
		send
		asked=$((asked + 1))
		echo "verdict $verdict: asked $(counter seen 0), after $((goes_on + after)), sent $(($(sent) - before))"
		[[ $(counter seen 0) == "$asked" && $(counter seen 1) == $((after + goes_on)) ]]
		[[ $(sent) == $((before + passes)) ]]
	done <<-END
		0 0 1
		2 0 0
		4 0 0
		8 0 0
		-1 1 1
		1 1 1
		3 1 1
		99 1 1
	END
	after=$(counter seen 1)
	ip link add "w$link" type veth peer name "x$link"
	echo 1 >"/proc/sys/net/ipv6/conf/w$link/disable_ipv6"
	echo 1 >"/proc/sys/net/ipv6/conf/x$link/disable_ipv6"
	ip link set "w$link" up
	ip link set "x$link" up
	setting 0 7
	setting 1 "$(ip -j link show dev "w$link" | jq '.[0].ifindex')"
	before=$(sent)
	send
	[[ $(sent) == "$before" && $(counter seen 1) == "$after" ]]
	[[ $(ip -s -j link show dev "w$link" | jq '.[0].stats64.tx.packets') == 1 ]]
	ip link del "w$link"
}

@test "R20 of the verdicts that discard a packet only SHOT is a drop in the qdisc's counters" {
	attach egress decide 1 da
	was=$(drops)
	for verdict in 4 7; do
		setting 0 "$verdict"
		setting 1 0 # the device does not exist
		before=$(sent)
		send
		[[ $(sent) == "$before" && $(drops) == "$was" ]]
	done
	setting 0 2
	send
	[[ $(drops) == $((was + 1)) && $(counter seen 0) == 3 ]]
}

@test "R21 a drop at egress is reported to the sender" {
	[[ $(ping -V 2>&1) == *iputils* ]] || skip 'this ping does not say what it was told'
	attach egress decide 1 da
	setting 0 2
	run ping -c 1 -W 1 10.9.0.2
	[[ $status != 0 && $output == *'No buffer space available'* ]]
	setting 0 4
	run ping -c 1 -W 1 10.9.0.2
	[[ $status != 0 && $output != *'No buffer space available'* ]]
}

@test "R22 filters and the drop counter of a qdisc are printed as JSON" {
	attach egress decide 1 da
	[[ $(tc -s -j qdisc show dev "$link" | jq -r '.[] | select(.kind == "clsact") | .drops | type') == number ]]
	[[ $(tc -j filter show dev "$link" egress | jq -c '[.[].options | select(.prog) | .bpf_name]') == '["verdicts.o:[decide]"]' ]]
}

@test "R23 without direct action: 0 is no match, -1 the class of the command line, any other number a class" {
	htb classid 1:43
	while read -r verdict class; do
		setting 0 "$verdict"
		before=$(class "$class")
		send
		echo "$verdict: class $class, $before before, $(class "$class") now"
		[[ $(class "$class") == $((before + 1)) ]]
	done <<-END
		0 1:7
		-1 1:43
		0x10042 1:42
	END
}
