#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap convert`: bpftool and the system's tc load its output, and packets run through it.
# Each test loads objects with and without BTF.

bats_require_minimum_version 1.5.0

progs=/sys/fs/bpf/progs
maps=/sys/fs/bpf/maps

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset TC_BPF_MNT
	elfmap=${BUILD:-$PWD/build}/elfmap
	objects=${BUILD:-$PWD/build}/tests/testdata
	tmp=$BATS_TEST_TMPDIR
	out=$tmp/out.o
	head -c 64 /dev/zero >"$tmp/packet"
}

# tests/sandbox gives this file its own bpffs and network; each test starts with both empty.
unload() {
	ip link show v0 >"$tmp/link" 2>&1 && ip link del v0
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete # except the kernel's own files
}

teardown() {
	unload
}

convert() {
	"$elfmap" convert "$objects/$1.o" "$out" "${@:2}"
}

# load [WORD ...]: loads OUT and pins its programs and maps.
load() {
	bpftool prog loadall "$out" "$progs" "$@" pinmaps "$maps"
}

run_prog() { # pinned PATH | id ID
	bpftool prog run "$@" data_in "$tmp/packet" repeat 1 >"$tmp/run"
}

# cell MAP KEY: the value there as a number.
cell() {
	local hex

	hex=$(bpftool -j map lookup pinned "$1" key "$2" 0 0 0 |
		jq -er '.value | map(ltrimstr("0x")) | reverse | join("")') || return 1
	printf '%d\n' "0x$hex"
}

id_of() { # prog|map PATH
	bpftool -j "$1" show pinned "$2" | jq .id
}

# untouched: OUT is unchanged, and there is no other file in its directory.
untouched() {
	[[ $(cat "$out") == before ]]
	[[ $(find "$(dirname "$out")" -name '.elfmap-*' | wc -l) == 0 ]]
}

fails_in_one_line() {
	# shellcheck disable=SC2154 # run sets it
	echo "status $status: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 1 && -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == $1 ]]
}

# ---- bpftool --------------------------------------------------------------------------------------

@test "convert: bpftool fills the tail-call slots, and packets go through them" {
	for kind in tailcall tailcall.nobtf; do
		run -0 convert "$kind"
		[[ -z $output ]]
		load type classifier
		[[ $(cell $maps/jmp_parse 0) == "$(id_of prog $progs/stage_first)" ]]
		[[ $(cell $maps/jmp_parse 1) == "$(id_of prog $progs/stage_second)" ]]
		[[ $(cell $maps/jmp_end 0) == "$(id_of prog $progs/stage_last)" ]]
		run_prog pinned $progs/entry
		for stage in 0 1 2 3; do
			[[ $(cell $maps/stages $stage) == 1 ]]
		done
		unload
	done
}

@test "convert: a slot number in hex fills that slot and no other" {
	convert tailcall_unpinned
	load type classifier
	[[ $(cell $maps/jmp_private 3) == "$(id_of prog $progs/target)" ]]
	run ! cell $maps/jmp_private 0
}

@test "convert: an inner map is in its slot of the outer map, and counts" {
	for kind in map_in_map map_in_map.nobtf; do
		convert "$kind"
		load type classifier
		[[ $(cell $maps/outer 0) == "$(id_of map $maps/inner)" ]]
		run ! cell $maps/outer 1
		run_prog pinned $progs/count
		run_prog pinned $progs/count
		[[ $(cell $maps/inner 0) == 2 ]]
		unload
	done
}

@test "convert: bpftool refuses the object before conversion" {
	cp "$objects/tailcall.o" "$out"
	run ! load type classifier
	[[ $output == *"legacy map definitions"* ]]
}

@test "convert: every object that keeps the contract loads" {
	for object in shared samples28 mapdef20 annotated globals nolicense pin_object; do
		for kind in "$object" "$object.nobtf"; do
			echo "$kind"
			convert "$kind"
			load type classifier
			unload
		done
	done
}

@test "convert: maps keep type, sizes, entries and flags, for every definition size" {
	convert samples28
	load type classifier
	[[ $(bpftool -j map show pinned $maps/sizes28 | jq -c '[.type, .bytes_key, .bytes_value, .max_entries, .flags]') == \
		'["hash",4,8,16,1]' ]]
	[[ $(bpftool -j map show pinned $maps/second28 | jq -c '[.type, .bytes_value, .max_entries]') == \
		'["percpu_array",24,3]' ]]
	unload
	convert mapdef20
	load type classifier
	[[ $(bpftool -j map show pinned $maps/def20 | jq -c '[.type, .bytes_value, .max_entries, .flags]') == \
		'["lru_hash",4,64,0]' ]]
}

