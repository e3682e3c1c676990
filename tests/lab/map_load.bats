#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map load` and `clear`: files of entries, all map types, and errors.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

# refuses LINES TEXT WORD ...: status 1, LINES lines on stderr, TEXT among them, nothing on stdout.
refuses() {
	run --separate-stderr "$elfmap" map "${@:3}"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == 1 && -z $output && ${#stderr_lines[@]} == "$1" && $stderr == *"$2"* ]]
}

# numbers FIRST LAST: lines N 2N
numbers() {
	seq "$1" "$2" | awk '{ print $1, 2 * $1 }'
}

# ---- what is read ---------------------------------------------------------------------------------

@test "load: reads a file or standard input, with comments" {
	create h hash 4 8 100
	printf '# ports\n80 1\n\n  443\t2 # https\r\n' >"$tmp/two"
	map load h "$tmp/two" types u32:u64
	[[ $(map dump h types u32:u64 | sort -n) == $'80 1\n443 2' ]]
	printf '80 3\n22 4' | map load h - types u32:u64 # no line end
	printf '25 5\n' | map load h key u32 value u64
	[[ $(map dump h types u32:u64 | sort -n) == $'22 4\n25 5\n80 3\n443 2' ]]
	[[ $(numbers 1 10 | "$elfmap" -j map load h types u32:u64) == '{"written":10}' ]]
	: >"$tmp/empty"
	map load h "$tmp/empty"
	[[ $(entries h) == 14 ]]
}

@test "load: each line that is refused is reported with its place, and the map is unchanged" {
	create h hash 4 8 100
	printf '1 1\n2 two\n   300.1 3\n4\n5 5 5\n6 6\n' >"$tmp/bad"
	refuses 5 'nothing was changed; --keep-going' load h "$tmp/bad" types u32:u64
	[[ $stderr == *"elfmap: $tmp/bad:2:3: expected a number, not 'two'"* ]]
	[[ $stderr == *"elfmap: $tmp/bad:3:4: expected a number, not '300.1'"* ]]
	[[ $stderr == *"elfmap: $tmp/bad:4:2: expected a number, but the line ends"* ]]
	[[ $stderr == *"elfmap: $tmp/bad:5:5: "* ]]
	[[ $(entries h) == 0 ]]
	refuses 4 'bad:2:3' load h "$tmp/bad" --keep-going types u32:u64
	[[ $(map dump h types u32:u64 | sort) == $'1 1\n6 6' ]]
	refuses 5 'elfmap: standard input:2:3: ' load h types u32:u64 <"$tmp/bad"
}

@test "load: of many refused lines twenty are printed and all are counted" {
	create h hash 4 8 100
	seq 1 5000 | sed 's/$/ x/' >"$tmp/bad"
	refuses 22 '4980 more lines are refused' load h "$tmp/bad" types u32:u64
}

@test "load: a key that is given twice with different values is refused" {
	create h hash 4 8 100
	printf '1 1\n2 2\n1 1\n' | map load h types u32:u64
	[[ $(entries h) == 2 ]]
	printf '7 1\n\n8 2\n7 2\n' >"$tmp/twice"
	refuses 2 "elfmap: $tmp/twice:4: the key is in line 1 with another value" load h "$tmp/twice" types u32:u64
	[[ $(entries h) == 2 ]]
	# Farther apart than the window through which the file is read.
	create many hash 4 8 100000
	{ numbers 1 60000; echo '3 7'; } >"$tmp/far"
	refuses 2 'far:60001: the key is in line 3 with another value' load many "$tmp/far" types u32:u64
	[[ $(entries many) == 0 ]]
	refuses 1 'far:60001: ' load many "$tmp/far" --keep-going types u32:u64
	[[ $(entries many) == 60000 && $(map get many 3 types u32:u64) == '3 6' ]]
}

@test "load: input that cannot be read is refused" {
	create h hash 4 8 100
	refuses 1 'cannot be opened: No such file' load h "$tmp/nope"
	refuses 1 'cannot be read: Is a directory; nothing was changed' load h "$tmp"
	# shellcheck disable=SC2016 # for the inner shell: the map's own descriptor must not become the input
	run --separate-stderr bash -c '"$0" map load h <&-' "$elfmap"
	[[ $status == 1 && $stderr == 'elfmap: standard input: cannot be read: Bad file descriptor; nothing was changed' ]]
	fails 2 'usage: elfmap map load PIN' load
	fails 2 'usage: elfmap map load PIN' load h "$tmp/a" "$tmp/b"
	head -c 70000000 /dev/zero | tr '\0' ' ' >"$tmp/long"
	refuses 1 'has a line longer than 64 MiB; nothing was changed' load h "$tmp/long"
}

# ---- what is written ------------------------------------------------------------------------------

@test "load: a full map is reported with the line and the number of entries written" {
	create h hash 4 8 100
	numbers 1 150 >"$tmp/many"
	refuses 1 "elfmap: $tmp/many:101: map full: 100 of 100 entries; 100 of 150 entries were written" \
		load h "$tmp/many" types u32:u64
	[[ $(entries h) == 100 ]]
	create cells array 4 8 100
	{ echo '# from 90'; numbers 90 110; } >"$tmp/beyond"
	refuses 1 "beyond:12: there is no slot 100: the map has 100, 0 to 99; 10 of 21" load cells "$tmp/beyond" types u32:u64
}

@test "load and dump: the same text for every map type that can be read and written" {
	local type key flags

	for type in hash lru_hash array percpu_hash percpu_array lru_percpu_hash lpm_trie hash:1 array:1024; do
		flags=0
		[[ $type != lpm_trie ]] || flags=1
		[[ $type != *:* ]] || flags=${type#*:}
		key=4
		[[ $type != lpm_trie ]] || key=8
		rm -f $globals/m
		create m ${type%:*} $key 8 20000 flags $flags
		case $type in
		lpm_trie) seq 0 9999 | awk '{ print "10." int($1 / 256) "." $1 % 256 ".0/24", $1 }' >"$tmp/in" ;;
		*) seq 0 9999 | awk '{ print $1, 3 * $1 }' >"$tmp/in" ;;
		esac
		types=u32:u64
		[[ $type != lpm_trie ]] || types=prefix4:u64
		map load m "$tmp/in" types $types
		map dump m types $types | sort >"$tmp/dump"
		if [[ $type == percpu* || $type == lru_percpu* ]]; then
			awk '$3 != $4 { exit 1 }' "$tmp/dump" || return 1 # with two CPUs: one value for each
		elif [[ $type == *array* ]]; then
			head -n 10000 <(sort -n "$tmp/dump") | cmp - "$tmp/in"
		else
			cmp "$tmp/dump" <(sort "$tmp/in")
		fi
		map clear m
		map load m "$tmp/dump" types $types
		map dump m types $types | sort | cmp - "$tmp/dump" || return 1
	done
}

