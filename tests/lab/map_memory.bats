#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Memory: no verb of `elfmap map` needs 64 MiB for a million entries. The memory of maps and files is the kernel's,
# and is not counted.

# shellcheck disable=SC2154 # maps.bash and run set them
bats_require_minimum_version 1.5.0

load maps.bash

limit=$((64 << 10)) # KiB
many=1000000

setup() {
	begin_maps
	peak=${BUILD:-$PWD/build}/tests/tools/peak
	[[ -x $peak ]] || skip "$peak: not built; 'make check' builds it"
	! readelf -lW "$elfmap" 2>/dev/null | grep -q INTERP || skip 'built with STATIC=no: the libraries count, too'
	export ELFMAP_TYPES_DIR=$tmp/types.d
	mkdir "$ELFMAP_TYPES_DIR"
}

teardown() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
}

# peak_of STATUS WORD ...: elfmap map WORD ... ends with STATUS, prints nothing, and stays below the limit.
peak_of() {
	local status_wanted=$1 status=0

	shift
	"$peak" "$elfmap" map "$@" >"$tmp/out" 2>"$tmp/said" || status=$?
	echo "$(<"$tmp/said") KiB, status $status: map $*"
	[[ $status == "$status_wanted" && $(<"$tmp/said") =~ ^[0-9]+$ ]] && (($(<"$tmp/said") < limit))
}

# all_verbs NAME: runs each verb on an existing, empty map with types in $ELFMAP_TYPES_DIR. Its input is $tmp/lines
# and $tmp/changed.
all_verbs() {
	peak_of 0 load "$1" "$tmp/lines"
	peak_of 0 dump "$1"
	[[ $(wc -l <"$tmp/out") == "$many" ]]
	peak_of 0 -j dump "$1"
	peak_of 1 diff "$1" "$tmp/changed"
	peak_of 0 replace "$1" "$tmp/changed"
	peak_of 0 watch "$1" interval 0.01 count 2
	[[ $(grep -c '/s' "$tmp/out") == 10000 ]]
	peak_of 0 -j watch "$1" interval 0.01 count 2
	peak_of 0 resize "$1" $((many + 1))
	peak_of 0 save
	mv "$tmp/out" "$tmp/saved"
	peak_of 0 clear "$1"
	rm "$globals/$1"
	peak_of 0 restore "$tmp/saved"
	peak_of 0 restore --replace - <"$tmp/saved"
	[[ $("$elfmap" -j map show "$1" | jq .entries) == "$many" ]]
}

@test "memory: every verb on a million entries of 4+8 bytes stays within its limit" {
	create m hash 4 8 "$many"
	echo 'm u32 u64' >"$ELFMAP_TYPES_DIR/m"
	seq 0 $((many - 1)) | sed 's/.*/& &/' >"$tmp/lines"
	sed '1~100s/ .*/ 7/' "$tmp/lines" >"$tmp/changed"
	all_verbs m
}

@test "memory: the verbs that keep entries stay within their limit for a million entries of 16+32 bytes" {
	create m hash 16 32 "$many"
	echo 'm struct { u64 a u64 b } struct { u64 n u64 bytes earliest_ns since latest_ns till }' >"$ELFMAP_TYPES_DIR/m"
	seq 0 $((many - 1)) | sed 's/.*/{ a & b 5 } { n & bytes & since 2 till 3 }/' >"$tmp/lines"
	sed '1~100s/ 3 }$/ 4 }/' "$tmp/lines" >"$tmp/changed"
	peak_of 0 load m - < <(cat "$tmp/lines")
	peak_of 0 replace m "$tmp/changed"
	peak_of 0 watch m interval 0.01 count 2
	"$elfmap" map save >"$tmp/saved"
	peak_of 0 restore --replace "$tmp/saved"
	[[ $("$elfmap" -j map show m | jq .entries) == "$many" ]]
}

@test "memory: the measurement sees what a command allocates" {
	run -1 "$peak" false
	((output < 10 << 10))
	"$peak" tail -c 100M <(head -c 101M /dev/zero) 2>"$tmp/said" >"$tmp/out"
	(($(<"$tmp/said") > limit))
}
