#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap check`: predicts the result of a load and changes nothing; --old-tc predicts that of a tc without
# libbpf.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	objects=$build/tests/testdata
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	link=c$BATS_TEST_NUMBER
	ip link add "$link" type veth peer name "p$link"
	tc qdisc add dev "$link" clsact
}

teardown() {
	ip link del "$link" 2>/dev/null || true
	umount "$tmp/bpf" 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

check() {
	local object=$1

	shift
	"$elfmap" check "$objects/$object.o" "$@"
}

# query OBJECT FILTER WANTED [WORD ...]: the output of jq FILTER on `elfmap -j check` is WANTED.
query() {
	local got

	got=$("$elfmap" -j check "$objects/$1.o" "${@:4}" 2>/dev/null | jq -c "$2") || true
	[[ $got == "$3" ]] || {
		echo "$1: $2: got $got, not $3"
		return 1
	}
}

add() {
	"$elfmap" tc filter replace dev "$link" ingress pref 1 handle 1 bpf da obj "$objects/$1.o" sec "$2"
}

# says PATTERN: a line of the last run's stderr matches PATTERN.
says() {
	local line

	# shellcheck disable=SC2154 # run --separate-stderr sets it
	while read -r line; do
		# shellcheck disable=SC2053 # a pattern
		[[ $line == $1 ]] && return 0
	done <<<"$stderr"
	echo "no line is like $1 in: $stderr"
	return 1
}

# Maps and programs in the kernel. Other tests run at the same time, so only names of this test count. The PROG_ARRAY
# does not: another command that lists all maps at the same time may make the kernel lose it (lib/pins/map_id.c).
left_behind() {
	bpftool -j map show | jq -r '.[] | select(.name // "" | . == "broken_hits") | "\(.name) \(.id)"'
	bpftool -j prog show | jq -r '.[] | select(.name == "careful" or .name == "after") | "\(.name) \(.id)"'
}

# Those that were not there before: another run may have left its own, or be at work.
left_since() {
	comm -13 <(printf '%s\n' "$1" | sort) <(left_behind | sort)
}

# ---- the verdict ------------------------------------------------------------------------------------------

@test "check: predicts what a load reports" {
	local object section checked loaded

	while read -r object section; do
		checked=0 loaded=0
		check "$object" sec "$section" type cls >/dev/null 2>&1 || checked=1
		[[ $(find /sys/fs/bpf -type f ! -name '*.debug') == '' ]]
		add "$object" "$section" >/dev/null 2>&1 || loaded=1
		echo "$object $section: check $checked, load $loaded"
		[[ $checked == "$loaded" ]]
		checked=0
		check "$object" sec "$section" type cls >/dev/null 2>&1 || checked=1
		[[ $checked == "$loaded" ]]
		tc filter del dev "$link" ingress
		rm -f "$globals"/*
	done <<-'END'
		shared ingress
		shared.nobtf egress
		tailcall classifier
		map_in_map classifier
		globals classifier
		samples28 classifier
		text_entry .text
		needs_gpl classifier
		bad_sizes classifier
		wide40 classifier
		bad_maps classifier
		broken classifier
		broken classifier/careless
		modern tc
		nomaps classifier
		static_helper classifier
	END
}

@test "check: opens an object as load, attach, convert and tc do, also without a section maps" {
	query static_helper '[.ok, [.progs[].name]]' '[true,["with_helper"]]'
	"$elfmap" load "$objects/static_helper.o"
	"$elfmap" attach "$objects/static_helper.o" dev "$link" ingress
	"$elfmap" convert "$objects/static_helper.o" "$tmp/converted.o" type cls
	"$elfmap" tc filter add dev "$link" egress bpf da obj "$objects/static_helper.o"
	# libbpf alone refuses this object, so it has to be transcoded first.
	run ! tc filter add dev "$link" egress bpf da obj "$objects/static_helper.o"
}

@test "check: a refused program does not hide the others or tail-call sections" {
	query broken '[.progs[] | [.section, .name, .ok]]' \
		'[["classifier","careful",true],["classifier/careless","careless",false],["5/1","after",true]]'
	query broken .ok false
	run -1 --separate-stderr check broken
	[[ $output == *"broken.o: would not load here"* && $(wc -l <<<"$stderr") == 1 ]]
	says "elfmap: *broken.o: section 'classifier/careless': program 'careless': *without a comparison with NULL*"
	[[ $output != *libbpf:* && $stderr != *libbpf* ]]
}

@test "check: sec NAME selects that section and the tail calls, as in tc" {
	query broken '[.ok, [.progs[].section]]' '[true,["classifier","5/1"]]' sec classifier
	query broken '[.ok, [.progs[].section]]' '[false,["classifier/careless","5/1"]]' sec classifier/careless
	run -0 --separate-stderr check broken sec classifier
	[[ -z $stderr && $output == *"broken.o: would load here"* && $output != *careless* ]]
	run -1 --separate-stderr check broken sec nosuch
	says "*broken.o: section 'nosuch': there is no such program*"
}

@test "check: shows the verifier's last lines, with the source line if there is BTF" {
	query broken '.progs[1].log[-1]' "\"R0 invalid mem access 'map_value_or_null'\""
	query broken '.progs[1].source | startswith("*hits += 1;")' true
	query broken.nobtf '.progs[1].log[-1]' "\"R0 invalid mem access 'map_value_or_null'\""
	query broken.nobtf '.progs[1].source' null
	query broken '.progs[0] | [.log, .error, .source]' '[null,null,null]'
}

@test "check: counts instructions in the object, in the kernel and as processed by the verifier" {
	local insns

	insns=$("$elfmap" -j show "$objects/tailcall.o" | jq -c '[.progs[].insns]')
	query tailcall '[.progs[].insns]' "$insns"
	query tailcall '[.progs[] | .bytes_xlated >= .insns * 8 and .verified_insns > 0] | all' true
	query broken '.progs[1] | [has("bytes_xlated"), .verified_insns > 0]' '[false,true]'
	check tailcall | grep -qx '  classifier  *entry  *sched_cls  *ok  *[0-9]*  *[0-9]*  *[0-9]*'
}

@test "check: the program type comes from the command line, then from the section, else it is cls" {
	query shared '[.progs[].type] | unique' '["sched_cls"]'
	query shared '[.progs[].type] | unique' '["sched_act"]' type act
	query xdp '.progs[0].type' '"xdp"' type xdp
	query tailcall '[.progs[].type] | unique' '["lwt_xmit"]' type lwt_xmit
	"$elfmap" convert "$objects/xdp.o" "$tmp/typed.o" type xdp
	"$elfmap" -j check "$tmp/typed.o" | jq -e '.ok and .progs[0].type == "xdp"'
	run -2 check shared type nosuch
}

@test "check: explains why a helper is refused" {
	run -1 --separate-stderr check needs_gpl
	says "*needs_gpl.o: section 'classifier': program 'print': *GPL programs only*licence is none*"
	run -1 --separate-stderr check bad_helpers type cls
	says "*program 'future': *a helper that this kernel does not know"
	says "*program 'lock': *requires the types of the map (BTF)"
	[[ $(wc -l <<<"$stderr") == 2 ]]
	run -1 --separate-stderr check bad_helpers sec classifier/skb type xdp
	says "*program 'store': *a helper that is not for programs of this type (xdp)*"
	run -1 --separate-stderr check broken sec classifier type xdp
	says "*program 'careful': *a field of its context that is not available to programs of this type (xdp)*"
}

@test "check: an undefined symbol affects only the sections that use it" {
	run -0 --separate-stderr check undefined sec good
	[[ -z $stderr ]]
	run -1 --separate-stderr check undefined
	says "*section 'calls': program 'call': it uses 'missing_function', which the object does not define"
	says "*section 'reads': program 'read_limit': it uses 'missing_limit', which the object does not define; its own loader would write a value there"
	query undefined '[.progs[] | [.name, .ok]] | sort' '[["call",false],["count",true],["read_limit",false]]'
	run -1 --separate-stderr check undefined sec calls
	run -1 --separate-stderr check undefined sec calls --old-tc
	says "*section 'calls': function 'call': offset *: refers to 'missing_function', which is not in the object"
	run -0 check undefined sec good --old-tc
}

# ---- maps ---------------------------------------------------------------------------------------------------

@test "check: each map that the kernel refuses is listed with the rule that it breaks" {
	run -1 --separate-stderr check bad_maps sec classifier
	says "*map 'trie_without_flag': *needs flag 0x1, BPF_F_NO_PREALLOC"
	says "*map 'empty_value': *the value must not be 0 bytes"
	says "*map 'ring_with_value': *a ring buffer has no values*"
	says "*map 'unheard_of': *type 200 is unknown*"
	says "*map 'outer_without_inner': *without inner_id*"
	[[ $(wc -l <<<"$stderr") == 5 ]]
	query bad_maps '[.maps[] | select(.ok) | .name]' '["good"]'
}

@test "check: only programs that use a bad map are refused for it" {
	query bad_maps '[.progs[] | [.name, .ok]]' '[["count",true],["find",false],["look",false]]'
	run -1 --separate-stderr check bad_maps
	says "*program 'find': *a map that cannot be created here"
	check bad_maps 2>/dev/null | grep -q "'trie_without_flag'"
}

@test "check: an outer map without inner_id can only be opened by its pin" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/map_in_map.o" sec classifier
	mv "$globals/outer" "$globals/outer_without_inner"
	query bad_maps '.maps[] | select(.name == "outer_without_inner") | [.ok, .pin]' '[false,"different"]'
	rm "$globals/outer_without_inner"
	bpftool map create "$globals/outer_without_inner" type array_of_maps key 4 value 4 entries 2 name outer \
		inner_map pinned "$globals/inner"
	query bad_maps '.maps[] | select(.name == "outer_without_inner") | [.ok, .pin]' '[false,"equal"]'
	bpftool map update pinned "$globals/outer_without_inner" key 0 0 0 0 value pinned "$globals/inner"
	query bad_maps '.maps[] | select(.name == "outer_without_inner") | [.ok, .pin]' '[true,"equal"]'
	query bad_maps '.progs[] | select(.name == "look") | .ok' true
}

# ---- pins -----------------------------------------------------------------------------------------------------

@test "check: a pin is absent, equal or different" {
	query shared '.maps[0] | [.pin, .pinned, .pin_error]' '["absent","/sys/fs/bpf/tc/globals/shared_hits",null]'
	add shared ingress
	query shared '[.ok, .maps[0].pin]' '[true,"equal"]'
	tc filter del dev "$link" ingress
	rm "$globals/shared_hits"
	bpftool map create "$globals/shared_hits" type hash key 4 value 16 entries 7 name other
	query shared '[.ok, .maps[0].ok, .maps[0].pin]' '[false,true,"different"]'
	run -1 --separate-stderr check shared
	says "*map 'shared_hits': differs from its pin in *: object array key 4 *; pin hash key 4 value 16 max_entries 7 *; if nothing uses it any more: elfmap map unpin $globals/shared_hits"
	run ! add shared ingress
	[[ $(bpftool -j map show pinned "$globals/shared_hits" | jq -r .type) == hash ]]
}

@test "check: a pin of a PROG_ARRAY for programs of another type is different" {
	add tailcall classifier
	query tailcall '[.ok, [.maps[].pin]]' '[true,["equal","equal","equal"]]'
	run -1 --separate-stderr check tailcall type xdp
	says "*map 'jmp_parse': *: holds programs of type sched_cls, and what uses it here is xdp; a PROG_ARRAY takes one type*"
}

@test "check: a pin that is not a map, and a pin of a modern map, are reported" {
	mkdir -p "$globals"
	bpftool prog load "$objects/nomaps.o" "$globals/shared_hits" type classifier
	query shared '[.ok, .maps[0].pin]' '[false,"different"]'
	rm "$globals/shared_hits"
	"$elfmap" convert --pin "$objects/shared.o" "$tmp/modern.o" type cls
	"$elfmap" -j check "$tmp/modern.o" | jq -e '.ok and .maps[0].pin == "absent"'
	[[ ! -e $globals/shared_hits && ! -e /sys/fs/bpf/shared_hits ]]
	bpftool map create "$globals/shared_hits" type hash key 4 value 16 entries 7 name other
	run -1 --separate-stderr "$elfmap" check "$tmp/modern.o"
	says "*map 'shared_hits': differs from its pin*"
}

@test "check: uses TC_BPF_MNT and the pinning numbers of tc" {
	mkdir "$tmp/bpf"
	mount -t bpf -o mode=0700 bpf "$tmp/bpf"
	TC_BPF_MNT=$tmp/bpf query shared '.maps[0].pinned' "\"$tmp/bpf/tc/globals/shared_hits\""
	umount "$tmp/bpf"
	TC_BPF_MNT=$tmp/bpf run -1 --separate-stderr check shared
	says "*TC_BPF_MNT=*is not in a bpf file system*"
	query pin_object '[.ok, (.warnings | length)]' '[true,1]'
	query pin_object '.maps[] | select(.name == "pin_number") | .pin' null
}

# ---- what is in use stays as it is -------------------------------------------------------------------------------

# The state of a running pipeline: slots, inner maps, contents, filters, pins.
state() {
	local pin

	for pin in "$globals"/*; do
		echo "$pin"
		bpftool -j map show pinned "$pin" | jq -c 'del(.bytes_memlock, .pinned, .frozen)'
		bpftool -j map dump pinned "$pin" | jq -c .
	done
	tc -j filter show dev "$link" ingress | jq -c '[.[].options.prog.id]'
	find /sys/fs/bpf ! -name '*.debug' -printf '%p %i\n' | sort
}

@test "check: does not change slots, inner maps or contents of a running pipeline" {
	add tailcall classifier
	"$elfmap" tc filter add dev "$link" ingress pref 2 bpf da obj "$objects/map_in_map.o" sec classifier
	"$elfmap" tc filter add dev "$link" ingress pref 3 bpf da obj "$objects/shared.o" sec ingress
	bpftool map update pinned "$globals/shared_hits" key 1 0 0 0 value 1 2 3 4 5 6 7 8
	bpftool map update pinned "$globals/inner" key 0 0 0 0 value 9 0 0 0 0 0 0 0
	bpftool map delete pinned "$globals/jmp_end" key 0 0 0 0 # a slot that a load would fill
	before=$(state)
	[[ $(grep -c 'value' <<<"$before") -ge 4 ]]
	for object in tailcall map_in_map shared tailcall.nobtf; do
		check "$object" >/dev/null
		check "$object" sec nosuch >/dev/null 2>&1 || true
		check "$object" --old-tc >/dev/null
	done
	check tailcall type xdp >/dev/null 2>&1 || true
	after=$(state)
	diff <(echo "$before") <(echo "$after")
	# The comparison detects what a load does: it fills the slot again.
	add tailcall classifier
	[[ $(state) != "$before" ]]
}

@test "check: leaves nothing in the kernel or in bpffs" {
	before=$(left_behind)
	check broken >/dev/null 2>&1 || true
	check broken sec classifier >/dev/null
	for _ in $(seq 100); do # the kernel frees programs asynchronously
		[[ -n $(left_since "$before") ]] || break
		sleep 0.05
	done
	[[ -z $(left_since "$before") && -z $(find /sys/fs/bpf -type f ! -name '*.debug') ]]
}

@test "check: without the capability to load it reports that this is not permitted; --old-tc does not need it" {
	type -P setpriv >/dev/null || skip 'no setpriv'
	run -1 --separate-stderr setpriv --bounding-set -all --inh-caps -all "$elfmap" check "$objects/shared.o"
	says '*not permitted*'
	run -0 setpriv --bounding-set -all --inh-caps -all "$elfmap" check "$objects/shared.o" --old-tc
}

# ---- the object --------------------------------------------------------------------------------------------------

@test "check: breaches of the legacy contract are listed; a file that is not an object is refused" {
	run -1 --separate-stderr check bad_sizes
	[[ $output == *'would not load here'* ]]
	says "elfmap: *bad_sizes.o: map 'short_definition': *definitions of different sizes"
	query bad_sizes '[.ok, (.problems | length)]' '[false,1]'
	run -1 --separate-stderr check nosuch
	[[ -z $output && $(wc -l <<<"$stderr") == 1 ]]
	says 'elfmap: *nosuch.o: No such file or directory'
	run -1 --separate-stderr "$elfmap" check "$BATS_TEST_FILENAME"
	says '*not an ELF file'
}

@test "check: objects without maps and with modern maps are checked" {
	query nomaps '[.ok, .maps, [.progs[].name]]' '[true,[],["length"]]'
	query modern '[.ok, [.maps[].name], [.progs[].name]]' '[true,["modern_hits"],["count"]]'
}

@test "check: usage" {
	run -2 "$elfmap" check
	run -2 check shared sec
	run -2 check shared extra
	run -2 check shared --nosuch
	run -0 "$elfmap" check --help
	[[ $output == 'usage: elfmap check FILE [sec NAME] [type TYPE] [--old-tc]'$'\n'* ]]
}

# ---- a tc without libbpf ---------------------------------------------------------------------------------------------

@test "check --old-tc: every classifier of this package is accepted" {
	local object

	for object in "$build"/tc-progs/*.o; do
		run -0 --separate-stderr "$elfmap" check "$object" --old-tc
		[[ -z $stderr && $output == "$object: a tc without libbpf takes it"* ]]
	done
}

@test "check --old-tc: each reason against an object is listed with its place" {
	run -1 --separate-stderr check no_old_tc --old-tc
	[[ $output == *"no_old_tc.o: a tc without libbpf does not take it"* ]]
	says "*section 'classifier/global': function 'uses_global': offset *: refers to 'limit' in section '.data': a global variable*"
	says "*section 'classifier/string': function 'prints': offset *: *a string literal*"
	says "*section 'classifier/two': function 'second': offset *: is not reached from the start*"
	[[ $(wc -l <<<"$stderr") == 3 ]]
	query no_old_tc '[.ok, (.reasons | length), (.warnings | length)]' '[false,3,1]' --old-tc
	query no_old_tc '.warnings[0] | contains("unpinned_jumps")' true --old-tc
}

@test "check --old-tc: sec NAME selects one section, and the kernel is not used" {
	run -0 --separate-stderr check no_old_tc --old-tc sec classifier
	[[ -z $stderr ]]
	run -1 check no_old_tc --old-tc sec classifier/global
	run -0 check needs_gpl --old-tc
	query modern '.reasons[0] | contains("which tc does not read")' true --old-tc
	query globals '.reasons | length' 3 --old-tc
	query wide40 '.reasons[0]' "\"section 'maps': definitions of 40 bytes, at most 36\"" --old-tc
}
