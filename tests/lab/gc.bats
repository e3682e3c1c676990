#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap gc`: removes pins that elfmap has made and that nothing needs any more, and no others.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell

bats_require_minimum_version 1.5.0

load link.bash

tc_dir=/sys/fs/bpf/tc

setup() {
	setup_link
	cd "$tmp" || return 1
}

teardown() {
	teardown_link
	[[ ! -e $tc_dir ]] || find "$tc_dir" -type l -delete
}

gc() {
	"$elfmap" gc "$@"
}

# collects PATTERN [ARG ...]: gc prints a line that matches. The kernel frees namespaces and programs asynchronously.
collects() {
	local i

	for ((i = 0; i < 100; i++)); do
		run --separate-stderr gc "${@:2}"
		[[ $status == 0 && -z $stderr ]] || return
		# shellcheck disable=SC2053 # a pattern
		[[ $output != $1 ]] || return 0
		sleep 0.05
	done
	echo "$output $stderr"
	return 1
}

nothing() {
	run -0 --separate-stderr gc "$@"
	echo "$output $stderr"
	[[ $output == 'nothing to remove' && -z $stderr ]]
}

# versions COMMAND...: attaches gen.o to $link with COMMAND, and upgrades it once.
versions() {
	cp "$objects/generation_1.o" gen.o
	"$@" attach gen.o sec ingress dev "$link" ingress
	cp "$objects/generation_2.o" gen.o
	"$@" upgrade gen.o
}

@test "without pins, and without a directory of tc, there is nothing to remove" {
	nothing
	rmdir "$globals" "$tc_dir" 2>/dev/null || true
	nothing --dry-run
	run -0 gc -j
	[[ $output == '[]' ]]
}

@test "a deployment whose programs are attached keeps all versions; without them it is removed" {
	versions "$elfmap"
	pins >before
	nothing
	diff before <(pins)
	tc qdisc del dev "$link" clsact
	collects "would remove $tc_dir/generations/gen%2Eo/*/current/entries/ingress: the programs of this deployment are attached nowhere*" --dry-run
	[[ -d $tc_dir/generations ]]
	collects "removed $tc_dir/generations/gen%2Eo/*/previous/maps/tc/globals/gen_jmp: *"
	[[ ! -e $tc_dir/generations && -e $globals/gen_jmp && -e $globals/gen_state && -e $globals/gen_cells ]]
	nothing
}

@test "a namespace without a name is alive while its filters are; one of the same number may be another" {
	ip netns add blue
	ip -n blue link add "$link" type veth peer name peer2
	in_blue() {
		"$elfmap" -n blue "$@"
	}
	versions in_blue
	nsenter --net=/run/netns/blue sleep 60 3>&- &
	holder=$!
	until [[ /proc/$holder/ns/net -ef /run/netns/blue ]]; do
		sleep 0.02
	done
	ip netns del blue
	sleep 0.2
	nothing
	[[ -d $tc_dir/generations ]]
	kill "$holder"
	wait "$holder" || true
	# A directory that has the number of an existing namespace is judged by its programs.
	mv "$tc_dir/generations/gen%2Eo/"[0-9]* "$tc_dir/generations/gen%2Eo/$(stat -Lc %i /proc/self/ns/net)"
	collects "removed *"
	[[ ! -e $tc_dir/generations ]]
}

@test "a deployment without qdisc whose namespace is held by no process, only by a name elsewhere, is kept" {
	mkdir names
	mount -t tmpfs none names
	touch names/green
	unshare --net=names/green true
	nsenter --net=names/green ip link add "$link" type veth peer name peer2
	in_green() {
		nsenter --net="$tmp/names/green" "$elfmap" "$@"
	}
	versions in_green
	nothing
	umount names/green
	collects "removed *"
	[[ ! -e $tc_dir/generations ]]
	umount names
}