@test "convert: annotated types reach the kernel, and other maps have none" {
	convert annotated
	load type classifier
	run_prog pinned $progs/insert
	[[ $(bpftool -j map dump pinned $maps/flows | jq -c '.[0].formatted | [.key, .value.packets]') == \
		'[{"saddr":1,"daddr":2},1]' ]]
	[[ $(bpftool -j map dump pinned $maps/untyped | jq -c '.[0].formatted') == null ]]
}

@test "convert: globals and functions in .text load, which the old loader refused" {
	for kind in globals globals.nobtf; do
		convert "$kind"
		load type classifier
		run_prog pinned $progs/count
		[[ $(cell $maps/totals 2) == 3 && $(cell $maps/totals 0) == 64 ]]
		unload
	done
}

# ---- type -----------------------------------------------------------------------------------------

@test "convert type: the program has the given type in the kernel, and libbpf needs no option" {
	for pair in cls:sched_cls act:sched_act xdp:xdp lwt_in:lwt_in lwt_out:lwt_out lwt_xmit:lwt_xmit; do
		for kind in shared shared.nobtf; do
			convert "$kind" type "${pair%:*}"
			load
			[[ $(bpftool -j prog show pinned $progs/count_ingress | jq -r .type) == "${pair#*:}" ]]
			[[ $(bpftool -j prog show pinned $progs/count_egress | jq -r .type) == "${pair#*:}" ]]
			unload
		done
	done
}

@test "convert: without type, the loader needs to be told the program type" {
	convert shared
	run ! load
	load type classifier
}

@test "convert type: programs in sections of the same name keep their function and line information" {
	convert shared type cls
	load
	bpftool prog dump xlated pinned $progs/count_ingress linum | grep -q 'count_ingress(void'
	bpftool prog dump xlated pinned $progs/count_egress linum | grep -q 'count_egress(void'
	run ! grep -q count_ingress <<<"$(bpftool prog dump xlated pinned $progs/count_egress linum)"
}

@test "convert type: tail-call slots are filled" {
	convert tailcall type cls
	load
	run_prog pinned $progs/entry
	[[ $(cell $maps/stages 3) == 1 ]]
}

# ---- --pin ----------------------------------------------------------------------------------------

@test "convert: a function in .text without callers is not a program" {
	clang -target bpf -O2 -g -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -xc -c -o "$tmp/spare.o" - <<-END
		#include "bpf_elf.h"
		struct bpf_elf_map spare __attribute__((section("maps"), used)) = {
			.type = 2, .size_key = 4, .size_value = 8, .max_elem = 1 };
		int unused(void *ctx, unsigned long *at) { *at += 1; return 0; }
		__attribute__((section("classifier"), used)) int count(void *ctx)
		{
			int key = 0;
			return !((void *(*)(void *, void *))1)(&spare, &key);
		}
		char _license[] __attribute__((section("license"), used)) = "GPL";
	END
	run -0 --separate-stderr "$elfmap" convert "$tmp/spare.o" "$tmp/spare.out.o" --for tc
	[[ -z $stderr ]]
	run -0 --separate-stderr "$elfmap" convert "$tmp/spare.o" "$tmp/spare.out.o" type cls
	[[ $stderr == "elfmap: $tmp/spare.o: warning: function '"*"' in .text is not converted to a program: "* ]]
	run -0 --separate-stderr "$elfmap" convert "$objects/globals.o" "$tmp/called.o"
	[[ -z $stderr ]]
	bpftool prog loadall "$tmp/spare.out.o" /sys/fs/bpf/spare
	[[ $(ls /sys/fs/bpf/spare) == count ]]
	rm -r /sys/fs/bpf/spare
}

@test "convert --pin: the loader makes the global pins and reuses them" {
	for kind in map_in_map map_in_map.nobtf; do
		convert "$kind" --pin
		bpftool prog loadall "$out" $progs type classifier
		run_prog pinned $progs/count
		[[ $(cell /sys/fs/bpf/inner 0) == 1 && -e /sys/fs/bpf/outer ]]
		bpftool prog loadall "$out" /sys/fs/bpf/again type classifier
		run_prog pinned /sys/fs/bpf/again/count
		[[ $(cell /sys/fs/bpf/inner 0) == 2 ]]
		unload
	done
}

