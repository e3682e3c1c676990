#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map get`, `set` and `del`, and bpftool's words for them. Contents of maps are read with bpftool.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

teardown() {
	rm -rf "${public-}"
}

# bytes NAME KEY-BYTE ...: the value's bytes by bpftool
bytes() {
	bpftool -j map lookup pinned "$globals/$1" key "${@:2}" | jq -r '.value | join(" ")'
}

# ---- set and get ----------------------------------------------------------------------------------

@test "set, get, del: one entry, written with its types" {
	create ports hash 2 8 10
	map set ports 80 1500 types be16:u64
	[[ $(bytes ports 0 80) == '0xdc 0x05 0x00 0x00 0x00 0x00 0x00 0x00' ]]
	[[ $(map get ports 80 types be16:u64) == '80 1500' ]]
	[[ $(map -j get ports 80 types be16:u64) == '{"key":80,"value":1500}' ]]
	[[ $("$elfmap" -p map get ports 80 types be16:u64 | jq -c .) == '{"key":80,"value":1500}' ]]
	map set ports 80 7 types be16:u64
	[[ $(map get ports 80 types be16:u64) == '80 7' && $(entries ports) == 1 ]]
	map del ports 80 types be16:u64
	[[ $(entries ports) == 0 ]]
	fails 1 '80: no such key' get ports 80 types be16:u64
	fails 1 '80: no such key' del ports 80 types be16:u64
}

@test "set: several entries at once, or none if one is refused" {
	create hosts hash 4 4 10
	map set hosts 10.0.0.1 1 10.0.0.2 2 10.0.0.3 3 types ipv4:u32
	[[ $(entries hosts) == 3 && $(map get hosts 10.0.0.3 types ipv4:u32) == '10.0.0.3 3' ]]
	fails 1 'value: ' set hosts 10.0.0.4 4 10.0.0.5 five types ipv4:u32
	fails 1 'key: ' set hosts 10.0.0.4 4 10.0.0.500 5 types ipv4:u32
	fails 1 'value: ' set hosts 10.0.0.4 4 10.0.0.5 types ipv4:u32
	[[ $(entries hosts) == 3 ]]
	fails 1 'pair 2 has the key of pair 1 and another value' set hosts 10.0.0.4 4 10.0.0.4 5 types ipv4:u32
	[[ $(entries hosts) == 3 ]]
	map set hosts 10.0.0.4 4 10.0.0.4 4 types ipv4:u32
	[[ $(entries hosts) == 4 ]]
}

@test "set: accepts what dump prints" {
	create bytes hash 4 3 10
	map set bytes hex 01 02 03 04 hex 0a 0b 0c
	[[ $(map dump bytes) == 'hex 01 02 03 04 hex 0a 0b 0c' ]]
	line=$(map dump bytes)
	map del bytes hex 01 02 03 04
	# shellcheck disable=SC2086 # words
	map set bytes $line
	[[ $(map dump bytes) == "$line" ]]
	map set bytes "${line/04/05}" # one word
	[[ $(entries bytes) == 2 ]]
}

@test "set: noexist, exist and any decide whether the key may exist" {
	create h hash 4 4 10
	fails 1 'no such key' set h 1 1 exist types u32:u32
	map set h 1 1 noexist types u32:u32
	fails 1 '1: the key is there already' set h 1 2 noexist types u32:u32
	map set h 1 2 exist types u32:u32
	map set h 1 3 any types u32:u32
	[[ $(map dump h types u32:u32) == '1 3' ]]
	fails 1 '1: the key is there already; nothing was changed' set h 2 2 1 1 noexist types u32:u32
	fails 1 '2: no such key; nothing was changed' set h 1 9 2 2 exist types u32:u32
	[[ $(map dump h types u32:u32) == '1 3' ]]
	create cells array 4 4 4
	fails 1 'the slots of an array are always there' set cells 1 hex 01 02 03 04 noexist
}

@test "set: a negative number is not taken for an option" {
	create h hash 4 4 10
	map set h -5 -7 types s32:s32
	[[ $(map get h -5 types s32:s32) == '-5 -7' ]]
	map del h -5 types s32:s32
	[[ $(entries h) == 0 ]]
	fails 2 "unknown option '-x'" set h -x 7
}

