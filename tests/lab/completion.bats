#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion in bash, called as readline calls it, and the list of types that it offers.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; the file that is sourced uses what is set here
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/maps.bash"

setup() {
	begin_maps
	PATH=$(dirname "$elfmap"):$PATH
	source completion/elfmap.bash
}

# completes WORD ...: the candidates for the last word, sorted, in one line.
completes() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_elfmap 2>/dev/null
	printf '%s\n' "${COMPREPLY[@]}" | sort -u | xargs
}

# offers "WORD ..." WORD ...: the first argument, a list of candidates, contains all the others.
offers() {
	local word

	for word in "${@:2}"; do
		[[ " $1 " == *" $word "* ]]
	done
}

@test "completion: is installed for elfmap" {
	[[ $(complete -p elfmap) == 'complete -F _elfmap elfmap' ]]
}

@test "completion: files are not offered in place of a verb" {
	cd "$tmp"
	: >loaf
	[[ $(completes elfmap map lo) == 'load lookup' ]]
	offers "$(completes elfmap map load pin '')" loaf
}

@test "completion: every verb of the help is offered, at the top and below map" {
	for verb in $(elfmap help | awk '/^  [a-z]/ { print $1 }'); do
		offers "$(completes elfmap '')" "$verb"
	done
	for verb in $(elfmap map help | awk '/^  [a-z]/ { print $1 }'); do
		offers "$(completes elfmap map '')" "$verb"
		offers "$(completes elfmap -j -n netns map '')" "$verb"
	done
	for verb in $(elfmap cgroup help | awk '/^  [a-z]/ { print $1 }'); do
		offers "$(completes elfmap cgroup '')" "$verb"
	done
	[[ $(completes elfmap map unp) == unpin ]]
	[[ -z $(completes elfmap map nosuch) ]]
}

@test "completion: pins are offered by name and below tc/, and directories for list" {
	create hits hash 4 4 4
	create hosts hash 4 4 4
	mkdir -p $tc_dir/other
	cd "$tmp" # without a file of that name
	bpftool map create $tc_dir/other/deep type hash key 4 value 4 entries 4 name deep
	for verb in dump show unpin resize get set del load watch; do
		[[ $(completes elfmap map $verb h) == 'hits hosts' ]]
		[[ $(completes elfmap map $verb o) == other/deep ]]
	done
	[[ $(completes elfmap map show globals/hi) == globals/hits ]]
	[[ $(completes elfmap map list '') == 'globals other' ]]
	[[ $(completes elfmap map swap hits 1 /dev/null like ho) == hosts ]]
	[[ -z $(completes elfmap map show nosuch) ]]
}

@test "completion: options and words of a verb are offered" {
	create hits hash 4 4 4
	[[ $(completes elfmap map unpin hits --) == --force ]]
	[[ $(completes elfmap map check hits --) == --fix ]] # --mend is accepted, but hidden
	offers "$(completes elfmap map set hits 1 2 '')" any exist noexist
	offers "$(completes elfmap map watch hits '')" count interval
	offers "$(completes elfmap check x.o '')" --old-tc sec type
}

@test "completion: types, devices, sections and files are offered" {
	create hits hash 4 4 4
	[[ $(completes elfmap map dump hits types ipv) == 'ipv4 ipv6' ]]
	[[ $(completes elfmap map dump hits types u32 : be1) == be16 ]]
	offers "$(completes elfmap attach x.o dev '')" lo
	offers "$(completes elfmap check "${elfmap%/*}/tc-progs/dst_stats.o" sec '')" egress ingress
	touch "$tmp/saved"
	[[ $(completes elfmap map restore "$tmp/sa") == "$tmp/saved" ]]
	[[ $(completes elfmap show "$tmp/sa") == "$tmp/saved" ]]
	[[ $(completes elfmap map swap hits 1 "$tmp/sa") == "$tmp/saved" ]]
	[[ $(completes elfmap upgrade "$tmp/sa") == "$tmp/saved" ]]
	[[ -z $(completes elfmap map pop "$tmp/sa") ]]
}

@test "types: each listed type is accepted, and has the listed number of bytes" {
	while read -r name bytes; do
		[[ $name != enum* ]] || name+=' { ONE 1 }'
		case $name in
		prefix*) bpftool map create $globals/t type lpm_trie key "$bytes" value 4 entries 1 name t flags 1 ;;
		*) bpftool map create $globals/t type hash key "$bytes" value 4 entries 1 name t ;;
		esac
		map dump t types "$name:u32"
		rm $globals/t
		bpftool map create $globals/t type hash key $((bytes + 1)) value 4 entries 1 name t
		[[ -n $("$elfmap" map dump t types "$name:u32" 2>&1) ]]
		rm $globals/t
	done < <("$elfmap" -j map types | jq -r '.[] | select(.bytes) | "\(.name) \(.bytes)"')
	create t hash 16 4 1
	map dump t types 'string[16]:bytes[4]'
	map dump t types 'struct { ipv6 a }:u32'
	map dump t types 'struct packed { u8 a u64 b u32 c u16 d u8 e }:u32'
	[[ $("$elfmap" map types) == *'struct packed'*'without gaps'* ]]
	[[ $("$elfmap" -j map types | jq -c '[.[] | select(.name | startswith("enum")) | .bytes]') == '[4,1,2,8]' ]]
	[[ $("$elfmap" map types | awk 'NR > 1' | wc -l) == $("$elfmap" -j map types | jq length) ]]
	fails 2 'usage: elfmap map types' types more
}