@test "load: a large file is loaded completely, for any number of CPUs" {
	local cpus

	create h hash 4 8 300000
	create cells array 4 8 300000
	create shared array 4 8 300000 flags 1024
	numbers 0 249999 >"$tmp/large"
	for cpus in 0 "0-$(($(nproc) - 1))"; do
		for name in h cells shared; do
			map clear $name
			taskset -c "$cpus" "$elfmap" map load $name "$tmp/large" types u32:u64
			map dump $name types u32:u64 | sort -n | head -n 250000 | cmp - "$tmp/large"
		done
	done
}

@test "load: values written into shared memory are those that bpftool finds" {
	create shared array 4 12 100 flags 1024
	for ((i = 0; i < 100; i++)); do
		printf '%d hex %02x 02 03 04 05 06 07 08 09 0a 0b %02x\n' $i $i $((i + 1))
	done >"$tmp/in"
	map load shared "$tmp/in"
	[[ $(bpftool -j map lookup pinned $globals/shared key 77 0 0 0 | jq -r '.value | join(" ")') == \
		'0x4d 0x02 0x03 0x04 0x05 0x06 0x07 0x08 0x09 0x0a 0x0b 0x4e' ]]
	map dump shared | cmp - "$tmp/in"
	bpftool map freeze pinned $globals/shared
	refuses 1 'the map is frozen' load shared "$tmp/in"
}

