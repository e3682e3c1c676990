#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap upgrade`: replaces a version of a pipeline as a whole. Each packet records the versions that it ran
# through (tests/testdata/generation.h); a mixture of versions fails the test.

# shellcheck disable=SC2154,SC2030,SC2031 # flood.bash and run set them; a test is a subshell
# shellcheck disable=SC2317 # functions that run calls

bats_require_minimum_version 1.5.0

load flood.bash

versions=/sys/fs/bpf/tc/generations/gen%2Eo

setup() {
	setup_flood
	objects=$build/tests/testdata
	generations=$versions/$(stat -Lc %i /run/netns/blue)
	gen=$tmp/gen.o
	version 1
}

teardown() {
	teardown_flood
}

# version N: gen.o becomes version N.
version() {
	cp "$build/tests/testdata/generation_$1.o" "$gen"
}

attach() {
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
}

upgrade() {
	"$elfmap" -n blue upgrade "$@"
}

# cells: packets completely through version 1, through version 2, mixed, lost.
cells() {
	"$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")'
}

state() {
	"$elfmap" map dump gen_state types u32:u64 | sort
}

send() {
	"$flood" from red to 10.9.0.2 port 9000 packets "$1" size 60 at blue >/dev/null
}

filter_id() {
	on blue tc -j filter show dev v1 ingress | jq -r '.[].options.prog.id // empty'
}

pins() {
	find /sys/fs/bpf/tc -type f | sort
}

# no_change COMMAND...: COMMAND fails and changes nothing.
no_change() {
	local before

	before=$(pins && filter_id && state)
	run --separate-stderr "$@"
	echo "status $status: $stderr"
	[[ $status == 1 && -z $output && $(wc -l <<<"$stderr") == 1 ]]
	[[ $(pins && filter_id && state) == "$before" ]]
}

@test "upgrade: the new version replaces the old one with all its stages, and state is kept" {
	attach
	send 10
	[[ $(cells) == '10 0 0 0' ]]
	version 2
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr ]]
	diff - <(printf '%s\n' "$output") <<-'END'
		dev v1 ingress prio 49152 handle 0x1 chain 0 gen.o:[ingress] replaced
		map gen_jmp new
		map gen_cells kept
		map gen_state kept
	END
	send 10
	[[ $(cells) == '10 10 0 0' && $(state) == *' 20' ]]
	[[ $(bpftool -j map show pinned "$globals/gen_jmp" | jq .id) == \
		"$(bpftool -j map show pinned "$generations/current/maps/tc/globals/gen_jmp" | jq .id)" ]]
}

@test "upgrade: replaces every filter and link of the object, on every device and in every chain" {
	attach
	"$elfmap" -n blue attach "$gen" sec egress dev v1 egress prio 5 chain 0
	"$elfmap" -n blue attach "$gen" sec ingress dev lo ingress chain 4
	run "$elfmap" -n blue attach "$gen" sec egress dev lo egress --tcx
	links=$((status == 0))
	"$elfmap" -n blue attach "$build/tests/testdata/shared.o" sec ingress dev v1 ingress prio 60000
	version 2
	run -0 upgrade -j "$gen"
	[[ $(jq -r '.replaced | length' <<<"$output") == $((3 + links)) ]]
	[[ $(jq -r '.replaced | map(.name) | unique | join(" ")' <<<"$output") == 'gen.o:[egress] gen.o:[ingress]' ]]
	on blue ping -q -c 2 -i 0.2 10.9.0.1
	[[ $(cells) == '0 4 0 0' ]]
}

