#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Every command in the examples of elfmap-map(8), in its order, on maps like those it speaks of.

# shellcheck disable=SC2030,SC2031,SC2086,SC2154 # a test is a subshell; run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	man=$PWD/man/elfmap-map.8
	objects=${BUILD:-$PWD/build}/tc-progs
}

# The lines of the page's examples that a root shell would run, without mdoc's escapes.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAGNOSTICS/s/^# //p' "$man" | sed 's/\\&//g; s/\\e/\\/g'
}

@test "the examples of elfmap-map(8) do what the page says" {
	local line

	[[ $(examples | wc -l) -gt 10 ]]
	ip link add eth0 type veth peer name eth1
	tc qdisc add dev eth0 clsact
	"$elfmap" tc filter add dev eth0 ingress bpf da obj "$objects/dst_stats.o" sec ingress
	create hosts hash 4 4 10
	create ports hash 4 8 200000
	create free_ports queue 0 4 10
	create table hash 4 4 10
	create tables array_of_maps 4 4 4 inner_map pinned $globals/table
	[[ -e $globals/tun_iface ]] || create tun_iface devmap 4 4 4
	cd "$tmp"
	PATH=$(dirname "$elfmap"):$PATH
	while IFS= read -r line; do
		echo "# $line"
		run bash -eo pipefail -c "$line" # not run -0: diff answers with 1
		echo "$output"
		case $line in
		*' map diff '*) [[ $status == 1 && $output == $'-10.0.0.2 443\n+10.0.0.2 8443' ]] ;;
		*--dry-run*) [[ $status == 0 && $output == $'-10.0.0.2 443\n+10.0.0.2 8443' ]] ;;
		*' get hosts '*) [[ $status == 0 && $output == '10.0.0.1 80' ]] ;;
		*' lookup hosts '*) [[ $status == 0 && $output == 'hex 0a 00 00 03 hex 01 00 00 00' ]] ;;
		*' load ports '*) [[ $status == 0 && $(entries ports) == 100000 ]] ;;
		*' clear ports'*) [[ $status == 0 && $(entries ports) == 0 ]] ;;
		*' pop '* | *' peek '*) [[ $status == 0 && $output == 4000 ]] ;;
		*' map restore '*)
			[[ $status == 1 && $output == *'exists already'* ]] # nothing was rebooted
			find /sys/fs/bpf -type f ! -name '*.debug' -delete
			run -0 bash -eo pipefail -c "$line"
			;;
		*' map dump '*' --drain '*) [[ $status == 0 && $output == $'4001\n4002' ]] ;;
		*) [[ $status == 0 ]] ;;
		esac
	done < <(examples)
	[[ $("$elfmap" map dump hosts types ipv4:u32) == '10.0.0.2 8443' ]]
}
