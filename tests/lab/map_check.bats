#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map check`: device numbers in maps, and the names that are noted for them. The contents of maps are
# read with bpftool.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; run sets it
bats_require_minimum_version 1.5.0

globals=/sys/fs/bpf/tc/globals

setup_file() {
	export OBJECT=$BATS_FILE_TMPDIR/ports.o
	clang -target bpf -O2 -g -c -idirafter "/usr/include/$(cc -print-multiarch)" -o "$OBJECT" -x c - <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		typedef __u32 ifindex;
		struct ports { __u32 weight; ifindex uplink; struct { ifindex dev; __u32 queue; } ports[2]; };
		struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 16);
			__type(key, __u64);
			__type(value, struct ports);
		} groups SEC(".maps");
		struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 4);
			__type(key, __u32);
			__type(value, ifindex);
		} ports SEC(".maps");
		SEC("tc")
		int use(struct __sk_buff *skb)
		{
			__u64 key = skb->mark;

			return bpf_map_lookup_elem(&groups, &key) || bpf_map_lookup_elem(&ports, &key);
		}
		char _license[] SEC("license") = "GPL";
	END
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset TC_BPF_MNT
	elfmap=${BUILD:-$PWD/build}/elfmap
	mkdir -p $globals
	bpftool prog loadall "$OBJECT" /sys/fs/bpf/progs pinmaps $globals
	device a
	device b
}

# tests/sandbox gives this file its own bpffs; each test starts with it empty.
teardown() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
	for name in a b c d; do ip link del dev "$name" 2>/dev/null || true; done
	ip netns del "n-$$" 2>/dev/null || true
}

device() { # NAME [INDEX]
	ip link add ${2:+index "$2"} name "$1" type ifb
}

number_of() {
	ip -j link show dev "$1" | jq '.[0].ifindex'
}

# A number below 256 as four bytes for bpftool.
bytes() {
	printf '%d 0 0 0' "$1"
}

put_port() { # SLOT NUMBER
	# shellcheck disable=SC2046
	bpftool map update pinned $globals/ports key $(bytes "$1") value $(bytes "$2")
}

port() { # SLOT
	# shellcheck disable=SC2046
	bpftool -j map lookup pinned $globals/ports key $(bytes "$1") | jq .formatted.value
}

# checks STATUS STATES [WORD ...]: the states of the findings, in order, and the exit status.
checks() {
	local status_wanted=$1 states=$2

	shift 2
	run --separate-stderr "$elfmap" -j map check "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$status_wanted" && $(jq -r '[.[].state] | join(" ")' <<<"$output") == "$states" ]]
	[[ ${#stderr_lines[@]} == "$status_wanted" ]] # one line, if it failed
}

# fails STATUS TEXT WORD ...: nothing on stdout, one line with TEXT on stderr.
fails() {
	local status_wanted=$1 text=$2

	shift 2
	run --separate-stderr "$elfmap" map "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$status_wanted" && -z $output && $stderr == *"$text"* ]]
	[[ $status_wanted == 2 || ${#stderr_lines[@]} == 1 ]]
}

@test "check: device numbers without a noted name are reported, and not after the name is noted" {
	checks 0 '' ports
	put_port 0 "$(number_of a)"
	put_port 2 "$(number_of b)"
	checks 0 'unnoted unnoted' ports
	checks 0 'unnoted unnoted' ports # check without --fix makes no note
	[[ ! -e $globals/ports_devs ]]
	checks 0 'unnoted unnoted' ports --fix
	[[ $(jq -c '[.[].fixed]' <<<"$output") == '[true,true]' ]]
	checks 0 'ok ok' ports
	[[ $(jq -c '[.[] | [.key, .ifindex, .ifname]]' <<<"$output") == \
		"[[0,$(number_of a),\"a\"],[2,$(number_of b),\"b\"]]" ]]
}

@test "check: --mend is an undocumented alias of --fix" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --mend
	[[ $(jq -c '[.[].fixed]' <<<"$output") == '[true]' ]]
	checks 0 ok ports
	run -2 "$elfmap" map check
	[[ $output == *--fix* && $output != *--mend* ]]
}

@test "check: a device that was made again is found by its name, and --fix corrects its number" {
	put_port 0 "$(number_of a)"
	put_port 1 "$(number_of b)"
	checks 0 'unnoted unnoted' ports --fix
	old=$(number_of a)
	ip link del dev a
	checks 1 'gone ok' ports
	[[ $stderr == *'1 of 2 device numbers are of devices that are gone'* ]]
	checks 1 'gone ok' ports --fix # there is no device for it, so the entry stays
	[[ $(port 0) == "$old" ]]
	device a
	new=$(number_of a)
	[[ $new != "$old" ]]
	checks 1 'renumbered ok' ports
	[[ $stderr == *"'elfmap map check ports --fix' fixes them"* ]]
	[[ $(jq -c '.[0] | [.ifindex, .ifname, .new_ifindex, .fixed]' <<<"$output") == "[$old,\"a\",$new,false]" ]]
	[[ $(port 0) == "$old" ]]
	checks 0 'renumbered ok' ports --fix
	[[ $(jq -c '.[0].fixed' <<<"$output") == true ]]
	[[ $(port 0) == "$new" && $(port 1) == "$(number_of b)" ]]
	checks 0 'ok ok' ports
}

@test "check: a number that now belongs to another device is reported" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	old=$(number_of a)
	ip link del dev a
	device c "$old"
	checks 0 renamed ports # possibly the same device with another name: no change
	[[ $(jq -r '.[0] | [.ifname, .new_ifname] | join(" ")' <<<"$output") == 'a c' ]]
	device a
	checks 1 renumbered ports
	checks 0 renumbered ports --fix
	[[ $(port 0) == "$(number_of a)" ]]
}

@test "check: a renamed device keeps its number; --fix notes the new name" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	ip link set dev a name d
	checks 0 renamed ports
	checks 0 renamed ports --fix
	checks 0 ok ports
	[[ $(jq -r '.[0].ifname' <<<"$output") == d && $(port 0) == "$(number_of d)" ]]
}

