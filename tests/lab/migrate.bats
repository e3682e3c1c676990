#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Entries are converted when the members of keys or values change: `elfmap map migrate` and `elfmap upgrade`.

# shellcheck disable=SC2154,SC2030,SC2031 # maps.bash and run set them; a test is a subshell

bats_require_minimum_version 1.5.0

load maps.bash

setup() {
	begin_maps
	dev=mig$$
}

teardown() {
	ip link del "$dev" 2>/dev/null || true
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
}

# object FILE KEY VALUE [TYPE [FLAGS [ENTRIES]]]: an object whose map t has the members KEY and VALUE.
object() {
	local flags=${5:-0} type=${4:-HASH} entries=${6:-16}
	local cflags=(-g)

	[[ -z ${nobtf:-} ]] || cflags=()
	clang -target bpf -O2 "${cflags[@]}" -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -xc -c -o "$tmp/$1" - <<-END
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#include "bpf_elf.h"

		enum small { RED, GREEN };
		typedef __u32 number;
		${declare:-}
		struct key { $2 };
		struct value { $3 };
		struct bpf_elf_map SEC("maps") t = {
			.type = BPF_MAP_TYPE_$type, .size_key = sizeof(struct key), .size_value = sizeof(struct value),
			.max_elem = $entries, .flags = $flags, .pinning = PIN_GLOBAL_NS,
		};
		BPF_ANNOTATE_KV_PAIR(t, ${key_type:-struct key}, struct value);
		SEC("ingress") int entry(struct __sk_buff *skb)
		{
			struct key key = {};

			return bpf_map_lookup_elem(&t, &key) ? -1 : -1;
		}
		char _license[] SEC("license") = "GPL";
	END
}

# form FILE: pins the map of the object, without programs.
form() {
	ip link add "$dev" type veth peer name "${dev}p"
	"$elfmap" attach "$tmp/$1" sec ingress dev "$dev" ingress >/dev/null
	"$elfmap" detach "$tmp/$1" sec ingress dev "$dev" ingress >/dev/null
	ip link del "$dev"
}

values() {
	"$elfmap" -j map dump t | jq -c 'sort_by(.key | tostring) | .[] | .value // [.values[].value]'
}

dump() {
	"$elfmap" map dump t | sort
}

migrate() {
	run -0 --separate-stderr "$elfmap" map migrate t "$@"
	[[ -z $stderr ]]
}

# no_change STATUS TEXT WORD...: refused, and the pin leads to the same map with the same entries.
no_change() {
	local before

	before=$("$elfmap" -j map show t | jq .id && "$elfmap" map dump t)
	fails "$@"
	[[ $("$elfmap" -j map show t | jq .id && "$elfmap" map dump t) == "$before" ]]
}

# ---- map migrate --------------------------------------------------------------------------------------

@test "migrate: members move, appear and disappear, numbers and arrays get wider" {
	object a.o '__u32 id;' '__u32 packets; __s16 delta; __u8 gone; char name[4]; enum small e; struct { __u8 x, y; } in;'
	object b.o '__u32 id;' '__u64 fresh; char name[8]; struct { __u32 y; __u8 z, x; } in; __s64 delta; __u64 packets; number e;'
	form a.o
	map set t '{ id 1 } { packets 4000000000 delta -5 gone 3 name "eth" e GREEN in { x 1 y 2 } }'
	map set t '{ id 2 } { packets 7 delta 5 gone 0 name "v0" e RED in { x 3 y 4 } }'
	migrate "$tmp/b.o"
	[[ $output == 'map t migrated: 2 entries carried, 0 merged; new value.fresh, new value.in.z, dropped value.gone' ]]
	diff <(values) - <<-'END'
		{"fresh":0,"name":"eth","in":{"y":2,"z":0,"x":1},"delta":-5,"packets":4000000000,"e":1}
		{"fresh":0,"name":"v0","in":{"y":4,"z":0,"x":3},"delta":5,"packets":7,"e":0}
	END
	run -0 --separate-stderr "$elfmap" -j map migrate t "$tmp/a.o"
	[[ $(jq -c '[.carried, .changed, (.value_members[] | "\(.change) \(.member)")]' <<<"$output") == \
		'[2,true,"narrowed value.packets","narrowed value.delta","new value.gone","narrowed value.name","narrowed value.in.y","dropped value.in.z","dropped value.fresh"]' ]] || {
		echo "$output"
		false
	}
	[[ $(values | head -1) == '{"packets":4000000000,"delta":-5,"gone":0,"name":"eth","e":"GREEN","in":{"x":1,"y":2}}' ]]
}

