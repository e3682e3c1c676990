#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap cgroup`: puts cgroups into slots and shows them; other paths are refused before the map is changed.

# shellcheck disable=SC2154 # cgroups.bash and run set them
bats_require_minimum_version 1.5.0

load cgroups.bash

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	PATH=$build:$PATH
	globals=/sys/fs/bpf/tc/globals
	setup_cgroups
}

teardown() {
	teardown_cgroups
	ip netns del elsewhere 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

# An array without notes.
foreign_array() {
	mkdir -p "$globals"
	bpftool map create "$globals/acl" type cgroup_array key 4 value 4 entries "${1:-4}" name acl
}

# write_slot SLOT DIR: writes a slot without a note. The kernel takes a descriptor.
write_slot() {
	local directory

	exec {directory}<"$2"
	bpftool map update pinned "$globals/acl" key "$1" 0 0 0 value "$directory" 0 0 0
	exec {directory}<&-
}

shown() {
	elfmap -j cgroup show "${1:-acl}" | jq -c 'map([.slot, .state, .cgroup_id, .path])'
}

# refused PATTERN: the last run failed with one line that matches PATTERN.
refused() {
	echo "status $status: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 1 && -z $output && $stderr != *$'\n'* && $stderr == elfmap:\ $1 ]]
}

@test "set: the slot is shown with id and path, and a second set replaces it" {
	foreign_array
	elfmap cgroup set acl 1 "$leaf"
	elfmap cgroup set acl 3 "$top"
	[[ $(shown) == "[[1,\"set\",$(id_of "$leaf"),\"/$name/leaf\"],[3,\"set\",$(id_of "$top"),\"/$name\"]]" ]]
	run -0 elfmap cgroup show acl
	[[ ${lines[1]} =~ ^\ +1\ +"$(id_of "$leaf")"\ +"/$name/leaf"$ ]]
	elfmap cgroup set acl 1 "$top"
	[[ $(shown | jq -c '.[0]') == "[1,\"set\",$(id_of "$top"),\"/$name\"]" ]]
}

@test "set: a cgroup is given by its path, or relative to the root of cgroup2, with or without the slash" {
	foreign_array
	elfmap cgroup set acl 0 "$leaf"
	elfmap cgroup set acl 1 "$name/leaf"
	elfmap cgroup set acl 2 "/$name/leaf"
	(cd "$top" && elfmap cgroup set acl 3 ./leaf)
	[[ $(shown | jq -c 'map(.[3]) | unique') == "[\"/$name/leaf\"]" ]]
}

@test "clear: the slot is empty, and a second clear is refused" {
	foreign_array
	elfmap cgroup set acl 1 "$leaf"
	elfmap cgroup clear acl 1
	[[ $(shown) == '[]' && -z $(elfmap cgroup show acl) ]]
	run -1 --separate-stderr elfmap cgroup clear acl 1
	refused 'acl: slot 1 is empty'
}

@test "set: a file, a directory outside cgroup2 and a missing path are refused before the map is changed" {
	foreign_array
	elfmap cgroup set acl 0 "$leaf"
	before=$(shown)
	run -1 --separate-stderr elfmap cgroup set acl 0 /tmp
	refused '/tmp: is not a cgroup of version 2; cgroups of version 2 are below /*'
	run -1 --separate-stderr elfmap cgroup set acl 0 "$leaf/cgroup.procs"
	refused '*/cgroup.procs: is not a directory*'
	run -1 --separate-stderr elfmap cgroup set acl 0 "$top/absent"
	refused "$top/absent: no cgroup at $top/absent; 'mkdir *"
	run -1 --separate-stderr elfmap cgroup set acl 0 ''
	refused "'': no name*"
	[[ $(shown) == "$before" ]]
	# The directory is checked first; the pin does not exist either.
	run -1 --separate-stderr elfmap cgroup set absent 0 /tmp
	refused '/tmp: *'
	[[ ! -e $globals/absent && ! -e $globals/absent_ids ]]
}

@test "set: a cgroup of version 1 is refused" {
	version1=$(findmnt --noheadings --raw --first-only --types cgroup --output TARGET) || skip 'no cgroups of version 1 here'
	foreign_array
	elfmap cgroup set acl 0 "$leaf"
	before=$(shown)
	run -1 --separate-stderr elfmap cgroup set acl 0 "$version1"
	refused "$version1: is a cgroup of version 1, and sockets belong to cgroups of version 2; *"
	[[ $(shown) == "$before" ]]
}

@test "set: a missing pin, another map type, a slot out of range and a word that is not a number are refused" {
	for verb in 'set absent 0 /' 'clear absent 0' 'show absent' 'prune absent'; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr elfmap cgroup $verb
		refused 'absent: no pin at *'
	done
	foreign_array
	run -1 --separate-stderr elfmap cgroup set acl 4 "$leaf"
	refused 'acl: no slot 4; there are 4, from 0 to 3'
	run -1 --separate-stderr elfmap cgroup clear acl 4
	refused 'acl: no slot 4; *'
	for slot in -1 x '' 1x 99999999999; do
		run -2 --separate-stderr elfmap cgroup set acl "$slot" "$leaf"
		[[ -z $output && $stderr == "elfmap: cgroup set: SLOT: '$slot' is not a number from 0 to 4294967295"* ]]
	done
	[[ ! -e ${globals}/acl_ids ]]
	bpftool map create "$globals/plain" type array key 4 value 4 entries 4 name plain
	run -1 --separate-stderr elfmap cgroup set plain 0 "$leaf"
	refused 'plain: is not a cgroup_array; its type is array'
	run -1 --separate-stderr elfmap cgroup show plain
	refused 'plain: is neither a cgroup_array nor *'
}

@test "set: another map under the name of the notes is refused" {
	foreign_array
	bpftool map create "$globals/acl_ids" type hash key 4 value 4 entries 4 name other
	run -1 --separate-stderr elfmap cgroup set acl 0 "$leaf"
	refused 'acl: * exists, but does not record cgroups; *rm *acl_ids'
	rm "$globals/acl_ids"
	[[ $(shown) == '[]' ]]
}

@test "wrong usage is status 2 with the usage line, and help is status 0" {
	for words in '' 'set' 'set a 0' 'set a 0 / x' 'set a 0 / --force' 'set a 0 / entries 4' 'clear a' 'show' 'show a b' 'nosuch'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr elfmap cgroup $words
		[[ -z $output && -n $stderr ]]
	done
	run -0 --separate-stderr elfmap cgroup set --help
	[[ -z $stderr && $output == 'usage: elfmap cgroup set PIN SLOT DIR [--create] [entries N] [--force]'* ]]
}

@test "show: slots that others have written are unknown, and slots that others have emptied are not shown" {
	foreign_array
	write_slot 2 "$top"
	[[ $(shown) == '[[2,"unknown",null,null]]' ]]
	[[ $(elfmap cgroup show acl) == *' 2 '*-*unknown ]]
	elfmap cgroup set acl 1 "$leaf"
	elfmap cgroup set acl 3 "$leaf"
	bpftool map delete pinned "$globals/acl" key 3 0 0 0
	[[ $(shown | jq -c 'map(.[0:2])') == '[[1,"set"],[2,"unknown"]]' ]]
}

@test "show: notes about an earlier array of the same pin are ignored" {
	foreign_array
	elfmap cgroup set acl 1 "$leaf"
	rm "$globals/acl"
	foreign_array
	[[ $(shown) == '[]' ]]
	write_slot 1 "$top"
	[[ $(shown) == '[[1,"unknown",null,null]]' ]]
	rm "$globals/acl"
	foreign_array 9 # larger than the map of the old notes
	elfmap cgroup set acl 8 "$leaf"
	[[ $(shown | jq -c 'map(.[0:2])') == '[[8,"set"]]' ]]
}

@test "map set and map del update the notes" {
	foreign_array
	elfmap map set acl 1 "/$name/leaf" 2 "/$name"
	[[ $(shown) == "[[1,\"set\",$(id_of "$leaf"),\"/$name/leaf\"],[2,\"set\",$(id_of "$top"),\"/$name\"]]" ]]
	elfmap map del acl 1
	[[ $(shown | jq -c 'map(.[0])') == '[2]' ]]
	[[ $(elfmap -j map get acl_ids 1 | jq -r .value.map_id) == 0 ]]
}

@test "the notes are an ordinary map" {
	foreign_array
	elfmap cgroup set acl 1 "$leaf"
	run -0 elfmap map get acl_ids 1
	[[ $output == "1 { cgroup /$name/leaf map_id "*' }' ]]
}

@test "gone: a removed cgroup is shown as gone, a new one of its name is not taken for it, and prune empties the slot" {
	foreign_array
	elfmap cgroup set acl 0 "$leaf"
	elfmap cgroup set acl 1 "$top"
	id=$(id_of "$leaf")
	rmdir "$leaf"
	[[ $(shown | jq -c '.[0]') == "[0,\"gone\",$id,null]" ]]
	mkdir "$leaf"
	[[ $(shown | jq -c '.[0]') == "[0,\"gone\",$id,null]" ]]
	run -0 elfmap cgroup show acl
	[[ ${lines[1]} =~ ^\ +0\ +$id\ +gone$ ]]
	[[ $(elfmap -j cgroup prune acl | jq -c 'map(.slot)') == '[0]' ]]
	[[ $(shown | jq -c 'map(.[0:2])') == '[[1,"set"]]' ]]
	[[ $(elfmap -j cgroup prune acl) == '[]' ]]
}

@test "create: makes an array with its first slot; a second time it is refused without --force" {
	elfmap cgroup set fresh 7 "$leaf" --create
	[[ $(shown fresh | jq -c 'map(.[0:2])') == '[[7,"set"]]' ]]
	[[ $(bpftool -j map show pinned "$globals/fresh" | jq -c '[.type, .max_entries]') == '["cgroup_array",64]' ]]
	id=$(bpftool -j map show pinned "$globals/fresh" | jq .id)
	run -1 --separate-stderr elfmap cgroup set fresh 1 "$top" --create
	refused 'fresh: exists already; with --force *'
	[[ $(bpftool -j map show pinned "$globals/fresh" | jq .id) == "$id" ]]
	[[ $(shown fresh | jq -c 'map(.[0:2])') == '[[7,"set"]]' ]]
	elfmap cgroup set fresh 1 "$top" --create entries 100 --force
	[[ $(bpftool -j map show pinned "$globals/fresh" | jq -c '[.id != '"$id"', .max_entries]') == '[true,100]' ]]
	[[ $(shown fresh) == "[[1,\"set\",$(id_of "$top"),\"/$name\"]]" ]]
}

@test "create: a failure leaves no pin" {
	for words in "new 64 $leaf" "new 2 $leaf entries 2" 'new 0 /tmp' "new.dot 0 $leaf" "/tmp/new 0 $leaf"; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr elfmap cgroup set $words --create
		refused '*'
	done
	run -2 elfmap cgroup set new 0 "$leaf" entries 0 --create
	[[ -z $(find /sys/fs/bpf -type f -name 'new*') && ! -e /tmp/new ]]
}

@test "an object reuses the array that was created for it" {
	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	elfmap cgroup set cgroup_acl 5 "$leaf" --create
	elfmap tc filter add dev v0 egress bpf da obj "$build/tc-progs/cgroup_filter.o" sec filter
	[[ $(shown cgroup_acl | jq -c 'map(.[0:2])') == '[[5,"set"]]' ]]
	ip link del v0
}

@test "inside ip netns exec, which hides cgroup2 and the pins, set and show work" {
	foreign_array
	ip netns add elsewhere
	in_netns=(ip netns exec elsewhere)
	run ! "${in_netns[@]}" test -e "$leaf"
	"${in_netns[@]}" elfmap cgroup set acl 0 "$leaf"
	"${in_netns[@]}" elfmap cgroup set acl 1 "$name/leaf"
	[[ $("${in_netns[@]}" elfmap -j cgroup show acl) == "$(elfmap -j cgroup show acl)" ]]
	[[ $(shown | jq -c 'map(.[3])') == "[\"/$name/leaf\",\"/$name/leaf\"]" ]]
	run -1 --separate-stderr "${in_netns[@]}" elfmap cgroup set acl 0 /tmp
	refused '/tmp: is not a cgroup of version 2; *'
	run -1 --separate-stderr "${in_netns[@]}" elfmap cgroup set acl 0 "$top/absent"
	refused '*: no cgroup at *'
	"${in_netns[@]}" elfmap cgroup clear acl 1
	[[ $(shown | jq -c 'map(.[0])') == '[0]' ]]
}

@test "cgroup2 is found wherever it is mounted, also in a path with spaces" {
	foreign_array
	mount -t tmpfs tmpfs /mnt
	mkdir '/mnt/a b'
	mount --bind "$cgroup2" '/mnt/a b'
	umount --lazy "$cgroup2"
	elfmap cgroup set acl 0 "$name/leaf"
	elfmap cgroup set acl 1 "/mnt/a b/$name"
	[[ $(shown | jq -c 'map(.[3])') == "[\"/$name/leaf\",\"/$name\"]" ]]
	mount --bind '/mnt/a b' "$cgroup2"
	umount --recursive --lazy /mnt
}

@test "ids: cgroups that are keys of a map are listed, and prune deletes those that have been removed" {
	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	elfmap tc filter add dev v0 egress bpf da obj "$build/tc-progs/cgroup_id_filter.o" sec filter
	for dir in "$top" "$leaf"; do
		elfmap map set cgroup_id_rules "$(id_of "$dir")" \
			'{ verdict drop protocol any family 0 counter 0 port_first 0 port_last 0 }'
	done
	id=$(id_of "$leaf")
	[[ $(elfmap -j cgroup show cgroup_id_rules | jq -c 'map([.cgroup_id, .path]) | sort') == \
		"$(jq -nc "[[$(id_of "$top"),\"/$name\"],[$id,\"/$name/leaf\"]] | sort")" ]]
	rmdir "$leaf"
	run -0 elfmap cgroup show cgroup_id_rules
	[[ $output =~ $id\ +gone ]]
	[[ $(elfmap -j cgroup prune cgroup_id_rules | jq -c 'map([.state, .cgroup_id])') == "[[\"gone\",$id]]" ]]
	[[ $(elfmap -j map dump cgroup_id_rules | jq length) == 1 ]]
	ip link del v0
}
