#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap show`: its output for each kind of object, plain and as JSON, and the files that it refuses.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	objects=${BUILD:-$PWD/build}/tests/testdata
	tmp=$BATS_TEST_TMPDIR
}

show() {
	"$elfmap" show "$objects/$1.o"
}

# query OBJECT FILTER WANTED: the output of jq FILTER on `elfmap -j show` is WANTED.
query() {
	local got

	got=$("$elfmap" -j show "$objects/$1.o" | jq -c "$2")
	[[ $got == "$3" ]] || {
		echo "$1: $2: got $got, not $3"
		return 1
	}
}

# fails_in_one_line PATTERN: the last `run --separate-stderr` failed with one line that matches, without data.
fails_in_one_line() {
	# shellcheck disable=SC2154 # run sets it
	echo "status $status: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 1 && -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == $1 ]]
}

@test "show: prints the paths where tc will pin maps" {
	[[ $(TC_BPF_MNT=/run/other "$elfmap" -j show "$objects/shared.o" | jq -r '.maps[0].pinned') == /run/other/tc/globals/shared_hits ]]
	[[ $("$elfmap" -j show "$objects/shared.o" | jq -r '.maps[0].pinned') == /sys/fs/bpf/tc/globals/shared_hits ]]
}

@test "show: the header contains licence, definition size and BTF" {
	[[ $(show shared | head -1) == "$objects/shared.o: licence GPL, 'maps' with definitions of 36 bytes, BTF yes" ]]
	[[ $(show samples28.nobtf | head -1) == *"licence GPL, 'maps' with definitions of 28 bytes, BTF no" ]]
	[[ $(show mapdef20 | head -1) == *"definitions of 20 bytes"* ]]
	[[ $(show nolicense | head -1) == *": licence none, "* ]]
}

@test "show: maps are in a table with all members of their definitions" {
	run -0 --separate-stderr show samples28
	[[ -z $stderr ]]
	grep -qx '  name  *type  *key  *value  *entries  *flags  *id  *pinning  *pinned' <<<"$output"
	grep -qx '  sizes28  *hash  *4  *8  *16  *0x1  *0  *global  */sys/fs/bpf/tc/globals/sizes28' <<<"$output"
	grep -qx '  second28  *percpu_array  *4  *24  *3  *0x0  *0  *none  *-' <<<"$output"
}

@test "show: columns without a value are omitted" {
	show map_in_map | grep -q 'inner_id  *inner_idx'
	show map_in_map | grep -qx '  outer  *array_of_maps  *4  *4  *3  *0x0  *0  *7  *-  *global .*'
	show map_in_map | grep -qx '  inner  *array  *4  *8  *1  *0x0  *7  *-  *0  *global .*'
	run ! grep -q inner <<<"$(show shared)"
	run ! grep -q pinned <<<"$(show mapdef20)"
}

@test "show: programs have section, function, length, type and tail-call slot" {
	run -0 show tailcall
	grep -qx '  classifier  *entry  *[0-9]*  *sched_cls  *-' <<<"$output"
	grep -qx '  42/1  *stage_second  *[0-9]*  *-  *jmp_parse\[1\]' <<<"$output"
	grep -qx '  43/0  *stage_last  *[0-9]*  *-  *jmp_end\[0\]' <<<"$output"
	run ! grep -q 'tail-call' <<<"$(show shared)"
}

@test "show -j: prints the same data with bpftool's names" {
	query samples28 '.maps[0] | del(.pinned)' \
		'{"name":"sizes28","type":"hash","bytes_key":4,"bytes_value":8,"max_entries":16,"flags":1,"id":0,"pinning":"global"}'
	query samples28 '[.maps[].pinned]' '["/sys/fs/bpf/tc/globals/sizes28",null]'
	query samples28 '[.license, .bytes_definition, .legacy_maps, .btf_maps, .btf]' '["GPL",28,true,false,true]'
	query samples28.nobtf .btf false
	query map_in_map '[.maps[] | [.name, .id, .inner_id, .inner_idx]]' '[["outer",0,7,null],["inner",7,null,0]]'
	query tailcall '[.progs[] | select(.slot) | [.section, .name, .slot]][0]' \
		'["42/0","stage_first",{"map":"jmp_parse","id":42,"key":0}]'
	query tailcall '.progs[] | select(.section == "classifier") | [.name, .type, .slot]' '["entry","sched_cls",null]'
	query tailcall '[.problems, .warnings]' '[[],[]]'
}

