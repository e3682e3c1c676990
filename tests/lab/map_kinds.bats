#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every map type of the kernel with every verb of `elfmap map`: either the verb works, which another verb confirms,
# or one line gives the reason. A bare errno and a success without effect are failures.

# shellcheck disable=SC2154 # maps.bash and run set them
bats_require_minimum_version 1.5.0

load maps.bash

setup() {
	begin_maps
}

teardown() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
}

# The verbs that each type supports besides list, show, save and restore, and an entry for it.
all='get set del dump load replace diff clear resize watch'
kinds="
hash                  4 4 4   0 | 'hex 01 00 00 00' 'hex 05 00 00 00' | $all
array                 4 4 4   0 | 1 'hex 05 00 00 00'                 | ${all/del }
prog_array            4 4 4   0 | 1 'pinned /sys/fs/bpf/tc/entry'     | $all
perf_event_array      4 4 4   0 | 1 'hex 05 00 00 00'                 | clear
percpu_hash           4 4 4   0 | 'hex 01 00 00 00' 'hex 05 00 00 00' | $all
percpu_array          4 4 4   0 | 1 'hex 05 00 00 00'                 | ${all/del }
stack_trace           4 64 4  0 | 1 '$(printf 'hex'; printf ' 00%.0s' {1..64})' | dump diff clear watch
cgroup_array          4 4 4   0 | 1 /                                 | set del load clear
lru_hash              4 4 4   0 | 'hex 01 00 00 00' 'hex 05 00 00 00' | $all
lru_percpu_hash       4 4 4   0 | 'hex 01 00 00 00' 'hex 05 00 00 00' | $all
lpm_trie              8 4 4   1 | 10.0.0.0/8 'hex 05 00 00 00'        | $all
array_of_maps         4 4 4   0 | 1 'pinned /sys/fs/bpf/tc/inner'     | $all
hash_of_maps          4 4 4   0 | 'hex 01 00 00 00' 'pinned /sys/fs/bpf/tc/inner' | $all
devmap                4 4 4   0 | 1 lo                                | $all
sockmap               4 4 4   0 | 1 'hex 05 00 00 00'                 | clear
sockmap               4 8 4   0 | 1 'hex 05 00 00 00 00 00 00 00'     | dump diff clear watch
cpumap                4 4 4   0 | 0 192                               | $all
xskmap                4 4 4   0 | 1 'hex 05 00 00 00'                 | del clear
sockhash              4 4 4   0 | 'hex 01 00 00 00' 'hex 05 00 00 00' | clear
cgroup_storage        16 8 0  0 | 'hex 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08' 'hex 05 00 00 00 00 00 00 00' | dump diff watch
reuseport_sockarray   4 4 4   0 | 1 'hex 05 00 00 00'                 | clear
percpu_cgroup_storage 16 8 0  0 | 'hex 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08' 'hex 05 00 00 00 00 00 00 00' | dump diff watch
queue                 0 4 4   0 | '' 'hex 05 00 00 00'                | load clear
stack                 0 4 4   0 | '' 'hex 05 00 00 00'                | load clear
sk_storage            4 8 0   1 | 'hex 01 00 00 00' 'hex 05 00 00 00 00 00 00 00' |
devmap_hash           4 4 4   0 | 1 lo                                | $all
ringbuf               0 0 4096 0 | '' ''                              |
inode_storage         4 8 0   1 | 'hex 01 00 00 00' 'hex 05 00 00 00 00 00 00 00' |
task_storage          4 8 0   1 | 'hex 01 00 00 00' 'hex 05 00 00 00 00 00 00 00' |
bloom_filter          0 4 4   0 | '' 'hex 05 00 00 00'                | load
user_ringbuf          0 0 4096 0 | '' ''                              |
cgrp_storage          4 8 0   1 | 'hex 01 00 00 00' 'hex 05 00 00 00 00 00 00 00' |
arena                 0 0 4   0x400 | '' ''                           |
"

