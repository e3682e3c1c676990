#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Complete maps: `elfmap map resize`, `save` and `restore`. A "reboot" removes every pin, and devices get other
# numbers.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; run and cgroups.bash set variables
bats_require_minimum_version 1.5.0

source "$BATS_TEST_DIRNAME/link.bash"
source "$BATS_TEST_DIRNAME/cgroups.bash"
globals=/sys/fs/bpf/tc/globals

setup() {
	setup_link
	mkdir -p $globals
	saved=$tmp/saved
}

# create NAME TYPE KEY VALUE ENTRIES [WORD ...]: a pinned map without types.
create() {
	bpftool map create "$globals/$1" type "$2" key "$3" value "$4" entries "$5" name "${1:0:15}" "${@:6}"
}

set_entry() { # NAME KEY VALUE
	"$elfmap" map set "$@"
}

dumped() { # NAME
	"$elfmap" map dump "$1" | sort
}

form() { # NAME: the properties that must stay the same
	bpftool -j map show pinned "$globals/$1" | jq -c '[.type, .name, .flags, .bytes_key, .bytes_value, .max_entries, .frozen]'
}

all_forms() {
	local pin

	for pin in "$globals"/*; do
		[[ $pin == *_devs ]] || form "${pin##*/}"
	done
}

ifindex() { # /sys may belong to another network namespace
	ip -j link show dev "$1" | jq '.[0].ifindex'
}

refused() { # STATUS TEXT WORD ...
	local status_wanted=$1 text=$2

	shift 2
	run --separate-stderr "$elfmap" map "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$status_wanted" && -z $output && $stderr == *"$text"* ]]
}

forget_all() {
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

# ---- resize -----------------------------------------------------------------------------------------

@test "resize: hash, array, per-CPU, LPM, device, program and inner maps keep their entries" {
	create h hash 4 4 2
	create a array 4 4 2
	create p percpu_hash 4 8 2
	create l lpm_trie 8 4 2 flags 1
	create d devmap 4 8 2
	create i array 4 4 1
	create o hash_of_maps 4 4 2 inner_map pinned $globals/i
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00' 'hex 03 00 00 00' 'hex 04 00 00 00'
	set_entry a 1 'hex 09 00 00 00'
	bpftool map update pinned $globals/p key 1 0 0 0 value 1 0 0 0 0 0 0 0
	set_entry l 'hex 0a 00 00 00/8' 'hex 01 00 00 00'
	bpftool map update pinned $globals/d key 1 0 0 0 value "1" 0 0 0 255 255 255 255
	set_entry o 'hex 01 00 00 00' pinned i
	for name in h a p l d o; do
		before=$(dumped $name)
		id=$(bpftool -j map show pinned $globals/$name | jq .id)
		"$elfmap" map resize $name 5
		[[ $(bpftool -j map show pinned $globals/$name | jq .id) != "$id" ]]
		[[ $(bpftool -j map show pinned $globals/$name | jq .max_entries) == 5 ]]
		[[ $(dumped $name | head -n "$(wc -l <<<"$before")") == "$before" ]]
	done
	[[ $(dumped a | wc -l) == 5 && $(dumped h | wc -l) == 2 ]]
	[[ -z $(find /sys/fs/bpf -name '*~*') ]]
}

@test "resize: name, flags, types, owner and mode stay, and a frozen map stays frozen" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	tc filter del dev "$link" ingress
	prog_gone() { [[ $("$elfmap" -j map show dst_stats | jq '.programs | length') == 0 ]]; }
	until prog_gone; do sleep 0.02; done
	chmod 640 $globals/dst_stats
	chgrp 1 $globals/dst_stats
	types=$("$elfmap" -j map show dst_stats | jq -c '[.key_type, .value_type, .name, .flags]')
	"$elfmap" map resize dst_stats 10000
	[[ $("$elfmap" -j map show dst_stats | jq -c '[.key_type, .value_type, .name, .flags]') == "$types" ]]
	[[ $("$elfmap" -j map show dst_stats | jq -c '[.mode, .gid, .max_entries]') == '[416,1,10000]' ]]
	create f hash 4 4 2
	bpftool map freeze pinned $globals/f
	"$elfmap" map resize f 3
	[[ $("$elfmap" -j map show f | jq -c '[.frozen, .max_entries]') == '[1,3]' ]]
	# The filter uses the larger map only with an object that declares this size.
	run ! "$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
}

