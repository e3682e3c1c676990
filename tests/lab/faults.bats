#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap load`, `attach`, `apply` and `upgrade` when one of their system calls fails, or when they are killed at
# it, for each call in turn: afterwards the state is the previous one or the desired one.

# shellcheck disable=SC2154,SC2030,SC2031,SC2034 # flood.bash and faults.bash set them; a test is a subshell
# shellcheck disable=SC2317 # functions that the walks call

bats_require_minimum_version 1.5.0

load flood.bash
load faults.bash
load kernel.bash

# apply and upgrade make several hundred calls: every fifth is tested, or all with FAULTS_STRIDE=1.
long_stride=${FAULTS_STRIDE-5}

setup() {
	setup_flood
	objects=$build/tests/testdata
	gen=$tmp/gen.o
	version 1
}

teardown() {
	teardown_flood
}

version() {
	cp "$objects/generation_$1.o" "$gen"
}

nothing() {
	:
}

# ---- what is there before ---------------------------------------------------------------------------------

loaded() {
	"$elfmap" load "$objects/tailcall.o"
}

attached() {
	version 1
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress "$@"
	version 2
}

attached_by_tcx() {
	attached --tcx
}

in_force() {
	version 1
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	"$elfmap" load "$objects/tailcall.o"
	version 2
}

pipeline() {
	printf '7 70\n' >"$tmp/state.txt"
	cat >"$tmp/pipeline" <<-END
		load $objects/tailcall.o
		attach gen.o sec ingress dev v1 ingress
		map gen_state state.txt types u32:u64
		slot jmp_parse 1 $objects/tailcall.o sec 42/0
		attach $objects/shared.o sec egress dev v1 egress prio 5
	END
}

# An earlier form of a pipeline, which made what this one does not name; entries and a filter that it does not want.
declared() {
	version 1
	printf '%s\n' "load $objects/tailcall.o" "attach $objects/shared.o sec egress dev v1 egress prio 5" >"$tmp/pipeline"
	"$elfmap" -n blue apply "$tmp/pipeline"
	"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	"$elfmap" -n blue attach "$objects/shared.o" sec ingress dev v1 egress prio 6 handle 1
	"$elfmap" map set gen_state 7 71 types u32:u64
	printf '7 70\n' >"$tmp/state.txt"
	cat >"$tmp/pipeline" <<-END
		map gen_state state.txt types u32:u64 exact
		detach dev v1 egress prio 6 handle 1
	END
}

skip_without_tcx() {
	run "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress --tcx
	[[ $output != *'this kernel has no tcx'* ]] || skip 'this kernel has no tcx'
}

# ---- refused ----------------------------------------------------------------------------------------------

# Calls that remove are left out: after a failed clean-up the rest is removed by the next command.
fail_everywhere() {
	fail bpf EPERM ENOMEM ENOSPC
	fail sendto EPERM ENOBUFS EINTR
	fail recvfrom EINTR ENOMEM
	for call in mkdir rename renameat2 chmod chown; do
		fail "$call" ENOMEM EPERM ENOSPC
	done
	for call in openat flock socket fcntl dup3; do
		fail "$call" EMFILE EINTR ENOMEM
	done
	for call in newfstatat statfs access; do
		fail "$call" EACCES ENOMEM
	done
	echo "$BATS_TEST_DESCRIPTION: $injected calls" >&3
	((injected > 20))
}

@test "load: each system call fails once" {
	setup_faults nothing "$elfmap" load "$objects/tailcall.o"
	fail_everywhere
}

@test "load over an older version: each system call fails once" {
	setup_faults loaded "$elfmap" load "$objects/tailcall.o"
	fail_everywhere
}

@test "attach: each system call fails once" {
	setup_faults nothing "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	fail_everywhere
}

@test "attach over an older version: each system call fails once" {
	setup_faults attached "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	fail_everywhere
	send 3
	[[ $(cells) == '3 0 0 0' ]]
}

@test "attach --tcx: each system call fails once" {
	skip_without_tcx
	setup_faults nothing "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress --tcx
	fail_everywhere
}

@test "attach --tcx over an older version: each system call fails once" {
	skip_without_tcx
	setup_faults attached_by_tcx "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress --tcx
	fail_everywhere
}

