#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Filters where the kernel really has them: clsact, ingress, classes, shared blocks, chains and protocols; and that an
# exchange keeps all their properties.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/lab/link.bash
source "$BATS_TEST_DIRNAME/link.bash"

setup() {
	setup_link
	tc qdisc del dev "$link" clsact
	shared=$objects/shared.o
	gen=$tmp/gen.o
	version 1
}

version() {
	cp "$objects/generation_$1.o" "$gen"
}

# All filters of both ends without what an exchange changes: ids and tags of programs.
properties() {
	filters_of | sed -E 's/ id [0-9]+//; s/ tag [0-9a-f]+//; s/ jited//'
}

filters_of() {
	local dev=$link

	tc filter show block 22 2>/dev/null || true
	for place in ingress egress "parent 1:" "parent 1:1" root; do
		# shellcheck disable=SC2086 # two words
		tc filter show dev "$dev" $place 2>/dev/null || true
		# shellcheck disable=SC2086
		in_net tc filter show dev peer $place 2>/dev/null || true
	done
}

ids() {
	filters_of | grep -oE ' id [0-9]+' | sort -u
}

@test "a device with an ingress qdisc: egress is refused, and detached without touching ingress" {
	tc qdisc add dev "$link" ingress
	"$elfmap" attach "$shared" sec ingress dev "$link" ingress
	"$elfmap" attach "$shared" sec egress dev "$link" ingress
	before=$(filters_of)
	for sec in ingress egress; do
		run -1 --separate-stderr "$elfmap" attach "$shared" sec "$sec" dev "$link" egress
		fails 1 "elfmap: $link: has a qdisc 'ingress' in place of clsact, so it has no egress; add --tcx*"
		run -0 --separate-stderr "$elfmap" detach "$shared" sec "$sec" dev "$link" egress
		[[ $output == *unchanged && -z $stderr ]]
	done
	run -0 --separate-stderr "$elfmap" detach dev "$link" egress prio 49152 handle 1
	[[ $output == *unchanged && $(filters_of) == "$before" ]]
	# Both remedies of the message work.
	"$elfmap" attach "$shared" sec egress dev "$link" egress --tcx
	"$elfmap" detach "$shared" sec egress dev "$link" egress --tcx
	tc qdisc del dev "$link" ingress
	tc qdisc add dev "$link" clsact
	"$elfmap" attach "$shared" sec egress dev "$link" egress
	[[ -n $(tc filter show dev "$link" egress) && -z $(tc filter show dev "$link" ingress) ]]
}

@test "a device with a root qdisc only: clsact is added beside it, and detach finds nothing" {
	for root in "handle 1: htb" "handle 1: tbf rate 1mbit burst 10k latency 10ms"; do
		# shellcheck disable=SC2086 # words
		tc qdisc add dev "$link" root $root
		for place in ingress egress; do
			run -0 --separate-stderr "$elfmap" detach "$shared" sec "$place" dev "$link" "$place"
			[[ $output == *unchanged && ($place == egress || $(tc qdisc show dev "$link") != *clsact*) ]]
			run -0 --separate-stderr "$elfmap" attach "$shared" sec "$place" dev "$link" "$place"
			[[ $output == *attached ]]
			run -0 --separate-stderr "$elfmap" attach "$shared" sec "$place" dev "$link" "$place"
			[[ $output == *unchanged ]]
			run -0 --separate-stderr "$elfmap" detach "$shared" sec "$place" dev "$link" "$place"
			[[ $output == *detached ]]
		done
		tc qdisc del dev "$link" clsact
		tc qdisc del dev "$link" root
	done
	tc qdisc add dev "$link" root handle ffff: htb # the handle of clsact
	run -0 --separate-stderr "$elfmap" detach "$shared" sec ingress dev "$link" ingress
	[[ $output == *unchanged ]]
	run -1 --separate-stderr "$elfmap" attach "$shared" sec ingress dev "$link" ingress
	fails 1 "elfmap: $link: a clsact qdisc cannot be added: *"
}

@test "clsact: the filter of the other direction stays" {
	for place in ingress egress; do
		"$elfmap" attach "$shared" sec ingress dev "$link" "$place"
	done
	"$elfmap" detach "$shared" sec ingress dev "$link" egress
	[[ $(filters) == 'shared.o:[ingress]' && -z $(tc filter show dev "$link" egress) ]]
	run -0 "$elfmap" detach "$shared" sec ingress dev "$link" egress
	[[ $output == *unchanged && $(filters) == 'shared.o:[ingress]' ]]
}

