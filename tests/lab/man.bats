#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs every command in the EXAMPLES of the manual pages, in order, with the objects and maps that the page names.
# parser.bats and l2_redirect.bats do this for elfmap-graft(8) and elfmap-l2-redirect(8).

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	root=$PWD
	build=${BUILD:-$root/build}
	PATH=$build:$PATH
	ip link add eth0 type veth peer name eth1
	cd "$tmp" || return 1
	cp "$build"/tc-progs/{dst_stats,parser,cgroup_filter,cgroup_id_filter}.o .
	cp "$build/tests/testdata/xdp.o" .
	cp parser.o cls.o
	ln -s "$build/tc-progs" build
}

teardown() {
	cd / || return 1
	ip link del eth0
	[[ -z ${cgroup-} ]] || rmdir "$cgroup/backend" "$cgroup"
}

# commands PAGE: the commands, each followed by a NUL, without mdoc's escapes and with the headers of this tree. A line
# without a prompt continues the previous command of the same block.
commands() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/p' "$root/man/$1.8" |
		sed "s/\\\\&//g; s/\\\\e/\\\\/g; s|/usr/local/include|$root/include|" |
		awk '/^\.Bd/ { inside = 1; next }
			/^\.Ed/ { if (open) printf "%c", 0; inside = open = 0 }
			inside && /^# / { if (open) printf "%c", 0; open = 1; print substr($0, 3); next }
			inside && open { print }'
}

# in_block PAGE LINE: the lines from LINE to the end of its block.
in_block() {
	awk -v first="$2" '$0 == first { inside = 1 } /^\.Ed/ { inside = 0 } inside' "$root/man/$1.8"
}

# works COMMAND: expects success; a test may redefine it.
works() {
	[[ $status == 0 ]]
}

# examples PAGE [LEAST]: calls works() with each command; there must be at least LEAST.
examples() {
	local command count=0

	while IFS= read -r -d '' command; do
		echo "# $command"
		run bash -eo pipefail -c "$command"
		echo "$output"
		works "${command%$'\n'}"
		count=$((count + 1))
	done < <(commands "$1")
	((count >= ${2:-1}))
}

@test "every page with commands has examples, and a test runs each page" {
	for page in "$root"/man/*.8; do
		page=${page##*/} page=${page%.8}
		[[ -n $(commands "$page" | tr '\0' ' ') ]]
		grep -qE "(examples |in_block |man/)$page( |\.8)" "$root"/tests/lab/{man,parser,l2_redirect}.bats
	done
}

@test "elfmap(8): the examples print what the page shows" {
	in_block elfmap '#include <linux/bpf.h>' >count.c
	diff count.c <(sed -n '/^\$ cat count.c$/,/^\$ /{//!p}' "$root/README.md")
	examples elfmap 6
	[[ $output == '0 '* ]]
}

@test "elfmap-apply(8): the examples print what the page shows" {
	in_block elfmap-apply 'attach dst_stats.o sec ingress dev eth0 ingress prio 10' >pipeline
	works() {
		[[ $status == 0 ]]
		signs+=$(cut -c 1 <<<"$output" | sort -u)
	}
	signs=
	examples elfmap-apply 3
	[[ $signs == '++=' ]]
	[[ $(tc filter show dev eth0 egress) == *'pref 10 '*'dst_stats.o:[egress]'* ]]
}

@test "elfmap-cgroup(8): the examples print what the page shows" {
	dir=$(findmnt --noheadings --raw --first-only --types cgroup2 --output TARGET)/web || skip 'cgroup2 is not mounted here'
	mkdir "$dir" "$dir/backend" 2>/dev/null || skip 'the cgroup /web cannot be created here'
	cgroup=$dir
	examples elfmap-cgroup 11
}

@test "elfmap-check(8): the examples print what the page shows" {
	tc qdisc add dev eth0 clsact
	works() {
		[[ $status == 0 ]]
		[[ $1 != *jq* || -z $output ]]
	}
	examples elfmap-check 2
	[[ $(tc filter show dev eth0 ingress) == *'cls.o:[classifier]'* ]]
}

@test "elfmap-convert(8): the examples print what the page shows" {
	tc qdisc add dev eth0 clsact
	examples elfmap-convert 5
	[[ -e /sys/fs/bpf/maps/parser_stages && -e /sys/fs/bpf/progs/parser ]]
	[[ $(elfmap map dump parser_stages) == *PARSER_GRE* ]]
}