@test "apply: each system call fails once" {
	pipeline
	stride=$long_stride
	setup_faults nothing "$elfmap" -n blue apply "$tmp/pipeline"
	fail_everywhere
}

@test "apply with an upgrade: each system call fails once" {
	pipeline
	stride=$long_stride
	setup_faults in_force "$elfmap" -n blue apply "$tmp/pipeline"
	fail_everywhere
}

@test "apply --prune, with an exact map and a detached filter: each system call fails once" {
	stride=$long_stride
	setup_faults declared "$elfmap" -n blue apply "$tmp/pipeline" --prune
	fail_everywhere
}

@test "upgrade: each system call fails once" {
	stride=$long_stride
	setup_faults attached "$elfmap" -n blue upgrade "$gen"
	fail_everywhere
}

# ---- killed -----------------------------------------------------------------------------------------------

kill_everywhere() {
	for call in bpf sendto mkdir rename renameat2 unlink unlinkat rmdir; do
		kill_at "$call"
	done
	echo "$BATS_TEST_DESCRIPTION: $injected calls" >&3
	((injected > 20))
}

@test "load: killed at each system call" {
	setup_faults loaded "$elfmap" load "$objects/tailcall.o"
	kill_everywhere
}

@test "attach: killed at each system call" {
	setup_faults nothing "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	kill_everywhere
}

# Stages go into the live table one by one: only an upgrade separates the versions.
@test "attach over an older version: killed at each system call" {
	still_whole() {
		:
	}
	setup_faults attached "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
	kill_everywhere
}

@test "attach --tcx: killed at each system call" {
	skip_without_tcx
	setup_faults nothing "$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress --tcx
	kill_everywhere
}

@test "apply with an upgrade: killed at each system call" {
	pipeline
	stride=$long_stride
	setup_faults in_force "$elfmap" -n blue apply "$tmp/pipeline"
	kill_everywhere
}

@test "apply --prune, with an exact map and a detached filter: killed at each system call" {
	stride=$long_stride
	setup_faults declared "$elfmap" -n blue apply "$tmp/pipeline" --prune
	kill_everywhere
}

@test "apply: killed at each system call" {
	pipeline
	stride=$long_stride
	setup_faults nothing "$elfmap" -n blue apply "$tmp/pipeline"
	kill_everywhere
}

# ---- round and round --------------------------------------------------------------------------------------

# note_ids: the ids that the versions use now, a program and a table each.
note_ids() {
	local pin

	for pin in "$generations"/*/entries/ingress; do
		bpftool -j prog show pinned "$pin" | jq .id >>"$tmp/prog"
	done
	for pin in "$generations"/*/maps/tc/globals/gen_jmp; do
		bpftool -j map show pinned "$pin" | jq .id >>"$tmp/map"
	done
}

@test "thirty rounds of attach, upgrade, rollback, apply and detach leave no program or map" {
	generations=/sys/fs/bpf/tc/generations/gen%2Eo/$(stat -Lc %i /run/netns/blue)
	echo "attach gen.o sec ingress dev v1 ingress" >"$tmp/pipeline"
	for ((round = 0; round < 30; round++)); do
		version 1
		"$elfmap" -n blue attach "$gen" sec ingress dev v1 ingress
		version 2
		"$elfmap" -n blue upgrade "$gen"
		note_ids
		"$elfmap" -n blue upgrade "$gen" --rollback
		"$elfmap" -n blue apply "$tmp/pipeline"
		note_ids
		((round % 10)) || [[ $(on blue tc filter show dev v1 ingress | grep -c handle) == 1 ]]
		"$elfmap" -n blue detach "$gen" sec ingress dev v1 ingress
	done >/dev/null
	[[ -z $(on blue tc filter show dev v1 ingress) && $(on blue tc qdisc show dev v1 | grep -c clsact) == 1 ]]
	[[ $(find "$globals" -type f | wc -l) == 3 && $(find "$generations" -mindepth 1 -maxdepth 1 | wc -l) == 2 ]]
	(($(sort -u "$tmp/prog" | wc -l) > 60 && $(sort -u "$tmp/map" | wc -l) > 30))
	find /sys/fs/bpf/tc -type f -delete
	freed prog "$tmp/prog"
	freed map "$tmp/map"
}
