#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap doctor`: a healthy system has no findings. Each test breaks one thing, which is found with a command
# that fixes it.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
# shellcheck disable=SC2119,SC2120 # run passes arguments

bats_require_minimum_version 1.5.0

load link.bash

doctor() {
	"$elfmap" doctor "$@"
}

healthy() {
	run -0 --separate-stderr doctor
	echo "$output"
	[[ $output == 'nothing found' && -z $stderr ]]
}

# finds PATTERN: one finding, which matches PATTERN. The kernel frees unreferenced objects asynchronously.
finds() {
	local i

	for ((i = 0; i < 100; i++)); do
		run --separate-stderr doctor
		# shellcheck disable=SC2053 # a pattern
		[[ $status != 1 || -n $stderr || $(grep -c '^[ew]' <<<"$output") != 1 || $output != $1 ]] || return 0
		sleep 0.05
	done
	echo "$output $stderr"
	return 1
}

# Runs the command that the doctor printed.
fix() {
	local remedy i

	remedy=$(sed -n 's/^    fix: elfmap //p' <<<"$output")
	echo "fixing: $remedy"
	for ((i = 0; i < 100; i++)); do
		# shellcheck disable=SC2086 # words
		"$elfmap" $remedy && return
		sleep 0.05
	done
	return 1
}

# refused MESSAGE: no command uses the directory of tc, and none changes anything.
refused() {
	local before

	before=$(pins; filters)
	run -1 doctor
	[[ $output == "error: bpffs: $1" ]]
	run -1 --separate-stderr "$elfmap" map list
	[[ -z $output && $stderr == "elfmap: map list: $1" ]]
	run -1 --separate-stderr "$elfmap" load shared.o
	[[ $stderr == "elfmap: "*"$1" ]]
	run --separate-stderr "$elfmap" tc filter add dev "$link" egress bpf da obj shared.o sec egress
	echo "$stderr"
	[[ $status != 0 && $stderr == *"$1"* && $(pins; filters) == "$before" ]]
}

setup() {
	setup_link
	cd "$objects" || return 1
}

@test "healthy: no finding without filters, nor for one filter, tail calls, tcx, a full LRU map, each classifier" {
	healthy
	add shared ingress
	healthy
	"$elfmap" attach tailcall.o sec classifier dev "$link" egress
	"$elfmap" attach generation_1.o sec ingress dev "$link" egress --tcx || true
	healthy
	for object in "$build"/tc-progs/*.o; do
		section=$("$elfmap" -j show "$object" | jq -r 'first(.progs[] | select(.section | test("/") | not)) | .section')
		"$elfmap" attach "$object" sec "$section" dev "$link" ingress || echo "$object is not attached"
	done
	healthy
	run -0 doctor -j
	[[ $output == '[]' ]]
	run -0 doctor dev "$link"
}

@test "wrong usage is refused" {
	run doctor dev
	[[ $status == 2 ]]
	run --separate-stderr doctor dev nodev
	[[ $status == 1 && $stderr == "elfmap: nodev: there is no such device; 'ip link' lists them" ]]
}

@test "without privileges: reports that it cannot look" {
	command -v setpriv || skip "setpriv is not installed"
	run --separate-stderr setpriv --inh-caps=-all --bounding-set=-all "$elfmap" doctor
	[[ $status == 1 && $stderr == "elfmap: doctor: programs and maps cannot be listed; run it as root, with 'sudo elfmap doctor'" ]]
}

@test "tc: a missing one, one that cannot be helped, and a preload that is missing or writable by others are findings" {
	run env PATH=/nowhere "$elfmap" doctor # /usr/sbin is searched, too
	[[ $status == 0 ]]
	tc=$(readlink -f "$(command -v tc)")
	mount --bind /dev/null "$tc"
	finds 'error: tc: no tc in PATH
    fix: apt install iproute2'
	umount "$tc"
	echo "const char *volatile said = \"legacy map definitions in 'maps' section are not supported\"; int main(void) { return !said; }" >"$tmp/tc.c"
	mkdir "$tmp/static"
	cc -static -o "$tmp/static/tc" "$tmp/tc.c"
	run env PATH="$tmp/static:$PATH" "$elfmap" doctor
	echo "$output"
	[[ $status == 1 && $output == "warning: tc: $tmp/static/tc is statically linked with libbpf 1.0 or later: it refuses legacy objects, "*"
    fix: elfmap attach FILE sec NAME dev DEV ingress" ]]
	mkdir -p "$tmp/bin" "$tmp/libexec/elfmap"
	cp "$elfmap" "$tmp/bin/"
	cp "$build/libexec/elfmap/elfmap" "$tmp/libexec/elfmap/"
	preload=$tmp/libexec/elfmap/preload.so
	run "$tmp/bin/elfmap" doctor
	[[ $status == 1 && $output == "error: tc: $preload: No such file or directory: "*"fix: make install" ]]
	cp "$build/libexec/elfmap/preload.so" "$preload"
	run -0 "$tmp/bin/elfmap" doctor
	chmod 666 "$preload"
	run "$tmp/bin/elfmap" doctor
	[[ $status == 1 && $output == "error: tc: $preload is writable by others than root"* ]]
	echo 'not a library' >"$preload"
	chmod 644 "$preload"
	run "$tmp/bin/elfmap" doctor
	[[ $status == 1 && $output == "error: tc: "*" cannot load the preload: "* ]]
}

@test "bpffs: none mounted and several mounted are findings" {
	umount /sys/fs/bpf
	finds 'error: bpffs: *fix: mount -t bpf -o mode=0700 bpf /sys/fs/bpf'
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	add shared ingress
	mkdir "$tmp/other"
	mount -t bpf -o mode=0700 bpf "$tmp/other"
	healthy
	mkdir -p "$tmp/other/tc/globals"
	finds "warning: bpffs: tc has pinned in several bpf file systems: */tc/globals, */tc/globals; *"
	umount "$tmp/other"
}

