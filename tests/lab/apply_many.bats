#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap apply` with thousands of lines: objects are loaded once, and descriptors do not grow with the lines.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell

bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	cp "$build/tc-progs/dst_stats.o" "$objects/two_hooks.o" "$objects/shared.o" "$tmp"
}

apply() {
	(ulimit -n 256 && exec "$elfmap" apply "$tmp/pipeline" "$@")
}

# lines NR: lines of an object at one hook.
lines() {
	local nth

	for ((nth = 1; nth <= $1; nth++)); do
		echo "attach dst_stats.o sec ingress dev $link ingress prio $nth handle 1"
	done >"$tmp/pipeline"
}

# all SIGN NR: the plan has NR lines, all with SIGN.
all() {
	run -0 --separate-stderr apply
	echo "$stderr"
	[[ -z $stderr && $(cut -c 1 <<<"$output" | sort | uniq -c) =~ ^\ *$2\ "$1"$ ]]
}

programs() {
	tc -j filter show dev "$link" ingress | jq '[.[].options.prog.id // empty] | unique | length'
}

# loads COMMAND ...: how many programs it loads.
loads() {
	strace -f -qq -o "$tmp/trace" -e trace=bpf "$@" >/dev/null
	grep -c 'BPF_PROG_LOAD.*insn_cnt=[0-9][0-9]' "$tmp/trace" || true
}

@test "apply: 4,000 lines of one object with 256 descriptors: new, unchanged, replaced" {
	lines 4000
	all '+' 4000
	[[ $(programs) == 1 && $(tc filter show dev "$link" ingress | grep -c 'dst_stats.o:\[ingress\]') == 4000 ]]
	all '=' 4000
	cp "$tmp/two_hooks.o" "$tmp/dst_stats.o"
	all '~' 4000
	[[ $(programs) == 1 ]]
	all '=' 4000
}

@test "apply: what 1,000 lines replaced is put back with 256 descriptors" {
	for ((nth = 1; nth <= 1000; nth++)); do
		echo "filter add dev $link ingress prio $nth handle 1 bpf da obj $tmp/two_hooks.o sec ingress"
	done >"$tmp/batch"
	"$elfmap" tc -batch "$tmp/batch"
	[[ $(programs) == 1000 ]]
	before=$(tc filter show dev "$link" ingress)
	lines 1000
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	echo "attach shared.o sec egress dev lo egress" >>"$tmp/pipeline"
	run --separate-stderr apply
	tc qdisc del dev lo ingress
	[[ $status == 1 && $stderr == *"line 1001: "* && $(wc -l <<<"$stderr") == 1 ]]
	diff <(printf '%s\n' "$before") <(tc filter show dev "$link" ingress)
}

@test "apply: an object is loaded once for all lines, and not again when nothing changes" {
	command -v strace >/dev/null || skip 'strace is not installed'
	lines 1
	one=$(loads "$elfmap" apply "$tmp/pipeline")
	((one > 0))
	tc filter del dev "$link" ingress
	lines 300
	[[ $(loads "$elfmap" apply "$tmp/pipeline") == "$one" && $(loads "$elfmap" apply "$tmp/pipeline") == "$one" ]]
}

@test "apply: 150 objects of the same name in different directories with 256 descriptors" {
	for ((nth = 1; nth <= 150; nth++)); do
		mkdir "$tmp/$nth"
		cp "$objects/two_hooks.o" "$tmp/$nth/hook.o"
		echo "attach $nth/hook.o sec ingress dev $link ingress prio $nth handle 1"
	done >"$tmp/pipeline"
	all '+' 150
	all '=' 150
}

@test "apply: 300 slots of 300 lines with 256 descriptors" {
	mkdir -p "$globals"
	bpftool map create "$globals/many" type prog_array key 4 value 4 entries 300 name many
	cp "$objects/tailcall.o" "$tmp"
	for ((nth = 0; nth < 300; nth++)); do echo "slot many $nth tailcall.o sec 43/0"; done >"$tmp/pipeline"
	all '+' 300
	[[ $(bpftool -j map dump pinned "$globals/many" | jq length) == 300 ]]
	all '=' 300
}