# A program, and maps that only a loader can make, because the kernel requires BTF of keys and values.
compile() {
	clang -target bpf -O2 -g -c -idirafter "/usr/include/$(cc -print-multiarch)" "${@:2}" -o "$1" -x c - <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		#ifdef TYPE
		struct {
			__uint(type, TYPE);
			__uint(map_flags, FLAGS);
			__uint(max_entries, MAX);
		#ifdef KEYS
			__type(key, int);
			__type(value, __u64);
		#endif
		} NAME SEC(".maps");
		#endif
		SEC("tc") int entry_point(struct __sk_buff *skb) { return 0; }
		char _license[] SEC("license") = "GPL";
	END
}

# make TYPE KEY VALUE MAX FLAGS: pins a map under its type's name, or prints why this kernel has none.
make_map() {
	local type=$1 number words=(name "${1:0:15}" flags "$5")

	case $type in
	sk_storage | inode_storage | task_storage | cgrp_storage | arena)
		number=$(sed -n "s/^$type //p" <<<$'sk_storage 24\ninode_storage 28\ntask_storage 29\ncgrp_storage 32\narena 33')
		compile "$tmp/map.o" -DNAME="$type" -DTYPE="$number" -DMAX="$4" -DFLAGS="$5" "-$([[ $2 == 0 ]] && echo U || echo D)KEYS"
		bpftool prog loadall "$tmp/map.o" /sys/fs/bpf/tc/progs pinmaps "$globals" >"$tmp/why" 2>&1
		;;
	*)
		[[ $type != *_of_maps ]] || words+=(inner_map pinned /sys/fs/bpf/tc/inner)
		bpftool map create "$globals/$type" type "$type" key "$2" value "$3" entries "$4" "${words[@]}" >"$tmp/why" 2>&1
		;;
	esac || echo "this kernel makes no $type: $(tail -n 1 "$tmp/why")"
	rm -rf /sys/fs/bpf/tc/progs
}

# refused VERB WORD ...: fails with one line that is not just an errno, and has no other output.
refused() {
	local wanted=1

	[[ $1 != diff ]] || wanted=2
	run --separate-stderr timeout 20 "$elfmap" map "$@" <"$tmp/line"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$wanted" && -z $output && ${#stderr_lines[@]} == 1 && $stderr == elfmap:* ]] || return 1
	[[ $stderr != *': '[A-Z]* && $stderr != *rror\ * ]]
}

count() { # the number of entries by dump or show; queues are drained
	"$elfmap" -j map "$@" | jq length
}

# does VERB TYPE: the verb works, and its effect is checked.
does() {
	local empty=0

	echo "$*"
	[[ $2 != *array || $2 == prog_array || $2 == cgroup_array ]] || empty=4
	case $1 in
	get)
		map set "$2" "$key" "$value"
		[[ $(map get "$2" "$key") == "$(map dump "$2" | grep -w "$key")" ]]
		;;
	set) map set "$2" "$key" "$value" ;;
	del)
		[[ $2 == xskmap ]] || map set "$2" "$key" "$value"
		map del "$2" "$key"
		[[ $2 == xskmap ]] || refused del "$2" "$key" # user space cannot read them
		;;
	dump)
		count dump "$2"
		map dump "$2" >/dev/null
		;;
	load)
		map load "$2" "$tmp/line"
		map load "$2" - <"$tmp/line"
		[[ $verbs != *dump* || $(map dump "$2" | head -n 2 | grep -cw "$key") == 1 ]]
		;;
	replace)
		map replace "$2" "$tmp/line"
		map diff "$2" "$tmp/line"
		map replace "$2" /dev/null
		[[ $(map dump "$2" | grep -vc ' 00 00 00 00') == 0 ]]
		;;
	diff)
		if [[ $verbs == *load* ]]; then
			map load "$2" "$tmp/line"
			map diff "$2" <(map dump "$2")
			run -1 "$elfmap" map diff "$2" /dev/null
		else
			run -1 "$elfmap" map diff "$2" "$tmp/line"
		fi
		[[ -n $output ]]
		;;
	clear)
		[[ $verbs != *load* ]] || map load "$2" "$tmp/line"
		map clear "$2"
		[[ $verbs != *dump* || $(count dump "$2") == "$empty" ]]
		;;
	resize)
		map load "$2" "$tmp/line"
		map resize "$2" 8
		map dump "$2" | grep -qw "$key"
		;;
	watch) [[ $(map watch "$2" count 1) == "# $2: "* ]] ;;
	esac
}

