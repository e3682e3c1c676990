#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap graft`: replaces, removes and restores stages of a jump table; a graft that is refused changes
# neither table nor pins. Each stage counts the packets that run through it.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	[[ -e $objects/graft.o ]] || skip "$objects/graft.o: not built; 'make check' builds it"
	"$elfmap" load "$objects/graft.o" sec entry >/dev/null
	head -c 60 /dev/zero >"$tmp/frame"
}

teardown() {
	teardown_link
}

# ran CELL: how often entry (0), no stage (1), aaa (2), bbb (3) ran.
ran() {
	counter graft_ran "$1"
}

# Sends packets through the entry; there are no others.
packets() {
	bpftool prog run pinned /sys/fs/bpf/tc/progs/graft/graft_entry data_in "$tmp/frame" repeat "$1" >/dev/null
}

slots() {
	bpftool -j map dump pinned "$globals/graft_table" | jq -c '[.[] | select(.value | type == "array") | .key[0]]'
}

graft() {
	run --separate-stderr "$elfmap" graft "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
}

# refused STATUS PATTERN WORD...: fails with one line, and table and pins are unchanged.
refused() {
	local status_wanted=$1 text=$2 pins_before slots_before

	pins_before=$(pins)
	slots_before=$(bpftool -j map dump pinned "$globals/graft_table")
	graft "${@:3}"
	[[ $status == "$status_wanted" && -z $output && $stderr == *"$text"* ]] || return 1
	[[ $status_wanted == 2 || ${#stderr_lines[@]} == 1 ]] || return 1
	[[ $(pins) == "$pins_before" && $(bpftool -j map dump pinned "$globals/graft_table") == "$slots_before" ]]
}

@test "an empty slot is skipped; after a graft the next packet takes the stage, after another the new one" {
	packets 3
	[[ "$(ran 0) $(ran 1) $(ran 2) $(ran 3)" == '3 3 0 0' ]]
	graft graft_table 0 "$objects/graft.o" sec aaa
	[[ $status == 0 && -z $output && -z $stderr ]]
	packets 4
	[[ "$(ran 0) $(ran 1) $(ran 2) $(ran 3)" == '7 3 4 0' ]]
	graft graft_table 0 "$objects/graft.o" sec bbb
	[[ $status == 0 ]]
	packets 5
	[[ "$(ran 0) $(ran 1) $(ran 2) $(ran 3)" == '12 3 4 5' ]]
}

@test "--empty removes the stage; a second time it reports an empty slot" {
	"$elfmap" graft graft_table 0 "$objects/graft.o" sec aaa
	graft graft_table 0 --empty
	[[ $status == 0 && -z $output && $(slots) == '[]' ]]
	packets 2
	[[ "$(ran 1) $(ran 2)" == '2 0' ]]
	refused 1 'slot 0 is already empty' graft_table 0 --empty
}

@test "slots by name: the full name, without the common prefix, in either case; numbers as in C" {
	for word in GRAFT_SECOND second Second graft_second 1 0x1; do
		graft graft_table "$word" "$objects/graft.o" sec bbb
		[[ $status == 0 && $(slots) == '["0x01"]' ]]
		graft graft_table "$word" --empty
		[[ $status == 0 && $(slots) == '[]' ]]
	done
	refused 1 "no slot 'third'; there are: first, second" graft_table third "$objects/graft.o" sec aaa
	refused 1 "no slot 'slots'" graft_table slots "$objects/graft.o" sec aaa
}

@test "a table without types uses the slot names of the object, and else numbers" {
	bpftool map create "$globals/plain" type prog_array key 4 value 4 entries 2 name plain
	graft plain 1 "$objects/graft.o" sec aaa
	[[ $status == 0 ]]
	graft plain second --empty
	[[ $status == 1 && $stderr == *"'second' is not a number, and the table's slots have no names"* ]]
	rm "$globals/graft_table"
	bpftool map create "$globals/graft_table" type prog_array key 4 value 4 entries 2 name graft_table
	graft graft_table second "$objects/graft.o" sec aaa
	[[ $status == 0 && $(slots) == '["0x01"]' ]]
	refused 1 'have no names' graft_table second "$objects/graft_own.o" sec own
}

@test "a table with the object's name that is pinned elsewhere is taken for the object's" {
	mkdir -p /sys/fs/bpf/tc/blue
	bpftool map create /sys/fs/bpf/tc/blue/own_table type prog_array key 4 value 4 entries 1 name own_table
	graft blue/own_table 0 "$objects/graft_own.o" sec own
	[[ $status == 0 && ! -e "$globals/own_table" && -e $globals/own_hits ]]
	id=$(bpftool -j map show pinned /sys/fs/bpf/tc/blue/own_table | jq .id)
	prog=$(bpftool -j map dump pinned /sys/fs/bpf/tc/blue/own_table | jq -r '.[0].value | map(ltrimstr("0x")) | reverse | join("")')
	bpftool -j prog show id $((16#$prog)) | jq -e ".map_ids | index($id)"
}

@test "a new stage brings its own maps and tables; other slots of an existing table stay" {
	"$elfmap" graft graft_table second "$objects/graft.o" sec bbb
	before=$("$elfmap" map dump graft_table)
	graft graft_table first "$objects/graft_own.o" sec own
	[[ $status == 0 && -z $stderr ]]
	[[ $("$elfmap" map dump graft_table | grep SECOND) == "$before" ]]
	packets 4
	[[ $(counter own_hits 0) == 4 ]]
	graft graft_table first "$objects/graft_own.o" sec own # and again, with existing pins
	[[ $status == 0 ]]
	packets 2
	[[ $(counter own_hits 0) == 6 ]]
}

@test "JSON contains the program replaced and the pins made" {
	run -0 "$elfmap" -j graft graft_table first "$objects/graft_own.o" sec own
	[[ $(jq -c '[.pinned, .slot, .slot_name, .old_prog_id]' <<<"$output") == "[\"$globals/graft_table\",0,\"GRAFT_FIRST\",null]" ]]
	[[ $(jq -c '.new_pins | sort' <<<"$output") == "[\"$globals/own_hits\",\"$globals/own_table\"]" ]]
	id=$(jq .prog_id <<<"$output")
	bpftool prog show id "$id" | grep -q 'name graft_own '
	run -0 "$elfmap" graft graft_table first "$objects/graft.o" sec aaa -j
	[[ $(jq -c '[.old_prog_id, .new_pins]' <<<"$output") == "[$id,[]]" ]]
	old=$(jq .prog_id <<<"$output")
	run -0 "$elfmap" -p graft graft_table first --empty
	[[ $(jq -c '[.old_prog_id, .prog_id]' <<<"$output") == "[$old,null]" ]]
}

@test "refused: PINs that are not a table, and slots that do not exist" {
	refused 1 'no pin at' nosuch 0 "$objects/graft.o" sec aaa
	refused 1 'is an array; only a prog_array has slots' graft_ran 0 "$objects/graft.o" sec aaa
	refused 1 'slot 2: the table has slots 0 to 1' graft_table 2 "$objects/graft.o" sec aaa
	refused 1 'slot 99999999999999999999999: the table has' graft_table 99999999999999999999999 --empty
	refused 1 "slot '1x' is neither a number nor a name" graft_table 1x --empty
}

@test "refused: a missing object or section, without leaving anything" {
	refused 1 "section 'nosuch': there is no such program" graft_table 0 "$objects/graft_own.o" sec nosuch
	refused 1 'No such file' graft_table 0 /nonexistent.o sec aaa
	refused 1 "program 'graft_broken' (section 'broken'): the kernel refuses it" graft_table 0 "$objects/graft_own.o" sec broken
	bpftool map create "$globals/own_hits" type array key 4 value 8 entries 7 name own_hits
	refused 1 "map 'own_hits': differs from its pin in max_entries" graft_table 0 "$objects/graft_own.o" sec own
}

@test "refused: a program of another type than the table's" {
	refused 1 'holds programs of type sched_cls, and section '\''xdp'\''' graft_table 0 "$objects/graft_own.o" sec xdp
	refused 1 'holds programs of type sched_cls, and '\''xdp'\'' asks for xdp' graft_table 0 "$objects/graft.o" sec aaa type xdp
	bpftool map create "$globals/fresh" type prog_array key 4 value 4 entries 1 name fresh
	graft fresh 0 "$objects/xdp.o" sec prog type xdp # the first program decides the type of a new table
	[[ $status == 0 ]]
	graft fresh 0 "$objects/graft.o" sec aaa type cls
	[[ $status == 1 && $stderr == *'holds programs of type xdp'* ]]
}

@test "refused: compiled programs in a table of interpreted ones" {
	jit=/proc/sys/net/core/bpf_jit_enable
	[[ -e $jit ]] || skip 'this kernel always compiles'
	echo 0 >$jit
	bpftool map create "$globals/fresh" type prog_array key 4 value 4 entries 1 name fresh
	"$elfmap" graft fresh 0 "$objects/graft.o" sec aaa || { echo 1 >$jit; false; }
	echo 1 >$jit
	graft fresh 0 "$objects/graft.o" sec aaa
	[[ $status == 1 && $stderr == *'holds programs that are not compiled'* ]]
}

@test "wrong usage: status 2 and the usage line" {
	for words in '' 'graft_table' 'graft_table 0' 'graft_table 0 file.o' 'graft_table 0 file.o sec' \
		'graft_table 0 file.o sec a extra' 'graft_table 0 file.o --empty' 'graft_table --empty' \
		'graft_table 0 --nosuch' 'graft_table 0 file.o sec a type nosuch'; do
		# shellcheck disable=SC2086 # words
		graft $words
		[[ $status == 2 && -z $output && $stderr == *'usage: elfmap graft PIN SLOT FILE sec NAME'* ]]
	done
	run -0 "$elfmap" graft --help
	[[ $output == 'usage: elfmap graft'* ]]
}

@test "tc exec bpf graft does the same" {
	tc_graft() {
		run --separate-stderr "$elfmap" tc exec bpf graft m:globals/graft_table "$@"
		echo "status $status: $stderr"
	}
	tc_graft key 0 obj "$objects/graft.o" sec aaa
	[[ $status == 0 && $(slots) == '["0x00"]' ]]
	packets 2
	[[ $(ran 2) == 2 ]]
	tc_graft key 9 obj "$objects/graft.o" sec aaa
	[[ $status != 0 && $(slots) == '["0x00"]' ]]
}
