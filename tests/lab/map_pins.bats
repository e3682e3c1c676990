#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Pins of maps: list and show print the users of a map and what its pin keeps; pin and unpin. bpftool makes the
# maps, and its output is compared.

# shellcheck disable=SC2154 # run sets them
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/link.bash"
globals=/sys/fs/bpf/tc/globals

# create NAME TYPE KEY VALUE ENTRIES [WORD ...]: a pinned map without types.
create() {
	bpftool map create "$globals/$1" type "$2" key "$3" value "$4" entries "$5" name "${1:0:15}" "${@:6}"
}

# refused STATUS TEXT WORD ...: nothing on stdout, one line with TEXT on stderr.
refused() {
	local status_wanted=$1 text=$2

	shift 2
	run --separate-stderr "$elfmap" map "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$status_wanted" && -z $output && $stderr == *"$text"* ]]
	[[ $status_wanted == 2 || ${#stderr_lines[@]} == 1 ]]
}

row() { # NAME: its row in `list`, as JSON
	"$elfmap" -j map list | jq -c --arg pin "$globals/$1" '.[] | select(.pinned[0] == $pin)'
}

load_counter() { # attaches a program that uses its map
	mkdir -p $globals
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
}

kept() { # NAME: the column of `list`
	"$elfmap" map list | awk -v pin="globals/$1" '$1 == pin { print $9 }'
}

# ---- list: entries, users, what would be lost -------------------------------------------------------

@test "list: shows entries of maximum where they can be counted" {
	mkdir -p $globals
	create h hash 4 4 10
	create a array 4 4 7
	create p prog_array 4 4 3
	create q queue 0 4 4
	bpftool map update pinned $globals/h key 1 0 0 0 value 0 0 0 0
	bpftool map update pinned $globals/h key 2 0 0 0 value 0 0 0 0
	[[ $("$elfmap" map list | awk 'NR > 1 { print $1, $5, $6 }' | xargs) == \
		'globals/a 7 7 globals/h 2 10 globals/p 0 3 globals/q - 4' ]]
	[[ $("$elfmap" -j map list | jq -c '[.[].entries]') == '[7,2,0,null]' ]]
}

@test "list: shows the programs and filters that use a map, and maps whose content will be lost" {
	load_counter
	prog=$(tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty')
	[[ $(row dst_stats | jq -c '.programs[0] | [.id, .type]') == "[$prog,\"sched_cls\"]" ]]
	[[ $(row dst_stats | jq -c '.programs[0].attached') == \
		"[{\"kind\":\"filter\",\"dev\":\"$link\",\"direction\":\"ingress\",\"pref\":49152,\"chain\":0,\"handle\":1,\"name\":\"dst_stats.o:[ingress]\"}]" ]]
	[[ $("$elfmap" map list) == *"prog $prog dst_stats_ingre ($link ingress)"* ]]
	[[ $(kept dst_stats) == yes && $(row dst_stats | jq .survives) == true ]]

	tc filter del dev "$link" ingress
	wait_gone() { ! bpftool prog show id "$prog" >/dev/null 2>&1; }
	until wait_gone; do sleep 0.02; done
	[[ $(kept dst_stats) == no && $(row dst_stats | jq -c '[.survives, .programs]') == '[false,[]]' ]]
	[[ $("$elfmap" map list | awk '$1 == "globals/dst_stats" { print $10 }') == - ]]
}

@test "list: shows users at egress, tcx, XDP, classful qdiscs and in slots" {
	mkdir -p $globals /sys/fs/bpf/p
	load_counter
	"$elfmap" tc filter add dev "$link" egress bpf da obj "$build/tc-progs/dst_stats.o" sec egress
	tc qdisc add dev "$link" root handle 7: htb
	"$elfmap" tc filter add dev "$link" parent 7: bpf obj "$build/tc-progs/dst_stats.o" sec egress
	places=$(row dst_stats | jq -c '[.programs[].attached[] | (.direction // .parent)] | sort')
	[[ $places == '[458752,"egress","ingress"]' ]]
	[[ $("$elfmap" map list) == *"($link parent 7:)"* ]]

	create jump prog_array 4 4 4
	prog=$(tc -j filter show dev "$link" egress | jq '.[].options.prog.id // empty')
	bpftool map update pinned $globals/jump key 3 0 0 0 value id "$prog"
	jump=$(bpftool -j map show pinned $globals/jump | jq .id)
	[[ $("$elfmap" map list) == *"slot 3 of map $jump"* ]]
}

@test "list: other pins and outer maps keep a map, but not the slots of a PROG_ARRAY" {
	mkdir -p $globals
	create inner array 4 4 1
	create spare array 4 4 1
	create outer array_of_maps 4 4 2 inner_map pinned $globals/inner
	[[ $(kept inner) == no ]]
	bpftool map update pinned $globals/outer key 1 0 0 0 value pinned $globals/inner
	[[ $(kept inner) == yes && $(kept spare) == no ]]
	[[ $(row inner | jq -c .outer_maps) == "[$(bpftool -j map show pinned $globals/outer | jq .id)]" ]]

	bpftool map pin pinned $globals/spare /sys/fs/bpf/spare_too
	[[ $(kept spare) == yes && $(row spare | jq -c .pinned) == "[\"$globals/spare\",\"/sys/fs/bpf/spare_too\"]" ]]
	rm /sys/fs/bpf/spare_too
	ln -s $globals/spare /sys/fs/bpf/link
	[[ $(kept spare) == no ]] # a symbolic link does not keep a map
}

# ---- show -------------------------------------------------------------------------------------------

@test "show: prints all fields of one map, with its types" {
	load_counter
	run --separate-stderr "$elfmap" map show dst_stats
	[[ $status == 0 && -z $stderr ]]
	for line in "pin $globals/dst_stats" 'name dst_stats' 'type percpu_hash' 'types btf' 'entries 0 of 4096' 'flags 0x0' \
		'key 24 struct { u32 family enum { DST_INGRESS 0 DST_EGRESS 1 } direction ip addr }' 'frozen no' 'owner 0 group 0 mode 0600' 'kept yes'; do
		grep -qxF "$line" <<<"$output"
	done
	grep -qE "^	at filter dev $link ingress pref 49152 chain 0 handle 0x1 dst_stats.o:\[ingress\]$" <<<"$output"
	[[ $("$elfmap" -j map show dst_stats | jq -c '[.type, .value_type, .mode, .survives]') == \
		'["percpu_hash","struct { u64 packets u64 bytes earliest_ns first_ns latest_ns last_ns }",384,true]' ]]
}

@test "show: prints flags by name, frozen maps, and maps that cannot be read" {
	mkdir -p $globals
	create lpm lpm_trie 8 4 4 flags 1
	bpftool map freeze pinned $globals/lpm
	create ring ringbuf 0 0 4096
	grep -qx 'flags 0x1 no_prealloc' <("$elfmap" map show lpm)
	grep -qx 'frozen yes' <("$elfmap" map show lpm)
	grep -qx 'entries - of 4096' <("$elfmap" map show ring)
	grep -q '^note .*stream of events' <("$elfmap" map show ring)
	[[ $("$elfmap" -j map show ring | jq -c '[.entries, .key_type]') == '[null,null]' ]]
}

@test "show: a PIN that is not a map is refused" {
	refused 1 "no pin at $globals/nope" show nope
	refused 1 'is a directory' show /sys/fs/bpf
	refused 2 'usage: elfmap map show PIN' show
	refused 2 'usage: elfmap map show PIN' show a b
}

# ---- pin and unpin ----------------------------------------------------------------------------------

@test "pin: adds a second name, by pin and by id, and makes directories" {
	mkdir -p $globals
	create h hash 4 4 10
	id=$(bpftool -j map show pinned $globals/h | jq .id)
	"$elfmap" map pin h other/deep/h
	"$elfmap" map pin id "$id" h2
	for pin in /sys/fs/bpf/tc/other/deep/h $globals/h2; do
		[[ $(bpftool -j map show pinned "$pin" | jq .id) == "$id" ]]
	done
	[[ $(stat -c %a /sys/fs/bpf/tc/other) == 700 ]]
}

@test "pin: a refused pin leaves no directory" {
	mkdir -p $globals
	create h hash 4 4 10
	before=$(find /sys/fs/bpf | sort)
	refused 1 "$globals/h exists already" pin h h
	refused 1 'no pin at' pin nope x
	refused 1 'no map has this id' pin id 4294967295 x
	refused 2 "id: '12x' is not a number from 0 to 4294967295" pin id 12x x
	refused 1 'cannot have a dot' pin h new/dir/a.b
	refused 1 'cannot have a dot' pin h new/d.r/ab
	refused 1 'is not in a bpf file system' pin h /run/h
	refused 1 'Not a directory' pin h globals/h/x
	refused 2 'usage: elfmap map pin' pin h
	[[ $(find /sys/fs/bpf | sort) == "$before" ]]
}

@test "unpin: removes one pin; others stay" {
	mkdir -p $globals
	create h hash 4 4 10
	"$elfmap" map pin h h2
	"$elfmap" map unpin h
	[[ ! -e $globals/h && -e $globals/h2 ]]
	refused 1 "no pin at $globals/h" unpin h
	load_counter
	bpftool prog pin id "$(tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty')" /sys/fs/bpf/prog
	refused 1 'is a program, not a map' unpin /sys/fs/bpf/prog
	[[ -e /sys/fs/bpf/prog ]]
	refused 2 'usage: elfmap map unpin' unpin
	refused 2 "unknown option '--farce'" unpin h2 --farce
}

@test "unpin: the last pin of a PROG_ARRAY that a program uses stays unless forced" {
	add tailcall classifier
	refused 1 'the last pin of a prog_array that program' unpin jmp_parse
	"$elfmap" map pin jmp_parse second
	"$elfmap" map unpin jmp_parse
	[[ $("$elfmap" map dump second | wc -l) -gt 0 ]]
	refused 1 'the last pin of a prog_array that program' unpin second
	"$elfmap" map unpin second --force
	[[ ! -e $globals/second ]]
}

@test "pin and unpin wait for a command that is loading, and time out with an error" {
	mkdir -p $globals
	create h hash 4 4 10
	exec 7</sys/fs/bpf/tc
	flock --shared 7
	refused 1 'another command is loading objects or changing pins in /sys/fs/bpf/tc' unpin h
	[[ -e $globals/h ]]
	exec 7<&-
	"$elfmap" map unpin h
	[[ ! -e $globals/h ]]
}

@test "list: without permission to see programs it reports that, and no user is guessed" {
	mkdir -p $globals
	create h hash 4 4 10
	chmod 755 /sys/fs/bpf/tc $globals
	chmod 644 $globals/h
	run --separate-stderr setpriv --bounding-set -sys_admin,-bpf --inh-caps -sys_admin,-bpf "$elfmap" map list
	echo "status $status: $output $stderr"
	[[ $status == 0 ]] || skip 'this kernel lets only those with CAP_BPF open pins'
	[[ $(awk '$1 == "globals/h" { print $9, $10 }' <<<"$output") == '? ?' ]]
}

# ---- elsewhere --------------------------------------------------------------------------------------

@test "inside ip netns exec: pins, users and lock are the host's" {
	load_counter
	mkdir -p $globals
	create h hash 4 4 10
	inside() {
		ip netns exec "$net" "$elfmap" map "$@"
	}
	[[ $(inside list | awk 'NR > 1 { print $1 }' | xargs) == 'globals/dst_errs globals/dst_stats globals/h' ]]
	[[ $(inside -j list | jq -c '.[1].programs[0].name') == '"dst_stats_ingre"' ]]
	inside resize h 20
	[[ $(bpftool -j map show pinned $globals/h | jq .max_entries) == 20 ]]
	inside pin h new/h2
	inside unpin h
	[[ ! -e $globals/h && -e /sys/fs/bpf/tc/new/h2 ]]
	inside save new >"$tmp/saved"
	rm /sys/fs/bpf/tc/new/h2
	inside restore "$tmp/saved"
	[[ $(bpftool -j map show pinned /sys/fs/bpf/tc/new/h2 | jq .max_entries) == 20 ]]
	exec 7</sys/fs/bpf/tc
	flock --shared 7
	run ! inside unpin new/h2
	exec 7<&-
	inside unpin new/h2
}

@test "inside ip netns exec: the usual path of a pin is the host's pin" {
	mkdir -p $globals
	create h hash 4 4 10
	ip netns exec "$net" "$elfmap" map set "$globals/h" 1 2 types u32:u32
	[[ $("$elfmap" map dump h types u32:u32) == '1 2' ]]
	[[ $(ip netns exec "$net" "$elfmap" map list /sys/fs/bpf | awk 'NR > 1 { print $1 }') == globals/h ]]
	ip netns exec "$net" "$elfmap" map pin "$globals/h" $globals/second
	[[ -e $globals/second ]]
	# A bpf file system that is mounted inside is the one to use inside.
	# shellcheck disable=SC2016 # for the inner shell
	run ip netns exec "$net" sh -c 'mount -t bpf -o mode=0700 bpf /sys/fs/bpf && "$0" map dump /sys/fs/bpf/tc/globals/h' "$elfmap"
	[[ $status == 1 && $output == *'no pin at /sys/fs/bpf/tc/globals/h;'* ]]
}

@test "TC_BPF_MNT: another bpf file system has its own pins, which also keep a map" {
	mkdir -p $globals /run/other
	create h hash 4 4 10
	mount -t bpf -o mode=0700 bpf /run/other
	mkdir -p /run/other/tc/globals
	bpftool map create /run/other/tc/globals/o type hash key 4 value 4 entries 4 name o
	[[ $(TC_BPF_MNT=/run/other "$elfmap" map list | awk 'NR > 1 { print $1 }') == globals/o ]]
	[[ $(kept h) == no ]]
	bpftool map pin pinned $globals/h /run/other/h
	[[ $(kept h) == yes && $(row h | jq -r '.pinned[1]') == /run/other/h ]]
	TC_BPF_MNT=/run/other "$elfmap" map resize o 5
	[[ $(bpftool -j map show pinned /run/other/tc/globals/o | jq .max_entries) == 5 ]]
	umount /run/other
}

@test "resize: killed at any time, the pin is a complete map" {
	mkdir -p $globals
	create h hash 4 4 5000
	seq 0 3999 | awk '{ printf "hex %02x %02x 00 00 hex %02x %02x 00 00\n", $1 % 256, $1 / 256, $1 % 256, $1 / 256 }' >"$tmp/all"
	"$elfmap" map load h "$tmp/all"
	sort "$tmp/all" >"$tmp/wanted"
	for ((n = 0; n < 40; n++)); do
		"$elfmap" map resize h $((5001 + n)) &
		sleep "0.00$((RANDOM % 8))"
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		"$elfmap" map dump h | sort | cmp - "$tmp/wanted"
	done
	"$elfmap" map resize h 6000
	"$elfmap" map dump h | sort | cmp - "$tmp/wanted"
	[[ $(ls $globals) == h ]]
}

@test "names that would control a terminal or turn its text around are printed with question marks; JSON has them" {
	mkdir -p "$globals"
	name=$'a\u202eb\u009bc\u2066d'
	bpftool map create "$globals/$name" type hash key 4 value 4 entries 2 name odd
	for words in list "show $name" "get $name 1" "unpin $name/x" "set $name 1"; do
		# shellcheck disable=SC2086 # words
		run "$elfmap" map $words
		echo "$words: $output"
		[[ $output == *'a???b??c???d'* && $output != *[$'\u202e\u009b\u2066']* ]]
	done
	run -0 "$elfmap" -j map list
	[[ $(jq -r '.[].pinned[0] // .[].pinned' <<<"$output") == "$globals/$name" ]]
}