@test "chains: a filter in another chain is another one" {
	"$elfmap" attach "$shared" sec ingress dev "$link" ingress chain 5
	run -0 "$elfmap" detach "$shared" sec ingress dev "$link" ingress
	[[ $output == *unchanged && -n $(filters) ]]
	run -0 "$elfmap" attach "$shared" sec ingress dev "$link" ingress
	[[ $output == *'chain 0 '*attached ]]
	run -0 "$elfmap" detach "$shared" sec ingress dev "$link" ingress chain 5
	[[ $output == *'chain 5 '*detached && $(tc filter show dev "$link" ingress) != *'chain 5 handle'* ]]
	[[ $(filters) == 'shared.o:[ingress]' ]]
}

@test "upgrade: filters of tc are exchanged in place with all their properties" {
	tc qdisc add dev "$link" clsact
	in_net tc qdisc add dev peer root handle 1: htb
	in_net tc class add dev peer parent 1: classid 1:1 htb rate 1mbit
	for words in "ingress protocol ip prio 3" "ingress protocol ipv6 prio 4 chain 7" \
		"egress protocol 802.1Q handle 0x77 prio 9" "ingress protocol all prio 8"; do
		# shellcheck disable=SC2086 # words
		"$elfmap" tc filter add dev "$link" $words bpf da obj "$gen" sec ingress skip_hw
	done
	"$elfmap" tc filter add dev "$link" ingress prio 20 bpf obj "$gen" sec ingress flowid 1:4
	version 2
	before=$(properties) before_ids=$(ids)
	run -0 --separate-stderr "$elfmap" upgrade "$gen"
	[[ -z $stderr && $(grep -c replaced <<<"$output") == 5 && $(properties) == "$before" ]]
	[[ -z $(comm -12 <(ids) <(echo "$before_ids")) ]]
	run -0 "$elfmap" upgrade "$gen" --rollback
	[[ $(properties) == "$before" ]]
}

@test "upgrade: filters of a classful qdisc and of its classes are exchanged" {
	tc qdisc add dev "$link" root handle 1: htb
	tc class add dev "$link" parent 1: classid 1:1 htb rate 1mbit
	"$elfmap" tc filter add dev "$link" parent 1: protocol ip bpf obj "$gen" sec ingress flowid 1:1
	"$elfmap" tc filter add dev "$link" parent 1:1 protocol ipv6 bpf obj "$gen" sec ingress flowid 1:1 skip_hw
	version 2
	before=$(properties)
	run -0 --separate-stderr "$elfmap" upgrade "$gen"
	[[ $output == *"dev $link parent 1:0 prio "*replaced*"dev $link parent 1:1 prio "*replaced* ]]
	[[ -z $stderr && $(properties) == "$before" ]]
	[[ $("$elfmap" map list) == *"$link parent 1:1"* ]]
	run -0 "$elfmap" -j upgrade "$gen"
	[[ $(jq -r '.replaced | map(.parent // "") | join(" ")' <<<"$output") == '1:0 1:1' ]]
}

@test "shared blocks: upgraded once for all devices, and not changed in the name of one" {
	tc qdisc add dev "$link" ingress_block 22 clsact
	ip link add "b$link" type veth peer name "c$link"
	tc qdisc add dev "b$link" ingress_block 22 clsact
	run -1 --separate-stderr "$elfmap" attach "$gen" sec ingress dev "$link" ingress
	fails 1 "elfmap: $link: its ingress is the shared block 22, whose filters run on several devices; *"
	"$elfmap" tc filter add block 22 protocol ipv6 chain 3 bpf da obj "$gen" sec ingress
	run -0 "$elfmap" attach "$gen" sec ingress dev "$link" ingress chain 3
	[[ $output == *unchanged ]]
	version 2
	before=$(properties) before_ids=$(ids)
	run -1 --separate-stderr "$elfmap" attach "$gen" sec ingress dev "$link" ingress chain 3
	fails 1 "elfmap: *block 22*"
	run -1 --separate-stderr "$elfmap" detach "$gen" sec ingress dev "$link" ingress chain 3
	fails 1 "elfmap: $link: its ingress is the shared block 22, *"
	[[ $(ids) == "$before_ids" ]]
	run -0 --separate-stderr "$elfmap" upgrade "$gen"
	[[ -z $stderr && $(properties) == "$before" && $(ids) != "$before_ids" && $(ids | wc -l) == 1 ]]
	ip link del "b$link"
}

