#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map list` and `elfmap map dump` on real maps. bpftool makes the maps without types, a small
# object those with types. The output is compared with that of bpftool.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

# count() adds a packet to the value of its CPU. The tests fill the other maps.
setup_file() {
	export OBJECT=$BATS_FILE_TMPDIR/typed.o
	clang -target bpf -O2 -g -c -idirafter "/usr/include/$(cc -print-multiarch)" -o "$OBJECT" -x c - <<-'END'
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>

		typedef __u32 ipv4;
		typedef __u8 ip[16];
		typedef __u8 mac[6];
		typedef __u16 be16;
		typedef __u32 ifindex;
		enum verdict { PASS, DROP };

		struct flow { ipv4 from; be16 port; enum verdict verdict; };
		struct traffic { __u64 packets; __u32 bytes; __s32 left; };
		struct neighbour { ip address; mac lladdr; ifindex device; char name[8]; _Bool up; };

		struct {
			__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
			__uint(max_entries, 16);
			__type(key, struct flow);
			__type(value, struct traffic);
		} flows SEC(".maps");
		struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 16);
			__type(key, enum verdict);
			__type(value, struct neighbour);
		} neighbours SEC(".maps");
		struct {
			__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
			__uint(max_entries, 2);
			__type(key, __u32);
			__type(value, ipv4);
		} seen SEC(".maps");

		__u64 limit = 42;

		SEC("tc")
		int count(struct __sk_buff *skb)
		{
			struct traffic first = {.packets = 1, .bytes = skb->len, .left = -1}, *traffic;
			struct flow key;

			__builtin_memset(&key, 0, sizeof(key));
			key.from = 0x010200c0 + (limit == 0); /* 192.0.2.1 in network order */
			key.port = 0x5000;
			key.verdict = DROP;
			bpf_map_lookup_elem(&neighbours, &key.verdict);
			bpf_map_lookup_elem(&seen, &key.verdict);
			traffic = bpf_map_lookup_elem(&flows, &key);
			if (!traffic)
				return bpf_map_update_elem(&flows, &key, &first, BPF_ANY);
			traffic->packets++;
			traffic->bytes += skb->len;
			traffic->left--;
			return 0;
		}
		char _license[] SEC("license") = "GPL";
	END
}

setup() {
	begin_maps
	head -c 100 /dev/zero >"$tmp/packet"
}

teardown() {
	rm -rf "${public-}"
}

update() { # NAME, then bpftool's words
	bpftool map update pinned "$globals/$1" "${@:2}"
}

load_typed() {
	bpftool prog loadall "$OBJECT" $tc_dir/progs pinmaps $globals
}

run_count() { # CPU
	taskset -c "$1" bpftool prog run pinned $tc_dir/progs/count data_in "$tmp/packet" repeat 1 >"$tmp/run"
}

# ---- list -----------------------------------------------------------------------------------------