@test "resize: a smaller size is refused if the entries do not fit" {
	create h hash 4 4 4
	create a array 4 4 4
	create u lru_hash 4 4 100
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00' 'hex 03 00 00 00' 'hex 04 00 00 00'
	"$elfmap" map resize h 2
	refused 1 'map full: 1 of 1 entries' resize h 1
	[[ $(dumped h | wc -l) == 2 && $(form h) == *',4,4,2,'* ]]
	set_entry a 3 'hex 01 00 00 00'
	refused 1 'entry 3 is not zero and would be lost' resize a 3
	set_entry a 3 'hex 00 00 00 00'
	"$elfmap" map resize a 3
	[[ $(dumped a | wc -l) == 3 ]]
	[[ -z $(find /sys/fs/bpf -name '*~*') ]]
}

@test "resize: refused while a program, another pin or an outer map would keep using the old map" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	prog=$(tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty')
	refused 1 "program $prog (dst_stats_ingre) uses it" resize dst_stats 9999
	create h hash 4 4 2
	"$elfmap" map pin h other
	refused 1 "it is also pinned at $globals/other" resize h 3
	create i array 4 4 1
	create o hash_of_maps 4 4 2 inner_map pinned $globals/i
	set_entry o 'hex 01 00 00 00' pinned i
	refused 1 "has it in a slot" resize i 3
	[[ $(form h) == *',2,'* && $(form i) == *',4,4,1,'* ]]
}

