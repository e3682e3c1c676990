#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What an upgrade keeps: maps of every kind, pinned or not, and values of global variables (state.bash).

# shellcheck disable=SC2154,SC2030,SC2031 # flood.bash and run set them; a test is a subshell
# shellcheck disable=SC2317 # functions that run calls

bats_require_minimum_version 1.5.0

load flood.bash
load state.bash

setup() {
	setup_flood
	gen=$tmp/state.o
	flags=(-g)
	version
}

teardown() {
	teardown_flood
}

# version [-DMACRO=VALUE ...]: state.o becomes this version.
version() {
	compile_state "$gen" "${flags[@]}" "$@"
}

attach() {
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
}

upgrade() {
	"$elfmap" -n blue upgrade "$@"
}

# Of a map, in the report of an upgrade, which is the last run's stdout.
fate() {
	jq -r --arg name "$1" '.maps[] | select(.name == $name) | .state' <<<"$output"
}

kept() {
	jq -r --arg name "$1" '.maps[] | select(.name == $name) | .carried' <<<"$output"
}

send() {
	"$flood" from red to 10.9.0.2 port 9000 packets "$1" size 60 at blue >/dev/null
}

sha1_of() {
	sha1sum <"$1" | cut -c 1-40
}

prog_id() {
	on blue tc -j filter show dev v1 ingress | jq '[.[].options.prog.id // empty][0]'
}

# map_id NAME: the running program's map whose name in the kernel ends like this.
map_id() {
	local id

	for id in $(bpftool -j prog show id "$(prog_id)" | jq '.map_ids[]'); do
		bpftool -j map show id "$id" | jq --arg name "$1" 'select(.name | endswith($name)) | .id'
	done
}

# value NAME [CELL]: a number of 64 bits.
value() {
	bpftool -j map lookup id "$(map_id "$1")" key "${2-0}" 0 0 0 |
		jq -r '.value | map(ltrimstr("0x")) | reverse | join("") | "0x" + .' | xargs printf '%d\n'
}

# variable NAME [SECTION]
variable() {
	bpftool -j map dump id "$(map_id "${2-.data}")" | jq --arg name "$1" \
		'.. | objects | select(has($name)) | .[$name]' | head -n 1
}

# poke SECTION OFFSET NUMBER: changes 32 bits of the section at run time.
poke() {
	local id bytes

	id=$(map_id "$1")
	read -r -a bytes < <(bpftool -j map lookup id "$id" key 0 0 0 0 | jq -r '.value | join(" ")')
	bytes[$2]=$(($3 & 255)) bytes[$2 + 1]=$(($3 >> 8 & 255))
	bpftool map update id "$id" key 0 0 0 0 value "${bytes[@]}"
}

# set_variable NAME NUMBER [SECTION]
set_variable() {
	poke "${3-.data}" "$((16#$(readelf -sW "$gen" | awk -v name="$1" '$8 == name {print $2}')))" "$2"
}

@test "maps with the same definition stay the same kernel maps, pinned or not" {
	attach
	send 3
	before=$(for map in private_count object_count global_count waiting events; do map_id "$map"; done)
	version -DSTEP=10
	run -0 --separate-stderr upgrade -j "$gen"
	[[ -z $stderr ]]
	after=$(for map in private_count object_count global_count waiting events; do map_id "$map"; done)
	[[ $before == "$after" ]]
	for map in private_count object_count global_count connections_of_ipv4 waiting events; do
		[[ $(fate $map) == kept ]]
	done
	[[ $(fate .rodata) == merged && $(fate .data) == merged && $(fate .bss) == merged ]]
	send 3
	[[ $(value private_count) == 33 && $(value object_count) == 33 && $(value global_count) == 33 ]]
	[[ $(variable packets .bss) == 6 ]]
	run -0 upgrade -j "$gen" --rollback
	[[ $(fate private_count) == kept ]]
	send 1
	[[ $(value private_count) == 34 && $(value object_count) == 34 && $(variable packets .bss) == 7 ]]
}