@test "1000 upgrades and rollbacks at 50,000 packets a second: no packet is lost or mixes versions" {
	attach
	cp "$gen" "$tmp/one.o"
	version 2
	cat >"$tmp/changes" <<-END
		#!/bin/sh -e
		for i in \$(seq 250); do
			$elfmap -n blue upgrade $gen
			$elfmap -n blue upgrade $gen --rollback
			$elfmap -n blue upgrade $gen --rollback
			$elfmap -n blue upgrade $gen --rollback
		done >/dev/null
	END
	chmod +x "$tmp/changes"
	run -0 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 rate 60000 packets 60000 size 60 at blue -- "$tmp/changes"
	assert_lossless
	read -r one two mixed lost < <(cells)
	echo "version 1: $one, version 2: $two, mixed: $mixed, lost: $lost"
	((one + two == $(report .sent) && one > 1000 && two > 1000 && mixed == 0 && lost == 0))
}

@test "the test above can fail: replacing stages one by one does mix versions" {
	attach
	version 2
	for _ in {1..20}; do # load fills the slots of the pinned, live array
		"$elfmap" load "$gen" >/dev/null
		send 20
	done
	[[ $(cells) == '0 0 400 0' ]]
}

@test "rollback: restores the previous version, and a second rollback the newer one" {
	attach
	version 2
	upgrade "$gen"
	upgrade gen.o --rollback
	send 5
	[[ $(cells) == '5 0 0 0' ]]
	upgrade gen.o --rollback
	send 5
	[[ $(cells) == '5 5 0 0' ]]
	run -0 upgrade gen.o --forget -j
	[[ ! -e $generations/previous && $(jq -c '[.replaced, .versions_kept]' <<<"$output") == '[[],0]' ]]
	send 5
	[[ $(cells) == '5 10 0 0' ]]
	no_change upgrade gen.o --rollback
	[[ $stderr == *'there is no previous version to go back to'* ]]
	no_change upgrade gen.o --forget
	[[ $stderr == *'there is no previous version'* ]]
}

@test "rollback: a version that has lost stages or a program is refused" {
	attach
	version 2
	upgrade "$gen"
	rm "$generations/previous/maps/tc/globals/gen_jmp"
	no_change upgrade gen.o --rollback
	[[ $stderr == "elfmap: gen.o: its PROG_ARRAY 'gen_jmp' has lost its pin, so its slots are empty; "* ]]
	upgrade "$gen"
	rm "$generations/previous/entries/ingress"
	no_change upgrade gen.o --rollback
	upgrade "$gen"
	upgrade gen.o --rollback
	send 5
	[[ $(cells) == '0 5 0 0' ]]
}

@test "a map that became larger: its entries are copied, and copied back by rollback" {
	attach
	send 3
	"$elfmap" map set gen_state 7 70 types u32:u64
	version 2_large
	run -0 upgrade "$gen"
	[[ $output == *'map gen_state copied: 2 entries carried, 0 late, 0 lost, 0 removed' ]]
	send 3
	[[ $(bpftool -j map show pinned "$globals/gen_state" | jq .max_entries) == 64 ]]
	grep -x '7 70' <(state)
	grep -x '[0-9]* 6' <(state)
	"$elfmap" map del gen_state 7 types u32:u64
	upgrade "$gen" --rollback
	[[ $(bpftool -j map show pinned "$globals/gen_state" | jq .max_entries) == 16 ]]
	send 3
	[[ $(state) == *' 9' && $(state | wc -l) == 1 && $(cells) == '6 3 0 0' ]]
}

@test "a map with another kind of change is refused with both definitions" {
	attach
	version other
	no_change upgrade "$gen"
	[[ $stderr == *"map 'gen_state': differs from its pin in max_entries: object hash key 4 value 8 max_entries 8 flags 0x0; pin hash key 4 value 8 max_entries 16 flags 0x0"* ]]
	send 5
	[[ $(cells) == '5 0 0 0' ]]
}

@test "a version without an attached section, one that the kernel refuses and a missing one are refused" {
	attach
	cp "$build/tests/testdata/tailcall.o" "$gen"
	no_change upgrade "$gen"
	[[ $stderr == *"section 'ingress' is attached, but the other version has no such section"* ]]
	cp "$build/tests/testdata/broken.o" "$gen"
	no_change upgrade "$gen"
	[[ $stderr == *'the kernel refuses it'* ]]
	rm "$gen"
	no_change upgrade "$gen"
	[[ $stderr == *"$gen"*'No such file'* ]]
	send 5
	[[ $(cells) == '5 0 0 0' ]]
}

