#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap apply`: detach, exact maps, cgroups, namespaces, device patterns, standard input, and all errors at once.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
# shellcheck disable=SC2119,SC2120 # run passes arguments

bats_require_minimum_version 1.5.0

load link.bash
load cgroups.bash

setup() {
	setup_link
	cp "$objects/generation_1.o" "$tmp/gen.o"
	cp "$objects/shared.o" "$objects/tailcall.o" "$objects/two_hooks.o" "$tmp"
	printf '7 70\n9 90\n' >"$tmp/state.txt"
}

teardown() {
	[[ ! -d ${top:-} ]] || teardown_cgroups
	teardown_link
}

pipeline() {
	printf '%s\n' "$@" >"$tmp/pipeline"
}

apply() {
	"$elfmap" apply "$tmp/pipeline" "$@"
}

# applied PLAN: apply prints PLAN, and nothing on stderr.
applied() {
	run -0 --separate-stderr apply
	echo "$output: $stderr"
	[[ $output == "$1" && -z $stderr ]]
}

state() {
	"$elfmap" map dump gen_state types u32:u64 | sort
}

hooks() {
	local dev

	for dev in "$@"; do
		tc -j filter show dev "$dev" ingress
		tc -j filter show dev "$dev" egress
	done
}

# refused PATTERN ...: apply fails with these lines in this order, and nothing has changed.
refused() {
	local before line nth=0

	before=$(pins; hooks "$link")
	run --separate-stderr apply
	echo "status $status: $output: $stderr"
	[[ $status == 1 && -z $output && $(wc -l <<<"$stderr") == "$#" ]]
	while IFS= read -r line; do
		nth=$((nth + 1))
		# shellcheck disable=SC2053 # a pattern
		[[ $line == "elfmap: $tmp/pipeline: "${!nth} ]]
	done <<<"$stderr"
	diff <(printf '%s\n' "$before") <(pins; hooks "$link")
}

# ---- lines and words ------------------------------------------------------------------------------------------