@test "upgrade: actions and classic programs are refused by name" {
	tc qdisc add dev "$link" clsact
	"$elfmap" tc filter add dev "$link" ingress bpf obj "$gen" sec ingress action mirred egress redirect dev lo
	version 2
	before=$(filters_of)
	run -1 --separate-stderr "$elfmap" upgrade "$gen"
	fails 1 'elfmap: *has tc actions, which would be lost; *'
	run -1 --separate-stderr "$elfmap" attach "$gen" sec ingress dev "$link" ingress
	fails 1 'elfmap: *has tc actions, which would be lost; *'
	[[ $(filters_of | sed 's/Sent.*//') == "${before//Sent*/}" || $(ids) == "$(grep -oE ' id [0-9]+' <<<"$before" | sort -u)" ]]
	tc filter del dev "$link" ingress
	tc filter add dev "$link" ingress prio 7 handle 1 bpf bytecode '1,6 0 0 4294967295'
	run -1 --separate-stderr "$elfmap" attach "$gen" sec ingress dev "$link" ingress prio 7 handle 1
	fails 1 'elfmap: *classic BPF*'
}

# The command waits before its exchange; then another one attaches its program, which must not be lost.
@test "a program that tc attaches between the look and the exchange stays" {
	tc qdisc add dev "$link" clsact
	"$elfmap" tc filter add dev "$link" ingress prio 5 handle 1 bpf da obj "$gen" sec ingress
	"$elfmap" load "$shared"
	version 2
	# Each message is sent after a delay. When the command has read the filter, it is about to set it.
	strace -f -qq -o "$tmp/trace" -e trace=sendto -e inject=sendto:delay_enter=500000 \
		"$elfmap" upgrade "$gen" >"$tmp/out" 2>&1 &
	until grep -q 'RTM_GETTFILTER, nlmsg_flags=NLM_F_REQUEST|NLM_F_ACK' "$tmp/trace" 2>/dev/null; do sleep 0.02; done
	tc filter replace dev "$link" ingress prio 5 handle 1 bpf da object-pinned /sys/fs/bpf/tc/progs/shared/count_ingress
	other=$(ids)
	status=0
	wait $! || status=$?
	cat "$tmp/out"
	[[ $status == 1 && $(<"$tmp/out") == *'another command has attached program'* && $(ids) == "$other" ]]
}

@test "detach FILE --all: every kind of hook, in this namespace, and of no other object" {
	"$elfmap" attach "$shared" sec ingress dev "$link" ingress
	"$elfmap" attach "$shared" sec egress dev "$link" egress chain 4 prio 9
	"$elfmap" attach "$shared" sec ingress dev "$link" egress --tcx
	"$elfmap" attach "$shared" sec ingress dev "$link" xdp
	"$elfmap" attach "$gen" sec ingress dev "$link" ingress
	"$elfmap" -n "$net" attach "$shared" sec ingress dev peer ingress
	run -2 --separate-stderr "$elfmap" detach --all
	[[ $stderr == 'elfmap: detach: --all: requires FILE or PIN'* ]]
	run -2 --separate-stderr "$elfmap" detach "$shared" --all dev "$link"
	run -0 --separate-stderr "$elfmap" detach "$shared" sec egress --all
	[[ $output == "dev $link egress prio 9 handle 0x1 chain 4 shared.o:[egress] id "*detached && -z $stderr ]]
	run -0 --separate-stderr "$elfmap" -j detach "$shared" --all
	[[ $(jq -r '[.[].result] | join(" ")' <<<"$output") == 'detached detached detached' && -z $stderr ]]
	[[ $(filters) == 'gen.o:[ingress]' && -z $(ip -j link show dev "$link" | jq '.[0].xdp.prog.id // empty') ]]
	[[ ! -e /sys/fs/bpf/tc/links && $(in_net tc filter show dev peer ingress) == *'shared.o:[ingress]'* ]]
	run -0 --separate-stderr "$elfmap" detach "$shared" --all
	[[ -z $output$stderr ]]
	run -0 "$elfmap" -n "$net" detach "$shared" --all
	[[ $output == 'dev peer ingress '*detached && $(in_net tc filter show dev peer ingress) != *shared.o* ]]
	echo "detach $shared --all" >"$tmp/pipeline"
	run -1 --separate-stderr "$elfmap" apply "$tmp/pipeline"
	[[ $stderr == *'--all: is an option of the command'* ]]
}

@test "detach FILE --all: a shared block is emptied once" {
	tc qdisc add dev "$link" ingress_block 22 clsact
	ip link add "b$link" type veth peer name "c$link"
	tc qdisc add dev "b$link" ingress_block 22 clsact
	"$elfmap" tc filter add block 22 bpf da obj "$gen" sec ingress
	run -0 --separate-stderr "$elfmap" detach "$gen" --all
	[[ -z $stderr && -z $(tc filter show block 22) ]]
	ip link del "b$link"
}