@test "a variable that was changed at run time is kept, the others get the start values of the new version" {
	attach
	set_variable limit 5000
	version -DSTEP=2
	run -0 --separate-stderr upgrade -j "$gen"
	[[ -z $stderr && $(kept .data) == 1 && $(variable limit) == 5000 ]]
	[[ $(variable quiet) == 7 && $(variable own .data.own) == 5 && $(variable step .rodata) == 2 ]]
	version -DEXTRA=9 # another layout
	upgrade "$gen"
	[[ $(variable limit) == 5000 && $(variable extra) == 9 && $(variable quiet) == 7 ]]
	set_variable quiet 70
	set_variable own 50 .data.own
	version
	upgrade "$gen"
	[[ $(variable limit) == 5000 && $(variable quiet) == 70 && $(variable own .data.own) == 50 ]]
}

@test "a start value that the new version changes applies, unless the variable was changed at run time, too" {
	attach
	version -DLIMIT=2000
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $(variable limit) == 2000 ]]
	set_variable limit 5000
	version -DLIMIT=3000
	run -0 --separate-stderr upgrade "$gen"
	[[ $stderr == "elfmap: $gen: warning: .data: variable 'limit' was changed, and has another start value now; the running value is kept" ]]
	[[ $(variable limit) == 5000 ]]
	run -0 --separate-stderr upgrade "$gen" --reset .data
	[[ -z $stderr && $output == *'map .data new'* && $(variable limit) == 3000 ]]
}

@test "a variable of another integer type keeps a value that fits, others start anew and are reported" {
	attach
	set_variable limit 5000
	version -DLIMIT_TYPE=__u64
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $(variable limit) == 5000 ]]
	version -DLIMIT_TYPE=__u8 -DLIMIT=100
	run -0 --separate-stderr upgrade "$gen"
	[[ $stderr == *"variable 'limit' was changed, and has another type now; it starts anew" && $(variable limit) == 100 ]]
}

@test "without a note of the start values, running values are kept, and this is reported" {
	mkdir "$tmp/modern"
	"$elfmap" convert "$gen" "$tmp/modern/state.o" --pin
	on blue tc filter add dev v1 ingress bpf da obj "$tmp/modern/state.o" sec ingress
	version -DLIMIT=2000 -DSTEP=3
	run -0 upgrade "$gen"
	[[ $output == *'map .data merged: 1 variables kept, '*' (start values not noted)'* ]]
	[[ $(variable limit) == 1000 && $(variable step .rodata) == 3 ]]
}

@test "without BTF a section of the same size is merged by its symbols, one of another size is refused" {
	flags=(-g0)
	version
	attach
	send 2
	set_variable limit 5000
	version -DSTEP=2
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $output == *'map .data merged: 1 variables kept'* && $output == *'map private_count kept'* ]]
	send 1
	[[ $(value .bss) == 3 && $(value private_count) == 4 ]]
	version -DEXTRA=9
	run --separate-stderr upgrade "$gen"
	[[ $status == 1 && $stderr == *'.data: the running version has no BTF and '*' start anew: --reset .data' ]]
	run -0 upgrade "$gen" --reset .data
	[[ $output == *'map .data new'* && $output == *'map .bss merged: 1 variables kept'* ]]
}

@test "--reset starts a map or section anew, and refuses a name that the object does not have" {
	attach
	send 3
	run --separate-stderr upgrade "$gen" --reset nosuch
	[[ $status == 1 && $stderr == "elfmap: $gen: --reset nosuch: there is no such map; 'elfmap show $gen' lists them" ]]
	run -0 upgrade "$gen" --reset private_count,.bss
	[[ $output == *'map private_count new'* && $output == *'map .bss new'* && $output == *'map object_count kept'* ]]
	send 1
	[[ $(value private_count) == 1 && $(value object_count) == 4 && $(variable packets .bss) == 1 ]]
}

