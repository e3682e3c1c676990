#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap apply --prune`: what an earlier form of the file has made and this one does not name is removed, and nothing
# that others have made.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
# shellcheck disable=SC2119,SC2120 # run passes arguments

bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	cp "$objects/two_hooks.o" "$objects/shared.o" "$objects/tailcall.o" "$tmp"
	cp "$objects/generation_1.o" "$tmp/gen.o"
}

pipeline() {
	printf '%s\n' "$@" >"$tmp/pipeline"
}

apply() {
	"$elfmap" apply "$tmp/pipeline" "$@"
}

# applied PLAN [OPTION ...]: apply prints PLAN, and nothing on stderr.
applied() {
	run -0 --separate-stderr apply "${@:2}"
	echo "$output: $stderr"
	[[ $output == "$1" && -z $stderr ]]
}

# names DIRECTION: the names of the filters.
names() {
	tc -j filter show dev "$link" "$1" | jq -r '[.[].options.bpf_name // empty] | sort | join(" ")'
}

@test "prune: hooks, pinned programs and slots that the file made before and does not name now are removed" {
	"$elfmap" attach "$tmp/two_hooks.o" sec egress dev "$link" egress prio 99 # not of a pipeline
	bpftool map create "$globals/steps" type prog_array key 4 value 4 entries 2 name steps
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" "attach shared.o sec ingress dev $link ingress" \
		"load shared.o" "attach gen.o sec ingress dev $link ingress" "slot steps 1 tailcall.o sec 43/0"
	apply
	pipeline "attach gen.o sec ingress dev $link ingress"
	applied "= attach gen.o sec ingress dev $link ingress"
	[[ $(names ingress) == 'gen.o:[ingress] shared.o:[ingress] two_hooks.o:[ingress]' ]]
	run -0 apply --dry-run --prune
	plan="= attach gen.o sec ingress dev $link ingress
- attach shared.o sec ingress dev $link ingress
- attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1
- load shared.o
- slot steps 1 tailcall.o sec 43/0"
	[[ $(sort <<<"$output") == $(sort <<<"$plan") && $(names ingress) == 'gen.o:[ingress] shared.o:[ingress] two_hooks.o:[ingress]' ]]
	run -0 apply --prune
	[[ $(sort <<<"$output") == $(sort <<<"$plan") ]]
	[[ $(names ingress) == 'gen.o:[ingress]' && $(names egress) == 'two_hooks.o:[egress]' && ! -e /sys/fs/bpf/tc/progs/shared ]]
	[[ $(bpftool -j map dump pinned "$globals/steps" | jq length) == 0 ]]
	applied "= attach gen.o sec ingress dev $link ingress" --prune
	run -0 apply --prune -j
	[[ $(jq -c '.plan | map(.action)' <<<"$output") == '["keep"]' ]]
}

@test "prune: a hook that another form of a line names stays" {
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1"
	apply
	pipeline "attach two_hooks.o sec ingress dev $link ingress"
	applied "= attach two_hooks.o sec ingress dev $link ingress" --prune
	[[ $(names ingress) == 'two_hooks.o:[ingress]' ]]
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1"
	applied "= attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" --prune
	pipeline "attach shared.o sec ingress dev $link ingress prio 5 handle 1"
	applied "~ attach shared.o sec ingress dev $link ingress prio 5 handle 1" --prune
	[[ $(names ingress) == 'shared.o:[ingress]' ]]
	pipeline "attach shared.o sec ingress dev $link ingress prio 6 handle 1"
	applied "+ attach shared.o sec ingress dev $link ingress prio 6 handle 1
- attach shared.o sec ingress dev $link ingress prio 5 handle 1" --prune
	[[ $(tc filter show dev "$link" ingress | grep -c 'pref 6 .*shared.o') == 1 && $(names ingress) == 'shared.o:[ingress]' ]]
}