@test "numbers without a type are refused with the type that is missing" {
	create h hash 4 2 10
	for words in '1 0 0 0' '01 00 00 00' 0x01 7; do
		# shellcheck disable=SC2086 # words
		fails 1 "key: expected 'hex' and bytes, not '${words%% *}'; the map has no types: give them with 'types KEY:VALUE', or bytes as numbers" \
			get h $words
	done
	fails 1 "value: expected 'hex' and bytes, not '5'; the map has no types: " set h hex 01 00 00 00 5
	fails 1 "key: expected a number, not 'x'" get h x types u32:u16
	[[ $stderr != *'has no types'* ]]
}

@test "lookup, update and delete work as in bpftool" {
	create h hash 4 2 10
	map update h key 1 2 3 0xff value 0xfe 0
	[[ $(bytes h 1 2 3 255) == '0xfe 0x00' ]]
	map update h key hex 01 02 03 04 value hex 0a 0b noexist
	[[ $(bytes h 1 2 3 4) == '0x0a 0x0b' ]]
	[[ $(map lookup h key 1 2 3 4) == 'hex 01 02 03 04 hex 0a 0b' ]]
	[[ $("$elfmap" -j map lookup h key 1 2 3 4) == "$(bpftool -j map lookup pinned $globals/h key 1 2 3 4)" ]]
	map delete h key 1 2 3 4
	[[ $(entries h) == 1 ]]
	fails 1 'the key is there already' update h key 1 2 3 255 value 1 1 noexist
	fails 1 'no such key' delete h key 1 2 3 4
	fails 1 'key: expected 4 bytes, as numbers from 0 to 255 or' update h key 1 2 3 value 1 1
	fails 1 'key: expected 4 bytes, as numbers from 0 to 255 or' update h key 1 2 3 256 value 1 1
	fails 1 'value: expected 2 bytes, as numbers from 0 to 255 or' update h key 1 2 3 4 value 1 1 1
	[[ $(map lookup pinned "$globals/h" key 0x01 2 3 0xff) == 'hex 01 02 03 ff hex fe 00' ]]
	[[ $(map dump pinned "$globals/h") == 'hex 01 02 03 ff hex fe 00' ]]
	fails 2 'usage: elfmap map dump' dump pinned h # `pinned` is a possible name of a pin
	fails 2 'usage: elfmap map update' update h key 1 2 3 4
	fails 2 'usage: elfmap map delete' delete h key 1 2 3 4 value 1 2
	[[ $(entries h) == 1 ]]
}

@test "del: if one of several keys does not exist, no entry is deleted" {
	create h hash 4 4 10
	map set h 1 1 2 2 3 3 types u32:u32
	fails 1 '9: no such key; nothing was changed' del h 1 9 2 types u32:u32
	[[ $(entries h) == 3 ]]
	map del h 1 2 1 types u32:u32
	[[ $(map dump h types u32:u32) == '3 3' ]]
}

@test "prefixes: get finds the longest match; set and del use exactly that prefix" {
	create trie lpm_trie 8 4 10 flags 1
	words=(types prefix4:u32)
	map set trie 10.0.0.0/8 1 10.16.0.0/12 2 "${words[@]}"
	[[ $(map get trie 10.1.2.3/32 "${words[@]}") == '10.1.2.3/32 1' ]]
	fails 1 '10.1.2.3/32: no such key; nothing was changed' del trie 10.0.0.0/8 10.1.2.3/32 "${words[@]}"
	fails 1 '10.32.0.0/12: no such key; nothing was changed' del trie 10.0.0.0/8 10.32.0.0/12 "${words[@]}"
	fails 1 '10.1.0.0/16: no such key; nothing was changed' set trie 10.0.0.0/8 7 10.1.0.0/16 7 exist "${words[@]}"
	[[ $(map dump trie "${words[@]}" | sort | paste -sd,) == '10.0.0.0/8 1,10.16.0.0/12 2' ]]
	map set trie 10.1.0.0/16 3 10.32.0.0/12 4 noexist "${words[@]}"
	fails 1 '10.16.0.0/12: the key is there already; nothing was changed' \
		set trie 11.0.0.0/8 5 10.16.0.0/12 6 noexist "${words[@]}"
	map del trie 10.0.0.0/8 10.16.0.0/12 10.1.0.0/16 "${words[@]}"
	[[ $(map dump trie "${words[@]}") == '10.32.0.0/12 4' ]]
}

