#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Less common parts of the legacy contract: every way in which tc and ip load a program, pins that the kernel
# reports differently from their definition, and objects of every installed compiler.

# shellcheck disable=SC2154 # link.bash sets them

bats_require_minimum_version 1.5.0

load link.bash

replace_filter() {
	"$elfmap" tc filter replace dev "$link" ingress pref 1 handle 1 bpf da obj "$1" "${@:2}"
}

# cell MAP KEY: the first byte of an entry, which is large enough for these tests.
cell() {
	printf '%d\n' "$(bpftool -j map lookup pinned "$globals/$1" key "$2" 0 0 0 | jq -r '.value[0]')"
}

ping_once() {
	ping -q -c 1 -W 1 10.9.0.2
}

# ---- how a program is loaded ----------------------------------------------------------------------

@test "default sections: classifier in tc, prog in ip" {
	replace_filter "$objects/contract.o"
	[[ $(filters) == 'contract.o:[classifier]' ]]
	"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/contract.o"
	ip -d link show dev "$link" | grep -q xdpgeneric
	run -1 replace_filter "$objects/shared.o"
	[[ $output == *"doesn't contain sec classifier"* ]]
}

@test "XDP is attached in every mode of the device" {
	for mode in xdp xdpgeneric xdpdrv; do
		"$elfmap" ip link set dev "$link" "$mode" obj "$objects/contract.o" sec prog
		[[ $(ip -j link show dev "$link" | jq -r '.[0].xdp.prog.id') -gt 0 ]]
		ping_once
		ip link set dev "$link" "$mode" off
	done
	((3 <= $(cell a_name_of_more_than_fifteen_1 0)))
}

@test "ip route encap bpf: in, out and xmit share their pins" {
	"$elfmap" ip route replace 10.9.0.2/32 dev "$link" encap bpf out obj "$objects/lwt.o" section leave \
		xmit obj "$objects/lwt.o" section send
	ping_once
	[[ $(cell lwt_hits 1) -ge 1 && $(cell lwt_hits 2) -ge 1 ]]
	"$elfmap" ip route replace 10.9.0.2/32 dev "$link" encap bpf in obj "$objects/lwt.o"
	ip route show 10.9.0.2 | grep -q 'lwt.o:\[prog\]'
	run ! ip route replace 10.9.0.2/32 dev "$link" encap bpf out obj "$objects/lwt.o" section leave
}

# users_of MAP: the names of the programs that use this pin. Other tests load the same objects.
users_of() {
	local id

	id=$(bpftool -j map show pinned "$globals/$1" | jq .id)
	bpftool -j prog show | jq -r ".[] | select(.map_ids // [] | index($id)) | .name" | sort | paste -sd' '
}

@test "only the chosen program and the programs of slots are loaded" {
	replace_filter "$objects/tailcall.o" sec classifier
	[[ $(users_of stages) == 'entry stage_first stage_last stage_second' ]]
	replace_filter "$objects/shared.o" sec egress
	[[ $(users_of shared_hits) == count_egress ]]
}

@test "tc exec bpf graft and import work as far as this tc supports them" {
	replace_filter "$objects/tailcall.o" sec classifier
	"$elfmap" tc exec bpf graft m:globals/jmp_end key 0 obj "$objects/tailcall.o" sec 42/0
	name=$(bpftool -j prog show id "$(bpftool -j map lookup pinned "$globals/jmp_end" key 0 0 0 0 |
		jq -r '.value | map(ltrimstr("0x")) | reverse | join("")' | xargs -I{} printf '%d' 0x{})" | jq -r .name)
	[[ $name == stage_first ]]
	run ! "$elfmap" tc exec bpf graft m:globals/jmp_end key 7 obj "$objects/tailcall.o" sec 42/0
}

@test "tc exec bpf export warns that a tc with libbpf sends nothing" {
	run --separate-stderr "$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress export "$tmp/socket"
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == 'elfmap: export: warning: a tc with libbpf sends no maps'* ]]
	run -0 --separate-stderr "$elfmap" tc filter show dev "$link" ingress
	[[ -z $stderr ]]
}

@test "functions in a program's own section that it calls: by distance, through the linker, called back" {
	for object in section_calls section_calls.nobtf; do
		for section in classifier distance plain; do
			replace_filter "$objects/$object.o" sec "$section"
			in_net ping -q -c 1 10.9.0.1
		done
		tc filter del dev "$link" ingress # no packet between the reads
		once=$(cell section_calls 0)
		[[ $once -ge 1 && $(cell section_calls 1) == $((10 * once)) ]]
		[[ $(cell section_calls 3) -ge 1 && $(cell section_calls 4) -ge 1 ]]
		rm "$globals/section_calls"
		[[ $("$elfmap" -j show "$objects/$object.o" | jq -c '[.progs[].name]') == \
			'["entry","calls_back","by_distance","no_call"]' ]]
	done
	replace_filter "$objects/section_calls.o" sec callback
	in_net ping -q -c 1 10.9.0.1
	[[ $(cell section_calls 2) == 77 && $(cell section_calls 1) == 0 ]]
	run ! replace_filter "$objects/section_calls.nobtf.o" sec callback
	[[ $output == *'missing btf func_info'* ]]
}

# ---- pins the second time ----------------------------------------------------------------------------

