#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# With -j the stdout of every verb is JSON: its output, what it did, or why it failed.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; maps.bash and run set variables
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	objects=${BUILD:-$PWD/build}/tests/testdata
}

# does JQ WORD ...: elfmap -j WORD ... succeeds, and its stdout is one JSON text for which JQ is true.
does() {
	"$elfmap" -j "${@:2}" >"$tmp/out"
	cat "$tmp/out"
	[[ $(jq -s length "$tmp/out") == 1 ]]
	jq -e "$1" "$tmp/out" >/dev/null
}

# fails_as STATUS JQ WORD ...: it fails, stdout is an error object for which JQ is true, stderr is as without -j.
fails_as() {
	run --separate-stderr "$elfmap" -j "${@:3}"
	echo "status $status: $output; $stderr"
	[[ $status == "$1" && ${stderr_lines[0]} == 'elfmap: '* ]]
	jq -e '.error | has("object") and has("what") and has("why") and has("command")' <<<"$output" >/dev/null
	jq -e "$2" <<<"$output" >/dev/null
}

@test "json: verbs that are silent without -j print their request or result" {
	create h hash 4 4 8
	create outer array_of_maps 4 4 4 inner_map pinned "$globals/h"
	create q queue 0 4 4
	echo '1 0 0 0  2 0 0 0' >"$tmp/lines"
	does '. == {done: "map set", pin: "h", key_value: ["key", "1", "0", "0", "0", "value", "2", "0", "0", "0"], written: 1}' \
		map set h key 1 0 0 0 value 2 0 0 0
	does '.done == "map set" and .written == 2 and .pin == "h"' map set h types u32:u32 1 2 3 4
	does '.done == "map update" and .exist == true' map update h key 1 0 0 0 value 2 0 0 0 exist
	does '.done == "map del" and .deleted == 1' map del h types u32:u32 3
	does '.done == "map delete"' map delete h key 1 0 0 0
	does '.written == 1' map load h types u32:u32 - <<<'7 8'
	does '.added == 1 and .deleted == 1' map replace h types u32:u32 - <<<'9 8'
	does '.cleared == 1' map clear h
	does '.done == "map push" and .pushed == 2' map push q types :u32 1 2
	does '. == {done: "map pin", map: "h", pin: "h2"}' map pin h h2
	does '.done == "map unpin" and .force == true' map unpin h2 --force
	does '. == {done: "map resize", pin: "h", max: 16}' map resize h 16
	does '.done == "map swap" and .key == ["1"] and .file == "-"' map swap outer 1 - like h </dev/null
	does '.done == "map save" and .maps == 4 and (.text | startswith("# elfmap map save"))' map save --drain
	jq -r .text "$tmp/out" >"$tmp/saved"
	find /sys/fs/bpf -type f ! -name '*.debug' -delete
	does ".maps == 4" map restore "$tmp/saved"
}

@test "json: verbs that print have the same data" {
	create h hash 4 4 8
	create q queue 0 4 4
	"$elfmap" map set h types u32:u32 1 2
	"$elfmap" map push q types :u32 1 2
	does '.[0].id' map list
	does .id map show h
	does '.[0].key' map dump h
	does .key map get h types u32:u32 1
	does .key map lookup h key 1 0 0 0
	does .value map peek q
	does .value map pop q
	does '.rows | length == 1' map watch h count 1
	does 'length > 20' map types
	does '. == []' map diff h types u32:u32 - <<<'1 2'
	does 'type == "array"' map replace h types u32:u32 --dry-run - <<<'1 3'
	does .file show "$objects/shared.o"
	does .ok check "$objects/shared.o"
	does '.done == "decl" and (.source | contains("SEC(\".maps\")"))' decl "$objects/shared.o"
	does '.done == "convert" and .out' convert "$objects/shared.o" "$tmp/out.o"
	does '.commands | startswith("tc exec bpf graft")' convert "$objects/tailcall.o" "$tmp/out.o" --for tc
	does '.version' version
}

@test "json: verbs that load and attach print what was done" {
	ip link add v0 type veth peer name v1
	does '.[0].progs | length == 1' load "$objects/shared.o" sec ingress
	does '.done == "unload"' unload "$objects/shared.o"
	does '.result == "attached"' attach "$objects/shared.o" sec ingress dev v0 ingress
	does .replaced upgrade "$objects/shared.o"
	does '.result == "detached"' detach "$objects/shared.o" sec ingress dev v0 ingress
	echo "load $objects/shared.o" >"$tmp/pipeline"
	does .plan apply "$tmp/pipeline" --dry-run
	does .plan apply "$tmp/pipeline"
	"$elfmap" -j doctor | jq -e 'type == "array"'
	ip link del v0
}

