#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Pins and namespaces: from any namespace, the pins are made in the bpffs that the user means, or the command
# fails and prints what to type. The result is checked from outside after the command has ended.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	build=${BUILD:-$PWD/build}
	elfmap=$build/elfmap
	objects=$build/tests/testdata
	globals=/sys/fs/bpf/tc/globals
	tmp=$BATS_TEST_TMPDIR
	net=n$BATS_TEST_NUMBER
	ip netns add "$net"
	ip link add "v$BATS_TEST_NUMBER" type veth peer name peer netns "$net"
	nsenter --net="/run/netns/$net" tc qdisc add dev peer clsact
	line=(filter add dev peer ingress bpf da obj "$objects/shared.o" sec ingress)
}

teardown() {
	ip netns del "$net"
	[[ $(stat -f -c %T /sys/fs/bpf) == bpf_fs ]] || mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	find /sys/fs/bpf -mindepth 1 \( -type f -o -type l \) ! -name '*.debug' -delete
	! mountpoint -q /run/other || umount /run/other
	! mountpoint -q /run/third || umount /run/third
}

filters() {
	nsenter --net="/run/netns/$net" tc -j filter show dev peer ingress | jq -r '.[].options | select(.bpf_name) | .bpf_name'
}

# The attached program uses the pinned map, and the pins are visible on the host.
is_pinned_here() {
	local prog

	[[ $(filters) == 'shared.o:[ingress]' ]]
	prog=$(nsenter --net="/run/netns/$net" tc -j filter show dev peer ingress | jq '.[].options.prog.id // empty')
	# Behind it is the note of the file.
	[[ $(bpftool -j prog show id "$prog" | jq '.map_ids[0]') == "$(bpftool -j map show pinned "${1:-$globals}/shared_hits" | jq .id)" ]]
}

# Plain tc and ip still work with this bpffs, which depends on its symbolic links.
plain_tools_work() {
	[[ $(readlink /sys/fs/bpf/xdp) == tc && $(readlink /sys/fs/bpf/ip) == tc ]]
	"$elfmap" convert "$objects/xdp.o" "$tmp/modern.o" --for tc
	nsenter --net="/run/netns/$net" ip link set dev peer xdpgeneric obj "$tmp/modern.o" sec prog
	nsenter --net="/run/netns/$net" ip link set dev peer xdpgeneric off
}

@test "plain tc -n loses the pins without an error" {
	"$elfmap" convert "$objects/shared.o" "$tmp/modern.o" --for tc
	tc -n "$net" filter add dev peer ingress bpf da obj "$tmp/modern.o" sec ingress
	[[ ! -e $globals/shared_hits ]]
}

@test "elfmap tc -n NS: uses the host's pins" {
	for option in -n -netns; do
		run -0 --separate-stderr "$elfmap" tc "$option" "$net" "${line[@]}"
		[[ -z $output && -z $stderr ]]
		is_pinned_here
		nsenter --net="/run/netns/$net" tc filter del dev peer ingress
	done
	plain_tools_work
}

@test "elfmap ip -n NS link set xdp: uses the same pins" {
	"$elfmap" ip -n "$net" link set dev peer xdpgeneric obj "$objects/shared.o" sec ingress
	[[ -e $globals/shared_hits ]]
	ip -n "$net" -d link show dev peer | grep -q xdpgeneric
	ip -n "$net" link set dev peer xdpgeneric off
	plain_tools_work
}