@test "loading twice: flags and entry counts that the kernel changes are not a difference" {
	for round in 1 2 3; do
		"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/contract.o" sec redirect
		ip link set dev "$link" xdpgeneric off
		ids[round]=$(for map in devices rounded events ring; do
			bpftool -j map show pinned "$globals/$map" | jq .id
		done | paste -sd' ')
	done
	[[ ${ids[1]} == "${ids[2]}" && ${ids[2]} == "${ids[3]}" ]]
	[[ ${ids[1]} == *' '*' '*' '* ]]
	rm "$globals/rounded"
	bpftool map create "$globals/rounded" type lru_hash key 4 value 8 entries 64 flags 2 name rounded
	run ! "$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/contract.o" sec redirect
	[[ $output == *"map 'rounded': differs from its pin in max_entries"* ]]
}

@test "maps with long names that are equal in the part that the kernel keeps stay separate" {
	for round in 1 2; do
		replace_filter "$objects/contract.o" sec classifier
	done
	in_net ping -q -c 1 10.9.0.1
	tc filter del dev "$link" ingress # no packet between the two reads
	one=$(cell a_name_of_more_than_fifteen_1 0)
	[[ $one -ge 1 && $(cell a_name_of_more_than_fifteen_2 0) == $((2 * one)) ]]
}

@test "an object with legacy and BTF-defined maps loads" {
	replace_filter "$objects/both_maps.o" sec classifier
	in_net ping -q -c 1 10.9.0.1
	tc filter del dev "$link" ingress # no packet between the two reads
	legacy=$(cell legacy_hits 0)
	[[ $legacy -ge 1 && $(cell modern_hits 0) == $((2 * legacy)) ]]
	run -1 replace_filter "$objects/both_maps.nobtf.o" sec classifier
	[[ $output == *"section 'classifier': uses 'modern_hits', which needs BTF to describe it, and the object has no valid BTF"* ]]
	for object in both_maps both_maps.nobtf; do
		replace_filter "$objects/$object.o" sec legacy
		[[ $(filters) == "$object.o:[legacy]" ]]
	done
}

@test "maps that need types (socket storage, spin locks) load if they are annotated, and not without BTF" {
	for round in 1 2; do
		replace_filter "$objects/needs_types.o" sec classifier
	done
	in_net ping -q -c 1 10.9.0.1
	[[ $(bpftool -j map show pinned "$globals/storage" | jq -r .type) == sk_storage ]]
	bpftool map dump pinned "$globals/locks" | grep -qE '"hits": [1-9]'
	rm "$globals/storage" "$globals/locks"
	run ! replace_filter "$objects/needs_types.nobtf.o" sec classifier
}

@test "a PROG_ARRAY that holds programs of another type is refused with the reason" {
	"$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/tail_any.o" sec enter
	run -1 --separate-stderr replace_filter "$objects/tail_any.o" sec enter
	[[ $(grep '^elfmap: ' <<<"$stderr") == "elfmap: $objects/tail_any.o: map 'jmp_any': $globals/jmp_any: holds programs of type xdp, and what this command loads is sched_cls"* ]]
	[[ -z $(filters) ]]
	rm "$globals/jmp_any"
	replace_filter "$objects/tail_any.o" sec enter
}

# ---- every compiler ---------------------------------------------------------------------------------------

# The entry sections of objects of which a classifier can load all programs.
sections_of() {
	"$elfmap" -j show "$1" | jq -r '.progs[] | select(.slot | not) | .section' | sort -u
}

@test "objects of every installed clang load, for each instruction set, with and without BTF" {
	count=0
	mapfile -t clangs < <(type -P clang clang-14 clang-16 clang-19 | xargs realpath | sort -u) # the same clang may have two names
	for clang in "${clangs[@]}"; do
		for flags in '-g -mcpu=v1' '-g0 -mcpu=v1' '-g -mcpu=v2' '-g -mcpu=v3' '-g0 -mcpu=v3'; do
			for source in shared tailcall map_in_map samples28 mapdef20 annotated globals text_entry wide40 nolicense; do
				# shellcheck disable=SC2086 # words
				"$clang" -target bpf -O2 $flags -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" \
					-c -o "$tmp/$source.o" "tests/testdata/$source.c" 2>/dev/null
				for section in $(sections_of "$tmp/$source.o"); do
					replace_filter "$tmp/$source.o" sec "$section" || {
						echo "$clang $flags $source $section"
						return 1
					}
					count=$((count + 1))
				done
				find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
			done
		done
	done
	echo "$count programs"
	((count >= 50))
}

@test "objects without debug information and without BTF load" {
	for source in shared tailcall annotated globals; do
		cp "$objects/$source.o" "$tmp/$source.o"
		llvm-strip -g "$tmp/$source.o"
		replace_filter "$tmp/$source.o" sec "$(sections_of "$tmp/$source.o" | head -1)"
		llvm-objcopy --remove-section=.BTF --remove-section=.BTF.ext "$tmp/$source.o" 2>/dev/null ||
			llvm-objcopy --remove-section=.rel.BTF --remove-section=.rel.BTF.ext --remove-section=.BTF \
				--remove-section=.BTF.ext "$tmp/$source.o"
		replace_filter "$tmp/$source.o" sec "$(sections_of "$tmp/$source.o" | head -1)"
	done
	llvm-strip "$tmp/shared.o" 2>/dev/null || skip 'this llvm-strip leaves BPF objects alone'
	if ! llvm-readelf -S "$tmp/shared.o" | grep -q '\.symtab'; then
		run -1 replace_filter "$tmp/shared.o" sec ingress
		[[ $output == *'no symbol table: the object was stripped'* ]]
	fi
}

@test "objects of the other byte order are refused with that reason" {
	clang -target bpfeb -O2 -g0 -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -c -o "$tmp/eb.o" tests/testdata/shared.c
	run -1 replace_filter "$tmp/eb.o" sec ingress
	[[ $output == *"elfmap: $tmp/eb.o: is a big-endian object and this host is little-endian"* && -z $(filters) ]]
}