@test "check: a note is ignored after the entry was written by another program" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	put_port 0 "$(number_of b)"
	checks 0 unnoted ports
	[[ $(jq -r '.[0].ifname' <<<"$output") == b ]]
	put_port 0 250
	checks 1 gone ports
	[[ $(jq -c '.[0] | has("ifname")' <<<"$output") == false ]]
}

@test "check: members of structs and arrays are fixed together, and other bytes of the entry stay" {
	# shellcheck disable=SC2046
	bpftool map update pinned $globals/groups key 7 0 0 0 0 0 0 0 value 1 2 3 4 \
		$(bytes "$(number_of a)") $(bytes "$(number_of b)") 9 9 9 9 $(bytes "$(number_of a)") 8 8 8 8
	checks 0 'unnoted unnoted unnoted' groups --fix
	[[ $(jq -c '[.[].member]' <<<"$output") == '["uplink","ports[0].dev","ports[1].dev"]' ]]
	ip link del dev a
	ip link del dev b
	device a
	checks 1 'renumbered gone renumbered' groups --fix
	[[ $stderr == *'1 of 3 device numbers are of devices that are gone'* ]]
	device b
	checks 0 'ok renumbered ok' groups --fix
	[[ $("$elfmap" map dump groups) == \
		'7 { weight 67305985 uplink a ports [ { dev b queue 151587081 } { dev a queue 134744072 } ] }' ]]
	run -0 "$elfmap" map check groups
	[[ ${lines[2]} == '7 '*' ports[0].dev '*"$(number_of b) b "*ok ]]
}

@test "check: entries that the kernel removed from a DEVMAP with the device are restored" {
	bpftool map create $globals/out type devmap key 4 value 4 entries 4 name out
	bpftool map create $globals/outs type devmap_hash key 4 value 8 entries 4 name outs
	# shellcheck disable=SC2046
	bpftool map update pinned $globals/out key $(bytes 3) value $(bytes "$(number_of a)")
	# shellcheck disable=SC2046
	bpftool map update pinned $globals/outs key $(bytes 9) value $(bytes "$(number_of a)") 0 0 0 0
	for map in out outs; do checks 0 unnoted $map --fix; done
	ip link del dev a
	for map in out outs; do
		[[ -z $("$elfmap" map dump $map) ]]
		checks 1 gone $map
	done
	device a
	for map in out outs; do
		checks 1 renumbered $map
		checks 0 renumbered $map --fix
		checks 0 ok $map
	done
	[[ $("$elfmap" map dump out) == '3 a' && $("$elfmap" map dump outs) == '9 { ifindex a prog_id 0 }' ]]
}

