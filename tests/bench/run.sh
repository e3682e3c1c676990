#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Measures costs in parts, each with its limits, in private namespaces:
#
#   loading    legacy objects with elfmap, against the same program with modern maps with plain tc; whole
#              commands, from fork to exit
#   programs   classifiers per packet, against ports of the kernel's samples and single steps
#   throughput UDP between two namespaces, against the same with an empty classifier
#   maps       writing and reading entries, against bpftool and bare batch calls
#   apply      pipelines of many lines, against `elfmap tc -batch` with the same filters; many maps saved
#
#   BUILD=build tests/bench/run.sh [PART...]        ROUNDS=401: number of measurements
#
# A time is never a failure: what misses its limit is marked `OVER` or `UNDER`, and listed at the end. A
# failure is what cannot be measured: a program that does not load or does not work.
set -euo pipefail

readonly build=${BUILD:?the folder with what make built}
readonly rounds=${ROUNDS:-401}
readonly here=${0%/*}

if [[ ${1-} != --inside ]]; then
	exec "$here/../sandbox" env BUILD="$build" ROUNDS="$rounds" "$0" --inside "$@"
fi
shift

readonly parts=(loading programs throughput maps apply)
readonly dev=bench$$
readonly pins=/sys/fs/bpf/tc/globals
readonly preload=$build/libexec/elfmap/preload.so
scratch=$(mktemp -d)
# The device disappears with the namespace; files must be removed.
trap 'rm -rf "$scratch"' EXIT

die() {
	printf 'bench: %s\n' "$*" >&2
	exit 1
}

# Loading without BTF is compared with the smallest object that plain tc loads: with .BTF, which has the
# maps, and without all other output of -g.
make_objects() {
	local peers=$build/tests/bench/peers

	cp "$peers/load_legacy.o" "$scratch/legacy-btf.o"
	cp "$peers/load_modern.o" "$scratch/modern-btf.o"
	llvm-strip -g -o "$scratch/modern-nobtf.o" "$peers/load_modern.o"
	llvm-objcopy -g --wildcard --remove-section='.BTF*' --remove-section='.rel.BTF*' \
		"$peers/load_legacy.o" "$scratch/legacy-nobtf.o"
}

make_device() {
	ip link add "$dev" type veth peer name "peer$$"
	tc qdisc add dev "$dev" clsact
}

heading() {
	printf '\n%s\n' "$1"
	printf '  %-44s %10s %6s %6s   %s\n' '' 'median' 'ratio' '(CPU)' 'limit'
}

# compare KIND TARGET [LOAD_COST-OPTION...]: the four ways for objects *-KIND.o
compare() {
	local target=$2 legacy=$scratch/legacy-$1.o modern=$scratch/modern-$1.o
	local command=(filter replace dev "$dev" ingress protocol all pref 1 handle 1 bpf da obj)

	"$build/tests/bench/load_cost" "$rounds" "${@:3}" \
		-- 'plain tc, modern maps' - tc "${command[@]}" "$modern" sec classifier \
		-- 'preload alone, legacy maps' "$target" LD_PRELOAD="$preload" tc "${command[@]}" "$legacy" sec classifier \
		-- 'elfmap tc, legacy maps' 1.25 "$build/elfmap" tc "${command[@]}" "$legacy" sec classifier \
		-- 'the link tc, legacy maps' 1.25 "$build/libexec/elfmap/bin/tc" "${command[@]}" "$legacy" sec classifier
}

compare_loading() {
	local absent=(-r "$pins/load_flows" -r "$pins/load_total")

	heading 'Legacy object without BTF, against a modern one that has only .BTF; pins exist'
	compare nobtf 1.10
	heading 'The same, pins are created'
	compare nobtf 1.10 "${absent[@]}"
	heading 'Legacy object compiled with -g, against a modern one compiled with -g; pins exist'
	compare btf 1.15
	heading 'The same, pins are created'
	compare btf 1.15 "${absent[@]}"
}

# The loader of elfmap. Each command replaces the filter of the one before, which has another name.
compare_attach() {
	local at=(dev "$dev" ingress) command=(tc filter replace dev "$dev" ingress protocol all pref 1 handle 1 bpf da obj)

	"$build/tests/bench/load_cost" "$rounds" "$@" \
		-- 'plain tc, modern maps' - "${command[@]}" "$scratch/modern-btf.o" sec classifier \
		-- 'elfmap attach, legacy maps' 0.75 \
		"$build/elfmap" attach "$scratch/legacy-btf.o" sec classifier "${at[@]}" prio 1 handle 1 \
		-- 'elfmap attach, legacy maps, no BTF' 0.75 \
		"$build/elfmap" attach "$scratch/legacy-nobtf.o" sec classifier "${at[@]}" prio 1 handle 1
}

compare_attaching() {
	heading 'A filter replaced by elfmap attach, against plain tc; pins exist'
	compare_attach
	heading 'The same, pins are created'
	compare_attach -r "$pins/load_flows" -r "$pins/load_total"
}

compare_in_process() {
	heading 'Open, load and attach in one process, without a filter, against libbpf'
	tc filter del dev "$dev" ingress
	"$build/elfmap" convert "$scratch/legacy-btf.o" "$scratch/converted.o" type cls --pin
	"$build/tests/bench/attach_cost" "$rounds" "$dev" "$scratch/modern-btf.o" "$scratch/legacy-btf.o" "$scratch/converted.o"
}

compare_script() {
	local line="tc filter replace dev $dev ingress protocol all pref 1 handle 1 bpf da obj"

	heading 'A script of one line, objects compiled with -g, pins exist (for information)'
	"$build/tests/bench/load_cost" "$rounds" \
		-- "sh -c 'tc ...', modern maps" - sh -c "$line '$scratch/modern-btf.o' sec classifier" \
		-- "elfmap exec sh -c 'tc ...', legacy maps" - \
		"$build/elfmap" exec sh -c "$line '$scratch/legacy-btf.o' sec classifier"
}

# The cost for commands without an object.
compare_nothing() {
	heading 'tc that loads nothing: tc qdisc show (for information)'
	"$build/tests/bench/load_cost" "$rounds" \
		-- 'plain tc' - tc qdisc show dev "$dev" \
		-- 'preload alone' - LD_PRELOAD="$preload" tc qdisc show dev "$dev" \
		-- 'elfmap tc' - "$build/elfmap" tc qdisc show dev "$dev"
}

# 4096 entries of a map with types, from the object compiled with -g.
fill_counters() {
	local i

	for ((i = 0; i < 4096; i++)); do
		printf 'map update pinned %s key %d %d 0 0 1 0 0 0 value %d 0 0 0 0 0 0 0 %d 1 0 0 0 0 0 0\n' \
			"$pins/load_flows" $((i & 255)) $((i >> 8)) $((i & 255)) $((i & 255))
	done >"$scratch/fill"
	rm -f "$pins/load_flows" "$pins/load_total"
	"$build/elfmap" tc filter replace dev "$dev" ingress protocol all pref 1 handle 1 \
		bpf da obj "$scratch/legacy-btf.o" sec classifier
	bpftool batch file "$scratch/fill" >/dev/null
	[[ $("$build/elfmap" -j map dump load_flows | jq length) == 4096 ]] || die 'the map to dump is not full'
}

compare_dump() {
	fill_counters
	heading 'Reading 4096 counters of a hash map with types (for information)'
	"$build/tests/bench/load_cost" "$rounds" \
		-- 'bpftool map dump' - bpftool map dump pinned "$pins/load_flows" \
		-- 'elfmap map dump' - "$build/elfmap" map dump load_flows \
		-- 'bpftool -j map dump' - bpftool -j map dump pinned "$pins/load_flows" \
		-- 'elfmap -j map dump' - "$build/elfmap" -j map dump load_flows
}

# Most of it is verification. The pins exist from the second round on.
compare_objects() {
	local command=(filter replace dev "$dev" ingress protocol all pref 1 handle 1 bpf da obj)

	heading 'A whole parser, against the port of sockex3'
	"$build/tests/bench/load_cost" "$((rounds / 4 + 1))" \
		-- 'elfmap tc, sockex3 port' - "$build/elfmap" tc "${command[@]}" "$build/tests/bench/peers/sockex3.o" sec classifier \
		-- 'elfmap tc, parser' 3.00 "$build/elfmap" tc "${command[@]}" "$build/tc-progs/parser.o" sec classifier
	printf '\nThe same and others within one process (for information)\n'
	"$build/tests/bench/object_cost" "$((rounds / 10 + 1))"
}

bench_loading() {
	make_objects
	make_device
	printf 'Whole commands, %d rounds, interleaved; medians. Ratios to the first line of each table, of the time from\n' "$rounds"
	printf 'start to end and (CPU) of user and system time; limits are for the former.\n'
	compare_loading
	compare_attaching
	compare_in_process
	compare_nothing
	compare_script
	compare_objects
	compare_dump
}

bench_programs() {
	printf 'Classifiers per packet, net of an empty one, the minimum of %d rounds, interleaved.\n' "$rounds"
	"$build/tests/bench/prog_cost" "$rounds"
}

#   red: v0 10.9.0.1 ---veth--- v1 10.9.0.2 :blue, where the classifiers are, at ingress
make_namespaces() {
	ip netns add red
	ip netns add blue
	ip link add v0 address 02:00:00:00:00:01 netns red type veth peer name v1 address 02:00:00:00:00:02 netns blue
	ip -n red address add 10.9.0.1/24 dev v0
	ip -n blue address add 10.9.0.2/24 dev v1
	ip -n red link set v0 up
	ip -n blue link set v1 up
	ip -n red neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent
	ip -n blue neigh replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev v1 nud permanent
	tc -n blue qdisc add dev v1 clsact
}

# rate_with OBJECT SECTION: packets per second of the sender's CPU time, in a flood of 0.2 seconds. CPU time is less
# disturbed by other work on the machine. On veth the sender's system calls include receiving and the classifier.
rate_with() {
	nsenter --net=/run/netns/blue -- "$build/elfmap" tc filter replace dev v1 ingress protocol all pref 1 handle 1 \
		bpf da obj "$build/$1" sec "$2"
	"$build/tests/tools/flood" from red to 10.9.0.2 port 9000 seconds 0.2 at blue | jq '(.once / .cpu) | floor'
}

# From lines "EMPTY OTHER": the medians of both and of OTHER / EMPTY, and whether that reaches LIMIT.
report_rates() {
	local empty other kept word

	read -r empty other kept word < <(jq -rn --argjson limit "$2" '
		def median: sort | .[length / 2 | floor];
		[inputs] | [range(0; length; 2) as $i | {empty: .[$i], other: .[$i + 1]}] |
		([.[] | .other / .empty * 100 | round / 100] | median) as $kept |
		[(map(.empty) | median), (map(.other) | median), $kept, if $kept >= $limit then "ok" else "UNDER" end] |
		join(" ")')
	printf '  %-40s %9d\n' 'an empty classifier' "$empty"
	printf '  %-40s %9d  %5.2f of it, limit %.2f: %s\n' "$1" "$other" "$kept" "$2" "$word"
}

bench_throughput() {
	local each=$((rounds / 10 + 1)) round empty=tests/bench/peers/bare.o

	make_namespaces
	printf 'Packets per second of CPU time, with a classifier at ingress; %d rounds of 0.2 s, interleaved; medians.\n' "$each"
	for ((round = 0; round < each; round++)); do
		printf '%s %s\n' "$(rate_with "$empty" empty)" "$(rate_with tc-progs/dst_stats.o ingress)"
	done | report_rates dst_stats 0.95
}

bench_maps() {
	local each=$((rounds / 20 + 1))

	printf 'Whole commands, %d rounds (fewer for slow ones), interleaved; medians of the factor by which elfmap is faster.\n' "$each"
	"$build/tests/bench/map_speed" "$build/elfmap" "$each"
}

# make_lines NR SECTION...: a pipeline and a batch of tc with NR lines for each section, at one hook.
make_lines() {
	local nth section object=$scratch/lines.o

	cp "$build/tc-progs/dst_stats.o" "$object"
	: >"$scratch/pipeline"
	: >"$scratch/batch"
	for ((nth = 1; nth <= $1; nth++)); do
		for section in "${@:2}"; do
			echo "attach lines.o sec $section dev $dev $section prio $nth handle 1" >>"$scratch/pipeline"
			echo "filter add dev $dev $section prio $nth handle 1 bpf da obj $object sec $section" >>"$scratch/batch"
		done
	done
}

# Neither filters nor pins.
start_anew() {
	tc qdisc del dev "$dev" clsact
	tc qdisc add dev "$dev" clsact
	rm -rf "${pins:?}"
}

# timed COMMAND...: how long it takes, in milliseconds.
timed() {
	local start=${EPOCHREALTIME/./} end

	"$@" >/dev/null || die "$1 $2: failed"
	end=${EPOCHREALTIME/./}
	printf '%d.%03d\n' $(((end - start) / 1000)) $(((end - start) % 1000))
}

# From lines of milliseconds: the median.
median() {
	jq -rn '[inputs] | sort | .[length / 2 | floor] * 1000 | round / 1000'
}

# compare_new NAME ROUNDS: the pipeline against the batch, nothing is there before.
compare_new() {
	local round

	for ((round = 0; round < $2; round++)); do
		start_anew
		timed "$build/elfmap" tc -batch "$scratch/batch" >>"$scratch/of-tc"
		start_anew
		timed "$build/elfmap" apply "$scratch/pipeline" >>"$scratch/of-apply"
	done
	jq -rn --arg name "$1" --argjson tc "$(median <"$scratch/of-tc")" --argjson apply "$(median <"$scratch/of-apply")" '
		($apply / $tc * 100 | round / 100) as $ratio |
		"  \($name)\(" " * (44 - ($name | length))) \($tc) ms, \($apply) ms: \($ratio), limit 1.20: " +
		if $ratio <= 1.2 then "ok" else "OVER" end'
	rm "$scratch/of-tc" "$scratch/of-apply"
}

# report_time NAME MILLISECONDS LIMIT
report_time() {
	jq -rn --arg name "$1" --argjson ms "$2" --argjson limit "$3" '
		"  \($name)\(" " * (44 - ($name | length))) \($ms) ms, limit \($limit): " + if $ms <= $limit then "ok" else "OVER" end'
}

measure_again() {
	local round

	make_lines 1000 ingress
	start_anew
	"$build/elfmap" apply "$scratch/pipeline" >/dev/null
	for ((round = 0; round < $1; round++)); do timed "$build/elfmap" apply "$scratch/pipeline"; done | median
}

measure_save() {
	local nth round

	rm -rf "${pins:?}"
	mkdir -p "$pins"
	for ((nth = 0; nth < 2000; nth++)); do
		echo "map create $pins/saved_$nth type hash key 4 value 8 entries 16 name saved_$nth"
	done >"$scratch/maps"
	bpftool batch file "$scratch/maps" >/dev/null
	for ((round = 0; round < $1; round++)); do timed "$build/elfmap" map save; done | median
}

bench_apply() {
	local each=$((rounds / 40 + 1))

	make_device
	printf 'Whole commands, %d rounds, interleaved; medians of tc -batch and of apply, and their ratio.\n' "$each"
	make_lines 1 ingress
	compare_new '1 line, new' "$((4 * each))"
	make_lines 1 ingress egress
	compare_new '2 lines, both directions, new' "$((4 * each))"
	make_lines 200 ingress
	compare_new '200 lines, new' "$each"
	report_time '1,000 lines, nothing to do' "$(measure_again "$each")" 300
	report_time 'map save, 2,000 maps' "$(measure_save "$each")" 300
}

# The limits that do not hold, at the end.
report_limits() {
	printf '\n==== limits\n%d hold' "$(grep -cE '\bok\b' "$scratch/report")"
	if grep -qE '\b(OVER|UNDER)\b' "$scratch/report"; then
		printf '; not these:\n'
		grep -E '\b(OVER|UNDER)\b' "$scratch/report"
	else
		printf ', all of them\n'
	fi
}

main() {
	local part

	for part in "$@"; do
		[[ $(type -t "bench_$part") == function ]] || die "no part $part; there are: ${parts[*]}"
	done
	for part in "${@:-${parts[@]}}"; do
		printf '\n==== %s\n' "$part"
		"bench_$part"
	done | tee "$scratch/report"
	report_limits
}

main "$@"