@test "get, set: a value for each CPU" {
	local cpus

	create p percpu_hash 4 8 10
	map set p 1 5 types u32:u64
	cpus=$(bpftool -j map dump pinned $globals/p | jq '.[0].values | length')
	[[ $(map get p 1 types u32:u64) == "1 [ $(yes 5 | head -n "$cpus" | xargs) ]" ]]
	[[ $(map get p 1 sum types u32:u64) == "1 $((5 * cpus))" ]]
	map set p 1 "[ $(seq "$cpus" | xargs) ]" types u32:u64
	[[ $(map get p 1 sum types u32:u64) == "1 $((cpus * (cpus + 1) / 2))" ]]
	[[ $(bpftool -j map lookup pinned $globals/p key 1 0 0 0 | jq -c '[.values[].value[0]]') == \
		"$(seq "$cpus" | jq -cs 'map("0x0" + tostring)')" ]]
	fails 1 'value: ' set p 1 "[ $(seq $((cpus + 1)) | xargs) ]" types u32:u64
	create h hash 4 8 10
	map set h 1 5 types u32:u64
	fails 1 'a hash has one value for each key' get h 1 sum types u32:u64
}

# ---- what is refused ------------------------------------------------------------------------------

@test "wrong usage is refused" {
	create h hash 4 4 10
	fails 2 'usage: elfmap map get PIN KEY' get h
	fails 2 'usage: elfmap map set PIN KEY VALUE' set h
	fails 1 'value: ' set h hex 01 02 03 04
	fails 2 'usage: elfmap map del PIN KEY' del h
	fails 2 'usage: elfmap map get PIN KEY' get h 1 2 types u32:u32
	fails 1 'no pin at' get nope 1
	fails 1 'no pin at' set nope 1 1
}

@test "errors of the kernel are explained: map full, no such slot" {
	create small hash 4 4 2
	map set small 1 1 2 2 types u32:u32
	fails 1 '3: map full: 2 of 2 entries' set small 3 3 types u32:u32
	map set small 2 9 types u32:u32
	create cells array 4 4 4
	fails 1 '70: there is no slot 70: the map has 4, 0 to 3' set cells 70 1 types u32:u32
	fails 1 'no such key' get cells 70
	create trie lpm_trie 8 4 1 flags 1
	map set trie 10.0.0.0/8 1 types prefix4:u32
	fails 1 'map full: 1 of 1 entries' set trie 11.0.0.0/8 1 types prefix4:u32
}

@test "set, get and del of a map type that does not support them are refused with the reason" {
	create cells array 4 4 4
	create groups cgroup_array 4 4 4
	create socks sockmap 4 4 4
	create ring ringbuf 0 0 4096
	create seen bloom_filter 0 4 4
	create waiting queue 0 4 4
	create events perf_event_array 4 4 4
	fails 1 'nothing can be deleted from an array: its slots are always there' del cells 1
	fails 1 "a cgroup_array cannot be read: its slots can only be written" get groups 1
	fails 1 'a sockmap cannot be written: its slots take sockets' set socks 1 fd 0
	fails 1 "a queue has no keys; 'push'" set waiting 1 1
	fails 1 "a queue has no keys; 'peek'" get waiting 1
	fails 1 "a queue has no keys; 'pop'" del waiting 1
	fails 1 'has no keys' set ring 1 1
	[[ $stderr == *'has no keys' ]] # no suggestion: a ring buffer has no values either
	fails 1 "it is a stream of events, and has no entries; nothing was changed" clear ring
	fails 1 "a bloom_filter has no keys; 'push'" set seen 1 1
	fails 1 'a bloom_filter has no keys' get seen 1
	[[ $stderr != *peek* ]]
	fails 1 'no such key' del socks 1
	fails 1 'a perf_event_array cannot be written' set events 1 fd 0
	fails 1 'no such key' del groups 1
}