@test "kinds: each verb works for each map type, or refuses with one line" {
	local made=0 left_out=0 type key_size value_size max flags entry verbs verb key value why

	compile "$tmp/entry.o"
	bpftool prog load "$tmp/entry.o" /sys/fs/bpf/tc/entry
	bpftool map create /sys/fs/bpf/tc/inner type hash key 4 value 4 entries 4 name inner
	while IFS='|' read -r form entry verbs; do
		read -r type key_size value_size max flags <<<"$form"
		[[ -n $type ]] || continue
		why=$(make_map "$type" "$key_size" "$value_size" "$max" "$flags")
		[[ -z $why ]] || { echo "# $why" >&3; ((left_out += 1)); continue; }
		eval "entry=($entry)"
		key=${entry[0]} value=${entry[1]}
		echo "$key $value" >"$tmp/line"
		map list | grep -q "^globals/$type "
		map show "$type" | grep -q "$type"
		for verb in $all; do
			if [[ " $verbs " == *" $verb "* ]]; then
				does "$verb" "$type"
				continue
			fi
			echo "refused $verb $type"
			case $verb in
			get | del) refused "$verb" "$type" "$key" ;;
			set) refused "$verb" "$type" "$key" "$value" ;;
			load | replace | diff)
				refused "$verb" "$type" "$tmp/line"
				refused "$verb" "$type" -
				;;
			resize) refused "$verb" "$type" 8 ;;
			watch) refused "$verb" "$type" count 1 ;;
			*) refused "$verb" "$type" ;;
			esac
		done
		((made += 1))
		rm "$globals/$type"
	done <<<"$kinds"
	echo "$made kinds, $left_out left out"
	((made >= 25))
}

@test "kinds: save and restore make every map again, except types that cannot be saved" {
	local type key_size value_size max flags rest before

	bpftool map create /sys/fs/bpf/tc/inner type hash key 4 value 4 entries 4 name inner
	while read -r type key_size value_size max flags rest; do
		[[ -z $type || -e $globals/$type ]] || make_map "$type" "$key_size" "$value_size" "$max" "$flags" >/dev/null
	done <<<"$kinds"
	"$elfmap" map set hash_of_maps hex 01 00 00 00 pinned /sys/fs/bpf/tc/inner
	run -1 --separate-stderr "$elfmap" map save
	[[ $stderr == *'queue: reading takes its values out; --drain'* ]]
	"$elfmap" map save --drain >"$tmp/saved" 2>"$tmp/said"
	grep -q '^elfmap: globals/array_of_maps: warning: it is an empty map of maps, so .*; it is not saved$' "$tmp/said"
	[[ $(grep -vc '; it is saved without content$\|; it is not saved$' "$tmp/said") == 0 ]]
	rm "$globals/array_of_maps"
	before=$(map list | awk '{ print $1, $2, $3, $4, $6, $7 }')
	find /sys/fs/bpf/tc -type f -delete
	map restore "$tmp/saved"
	diff <(echo "$before") <(map list | awk '{ print $1, $2, $3, $4, $6, $7 }')
	[[ $(map dump hash_of_maps) == 'hex 01 00 00 00 id '* ]]
}

@test "kinds: the article before a map type's name matches its pronunciation" {
	for type in 'an array 4 4 0' 'a hash 4 4 0' 'an lru_hash 4 4 0' 'an lpm_trie 8 4 1'; do
		read -r article type key value flags <<<"$type"
		create "$type" "$type" "$key" "$value" 4 flags "$flags"
		fails 1 "$type: $article $type is neither queue nor stack" pop "$type"
	done
	create user_ringbuf user_ringbuf 0 0 4096 2>/dev/null || skip 'no user_ringbuf here'
	fails 1 'user_ringbuf: a user_ringbuf cannot be read' dump user_ringbuf
}
