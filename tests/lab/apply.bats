#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap apply`: all lines of a file take effect, once; a file that is refused changes nothing.

# shellcheck disable=SC2154,SC2030,SC2031 # link.bash and run set them; a test is a subshell
# shellcheck disable=SC2119,SC2120 # run passes arguments

bats_require_minimum_version 1.5.0

load link.bash

setup() {
	setup_link
	cp "$objects/generation_1.o" "$tmp/gen.o"
	cp "$objects/shared.o" "$objects/tailcall.o" "$objects/broken.o" "$tmp"
	printf '7 70\n9 90\n' >"$tmp/state.txt"
	pipeline "attach gen.o sec ingress dev $link ingress" \
		"map gen_state state.txt types u32:u64 # what it knows from the start" \
		"" "# and:" "attach shared.o sec egress dev $link egress prio 5"
}

pipeline() {
	printf '%s\n' "$@" >"$tmp/pipeline"
}

apply() {
	"$elfmap" apply "$tmp/pipeline" "$@"
}

everything() {
	pins
	tc -j filter show dev "$link" ingress
	tc -j filter show dev "$link" egress
	tc qdisc show dev "$link"
	[[ ! -e $globals/gen_state ]] || "$elfmap" map dump gen_state types u32:u64
}

# refused PATTERN: apply fails with one line that matches PATTERN, and nothing has changed.
refused() {
	local before

	before=$(everything)
	run --separate-stderr apply
	echo "status $status: $output: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 1 && $stderr == $1 && $(wc -l <<<"$stderr") == 1 ]]
	diff <(printf '%s\n' "$before") <(everything)
}