@test "filters of elfmap tc, of legacy and modern objects: start values are noted, too" {
	attach # makes the pins
	"$elfmap" -n blue detach "$gen" sec ingress dev v1 ingress
	mkdir "$tmp/modern"
	"$elfmap" convert "$gen" "$tmp/modern/state.o" --pin
	for file in "$gen" "$tmp/modern/state.o"; do
		"$elfmap" tc -n blue filter add dev v1 ingress bpf da obj "$file" sec ingress
		set_variable quiet 70
		send 2
		version -DLIMIT=2000
		run -0 --separate-stderr upgrade "$gen"
		echo "$file: $output $stderr"
		[[ $stderr != *variable* && $output == *'map .data merged: 1 variables kept, 0 late, 0 lost, 0 removed'* ]]
		[[ $(variable limit) == 2000 && $(variable quiet) == 70 && $(variable packets .bss) == 2 ]]
		version
		on blue tc filter del dev v1 ingress
	done
}

@test "a queue whose form changed is drained: its values are in the new one, in order" {
	attach
	send 3
	before=$(map_id waiting)
	version -DQUEUE=128
	run -0 upgrade "$gen"
	[[ $output == *'map waiting drained: 3 entries carried, 0 late, 0 lost, 0 removed'* && $(map_id waiting) != "$before" ]]
	send 1
	values=$(for _ in 1 2 3 4; do bpftool -j map dequeue id "$(map_id waiting)" | jq -r '.value | map(ltrimstr("0x")) | reverse | join("")'; done)
	[[ $(wc -l <<<"$values") == 4 && $values == "$(sort <<<"$values")" ]]
	run bpftool map dequeue id "$(map_id waiting)"
	[[ $output == *'Found 0 elements'* || $status != 0 ]]
	send 2
	run -0 upgrade "$gen" --rollback
	[[ $output == *'map waiting drained: 2 entries carried, 0 late, 0 lost, 0 removed'* && $(map_id waiting) == "$before" ]]
}

@test "an unpinned map that became larger is copied; one of another form is refused by name" {
	attach
	send 3
	version -DCOUNTERS=8
	run -0 upgrade "$gen"
	[[ $output == *'map private_count copied: 4 entries carried, 0 late, 0 lost, 0 removed'* && $(value private_count) == 3 ]]
	send 1
	version -DCOUNTERS=4
	run --separate-stderr upgrade "$gen"
	[[ $status == 1 && $stderr == "elfmap: $gen: map 'private_count': differs from its running map in max_entries: "*"; 'elfmap upgrade $gen --reset private_count' starts it anew" ]]
	[[ $(value private_count) == 4 ]]
	run -0 upgrade "$gen" --reset private_count
	[[ $output == *'map private_count new'* && $(value private_count) == 0 ]]
}

@test "--reset of a pinned map: the pin is that of the new map" {
	attach
	send 3
	before=$(bpftool -j map show pinned "$globals/global_count" | jq .id)
	run -0 upgrade "$gen" --reset global_count
	[[ $output == *'map global_count new'* ]]
	send 1
	[[ $(value global_count) == 1 && $(bpftool -j map show pinned "$globals/global_count" | jq .id) == "$(map_id global_count)" ]]
	[[ $(map_id global_count) != "$before" ]]
}

@test "hooks that were attached separately keep their own state; names of 15 characters are told apart by programs" {
	attach
	"$elfmap" -n blue attach "$gen" sec egress dev v1 egress
	send 3
	on blue ping -q -c 2 -i 0.2 10.9.0.1 >/dev/null # 2 in, 2 out
	set_variable limit 5000
	before=$(map_id connections_of_)
	egress=$(on blue tc -j filter show dev v1 egress | jq '[.[].options.prog.id // empty][0]')
	ids=$(bpftool -j prog show id "$egress" | jq -c .map_ids)
	version -DSTEP=10
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $output == *'map private_count kept'* && $output == *'map connections_of_ipv4 kept'* ]]
	[[ $output == *'map connections_of_ipv6 kept'* && $(map_id connections_of_) == "$before" ]]
	[[ $(value connections_of_) == 5 && $(value private_count) == 5 && $(variable packets .bss) == 5 && $(variable limit) == 5000 ]]
	send 1
	[[ $(value private_count) == 15 ]]
	prog_id() {
		on blue tc -j filter show dev v1 egress | jq '[.[].options.prog.id // empty][0]'
	}
	[[ $(value connections_of_) == 2 && $(value private_count) == 2 && $(variable packets .bss) == 2 && $(variable limit) == 1000 ]]
	upgrade "$gen" --rollback
	[[ $(prog_id) == "$egress" && $(bpftool -j prog show id "$egress" | jq -c .map_ids) == "$ids" ]]
	on blue ping -q -c 1 10.9.0.1 >/dev/null
	[[ $(value private_count) == 3 && $(variable packets .bss) == 3 ]]
}