@test "migrate: the same form changes nothing" {
	object a.o '__u32 id;' '__u32 n; __u64 o;'
	object b.o '__u32 id;' 'number n; __u32 pad; __u64 o;' # names of types, and padding
	form a.o
	map set t '{ id 1 } { n 1 o 2 }'
	before=$("$elfmap" -j map show t | jq .id)
	migrate "$tmp/b.o"
	[[ $output == 'map t unchanged' && $("$elfmap" -j map show t | jq .id) == "$before" ]]
	run -0 --separate-stderr "$elfmap" -j map migrate t "$tmp/b.o"
	[[ $(jq .changed <<<"$output") == false ]]
}

@test "migrate: a renamed member is dropped and new, at the same size" {
	object a.o '__u32 id;' '__u32 n, old;'
	object b.o '__u32 id;' '__u32 n, renamed;'
	form a.o
	map set t '{ id 1 } { n 1 old 2 }'
	migrate "$tmp/b.o"
	[[ $output == *'; new value.renamed, dropped value.old' ]]
	[[ $(values) == '{"n":1,"renamed":0}' ]]
}

@test "migrate: what does not fit is refused by name" {
	object a.o '__u32 id;' '__u64 n; __s32 s; __u8 list[4];'
	object b.o '__u32 id;' '__u32 n; __u64 s; __u8 list[2];'
	form a.o
	map set t '{ id 1 } { n 4294967296 s 1 list [ 1 2 0 0 ] }'
	no_change 1 'the entry { id 1 }: value.n does not fit into its new type' migrate t "$tmp/b.o"
	map set t '{ id 1 } { n 1 s -1 list [ 1 2 0 0 ] }'
	no_change 1 'value.s does not fit' migrate t "$tmp/b.o"
	map set t '{ id 1 } { n 1 s 1 list [ 1 2 0 4 ] }'
	no_change 1 'value.list does not fit' migrate t "$tmp/b.o"
	map set t '{ id 1 } { n 4294967295 s 2147483647 list [ 1 2 0 0 ] }'
	migrate "$tmp/b.o"
	[[ $(values) == '{"n":4294967295,"s":2147483647,"list":[1,2]}' ]]
}

@test "migrate: bitfields, unions, anonymous structs and nested arrays" {
	object a.o '__u32 id;' '__u32 a : 3, b : 5; __s32 c : 4; union { __u32 u; __u8 w[4]; } in; struct { __u8 x; }; struct { __u8 p; } list[2];'
	object b.o '__u32 id;' '__u64 front; __u8 b; __u32 c : 9; __u32 a : 12; union { __u32 u; __u8 w[4]; } in; struct { __u16 x; }; struct { __u8 q; __u32 p; } list[3];'
	form a.o
	map set t '{ id 1 } { a 5 b 17 c 3 in { u 0x01020304 } x 9 list [ { p 1 } { p 2 } ] }'
	migrate "$tmp/b.o"
	"$elfmap" -j map dump t | jq -ce '.[0].value | [.a, .b, .c, .in.u, .x, [.list[].p], .front] == [5, 17, 3, 16909060, 9, [1, 2, 0], 0]'
	object c.o '__u32 id;' '__u32 a : 2; union { __u64 u; } in;'
	no_change 1 'value.a does not fit' migrate t "$tmp/c.o"
	object c.o '__u32 id;' '__u32 a : 3; union { __u64 u; } in;'
	migrate "$tmp/c.o"
	[[ $output == *'of another type value.in'* && $output == *'narrowed value.a'* ]]
	[[ $(values) == '{"a":5,"in":{"u":0}}' ]]
}