@test "resize, restore --replace: refused while a process has the map open, not afterwards" {
	create h hash 4 4 2
	"$elfmap" map save >"$BATS_TEST_TMPDIR/saved"
	"$elfmap" map watch h >"$BATS_TEST_TMPDIR/watched" 3>&- &
	holder=$!
	until grep -qs 'map_id:' /proc/$holder/fdinfo/*; do
		kill -0 $holder
	done
	before=$(bpftool -j map show pinned $globals/h | jq .id)
	refused 1 "process $holder (elfmap) has it open and would go on with the old map; end it first" resize h 3
	refused 1 "process $holder (elfmap) has it open and would go on" restore "$BATS_TEST_TMPDIR/saved" --replace
	[[ $(bpftool -j map show pinned $globals/h | jq .id) == "$before" ]]
	kill $holder
	wait $holder || true
	"$elfmap" map resize h 3
	"$elfmap" map restore "$BATS_TEST_TMPDIR/saved" --replace
	[[ $(form h) == *',2,'* ]]
}

@test "resize: maps that cannot be copied and words that are not numbers are refused" {
	create q queue 0 4 4
	create c cgroup_array 4 4 4
	create h hash 4 4 4
	refused 1 'reading takes them out' resize q 8
	refused 1 'can only be written' resize c 8
	for max in 0 -1 x 3x 4294967296; do
		refused 2 "MAX: '$max' is not a number from 1 to 4294967295" resize h $max
	done
	refused 1 'no pin at' resize nope 4
	refused 2 'usage: elfmap map resize PIN MAX' resize h
	"$elfmap" map resize h 4 # the same size
	[[ $(form h) == *',4,4,4,'* ]]
}

@test "resize: the pin left by a killed resize is replaced" {
	create h hash 4 4 4
	create old hash 4 4 4
	mv $globals/old $globals/h~new
	"$elfmap" map resize h 5
	[[ ! -e $globals/h~new && $(form h) == *',4,4,5,'* ]]
}

# ---- save and restore ---------------------------------------------------------------------------------

@test "save, restore, save: the same text for every map type that can be written" {
	create h hash 4 4 8
	create a array 4 4 3
	create ph percpu_hash 4 8 4
	create pa percpu_array 4 8 2
	create lh lru_hash 4 4 8
	create lpm lpm_trie 8 4 4 flags 1
	create dm devmap 4 4 4
	create dh devmap_hash 4 8 4
	create cm cpumap 4 4 4
	create jump prog_array 4 4 4
	create inner array 4 4 2
	create aom array_of_maps 4 4 2 inner_map pinned $globals/inner
	create hom hash_of_maps 4 4 2 inner_map pinned $globals/inner
	create ring ringbuf 0 0 4096
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00'
	set_entry a 2 'hex 09 00 00 00'
	bpftool map update pinned $globals/ph key 1 0 0 0 value 1 0 0 0 0 0 0 0
	set_entry lh 'hex 01 00 00 00' 'hex 02 00 00 00'
	set_entry lpm 'hex 0a 00 00 00/8' 'hex 01 00 00 00'
	set_entry dm 1 lo
	bpftool map update pinned $globals/dh key 1 0 0 0 value "1" 0 0 0 255 255 255 255
	set_entry cm 0 192
	set_entry aom 1 pinned inner
	set_entry hom 'hex 05 00 00 00' pinned inner
	"$elfmap" map save >"$saved" 2>"$tmp/warnings"
	grep -q '^elfmap: globals/ring: warning: .* saved without content$' "$tmp/warnings"
	[[ $(wc -l <"$tmp/warnings") == 1 ]]
	forms=$(all_forms)

	forget_all
	run --separate-stderr "$elfmap" map restore "$saved"
	echo "$stderr"
	[[ $status == 0 && -z $output && -z $stderr ]]
	[[ $(all_forms) == "$forms" ]]
	"$elfmap" map save 2>"$tmp/warnings" | grep -v '^# elfmap' | diff - <(grep -v '^# elfmap' "$saved")
}

@test "restore: types of keys and values are restored, and the classifier reuses its map" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	"$elfmap" map set dst_stats '{ family 4 direction DST_INGRESS addr 192.0.2.1 }' \
		'{ packets 5 bytes 500 first_ns 1 last_ns 2 }'
	"$elfmap" map save >"$saved"
	shown=$("$elfmap" -j map show dst_stats | jq -c '[.key_type, .value_type]')
	tc filter del dev "$link" ingress
	forget_all
	"$elfmap" map restore <"$saved"
	[[ $("$elfmap" -j map show dst_stats | jq -c '[.key_type, .value_type]') == "$shown" ]]
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	"$elfmap" map get dst_stats '{ family 4 direction DST_INGRESS addr 192.0.2.1 }' | grep -q 'packets 5'
}

@test "restore: devices are found by name, with any number" {
	create dm devmap 4 4 4
	set_entry dm 2 "$link"
	"$elfmap" map save >"$saved"
	grep -qx "2 $link" "$saved"
	forget_all
	old=$(ifindex "$link")
	ip link del "$link"
	refused 1 "'$link': no such device" restore "$saved"
	[[ ! -e $globals/dm && $stderr == *"$saved:7:3:"*'nothing was restored'* ]]
	ip link add other type veth peer name another
	ip link add "$link" type veth peer name third
	[[ $(ifindex "$link") != "$old" ]]
	"$elfmap" map restore "$saved"
	[[ $("$elfmap" map dump dm) == "2 $link" ]]
}

@test "notes of device names: made again by restore, resized with their map, removed by unpin" {
	create dm devmap 4 4 2
	set_entry dm 1 "$link"
	[[ -e $globals/dm_devs ]]
	"$elfmap" map save >"$saved"
	[[ $(grep '^map ' "$saved") == 'map globals/dm' ]]
	forget_all
	"$elfmap" map restore "$saved"
	"$elfmap" map check dm
	"$elfmap" map resize dm 5
	for i in 0 2 3 4; do set_entry dm $i "$link"; done
	[[ $("$elfmap" -j map show dm_devs | jq -c '[.entries, .max_entries]') == '[5,5]' ]]
	"$elfmap" map check dm
	"$elfmap" map unpin dm
	[[ -z $(ls $globals) ]]
	# A map that only has such a name does not contain notes.
	create h hash 4 4 2
	create h_devs hash 4 4 2
	[[ $("$elfmap" map save | grep -c '^map ') == 2 ]]
	"$elfmap" map unpin h
	[[ -e $globals/h_devs ]]
}

@test "restore: cgroups are found by path, with any id, and so are the notes about them" {
	setup_cgroups
	create acl cgroup_array 4 4 4
	create foreign cgroup_array 4 4 4
	"$elfmap" cgroup set acl 1 "$leaf"
	"$elfmap" cgroup set acl 3 "$top"
	exec {directory}<"$top" # written without a note
	bpftool map update pinned $globals/foreign key 0 0 0 0 value "$directory" 0 0 0
	exec {directory}<&-
	old=$(id_of "$leaf")
	run --separate-stderr "$elfmap" map save
	[[ $status == 0 && $stderr == *'globals/foreign: warning: the cgroups in its slots are unknown'* ]]
	printf '%s\n' "$output" >"$saved"
	grep -qx "1 /$name/leaf" "$saved" && grep -qx "3 /$name" "$saved"
	[[ $(grep -c '^map ' "$saved") == 2 ]]
	forget_all
	rmdir "$leaf"
	refused 1 "/$name/leaf" restore "$saved"
	[[ -z $(ls $globals) ]]
	mkdir "$leaf"
	[[ $(id_of "$leaf") != "$old" ]]
	"$elfmap" map restore "$saved"
	[[ $("$elfmap" -j cgroup show acl | jq -c 'map([.slot, .cgroup_id])') == "[[1,$(id_of "$leaf")],[3,$(id_of "$top")]]" ]]
	teardown_cgroups
}

@test "save: maps of one object have their types written once, and share them after restore" {
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	tc filter del dev "$link" ingress
	"$elfmap" map save >"$saved"
	[[ $(grep -c '^btf .* of globals/dst_errs$' "$saved") == 1 ]]
	forget_all
	"$elfmap" map restore "$saved"
	"$elfmap" map save | diff <(tail -n +2 "$saved") <(tail -n +2 /dev/stdin)
	sed 's/ of globals.dst_errs$/ of nobody/' "$saved" >"$tmp/wrong"
	refused 1 'there are no types of nobody' restore "$tmp/wrong" --replace
}

@test "restore: programs are found by their pins; slots without a pin are left empty and reported" {
	add tailcall classifier
	prog=$("$elfmap" map dump jmp_parse | awk '$1 == 1 { print $3 }')
	bpftool prog pin id "$prog" /sys/fs/bpf/tc/second
	run --separate-stderr "$elfmap" map save
	[[ $status == 0 && $stderr == *'globals/jmp_parse: warning: 1 slots hold programs or maps without a pin'* ]]
	grep -qx '1 pinned /sys/fs/bpf/tc/second' <<<"$output"
	grep -qE '^# no pin: 0 id [0-9]+$' <<<"$output"
	printf '%s\n' "$output" >"$saved"
	tc filter del dev "$link" ingress
	find $globals -type f -delete
	"$elfmap" map restore "$saved"
	[[ $("$elfmap" map dump jmp_parse) == "1 id $prog" ]]
	rm $globals/jmp_parse
	# An id in the file does not identify a program.
	sed 's/^# no pin: //' "$saved" >"$tmp/stale"
	refused 1 'is from another boot' restore "$tmp/stale" --replace
	[[ ! -e $globals/jmp_parse ]]
}

@test "restore: unpinned inner maps, two pins of one map, owner, mode and frozen are restored" {
	create inner array 4 4 2
	create outer array_of_maps 4 4 3 inner_map pinned $globals/inner
	set_entry inner 1 'hex 07 00 00 00'
	set_entry outer 1 pinned inner
	rm $globals/inner
	create h hash 4 4 2
	"$elfmap" map pin h deep/er/h
	chmod 640 $globals/h
	chgrp 5 $globals/h
	create f hash 4 4 2
	set_entry f 'hex 01 00 00 00' 'hex 02 00 00 00'
	bpftool map freeze pinned $globals/f
	"$elfmap" map save >"$saved"
	forget_all
	rmdir /sys/fs/bpf/tc/deep/er /sys/fs/bpf/tc/deep
	[[ $("$elfmap" -j map restore "$saved" | jq -c .) == '{"maps":4,"entries":4,"refused":0}' ]]
	id=$("$elfmap" map dump outer | awk '{ print $3 }')
	[[ $(bpftool -j map dump id "$id" | jq -c '.[1].value') == '["0x07","0x00","0x00","0x00"]' ]]
	[[ $("$elfmap" -j map show h | jq -c '[.mode, .gid, .pinned[1]]') == '[416,5,"/sys/fs/bpf/tc/deep/er/h"]' ]]
	[[ $("$elfmap" -j map show deep/er/h | jq -c '[.mode, .gid]') == '[384,0]' ]]
	[[ $("$elfmap" -j map show f | jq -c '[.frozen, .entries]') == '[1,1]' ]]
}

@test "restore: an existing pin stays without --replace, and while a program uses the map" {
	create h hash 4 4 2
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$build/tc-progs/dst_stats.o" sec ingress
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00'
	"$elfmap" map save >"$saved"
	"$elfmap" map del h 'hex 01 00 00 00'
	refused 1 'exists already; --replace' restore "$saved"
	[[ -z $(dumped h) ]]
	refused 1 'uses it and would go on with the old map' restore "$saved" --replace
	[[ -z $(dumped h) ]]
	tc filter del dev "$link" ingress
	until "$elfmap" map restore "$saved" --replace; do sleep 0.02; done
	[[ $(dumped h) == 'hex 01 00 00 00 hex 02 00 00 00' ]]
	"$elfmap" map restore "$saved" --replace
}

@test "restore: a queue and a stack keep their order, and are saved only with --drain" {
	create q queue 0 4 4
	create s stack 0 4 4
	for value in 1 2 3; do
		bpftool map update pinned $globals/q value $value 0 0 0
		bpftool map update pinned $globals/s value $value 0 0 0
	done
	refused 1 'reading takes its values out; --drain' save
	"$elfmap" map save --drain >"$saved"
	refused 1 'empty' pop q
	forget_all
	"$elfmap" map restore "$saved"
	for wanted in 1 2 3; do
		[[ $("$elfmap" map pop q) == "hex 0$wanted 00 00 00" ]]
	done
	for wanted in 3 2 1; do
		[[ $("$elfmap" map pop s) == "hex 0$wanted 00 00 00" ]]
	done
}

@test "restore: a file from a host with more or fewer CPUs" {
	create p percpu_hash 4 8 4
	bpftool map update pinned $globals/p key 1 0 0 0 value 5 0 0 0 0 0 0 0
	"$elfmap" map save >"$saved"
	cpus=$(awk '$1 == "cpus" { print $2 }' "$saved")
	zero='hex 00 00 00 00 00 00 00 00' five='hex 05 00 00 00 00 00 00 00'
	forget_all
	sed -e "s/^cpus .*/cpus 1/" -e "s/^\(hex .. .. .. ..\) .*/\1 [ $five ]/" "$saved" >"$tmp/one"
	"$elfmap" map restore "$tmp/one"
	[[ $("$elfmap" -j map dump p | jq -c '[.[0].values[].value[0]] | unique | length') -le 2 ]]
	[[ $("$elfmap" -j map dump p | jq -c '.[0].values[0].value[0]') == '"0x05"' ]]
	forget_all
	more=''
	for ((i = 0; i < cpus; i++)); do more+=" $five"; done
	sed -e "s/^cpus .*/cpus $((cpus + 1))/" -e "s/^\(hex .. .. .. ..\) .*/\1 [$more $zero ]/" "$saved" >"$tmp/more"
	"$elfmap" map restore "$tmp/more"
	[[ $("$elfmap" -j map dump p | jq '.[0].values | length') == "$cpus" ]]
	forget_all
	sed -e "s/^cpus .*/cpus $((cpus + 1))/" -e "s/^\(hex .. .. .. ..\) .*/\1 [$more $five ]/" "$saved" >"$tmp/lost"
	refused 1 "has values of $((cpus + 1)) CPUs" restore "$tmp/lost"
	[[ ! -e $globals/p ]]
}