@test "maps with entries are removed only with --maps, and their entries are counted" {
	mkdir -p "$tc_dir/generations/old%2Eo/123/previous/maps/tc/globals"
	bpftool map create "$tc_dir/generations/old%2Eo/123/previous/maps/tc/globals/flows" type hash key 4 value 4 entries 8 name flows
	for key in 1 2 3; do
		bpftool map update pinned "$tc_dir/generations/old%2Eo/123/previous/maps/tc/globals/flows" key $key 0 0 0 value 1 0 0 0
	done
	bpftool map create "$tc_dir/generations/old%2Eo/123/previous/maps/tc/globals/zeros" type array key 4 value 4 entries 8 name zeros
	run -0 gc
	echo "$output"
	[[ $output == *"kept $tc_dir/generations/"*"/flows: "*"; it has 3 entries; 'elfmap gc --maps' removes it"* ]]
	[[ $output == *"removed $tc_dir/generations/"*"/zeros: "* ]]
	[[ -e $tc_dir/generations/old%2Eo/123/previous/maps/tc/globals/flows ]]
	run -0 gc -j --maps
	[[ $(jq -r '.[0] | .kind, .entries, .removed' <<<"$output" | xargs) == 'map 3 true' ]]
	[[ ! -e $tc_dir/generations ]]
}

@test "a map of a version that a process, a program or a map of maps uses is kept" {
	dir=$tc_dir/generations/old%2Eo/retired/0/maps/-
	mkdir -p "$dir"
	bpftool map create "$dir/inner" type array key 4 value 4 entries 1 name inner
	mkdir -p "$globals"
	bpftool map create "$globals/outer" type hash_of_maps key 4 value 4 entries 4 name outer inner_map pinned "$dir/inner"
	bpftool map update pinned "$globals/outer" key 1 0 0 0 value pinned "$dir/inner"
	nothing
	bpftool map delete pinned "$globals/outer" key 1 0 0 0
	exec 7< <("$elfmap" map watch "$dir/inner" interval 0.1)
	read -r -t 5 -u 7 || true
	nothing
	kill "$(pgrep -f "map watch $dir/inner")"
	exec 7<&-
	collects "removed $dir/inner: no program uses this retired version"
}

@test "programs that load has pinned go when they are attached nowhere, those of others stay" {
	"$elfmap" load "$objects/shared.o"
	bpftool prog pin pinned "$tc_dir/progs/shared/count_egress" "$tc_dir/progs/shared/theirs"
	tc filter add dev "$link" ingress bpf da object-pinned "$tc_dir/progs/shared/count_ingress"
	nothing
	tc qdisc del dev "$link" clsact
	rm "$tc_dir/progs/shared/theirs"
	mkdir "$tc_dir/progs/foreign"
	bpftool prog load "$objects/modern.o" "$tc_dir/progs/foreign/theirs" type classifier
	collects "removed $tc_dir/progs/shared/count_egress: the programs of this object are attached nowhere*"
	[[ ! -e $tc_dir/progs/shared && -e $tc_dir/progs/foreign/theirs && -e $globals/shared_hits ]]
	[[ -z $(find "$tc_dir" -type l) ]] # the notes are gone, too
	nothing
}