@test "list: no map is pinned" {
	rmdir $globals $tc_dir
	run --separate-stderr "$elfmap" map list
	[[ $status == 0 && -z $stderr && ${#lines[@]} == 1 && ${lines[0]} == PIN\ * ]]
	[[ $("$elfmap" -j map list) == '[]' ]]
}

@test "list: maps below tc/ are sorted, at any depth, without programs" {
	load_typed
	mkdir -p $tc_dir/0123abc
	create zz devmap 4 4 8
	bpftool map create $tc_dir/0123abc/own type lru_hash key 8 value 16 entries 7 name own flags 2
	run --separate-stderr "$elfmap" map list
	[[ $status == 0 && -z $stderr ]]
	wanted=(PIN 0123abc/own globals/{flows,neighbours,seen,typed_data,zz})
	[[ $(awk '{ print $1 }' <<<"$output" | xargs) == "${wanted[*]}" ]]
	id=$(bpftool -j map show pinned $tc_dir/0123abc/own | jq .id)
	entries=$(bpftool -j map show pinned $tc_dir/0123abc/own | jq .max_entries) # the kernel rounds it
	[[ $(xargs <<<"${lines[1]}") == "0123abc/own lru_hash 8 16 0 $entries 0x2 $id no -" ]]
	[[ $(awk '{ print $1 }' <<<"$output") != *count* ]]
}

@test "list: JSON has the members and values of bpftool" {
	create a hash 4 8 10
	create b lpm_trie 8 4 10 flags 1
	for name in a b; do
		[[ $("$elfmap" map list -j |
			jq -cS ".[] | select(.pinned[0] == \"$globals/$name\") |
				{id, type, flags, bytes_key, bytes_value, max_entries}") == \
			"$(bpftool -j map show pinned $globals/$name |
				jq -cS '{id, type, flags, bytes_key, bytes_value, max_entries}')" ]]
	done
	[[ $("$elfmap" map list -j | jq length) == 2 ]]
	[[ $("$elfmap" map list -p | jq -c .) == "$("$elfmap" map list -j)" ]]
}

@test "list: DIR is below tc/ or a path, and each printed name is a valid PIN" {
	create a array 4 4 1
	mkdir -p $tc_dir/other /sys/fs/bpf/elsewhere
	bpftool map create $tc_dir/other/b type array key 4 value 4 entries 1 name b
	bpftool map create /sys/fs/bpf/elsewhere/c type array key 4 value 4 entries 1 name c
	for dir in other other/ m:other $tc_dir/other; do
		[[ $("$elfmap" map list "$dir" | awk 'NR > 1 { print $1 }') == other/b ]]
	done
	[[ $("$elfmap" map list /sys/fs/bpf/elsewhere | awk 'NR > 1 { print $1 }') == /sys/fs/bpf/elsewhere/c ]]
	pins=$("$elfmap" map list /sys/fs/bpf | awk 'NR > 1 { print $1 }')
	[[ $(wc -l <<<"$pins") == 3 ]]
	for pin in $pins; do
		[[ $("$elfmap" map dump "$pin") == '0 hex 00 00 00 00' ]]
	done
}

@test "list: a DIR that is not a directory of a bpf file system is refused" {
	create a array 4 4 1
	fails 1 "$tc_dir/nowhere: No such file or directory" list nowhere
	fails 1 'Not a directory' list globals/a
	fails 1 'not in a bpf file system' list /etc
	fails 2 'usage: elfmap map list' list globals more
}

# ---- dump: which pin ------------------------------------------------------------------------------

@test "dump: a pin is given by name, in tc's notation, below tc/, or by path" {
	create cells array 4 4 1
	update cells key 0 0 0 0 value 1 2 3 4
	for pin in cells m:globals/cells globals/cells $globals/cells; do
		run --separate-stderr "$elfmap" map dump "$pin"
		[[ $status == 0 && -z $stderr && $output == '0 hex 01 02 03 04' ]]
	done
	cd $globals
	[[ $("$elfmap" map dump ./cells) == '0 hex 01 02 03 04' ]]
}

@test "dump: a PIN that is not a pinned map is refused" {
	load_typed
	fails 1 "no pin at $globals/nope; 'elfmap map list'" dump nope
	fails 1 "no pin at $globals/no.pe" dump no.pe
	fails 1 "no pin at $tc_dir/no/pe" dump m:no/pe
	fails 1 'empty name' dump m:
	fails 1 'is a program, not a map' dump progs/count
	fails 1 "is a directory; 'elfmap map list $globals'" dump $globals
	fails 1 'is not in a bpf file system' dump /etc/passwd
}

@test "dump: wrong usage is refused" {
	create cells array 4 4 1
	fails 2 'usage: elfmap map dump PIN [sum]' dump
	fails 2 'usage: elfmap map dump PIN [sum]' dump cells all
	fails 2 'usage: elfmap map dump PIN [sum]' dump cells sum more
	fails 2 "unknown option '--sum'" dump cells --sum
	fails 2 'usage: elfmap map'
	fails 2 'no such verb' empty cells
}

@test "dump: a user who is not root is told to run it as root" {
	create cells array 4 4 1
	copy_for_other_users
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$public/elfmap" map dump cells
	[[ $status == 1 && -z $output && ${#stderr_lines[@]} == 1 && $stderr == *'run it as root'* ]]
}

@test "the bpf file system: none mounted, one at another path, several, TC_BPF_MNT" {
	# COMMANDS: run in a mount and a pid namespace in which no process has /sys/fs/bpf mounted
	in_mounts() {
		run --separate-stderr unshare --mount --pid --fork --mount-proc bash -euc "umount /sys/fs/bpf; $1"
		echo "status $status, stdout '$output', stderr '$stderr'"
	}
	export elfmap tmp
	mkdir -p "$tmp/one" "$tmp/two"
	mount_one="mount -t bpf -o mode=0700 bpf $tmp/one; mkdir -p $tmp/one/tc/globals
		bpftool map create $tmp/one/tc/globals/c type array key 4 value 4 entries 1 name c"

	in_mounts "\$elfmap map list"
	[[ $status == 1 && $stderr == *"no bpf file system is mounted"*'mount -t bpf -o mode=0700 bpf /sys/fs/bpf'* ]]
	in_mounts "\$elfmap map save"
	[[ $status == 1 && $stderr == 'elfmap: map save: no bpf file system is mounted'* ]]
	in_mounts "$mount_one; \$elfmap map dump c"
	[[ $status == 0 && $output == '0 hex 00 00 00 00' ]]
	in_mounts "$mount_one; mount -t bpf -o mode=0700 bpf $tmp/two; \$elfmap map dump c"
	[[ $status == 1 && $stderr == *"several bpf file systems: $tmp/one, $tmp/two"*TC_BPF_MNT=* ]]
	in_mounts "$mount_one; mount -t bpf -o mode=0700 bpf $tmp/two; TC_BPF_MNT=$tmp/one \$elfmap map dump c"
	[[ $status == 0 && $output == '0 hex 00 00 00 00' ]]
	in_mounts "$mount_one; mount -t bpf -o mode=0700 bpf $tmp/two; \$elfmap map dump $tmp/one/tc/globals/c"
	[[ $status == 0 && $output == '0 hex 00 00 00 00' ]]
	in_mounts "mount -t bpf -o mode=0700 bpf /sys/fs/bpf; TC_BPF_MNT=$tmp/one \$elfmap map list"
	[[ $status == 1 && $stderr == *"TC_BPF_MNT=$tmp/one is not in a bpf file system"* ]]
}

# ---- dump: what is in it --------------------------------------------------------------------------

@test "dump: without types the output is bytes, and the JSON is bpftool's" {
	create h hash 4 2 10
	[[ -z $("$elfmap" map dump h) && $("$elfmap" -j map dump h) == '[]' && $("$elfmap" -p map dump h) == '[]' ]]
	update h key 1 2 3 4 value 0xfe 0
	update h key 9 2 3 4 value 1 0
	[[ $("$elfmap" map dump h | sort) == $'hex 01 02 03 04 hex fe 00\nhex 09 02 03 04 hex 01 00' ]]
	[[ $("$elfmap" -j map dump h | jq -cS sort) == \
		"$(bpftool -j map dump pinned $globals/h | jq -cS sort)" ]]
	[[ $("$elfmap" -p map dump h | jq -c .) == "$("$elfmap" -j map dump h)" ]]
}

@test "dump: types give names, numbers and addresses" {
	load_typed
	lo=$(cat /sys/class/net/lo/ifindex)
	bytes="0 0 0 0 0 0 0 0 0 0 0xff 0xff 192 0 2 7 2 0 0 0 0xab 1 0 0 $lo 0 0 0 0x61 0x22 0xe9 0 0 0 0 0 1 0 0 0"
	# shellcheck disable=SC2086
	update neighbours key 1 0 0 0 value $bytes
	[[ $("$elfmap" map dump neighbours) == \
		'DROP { address 192.0.2.7 lladdr 02:00:00:00:ab:01 device lo name "a\"\351" up true }' ]]
	[[ $("$elfmap" -j map dump neighbours | jq -c '.[0] | [.key, .value.address, .value.device, .value.up]') == \
		"[\"DROP\",\"192.0.2.7\",$lo,true]" ]]
	# Latin-1 is not valid UTF-8, which JSON requires.
	[[ $("$elfmap" -j map dump neighbours | jq -c '.[0].value.name[:4]') == '["0x61","0x22","0xe9","0x00"]' ]]
	# shellcheck disable=SC2086
	update neighbours key 1 0 0 0 value ${bytes/0xe9/0x62}
	[[ $("$elfmap" -j map dump neighbours | jq -r '.[0].value.name') == 'a"b' ]]
}

@test "dump: global variables have their names" {
	load_typed
	[[ $("$elfmap" map dump typed_data) == '0 { limit 42 }' ]]
	[[ $("$elfmap" -j map dump typed_data) == '[{"key":0,"value":{"limit":42}}]' ]]
}

@test "dump: prints a value for each CPU, or their sum" {
	local cpu cpus last n packets=0 each='[ '

	load_typed
	cpus=$(bpftool -j map dump pinned $globals/seen | jq '.[0].values | length')
	last=$(taskset -pc $$ | sed 's/.*[ ,-]//')
	for ((i = 0; i < 3; i++)); do run_count 0; done
	for ((i = 0; i < 2; i++)); do run_count "$last"; done
	for ((cpu = 0; cpu < cpus; cpu++)); do
		n=$(((cpu == 0) * 3 + (cpu == last) * 2))
		packets=$((packets + n))
		each+="{ packets $n bytes $((n * 100)) left $((-n)) } "
	done
	[[ $packets == 5 ]]
	key='{ from 192.0.2.1 port 80 verdict DROP }'
	[[ $("$elfmap" map dump flows) == "$key $each]" ]]
	[[ $("$elfmap" map dump flows sum) == "$key { packets 5 bytes 500 left -5 }" ]]
	[[ $("$elfmap" -j map dump flows sum) == \
		'[{"key":{"from":"192.0.2.1","port":80,"verdict":"DROP"},"value":{"packets":5,"bytes":500,"left":-5}}]' ]]
	[[ $("$elfmap" -j map dump flows | jq -c '.[0].values') == \
		"$(bpftool -j map dump pinned $globals/flows | jq -c '.[0].formatted.values')" ]]
}

@test "dump: values that cannot be summed are refused" {
	load_typed
	create h hash 4 8 10
	create p percpu_array 4 8 1
	fails 1 'a hash has one value for each key' dump h sum
	fails 1 'the map has no types' dump p sum
	fails 1 'the value is not a number' dump seen sum
}

@test "dump: keys that differ only in padding are distinguished" {
	load_typed
	value="value 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
	# shellcheck disable=SC2086
	update flows key 192 0 2 1 0 80 0 0 0 0 0 0 $value
	# shellcheck disable=SC2086
	update flows key 192 0 2 1 0 80 0 9 0 0 0 0 $value
	[[ $("$elfmap" map dump flows sum | sort) == \
		$'hex c0 00 02 01 00 50 00 09 00 00 00 00 { packets 0 bytes 0 left 0 } # { from 192.0.2.1 port 80 verdict PASS }\n{ from 192.0.2.1 port 80 verdict PASS } { packets 0 bytes 0 left 0 }' ]]
	[[ $("$elfmap" -j map dump flows | jq -c '[.[].key_bytes // empty | .[7]]') == '["0x09"]' ]]
}

@test "dump: programs, maps, devices and prefixes are printed as such" {
	load_typed
	create slots prog_array 4 4 4
	update slots key 2 0 0 0 value pinned $tc_dir/progs/count
	[[ $("$elfmap" map dump slots) == "2 id $(bpftool -j prog show pinned $tc_dir/progs/count | jq .id)" ]]
	create inner array 4 4 1
	create outer hash_of_maps 2 4 4 inner_map pinned $globals/inner
	update outer key 7 0 value pinned $globals/inner
	[[ $("$elfmap" map dump outer) == "hex 07 00 id $(bpftool -j map show pinned $globals/inner | jq .id)" ]]
	create ports devmap 4 8 4
	update ports key 3 0 0 0 value "$(cat /sys/class/net/lo/ifindex)" 0 0 0 0xff 0xff 0xff 0xff
	[[ $("$elfmap" map dump ports) == '3 { ifindex lo prog_id 0 }' ]]
	create routes lpm_trie 8 1 4 flags 1
	update routes key 24 0 0 0 10 1 2 0 value 5
	[[ $("$elfmap" map dump routes) == '10.1.2.0/24 hex 05' ]]
}

@test "dump: maps whose entries cannot be read are refused" {
	local name

	create queue queue 0 4 4
	create stack stack 0 4 4
	create ring ringbuf 0 0 4096
	create events perf_event_array 4 4 4
	create groups cgroup_array 4 4 4
	create socks sockmap 4 4 4
	create seen_keys bloom_filter 0 4 4
	for name in queue stack ring events groups socks seen_keys; do
		fails 1 'cannot be read: ' dump $name
		run -1 --separate-stderr "$elfmap" -j map dump $name
		[[ $(jq -r .error.why <<<"$output") == 'cannot be read: '* || $(jq -r .error.what <<<"$output") == *'cannot be read' ]]
	done
}

@test "dump: a large map is complete" {
	create big hash 4 4 30000
	create cells array 4 4 30000
	awk -v dir=$globals 'BEGIN { for (i = 0; i < 20000; i++) {
		bytes = i % 256 " " int(i / 256) " 0 0"
		print "map update pinned " dir "/big key " bytes " value " bytes } }' >"$tmp/batch"
	bpftool batch file "$tmp/batch" >"$tmp/log"
	awk 'BEGIN { for (i = 0; i < 20000; i++) {
		hex = sprintf("hex %02x %02x 00 00", i % 256, i / 256); print hex " " hex } }' | sort >"$tmp/wanted"
	"$elfmap" map dump big | sort | cmp - "$tmp/wanted"
	[[ $("$elfmap" -j map dump big | jq length) == 20000 ]]
	"$elfmap" map dump cells | awk '{ print $1 }' | cmp - <(seq 0 29999)
}

# The kernel's iteration over keys restarts if the current key has been deleted. This happens in a few
# dumps of a thousand, so many dumps are made and all are checked.
@test "dump: entries that are not changed are printed once while others are added and deleted" {
	local name churn

	create lpm_trie lpm_trie 8 4 1000 flags 1
	create hash hash 8 4 1000
	for name in lpm_trie hash; do
		awk -v pin=$globals/$name -v stable="$tmp/stable" -v churn="$tmp/churn" 'BEGIN {
			for (i = 0; i < 400; i++) {
				key = " key 32 0 0 0 10 0 " i % 2 " " int(i / 2)
				print "map update pinned " pin key " value 0 0 0 0" > (i % 2 ? churn : stable)
			}
			for (i = 1; i < 400; i += 2)
				print "map delete pinned " pin " key 32 0 0 0 10 0 1 " int(i / 2) > churn }'
		bpftool batch file "$tmp/stable" >"$tmp/log"
		(while bpftool batch file "$tmp/churn"; do :; done) >"$tmp/log" 2>&1 3>&- &
		churn=$!
		# shellcheck disable=SC2016
		timeout 120 bash -ec 'for ((i = 0; i < 600; i++)); do "$0" map dump "$1"; echo end; done' \
			"$elfmap" $name >"$tmp/dumps"
		kill -0 $churn # it ran all the time
		rm "$tmp/churn" # which ends it, as the end of this test would
		wait $churn
		awk '/^end$/ { bad += stable != 200; dumps++; stable = 0; split("", seen); next }
			{ sub(/ hex [^}]*$/, ""); bad += seen[$0]++ > 0; stable += /^10[.]0[.]0[.]|^hex 20 00 00 00 0a 00 00 / }
			END { print dumps + 0 " dumps, " bad + 0 " wrong"; exit !(dumps == 600 && !bad) }' "$tmp/dumps"
	done
}

@test "a full disk is a failure, reported once" {
	create cells array 4 4 100
	for words in 'dump cells' 'get cells 1' list 'show cells' types 'watch cells count 1' save; do
		# shellcheck disable=SC2016,SC2086 # words
		run --separate-stderr bash -c '"$@" >/dev/full' bash "$elfmap" map $words
		echo "$words: $stderr"
		[[ $status == 1 && $stderr == 'elfmap: standard output: No space left on device' ]]
		# shellcheck disable=SC2016,SC2086 # words
		run --separate-stderr bash -c '"$@" >&-' bash "$elfmap" map $words
		[[ $status == 1 && $stderr == 'elfmap: standard output: Bad file descriptor' ]]
	done
}