@test "json: a failure of each verb is an error object on stdout" {
	create h hash 4 4 8
	for verb in show unpin dump load replace clear watch check peek pop; do
		fails_as 1 '.error.object == "nosuch"' map "$verb" nosuch
	done
	fails_as 2 '.error.object == "nosuch"' map diff nosuch
	fails_as 1 '.error.object == "nosuch"' map get nosuch 1
	fails_as 1 '.error.object == "nosuch"' map set nosuch 1 2
	fails_as 1 '.error.object == "nosuch"' map del nosuch 1
	fails_as 1 '.error.object == "nosuch"' map push nosuch 1
	fails_as 1 '.error.object == "nosuch"' map pin nosuch x
	fails_as 1 '.error.object == "nosuch"' map resize nosuch 4
	fails_as 1 '.error.object == "nosuch"' map swap nosuch 1 -
	fails_as 1 '.error.object == "nosuch"' map list nosuch
	fails_as 1 '.error.object == "nosuch"' map save nosuch
	fails_as 1 '.error.object == "nosuch"' map restore nosuch
	for words in 'cgroup show' 'cgroup prune'; do
		# shellcheck disable=SC2086 # words
		fails_as 1 '.error.object == "nosuch"' $words nosuch
	done
	fails_as 1 '.error.object == "nosuch"' cgroup clear nosuch 1
	fails_as 1 '.error.object == "/nosuch"' cgroup set nosuch 1 /nosuch
	for verb in show check decl load unload upgrade apply; do
		fails_as 1 '.error.object == "nosuch.o" and (.error.why | length > 0)' "$verb" nosuch.o
	done
	fails_as 1 '.error.object == "nosuch.o"' convert nosuch.o "$tmp/x"
	fails_as 1 '.error.object == "nosuch"' attach nosuch.o dev nosuch ingress
	fails_as 1 '.error.object == "nosuch"' detach nosuch.o dev nosuch ingress
	fails_as 1 '.error.object == "nosuch"' graft nosuch 1 nosuch.o sec x
	fails_as 1 '.error.object == "nosuch"' doctor dev nosuch
}

@test "json: wrong usage is an error object" {
	for words in nosuch 'map nosuch' 'map dump' 'show a b' 'version more' 'map watch h count 0' '-n' 'map cle'; do
		# shellcheck disable=SC2086 # words
		fails_as 2 '.error.why | length > 0' $words
	done
	fails_as 2 '.error == {object: "map watch", what: "count", why: "'"'x'"' is not a number from 1 to 4294967295", command: null}' \
		map watch h count x
	fails_as 2 '.error.command == "elfmap help"' nosuch
	fails_as 1 '.error.command == "ip link"' doctor dev nosuch
}

@test "json: a list that fails half-way is closed, and without a first element it is an error" {
	command -v strace >/dev/null || skip 'strace is not installed'
	create q queue 0 8 8
	pops() { strace -qq -o "$1" -e trace=bpf "${@:2}" "$elfmap" -j map dump q types :u64 --drain; }
	# the number of the Nth pop among the bpf() calls
	nth() { grep -n LOOKUP_AND_DELETE "$tmp/trace" | sed -n "$1s/:.*//p"; }
	"$elfmap" map push q types :u64 1 2 3
	run -0 pops "$tmp/trace"
	jq -e '. == [{value: 1}, {value: 2}, {value: 3}]' <<<"$output"
	"$elfmap" map push q types :u64 1 2 3
	run -1 --separate-stderr pops /dev/null -e "inject=bpf:error=EIO:when=$(nth 3)"
	jq -e '. == [{value: 1}, {value: 2}]' <<<"$output"
	[[ $stderr == 'elfmap: q: Input/output error' ]]
	run -1 --separate-stderr pops /dev/null -e "inject=bpf:error=EIO:when=$(nth 1)"
	jq -e '.error == {object: "q", what: null, why: "Input/output error", command: null}' <<<"$output"
}

@test "json: load of several objects prints the list of all, or the error of the first that fails" {
	does 'length == 2' load "$objects/shared.o" "$objects/tailcall.o"
	"$elfmap" unload --maps "$objects/shared.o" "$objects/tailcall.o"
	fails_as 1 '.error.object == "missing.o"' load "$objects/shared.o" missing.o
	[[ ! -e $globals/shared_hits ]]
}

@test "json: a verb that does only a part of its work prints that part, and fails" {
	create h hash 4 4 8
	create small hash 4 4 8
	"$elfmap" map set h types u32:u32 1 2 3 4
	fails_as 2 '.error.why' map diff h /nosuch
	# shellcheck disable=SC2016 # the inner shell reads it
	run -1 --separate-stderr bash -c '"$1" -j map load h types u32:u32 --keep-going - <<<"1 x" | jq -e .; exit "${PIPESTATUS[0]}"' bash "$elfmap"
	[[ $output == *'"written": 0'* ]]
}

@test "json: a note or a warning is not an error object" {
	create loose array 4 4 4
	does '.error == null' map save
}

@test "json: the version is JSON with -j, wherever -j stands, and so is help" {
	run -0 "$elfmap" -j -V
	[[ $(jq -r .version <<<"$output") == [0-9]* ]]
	run -2 --separate-stderr "$elfmap" -j -X
	[[ $output == '{"error":'* ]]
	run -0 "$elfmap" -j help map set
	[[ $(jq -r .usage <<<"$output") == 'elfmap map set PIN KEY VALUE'* && $output == "$("$elfmap" map -j set --help)" ]]
}
