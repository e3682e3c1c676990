#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap map save` and `restore`: files, all pins or none, contents of running maps.

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

# The delay is between the pin and its mode.
@test "restore: the file behind a link that takes a pin's place keeps its mode" {
	command -v strace >/dev/null || skip 'strace is not installed'
	create a hash 4 4 4
	chmod 666 $globals/a
	map save >"$tmp/saved"
	rm $globals/a
	echo secret >"$tmp/target"
	chmod 600 "$tmp/target"
	(
		until [[ -e $globals/a ]]; do :; done
		ln -sf "$tmp/target" $globals/a
	) 3>&- &
	run strace -f -qq -o /dev/null -e trace=bpf -e inject=bpf:delay_exit=200000 "$elfmap" map restore "$tmp/saved"
	wait
	[[ $status == 1 && $output == *'its owner and mode cannot be set: '* ]]
	[[ $(stat -c '%a %U' "$tmp/target") == '600 root' ]]
	rm -f $globals/a
	map restore "$tmp/saved"
	[[ $(stat -c %a $globals/a) == 666 ]]
}

# ---- map save -o, --stable --------------------------------------------------------------------------

@test "save -o: the file is there as a whole, or not at all" {
	create a hash 4 4 4
	map set a hex 01 00 00 00 hex 0a 00 00 00
	map save -o "$tmp/saved"
	[[ $(stat -c %a "$tmp/saved") == $(printf %o $((0666 & ~$(umask)))) ]]
	cp "$tmp/saved" "$tmp/first"
	rm $globals/a
	map restore "$tmp/saved"
	[[ $(map dump a) == 'hex 01 00 00 00 hex 0a 00 00 00' ]]
	fails 1 'cannot be created' save -o "$tmp/nosuch/saved"
	[[ $("$elfmap" -j map save -o "$tmp/json" | jq -c '[.done, .o, .maps, .text]') == "[\"map save\",\"$tmp/json\",1,null]" ]]
	command -v strace >/dev/null || skip 'strace is not installed'
	map clear a >/dev/null
	for inject in write:error=ENOSPC write:signal=KILL fsync:error=EIO rename:error=EACCES; do
		run strace -qq -o /dev/null -e "trace=${inject%%:*}" -e "inject=$inject:when=1" "$elfmap" map save -o "$tmp/saved"
		[[ $status != 0 ]]
		cmp "$tmp/saved" "$tmp/first"
		[[ $inject == *KILL || $(ls "$tmp"/saved*) == "$tmp/saved" ]] || { ls "$tmp"; false; }
		rm -f "$tmp"/saved.*
	done
}

@test "save --stable: the same maps make the same text, in the order of pins and keys" {
	create b hash 4 4 64
	create a hash 4 4 64
	for i in $(shuf -i 10-40); do map set b hex 0$((i % 10)) 00 00 $i hex 01 00 00 00; done
	map save --stable >"$tmp/one"
	map clear b >/dev/null
	for i in $(shuf -i 10-40); do map set b hex 0$((i % 10)) 00 00 $i hex 01 00 00 00; done
	map save --stable >"$tmp/two"
	diff "$tmp/one" "$tmp/two"
	[[ $(head -n 1 "$tmp/one") == '# elfmap map save' && $(grep '^map ' "$tmp/one" | xargs) == 'map globals/a map globals/b' ]]
	rm $globals/a $globals/b
	map restore "$tmp/one"
	map save --stable | diff - "$tmp/one"
}

@test "save: only the types of keys and values, and neither versions of upgrades nor notes" {
	"$elfmap" load build/tests/testdata/annotated.o
	mkdir -p $tc_dir/generations/x $tc_dir/elfmap
	bpftool map create $tc_dir/generations/x/old type hash key 4 value 4 entries 1 name old
	bpftool map create $tc_dir/elfmap/note type hash key 4 value 4 entries 1 name note
	map save >"$tmp/saved"
	[[ $(grep '^map ' "$tmp/saved") == 'map globals/flows' ]]
	sed -n 's/^btf [0-9]* [0-9]* //p' "$tmp/saved" | base64 -d >"$tmp/btf"
	grep -aq flow_key "$tmp/btf"
	run ! grep -aqE 'annotated\.c|license|classifier|/' "$tmp/btf"
	before=$(map dump flows)
	rm -r $tc_dir
	map restore "$tmp/saved"
	[[ $(map dump flows) == "$before" && $(bpftool -j map show pinned $globals/flows | jq .btf_id) != null ]]
}

