#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs every fuzzer for SECONDS, two at a time, with a persistent corpus that starts with the compiled
# objects. Prints executions and findings; fails if there is a finding or a fuzzer did not run.
#
#   tests/fuzz/run.sh SECONDS
set -euo pipefail

cd "$(dirname "$0")/../.."
build=${BUILD:-$PWD/build}
seconds=${1:?usage: tests/fuzz/run.sh SECONDS}
corpus=$build/fuzz/corpus
findings=$build/fuzz/findings
largest=16384 # bytes; larger objects mostly have more debug information

running=()
cleanup() {
	for pid in "${running[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}
trap cleanup EXIT

# Sorted by name: the same objects give the same corpus.
seeds() {
	find "$build/tests/testdata" "$build/tc-progs" -name '*.o' -size -"$largest"c 2>/dev/null | sort
}

# Types, a line end, and entries.
seed_text() {
	local nth=0 seed

	while read -r seed; do
		nth=$((nth + 1))
		printf '%b' "$seed" >"$corpus/text/seed.$nth"
	done <<-'END'
		u32 u64\n1 2\n0xff -1\nhex 01 02 03 04 5 # comment\n
		ip struct { be16 port mac lladdr }\n10.0.0.1 { lladdr 02:00:00:00:00:01 port 80 }\n2001:db8::1 hex 01 02 03 04 05 06 07 08\n
		prefix4 prefix6\n10.0.0.0/8 2001:db8::/32\nhex 0a 01 02 03/12 { prefixlen 3 data :: }\n
		prefix enum { PASS 0 DROP -1 }\n10.0.0.0/8 DROP\n::/0 1\n
		string[8] s16[2][2]*\n"a\\x41\\n" [ [ [ 1 2 ] [ 3 4 ] ] hex 01 02 03 04 05 06 07 08 ]\nabc [ [ 1 -2 ] [ 3 4 ] ]\n
		ifindex struct packed { prog p map m cgroup c bool b }\ndev "a b" { p id 1 m pinned x c /a b true }\n
		map u8\n0 0\nid 7 1\n
		enum { A 0 A 1 } enum { A 0 B 1 A 2 }\nA B\n
		bytes[3] u128\nhex 01 02 03 340282366920938463463374607431768211455\n
	END
}

# The first byte contains transcode's options.
seed() { # FUZZER
	local object options name

	mkdir -p "$corpus/$1" "$findings/$1"
	if [[ $1 == text ]]; then
		seed_text
		return
	fi
	while read -r object; do
		name=$(basename "$object")
		if [[ $1 == transcode ]]; then
			for options in 00 05 09 13; do
				{
					printf '%b' "\\x$options"
					cat "$object"
				} >"$corpus/$1/$name.$options"
			done
		else
			cp "$object" "$corpus/$1/$name"
		fi
	done < <(seeds)
}

fuzz() { # FUZZER
	"$build/tests/fuzz/$1_fuzz" -max_total_time="$seconds" -max_len="$largest" -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$findings/$1/" "$corpus/$1" >"$build/fuzz/$1.log" 2>&1
}

statistic() { # FUZZER NAME
	sed -n "s/^stat::$2: *//p" "$build/fuzz/$1.log"
}

report() { # FUZZER STATUS
	local found

	found=$(find "$findings/$1" -type f | wc -l)
	printf '%s: %s executions, %s a second, %s findings\n' "$1" "$(statistic "$1" number_of_executed_units)" \
		"$(statistic "$1" average_exec_per_sec)" "$found"
	if [[ $2 != 0 || $found != 0 ]]; then
		find "$findings/$1" -type f
		tail -n 40 "$build/fuzz/$1.log"
		return 1
	fi
}

fuzzers=()
for source in tests/fuzz/*_fuzz.c; do
	name=$(basename "$source")
	fuzzers+=("${name%_fuzz.c}")
done

status=0
for ((i = 0; i < ${#fuzzers[@]}; i += 2)); do
	for name in "${fuzzers[@]:i:2}"; do
		seed "$name"
		fuzz "$name" &
		running+=($!)
	done
	for name in "${fuzzers[@]:i:2}"; do
		ended=0
		wait "${running[0]}" || ended=$?
		running=("${running[@]:1}")
		report "$name" "$ended" || status=1
	done
done
((status == 0))