@test "migrate: per-CPU values of each CPU, arrays and LRU maps" {
	local of_cpus

	of_cpus="[ { n 5 gone 1 } $(printf '{ n 6 gone 1 } %.0s' $(seq 2 "$(cpus)"))]"
	for type in PERCPU_HASH LRU_PERCPU_HASH PERCPU_ARRAY LRU_HASH ARRAY; do
		find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
		key_type=__u32 object a.o '__u32 id;' '__u8 n; __u32 gone;' $type 0 64
		key_type=__u32 object b.o '__u32 id;' '__u16 fresh; __u64 n;' $type 0 256
		form a.o
		if [[ $type == *PERCPU* ]]; then
			map set t "1 $of_cpus"
		else
			map set t '1 { n 5 gone 1 }'
		fi
		migrate "$tmp/b.o"
		case $type in
		*PERCPU*) diff <(values | grep -v '^\[{"fresh":0,"n":0}') <(jq -nc --argjson n "$(cpus)" '[{fresh: 0, n: 5}, range(1; $n) | if type == "number" then {fresh: 0, n: 6} else . end]') ;;
		*) values | grep -qxF '{"fresh":0,"n":5}' ;;
		esac
		"$elfmap" -j map show t | jq -e '.max_entries == 256'
	done
}

cpus() {
	local last

	last=$(</sys/devices/system/cpu/possible)
	echo $((${last##*-} + 1))
}

@test "migrate: keys of a prefix tree keep their prefix, or are refused" {
	object a.o '__u32 prefixlen; __u8 data[4];' '__u32 n;' LPM_TRIE 1
	object b.o '__u32 prefixlen; __u8 data[16];' '__u32 n, fresh;' LPM_TRIE 1
	object c.o '__u32 prefixlen; __u32 tag; __u8 data[4];' '__u32 n;' LPM_TRIE 1
	form a.o
	"$elfmap" map set t 10.9.0.0/16 '{ n 7 }'
	no_change 1 'prefixes of an lpm_trie cannot be converted' migrate t "$tmp/c.o"
	migrate "$tmp/b.o"
	[[ $("$elfmap" -j map dump t | jq -c '.[0].value') == '{"n":7,"fresh":0}' ]]
	bpftool -j map dump pinned "$globals/t" | jq -e '.[0].key[0:8] == ["0x10","0x00","0x00","0x00","0x0a","0x09","0x00","0x00"]'
	migrate "$tmp/a.o"
	[[ $("$elfmap" map get t 10.9.0.0/16) == *'n 7'* ]]
}

@test "migrate: two keys that become one are refused and named, or merged" {
	object a.o '__u32 id, zone;' '__u32 n;'
	object b.o '__u32 id;' '__u32 n;'
	form a.o
	map set t '{ id 1 zone 1 } { n 11 }'
	map set t '{ id 1 zone 2 } { n 12 }'
	map set t '{ id 2 zone 2 } { n 22 }'
	no_change 1 'become the same key' migrate t "$tmp/b.o"
	[[ $stderr == *'{ id 1 zone 1 }'* && $stderr == *'{ id 1 zone 2 }'* ]]
	first=$("$elfmap" -j map dump t | jq '[.[] | select(.key.id == 1)][0].value.n')
	"$elfmap" map save >"$tmp/saved"
	run -0 --separate-stderr "$elfmap" map migrate t "$tmp/b.o" --merge first
	[[ $output == 'map t migrated: 2 entries carried, 1 merged; dropped key.zone' ]]
	"$elfmap" -j map dump t | jq -e --argjson n "$first" '[.[] | select(.key.id == 1)][0].value.n == $n'
	rm "$globals/t"
	map restore "$tmp/saved"
	first=$("$elfmap" -j map dump t | jq '[.[] | select(.key.id == 1)][0].value.n') # the new map has another order
	run -0 --separate-stderr "$elfmap" map migrate t "$tmp/b.o" --merge last
	"$elfmap" -j map dump t | jq -e --argjson n "$first" '[.[] | select(.key.id == 1)][0].value.n == 23 - $n'
	fails 2 'first' migrate t "$tmp/b.o" --merge newest
}

@test "migrate: without BTF sizes must agree, and other types of map are refused" {
	nobtf=1 object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id;' '__u64 n;'
	form a.o
	no_change 1 'without BTF' migrate t "$tmp/b.o"
	object c.o '__u32 id;' '__u32 n;' ARRAY
	no_change 1 'differs from its pin in type' migrate t "$tmp/c.o"
}

@test "migrate: refused while the map is in use, with the user's name" {
	object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id;' '__u64 n;'
	ip link add "$dev" type veth peer name "${dev}p"
	"$elfmap" attach "$tmp/a.o" sec ingress dev "$dev" ingress >/dev/null
	no_change 1 '(entry) uses it' migrate t "$tmp/b.o"
	"$elfmap" detach "$tmp/a.o" sec ingress dev "$dev" ingress >/dev/null
	"$elfmap" map pin t second
	no_change 1 'also pinned' migrate t "$tmp/b.o"
}

@test "migrate: a pin or an object that is missing, a map that the object does not have" {
	object a.o '__u32 id;' '__u32 n;'
	fails 1 'nosuch' migrate nosuch "$tmp/a.o"
	form a.o
	no_change 1 "$tmp/nosuch.o: No such file or directory" migrate t "$tmp/nosuch.o"
	create other hash 4 4 4
	fails 1 "has no map 'other'" migrate other "$tmp/a.o"
	fails 2 '' migrate t
}

@test "migrate: too many entries for the new map are refused" {
	object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id;' '__u64 n;' HASH 0 1
	form a.o
	map set t '{ id 1 } { n 1 }'
	map set t '{ id 2 } { n 1 }'
	no_change 1 'full' migrate t "$tmp/b.o"
}

@test "migrate: the lock of values is the kernel's" {
	object a.o '__u32 id;' 'struct bpf_spin_lock lock; __u32 n;'
	object b.o '__u32 id;' '__u64 n; struct bpf_spin_lock lock;'
	form a.o
	"$elfmap" -j map dump t | jq -e 'length == 0'
	bpftool map update pinned "$globals/t" key 1 0 0 0 value 0 0 0 0 9 0 0 0
	migrate "$tmp/b.o"
	"$elfmap" -j map dump t | jq -e '.[0].value.n == 9'
}

@test "migrate: a file that was saved before the members changed is restored, and then converted" {
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' '__u32 fresh; __u64 n;'
	form a.o
	map set t '{ id 1 } { n 5 gone 6 }'
	"$elfmap" map save >"$tmp/saved"
	rm "$globals/t"
	map restore "$tmp/saved"
	migrate "$tmp/b.o"
	[[ $(values) == '{"fresh":0,"n":5}' ]]
}

# ---- upgrade ------------------------------------------------------------------------------------------

# running FILE: the object, attached as v.o.
running() {
	cp "$tmp/$1" "$tmp/v.o"
	ip link add "$dev" type veth peer name "${dev}p"
	"$elfmap" attach "$tmp/v.o" sec ingress dev "$dev" ingress >/dev/null
}

@test "upgrade: members are carried by name, and a rollback carries them back" {
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' '__u32 fresh; __u64 n;'
	running a.o
	map set t '{ id 1 } { n 5 gone 6 }'
	cp "$tmp/b.o" "$tmp/v.o"
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/v.o"
	[[ $output == *'map t copied: 1 entries carried, 0 late, 0 lost, 0 removed; new value.fresh, dropped value.gone'* ]]
	[[ $(values) == '{"fresh":0,"n":5}' ]]
	map set t '{ id 2 } { fresh 1 n 7 }'
	run -0 --separate-stderr "$elfmap" -j upgrade "$tmp/v.o" --rollback
	[[ $(values | tail -1) == '{"n":7,"gone":0}' ]]
	jq -e '.maps[] | select(.name == "t") | .carried == 2 and (.members | length) > 0' <<<"$output"
}

@test "upgrade: other members of the same size are a change, names of types are not" {
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' 'number n, gone;'
	object c.o '__u32 id;' '__u32 gone, n;'
	running a.o
	map set t '{ id 1 } { n 5 gone 6 }'
	cp "$tmp/b.o" "$tmp/v.o"
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/v.o"
	[[ $output == *'map t kept'* ]]
	cp "$tmp/c.o" "$tmp/v.o"
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/v.o"
	[[ $output == *'map t copied: 1 entries carried'* ]]
	[[ $(values) == '{"gone":6,"n":5}' ]]
}

@test "upgrade: keys that become one are refused without --merge, and nothing changes" {
	object a.o '__u32 id, zone;' '__u32 n;'
	object b.o '__u32 id;' '__u32 n;'
	running a.o
	map set t '{ id 1 zone 1 } { n 11 }'
	map set t '{ id 1 zone 2 } { n 12 }'
	cp "$tmp/b.o" "$tmp/v.o"
	before=$(dump)
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/v.o"
	[[ $stderr == *'become the same key'* && $(dump) == "$before" ]]
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/v.o" --merge last
	[[ $output == *'1 merged; dropped key.zone'* ]]
	"$elfmap" -j map dump t | jq -e 'length == 1'
}

@test "upgrade --rollback: keys that become one are refused, or merged" {
	object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id, zone;' '__u32 n;'
	running a.o
	map set t '{ id 1 } { n 11 }'
	cp "$tmp/b.o" "$tmp/v.o"
	run -0 "$elfmap" upgrade "$tmp/v.o"
	map set t '{ id 1 zone 2 } { n 12 }'
	before=$(dump)
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/v.o" --rollback
	[[ $stderr == *'become the same key'* && $(dump) == "$before" ]]
	run -0 --separate-stderr "$elfmap" upgrade "$tmp/v.o" --rollback --merge first
	[[ $output == *'1 merged'* ]]
	"$elfmap" -j map dump t | jq -e 'length == 1'
}

@test "upgrade: sizes without BTF are refused" {
	nobtf=1 object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id;' '__u64 n;'
	running a.o
	cp "$tmp/b.o" "$tmp/v.o"
	run -1 --separate-stderr "$elfmap" upgrade "$tmp/v.o"
	[[ $stderr == *'differs from its pin in value'* ]]
}

@test "attach: other members of the same size are used as they are, with a warning" {
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' '__u32 n, fresh;'
	form a.o
	ip link add "$dev" type veth peer name "${dev}p"
	run -0 --separate-stderr "$elfmap" attach "$tmp/b.o" sec ingress dev "$dev" ingress
	[[ $stderr == *"warning: map 't': its members are not those of its pin: new value.fresh, dropped value.gone; its entries are converted by: elfmap upgrade $tmp/b.o, or, if nothing uses it: elfmap map migrate $globals/t $tmp/b.o" ]]
}

@test "attach: members of another size are refused, and the commands that the message names convert the entries" {
	object a.o '__u32 id;' '__u32 n;'
	object b.o '__u32 id;' '__u64 n;'
	object c.o '__u32 id;' '__u64 n;' HASH 0 32
	running a.o
	map set t '{ id 1 } { n 5 }'
	cp "$tmp/b.o" "$tmp/v.o"
	run -1 --separate-stderr "$elfmap" attach "$tmp/v.o" sec ingress dev "$dev" egress
	[[ $stderr == *"differs from its pin in value: "*"; its entries are converted by: elfmap upgrade $tmp/v.o, or, if nothing uses it: elfmap map migrate $globals/t $tmp/v.o; "* ]]
	command=${stderr#*converted by: elfmap }
	read -ra words <<<"${command%%,*}"
	run -0 "$elfmap" "${words[@]}"
	[[ $(values) == '{"n":5}' ]]
	"$elfmap" -j map show t | jq -e '.bytes_value == 8'
	ip link del "$dev"
	find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
	form a.o
	map set t '{ id 1 } { n 5 }'
	ip link add "$dev" type veth peer name "${dev}p"
	cp "$tmp/c.o" "$tmp/v.o"
	run -1 --separate-stderr "$elfmap" attach "$tmp/v.o" sec ingress dev "$dev" egress
	[[ $stderr == *'differs from its pin in value, max_entries'* ]]
	command=${stderr#*if nothing uses it: elfmap }
	read -ra words <<<"${command%%;*}"
	run -0 "$elfmap" "${words[@]}"
	run -0 "$elfmap" attach "$tmp/v.o" sec ingress dev "$dev" egress
	[[ $(values) == '{"n":5}' ]]
	"$elfmap" -j map show t | jq -e '.max_entries == 32'
}

# ---- killed -------------------------------------------------------------------------------------------

# killed_at CALL N COMMAND...: 0 if the command was killed at its Nth CALL.
killed_at() {
	local status=0

	strace -qq -f -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$2" "${@:3}" &>"$tmp/out" || status=$?
	[[ $status == 0 || $status == 137 ]] || cat "$tmp/out"
	[[ $status == 137 ]]
}

@test "migrate: killed at any call, the pin is complete in one of the forms, and a second run completes it" {
	command -v strace >/dev/null || skip 'strace is not installed'
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' '__u32 fresh; __u64 n;'
	form a.o
	for i in 1 2 3; do
		map set t "{ id $i } { n $i gone 6 }"
	done
	"$elfmap" map save >"$tmp/saved"
	killed=0
	for call in bpf rename,renameat,renameat2; do
		step=1
		[[ $call != bpf ]] || step=7
		for ((n = 1; n < 200; n += step)); do
			killed_at "$call" $n "$elfmap" map migrate t "$tmp/b.o" || break
			killed=$((killed + 1))
			[[ $("$elfmap" -j map dump t | jq -c '[.[].value.n] | sort') == '[1,2,3]' ]]
			migrate "$tmp/b.o"
			[[ $(values) == *'{"fresh":0,"n":3}' ]]
			rm "$globals/t"
			map restore "$tmp/saved"
		done
		rm "$globals/t"
		map restore "$tmp/saved"
	done
	((killed > 5))
	[[ $(find /sys/fs/bpf/tc -type f) == "$globals/t" ]]
}

@test "upgrade: killed at any rename, the next upgrade completes the conversion" {
	command -v strace >/dev/null || skip 'strace is not installed'
	object a.o '__u32 id;' '__u32 n, gone;'
	object b.o '__u32 id;' '__u32 fresh; __u64 n;'
	for ((n = 1; n < 50; n++)); do
		running a.o
		map set t '{ id 1 } { n 5 gone 6 }'
		cp "$tmp/b.o" "$tmp/v.o"
		killed_at rename,renameat,renameat2 $n "$elfmap" upgrade "$tmp/v.o" || break
		run -0 "$elfmap" upgrade "$tmp/v.o"
		[[ $(values) == '{"fresh":0,"n":5}' ]]
		ip link del "$dev"
		find /sys/fs/bpf -mindepth 1 -type f ! -name '*.debug' -delete
	done
	((n > 1))
}