@test "apply: a backslash continues a line, quotes protect spaces, and errors have the line's first number" {
	mkdir "$tmp/a dir"
	cp "$tmp/gen.o" "$tmp/a dir"
	printf 'attach "a dir/gen.o" \\\r\n  sec ingress \\\n dev %s ingress # and so on \\\n# \\\nmap gen_state \\\n %s\n' \
		"$link" "'state.txt' types u32:u64" >"$tmp/pipeline"
	applied "+ attach a dir/gen.o sec ingress dev $link ingress
+ map gen_state state.txt types u32:u64"
	[[ $(state) == "7 70
9 90" ]]
	printf '# one\nattach gen.o \\\n sec ingress dev %s \\\n ingress\nmap gen_state \\\n nosuch.txt\n' "$link" >"$tmp/pipeline"
	refused "line 5: nosuch.txt: No such file*"
	printf '\xef\xbb\xbfattach gen.o sec ingress dev %s ingress' "$link" >"$tmp/pipeline"
	applied "= attach gen.o sec ingress dev $link ingress"
}

@test "apply -: the pipeline is standard input, and its paths start at the working directory" {
	cd "$tmp"
	run -0 "$elfmap" apply - <<<"attach gen.o sec ingress dev $link ingress"
	[[ $output == "+ attach gen.o sec ingress dev $link ingress" && $(filters) == 'gen.o:[ingress]' ]]
	run --separate-stderr "$elfmap" apply - <<<"attach nosuch.o sec ingress dev $link ingress"
	[[ $status == 1 && $stderr == 'elfmap: -: line 1: '* ]]
	run --separate-stderr "$elfmap" apply - </dev/null
	[[ $status == 1 && $stderr == 'elfmap: -: has no lines' ]]
}

@test "apply: all errors of all lines are told, in their order, and nothing changes" {
	printf '7 seventy\n9 90\n10 x\n' >"$tmp/bad.txt"
	pipeline "attach gen.o sec ingress dev $link ingress" \
		"attach gen.o sec nosuch dev $link egress" \
		"attach gen.o sec ingress dev nodev ingress" \
		"map gen_state bad.txt types u32:u64" \
		"frobnicate" \
		"slot gen_jmp 1 nosuch.o sec 43/0" \
		'map gen_state "state.txt'
	refused "line 2: section 'nosuch': *" "line 3: nodev: *" "line 4: bad.txt:1:3: *seventy*" "line 4: bad.txt:3:4: *x*" \
		"line 5: 'frobnicate' is not one of *" "line 7: unterminated quote"
	pipeline "attach nosuch.o sec ingress dev $link ingress" "attach nosuch.o sec ingress dev $link ingress prio 7" \
		"map gen_state state.txt"
	refused "line 1: *nosuch.o*"
}

# ---- maps -----------------------------------------------------------------------------------------------------

@test "apply --dry-run: prints the entries that a map would get, and changes nothing" {
	pipeline "attach gen.o sec ingress dev $link ingress" "map gen_state state.txt types u32:u64"
	run -0 apply --dry-run
	[[ $output == "+ attach gen.o sec ingress dev $link ingress
+ map gen_state state.txt types u32:u64
  + 7 70
  + 9 90" && -z $(pins) ]]
	apply
	"$elfmap" map set gen_state 7 71 types u32:u64
	"$elfmap" map set gen_state 8 80 types u32:u64
	"$elfmap" map del gen_state 9 types u32:u64
	pipeline "map gen_state state.txt types u32:u64 exact"
	run -0 apply --dry-run
	[[ $output == "~ map gen_state state.txt types u32:u64 exact
  + 9 90
  - 8 80
  ~ 7 71 -> 70" ]]
	run -0 apply --dry-run -j
	[[ $(jq -c '.plan[0] | [.action, .entries, (.differences | map([.old.value, .new.value]) | sort)]' <<<"$output") == \
		'["change",{"missing":1,"changed":1,"extra":1},[[null,90],[71,70],[80,null]]]' ]]
	[[ $(state) == "7 71
8 80" ]]
}

@test "apply: an exact map gets the entries of its file and no others; without exact it is shown as drifted" {
	pipeline "attach gen.o sec ingress dev $link ingress" "map gen_state state.txt types u32:u64"
	apply
	id=$("$elfmap" -j map show gen_state | jq .id)
	"$elfmap" map set gen_state 7 71 types u32:u64
	"$elfmap" map set gen_state 8 80 types u32:u64
	"$elfmap" map del gen_state 9 types u32:u64
	applied "= attach gen.o sec ingress dev $link ingress
! map gen_state state.txt types u32:u64 (drifted: 1 missing, 1 changed, 1 more than in the file)"
	[[ $(state) == "7 71
8 80" && $(apply -j | jq -r '.plan[1].action') == drifted ]]
	pipeline "map gen_state state.txt types u32:u64 exact"
	applied "~ map gen_state state.txt types u32:u64 exact"
	[[ $(state) == "7 70
9 90" && $("$elfmap" -j map show gen_state | jq .id) == "$id" ]]
	applied "= map gen_state state.txt types u32:u64 exact"
	: >"$tmp/state.txt"
	applied "~ map gen_state state.txt types u32:u64 exact"
	[[ -z $(state) ]]
}

@test "apply: the former entries of an exact map are put back when a later line fails" {
	pipeline "attach gen.o sec ingress dev $link ingress" "map gen_state state.txt types u32:u64"
	apply
	"$elfmap" map set gen_state 7 71 types u32:u64
	"$elfmap" map set gen_state 8 80 types u32:u64
	"$elfmap" map del gen_state 9 types u32:u64
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	pipeline "map gen_state state.txt types u32:u64 exact" "attach shared.o sec egress dev lo egress"
	run --separate-stderr apply
	tc qdisc del dev lo ingress
	[[ $status == 1 && $stderr == *"line 2: "* && $(state) == "7 71
8 80" ]]
}

@test "apply: an exact array gets zeros, and a map whose entries cannot be read is refused as exact" {
	mkdir -p "$globals"
	bpftool map create "$globals/numbers" type array key 4 value 4 entries 4 name numbers
	bpftool map create "$globals/waiting" type queue value 4 entries 4 name waiting
	bpftool map update pinned "$globals/numbers" key 2 0 0 0 value 9 0 0 0
	printf '1 5\n' >"$tmp/numbers.txt"
	pipeline "map numbers numbers.txt types u32:u32 exact"
	applied "~ map numbers numbers.txt types u32:u32 exact"
	[[ $("$elfmap" map dump numbers types u32:u32) == "0 0
1 5
2 0
3 0" ]]
	pipeline "map waiting numbers.txt types :u32 exact"
	refused "line 1: *"
}

# ---- detach ---------------------------------------------------------------------------------------------------

@test "apply: a detach line removes a program, and is done when there is none" {
	pipeline "attach gen.o sec ingress dev $link ingress" "attach shared.o sec egress dev $link egress prio 5 handle 1"
	apply
	pipeline "attach gen.o sec ingress dev $link ingress" "detach shared.o sec egress dev $link egress" \
		"detach dev $link egress prio 9 handle 9"
	run -0 apply --dry-run
	[[ $output == *"- detach shared.o sec egress dev $link egress"* && -n $(tc filter show dev "$link" egress) ]]
	applied "= attach gen.o sec ingress dev $link ingress
- detach shared.o sec egress dev $link egress
= detach dev $link egress prio 9 handle 9"
	[[ -z $(tc filter show dev "$link" egress) && $(filters) == 'gen.o:[ingress]' ]]
	applied "= attach gen.o sec ingress dev $link ingress
= detach shared.o sec egress dev $link egress
= detach dev $link egress prio 9 handle 9"
	pipeline "detach gen.o sec ingress dev $link ingress" "attach gen.o sec ingress dev $link ingress"
	refused "line 2: line 1 detaches the program at this place"
	pipeline "detach dev $link ingress"
	refused "line 1: requires FILE sec NAME, a PIN, or prio and handle"
}

# ---- namespaces and devices -----------------------------------------------------------------------------------

@test "apply: a netns line is for the lines after it, and the word netns for its line" {
	in_net tc qdisc add dev peer clsact
	pipeline "attach two_hooks.o sec ingress dev $link ingress" "netns $net" "attach two_hooks.o sec ingress dev peer ingress" \
		"netns" "attach two_hooks.o sec egress dev $link egress" "attach two_hooks.o sec egress dev peer netns $net egress"
	applied "+ attach two_hooks.o sec ingress dev $link ingress
+ attach two_hooks.o sec ingress dev peer ingress netns $net
+ attach two_hooks.o sec egress dev $link egress
+ attach two_hooks.o sec egress dev peer netns $net egress"
	[[ $(filters) == 'two_hooks.o:[ingress]' ]]
	[[ $(in_net tc -j filter show dev peer ingress | jq -r '.[].options.bpf_name // empty') == 'two_hooks.o:[ingress]' ]]
	[[ $(in_net tc -j filter show dev peer egress | jq -r '.[].options.bpf_name // empty') == 'two_hooks.o:[egress]' ]]
	run -0 apply -j
	[[ $(jq -c '.plan | map([.action, .netns])' <<<"$output") == \
		"[[\"keep\",null],[\"keep\",\"$net\"],[\"keep\",null],[\"keep\",\"$net\"]]" ]]
	pipeline "netns $net" "detach two_hooks.o sec egress dev peer egress"
	applied "- detach two_hooks.o sec egress dev peer egress netns $net"
	[[ -z $(in_net tc filter show dev peer egress) && -n $(tc filter show dev "$link" egress) ]]
	pipeline "netns nosuch$net" "attach two_hooks.o sec ingress dev $link ingress netns $tmp/pipeline"
	refused "line 1: nosuch$net: no such network namespace; *" "line 2: $tmp/pipeline: is not a network namespace"
	pipeline "netns $net" "attach two_hooks.o sec ingress dev $link ingress"
	refused "line 2: $link: there is no such device*"
}

@test "apply: an object with stages is exchanged in each namespace in which lines name it" {
	in_net tc qdisc add dev peer clsact
	pipeline "attach gen.o sec ingress dev $link ingress" "attach gen.o sec ingress dev peer ingress netns $net"
	apply
	cp "$objects/generation_2.o" "$tmp/gen.o"
	applied "~ attach gen.o sec ingress dev $link ingress
~ attach gen.o sec ingress dev peer ingress netns $net"
	applied "= attach gen.o sec ingress dev $link ingress
= attach gen.o sec ingress dev peer ingress netns $net"
	ping -q -c 2 -i 0.2 10.9.0.2
	[[ $("$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")') == '0 4 0 0' ]]
}

@test "apply: a device pattern stands for all devices that match now, and is refused if there are none" {
	for nth in 0 1 2; do ip link add "pat$nth" type veth peer name "tap$nth"; done
	pipeline "attach two_hooks.o sec ingress dev pat* ingress" "attach two_hooks.o sec egress dev pat[12] egress"
	applied "+ attach two_hooks.o sec ingress dev pat2 ingress
+ attach two_hooks.o sec ingress dev pat1 ingress
+ attach two_hooks.o sec ingress dev pat0 ingress
+ attach two_hooks.o sec egress dev pat2 egress
+ attach two_hooks.o sec egress dev pat1 egress" || applied "$(apply)"
	for nth in 0 1 2; do [[ $(tc filter show dev "pat$nth" ingress) == *'two_hooks.o:[ingress]'* ]]; done
	[[ -z $(tc filter show dev pat0 egress) && $(tc filter show dev pat2 egress) == *'two_hooks.o:[egress]'* ]]
	[[ -z $(tc qdisc show dev tap0 clsact) ]]
	run -0 apply
	[[ $(grep -c '^= ' <<<"$output") == 5 ]]
	ip link add pat3 type veth peer name tap3
	run -0 apply
	[[ $(grep -c '^= ' <<<"$output") == 5 && $(grep '^+' <<<"$output") == '+ attach two_hooks.o sec ingress dev pat3 ingress' ]]
	pipeline "detach two_hooks.o sec ingress dev pat? ingress"
	run -0 apply
	[[ $(grep -c '^- ' <<<"$output") == 4 && -z $(tc filter show dev pat0 ingress) ]]
	pipeline "attach two_hooks.o sec ingress dev nosuch* ingress"
	refused "line 1: nosuch\*: no device matches; 'ip link' lists them"
	for nth in 0 1 2 3; do ip link del "pat$nth"; done
}

# ---- cgroups --------------------------------------------------------------------------------------------------

@test "apply: cgroup lines set and clear the slots of an array, and put them back when a later line fails" {
	PATH=$build:$PATH
	setup_cgroups
	mkdir -p "$globals"
	bpftool map create "$globals/acl" type cgroup_array key 4 value 4 entries 4 name acl
	shown() { "$elfmap" -j cgroup show acl | jq -c 'map([.slot, .path])'; }
	pipeline "cgroup set acl 1 $leaf" "cgroup set acl 2 $top" "cgroup clear acl 3"
	applied "+ cgroup set acl 1 $leaf
+ cgroup set acl 2 $top
= cgroup clear acl 3"
	[[ $(shown) == "[[1,\"/$name/leaf\"],[2,\"/$name\"]]" ]]
	applied "= cgroup set acl 1 $leaf
= cgroup set acl 2 $top
= cgroup clear acl 3"
	tc qdisc add dev lo ingress
	pipeline "cgroup set acl 1 $top" "cgroup clear acl 2" "cgroup set acl 3 $leaf" "attach shared.o sec egress dev lo egress"
	run apply
	tc qdisc del dev lo ingress
	[[ $status == 1 && $(shown) == "[[1,\"/$name/leaf\"],[2,\"/$name\"]]" ]]
	pipeline "cgroup set acl 1 $top" "cgroup clear acl 2"
	applied "~ cgroup set acl 1 $top
- cgroup clear acl 2"
	[[ $(shown) == "[[1,\"/$name\"]]" ]]
	pipeline "cgroup set fresh 0 $leaf --create entries 8" "cgroup set fresh 7 $top"
	applied "+ cgroup set fresh 0 $leaf --create entries 8
+ cgroup set fresh 7 $top"
	applied "= cgroup set fresh 0 $leaf --create entries 8
= cgroup set fresh 7 $top"
	pipeline "cgroup set acl 4 $top" "cgroup set acl 0 $tmp" "cgroup set nosuch 0 $top" "cgroup set acl 0" \
		"cgroup set acl 2 $top" "cgroup clear acl 2"
	refused "line 1: acl: slot 4: the array has slots 0 to 3" "line 2: $tmp: *" "line 3: nosuch: no such pin*" \
		"line 4: cgroup set: requires DIR" "line 6: line 5 writes another cgroup into this slot"
}