@test "a frozen map can be read, and a change is refused since the map is frozen" {
	create h hash 4 4 4
	map set h 1 1 types u32:u32
	bpftool map freeze pinned $globals/h
	[[ $(map get h 1 types u32:u32) == '1 1' ]]
	fails 1 'the map is frozen' set h 1 2 types u32:u32
	fails 1 'the map is frozen' del h 1 types u32:u32
	[[ $(map get h 1 types u32:u32) == '1 1' ]]
}

# ---- who may --------------------------------------------------------------------------------------

# as_group WORD ...: elfmap map as a user in group 65534, with CAP_BPF and nothing else
as_group() {
	run --separate-stderr setpriv --reuid 65533 --regid 65534 --clear-groups --inh-caps=-all,+bpf \
		--ambient-caps=+bpf "$public/elfmap" map "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
}

@test "a pin with group permissions can be read, or written, by the group" {
	copy_for_other_users
	create h hash 4 4 10
	map set h 1 2 types u32:u32
	as_group get h 1 types u32:u32
	[[ $status == 1 && $stderr == *'not permitted to read the pin (mode 0600, owner 0:0)'* ]]
	as_group set h 1 3 types u32:u32
	[[ $status == 1 && $stderr == *'not permitted to read or write the pin (mode 0600, owner 0:0)'* ]]
	chgrp 65534 $globals/h
	chmod 640 $globals/h
	as_group get h 1 types u32:u32
	[[ $status == 0 && $output == '1 2' && -z $stderr ]]
	as_group dump h
	[[ $status == 0 && $output == 'hex 01 00 00 00 hex 02 00 00 00' && -z $stderr ]]
	as_group set h 1 3 types u32:u32
	[[ $status == 1 && $stderr == *'not permitted to write the pin (mode 0640, owner 0:65534)'* ]]
	chmod 620 $globals/h
	as_group set h 1 3 types u32:u32
	[[ $status == 1 && $stderr == *'not permitted to read the pin (mode 0620, owner 0:65534)'* ]]
	chmod 660 $globals/h
	as_group set h 1 3 types u32:u32
	[[ $status == 0 && -z $output$stderr && $(map get h 1 types u32:u32) == '1 3' ]]
	chmod 700 $globals
	as_group get h 1
	chmod 755 $globals
	[[ $status == 1 && $stderr == *'a directory above it cannot be searched'* ]]
}

@test "list, save and unpin: the missing permission is reported" {
	copy_for_other_users
	chmod 755 /sys/fs/bpf/tc $globals
	create h hash 4 4 10
	mkdir -m 700 $globals/closed
	as_group list
	listed=$status:$stderr
	as_group save
	saved=$status:$stderr
	as_group list globals/closed
	closed=$status:$stderr
	rmdir $globals/closed
	chmod 644 $globals/h
	as_group unpin h
	wanted=' (mode 0?00, owner 0:0); run it as root, or ask the owner to change that'
	# shellcheck disable=SC2053 # a pattern
	[[ $listed == 1:*': not permitted to read the '*$wanted && $saved == 1:*': not permitted to read the '*$wanted ]]
	[[ $closed == 1:*'not permitted to read the directory (mode 0700, owner 0:0)'* ]]
	[[ $status == 1 && $stderr == "elfmap: h: not permitted to remove the pin; run it as root, with 'sudo elfmap ...'" ]]
	[[ -e $globals/h ]]
}

@test "types that only root may read: entries are printed as bytes, with a note" {
	local objects=${BUILD:-$PWD/build}/tc-progs

	copy_for_other_users
	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	"$elfmap" tc filter add dev v0 ingress bpf da obj "$objects/dst_stats.o" sec ingress
	chgrp 65534 $globals/dst_errs
	chmod 640 $globals/dst_errs
	as_group get dst_errs 1 sum types u32:u64
	[[ $status == 0 && $output == '1 0' && -z $stderr ]]
	as_group get dst_errs 1
	[[ $status == 0 && $output == '1 [ hex 00 00 00 00 00 00 00 00 '* ]]
	[[ ${#stderr_lines[@]} == 1 && $stderr == *'note: reading its types requires CAP_SYS_ADMIN'* ]]
}