@test "an object that is not attached or not pinned is refused" {
	run --separate-stderr upgrade "$gen"
	[[ $status == 1 && $stderr == "elfmap: $gen: it is not attached here"* && -z $(pins) ]]
	attach
	run --separate-stderr "$elfmap" upgrade "$gen"
	[[ $status == 1 && $stderr == *"it is not attached here (no filter 'gen.o:["* ]]
	run upgrade
	[[ $status == 2 ]]
}

@test "a tcx link that cannot be opened is an error" {
	run "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress --tcx
	[[ $output != *'this kernel has no tcx'* ]] || skip "this kernel has no tcx"
	before=$(pins)
	mount -o remount,ro /sys/fs/bpf
	run --separate-stderr upgrade "$gen"
	mount -o remount,rw /sys/fs/bpf
	[[ $status == 1 && $stderr == "elfmap: $gen: /sys/fs/bpf/tc/links/"*": Read-only file system" && $(pins) == "$before" ]]
	run -0 upgrade "$gen"
	[[ ${lines[0]} == *replaced ]]
}

@test "two upgrades at the same time: the second waits for the first, and reports a timeout" {
	attach
	version 2
	for _ in {1..8}; do
		upgrade "$gen" >/dev/null &
	done
	wait
	send 5
	[[ $(cells) == '0 5 0 0' ]]
	exec {lock}</sys/fs/bpf/tc
	flock -s "$lock"
	no_change upgrade "$gen"
	[[ $stderr == *'another command is loading objects or changing pins'* ]]
}

@test "an unpinned jump table: each version keeps its own, also after rollback" {
	version 1_unpinned
	attach
	for one in 1 1 2; do
		version "${one}_unpinned"
		upgrade "$gen"
	done
	send 4
	[[ $(cells) == '0 4 0 0' ]]
	upgrade "$gen" --rollback
	send 4
	[[ $(cells) == '4 4 0 0' ]]
	upgrade "$gen" --rollback
	send 4
	[[ $(cells) == '4 8 0 0' ]]
}

@test "a filter made by tc keeps its protocol and class" {
	attach # makes the pins, which stay
	"$elfmap" -n blue detach "$gen" sec ingress dev v1 ingress
	"$elfmap" tc -n blue filter add dev v1 ingress prio 7 protocol ip bpf obj "$gen" sec ingress classid 1:7
	version 2
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $output == 'dev v1 ingress prio 7 handle 0x1 '* ]]
	run -0 on blue tc filter show dev v1 ingress
	[[ $output == *'protocol ip pref 7 '*'flowid 1:7 gen.o:[ingress]'* && $output != *direct-action* ]]
	send 3
	[[ $(cells) == '0 3 0 0' ]]
	run -0 attach
	[[ $output == *' prio 7 '*replaced ]]
	run -0 on blue tc filter show dev v1 ingress
	[[ $output == *'protocol ip pref 7 '*direct-action* && $output != *flowid* ]]
	"$elfmap" -n blue detach "$gen" sec ingress dev v1 ingress
	[[ -z $(filter_id) ]]
}

@test "a filter made by tc with actions is not upgraded, since the actions would be lost" {
	attach # makes the pins, which stay
	"$elfmap" -n blue detach "$gen" sec ingress dev v1 ingress
	"$elfmap" tc -n blue filter add dev v1 ingress prio 7 bpf obj "$gen" sec ingress action mirred egress redirect dev lo
	version 2
	no_change upgrade "$gen"
	[[ $stderr == *'prio 7 handle 0x1 has tc actions'* ]]
}