@test "bpffs: other users can write to it, or own a directory of tc" {
	healthy
	chmod 1777 /sys/fs/bpf
	finds 'warning: bpffs: /sys/fs/bpf is writable by every user, *
    fix: chmod o-w /sys/fs/bpf'
	chmod o-w /sys/fs/bpf
	add shared ingress
	healthy
	for dir in /sys/fs/bpf/tc "$globals"; do
		chown 1000 "$dir"
		refused "$dir belongs to user 1000, who can exchange what is pinned there; 'chown root $dir' if it is yours"
		chown root "$dir"
		chmod o+w "$dir"
		refused "$dir is writable by every user, who can exchange what is pinned there; 'chmod o-w $dir' corrects it"
		chmod o-w "$dir"
		healthy
	done
	"$elfmap" map list
}

@test "bpffs: hidden by ip netns exec" {
	run ip netns exec "$net" "$elfmap" doctor
	[[ $status == 1 && $output == "warning: bpffs: /sys/fs/bpf is hidden in this mount namespace, as by 'ip netns exec'"*"fix: nsenter --net="* ]]
}

# Some settings exist only in the initial network namespace. A directory mounted over them replaces them, so that
# the real settings are not changed.
@test "settings: a JIT that is off or hardened, and run-time statistics, are findings" {
	setting() {
		unshare --mount bash -ec "mount -t tmpfs none /proc/sys/${1%/*}; echo $2 >/proc/sys/$1; $elfmap doctor"
	}
	run setting net/core/bpf_jit_enable 0
	[[ $status == 1 && $output == *'warning: settings: net.core.bpf_jit_enable is 0: programs are interpreted, several times slower
    fix: sysctl -w net.core.bpf_jit_enable=1'* ]]
	run setting net/core/bpf_jit_enable 1
	[[ $output != *'settings: net.core.bpf_jit_enable'* ]]
	run setting net/core/bpf_jit_harden 2
	[[ $status == 1 && $output == *'warning: settings: net.core.bpf_jit_harden is 2: '* ]]
	run setting kernel/bpf_stats_enabled 1
	[[ $status == 1 && $output == *'warning: settings: kernel.bpf_stats_enabled is 1: '*'fix: sysctl -w kernel.bpf_stats_enabled=0'* ]]
	run setting kernel/bpf_stats_enabled 0
	[[ $output != *bpf_stats_enabled* ]]
}

@test "unpinned-prog-array: its last pin was removed, and its slots are empty" {
	add tailcall classifier
	healthy
	rm "$globals/jmp_parse"
	finds "error: unpinned-prog-array: program * entry jumps through PROG_ARRAY * jmp_parse, which has no pin and is empty: every tail call falls through; *"
}

@test "unpinned-prog-array: only a process holds it" {
	add tailcall classifier
	"$elfmap" map watch jmp_end >"$tmp/watch" 2>&1 &
	holder=$!
	for ((i = 0; i < 100; i++)); do
		[[ ! -s $tmp/watch ]] || break
		sleep 0.05
	done
	rm "$globals/jmp_end"
	run doctor
	kill "$holder"
	wait "$holder" || true
	[[ $output == "warning: unpinned-prog-array: program "*" stage_second jumps through PROG_ARRAY "*" jmp_end, which has no pin: it is emptied when the process that has it open ends" ]]
}

@test "empty-slot: found after a stage is removed, not after it is put back" {
	add tailcall classifier
	bpftool map delete pinned "$globals/jmp_parse" key 1 0 0 0
	finds "warning: empty-slot: program * stage_first jumps to slot 1 of globals/jmp_parse, which is empty
    fix: elfmap graft globals/jmp_parse 1 FILE sec NAME"
	"$elfmap" graft globals/jmp_parse 1 tailcall.o sec 42/1
	healthy
}

@test "split-map: a pin was removed, and the object loaded again for another device" {
	"$elfmap" attach shared.o sec ingress dev "$link" ingress
	rm "$globals/shared_hits"
	healthy # it cannot be known that it was pinned
	"$elfmap" attach shared.o sec ingress dev lo ingress
	finds "error: split-map: dev $link ingress shared.o:[[]ingress] uses map * named shared_hits, but globals/shared_hits is map *: what is written to the pin does not reach the program
    fix: elfmap attach shared.o sec ingress dev $link ingress prio 49152 handle 0x1"
	fix
	healthy
	tc qdisc del dev lo clsact
}

@test "split-map: a stage was loaded while the pin was another map" {
	add tailcall classifier
	mkdir "$globals/../aside"
	mv "$globals/stages" "$globals/../aside/stages"
	"$elfmap" graft jmp_end 0 tailcall.o sec 43/0
	rm "$globals/stages"
	mv "$globals/../aside/stages" "$globals/stages"
	finds "error: split-map: program * in slot 0 of globals/jmp_end uses map * named stages, but globals/stages is map *: what is written to the pin does not reach the program
    fix: elfmap graft globals/jmp_end 0 FILE sec NAME"
	run -0 doctor dev lo
	run -1 doctor dev "$link"
	"$elfmap" graft jmp_end 0 tailcall.o sec 43/0
	healthy
}

@test "duplicate-filter: a filter was added twice instead of replaced" {
	add shared ingress
	add shared ingress
	finds "warning: duplicate-filter: dev $link ingress: shared.o:[[]ingress] is attached with pref 49151 and with pref 49152: *
    fix: tc filter del dev $link ingress pref 49152 handle 0x1 bpf"
	tc filter del dev "$link" ingress pref 49152 handle 0x1 bpf
	healthy
	run -0 doctor dev lo
}

@test "full-map: nearly full and full maps are found, not the types that evict entries" {
	"$elfmap" attach generation_1.o sec ingress dev "$link" ingress
	for key in {1..14}; do
		"$elfmap" map set gen_state "$key" 1 types u32:u64
	done
	healthy
	"$elfmap" map set gen_state 15 1 types u32:u64
	finds "warning: full-map: globals/gen_state has 15 of 16 entries
    fix: elfmap map resize globals/gen_state 32"
	"$elfmap" map set gen_state 16 1 types u32:u64
	run -0 doctor dev lo
	finds "error: full-map: globals/gen_state has 16 of 16 entries: new ones are refused*"
	tc qdisc del dev "$link" clsact
	fix
	healthy
}

@test "device: found after it was removed, and after it was made again with another number" {
	mkdir -p "$globals"
	bpftool map create "$globals/outputs" type hash key 4 value 4 entries 8 name outputs
	ip link add extra type veth peer name extra2
	"$elfmap" map set outputs 1 dev extra types u32:ifindex
	mkdir "$tmp/types.d"
	echo 'outputs u32 ifindex' >"$tmp/types.d/outputs"
	export ELFMAP_TYPES_DIR=$tmp/types.d
	healthy
	ip link del extra
	finds "error: device: globals/outputs has 1 numbers of removed devices and 0 *, such as extra: packets for them are lost
    fix: elfmap map check globals/outputs"
	ip link add filler type veth peer name filler2
	ip link add extra type veth peer name extra2
	finds "error: device: globals/outputs has 0 numbers of removed devices and 1 of devices whose number has changed, such as extra*
    fix: elfmap map check globals/outputs --fix"
	fix
	healthy
	ip link del extra
	ip link del filler
}

@test "leftover: maps of a rebuilt object, a killed upgrade, and the link of a removed device" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj pin_object.o sec "$("$elfmap" -j show pin_object.o | jq -r '.progs[0].section')"
	healthy
	tc filter del dev "$link" ingress
	finds "warning: leftover: /sys/fs/bpf/tc/*/ has 1 maps of an object that has no programs any more
    fix: rm -r /sys/fs/bpf/tc/*/"
	rm -r /sys/fs/bpf/tc/[0-9a-f]*/
	healthy
	mkdir -p "/sys/fs/bpf/tc/generations/gen%2Eo/$(stat -Lc %i /proc/self/ns/net)/next"
	finds "warning: leftover: an upgrade of gen.o was interrupted: *
    fix: elfmap upgrade gen.o"
	rm -r /sys/fs/bpf/tc/generations
	mkdir -p "/sys/fs/bpf/tc/generations/gen%2Eo/$(stat -Lc %i /proc/self/ns/net)/old"
	finds "warning: leftover: an upgrade of gen.o was interrupted: *
    fix: elfmap upgrade gen.o"
	rm -r /sys/fs/bpf/tc/generations
	mkdir -p "/sys/fs/bpf/tc/generations/gen%2Eo/$(stat -Lc %i "/run/netns/$net")/next"
	finds "*
    fix: elfmap -n $net upgrade gen.o"
	rm -r /sys/fs/bpf/tc/generations
	mkdir -p /sys/fs/bpf/tc/filling/%2Fglobals%2Flimits
	finds "warning: leftover: 'elfmap apply' was interrupted, and globals/limits may lack entries; *
    fix: rmdir /sys/fs/bpf/tc/filling/%2Fglobals%2Flimits"
	rm -r /sys/fs/bpf/tc/filling
	ip link add extra type veth peer name extra2
	if "$elfmap" attach shared.o sec ingress dev extra ingress --tcx; then
		ip link del extra
		finds "warning: leftover: /sys/fs/bpf/tc/links/*/extra/ingress/shared%2Eo:[[]ingress] is a link of a device that has been removed
    fix: rm /sys/fs/bpf/tc/links/*"
	fi
}

@test "cgroup: removed since it was put into the map" {
	root=$(findmnt --noheadings --types cgroup2 --output TARGET | head -1)
	[[ -n $root ]] || skip "cgroup2 is not mounted"
	mkdir -p "$globals" "$root/doctor-$$"
	bpftool map create "$globals/some_groups" type cgroup_array key 4 value 4 entries 4 name some_groups
	"$elfmap" cgroup set some_groups 2 "$root/doctor-$$"
	healthy
	rmdir "$root/doctor-$$"
	finds "warning: cgroup: globals/some_groups has 1 cgroups that have been removed: *
    fix: elfmap cgroup prune globals/some_groups"
	fix
	healthy
}

@test "findings are sorted by severity, and -j prints them as JSON" {
	add tailcall classifier
	add tailcall classifier
	rm "$globals/jmp_end"
	for ((i = 0; i < 100; i++)); do # the kernel empties the table asynchronously
		run doctor -j
		[[ $(jq -r '.[0].gravity' <<<"$output") != error ]] || break
		sleep 0.05
	done
	[[ $status == 1 && $(jq -r '.[0] | .gravity, .check' <<<"$output") == "error
unpinned-prog-array" ]]
	[[ $(jq -r '[.[].gravity] | unique | join(" ")' <<<"$output") == 'error warning' ]]
	jq -e '.[] | select(.check == "duplicate-filter") | .remedy | startswith("tc filter del")' <<<"$output"
}

@test "a table of many stages that call each other is visited once, not once for each path" {
	printf '%s\n' '#include <linux/bpf.h>' '#include <bpf/bpf_helpers.h>' '#include "bpf_elf.h"' \
		'struct bpf_elf_map SEC("maps") many_jmp = {' \
		'	.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4,' \
		'	.max_elem = 64, .id = 9, .pinning = PIN_GLOBAL_NS};' >"$tmp/many.c"
	seq 0 63 | sed 's/.*/SEC("9\/&") int stage_&(struct __sk_buff *skb) { bpf_tail_call(skb, \&many_jmp, & ^ 1); return -1; }/' >>"$tmp/many.c"
	clang -target bpf -O2 -g -c -I"$BATS_TEST_DIRNAME/../../include" -idirafter "/usr/include/$(cc -print-multiarch)" \
		-o "$tmp/many.o" "$tmp/many.c"
	"$elfmap" load "$tmp/many.o" >/dev/null
	run timeout 60 "$elfmap" doctor
	[[ $status == 0 && $output == 'nothing found' ]]
}