@test "apply: all lines take effect, and a second run changes nothing" {
	run -0 --separate-stderr apply
	[[ -z $stderr && $output == "+ attach gen.o sec ingress dev $link ingress
+ map gen_state state.txt types u32:u64
+ attach shared.o sec egress dev $link egress prio 5" ]]
	[[ $(filters) == 'gen.o:[ingress]' && $("$elfmap" map dump gen_state types u32:u64 | sort) == "7 70
9 90" ]]
	tc filter show dev "$link" egress | grep -q 'pref 5 .* shared.o:\[egress\]'
	"$elfmap" map set gen_state 7 71 types u32:u64
	before=$(everything)
	run -0 --separate-stderr apply
	[[ $output == "= attach gen.o sec ingress dev $link ingress
! map gen_state state.txt types u32:u64 (drifted: 0 missing, 1 changed, 0 more than in the file)
= attach shared.o sec egress dev $link egress prio 5" && $(everything) == "$before" ]]
	"$elfmap" map set gen_state 7 70 types u32:u64
	run -0 --separate-stderr apply
	[[ $output == "= attach gen.o sec ingress dev $link ingress
= map gen_state state.txt types u32:u64
= attach shared.o sec egress dev $link egress prio 5" ]]
}

@test "apply --dry-run: prints the plan and changes nothing" {
	before=$(everything)
	run -0 --separate-stderr apply --dry-run
	[[ $output == '+ attach gen.o '* && $(everything) == "$before" ]]
	run -0 apply --dry-run -j
	[[ $(jq -r '[.dry_run, .plan[0].action, .plan[2].line, .plan[2].words[1]] | join(" ")' <<<"$output") == 'true add 5 shared.o' ]]
	apply
	cp "$objects/generation_2.o" "$tmp/gen.o"
	before=$(everything)
	run -0 apply --dry-run
	[[ $output == '~ attach gen.o '*'= map '*'= attach shared.o '* && $(everything) == "$before" ]]
}

@test "apply: a newer version of an object with stages replaces the old one at all its hooks at once" {
	pipeline "attach gen.o sec ingress dev $link ingress" "attach gen.o sec egress dev $link egress"
	apply
	cp "$objects/generation_2.o" "$tmp/gen.o"
	run -0 apply
	[[ $output == "~ attach gen.o sec ingress dev $link ingress
~ attach gen.o sec egress dev $link egress" && -e /sys/fs/bpf/tc/generations/gen%2Eo/$(stat -Lc %i /proc/self/ns/net)/previous ]]
	ping -q -c 2 -i 0.2 10.9.0.2
	[[ $("$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")') == '0 4 0 0' ]]
	run -0 apply
	[[ $output == "= attach gen.o sec ingress dev $link ingress
= attach gen.o sec egress dev $link egress" ]]
}

@test "apply: a load line pins programs, and a slot line fills a slot" {
	pipeline "load tailcall.o" "attach gen.o sec ingress dev $link ingress" "slot gen_jmp 1 tailcall.o sec 43/0"
	run -0 apply
	[[ $output == "+ load tailcall.o"* && -d /sys/fs/bpf/tc/progs/tailcall ]]
	before=$(counter stages 3)
	in_net ping -q -c 2 -i 0.2 10.9.0.1
	((before + 2 <= $(counter stages 3)))
	run -0 apply
	[[ $output == "= load tailcall.o
= attach gen.o sec ingress dev $link ingress
= slot gen_jmp 1 tailcall.o sec 43/0" ]]
}

@test "apply: a slot name that only the object knows is found, in a table of programs of another type" {
	bpftool map create "$globals/graft_table" type prog_array key 4 value 4 entries 2 name graft_table
	bpftool map create "$globals/fresh" type prog_array key 4 value 4 entries 2 name fresh
	cp "$objects/graft.o" "$objects/xdp.o" "$tmp"
	"$elfmap" graft fresh 0 "$tmp/xdp.o" sec prog type xdp
	pipeline "slot graft_table second graft.o sec aaa" "slot fresh 1 xdp.o sec prog"
	run -0 apply
	[[ $output == "+ slot graft_table second graft.o sec aaa
+ slot fresh 1 xdp.o sec prog" ]]
	[[ $(bpftool -j map dump pinned "$globals/graft_table" | jq -c '[.[].key]') == '[["0x01","0x00","0x00","0x00"]]' ]]
	[[ $(bpftool -j map dump pinned "$globals/fresh" | jq length) == 2 ]]
	run -0 apply
	[[ $output == "= slot graft_table second graft.o sec aaa
= slot fresh 1 xdp.o sec prog" ]]
	pipeline "slot graft_table third graft.o sec aaa"
	refused "elfmap: $tmp/pipeline: line 1: graft_table: no slot 'third'; there are: *"
	pipeline "slot fresh 1 graft.o sec aaa"
	refused "elfmap: $tmp/pipeline: line 1: graft.o: map 'graft_table': * holds programs of type sched_cls*"
}

@test "apply: pins that a slot line has made are removed when a later line fails" {
	cp "$objects/graft_own.o" "$tmp"
	mkdir -p /sys/fs/bpf/tc/blue
	bpftool map create /sys/fs/bpf/tc/blue/own_table type prog_array key 4 value 4 entries 1 name own_table
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	pipeline "slot blue/own_table 0 graft_own.o sec own" "attach shared.o sec egress dev lo egress"
	refused "elfmap: $tmp/pipeline: line 2: has a qdisc 'ingress' in place of clsact*"
	tc qdisc del dev lo ingress
	[[ ! -e $globals/own_hits && $(bpftool -j map dump pinned /sys/fs/bpf/tc/blue/own_table | jq length) == 0 ]]
}

@test "apply: file names are relative to the pipeline, from any working directory" {
	(cd / && "$elfmap" apply "$tmp/pipeline")
	[[ $(filters) == 'gen.o:[ingress]' ]]
	mkdir "$tmp/a dir"
	cp "$tmp/gen.o" "$tmp/a dir/"
	pipeline "attach \"a dir/gen.o\" sec ingress dev $link ingress # quoted"
	run -0 apply
	[[ $output == "= attach "* ]]
}

@test "apply: an error in a line is reported with its number before anything is changed" {
	pipeline "attach gen.o sec ingress dev $link ingress" "" "dettach gen.o"
	refused "elfmap: $tmp/pipeline: line 3: 'dettach' is not one of load, attach, detach, map, slot, cgroup, netns; did you mean 'detach'?"
	pipeline "attach gen.o sec ingress dev $link ingress" "attach gen.o sec nosuch dev $link egress"
	refused "elfmap: $tmp/pipeline: line 2: section 'nosuch': there is no such program*"
	pipeline "attach gen.o sec ingress dev $link ingress" "attach broken.o sec classifier/careless dev $link egress"
	refused "elfmap: $tmp/pipeline: line 2: *"
	pipeline "attach gen.o sec ingress dev $link ingress" "map nosuch state.txt"
	refused "elfmap: $tmp/pipeline: line 2: nosuch: no such pin, and no object in this file makes it"
	pipeline "attach gen.o sec ingress dev $link ingress" "map gen_state nosuch.txt"
	refused "elfmap: $tmp/pipeline: line 2: nosuch.txt: No such file*"
	pipeline "attach gen.o sec ingress dev $link ingress" "slot gen_jmp 1"
	refused "elfmap: $tmp/pipeline: line 2: expected 'slot PIN SLOT FILE sec NAME'"
	pipeline "attach gen.o sec ingress dev nodev ingress"
	refused "elfmap: $tmp/pipeline: line 1: nodev: there is no such device; 'ip link' lists them"
	pipeline "attach gen.o sec ingress dev $link ingress prio 0"
	refused "elfmap: $tmp/pipeline: line 1: prio: '0' is not a number from 1 to 65535"
	pipeline "attach gen.o sec ingress dev $link sideways"
	refused "elfmap: $tmp/pipeline: line 1: unexpected argument 'sideways'"
	pipeline "attach gen.o sec ingress dev $link ingress egress"
	refused "elfmap: $tmp/pipeline: line 1: egress: given twice"
	for option in -j "-n $link"; do
		pipeline "attach gen.o $option sec ingress dev $link ingress"
		refused "elfmap: $tmp/pipeline: line 1: *'-j', '-p' and '-n'*'elfmap apply'*"
	done
	pipeline "attach gen.o sec ingress dev $link"
	refused "elfmap: $tmp/pipeline: line 1: requires one of ingress, egress, xdp, xdpgeneric, xdpdrv"
	pipeline 'attach "gen.o sec ingress'
	refused "elfmap: $tmp/pipeline: line 1: unterminated quote"
	pipeline "# nothing"
	refused "elfmap: $tmp/pipeline: has no lines"
	rm "$tmp/pipeline"
	refused "elfmap: $tmp/pipeline: *No such file*"
	run apply now
	[[ $status == 2 ]]
}

@test "apply: an unexpected word in a line is refused" {
	for line in "load tailcall.o now" "load tailcall.o sec" "load tailcall.o type xdp" "load tailcall.o sec classifier sec 42/0" \
		"map gen_state state.txt types" "map gen_state state.txt typos u32:u64" "map gen_state state.txt types u32:u64 too" \
		"slot gen_jmp 1 tailcall.o section 43/0" "slot gen_jmp 1 tailcall.o sec 43/0 too" "slot gen_jmp 1 tailcall.o type cls sec 43/0"; do
		pipeline "attach gen.o sec ingress dev $link ingress" "$line"
		refused "elfmap: $tmp/pipeline: line 2: expected '${line%% *} *'"
	done
	pipeline "attach gen.o sec ingress dev $link ingress" "map gen_state state.txt types u32:u64" "load tailcall.o sec classifier"
	apply
}

@test "apply: two lines that set the same place to different things are refused" {
	pipeline "attach gen.o sec ingress dev $link ingress" "slot gen_jmp 1 tailcall.o sec 43/0" "slot gen_jmp 1 tailcall.o sec 42/0"
	refused "elfmap: $tmp/pipeline: line 3: line 2 puts another program into this slot"
	pipeline "attach gen.o sec ingress dev $link ingress" "slot gen_jmp 1 tailcall.o sec 43/0" "slot gen_jmp 1 tailcall.o sec 43/0"
	apply
	pipeline "slot gen_jmp 1 tailcall.o sec 43/0" "slot gen_jmp 0x1 tailcall.o sec 42/0"
	refused "elfmap: $tmp/pipeline: line 2: line 1 puts another program into this slot"
	pipeline "attach shared.o sec ingress dev lo ingress prio 5 handle 1" "attach shared.o sec egress dev lo ingress prio 5 handle 1"
	refused "elfmap: $tmp/pipeline: line 2: line 1 attaches another program at this place"
	mkdir "$tmp/other"
	cp "$objects/tailcall.o" "$tmp/other/shared.o"
	pipeline "attach shared.o sec ingress dev lo ingress" "attach other/shared.o sec ingress dev lo ingress"
	refused "elfmap: $tmp/pipeline: line 2: line 1 attaches another program at this place"
	pipeline "attach shared.o sec ingress dev lo ingress" "attach shared.o sec ingress dev lo ingress" "attach shared.o sec egress dev lo ingress"
	apply
	[[ $(tc filter show dev lo ingress | grep -c handle) == 2 ]]
	run -0 apply
	[[ $(grep -c '^= ' <<<"$output") == 3 ]]
	tc qdisc del dev lo clsact
}

@test "apply: lines may be in any order and end with CR LF" {
	printf '%s\r\n' "slot gen_jmp 1 tailcall.o sec 43/0" "map gen_state state.txt types u32:u64" "# what they are of" \
		"attach gen.o sec ingress dev $link ingress" >"$tmp/pipeline"
	run -0 apply
	[[ $(grep -c '^+ ' <<<"$output") == 3 && $("$elfmap" map dump gen_state types u32:u64 | sort) == "7 70
9 90" ]]
	run -0 apply
	[[ $(grep -c '^= ' <<<"$output") == 3 ]]
}

@test "apply: a failure is rolled back: map entries that do not parse" {
	printf '7 seventy\n' >"$tmp/state.txt"
	refused "elfmap: $tmp/pipeline: line 2: state.txt:1:*seventy*"
	apply_first="attach shared.o sec egress dev $link egress prio 5"
	pipeline "$apply_first"
	apply
	pipeline "$apply_first" "attach gen.o sec ingress dev $link ingress" "map gen_state state.txt types u32:u64"
	refused "elfmap: $tmp/pipeline: line 3: state.txt:1:*seventy*"
}

@test "apply: a failure is rolled back: a slot beyond the table" {
	pipeline "attach gen.o sec ingress dev $link ingress" "load tailcall.o" "slot gen_jmp 9 tailcall.o sec 43/0"
	refused "elfmap: $tmp/pipeline: line 3: gen_jmp: slot 9: the table has slots 0 to 1"
	[[ ! -e /sys/fs/bpf/tc/progs/tailcall ]]
}

@test "apply: a failure after the upgrade of one object restores the version that ran" {
	pipeline "attach gen.o sec ingress dev $link ingress"
	apply
	cp "$objects/generation_2.o" "$tmp/gen.o"
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	pipeline "attach gen.o sec ingress dev $link ingress" "attach shared.o sec egress dev lo egress"
	run --separate-stderr apply
	tc qdisc del dev lo ingress
	[[ $status == 1 && $stderr == *"line 2: has a qdisc 'ingress' in place of clsact"* ]]
	ping -q -c 2 -i 0.2 10.9.0.2
	[[ $("$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")') == '2 0 0 0' ]]
}

@test "apply: a slot line goes into the new table that an upgrade makes" {
	pipeline "attach gen.o sec ingress dev $link ingress" "slot gen_jmp 1 tailcall.o sec 43/0"
	apply
	cp "$objects/generation_2.o" "$tmp/gen.o"
	run -0 apply
	[[ $output == "~ attach gen.o "*"~ slot gen_jmp 1 tailcall.o sec 43/0" ]]
	before=$(counter stages 3)
	in_net ping -q -c 2 -i 0.2 10.9.0.1
	((before + 2 <= $(counter stages 3)))
	run -0 apply
	[[ $output == "= attach gen.o sec ingress dev $link ingress
= slot gen_jmp 1 tailcall.o sec 43/0" ]]
}

@test "apply: hooks that no line names keep their program and tables, also those of an object of the same name" {
	mkdir "$tmp/a" "$tmp/b"
	cp "$objects/generation_1.o" "$tmp/a/gen.o"
	sed 's/gen_/neg_/g' "$objects/generation_1.o" >"$tmp/b/gen.o" # the same with tables of its own
	"$elfmap" attach "$tmp/a/gen.o" sec ingress dev "$link" ingress prio 1 handle 1
	"$elfmap" attach "$tmp/b/gen.o" sec ingress dev "$link" egress prio 1 handle 1
	"$elfmap" attach "$tmp/a/gen.o" sec egress dev "$link" egress prio 2 handle 1
	others=$(tc -j filter show dev "$link" egress)
	cp "$objects/generation_2.o" "$tmp/a/gen.o"
	pipeline "attach a/gen.o sec ingress dev $link ingress prio 1 handle 1"
	run -0 apply
	[[ $output == "~ attach a/gen.o "* && $(tc -j filter show dev "$link" egress) == "$others" ]]
	run -0 apply
	[[ $output == "= attach a/gen.o "* ]]
	sed 's/gen_/neg_/g' "$objects/generation_2.o" >"$tmp/b/gen.o"
	pipeline "attach a/gen.o sec ingress dev $link ingress prio 1 handle 1" \
		"attach b/gen.o sec ingress dev $link egress prio 1 handle 1"
	run -0 apply
	[[ $output == "= attach a/gen.o "*"~ attach b/gen.o "* ]]
	[[ $(tc -j filter show dev "$link" egress | jq -c '.[] | select(.pref == 2)') == "$(jq -c '.[] | select(.pref == 2)' <<<"$others")" ]]
	table=$(bpftool -j map show pinned "$globals/neg_jmp" | jq .id)
	prog=$(tc -j filter show dev "$link" egress | jq '.[] | select(.pref == 1 and .options.prog) | .options.prog.id')
	[[ $(bpftool -j prog show id "$prog" | jq --argjson table "$table" '.map_ids | index($table)') != null ]]
	run -0 apply
	[[ $(grep -c '^= ' <<<"$output") == 2 ]]
}

@test "apply: several upgrades are undone, each at its hooks, when a line after them fails" {
	mkdir "$tmp/a" "$tmp/b"
	cp "$objects/generation_1.o" "$tmp/a/gen.o"
	sed 's/gen_/neg_/g' "$objects/generation_1.o" >"$tmp/b/gen.o"
	pipeline "attach a/gen.o sec ingress dev $link ingress prio 1 handle 1" \
		"attach b/gen.o sec ingress dev $link egress prio 1 handle 1"
	apply
	before=$(everything)
	cp "$objects/generation_2.o" "$tmp/a/gen.o"
	sed 's/gen_/neg_/g' "$objects/generation_2.o" >"$tmp/b/gen.o"
	tc qdisc add dev lo ingress # takes the place of clsact; the plan does not detect this
	echo "attach b/gen.o sec egress dev lo egress" >>"$tmp/pipeline"
	run --separate-stderr apply
	tc qdisc del dev lo ingress
	[[ $status == 1 && $stderr == *"line 3: has a qdisc 'ingress' in place of clsact"* && $(wc -l <<<"$stderr") == 1 ]]
	diff <(grep -v /generations <<<"$before") <(everything | grep -v -e /generations)
}

@test "apply: an object whose map grew is exchanged as by upgrade, with the entries of its map" {
	pipeline "attach gen.o sec ingress dev $link ingress"
	apply
	"$elfmap" map set gen_state 7 71 types u32:u64
	entries=$("$elfmap" -j map show gen_state | jq .max_entries)
	cp "$objects/generation_2_large.o" "$tmp/gen.o"
	run -0 apply --dry-run
	[[ $output == "~ attach gen.o "* && $("$elfmap" -j map show gen_state | jq .max_entries) == "$entries" ]]
	pipeline "attach gen.o sec ingress dev $link ingress" "attach gen.o sec egress dev $link egress"
	run -0 apply
	[[ $output == "~ attach gen.o sec ingress dev $link ingress
+ attach gen.o sec egress dev $link egress" ]]
	(($("$elfmap" -j map show gen_state | jq .max_entries) > entries))
	[[ $("$elfmap" -j map get gen_state 7 types u32:u64 | jq .value) == 71 ]]
	ping -q -c 2 -i 0.2 10.9.0.2
	[[ $("$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")') == '0 4 0 0' ]]
	run -0 apply
	[[ $output == "= attach gen.o sec ingress dev $link ingress
= attach gen.o sec egress dev $link egress" ]]
}

@test "apply: an object whose map grew and that no line upgrades is refused" {
	pipeline "attach gen.o sec ingress dev $link ingress"
	apply
	cp "$objects/generation_2_large.o" "$tmp/gen.o"
	pipeline "attach gen.o sec egress dev $link egress"
	refused "elfmap: $tmp/pipeline: line 1: map 'gen_state': differs from its pin in max_entries: *"
}

@test "apply: an object with stages replaces the program of another object" {
	pipeline "attach shared.o sec ingress dev $link ingress prio 5 handle 1"
	apply
	pipeline "attach gen.o sec ingress dev $link ingress prio 5 handle 1"
	run -0 apply
	[[ $output == "~ attach gen.o "* && $(filters) == 'gen.o:[ingress]' ]]
	ping -q -c 2 -i 0.2 10.9.0.2
	[[ $("$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")') == '2 0 0 0' ]]
	run -0 apply
	[[ $output == "= attach gen.o "* ]]
}

@test "apply: a failure is rolled back: filters, their names and the clsact qdisc" {
	ip link add w0 type veth peer name w1
	tc qdisc add dev w0 ingress # takes the place of clsact; the plan does not detect this
	"$elfmap" attach "$objects/shared.o" sec ingress dev "$link" ingress prio 5 handle 1
	pipeline "attach two_hooks.o sec ingress dev $link ingress prio 5 handle 1" \
		"attach shared.o sec ingress dev w1 ingress" "attach shared.o sec egress dev w0 egress"
	cp "$objects/two_hooks.o" "$tmp"
	refused "elfmap: *line 3: has a qdisc 'ingress' in place of clsact*"
	[[ $(filters) == 'shared.o:[ingress]' && $(tc qdisc show dev w1) != *clsact* ]]
	ip link del w0
}

@test "apply: lines of several kinds and sections share the maps that the first of them pins" {
	for order in "load attach attach" "attach load attach" "attach attach load"; do
		lines=() section=ingress
		for kind in $order; do
			if [[ $kind == load ]]; then
				lines+=("load two_hooks.o")
			else
				lines+=("attach two_hooks.o sec $section dev $link $section")
				section=egress
			fi
		done
		cp "$objects/two_hooks.o" "$tmp"
		pipeline "${lines[@]}"
		run -0 --separate-stderr apply
		[[ -z $stderr && $(grep -c '^+ ' <<<"$output") == 3 ]]
		pin=$(find /sys/fs/bpf -name hooks_sum)
		map=$(bpftool -j map show pinned "$pin" | jq .id)
		for prog in $(tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty') \
			$(tc -j filter show dev "$link" egress | jq '.[].options.prog.id // empty') \
			$(bpftool -j prog show pinned /sys/fs/bpf/tc/progs/two_hooks/hooks_ingress | jq .id); do
			[[ $(bpftool -j prog show id "$prog" | jq --argjson map "$map" '.map_ids | index($map)') != null ]]
		done
		run -0 apply
		[[ $(grep -c '^= ' <<<"$output") == 3 ]]
		tc qdisc del dev "$link" clsact
		tc qdisc add dev "$link" clsact
		find /sys/fs/bpf -type f ! -name '*.debug' -delete
		rm -r /sys/fs/bpf/tc/progs
	done
}

@test "apply: two lines whose programs would have the same pins are refused" {
	mkdir "$tmp/other"
	cp "$objects/tailcall.o" "$tmp/other/shared.o"
	pipeline "load shared.o" "load other/shared.o"
	refused "elfmap: $tmp/pipeline: line 2: its programs would be pinned in /sys/fs/bpf/tc/progs/shared, as those of line 1 are"
}