# object_dirs: how many directories of PIN_OBJECT_NS there are.
object_dirs() {
	find /sys/fs/bpf/tc -mindepth 1 -maxdepth 1 -type d | grep -cE '/[0-9a-f]{40}$'
}

@test "maps of PIN_OBJECT_NS get pins for the new file; those of the previous one go with its version" {
	attach
	send 1
	version -DSTEP=2
	upgrade "$gen"
	[[ $(object_dirs) == 2 ]]
	send 1
	for pin in /sys/fs/bpf/tc/*/object_count; do
		[[ $(bpftool -j map show pinned "$pin" | jq .id) == "$(map_id object_count)" ]]
	done
	upgrade "$gen" --rollback
	[[ $(object_dirs) == 2 ]]
	upgrade "$gen" --rollback
	run -0 upgrade "$gen" --forget
	[[ $(object_dirs) == 1 && $(value object_count) == 3 ]]
	[[ -e /sys/fs/bpf/tc/$(sha1_of "$gen")/object_count ]]
	for step in 3 4 5; do
		version -DSTEP=$step
		upgrade "$gen"
		[[ $(object_dirs) == 2 ]]
	done
	upgrade "$gen" --rollback
	upgrade "$gen" --forget
	[[ $(object_dirs) == 1 && $(value object_count) == 3 ]]
	version -DSTEP=4
	[[ -e /sys/fs/bpf/tc/$(sha1_of "$gen")/object_count ]]
}

@test "pins of PIN_OBJECT_NS stay while another namespace uses them" {
	attach
	"$elfmap" -n red attach "$gen" sec ingress dev v0 ingress
	version -DSTEP=2
	upgrade "$gen"
	upgrade "$gen" --forget
	[[ $(object_dirs) == 2 ]]
}

# ---- under traffic, and killed ------------------------------------------------------------------------------

@test "under traffic: what programs count in maps and variables is what was sent" {
	attach
	set_variable limit 5000
	cat >"$tmp/changes" <<-END
		#!/bin/sh -e
		exec >/dev/null
		for i in \$(seq 10); do
			$elfmap -n blue upgrade $gen
			$elfmap -n blue upgrade $gen --rollback
		done
	END
	chmod +x "$tmp/changes"
	run -0 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 rate 20000 packets 20000 size 60 at blue -- "$tmp/changes"
	assert_lossless
	sent=$(report .sent)
	[[ $(value private_count) == "$sent" && $(value object_count) == "$sent" && $(value global_count) == "$sent" ]]
	counted=$(variable packets .bss)
	echo "variable: $counted of $sent"
	((counted <= sent && counted > sent * 99 / 100)) # a write of both versions in between is lost
	[[ $(variable limit) == 5000 ]]
}

@test "killed at any system call: nothing that was counted or set is lost" {
	attach
	set_variable limit 5000
	sent=0
	for call in bpf sendto rename mkdir unlink; do # strace counts the calls of each kind separately
		for ((n = 1; n < 600; n += ${FAULTS_STRIDE-17})); do
			version "-DSTEP=1" "-DEXTRA=$((n % 2))"
			status=0
			strace -qq -o "$tmp/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
				"$elfmap" -n blue upgrade "$gen" >"$tmp/out" 2>&1 || status=$?
			[[ $status != 0 ]] || break
			send 1
			upgrade "$gen" >"$tmp/out" 2>&1 || {
				echo "after $call $n:"
				cat "$tmp/out"
				false
			}
			((++sent))
			[[ $(variable limit) == 5000 && $(variable packets .bss) == "$sent" && $(value private_count) == "$sent" &&
				$(value object_count) == "$sent" ]] || {
				echo "after $call $n: limit $(variable limit), $(variable packets .bss), $(value private_count) of $sent"
				false
			}
		done
		echo "$call: killed up to $n"
	done
}

# ---- set ----------------------------------------------------------------------------------------------------

@test "set: values of variables and constants at attach, which stay over upgrades" {
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set limit=77 'range={ low 3 high 4 }' quiet=0x10 step=5
	[[ $(variable limit) == 77 && $(variable quiet) == 16 && $(variable step .rodata) == 5 ]]
	[[ $(bpftool -j map dump id "$(map_id .data)" | jq -c '.. | objects | .range // empty') == '{"low":3,"high":4}' ]]
	send 2
	[[ $(value private_count) == 10 ]]
	run -0 "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set limit=77 'range={ low 3 high 4 }' quiet=0x10 step=5
	[[ $output == *unchanged ]]
	for _ in 1 2; do
		version -DEXTRA=3
		upgrade "$gen"
		[[ $(variable limit) == 77 && $(variable quiet) == 16 && $(variable step .rodata) == 5 ]]
	done
	upgrade "$gen" set step=6 own=50
	[[ $(variable limit) == 77 && $(variable step .rodata) == 6 && $(variable own .data.own) == 50 ]]
	run -0 "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set limit=78
	[[ $output == *replaced && $(variable limit) == 78 ]]
}

# The kernel has the value before the first packet.
@test "set: load, and lines of apply; another value is another program" {
	"$elfmap" load "$gen" set limit=9 step=2
	on blue tc filter add dev v1 ingress bpf da object-pinned /sys/fs/bpf/tc/progs/state/count_ipv4
	[[ $(variable limit) == 9 && $(variable step .rodata) == 2 ]]
	on blue tc filter del dev v1 ingress
	for number in 5 6; do
		echo "attach $gen sec ingress dev v1 ingress set limit=$number step=$number" >"$tmp/pipeline"
		run -0 "$elfmap" -n blue apply "$tmp/pipeline"
		[[ $(variable limit) == "$number" && $(variable step .rodata) == "$number" ]]
		run -0 "$elfmap" -n blue apply "$tmp/pipeline"
		[[ $output == '='* ]]
	done
}

# refuses WORDS MESSAGE
refuses() {
	local before

	before=$(find /sys/fs/bpf -type f | sort)
	run --separate-stderr "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set "$1"
	[[ $status == 1 && -z $output && $stderr == "elfmap: $gen: set "$2 ]]
	[[ $(find /sys/fs/bpf -type f | sort) == "$before" && $(prog_id) == null ]]
}

@test "set: unknown names, other types and numbers out of range are refused, and nothing is loaded" {
	refuses limti=5 "limti: there is no such variable; did you mean 'limit'?"
	refuses elsewhere=5 'elsewhere: there is no such variable'
	refuses limit=4294967296 'limit: 4294967296 is not between 0 and 4294967295'
	refuses limit=-1 'limit: *'
	refuses limit=many "limit: expected a number, not 'many'"
	refuses 'limit=5 6' "limit: unexpected '6'"
	refuses range=5 "range: expected '{', not '5'"
	refuses limit= 'limit: *'
	run "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set
	[[ $status == 2 ]]
	flags=(-g0)
	version
	refuses limit=4294967296 "limit: '4294967296' is not a number of 4 bytes"
}

@test "set: without BTF variables of 1, 2, 4 and 8 bytes are numbers" {
	flags=(-g0)
	version
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress set limit=-2 quiet=0x11
	[[ $(bpftool -j map lookup id "$(map_id .data)" key 0 0 0 0 | jq -r '.value | map(ltrimstr("0x")) | join("")') == \
		feffffff*11000000 ]]
}