@test "load: programs and maps are given by their pins" {
	create inner array 4 4 1
	create other array 4 4 1
	create outer hash_of_maps 4 4 4 inner_map pinned $globals/inner
	printf '7 pinned inner\n8 id %d\n' "$(bpftool -j map show pinned $globals/other | jq .id)" >"$tmp/in"
	map load outer "$tmp/in" types u32:
	[[ $(map dump outer types u32: | sort) == "7 id $(bpftool -j map show pinned $globals/inner | jq .id)
8 id $(bpftool -j map show pinned $globals/other | jq .id)" ]]
	create odd hash 4 4 1
	echo '9 pinned odd' >"$tmp/odd"
	refuses 1 'odd:1: the map does not fit: ' load outer "$tmp/odd" types u32:
	echo '9 pinned nope' >"$tmp/nope"
	refuses 2 'nope:1:3: no map at' load outer "$tmp/nope" types u32:
	[[ $(map dump outer | wc -l) == 2 ]]
}

# ---- interruptions, progress ----------------------------------------------------------------------

@test "load: interrupted, it reports how many entries are written, and a second run completes the rest" {
	create trie lpm_trie 8 8 300000 flags 1 # the slowest map type
	awk 'BEGIN { for (i = 0; i < 300000; i++)
		print i % 256 "." int(i / 256) % 256 "." int(i / 65536) ".0/24", i }' >"$tmp/large"
	"$elfmap" map load trie "$tmp/large" types prefix4:u64 2>"$tmp/interrupted" &
	until bpftool -j map getnext pinned $globals/trie >"$tmp/first" 2>&1; do :; done
	kill -TERM $!
	run wait $!
	wait $! && return 1
	cat "$tmp/interrupted"
	[[ $(wc -l <"$tmp/interrupted") == 1 ]]
	written=$(sed -n "s/^elfmap: trie: interrupted; \([0-9]*\) of 300000 entries were written, .*/\1/p" "$tmp/interrupted")
	last=$(sed -n "s/.*, the last from [^ ]*:\([0-9]*\), key .*; the same command again finishes it$/\1/p" "$tmp/interrupted")
	[[ $written -gt 0 && $written -lt 300000 && $last == "$written" ]]
	[[ $(map dump trie types prefix4:u64 | wc -l) == "$written" ]]
	key=$(sed -n "${last}s/ .*//p" "$tmp/large")
	[[ $(<"$tmp/interrupted") == *", key $key;"* ]]
	map load trie "$tmp/large" types prefix4:u64
	map dump trie types prefix4:u64 | sort -n -k2 | cmp - "$tmp/large"
	# Deleting: an interrupted command names the last deleted key, and leaves the others.
	interrupt_deletion replace trie /dev/null
	[[ $said == *"interrupted; $gone of 300000 entries were deleted, the last with key $key; the same command again finishes it" ]]
	interrupt_deletion clear trie
	[[ $said == *"interrupted; $gone entries were cleared, the last with key $key; the same command again finishes it" ]]
	map clear trie
	[[ -z $(map dump trie) ]]
}

# Interrupts `map WORD ...`, which empties 'trie', once its first entry is deleted. Sets `said`, `key` and `gone`.
interrupt_deletion() {
	local first

	map dump trie >"$tmp/before"
	first=$(head -n 1 "$tmp/before")
	"$elfmap" map "$@" 2>"$tmp/interrupted" &
	while map get trie "${first%% *}" >"$tmp/first" 2>&1; do :; done
	kill -TERM $!
	wait $! && return 1
	said=$(<"$tmp/interrupted")
	echo "$said"
	key=$(sed -n 's/.*, the last with key \([^;]*\);.*/\1/p' "$tmp/interrupted")
	gone=$(($(wc -l <"$tmp/before") - $(map dump trie | wc -l)))
	[[ $gone -gt 0 ]]
	run "$elfmap" map get trie "$key"
	[[ $status == 1 && $output == *'no such key' ]]
}

@test "load: interrupted while it waits for input, the map is unchanged" {
	create h hash 4 8 10
	mkfifo "$tmp/fifo"
	"$elfmap" map load h "$tmp/fifo" types u32:u64 2>"$tmp/said" &
	exec 9>"$tmp/fifo"
	echo '1 1' >&9
	kill -INT $!
	wait $! && return 1
	exec 9>&-
	[[ $(<"$tmp/said") == "elfmap: $tmp/fifo: interrupted; nothing was changed" && $(entries h) == 0 ]]
}

@test "load --keep-going: lines and entries that are refused are skipped" {
	create full hash 4 4 4
	numbers 1 4 | map load full types u32:u32
	seq 3 8 | sed 's/.*/& 50/' >"$tmp/more"
	refuses 1 'more:3: map full: 4 of 4 entries; 2 of 6 entries were written' load full "$tmp/more" types u32:u32
	[[ $(map dump full types u32:u32 | sort | paste -sd,) == '1 2,2 4,3 50,4 50' ]]
	{ cat "$tmp/more"; echo 1 60; } >"$tmp/mixed"
	run --separate-stderr "$elfmap" -j map load full "$tmp/mixed" --keep-going types u32:u32
	[[ $status == 1 && $output == '{"written":3}' && ${#stderr_lines[@]} == 4 && $stderr == *'mixed:6: map full: 4 of 4 entries' ]]
	[[ $(map dump full types u32:u32 | sort | paste -sd,) == '1 60,2 4,3 50,4 50' ]]
	seq 100 199 | sed 's/.*/& 1/' >"$tmp/many"
	run --separate-stderr "$elfmap" map load full "$tmp/many" --keep-going types u32:u32
	[[ $status == 1 && ${#stderr_lines[@]} == 21 && $stderr == *'many: 80 more entries are refused' ]]
	bpftool map freeze pinned "$globals/full" # an error that is the same for all lines is printed once
	run --separate-stderr "$elfmap" map load full "$tmp/many" --keep-going types u32:u32
	[[ $status == 1 && ${#stderr_lines[@]} == 1 && $stderr == *'many:1: the map is frozen'*'; 0 of 100 entries were written' ]]
}

@test "load: progress is printed only to a terminal" {
	create h hash 4 8 10
	numbers 1 5 | map load h types u32:u64 # map() fails if there is output on stderr
	[[ -n $(type -P script) ]] || skip 'no script(1) to make a terminal'
	create trie lpm_trie 8 8 3000000 flags 1
	awk 'BEGIN { for (i = 0; i < 2000000; i++)
		print i % 256 "." int(i / 256) % 256 "." int(i / 65536) ".0/24", i }' >"$tmp/large"
	script -qec "'$elfmap' map load trie '$tmp/large' types prefix4:u64" "$tmp/typescript" >"$tmp/log"
	[[ $(tr '\r' '\n' <"$tmp/typescript") == *' of 2000000 entries, '*'/s, '*' s left'* ]] ||
		[[ $(wc -c <"$tmp/typescript") -lt 200 ]] # this machine needs less than a second for that
}

# ---- clear ----------------------------------------------------------------------------------------

@test "clear: deletes all entries and sets the slots of arrays to zero" {
	local type

	for type in hash lru_hash percpu_hash lru_percpu_hash; do
		create $type $type 4 8 5000
		numbers 1 3000 | map load $type types u32:u64
		[[ $("$elfmap" -j map clear $type) == '{"cleared":3000}' && -z $(map dump $type) ]]
		map clear $type
	done
	for type in array percpu_array; do
		create $type $type 4 8 3000
		numbers 0 2999 | map load $type types u32:u64
		map clear $type
		[[ $(map dump $type types u32:u64 | tr -d '[]' | awk '$2 || $3' | wc -l) == 0 ]]
		[[ $(map dump $type | wc -l) == 3000 ]]
	done
	create trie lpm_trie 8 4 10 flags 1
	map set trie 10.0.0.0/8 1 0.0.0.0/0 2 types prefix4:u32
	map clear trie
	[[ -z $(map dump trie) ]]
	create ports devmap 4 4 8
	map set ports 3 lo
	[[ $("$elfmap" -j map clear ports) == '{"cleared":1}' && -z $(map dump ports) ]]
}

@test "clear: maps that cannot be cleared are refused" {
	create h hash 4 8 10
	map set h 1 1 types u32:u64
	bpftool map freeze pinned $globals/h
	refuses 1 'the map is frozen' clear h
	create ring ringbuf 0 0 4096
	refuses 1 'nothing can be deleted from a ringbuf: ' clear ring
	fails 2 'usage: elfmap map clear PIN' clear
}
