#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap load` and `elfmap attach`, which do not use tc to load. The system's tc lists and attaches the
# results, and packets run through them.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
# shellcheck disable=SC2012,SC2119,SC2120,SC2317 # our own plain names; functions that run calls

bats_require_minimum_version 1.5.0

load kernel.bash
load link.bash

progs=/sys/fs/bpf/tc/progs

attach() {
	"$elfmap" attach "$objects/$1.o" sec "$2" dev "$link" "${@:3}"
}

# Programs, maps and pins of these tests in the kernel.
filter_id() {
	tc -j filter show dev "$link" "${1-ingress}" | jq -r '.[].options.prog.id // empty'
}

ping_us() {
	in_net ping -q -c "$1" -i 0.2 10.9.0.1
}

# ---- load -----------------------------------------------------------------------------------------

@test "load: programs are pinned as tc/progs/OBJECT/FUNCTION, maps as the contract defines" {
	run -0 --separate-stderr "$elfmap" load "$objects/shared.o"
	[[ -z $stderr && $(grep -c " sched_cls id [0-9]*$" <<<"$output") == 2 ]]
	[[ $(pins) == "$globals/shared_hits
$progs
$progs/shared
"*"$progs/shared/"* ]]
	[[ $(find "$progs/shared" -type f | wc -l) == 2 ]]
}

@test "load: any tc attaches a pinned program, and packets are counted" {
	"$elfmap" load "$objects/shared.o" sec ingress
	pin=$(find "$progs/shared" -type f)
	tc filter add dev "$link" ingress bpf da object-pinned "$pin"
	before=$(counter shared_hits 0)
	ping_us 2
	((before + 2 <= $(counter shared_hits 0)))
}

@test "load: tail-call slots are filled, and the program jumps through them" {
	"$elfmap" load "$objects/tailcall.o"
	for slot in jmp_parse:0 jmp_parse:1 jmp_end:0; do
		bpftool -j map lookup pinned "$globals/${slot%:*}" key "${slot#*:}" 0 0 0 | jq -e .value
	done
	run -0 "$elfmap" -j load "$objects/tailcall.o"
	jq -e '.[0].maps | all(.reused)' <<<"$output"
	[[ $(jq -r '.[0].progs[] | select(.section == "classifier") | .pinned' <<<"$output") == "$progs/tailcall/"* ]]
}

@test "load twice: programs are replaced in one step, and maps keep their entries" {
	"$elfmap" load "$objects/shared.o"
	bpftool map update pinned "$globals/shared_hits" key 1 0 0 0 value 9 0 0 0 0 0 0 0
	first=$(bpftool -j prog show pinned "$(find "$progs/shared" -type f | head -1)" | jq .id)
	"$elfmap" load "$objects/shared.o"
	second=$(bpftool -j prog show pinned "$(find "$progs/shared" -type f | head -1)" | jq .id)
	[[ $first != "$second" && $(counter shared_hits 1) == 9 ]]
	[[ $(ls "$progs") == shared ]]
}

@test "load: if one of several objects fails, no object is loaded" {
	run -1 --separate-stderr "$elfmap" load "$objects/shared.o" "$objects/broken.o"
	fails 1 "elfmap: $objects/broken.o: program *: the kernel refuses it: *; 'elfmap check $objects/broken.o' shows where"
	[[ -z $output && -z $(pins) ]]
	"$elfmap" load "$objects/shared.o" "$objects/tailcall.o"
	[[ $(ls "$progs") == "shared
tailcall" ]]
}

@test "load: two objects of the same name would have the same pins, and are refused" {
	mkdir "$tmp/other"
	cp "$objects/tailcall.o" "$tmp/other/shared.o"
	before=$(pins)
	run --separate-stderr "$elfmap" load "$objects/shared.o" "$tmp/other/shared.o"
	[[ $status == 1 && -z $output && $(pins) == "$before" ]]
	[[ $stderr == "elfmap: $tmp/other/shared.o: its programs would be pinned in $progs/shared, as those of $objects/shared.o; give one"* ]]
}

@test "load: objects of different names have different pins, for any character in the name" {
	cp "$objects/shared.o" "$tmp/a.b.o"
	cp "$objects/shared.o" "$tmp/a_b.o"
	cp "$objects/shared.o" "$tmp/a~new.o"
	"$elfmap" load "$tmp/a.b.o"
	"$elfmap" load "$tmp/a_b.o" "$tmp/a~new.o"
	[[ $(ls "$progs") == 'a%2Eb
a%7Enew
a_b' ]]
	"$elfmap" unload "$tmp/a.b.o" a~new.o
	[[ $(ls "$progs") == a_b ]]
	tc filter add dev "$link" ingress bpf da object-pinned "$(find "$progs/a_b" -type f | head -1)"
}

@test "load: a failure restores the slots and programs that were there" {
	"$elfmap" load "$objects/tailcall.o"
	before=$(bpftool -j map dump pinned "$globals/jmp_parse" | jq -c .)
	listing=$(pins; bpftool -j prog show pinned "$progs/tailcall/$(ls "$progs/tailcall" | head -1)" | jq .id)
	run -1 "$elfmap" load "$objects/tailcall.o" "$objects/broken.o"
	[[ $(bpftool -j map dump pinned "$globals/jmp_parse" | jq -c .) == "$before" ]]
	[[ $(pins; bpftool -j prog show pinned "$progs/tailcall/$(ls "$progs/tailcall" | head -1)" | jq .id) == "$listing" ]]
}

@test "load: a pin of a different map is refused with both definitions, and stays" {
	mkdir -p "$globals"
	bpftool map create "$globals/shared_hits" type hash key 4 value 8 entries 7 name other
	run --separate-stderr "$elfmap" load "$objects/shared.o"
	fails 1 "*map 'shared_hits': differs from its pin in type, max_entries*: object array*; pin hash*; pinned at $globals/shared_hits; *: elfmap map unpin $globals/shared_hits"
	[[ $(bpftool -j map show pinned "$globals/shared_hits" | jq -r .name) == other && ! -e $progs/shared ]]
}

# The kernel does not keep BPF_F_RDONLY (0x8) and BPF_F_WRONLY (0x10).
@test "load, attach, tc: the pin of a map with flags of its descriptor alone is taken again" {
	for flags in 0x8 0x10; do
		for debug in -g -g0; do
			clang -target bpf -O2 "$debug" -c -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -x c -o "$tmp/own.o" - <<-END
				#include <linux/bpf.h>
				#include <bpf/bpf_helpers.h>
				#include "bpf_elf.h"
				struct bpf_elf_map SEC("maps") own = {.type = BPF_MAP_TYPE_HASH, .size_key = 4,
					.size_value = 4, .max_elem = 2, .flags = $flags, .pinning = PIN_GLOBAL_NS};
				SEC("classifier") int count(struct __sk_buff *skb)
				{
					__u32 key = 0;

					return bpf_map_lookup_elem(&own, &key) ? 0 : -1;
				}
			END
			"$elfmap" load "$tmp/own.o"
			id=$(bpftool -j map show pinned "$globals/own" | jq .id)
			run -0 --separate-stderr "$elfmap" load "$tmp/own.o"
			run -0 --separate-stderr "$elfmap" attach "$tmp/own.o" sec classifier dev "$link" ingress
			[[ -z $stderr ]]
			"$elfmap" tc filter add dev "$link" egress bpf da obj "$tmp/own.o" sec classifier
			run -0 "$elfmap" check "$tmp/own.o"
			[[ $(bpftool -j map show pinned "$globals/own" | jq .id) == "$id" ]]
			tc filter del dev "$link" ingress
			tc filter del dev "$link" egress
			"$elfmap" unload "$tmp/own.o" --maps
		done
	done
}

@test "load: a missing file, a file that is not an object, a missing section and an unknown type are refused" {
	run --separate-stderr "$elfmap" load "$tmp/none.o"
	fails 1 "elfmap: $tmp/none.o: *No such file*"
	echo text >"$tmp/text.o"
	run --separate-stderr "$elfmap" load "$tmp/text.o"
	fails 1 "elfmap: $tmp/text.o: *"
	run --separate-stderr "$elfmap" load "$objects/shared.o" sec nosuch
	fails 1 "*section 'nosuch': there is no such program; 'elfmap show*"
	run --separate-stderr "$elfmap" load "$objects/shared.o" type nosuch
	fails 2 "elfmap: load: type: 'nosuch' is not one of cls, act, xdp, lwt_in, lwt_out, lwt_xmit"
	run --separate-stderr "$elfmap" load "$objects/shared.o" sec
	fails 2 'elfmap: load: sec: requires a value'
	run --separate-stderr "$elfmap" load "$objects/shared.o" type cls type xdp
	fails 2 'elfmap: load: type: given twice'
	[[ -z $(pins) ]]
}

@test "load: an unpinned PROG_ARRAY, which loses its slots, is warned about" {
	run -0 --separate-stderr "$elfmap" load "$objects/tailcall_unpinned.o"
	[[ $stderr == *"warning: map "*" is not pinned, so the kernel empties its tail-call slots"* ]]
}

@test "load: XDP programs are loaded with the attach type of their sections" {
	run -0 "$elfmap" load "$objects/xdp.o" type xdp
	[[ $output == *" xdp id "* && $output != *sched_cls* ]]
	ip link set dev "$link" xdpgeneric pinned "$(awk 'NR == 1 { print $1 }' <<<"$output")"
}

@test "unload: removes the pins, and attached programs stay attached" {
	"$elfmap" load "$objects/shared.o" sec ingress
	tc filter add dev "$link" ingress bpf da object-pinned "$(find "$progs/shared" -type f)"
	"$elfmap" unload "$objects/shared.o"
	[[ ! -e $progs/shared && -n $(filter_id) ]]
	run --separate-stderr "$elfmap" unload shared
	fails 1 "elfmap: shared: *it is not loaded"
}

@test "unload --maps: also removes maps that no program uses, including tables of stages" {
	"$elfmap" load "$objects/tailcall.o" "$objects/shared.o"
	"$elfmap" attach "$objects/tailcall.o" sec classifier dev "$link" ingress
	before=$(pins | grep -v progs)
	run -0 --separate-stderr "$elfmap" unload "$objects/tailcall.o" --maps
	[[ -z $output && $stderr == "elfmap: $objects/tailcall.o: note: 3 of its maps stay pinned: program "*" uses them; 'elfmap map list' shows all" ]]
	[[ $(pins | grep -v progs) == "$before" && ! -e $progs/tailcall ]]
	in_net ping -q -c 1 10.9.0.1
	(($(counter stages 3) > 0))
	"$elfmap" detach "$objects/tailcall.o" sec classifier dev "$link" ingress
	run -0 --separate-stderr "$elfmap" unload "$objects/tailcall.o" --maps
	[[ -z $output$stderr && $(pins | grep -v progs) == "$globals/shared_hits" ]]
	run --separate-stderr "$elfmap" unload "$objects/tailcall.o" --maps
	fails 1 "elfmap: $objects/tailcall.o: *it is not loaded"
	run --separate-stderr "$elfmap" unload shared --maps
	fails 1 "elfmap: shared: *No such file*"
}

@test "unload --maps: a different map of the same name stays" {
	mkdir -p "$globals"
	bpftool map create "$globals/shared_hits" type hash key 4 value 8 entries 7 name other
	run --separate-stderr "$elfmap" unload "$objects/shared.o" --maps
	fails 1 "elfmap: $objects/shared.o: *it is not loaded"
	[[ -e $globals/shared_hits ]]
}

# ---- attach ---------------------------------------------------------------------------------------

@test "attach: adds the clsact qdisc, names the filter as tc does, and packets are counted" {
	tc qdisc del dev "$link" clsact
	run -0 --separate-stderr attach shared ingress ingress
	[[ -z $stderr && $output == "dev $link ingress prio 49152 handle 0x1 chain 0 shared.o:[ingress] id "*" attached" ]]
	[[ $(filters) == 'shared.o:[ingress]' && $(pins) == "$globals/shared_hits" ]]
	before=$(counter shared_hits 0)
	ping_us 2
	((before + 2 <= $(counter shared_hits 0)))
}

@test "attach: a second time it changes nothing" {
	attach shared ingress ingress
	id=$(filter_id)
	run -0 attach shared ingress ingress
	[[ $output == *"id $id unchanged" && $(filter_id) == "$id" && $(filters | wc -l) == 1 ]]
	run -0 "$elfmap" -j attach "$objects/shared.o" sec ingress dev "$link" ingress
	[[ $(jq -r '.result, .name, .prog_id' <<<"$output") == "unchanged
shared.o:[ingress]
$id" ]]
}

@test "attach: an object with data of its own is not attached again" {
	attach globals classifier ingress
	id=$(filter_id)
	attach globals classifier ingress
	[[ -n $id && $(filter_id) == "$id" ]]
}

@test "attach: initial values of variables are part of an object, also after it has run" {
	attach globals classifier ingress
	for name in step chosen_cell; do # .data, .rodata
		before=$(filter_id)
		in_net ping -q -c 1 10.9.0.1
		offset=$(llvm-readelf -sW "$objects/globals.o" | awk -v name="$name" '$8 == name { print $2, $7 }')
		section=$(llvm-readelf -SW "$objects/globals.o" | awk -v nr="[${offset#* }]" '$1 == nr || $1 $2 == nr { print }' |
			grep -o 'PROGBITS.*' | awk '{ print $3 }')
		[[ -e $tmp/globals.o ]] || cp "$objects/globals.o" "$tmp"
		printf '\001' | dd of="$tmp/globals.o" bs=1 conv=notrunc seek=$((0x$section + 0x${offset% *})) status=none
		run -0 "$elfmap" attach "$tmp/globals.o" sec classifier dev "$link" ingress
		[[ $output == *replaced && $(filter_id) != "$before" && $(filters | wc -l) == 1 ]]
		run -0 "$elfmap" attach "$tmp/globals.o" sec classifier dev "$link" ingress
		[[ $output == *unchanged ]]
	done
}

@test "attach: a newer object replaces the older one in the same place" {
	attach shared ingress ingress prio 7
	cp "$objects/tailcall.o" "$tmp/shared.o"
	"$elfmap" attach "$tmp/shared.o" sec classifier dev "$link" ingress prio 7 handle 1 |
		grep -q 'prio 7 handle 0x1 chain 0 shared.o:\[classifier\] id [0-9]* replaced'
	[[ $(filters) == 'shared.o:[classifier]' ]]
}

@test "attach: a filter that tc has added with the same name is replaced" {
	add shared ingress
	run -0 attach shared ingress ingress
	[[ $output == *unchanged && $(filters | wc -l) == 1 ]]
	attach shared egress ingress | grep -q 'prio 49151 .* attached'
	[[ $(filters | wc -l) == 2 ]]
}

@test "attach: of two filters with the same name the user has to choose one" {
	add shared ingress
	"$elfmap" tc filter add dev "$link" ingress pref 9 bpf da obj "$objects/shared.o" sec ingress
	run --separate-stderr attach shared ingress ingress
	fails 1 "elfmap: *: several filters have the name 'shared.o:\[ingress]': prio 9 handle 0x1, prio 49152 handle 0x1; select one *"
	attach shared ingress ingress prio 9 | grep -q 'prio 9 .* unchanged'
}

@test "attach: chain, prio and handle identify the filter" {
	attach shared ingress egress prio 5 handle 0x10 chain 3
	tc -j filter show dev "$link" egress chain 3 | jq -e '.[] | select(.options.handle == "0x10" and .pref == 5)'
	[[ -z $(tc filter show dev "$link" egress chain 0) ]]
	run -0 "$elfmap" detach dev "$link" egress prio 5 handle 0x10 chain 3
	[[ $output == *'chain 3 shared.o:[ingress] id '*detached ]]
}

@test "attach: a pinned program is attached" {
	"$elfmap" load "$objects/shared.o" sec ingress
	name=$(ls "$progs/shared")
	run -0 "$elfmap" attach "progs/shared/$name" dev "$link" ingress
	[[ $output == *" $name:"[[]"*fsobj] id "*" attached" && $(filters) == "$name:[*fsobj]" ]]
	run -0 "$elfmap" attach "$progs/shared/$name" dev "$link" ingress
	[[ $output == *unchanged ]]
}

@test "attach: a failure leaves no filter, no clsact qdisc and no pin" {
	tc qdisc del dev "$link" clsact
	run --separate-stderr attach shared nosuch ingress
	fails 1 "*section 'nosuch': there is no such program*"
	run --separate-stderr "$elfmap" attach "$objects/shared.o" sec ingress dev nodev ingress
	fails 1 "elfmap: nodev: there is no such device*"
	run --separate-stderr attach shared ingress ingress prio 70000
	fails 2 "elfmap: attach: prio: '70000' is not a number from 1 to 65535"
	run --separate-stderr attach shared ingress ingress dev lo
	fails 2 'elfmap: attach: dev: given twice'
	run --separate-stderr attach shared ingress ingress prio 5 pref 6
	fails 2 'elfmap: attach: pref: given twice'
	run --separate-stderr attach shared ingress ingress chain
	fails 2 'elfmap: attach: chain: requires a value'
	run --separate-stderr attach shared ingress block 1
	fails 2 "elfmap: attach: unexpected argument 'block'"
	run --separate-stderr attach shared ingress sideways
	[[ $status == 2 ]]
	run --separate-stderr "$elfmap" attach nosuch dev "$link" ingress
	fails 1 "elfmap: nosuch: there is no such file, and no program is pinned at $globals/nosuch*"
	[[ -z $(pins) && $(tc qdisc show dev "$link") != *clsact* ]]
	tc qdisc add dev "$link" ingress
	run --separate-stderr attach shared ingress egress
	fails 1 "elfmap: $link: has a qdisc 'ingress' in place of clsact, so it has no egress; add --tcx*"
	[[ -z $(pins) ]]
	run -0 --separate-stderr attach shared ingress ingress
	[[ $output == *attached && $(tc qdisc show dev "$link") == *'qdisc ingress'* && $(filters) == 'shared.o:[ingress]' ]]
}

@test "attach: a place taken by another kind of filter is refused" {
	tc filter add dev "$link" ingress pref 3 protocol all u32 match u32 0 0
	run --separate-stderr attach shared ingress ingress prio 3
	fails 1 "elfmap: $link: the kernel rejects the filter (ingress prio 3): *"
	[[ -z $(pins) && $(tc filter show dev "$link" ingress) == *u32* ]]
}

@test "attach --tcx: makes a pinned link, once" {
	run "$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress --tcx
	[[ $output != *'this kernel has no tcx'* ]] || skip "this kernel has no tcx"
	[[ $status == 0 && $output == *"/$link/ingress/shared%2Eo:[ingress] attached" ]]
	before=$(counter shared_hits 0)
	ping_us 2
	((before + 2 <= $(counter shared_hits 0)))
	run -0 "$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress --tcx
	[[ $output == *unchanged && $(find /sys/fs/bpf/tc/links -type f | wc -l) == 1 ]]
	run -0 "$elfmap" detach "$objects/shared.o" sec ingress dev "$link" ingress --tcx
	[[ ! -e /sys/fs/bpf/tc/links ]]
	count=$(counter shared_hits 0)
	ping_us 2
	[[ $(counter shared_hits 0) == "$count" ]]
}

@test "attach --tcx: prio, handle and chain are refused" {
	run --separate-stderr "$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress prio 3 --tcx
	fails 2 "elfmap: attach: tcx: has no prio, handle or chain"
}

@test "-n NS: the device is looked up in NS, the pins are the caller's" {
	run -0 "$elfmap" -n "$net" attach "$objects/shared.o" sec ingress dev peer ingress
	[[ $(in_net tc filter show dev peer ingress) == *'shared.o:[ingress]'* && $(pins) == "$globals/shared_hits" ]]
	run --separate-stderr "$elfmap" attach -n nosuch "$objects/shared.o" dev peer ingress
	fails 1 "elfmap: nosuch: no such network namespace; 'ip netns list' shows them"
	run --separate-stderr "$elfmap" attach "$objects/shared.o" dev peer ingress
	fails 1 "elfmap: peer: there is no such device*"
}

@test "inside ip netns exec the pins are the host's" {
	ip netns exec "$net" "$elfmap" attach "$objects/shared.o" sec ingress dev peer ingress
	[[ $(pins) == "$globals/shared_hits" ]]
}

@test "detach: removes the filter, and other filters and the map stay" {
	attach shared ingress ingress
	attach shared egress ingress
	attach shared ingress ingress >/dev/null
	"$elfmap" detach "$objects/shared.o" sec ingress dev "$link" ingress | grep -q detached
	[[ $(filters) == 'shared.o:[egress]' && $(pins) == "$globals/shared_hits" ]]
	run -0 --separate-stderr "$elfmap" detach "$objects/shared.o" sec ingress dev "$link" ingress
	[[ $output == "dev $link ingress shared.o:[ingress] unchanged" && -z $stderr ]]
	[[ $(filters) == 'shared.o:[egress]' ]]
	run --separate-stderr "$elfmap" detach dev "$link" ingress
	fails 2 'elfmap: detach: requires FILE sec NAME, a PIN, or prio and handle'
}

@test "a bpf file system that is read-only or missing: one line and no change; detach still works" {
	attach shared ingress ingress
	"$elfmap" load "$objects/shared.o"
	before=$(pins; filter_id)
	mount -o remount,ro /sys/fs/bpf
	printf '%s\n' "attach $objects/tailcall.o dev $link ingress" "map stages /dev/null" >"$tmp/pipeline"
	for words in "load $objects/tailcall.o" "load $objects/shared.o" "unload shared" "upgrade $objects/shared.o" \
		"attach $objects/tailcall.o dev $link ingress" "apply $tmp/pipeline"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$elfmap" $words
		fails 1 '*Read-only file system'
	done
	run -1 --separate-stderr "$elfmap" doctor
	[[ $output == 'error: bpffs: /sys/fs/bpf is mounted read-only: '*'fix: mount -o remount,rw /sys/fs/bpf'* ]]
	mount -o remount,rw /sys/fs/bpf
	[[ $(pins; filter_id) == "$before" ]]
	umount /sys/fs/bpf
	run --separate-stderr attach shared egress ingress
	fails 1 'elfmap: attach: no bpf file system is mounted here; *'
	run -0 --separate-stderr "$elfmap" detach "$objects/shared.o" sec ingress dev "$link" ingress
	[[ $output == *detached && -z $(filter_id) ]]
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf
}

# ---- two at a time ---------------------------------------------------------------------------------

# slow_failure: attach of shared.o egress, whose fourth request, that for the filter, is late and fails.
slow_failure() {
	strace -qq -o /dev/null -e trace=sendto -e "inject=sendto:error=ENOBUFS:delay_enter=1000000:when=4" \
		"$elfmap" attach "$objects/shared.o" sec egress dev "$link" egress prio 1 handle 1 2>"$tmp/err"
}

pinned_id() {
	bpftool -j map show pinned "$globals/shared_hits" | jq .id
}

@test "attach: one that fails leaves the pin, the qdisc and the filter that another one has taken or added since" {
	command -v strace >/dev/null || skip 'strace is not installed'
	tc qdisc del dev "$link" clsact
	slow_failure 3>&- &
	slow=$!
	until [[ -e $globals/shared_hits && $(tc qdisc show dev "$link") == *clsact* ]]; do sleep 0.01; done
	before=$(pinned_id)
	run -0 attach shared ingress ingress
	status=0
	wait "$slow" || status=$?
	[[ $status == 1 && $(<"$tmp/err") == *'No buffer space'* ]]
	[[ $(filters) == 'shared.o:[ingress]' && $(pinned_id) == "$before" ]]
	[[ $(bpftool -j prog show id "$(filter_id)" | jq '.map_ids | index('"$before"')') != null ]]
	# Alone it leaves neither.
	"$elfmap" detach "$objects/shared.o" --all
	tc qdisc del dev "$link" clsact
	rm "$globals/shared_hits"
	run ! slow_failure
	[[ ! -e $globals/shared_hits && $(tc qdisc show dev "$link") != *clsact* ]]
}

# ---- round and round ------------------------------------------------------------------------------

# The kernel frees a program or map with its last reference: one that still exists is in use.
@test "a thousand loads and unloads leave no program or map" {
	"$elfmap" load "$objects/tailcall.o" "$objects/globals.o"
	before=$(pins)
	for ((i = 0; i < 1000; i++)); do
		"$elfmap" -j load "$objects/tailcall.o" "$objects/globals.o"
		((i % 100)) || bpftool -j prog show pinned "$progs/globals/count" | jq '.map_ids[]' >>"$tmp/maps" # of its data, too
		"$elfmap" unload tailcall globals
	done >"$tmp/all"
	[[ -z $(find "$progs" -mindepth 1) && $(pins) == "$(grep -v "$progs/" <<<"$before")" ]]
	jq '.[].progs[].id' "$tmp/all" | sort >"$tmp/progs"
	find "$globals" -type f -exec bpftool -j map show pinned {} \; | jq .id >>"$tmp/maps"
	sort -u -o "$tmp/maps" "$tmp/maps"
	find "$globals" -type f -delete
	[[ $(wc -l <"$tmp/progs") -ge 5000 && $(wc -l <"$tmp/maps") -ge 20 ]]
	freed prog "$tmp/progs"
	freed map "$tmp/maps"
}

@test "a hundred replacements leave one filter" {
	for ((i = 0; i < 50; i++)); do
		attach shared ingress ingress prio 1 handle 1 >/dev/null
		attach shared egress ingress prio 1 handle 1 >/dev/null
	done
	[[ $(filters) == 'shared.o:[egress]' ]]
}