@test "convert: without --pin only the requested pins are made" {
	convert map_in_map
	bpftool prog loadall "$out" $progs type classifier
	[[ ! -e /sys/fs/bpf/inner && ! -e /sys/fs/bpf/outer ]]
}

@test "convert --pin: pins that cannot be kept are reported" {
	run -0 --separate-stderr convert pin_object --pin
	[[ $(wc -l <<<"$stderr") == 2 && $stderr == *"'pin_object'"*"'pin_number'"* ]]
	run -0 --separate-stderr convert pin_object
	[[ -z $stderr ]]
	run -0 --separate-stderr convert shared --pin
	[[ -z $stderr ]]
}

# ---- --for tc -------------------------------------------------------------------------------------

add_filter() { # SECTION
	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	tc filter add dev v0 ingress bpf da obj "$out" sec "$1"
}

filter_id() {
	tc -j filter show dev v0 ingress | jq '.[] | .options.prog.id // empty'
}

@test "convert --for tc: plain tc loads the object, and the printed commands fill the slots" {
	local globals=/sys/fs/bpf/tc/globals

	for kind in tailcall tailcall.nobtf; do
		convert "$kind" --for tc >"$tmp/grafts"
		[[ $(wc -l <"$tmp/grafts") == 3 ]]
		grep -qx "tc exec bpf graft m:globals/jmp_parse key 1 obj $out sec slot_42_1" "$tmp/grafts"
		add_filter classifier
		run_prog id "$(filter_id)"
		[[ $(cell $globals/stages 0) == 1 && $(cell $globals/stages 1) == 0 ]]

		bash -e "$tmp/grafts"
		run_prog id "$(filter_id)"
		[[ $(cell $globals/stages 0) == 2 ]]
		for stage in 1 2 3; do
			[[ $(cell $globals/stages $stage) == 1 ]]
		done
		unload
	done
}

@test "convert --for tc: an object without tail calls prints no commands, and its pin is where tc puts it" {
	for kind in shared shared.nobtf; do
		run -0 convert "$kind" --for=tc
		[[ -z $output ]]
		add_filter ingress
		run_prog id "$(filter_id)"
		[[ $(cell /sys/fs/bpf/tc/globals/shared_hits 0) == 1 ]]
		unload
	done
}

@test "convert: without --for tc plain tc cannot load tail calls" {
	convert tailcall
	run ! add_filter classifier
	[[ -z $(filter_id) ]]
}

@test "convert --for tc: plain tc inserts and pins inner maps" {
	convert map_in_map --for tc
	add_filter classifier
	run_prog id "$(filter_id)"
	[[ $(cell /sys/fs/bpf/tc/globals/inner 0) == 1 ]]
}

@test "convert --for tc type act: the printed commands name the type, and load the object" {
	convert tailcall type act --for tc >"$tmp/grafts"
	grep -qx "tc exec bpf graft m:globals/jmp_end key 0 obj $out type act sec slot_43_0" "$tmp/grafts"
	bash -e "$tmp/grafts"
	[[ $(bpftool -j prog show id "$(cell /sys/fs/bpf/tc/globals/jmp_end 0)" | jq -r .type) == sched_act ]]
}

@test "convert --for tc: a slot that no command can fill is refused" {
	run --separate-stderr convert tailcall_unpinned --for tc
	fails_in_one_line "elfmap: $objects/tailcall_unpinned.o: *'jmp_private'*not pinned globally*"
	[[ ! -e $out ]]
}

@test "convert --for tc: a name with shell metacharacters is quoted in the commands" {
	local odd="$tmp/it's a name; \$out.o"

	"$elfmap" convert "$objects/tailcall.o" "$odd" --for tc >"$tmp/grafts"
	cp "$odd" "$out"
	add_filter classifier
	bash -e "$tmp/grafts"
	run_prog id "$(filter_id)"
	[[ $(cell /sys/fs/bpf/tc/globals/stages 3) == 1 ]]
}

# ---- the file -------------------------------------------------------------------------------------