@test "prune: what others replaced, removed or made is left alone" {
	"$elfmap" attach "$tmp/two_hooks.o" sec egress dev "$link" egress
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" "attach two_hooks.o sec egress dev $link egress" \
		"attach shared.o sec ingress dev $link ingress prio 6 handle 1"
	applied "+ attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1
= attach two_hooks.o sec egress dev $link egress
+ attach shared.o sec ingress dev $link ingress prio 6 handle 1"
	tc filter del dev "$link" ingress prio 6
	"$elfmap" attach "$tmp/shared.o" sec egress dev "$link" ingress prio 5 handle 1
	pipeline "load tailcall.o"
	applied "+ load tailcall.o" --prune
	[[ $(names ingress) == 'shared.o:[egress]' && $(names egress) == 'two_hooks.o:[egress]' ]]
	cp "$tmp/pipeline" "$tmp/other"
	run -0 --separate-stderr "$elfmap" apply "$tmp/other" --prune # has made nothing
	[[ -z $stderr && -d /sys/fs/bpf/tc/progs/tailcall ]]
}

@test "prune: each namespace has a record of its own, and lines of others are pruned there" {
	in_net tc qdisc add dev peer clsact
	there() { in_net tc -j filter show dev peer ingress | jq -r '[.[].options.bpf_name // empty] | join(" ")'; }
	pipeline "attach two_hooks.o sec ingress dev $link ingress" "attach shared.o sec ingress dev peer ingress netns $net"
	apply
	[[ $(there) == 'shared.o:[ingress]' ]]
	pipeline "attach two_hooks.o sec ingress dev $link ingress"
	applied "= attach two_hooks.o sec ingress dev $link ingress
- attach shared.o sec ingress dev peer ingress netns $net" --prune
	[[ -z $(there) ]]
	pipeline "attach shared.o sec ingress dev peer ingress"
	"$elfmap" -n "$net" apply "$tmp/pipeline"
	pipeline "attach two_hooks.o sec ingress dev $link ingress"
	applied "= attach two_hooks.o sec ingress dev $link ingress" --prune
	[[ $(there) == 'shared.o:[ingress]' ]]
	pipeline "attach two_hooks.o sec ingress dev $link ingress" "attach shared.o sec egress dev peer ingress netns $net"
	apply
	ip netns del "$net"
	pipeline "attach two_hooks.o sec ingress dev $link ingress"
	for ((try = 0; try < 200; try++)); do
		ip link show dev "$link" >/dev/null 2>&1 || break # the namespace takes its end of the link away
		sleep 0.05
	done
	ip link add "$link" type veth peer name "x$link"
	applied "+ attach two_hooks.o sec ingress dev $link ingress" --prune
}

@test "prune: a failure puts back what was removed, and the record" {
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" "load shared.o"
	apply
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	pipeline "attach shared.o sec egress dev lo egress"
	run --separate-stderr apply --prune
	tc qdisc del dev lo ingress
	[[ $status == 1 && $(names ingress) == 'two_hooks.o:[ingress]' && -d /sys/fs/bpf/tc/progs/shared ]]
	pipeline "load shared.o"
	applied "= load shared.o
- attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" --prune
	run --separate-stderr "$elfmap" apply - --prune <"$tmp/pipeline"
	[[ $status == 1 && $stderr == 'elfmap: -: --prune: requires a file*' ]] || [[ $stderr == 'elfmap: -: --prune: requires a file'* ]]
}

@test "prune: the record is not a pin, and ends with the pins" {
	pipeline "attach two_hooks.o sec ingress dev $link ingress"
	apply
	[[ -n $(find /sys/fs/bpf/tc/elfmap/pipelines -type f) ]]
	run -0 "$elfmap" map list
	[[ $output != *elfmap/* && $output != *pipelines* ]]
	run -0 "$elfmap" map save
	[[ $output != *pipelines* ]]
	pipeline "load tailcall.o"
	apply --prune
	pipeline "map nosuch $tmp/pipeline" # does nothing
	run apply --prune
	[[ $status == 1 && -n $(find /sys/fs/bpf/tc/elfmap/pipelines -type f) ]]
}