@test "restore: incomplete, foreign and wrong files are refused without any change" {
	create h hash 4 4 2
	create a array 4 4 2
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00'
	"$elfmap" map save >"$saved"
	forget_all
	before=$(find /sys/fs/bpf | sort)
	total=$(wc -l <"$saved")
	for ((n = 0; n < total; n++)); do
		head -n "$n" "$saved" >"$tmp/part"
		run --separate-stderr "$elfmap" map restore "$tmp/part"
		echo "$n lines: status $status $stderr"
		[[ $status == 1 ]]
		[[ $(find /sys/fs/bpf | sort) == "$before" ]]
	done
	wrong() { # SED'S SCRIPT, MESSAGE
		sed "$1" "$saved" >"$tmp/wrong"
		refused 1 "$2" restore "$tmp/wrong"
		[[ $(find /sys/fs/bpf | sort) == "$before" ]]
	}
	wrong 's/^maps .*/maps 3/' 'should have 3 maps and has 2'
	wrong 's/^map globals.h/map globals\/a/' 'map globals/a is given twice'
	wrong 's/max_entries 2/max_entries 0/' 'cannot be made'
	wrong 's/type hash/type hush/' "'type hush'"
	wrong 's/^entries/btf 1 2 =AAA\n&/' 'base64'
	wrong 's/^entries/btf 1 2 AAAA\n&/' 'the kernel refuses the types'
	wrong 's/^entries/frobnicate\n&/' "unexpected word 'frobnicate'"
	wrong 's/^hex 01 00 00 00 .*/hex 01 00 00 00/' "$tmp/wrong:"
	wrong 's/^hex 01 00 00 00 .*/&\n&/; s/max_entries 2/max_entries 1/' 'nothing was restored' || true
	refused 1 "$tmp: cannot be read: Is a directory" restore "$tmp"
	refused 1 'No such file' restore "$tmp/nope"
	refused 1 'unexpected word' restore "$BATS_TEST_FILENAME"
	refused 2 'usage: elfmap map restore' restore a b
	refused 2 'usage: elfmap map save' save a b
	refused 1 'No such file' save /nowhere
}