# lint_kinds FILE ...: the kinds of errors, without names and numbers.
lint_kinds() {
	{ eu-elflint --gnu-ld --quiet "$@" 2>&1 || true; } | grep -v '^ *$\|:$' |
		sed -E "s/'[^']*'//g; s/\[ *[0-9]+\]//g; s/0x[0-9a-f]+//g; s/[0-9]+//g; s/\([^)]*\)//g" | sort -u
}

# eu-elflint supports few of BPF's relocation types: every object with BTF has errors.
@test "convert: eu-elflint reports nothing for the output that it does not report for clang's" {
	for object in shared tailcall map_in_map samples28 annotated globals xdp; do
		for kind in "$object" "$object.nobtf"; do
			for words in '' 'type cls --pin' '--for tc'; do
				# shellcheck disable=SC2086 # words
				convert "$kind" $words >"$tmp/grafts"
				echo "$kind $words"
				run -0 comm -13 <(lint_kinds "$objects/$object.o") <(lint_kinds "$out")
				echo "$output"
				[[ -z $output ]]
			done
		done
	done
	# The comparison detects a damaged symbol table as a new kind of error.
	convert tailcall
	size=$(stat -c %s "$out")
	head -c $((size - 64)) "$out" >"$tmp/part.o"
	[[ -n $(comm -13 <(lint_kinds "$objects/tailcall.o") <(lint_kinds "$tmp/part.o")) ]]
}

@test "convert: the output depends on input and options only" {
	for kind in tailcall tailcall.nobtf map_in_map globals; do
		convert "$kind"
		cp "$out" "$tmp/first.o"
		convert "$kind"
		cmp "$out" "$tmp/first.o"
		convert "$kind" --pin
		run ! cmp -s "$out" "$tmp/first.o"
	done
}

@test "convert: words after FILE OUT may be in any order" {
	convert shared type cls --pin
	cp "$out" "$tmp/first.o"
	convert shared --pin type cls
	cmp "$out" "$tmp/first.o"
	"$elfmap" convert --pin "$objects/shared.o" "$out" type cls
	cmp "$out" "$tmp/first.o"
	convert tailcall --for tc >"$tmp/grafts"
	cp "$out" "$tmp/first.o"
	"$elfmap" convert --for=tc "$objects/tailcall.o" "$out" >"$tmp/grafts"
	cmp "$out" "$tmp/first.o"
}

@test "convert: a converted object needs no second conversion" {
	convert shared
	run --separate-stderr "$elfmap" convert "$out" "$tmp/second.o"
	fails_in_one_line "elfmap: $out: nothing to convert: *'.maps'*"
	[[ ! -e $tmp/second.o ]]
}

@test "convert: an object without legacy maps is refused, since there is nothing to convert" {
	echo before >"$out"
	for object in modern nomaps; do
		run --separate-stderr convert "$object"
		fails_in_one_line "elfmap: $objects/$object.o: nothing to convert: *"
		untouched
	done
}

@test "convert: an object that breaks the contract is refused, and OUT is unchanged" {
	echo before >"$out"
	run --separate-stderr convert bad_sizes
	fails_in_one_line "elfmap: $objects/bad_sizes.o: *short_definition*"
	untouched
	run --separate-stderr "$elfmap" convert "$tmp/missing.o" "$out"
	fails_in_one_line "elfmap: $tmp/missing.o: *No such file*"
	head -c 700 "$objects/tailcall.o" >"$tmp/part.o"
	run --separate-stderr "$elfmap" convert "$tmp/part.o" "$out"
	fails_in_one_line "elfmap: $tmp/part.o: *"
	untouched
}

@test "convert: OUT has mode 0644 less the umask" {
	(umask 022 && convert shared)
	[[ $(stat -c %a "$out") == 644 ]]
	(umask 077 && convert shared)
	[[ $(stat -c %a "$out") == 600 ]]
}

@test "convert: a symbolic link OUT is refused, and its target stays" {
	echo before >"$tmp/target.o"
	ln -s target.o "$out"
	run --separate-stderr "$elfmap" convert "$objects/shared.o" "$out"
	fails_in_one_line "elfmap: $out: is a symbolic link, which is not followed; name the file that it points to"
	[[ -L $out && $(<"$tmp/target.o") == before ]]
	rm "$out"
	convert shared
	[[ -f $out && ! -L $out ]]
}