@test "all maps that became larger are copied, for any number of them" {
	cp "$build/tests/testdata/many_maps.o" "$gen"
	attach
	for map in many_00 many_39 many_69; do
		"$elfmap" map set "$map" 5 "1${map#many_}" types u32:u64
	done
	cp "$build/tests/testdata/many_maps_large.o" "$gen"
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $(grep -cx 'map many_.. copied: . entries carried, 0 late, 0 lost, 0 removed' <<<"$output") == 70 ]]
	for map in many_00 many_39 many_69; do
		[[ $("$elfmap" map dump "$map" types u32:u64) == "5 1${map#many_}" ]]
		[[ $("$elfmap" -j map show "$map" | jq .max_entries) == 4 ]]
	done
}

@test "another namespace stays on its version, complete, after any number of upgrades and --forget here" {
	attach
	"$elfmap" -n red attach "$gen" sec ingress dev v0 ingress
	cp "$gen" "$tmp/one.o"
	cat >"$tmp/changes" <<-END
		#!/bin/sh -e
		exec >/dev/null
		for version in 2 1 2; do
			cp $build/tests/testdata/generation_\$version.o $gen
			$elfmap -n blue upgrade $gen
		done
		$elfmap -n blue upgrade gen.o --rollback
		$elfmap -n blue upgrade gen.o --rollback
		$elfmap -n blue upgrade gen.o --forget
	END
	chmod +x "$tmp/changes"
	run -0 "$tmp/changes"
	[[ $output == *"elfmap: gen.o: note: 1 older versions stay pinned, since program "*" gen_ingress still jumps through their tables; when it has been removed: elfmap upgrade gen.o --forget"* ]]
	run -0 --separate-stderr "$flood" from blue to 10.9.0.1 port 9000 rate 20000 packets 20000 size 60 at red -- "$tmp/changes"
	assert_lossless
	sent=$(report .sent)
	[[ $(cells) == "$sent 0 0 0" && -e $versions/retired ]]
	send 5
	[[ $(cells) == "$sent 5 0 0" ]]
	# A version that was removed here is freed when the last program there is detached.
	"$elfmap" -n red upgrade "$gen"
	"$elfmap" -n red upgrade gen.o --rollback
	"$flood" from blue to 10.9.0.1 port 9000 packets 5 size 60 at red >/dev/null
	[[ $(cells) == "$((sent + 5)) 5 0 0" ]]
	"$elfmap" -n red upgrade gen.o --rollback
	run -0 --separate-stderr "$elfmap" -n red upgrade gen.o --forget
	[[ -z $stderr && ! -e $versions/retired ]]
	"$flood" from blue to 10.9.0.1 port 9000 packets 5 size 60 at red >/dev/null
	[[ $(cells) == "$((sent + 5)) 10 0 0" ]]
}

@test "apply: a stage that a pipeline grafts is in the new version's table before the first packet" {
	cp "$objects/tailcall.o" "$tmp"
	printf '%s\n' "attach gen.o sec ingress dev v1 ingress" "slot gen_jmp 1 tailcall.o sec 43/0" >"$tmp/pipeline"
	"$elfmap" -n blue apply "$tmp/pipeline"
	cat >"$tmp/changes" <<-END
		#!/bin/sh -e
		exec >/dev/null
		for version in 2 1 2 1 2; do
			cp $objects/generation_\$version.o $gen
			$elfmap -n blue apply $tmp/pipeline
		done
	END
	chmod +x "$tmp/changes"
	run -0 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 rate 20000 packets 10000 size 60 at blue -- "$tmp/changes"
	assert_lossless
	sent=$(report .sent)
	[[ $(cells) == '0 0 0 0' && $("$elfmap" -j map get stages 3 types u32:u64 | jq '.value // .[0].value') == "$sent" ]]
	echo "slot gen_jmp 0 tailcall.o sec nosuch" >>"$tmp/pipeline"
	cp "$objects/generation_1.o" "$gen"
	no_change "$elfmap" -n blue apply "$tmp/pipeline"
}

