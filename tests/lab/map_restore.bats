#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map restore`: all pins or none.

# shellcheck disable=SC2086,SC2154 # run and maps.bash set variables, of one word
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
}

# ---- all or nothing ---------------------------------------------------------------------------------

@test "restore --replace: a failure at any pin leaves all pins as they were" {
	local call n walked=0

	command -v strace >/dev/null || skip 'strace is not installed'
	for name in a b c; do
		create $name hash 4 4 4
		map set $name hex 01 00 00 00 hex 0a 00 00 00
	done
	map save >"$tmp/saved"
	for name in a b c; do map set $name hex 01 00 00 00 hex 0b 00 00 00; done
	ids=$("$elfmap" -j map list | jq -c '[.[].id] | sort')
	for call in rename,renameat,renameat2 chmod,fchmodat chown,fchownat,lchown; do
		for ((n = 1; n < 20; n++)); do
			strace -qq -o "$tmp/trace" -e "trace=$call" -e "inject=$call:error=EIO:when=$n" \
				"$elfmap" map restore "$tmp/saved" --replace >"$tmp/out" 2>&1 && break
			[[ $(<"$tmp/out") == *'; nothing was restored' ]] || { cat "$tmp/out"; false; }
			[[ $("$elfmap" -j map list | jq -c '[.[].id] | sort') == "$ids" ]] || { echo "$call $n"; false; }
			[[ $(ls $globals) == $'a\nb\nc' ]]
			((++walked))
		done
		[[ $(map dump c) == *'0a 00 00 00' ]] # the last run had no failure
		for name in a b c; do map set $name hex 01 00 00 00 hex 0b 00 00 00; done
		ids=$("$elfmap" -j map list | jq -c '[.[].id] | sort')
	done
	((walked >= 9))
}

@test "restore: two sections for one pin are refused, in any spelling" {
	create a hash 4 4 4
	create b hash 4 4 4
	map save >"$tmp/saved"
	rm $globals/a $globals/b
	for word in globals/a a $globals/a; do
		sed "s,^pin globals/b ,pin $word ," "$tmp/saved" >"$tmp/two"
		fails 1 "pin $word is in the map of line " restore "$tmp/two"
		[[ -z $(ls $globals) ]]
	done
	map restore "$tmp/saved"
}
