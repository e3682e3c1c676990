#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The tail-call parser in use: loaded by tc, its stages replaced by `elfmap graft` under traffic, a stage from
# outside of this tree added. tests/prog/parser_test.c tests single frames.

# shellcheck disable=SC2154 # flood.bash and run set them
bats_require_minimum_version 1.5.0

load flood.bash

progs=/sys/fs/bpf/tc/progs

setup() {
	setup_flood
	parser=$build/tc-progs/parser.o
	twins=$build/tests/testdata/parser_twins.o
}

teardown() {
	teardown_flood
}

attach() {
	on blue "$elfmap" tc filter add dev v1 ingress bpf da obj "$parser" sec classifier
}

# flow_packets: packets of the flows to the flood's port, summed over the CPUs.
flow_packets() {
	"$elfmap" -j map dump parser_flows4 | jq '[.[] | select(.key.dport == 9000) | .value.packets] | add // 0'
}

all_packets() {
	"$elfmap" -j map dump parser_flows4 | jq '[.[].value.packets] | add // 0'
}

twin_ran() {
	"$elfmap" -j map dump twin_ran sum | jq ".[$1].value"
}

ends() {
	"$elfmap" -j map dump parser_ends sum | jq -c '.[0].value | with_entries(select(.value != 0))'
}

empty() {
	"$elfmap" -j map dump parser_empty sum | jq -c 'map({(.key): .value}) | add // {}'
}

# frame BYTES-IN-HEX...: a file with an Ethernet frame of type IPv4.
frame() {
	local hex

	printf -v hex '%s' 0200000000010200000000020800 "$@"
	# shellcheck disable=SC2059,SC2001 # the bytes are the format
	printf "$(sed 's/../\\x&/g' <<<"$hex")" >"$tmp/frame"
}