@test "tc -n NS, ip -n NS and ip netns exec find pinned programs" {
	"$elfmap" load "$objects/shared.o"
	"$elfmap" load "$objects/xdp.o" type xdp
	"$elfmap" load "$objects/lwt.o" type lwt_out
	pin=/sys/fs/bpf/tc/progs
	ip -n "$net" addr add 10.7.0.1/24 dev peer
	ip -n "$net" link set peer up
	inside=(ip netns exec "$net" "$elfmap")
	run -0 --separate-stderr "$elfmap" tc -n "$net" filter add dev peer ingress bpf da object-pinned $pin/shared/count_ingress
	[[ -z $output$stderr && $(filters) == 'count_ingress:[*fsobj]' ]]
	"${inside[@]}" tc filter add dev peer egress bpf da pinned $pin/shared/count_ingress
	[[ $(nsenter --net="/run/netns/$net" tc filter show dev peer egress) == *'count_ingress:[*fsobj]'* ]]
	"$elfmap" ip -n "$net" link set dev peer xdp pinned $pin/xdp/count
	[[ $(ip -n "$net" link show dev peer) == *' xdp '* ]]
	ip -n "$net" link set dev peer xdp off
	"${inside[@]}" ip link set dev peer xdpgeneric pinned $pin/xdp/count
	[[ $(ip -n "$net" link show dev peer) == *' xdpgeneric '* ]]
	"$elfmap" ip -n "$net" route add 10.8.0.0/24 encap bpf out pinned $pin/lwt/out dev peer
	"${inside[@]}" ip -6 route add fd08::/64 encap bpf out pinned $pin/lwt/out dev peer
	[[ $(ip -n "$net" route) == *'encap bpf out out:[*fsobj]'* && $(ip -n "$net" -6 route) == *'encap bpf out out:[*fsobj]'* ]]
	printf 'filter add dev peer ingress prio 3 bpf da object-pinned %s\n' $pin/shared/count_egress >"$tmp/batch"
	"$elfmap" tc -n "$net" -batch "$tmp/batch"
	[[ $(filters) == *'count_egress:[*fsobj]'* ]]
	# Without elfmap they are not found, and a pin that does not exist is an error with it, too.
	run ! tc -n "$net" filter add dev peer ingress bpf da object-pinned $pin/shared/count_ingress
	run ! --separate-stderr "$elfmap" tc -n "$net" filter add dev peer ingress bpf da object-pinned $pin/shared/nosuch
	[[ $stderr == *$pin/shared/nosuch* ]]
}

@test "load makes the links of tc, relative, and ip follows them" {
	"$elfmap" load "$objects/shared.o"
	[[ $(readlink /sys/fs/bpf/xdp) == tc && $(readlink /sys/fs/bpf/ip) == tc ]]
	rm /sys/fs/bpf/{xdp,ip}
	ln -s /gone/tc/ /sys/fs/bpf/xdp
	"$elfmap" load "$objects/shared.o"
	plain_tools_work
	rm /sys/fs/bpf/{xdp,ip}
	run ! "$elfmap" load "$objects/broken.o"
	[[ ! -e /sys/fs/bpf/xdp ]]
}

@test "options with values before -n are skipped" {
	"$elfmap" ip -f inet -n "$net" link set dev peer xdpgeneric obj "$objects/shared.o" sec ingress
	[[ -e $globals/shared_hits ]]
	rm "$globals/shared_hits"
	printf '%s\n' "${line[*]}" >"$tmp/batch"
	"$elfmap" tc -b "$tmp/batch" -n "$net"
	is_pinned_here
}

@test "absolute links that an earlier tc has made become relative" {
	ln -s /sys/fs/bpf/tc/ /sys/fs/bpf/xdp
	ln -s /gone/tc/ /sys/fs/bpf/ip
	mkdir -p /sys/fs/bpf/tc
	"$elfmap" ip -n "$net" link set dev peer xdpgeneric obj "$objects/shared.o" sec ingress
	[[ -e $globals/shared_hits ]]
	ip -n "$net" link set dev peer xdpgeneric off
	plain_tools_work
}

@test "ip netns exec NS elfmap tc: uses the host's pins, also from a shell inside" {
	ip netns exec "$net" "$elfmap" tc "${line[@]}"
	is_pinned_here
	nsenter --net="/run/netns/$net" tc filter del dev peer ingress
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$net" bash -c '"$@"; exit $?' bash "$elfmap" tc "${line[@]}"
	is_pinned_here
	plain_tools_work
}

@test "ip netns exec NS elfmap map: uses the host's pins" {
	"$elfmap" tc -n "$net" "${line[@]}"
	[[ $(ip netns exec "$net" "$elfmap" -j map list | jq -r '.[].pinned[0]') == */tc/globals/shared_hits ]]
	[[ $(ip netns exec "$net" "$elfmap" map dump shared_hits | wc -l) == 2 ]]
	rm "$globals/shared_hits"
	run -1 ip netns exec "$net" "$elfmap" map dump shared_hits
}

@test "elfmap exec of a script inside ip netns exec uses the host's pins" {
	printf '#!/bin/sh -e\ntc %s\n' "${line[*]}" >"$tmp/script"
	chmod +x "$tmp/script"
	ip netns exec "$net" "$elfmap" exec "$tmp/script"
	is_pinned_here
}

@test "nsenter --net keeps the mounts, and the pins are the host's" {
	nsenter --net="/run/netns/$net" "$elfmap" tc "${line[@]}"
	is_pinned_here
}