@test "restore: reads a file, a pipe, a FIFO, the rest of a file, and CR LF line ends" {
	create h hash 4 4 2
	create q queue 0 4 4
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00'
	"$elfmap" map push q 'hex 05 00 00 00' 'hex 06 00 00 00'
	"$elfmap" map save --drain >"$saved"
	mkfifo "$tmp/fifo"
	sed 's/$/\r/' "$saved" >"$tmp/windows"
	for way in "$elfmap map restore '$saved'" "cat '$saved' | $elfmap map restore" "cat '$saved' >'$tmp/fifo' & $elfmap map restore '$tmp/fifo'" \
		"cat '$saved' | TMPDIR=/nowhere $elfmap map restore -" "{ read -r _; $elfmap map restore -; } <'$saved'" \
		"$elfmap map restore '$tmp/windows'"; do
		forget_all
		echo "$way"
		bash -c "$way"
		[[ $(dumped h) == 'hex 01 00 00 00 hex 02 00 00 00' ]]
		[[ $("$elfmap" map dump q --drain) == $'hex 05 00 00 00\nhex 06 00 00 00' ]]
	done
}

@test "restore --keep-going: restores the lines that are right" {
	create h hash 4 4 4
	set_entry h 'hex 01 00 00 00' 'hex 02 00 00 00' 'hex 02 00 00 00' 'hex 02 00 00 00'
	"$elfmap" map save | sed 's/^hex 01 00 00 00 .*/nonsense/' >"$saved"
	forget_all
	run --separate-stderr "$elfmap" map restore "$saved" --keep-going
	[[ $status == 1 && $stderr == *"$saved:"* ]]
	[[ $(dumped h) == 'hex 02 00 00 00 hex 02 00 00 00' ]]
}

