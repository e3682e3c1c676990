#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The subjects of tc's own examples with real packets: an array shared by two hooks, chains of tail calls and
# their limit, a stage grafted at run time, a map in a map. Counters in maps and htb classes show the results.

# shellcheck disable=SC2154,SC2119,SC2120 # link.bash and run set them
bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	set_neighbours
}

teardown() {
	teardown_link
}

# pings N: N packets out of $link, and N answers in.
pings() {
	ping -q -c "$1" -i 0.01 10.9.0.2 >/dev/null
}

# filter DIRECTION OBJECT-FILE SECTION
filter() {
	"$elfmap" tc filter replace dev "$link" "$1" pref 1 handle 1 bpf da obj "$2" sec "$3"
}

# value PIN CELL: a 64-bit number in an array.
value() {
	bpftool -j map lookup pinned "$1" key "$2" 0 0 0 |
		jq -r '.value | map(ltrimstr("0x")) | reverse | join("") | "echo $((0x\(.)))"' | sh
}

# ---- one array, two hooks ------------------------------------------------------------------------------

# build NAME WORD...: compiles two_hooks.c with these settings.
build() {
	clang -target bpf -O2 -g -c -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" "${@:2}" \
		-o "$tmp/$1.o" tests/testdata/two_hooks.c
}

sum_of() {
	echo "/sys/fs/bpf/tc/$(sha1sum <"$1" | cut -d' ' -f1)/hooks_sum"
}

@test "two hooks of one object share their map: egress counts, ingress reads" {
	build one
	filter egress "$tmp/one.o" egress
	filter ingress "$tmp/one.o" ingress
	pings 5
	[[ $(value "$(sum_of "$tmp/one.o")" 0) == 5 && $(value "$globals/hooks_read" 0) == 5 ]]
	[[ ! -e $globals/hooks_sum ]]
}

@test "two hooks: another build of the object has its own array, and the first one is unchanged" {
	build one
	build two -DSTEP=10
	filter egress "$tmp/one.o" egress
	pings 3
	filter egress "$tmp/two.o" egress
	pings 2
	[[ $(value "$(sum_of "$tmp/one.o")" 0) == 3 && $(value "$(sum_of "$tmp/two.o")" 0) == 20 ]]
}

@test "two hooks: without a pin each load has its own array, and the reader sees nothing" {
	build private -DPINNING=PIN_NONE
	filter egress "$tmp/private.o" egress
	filter ingress "$tmp/private.o" ingress
	pings 4
	[[ $(value "$globals/hooks_read" 0) == 0 && -z $(find /sys/fs/bpf/tc -name hooks_sum) ]]
}

@test "two hooks: with a global pin another object reads the counters of the first" {
	build one -DPINNING=PIN_GLOBAL_NS
	build two -DPINNING=PIN_GLOBAL_NS -DSTEP=100
	[[ $(sum_of "$tmp/one.o") != "$(sum_of "$tmp/two.o")" ]]
	filter egress "$tmp/one.o" egress
	filter ingress "$tmp/two.o" ingress
	pings 4
	[[ $(value "$globals/hooks_sum" 0) == 4 && $(value "$globals/hooks_read" 0) == 4 ]]
}

# ---- chains of tail calls --------------------------------------------------------------------------------

ran() {
	value "$globals/tables_ran" "$1"
}

# The cases in order: entry, odd, fall-through, case 1, case 2, exit.
@test "two tables: every packet takes its case and leaves by the exit; without a case it falls through" {
	filter egress "$objects/two_tables.o" entry
	for port in {1..40}; do
		echo x >"/dev/udp/10.9.0.2/$port" 2>/dev/null || true
	done
	entry=$(ran 0)
	odd=$(ran 1)
	((entry >= 40 && odd > 0 && odd < entry))
	[[ $(ran 2) == 0 && $(ran 3) == "$entry" && $(ran 4) == "$odd" && $(ran 5) == "$entry" ]]

	"$elfmap" graft cases 0 --empty
	"$elfmap" graft cases 1 --empty
	pings 5
	[[ $(ran 0) == $((entry + 5)) && $(ran 2) == 5 && $(ran 3) == "$entry" && $(ran 5) == "$entry" ]]
	"$elfmap" graft cases 0 "$objects/two_tables.o" sec 42/0
	"$elfmap" graft cases 1 "$objects/two_tables.o" sec 42/1
	pings 5
	[[ $(ran 2) == 5 && $(ran 5) == $((entry + 5)) ]]
}