@test "a state map that another namespace uses is not made anew: the user is named, and nothing changes" {
	attach
	"$elfmap" -n red attach "$gen" sec ingress dev v0 ingress
	version 2_large
	id=$(bpftool -j map show pinned "$globals/gen_state" | jq .id)
	run -1 --separate-stderr upgrade "$gen"
	[[ $stderr == "elfmap: $gen: map 'gen_state' is to be made anew, and program "*" gen_ingress in another network namespace, or held by a process, from $gen would go on with the old one; detach it there first" ]]
	[[ $(bpftool -j map show pinned "$globals/gen_state" | jq .id) == "$id" ]]
	"$elfmap" -n red detach "$gen" sec ingress dev v0 ingress
	upgrade "$gen"
	[[ $(bpftool -j map show pinned "$globals/gen_state" | jq .id) != "$id" ]]
}

@test "a state map whose pin was removed is kept, and pinned again" {
	attach
	send 3
	id=$(bpftool -j map show pinned "$globals/gen_state" | jq .id)
	rm "$globals/gen_state"
	version 2
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $output == *'map gen_state kept' ]]
	[[ $(bpftool -j map show pinned "$globals/gen_state" | jq .id) == "$id" ]]
	send 3
	[[ $(cells) == '3 3 0 0' && $(state) == *' 6' ]]
	upgrade "$gen" --rollback
	send 3
	[[ $(cells) == '6 3 0 0' && $(state) == *' 9' ]]
}

# ---- killed -----------------------------------------------------------------------------------------

# Every packet runs through one version completely.
assert_whole() {
	local before after

	before=$(cells)
	send 4
	after=$(cells)
	echo "packets before: $before, after: $after"
	read -r -a before <<<"$before"
	read -r -a after <<<"$after"
	((after[0] + after[1] - before[0] - before[1] == 4 && after[2] == before[2] && after[3] == before[3]))
}

@test "killed at any system call: packets meet one version, and the same command completes the upgrade" {
	attach
	version 2
	for call in bpf sendto rename mkdir unlink rmdir; do # strace counts the calls of each kind separately
		for ((n = 1; n < 4000; n += 1 + n / 50)); do
			status=0
			strace -qq -o "$tmp/trace" -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
				"$elfmap" -n blue upgrade "$gen" >"$tmp/out" 2>&1 || status=$?
			[[ $status != 0 ]] || break
			((n % 5)) || assert_whole
			upgrade "$gen" >"$tmp/out" 2>&1 || {
				echo "after $call $n:"
				cat "$tmp/out"
				false
			}
			[[ ! -e $generations/old && ! -e $generations/next ]]
			((n % 5)) || assert_whole
		done
		echo "$call: killed $((n - 1)) times" >&3
		((n > 1 && n < 4000))
	done
	send 5
	[[ $(cells) != *' 0 0 0' ]]
}

# id_of PIN: of a pinned program.
id_of() {
	bpftool -j prog show pinned "$1" | jq .id
}

@test "programs that load has pinned and tc has attached are upgraded and rolled back, with their pins" {
	pin=/sys/fs/bpf/tc/progs/gen/gen_ingress
	"$elfmap" load "$gen"
	first=$(id_of "$pin")
	on blue tc filter add dev v1 ingress bpf da object-pinned "$pin"
	send 3
	version 2
	run -0 --separate-stderr upgrade "$gen"
	[[ -z $stderr && $output == 'dev v1 ingress prio 49152 handle 0x1 chain 0 gen_ingress:[*fsobj] replaced'* ]]
	[[ $(filter_id) != "$first" && $(id_of "$pin") == "$(filter_id)" ]]
	send 4
	[[ $(cells) == '3 4 0 0' ]]
	run -0 --separate-stderr upgrade "$gen" --rollback
	[[ $(filter_id) == "$first" && $(id_of "$pin") == "$first" ]]
	send 2
	[[ $(cells) == '5 4 0 0' ]]
	# A hook alone: the pin is that of the version that other hooks have.
	run -0 --separate-stderr upgrade "$gen" dev v1 ingress
	[[ $(filter_id) != "$first" && $(id_of "$pin") == "$first" ]]
	run -0 "$elfmap" -n blue detach "$gen" --all
	[[ -z $(filter_id) && -e $pin ]]
}