@test "save: DIR restricts it to the maps below" {
	create h hash 4 4 4
	mkdir -p /sys/fs/bpf/tc/other /sys/fs/bpf/else
	bpftool map create /sys/fs/bpf/tc/other/x type hash key 4 value 4 entries 4 name x
	bpftool map create /sys/fs/bpf/else/y type hash key 4 value 4 entries 4 name y
	[[ $("$elfmap" map save other | grep '^map ') == 'map other/x' ]]
	[[ $("$elfmap" map save /sys/fs/bpf/else | grep '^map ') == 'map /sys/fs/bpf/else/y' ]]
	[[ $("$elfmap" map save | grep -c '^map ') == 2 ]]
}

@test "save: descriptors do not grow with the maps" {
	for ((nth = 0; nth < 300; nth++)); do
		echo "map create $globals/many_$nth type hash key 4 value 4 entries 4 name many"
		echo "map update pinned $globals/many_$nth key 1 0 0 0 value 2 0 0 0"
	done >"$tmp/batch"
	bpftool batch file "$tmp/batch" >/dev/null
	run -0 --separate-stderr bash -c 'ulimit -n 64 && exec "$@"' _ "$elfmap" map save
	[[ -z $stderr && $(grep -c '^end$' <<<"$output") == 300 ]]
}