@test "restore: files with and without a version, and a newer one" {
	create a hash 4 4 4
	map save >"$tmp/saved"
	rm $globals/a
	sed 's/ version 1$//' "$tmp/saved" >"$tmp/older"
	map restore "$tmp/older"
	rm $globals/a
	sed 's/ version 1$/ version 2/' "$tmp/saved" >"$tmp/newer"
	fails 1 'version 2 of the format is newer than this elfmap reads' restore "$tmp/newer"
	[[ ! -e $globals/a ]]
}

# ---- contents of running maps -----------------------------------------------------------------------

# two_maps: a and b, saved, then changed
two_maps() {
	create a hash 4 4 8
	create b lpm_trie 8 4 8 flags 1
	map set a 1.1.1.1 0.0.0.1 2.2.2.2 0.0.0.2
	map set b 10.0.0.0/8 0.0.0.3
	map save -o "$tmp/saved"
	map set a 1.1.1.1 0.0.0.9 3.3.3.3 0.0.0.9
	map del a 2.2.2.2
	map set b 10.9.0.0/16 0.0.0.9
	map dump a | sort >"$tmp/a" && map dump b | sort >"$tmp/b"
	ids=$("$elfmap" -j map list | jq -c '[.[].id] | sort')
}

unchanged() {
	map dump a | sort | diff "$tmp/a" - && map dump b | sort | diff "$tmp/b" -
}

@test "restore --contents: entries go into the running maps, with a dry run before" {
	two_maps
	map restore "$tmp/saved" --contents --dry-run >"$tmp/plan"
	[[ $(grep -c '^[-+]hex' "$tmp/plan") == 4 && $(grep '^map ' "$tmp/plan" | xargs) == 'map globals/a map globals/b' ]]
	grep -qx -- '-10.9.0.0/16 hex 00 00 00 09' "$tmp/plan"
	[[ $(map -j restore "$tmp/saved" --contents --dry-run | jq -c '[.[] | [.map, (.differences | length)]]') == \
		'[["globals/a",3],["globals/b",1]]' ]]
	unchanged
	[[ $(map -j restore "$tmp/saved" --contents | jq -c '[.[] | [.map, .added, .changed, .deleted]]') == \
		'[["globals/a",1,1,1],["globals/b",0,0,1]]' ]]
	[[ $(map dump b) == '10.0.0.0/8 hex 00 00 00 03' && $(entries a) == 2 ]]
	[[ $("$elfmap" -j map list | jq -c '[.[].id] | sort') == "$ids" ]] # the maps are the same
	map restore "$tmp/saved" --contents --dry-run >"$tmp/plan"
	run ! grep '^[-+]' "$tmp/plan"
	map restore - --contents <"$tmp/saved"
}

@test "restore --contents: a line, a map or a form that is wrong changes nothing" {
	two_maps
	sed '/^10\.0\.0\.0/s/hex.*/hex 00/' "$tmp/saved" >"$tmp/line"
	run -1 --separate-stderr "$elfmap" map restore "$tmp/line" --contents
	[[ $stderr == *': '*'nothing was changed'* ]]
	unchanged
	sed '/^10\.0\.0\.0/{p;s/03$/04/;s/10.0.0.0/10.1.1.1/}' "$tmp/saved" >"$tmp/twice"
	run -1 --separate-stderr "$elfmap" map restore "$tmp/twice" --contents
	[[ ${stderr_lines[0]} == *'the key is in line '*' with another value' ]]
	unchanged
	mv $globals/b $globals/c
	fails 1 'no pin at' restore "$tmp/saved" --contents
	create b hash 4 4 8
	fails 1 'another type or other sizes' restore "$tmp/saved" --contents
	rm $globals/b && mv $globals/c $globals/b
	unchanged
	fails 2 'dry-run' restore "$tmp/saved" --dry-run
	fails 2 'contents' restore "$tmp/saved" --contents --replace
	create q queue 0 4 4
	map save --drain >"$tmp/queue"
	fails 1 'cannot be replaced' restore "$tmp/queue" --contents
	unchanged
}