@test "a pinned program of another file is not upgraded, also if its function has the same name" {
	cp "$gen" "$tmp/other.o"
	pin=/sys/fs/bpf/tc/progs/other/gen_ingress
	"$elfmap" load "$tmp/other.o"
	on blue tc filter add dev v1 ingress bpf da object-pinned "$pin"
	first=$(filter_id)
	version 2
	run -1 --separate-stderr upgrade "$gen"
	[[ $stderr == "elfmap: $gen: it is not attached here "* && $(filter_id) == "$first" && $(id_of "$pin") == "$first" ]]
}

@test "killed before its last step, with the new version attached: the new version stays, and is complete" {
	version 1_unpinned
	attach
	upgrade "$gen"
	version 2_unpinned
	upgrade "$gen"
	mv "$generations/current" "$generations/next"
	run -1 upgrade "$tmp/nosuch/gen.o"
	[[ -e $generations/current && ! -e $generations/next ]]
	send 4
	[[ $(cells) == '0 4 0 0' ]]
	run -0 --separate-stderr upgrade "$gen" --rollback
	send 4
	[[ $(cells) == '4 4 0 0' ]]
}

# The state of an upgrade that was killed between the switch and the new names.
kill_before_names() {
	mv "$generations/previous" "$generations/old"
	mv "$generations/current" "$generations/next"
}

@test "killed after the switch: entries added to larger maps since are not lost with the new version" {
	attach
	send 3
	version 2_large
	upgrade "$gen"
	kill_before_names
	send 3
	"$elfmap" map set gen_state 7 70 types u32:u64
	run -0 --separate-stderr upgrade "$gen"
	echo "$stderr"
	[[ $stderr == "elfmap: $gen: note: an interrupted upgrade was repaired first" ]]
	grep -x '7 70' <(state)
	grep -x '[0-9]* 6' <(state)
	run -0 upgrade "$gen" --rollback # to version 1, which it has restored
	send 3
	[[ $(cells) == '6 3 0 0' && $(state) == *' 9'* ]]
	grep -x '7 70' <(state)
}

@test "killed after the switch, and the previous maps are too small for their entries: the new version stays" {
	attach
	version 2_large
	upgrade "$gen"
	kill_before_names
	for key in {1..40}; do
		echo "$key $((key * 10))"
	done >"$tmp/entries"
	"$elfmap" map load gen_state "$tmp/entries" types u32:u64
	run -0 --separate-stderr upgrade "$gen"
	echo "$stderr"
	[[ $stderr == "elfmap: $gen: note: an interrupted upgrade was repaired first" ]]
	[[ $(state | wc -l) == 40 && $("$elfmap" map get gen_state 40 types u32:u64) == '40 400' ]]
	[[ ! -e $generations/old && ! -e $generations/next ]]
	send 3
	[[ $(cells) == '0 3 0 0' ]]
}

@test "killed while it removed a version: a rollback to an incomplete version is refused" {
	attach
	version 2
	upgrade "$gen"
	for ((n = 1; n < 100; n++)); do
		[[ -e $generations/previous ]] || upgrade "$gen"
		strace -qq -o "$tmp/trace" -e trace=unlink,rmdir,unlinkat -e "inject=unlink,rmdir,unlinkat:signal=KILL:when=$n" \
			"$elfmap" -n blue upgrade "$gen" --forget 2>/dev/null || true
		[[ -e $generations/previous ]] || break
		[[ $(find "$generations/previous" -type f | wc -l) == 2 ]]
	done
	[[ ! -e $generations/previous ]]
	upgrade "$gen"
	[[ -z $(find "$generations" -name '*~gone') ]]
}