@test "elfmap-decl(8): the page shows what decl prints" {
	cat >flows.c <<-'EOF'
		#include <linux/bpf.h>
		#include <bpf_elf.h>
		#define SEC(name) __attribute__((section(name), used))
		char _license[] SEC("license") = "GPL";
		struct flow_key {
			__u32 saddr;
			__u32 daddr;
		};
		struct bpf_elf_map SEC("maps") flows = {
			.type = BPF_MAP_TYPE_HASH,
			.size_key = 8,
			.size_value = 8,
			.max_elem = 8,
			.pinning = PIN_GLOBAL_NS,
		};
		BPF_ANNOTATE_KV_PAIR(flows, struct flow_key, __u64);
	EOF
	clang -target bpf -O2 -g -I "$root/include" -idirafter "/usr/include/$(uname -m)-linux-gnu" -c flows.c
	run -0 elfmap decl flows.o
	diff <(echo "$output") <(in_block elfmap-decl '# elfmap decl flows.o' | sed 1d)
}

@test "elfmap-doctor(8): the examples print what the page shows" {
	tc qdisc add dev eth0 clsact
	examples elfmap-doctor 4
}

@test "elfmap-load(8): the examples print what the page shows" {
	works() {
		[[ $status == 0 ]]
		results+=$(grep -oE ' (attached|unchanged|detached)$' <<<"$output" || true)
	}
	results=
	examples elfmap-load 8
	[[ $results == ' attached unchanged attached detached detached' ]]
	[[ -z $(find /sys/fs/bpf/tc -type f) && -z $(tc filter show dev eth0 ingress) ]]
}

@test "elfmap-show(8): the examples print what the page shows" {
	works() {
		[[ $status == 0 ]]
		[[ $output == */sys/fs/bpf/tc/globals/parser_stages* || $output == classifier* ]]
	}
	examples elfmap-show 2
}

@test "elfmap-tc(8): the examples print what the page shows" {
	tc qdisc add dev eth0 clsact
	printf '%s\n' '#!/bin/sh' 'exec tc filter add dev eth0 egress bpf da obj cls.o sec classifier' >deploy.sh
	chmod +x deploy.sh
	examples elfmap-tc 3
	[[ $(tc filter show dev eth0 egress) == *'cls.o:[classifier]'* && $(ip link show dev eth0) == *xdp* ]]
}

@test "elfmap-upgrade(8): the examples print what the page shows" {
	works() {
		[[ $status == 0 ]]
		results+=$(grep -oE ' (attached|replaced)$' <<<"$output" || true)
	}
	results=
	examples elfmap-upgrade 5
	[[ $results == ' attached replaced replaced' ]]
	run elfmap upgrade parser.o --rollback
	[[ $status == 1 ]]
}

@test "elfmap-map(8): the examples print what the page shows" {
	tc qdisc add dev eth0 clsact
	elfmap tc filter add dev eth0 ingress bpf da obj dst_stats.o sec ingress
	create hosts hash 4 4 10
	create ports hash 4 8 200000
	create free_ports queue 0 4 10
	create table hash 4 4 10
	create tables array_of_maps 4 4 4 inner_map pinned $globals/table
	create tun_iface devmap 4 4 4
	works() {
		case $1 in
		*' map diff '*) [[ $status == 1 && $output == $'-10.0.0.2 443\n+10.0.0.2 8443' ]] ;;
		*--dry-run*) [[ $status == 0 && $output == $'-10.0.0.2 443\n+10.0.0.2 8443' ]] ;;
		*' get hosts '*) [[ $status == 0 && $output == '10.0.0.1 80' ]] ;;
		*' lookup hosts '*) [[ $status == 0 && $output == 'hex 0a 00 00 03 hex 01 00 00 00' ]] ;;
		*' load ports '*) [[ $status == 0 && $(entries ports) == 100000 ]] ;;
		*' clear ports'*) [[ $status == 0 && $(entries ports) == 0 ]] ;;
		*' pop '* | *' peek '*) [[ $status == 0 && $output == 4000 ]] ;;
		*' map restore '*)
			[[ $status == 1 && $output == *'exists already'* ]] # there was no reboot
			find /sys/fs/bpf -type f ! -name '*.debug' -delete
			run -0 bash -eo pipefail -c "$1"
			;;
		*' map dump '*' --drain '*) [[ $status == 0 && $output == $'4001\n4002' ]] ;;
		*) [[ $status == 0 ]] ;;
		esac
	}
	examples elfmap-map 20
	[[ $("$elfmap" map dump hosts types ipv4:u32) == '10.0.0.2 8443' ]]
}