# udp SPORT DPORT PAYLOAD-IN-HEX: the frame of a UDP packet from 192.0.2.1 to 198.51.100.2.
udp() {
	local length=$((8 + ${#3} / 2))

	frame "$(printf '4500%04x000000004011%04xc0000201c6336402' $((20 + length)) 0)" \
		"$(printf '%04x%04x%04x0000' "$1" "$2" "$length")" "$3"
}

run_frame() {
	bpftool prog run pinned $progs/parser/parser data_in "$tmp/frame" repeat "${1-1}" >/dev/null
}

@test "a tc without libbpf can load parser, parser_percpu and parser_quic" {
	for object in parser parser_percpu parser_quic; do
		run -0 "$elfmap" check --old-tc "$build/tc-progs/$object.o"
		[[ $output == *'a tc without libbpf takes it'* ]]
	done
}

@test "every packet is counted once: flows by address and ports, others by reason" {
	attach
	run -0 "$flood" from red to 10.9.0.2 port 9000 rate 20000 packets 5000 at blue
	assert_lossless
	[[ $(flow_packets) == 5000 && $(empty) == '{}' ]]
	run -0 "$elfmap" map dump parser_flows4
	[[ $output == *'{ src 10.9.0.1 dst 10.9.0.2 sport '*' dport 9000 protocol PARSER_PROTO_UDP } { packets 5000 bytes '* ]]
	# Without the filter nothing is counted.
	on blue tc filter del dev v1 ingress
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 100 at blue
	[[ $(flow_packets) == 5000 ]]
}

@test "a missing stage is counted by its slot, and its packets are not lost" {
	attach
	"$elfmap" graft parser_stages ipv4 --empty
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 1000 at blue
	assert_lossless
	[[ $(empty | jq .PARSER_IPV4) == 1000 && $(flow_packets) == 0 ]]
	"$elfmap" graft parser_stages ipv4 "$parser" sec 0x70/3
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 1000 at blue
	[[ $(empty | jq .PARSER_IPV4) == 1000 && $(flow_packets) == 1000 ]]
}

@test "1000 grafts under traffic: no packet is lost, and each meets the old stage or the new one" {
	attach
	cat >"$tmp/grafts" <<-END
		#!/bin/sh -e
		i=0
		while [ \$i -lt 500 ]; do
			$elfmap graft parser_stages udp $twins sec odd
			$elfmap graft parser_stages udp $twins sec even
			i=\$((i + 1))
		done
	END
	chmod +x "$tmp/grafts"
	"$elfmap" graft parser_stages udp "$twins" sec even
	run -0 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 rate 60000 packets 60000 at blue -- "$tmp/grafts"
	assert_lossless
	((60000 <= $(report .sent)))
	[[ $(report .sent) == "$(flow_packets)" && $(empty) == '{}' ]]
	[[ $(report .sent) == $(($(twin_ran 0) + $(twin_ran 1))) ]]
	(($(twin_ran 0) > 1000 && $(twin_ran 1) > 1000)) # both stages have run
	# Restore the parser's own stage.
	"$elfmap" graft parser_stages udp "$parser" sec 0x70/12
	before=$(($(twin_ran 0) + $(twin_ran 1)))
	run -0 "$flood" from red to 10.9.0.2 port 9000 packets 1000 at blue
	[[ $(($(twin_ran 0) + $(twin_ran 1))) == "$before" ]]
}

@test "1000 removals and grafts under traffic: each packet is counted in a flow or as missing the stage" {
	attach
	cat >"$tmp/grafts" <<-END
		#!/bin/sh -e
		i=0
		while [ \$i -lt 500 ]; do
			$elfmap graft parser_stages udp --empty
			$elfmap graft parser_stages udp $parser sec 0x70/12
			i=\$((i + 1))
		done
	END
	chmod +x "$tmp/grafts"
	run -0 --separate-stderr "$flood" from red to 10.9.0.2 port 9000 rate 60000 packets 60000 at blue -- "$tmp/grafts"
	assert_lossless
	missed=$(empty | jq '.PARSER_UDP')
	((missed > 1000 && $(flow_packets) > 1000))
	[[ $(report .sent) == $((missed + $(flow_packets))) ]]
}

@test "the QUIC stage counts kinds of packets, and the flow is still counted" {
	id=0123456789abcdef
	"$elfmap" load "$parser" >/dev/null
	udp 50000 443 c00000000108$id
	run_frame
	[[ ! -e $globals/quic_packets && $(all_packets) == 1 && $(ends) == '{}' ]]
	"$elfmap" graft parser_stages udp_payload "$build/tc-progs/parser_quic.o" sec quic
	runs=0
	while read -r kind sport dport payload; do
		udp "$sport" "$dport" "$payload"
		before=$("$elfmap" -j map dump quic_packets sum | jq ".[0].value.$kind")
		run_frame 3
		runs=$((runs + 3))
		[[ $("$elfmap" -j map dump quic_packets sum | jq ".[0].value.$kind") == $((before + 3)) ]]
		[[ $("$elfmap" -j map dump quic_packets sum | jq '[.[0].value[]] | add') == "$runs" ]]
		[[ $(all_packets) == $((runs + 1)) && $(ends) == '{}' ]]
	done <<-END
		initial 50000 443 c00000000108$id
		zero_rtt 50000 443 d00000000108$id
		handshake 443 50000 e00000000108$id
		retry 443 50000 f00000000108$id
		initial 50000 4433 d06b3343cf08$id
		retry 50000 4433 c06b3343cf08$id
		handshake 50000 4433 f06b3343cf08$id
		negotiation 443 50000 800000000008$id
		other_version 50000 443 c0ff00001d08$id
		short_header 50000 443 41$id
		no_quic 50000 53 41$id
		no_quic 50000 443 800000000115$id
		no_quic 50000 443 01$id
		no_quic 50000 443 c00000
	END
	"$elfmap" graft parser_stages udp_payload --empty
	run_frame
	[[ $("$elfmap" -j map dump quic_packets sum | jq '[.[0].value[]] | add') == "$runs" ]]
}

@test "the two variants cannot be mixed: the second load is refused with the reason" {
	attach
	run -1 --separate-stderr on red "$elfmap" tc filter add dev v0 ingress bpf da obj "$build/tc-progs/parser_percpu.o" sec classifier
	[[ $stderr == *"map 'parser_flows4': differs from its pin in type"* ]]
}

@test "a stage that is compiled with the installed headers alone can be grafted" {
	make --no-print-directory --silent install DESTDIR="$tmp/root"
	# As in the manual page.
	compile=$(sed -n '/^\$ clang/,/^\.Ed/{s/^\$ //; s/\\e$/\\/; /^\.Ed/d; p}' man/elfmap-graft.8)
	[[ $compile == *-c\ parser_quic.c ]]
	cd "$tmp/root/usr/local/share/elfmap" || return 1
	rm parser_quic.o
	bash -exc "${compile/' /usr/local/'/" $tmp/root/usr/local/"}"
	"$elfmap" load "$parser" >/dev/null
	"$elfmap" graft parser_stages udp_payload parser_quic.o sec quic
	udp 50000 443 c000000001080123456789abcdef
	run_frame
	[[ $("$elfmap" -j map dump quic_packets sum | jq '.[0].value.initial') == 1 && $(all_packets) == 1 ]]
}

@test "the examples of elfmap-graft(8) print what the page shows" {
	ip link add eth0 type veth peer name eth1
	commands=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAGNOSTICS/s/^# //p' man/elfmap-graft.8)
	[[ $(wc -l <<<"$commands") == 7 ]]
	cd "$build/tc-progs" || return 1
	while IFS= read -r command; do
		echo "# $command"
		PATH=$(dirname "$elfmap"):$PATH bash -eo pipefail -c "$command"
	done <<<"$commands"
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	run -0 "$elfmap" map dump parser_stages
	[[ $output == *PARSER_GRE* && $output == *PARSER_UDP_PAYLOAD* ]]
	ip link del eth0
}