@test "a mount namespace without bpffs: the host's bpffs is used" {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private bash -c 'umount /sys/fs/bpf; exec nsenter --net="$0" "$@"' \
		"/run/netns/$net" "$elfmap" tc "${line[@]}"
	is_pinned_here
}

@test "an error names the path as the user knows it" {
	bpftool map create "$globals/shared_hits" type array key 4 value 8 entries 99 name shared_hits 2>/dev/null ||
		{ mkdir -p "$globals" && bpftool map create "$globals/shared_hits" type array key 4 value 8 entries 99 name shared_hits; }
	for front in "$elfmap tc -n $net" "ip netns exec $net $elfmap tc"; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr $front "${line[@]}"
		[[ $stderr == *"pinned at $globals/shared_hits; if nothing uses it any more: elfmap map unpin $globals/shared_hits"* ]]
		[[ $stderr != */proc/* && -z $(filters) ]]
	done
	ip netns exec "$net" "$elfmap" map unpin "$globals/shared_hits"
	ip netns exec "$net" "$elfmap" tc "${line[@]}"
	is_pinned_here
}

@test "a failure inside ip netns exec leaves no pin on the host" {
	nsenter --net="/run/netns/$net" tc qdisc del dev peer clsact
	for front in "$elfmap tc -n $net" "ip netns exec $net $elfmap tc"; do
		# shellcheck disable=SC2086 # words
		run -2 $front "${line[@]}"
		[[ ! -e $globals/shared_hits ]]
	done
}

@test "TC_BPF_MNT is used, also where -n hides it" {
	mkdir -p /run/other
	mount -t bpf -o mode=0700 bpf /run/other
	TC_BPF_MNT=/run/other nsenter --net="/run/netns/$net" "$elfmap" tc "${line[@]}"
	is_pinned_here /run/other/tc/globals
	[[ ! -e $globals/shared_hits ]]
	nsenter --net="/run/netns/$net" tc filter del dev peer ingress
	rm "/run/other/tc/globals/shared_hits"
	TC_BPF_MNT=/run/other "$elfmap" tc -n "$net" "${line[@]}"
	is_pinned_here /run/other/tc/globals
	TC_BPF_MNT=/nosuch run -1 --separate-stderr "$elfmap" tc -n "$net" "${line[@]}"
	[[ $stderr == elfmap:*TC_BPF_MNT=/nosuch* ]]
}

@test "several bpffs and none at the usual path: refused with the command to type; with TC_BPF_MNT it works" {
	umount /sys/fs/bpf
	mkdir -p /run/other /run/third
	mount -t bpf -o mode=0700 bpf /run/other
	mount -t bpf -o mode=0700 bpf /run/third
	# No parent process has a bpffs: use a process of another tree.
	run -1 --separate-stderr setsid --fork --wait env -i PATH="$PATH" unshare --pid --fork --mount-proc \
		nsenter --net="/run/netns/$net" "$elfmap" tc "${line[@]}"
	[[ $(grep -c '^elfmap: ' <<<"$stderr") == 1 && $stderr == *'several bpf file systems: /run/other, /run/third'*'TC_BPF_MNT=/run/other'* ]]
	[[ -z $(find /run/other /run/third -name shared_hits) && -z $(filters) ]]
	TC_BPF_MNT=/run/third nsenter --net="/run/netns/$net" "$elfmap" tc "${line[@]}"
	[[ -e /run/third/tc/globals/shared_hits && -n $(filters) ]]
}

@test "no bpffs at all: it is mounted where the mount stays, and refused where it would be lost" {
	umount /sys/fs/bpf
	# shellcheck disable=SC2016 # for the inner shell
	host=(unshare --pid --fork --mount-proc bash -c '"$@"; exit $?' bash ip netns exec "$net" "$elfmap" tc)
	run -1 --separate-stderr "${host[@]}" "${line[@]}"
	[[ $stderr == *'would disappear with this mount namespace; on the host: mount -t bpf -o mode=0700 bpf /sys/fs/bpf'* && -z $(filters) ]]
	run -0 "${host[@]}" filter show dev peer ingress
}

@test "a command that only reads makes neither links nor mounts" {
	"$elfmap" tc -n "$net" qdisc show dev peer
	ip netns exec "$net" "$elfmap" tc filter show dev peer ingress
	[[ ! -e /sys/fs/bpf/xdp && ! -e /sys/fs/bpf/ip ]]
}