@test "convert: the input is not overwritten, by its name, another path or a hard link" {
	cp "$objects/shared.o" "$tmp/shared.o"
	ln "$tmp/shared.o" "$tmp/hard.o"
	ln -s . "$tmp/here"
	for place in "$tmp/shared.o" "$tmp/./shared.o" "$tmp/here/shared.o" "$tmp/hard.o"; do
		run --separate-stderr "$elfmap" convert "$tmp/shared.o" "$place"
		fails_in_one_line "elfmap: $place: is the input, which is not overwritten; name another file"
	done
	cmp "$objects/shared.o" "$tmp/shared.o"
	[[ $(stat -c %h "$tmp/shared.o") == 2 ]]
}

@test "convert: a link to a pipe or to a missing file is refused, and stays" {
	ln -s /proc/self/fd/1 "$tmp/stdout"
	ln -s nowhere "$tmp/dangling"
	for place in stdout dangling; do
		# shellcheck disable=SC2016 # for the inner shell
		run -1 bash -o pipefail -c '"$0" convert "$1" "$2" 2>&1 | cat' "$elfmap" "$objects/shared.o" "$tmp/$place"
		[[ $output == "elfmap: $tmp/$place: "* && -L $tmp/$place && ! -e $tmp/nowhere ]]
	done
}

@test "convert: an OUT that cannot be written is reported in one line" {
	run --separate-stderr "$elfmap" convert "$objects/shared.o" "$tmp"
	fails_in_one_line "elfmap: $tmp: cannot write: Is a directory"
	run --separate-stderr "$elfmap" convert "$objects/shared.o" "$tmp/none/out.o"
	fails_in_one_line "elfmap: $tmp/none/out.o: cannot write: No such file or directory"
	run --separate-stderr "$elfmap" convert "$objects/shared.o" /dev/null
	fails_in_one_line "elfmap: /dev/null: not a regular file"
	[[ -c /dev/null ]]

	mkdir "$tmp/mount"
	mount -t tmpfs -o ro tmpfs "$tmp/mount"
	run --separate-stderr "$elfmap" convert "$objects/shared.o" "$tmp/mount/out.o"
	umount "$tmp/mount"
	fails_in_one_line "elfmap: $tmp/mount/out.o: cannot write: Read-only file system"
}

@test "convert: a write that fails leaves OUT unchanged and no temporary file" {
	echo before >"$out"
	run --separate-stderr bash -c 'ulimit -f 1 && exec "$@"' - "$elfmap" convert "$objects/tailcall.o" "$out"
	fails_in_one_line "elfmap: $out: cannot write: File too large"
	untouched

	mkdir "$tmp/mount"
	mount -t tmpfs -o size=4k tmpfs "$tmp/mount"
	run --separate-stderr "$elfmap" convert "$objects/tailcall.o" "$tmp/mount/out.o"
	left=$(ls -A "$tmp/mount")
	umount "$tmp/mount"
	fails_in_one_line "elfmap: $tmp/mount/out.o: cannot write: No space left on device"
	[[ -z $left ]]
}

@test "convert: killed at any time, OUT is the old file or the new one" {
	convert tailcall
	cp "$out" "$tmp/new.o"
	echo before >"$tmp/old.o"
	for pause in 0 0.0002 0.0005 0.001 0.002 0.003 0.005 0.01; do
		for _ in 1 2 3 4 5; do
			cp "$tmp/old.o" "$out"
			run timeout --signal TERM "$pause" "$elfmap" convert "$objects/tailcall.o" "$out"
			cmp -s "$out" "$tmp/old.o" || cmp "$out" "$tmp/new.o"
			[[ -z $(find "$tmp" -name '.elfmap-*') ]]
		done
	done
}

@test "convert: wrong usage is reported on stderr with status 2, and no file is written" {
	for words in '' 'nothing' "$objects/shared.o $out more" "$objects/shared.o $out type" \
		"$objects/shared.o $out type socket" "$objects/shared.o $out --for bpftool" "$objects/shared.o $out --for" \
		"$objects/shared.o $out --for=ip" "$objects/shared.o $out --pins" \
		"$objects/shared.o $out type cls type act" "$objects/shared.o $out --pin --pin"; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" convert $words
		[[ -z $output && $stderr == 'elfmap: convert: '*'usage: elfmap convert FILE OUT '* && ! -e $out ]]
	done
	run -2 --separate-stderr "$elfmap" convert "$objects/shared.o" "$out" more
	[[ $stderr == "elfmap: convert: unexpected argument 'more'"* ]]
}