# class CLASS: the number of packets through it.
class() {
	tc -s class show dev "$link" | sed -n "/class htb $1 /,/^\$/s/.* bytes \([0-9]*\) pkt.*/\1/p"
}

# htb WORD...: classes 1:30 (the default), 1:42 and 1:43, and a filter.
htb() {
	local class

	tc qdisc add dev "$link" root handle 1: htb default 30
	for class in 30 42 43; do
		tc class add dev "$link" parent 1: classid "1:$class" htb rate 1gbit 2>/dev/null
	done
	"$elfmap" tc filter add dev "$link" parent 1: protocol ip "$@"
}

@test "a cycle: 33 tail calls for each packet, which then goes to its class; without the loop it is dropped" {
	htb bpf da obj "$objects/cyclic.o" sec entry classid 1: # the major number, which skb->tc_classid cannot contain
	pings 4
	[[ $(value "$globals/cycle_ran" 0) == 4 && $(value "$globals/cycle_ran" 1) == $((4 * 33)) ]]
	[[ "$(class 1:42) $(class 1:30)" == '4 0' ]]
	"$elfmap" graft cycle 0 --empty
	run ! ping -q -c 2 -i 0.2 -W 1 10.9.0.2
	[[ $(value "$globals/cycle_ran" 1) == $((4 * 33)) && "$(class 1:42) $(class 1:30)" == '4 0' ]]
}

# ---- a stage grafted at run time -----------------------------------------------------------------------------

@test "a graft moves packets to another class, and none is lost" {
	htb bpf obj "$objects/graft.o" sec entry
	pings 9
	[[ "$(class 1:30) $(class 1:42) $(class 1:43)" == '9 0 0' ]]
	"$elfmap" graft m:globals/graft_table 0 "$objects/graft.o" sec aaa
	pings 2
	[[ "$(class 1:30) $(class 1:42) $(class 1:43)" == '9 2 0' ]]
	"$elfmap" tc exec bpf graft m:globals/graft_table key 0 obj "$objects/graft.o" sec bbb
	pings 2
	[[ "$(class 1:30) $(class 1:42) $(class 1:43)" == '9 2 2' ]]
	"$elfmap" graft graft_table 0 --empty
	pings 1
	[[ "$(class 1:30) $(class 1:42) $(class 1:43)" == '10 2 2' ]]
	run ! "$elfmap" graft graft_table 2 "$objects/graft.o" sec aaa
	run ! "$elfmap" graft graft_table 0 "$objects/xdp.o" sec prog type xdp
	pings 1
	[[ "$(class 1:30) $(class 1:42) $(class 1:43)" == '11 2 2' ]]
}

# ---- a map in a map ------------------------------------------------------------------------------------------

@test "a map in a map: packets count through both and in a map that replaces the inner one, also after a reload" {
	filter egress "$objects/map_in_map.o" classifier
	pings 3
	[[ $(value "$globals/inner" 0) == 3 ]]
	bpftool map create "$globals/other" type array key 4 value 8 entries 1 name other
	bpftool map update pinned "$globals/outer" key 0 0 0 0 value pinned "$globals/other"
	pings 2
	filter egress "$objects/map_in_map.o" classifier
	pings 2
	[[ $(value "$globals/inner" 0) == 3 && $(value "$globals/other" 0) == 4 ]]
}

# changed NAME FROM TO: compiles map_in_map.c with one line changed.
changed() {
	sed "s/$2/$3/" tests/testdata/map_in_map.c >"$tmp/$1.c"
	clang -target bpf -O2 -g -c -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -o "$tmp/$1.o" "$tmp/$1.c"
}

@test "a map in a map: a missing inner_id, or one without a map, is refused with the reason" {
	changed without '\.inner_id = TEMPLATE' '.inner_id = 0'
	run --separate-stderr filter egress "$tmp/without.o" classifier
	[[ $status != 0 && $stderr == *"map 'outer'"*'no inner_id'* ]]
	changed unknown '\.inner_id = TEMPLATE' '.inner_id = 99'
	run --separate-stderr filter egress "$tmp/unknown.o" classifier
	[[ $status != 0 && $stderr == *"map 'outer'"*'99'* ]]
	[[ -z $(pins) && -z $(tc filter show dev "$link" egress) ]]
}