@test "a program that replaces a noted one under the same name is another tool's" {
	"$elfmap" load "$objects/shared.o"
	rm "$tc_dir"/progs/shared/*
	bpftool prog load "$objects/modern.o" "$tc_dir/progs/shared/count_ingress" type classifier
	run -0 gc
	[[ -e $tc_dir/progs/shared/count_ingress ]]
}

@test "the directory of an object that has no programs any more, also if its own table keeps its stages" {
	section=$("$elfmap" -j show "$objects/pin_object.o" | jq -r '.progs[0].section')
	echo '77 /tc/globals' >>/etc/iproute2/bpf_pinning
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/pin_object.o" sec "$section"
	nothing
	tc qdisc del dev "$link" clsact
	collects "removed $tc_dir/*/pin_object: no program uses the maps of this object"
	run ! compgen -G "$tc_dir/[0-9a-f]*[0-9a-f]/"
	cat >own.c <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"
		struct bpf_elf_map SEC("maps") own_jmp = {.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4,
			.max_elem = 2, .id = 5, .pinning = PIN_OBJECT_NS};
		SEC("5/0") int stage(struct __sk_buff *skb) { bpf_tail_call(skb, &own_jmp, 1); return -1; }
		SEC("classifier") int entry(struct __sk_buff *skb) { bpf_tail_call(skb, &own_jmp, 0); return -1; }
	END
	clang -target bpf -O2 -g -c -I"$BATS_TEST_DIRNAME/../../include" -idirafter "/usr/include/$(cc -print-multiarch)" -o own.o own.c
	tc qdisc add dev "$link" clsact
	"$elfmap" attach own.o sec classifier dev "$link" ingress
	nothing
	tc qdisc del dev "$link" clsact
	collects "removed $tc_dir/*/own_jmp: no program uses the maps of this object"
}

@test "a directory of an object that elfmap did not make stays" {
	mkdir -p "$tc_dir/0123456789abcdef0123456789abcdef01234567"
	bpftool map create "$tc_dir/0123456789abcdef0123456789abcdef01234567/x" type array key 4 value 4 entries 1 name x
	nothing
	[[ -e $tc_dir/0123456789abcdef0123456789abcdef01234567/x ]]
}

@test "empty directories of a killed upgrade are removed, not those of a deployment that is attached" {
	mkdir -p "$tc_dir/generations/gen%2Eo/99/next/maps"
	collects "removed $tc_dir/generations/gen%2Eo/99/next/maps: it is empty*"
	[[ ! -e $tc_dir/generations ]]
	versions "$elfmap"
	mkdir "$(echo "$tc_dir"/generations/gen%2Eo/[0-9]*)/next"
	nothing
}

@test "it waits for an attach that has pinned its maps and not yet attached its program" {
	command -v strace >/dev/null || skip 'strace is not installed'
	section=$("$elfmap" -j show "$objects/pin_object.o" | jq -r '.progs[0].section')
	echo '77 /tc/globals' >>/etc/iproute2/bpf_pinning
	strace -f -qq -o trace -e trace=sendto -e inject=sendto:delay_enter=500000 \
		"$elfmap" attach "$objects/pin_object.o" sec "$section" dev "$link" ingress 3>&- &
	until compgen -G "$tc_dir/*/pin_object" >/dev/null; do
		kill -0 $! || break
	done
	nothing
	wait $!
	compgen -G "$tc_dir/*/pin_object"
}

@test "killed at any removal, the next one finishes" {
	command -v strace >/dev/null || skip 'strace is not installed'
	for ((n = 1; n < 30; n++)); do
		tc qdisc replace dev "$link" clsact
		versions "$elfmap" >/dev/null
		tc qdisc del dev "$link" clsact
		collects 'would remove *' --dry-run
		run strace -qq -o trace -e trace=unlink,rmdir -e inject=unlink,rmdir:signal=KILL:when="$n" "$elfmap" gc
		[[ $status != 0 ]] || break
		for ((again = 0; again < 50; again++)); do # the kernel frees what the killed one had open a moment later
			run -0 gc
			[[ -e $tc_dir/generations ]] || break
			sleep 0.1
		done
		[[ ! -e $tc_dir/generations && -e $globals/gen_jmp ]]
	done
	((n > 3 && n < 30))
}

@test "wrong usage, and without privileges" {
	run gc now
	[[ $status == 2 ]]
	command -v setpriv || skip "setpriv is not installed"
	mkdir -p "$globals"
	run --separate-stderr setpriv --inh-caps=-all --bounding-set=-all "$elfmap" gc
	[[ $status == 1 && $stderr == 'elfmap: gc: '* && $(wc -l <<<"$stderr") == 1 ]]
}