@test "show -j: counts instructions as the disassembler does" {
	local slots

	# The 16-byte load of a map's address counts as two.
	slots=$(llvm-objdump -d -j classifier "$objects/tailcall.o" | grep -cE '^ +[0-9]+:')
	slots=$((slots + $(llvm-objdump -d -j classifier "$objects/tailcall.o" | grep -cE ' ll$')))
	query tailcall '.progs[] | select(.section == "classifier") | .insns' "$slots"
}

@test "show: ids in C's hex syntax match their PROG_ARRAY" {
	query tailcall_unpinned '[.progs[] | select(.slot) | [.section, .slot.map, .slot.id, .slot.key]]' \
		'[["0xab/3","jmp_private",171,3]]'
	grep -q '  0xab/3 .*jmp_private\[3\]' <<<"$(show tailcall_unpinned)"
}

@test "show: -j is one line, -p several, with the same data, before and after the verb" {
	[[ $("$elfmap" -j show "$objects/tailcall.o" | wc -l) == 1 ]]
	[[ $("$elfmap" -p show "$objects/tailcall.o" | wc -l) -gt 10 ]]
	cmp <("$elfmap" -j show "$objects/tailcall.o" | jq -S .) <("$elfmap" show "$objects/tailcall.o" -p | jq -S .)
}

@test "show: each pinning is printed in words, with the path that tc will use" {
	local sha1

	sha1=$(sha1sum <"$objects/pin_object.o")
	query pin_object '[.maps[] | [.name, .pinning]]' \
		'[["pin_none","none"],["pin_object","object"],["pin_global","global"],["pin_number","77"]]'
	query pin_object '.maps[0].pinned' null
	query pin_object '.maps[1].pinned' "\"/sys/fs/bpf/tc/${sha1%% *}/pin_object\""
	query pin_object '.maps[2].pinned' '"/sys/fs/bpf/tc/globals/pin_global"'
}

@test "show: a pinning number has a path if the table has it, and else a warning" {
	query pin_object '.maps[3].pinned' null
	query pin_object '[.warnings[] | test("pin_number.*77")]' '[true]'
	run -0 show pin_object
	grep -A1 '^warnings$' <<<"$output" | grep -q "map 'pin_number'"

	mkdir -p "$tmp/iproute2"
	echo '77 mine/below' >"$tmp/iproute2/bpf_pinning"
	mount --bind "$tmp/iproute2" /etc/iproute2
	run -0 show pin_object
	umount /etc/iproute2
	grep -q '  pin_number .*  77 .*/sys/fs/bpf/mine/below/pin_number$' <<<"$output"
	run ! grep -q warnings <<<"$output"
}

@test "show: objects without legacy maps are shown without an error" {
	run -0 --separate-stderr show modern
	[[ -z $stderr && ${lines[0]} == *"no section 'maps' but a modern '.maps'"* ]]
	grep -qx '  tc  *count  *[0-9]*  *sched_cls' <<<"$output"
	query modern '[.legacy_maps, .btf_maps, .maps]' '[false,true,[]]'

	run -0 --separate-stderr show nomaps
	[[ -z $stderr && ${lines[0]} == *"no section 'maps'" ]]
	query nomaps '[.legacy_maps, .btf_maps, .maps]' '[false,false,[]]'
}