@test "check: entries written in another network namespace are not checked in this one" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	ip netns add "n-$$"
	run -0 nsenter --net="/run/netns/n-$$" "$elfmap" -j map check ports --fix
	[[ $(jq -r '.[0] | [.state, .ifname] | join(" ")' <<<"$output") == 'elsewhere a' ]]
	checks 0 ok ports
}

@test "check: maps that cannot be checked or fixed are refused" {
	bpftool map create $globals/plain type hash key 4 value 4 entries 4 name plain
	bpftool map create $globals/percpu type percpu_array key 4 value 4 entries 4 name percpu
	fails 1 'no device numbers according to their type' check plain
	fails 1 'no device numbers according to their type' check percpu
	fails 1 "no pin at $globals/nope" check nope
	fails 2 'usage: elfmap map check' check
	fails 2 'usage: elfmap map check' check ports groups
	fails 2 "unknown option '--all'" check ports --all
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	old=$(number_of a)
	ip link del dev a
	device a
	bpftool map freeze pinned $globals/ports
	fails 1 'the entry cannot be written: Operation not permitted' check ports --fix
	[[ $(port 0) == "$old" ]]
}

@test "check: the notes of an earlier map with the same pin are ignored" {
	put_port 0 "$(number_of a)"
	checks 0 unnoted ports --fix
	rm $globals/ports
	bpftool map create $globals/ports type devmap_hash key 4 value 8 entries 4 name ports
	# shellcheck disable=SC2046
	bpftool map update pinned $globals/ports key $(bytes 0) value $(bytes "$(number_of b)") 0 0 0 0
	checks 0 unnoted ports --fix
	checks 0 ok ports
	[[ $(jq -r '.[0].ifname' <<<"$output") == b ]]
}

# ---- names noted by the verbs that write ------------------------------------------------------------

@test "set notes the device's name for check, and del removes it" {
	"$elfmap" map set ports 0 dev a 1 "$(number_of b)"
	[[ $("$elfmap" map get ports 0) == '0 a' && $(port 1) == "$(number_of b)" ]]
	checks 0 'ok ok' ports
	ip link del dev a
	device a
	checks 0 'renumbered ok' ports --fix
	[[ $(port 0) == "$(number_of a)" ]]
	"$elfmap" map set ports 0 0
	checks 0 ok ports
	"$elfmap" map set groups 7 '{ weight 1 uplink a ports [ { dev b queue 2 } { dev 0 queue 3 } ] }'
	checks 0 'ok ok' groups
	[[ $(bpftool -j map dump pinned $globals/groups_devs | jq length) == 1 ]]
	"$elfmap" map del groups 7
	[[ $(bpftool -j map dump pinned $globals/groups_devs | jq length) == 0 ]]
}

@test "load and replace note names; a slot that was cleared stays empty" {
	bpftool map create $globals/out type devmap key 4 value 4 entries 4 name out
	printf '0 a\n1 b\n' | "$elfmap" map load out -
	checks 0 'ok ok' out
	printf '1 b\n2 a\n' | "$elfmap" map replace out -
	checks 0 'ok ok' out
	ip link del dev a
	device a
	checks 0 'ok renumbered' out --fix
	[[ $("$elfmap" map dump out) == $'1 b\n2 a' ]]
	"$elfmap" map clear out
	checks 0 '' out --fix
	[[ -z $("$elfmap" map dump out) ]]
}

@test "set: a value that is not a device is refused, and the map is unchanged" {
	"$elfmap" map set ports 0 dev a
	before=$(bpftool -j map dump pinned $globals/ports)
	fails 1 "'nosuch'" set ports 0 dev nosuch
	fails 1 '' set ports 0 -3
	fails 1 '' set ports 0 99999999999
	fails 1 '' set ports 0 'dev'
	fails 1 '' set ports 4 dev a
	fails 1 "no pin at $globals/nope" set nope 0 dev a
	[[ $(bpftool -j map dump pinned $globals/ports) == "$before" ]]
	checks 0 ok ports
	printf '0 424242\n' | "$elfmap" map load ports - # what dump prints for a removed device
	[[ $(port 0) == 424242 ]]
	checks 1 gone ports
}