@test "show: an object with problems is shown, its problems on stderr, with status 1" {
	run --separate-stderr show bad_sizes
	[[ $status == 1 ]]
	grep -qx '  long_definition' <<<"$output"
	grep -qx '  classifier  *look .*' <<<"$output"
	grep -A1 '^problems$' <<<"$output" | grep -q short_definition
	[[ $(wc -l <<<"$stderr") == 1 && $stderr == "elfmap: $objects/bad_sizes.o: "*short_definition* ]]

	run --separate-stderr "$elfmap" -j show "$objects/bad_sizes.o"
	[[ $status == 1 && $(jq '.problems | length' <<<"$output") == 1 ]]
	[[ $(jq -c '[.maps[].name]' <<<"$output") == '["long_definition","short_definition"]' ]]
	query shared .problems '[]'
}

@test "show: a file that is not a BPF object gets one clear line and status 1" {
	run --separate-stderr "$elfmap" show "$tmp/missing.o"
	fails_in_one_line "elfmap: $tmp/missing.o: *No such file*"
	run --separate-stderr "$elfmap" show "$tmp"
	fails_in_one_line "elfmap: $tmp: *directory*"
	mkfifo "$tmp/fifo"
	run --separate-stderr timeout 10 "$elfmap" show "$tmp/fifo"
	fails_in_one_line "elfmap: $tmp/fifo: *not a regular file*"
	: >"$tmp/empty.o"
	run --separate-stderr "$elfmap" show "$tmp/empty.o"
	fails_in_one_line "elfmap: $tmp/empty.o: *"
	echo 'int main(void) { return 0; }' >"$tmp/host.c"
	run --separate-stderr "$elfmap" show "$tmp/host.c"
	fails_in_one_line "elfmap: $tmp/host.c: *ELF*"
	cc -c -o "$tmp/host.o" "$tmp/host.c"
	run --separate-stderr "$elfmap" show "$tmp/host.o"
	fails_in_one_line "elfmap: $tmp/host.o: *BPF*"
	run -1 --separate-stderr "$elfmap" -j show "$tmp/host.o"
	[[ $(jq -r .error.object <<<"$output") == "$tmp/host.o" && $(jq -r .error.what <<<"$output") == 'not a BPF object' ]]
}

@test "show: an object truncated at any place gets one clear line" {
	local size

	size=$(stat -c %s "$objects/tailcall.o")
	for part in 20 64 $((size / 2)) $((size - 1)); do
		head -c "$part" "$objects/tailcall.o" >"$tmp/part.o"
		run --separate-stderr "$elfmap" show "$tmp/part.o"
		fails_in_one_line "elfmap: $tmp/part.o: *"
	done
	cp "$objects/tailcall.o" "$tmp/part.o"
	run -0 --separate-stderr "$elfmap" show "$tmp/part.o"
	[[ -z $stderr ]]
}

@test "show: maps in .maps are listed with those in maps" {
	run -0 "$elfmap" show "$objects/both_maps.o"
	[[ $output == *$'\n\nmaps in .maps, which libbpf reads\n  modern_hits\n'* && $output == *legacy_hits* ]]
	[[ $("$elfmap" -j show "$objects/both_maps.o" | jq -c .maps_of_libbpf) == '["modern_hits"]' ]]
	run -0 "$elfmap" show "$objects/both_maps.nobtf.o" # without BTF that describes them
	[[ $output != *'which libbpf reads'* && $output == *"section 'classifier': uses 'modern_hits', which needs BTF to describe it"* ]]
}

@test "show: control characters in the object's names are not printed" {
	# As long as the function's name, so that the object stays valid.
	LC_ALL=C sed 's/count_ingress/coun\x1b[2J_ingr/' "$objects/shared.o" >"$tmp/escape.o"
	run -0 "$elfmap" show "$tmp/escape.o"
	[[ $output == *'coun?[2J_ingr'* && $output != *$'\e'* ]]
}

@test "show: wrong usage is reported on stderr with status 2" {
	for words in '' 'a b' '--what x.o'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" show $words
		[[ -z $output && $stderr == *'usage: elfmap show FILE'* ]]
	done
}
