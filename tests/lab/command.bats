#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Common to all verbs: help, usage, options, messages, write errors on stdout.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	objects=${BUILD:-$PWD/build}/tests/testdata
	tmp=$BATS_TEST_TMPDIR
}

@test "help lists every verb, on stdout, with status 0" {
	for words in help -h --help; do
		# shellcheck disable=SC2086 # words
		run -0 --separate-stderr "$elfmap" $words
		# shellcheck disable=SC2154 # run sets it
		[[ -z $stderr ]]
		for verb in tc ip exec show check convert decl map version; do
			grep -qE "^  $verb " <<<"$output"
		done
		[[ $output == *"'elfmap VERB --help' describes a verb, 'man elfmap' all of them." ]]
	done
	[[ $("$elfmap" map help) == *"'elfmap map VERB --help' describes a verb, 'man elfmap-map' all of them." ]]
}

@test "-j help is JSON: the verbs, or the usage and options of one" {
	for words in '-j help' '-j --help' 'map -j help' 'cgroup -j -h'; do
		# shellcheck disable=SC2086 # words
		run -0 --separate-stderr "$elfmap" $words
		[[ -z $stderr ]]
		jq -e '.verbs | length > 3 and all(.name and .usage and .summary and (.changes | type) == "boolean")' <<<"$output"
	done
	run -0 --separate-stderr "$elfmap" -j help attach
	[[ $(jq -r '.usage' <<<"$output") == "$("$elfmap" attach --help | sed -n '1s/usage: //p')" && -z $stderr ]]
	jq -e '.options | map(select(.words[0] == "prio"))[0] | .words[1] == "pref" and .value == "P" and .required == false' <<<"$output"
	jq -e '.options | map(select(.words == ["ingress", "egress", "xdp", "xdpgeneric", "xdpdrv"])) | length == 1' <<<"$output"
	[[ $("$elfmap" -j help tc | jq -r '.usage') == 'elfmap tc ARGS...' ]]
}

@test "each verb prints its usage on request, on stdout, with status 0" {
	for verb in show convert check decl version exec; do
		for words in "$verb --help" "help $verb"; do
			# shellcheck disable=SC2086 # words
			run -0 --separate-stderr "$elfmap" $words
			[[ $output == "usage: elfmap $verb"* && -z $stderr ]]
		done
	done
	for verb in list dump; do
		run -0 "$elfmap" map "$verb" --help
		[[ $output == "usage: elfmap map $verb"* ]]
	done
	run -0 "$elfmap" help map
	[[ $output == 'usage: elfmap map '* && $output == *dump* ]]
}

@test "wrong words: one line that names them, the usage line, status 2" {
	while read -r words; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" $words
		echo "$words: $stderr"
		[[ -z $output && -n $stderr && $(grep -c '^usage:' <<<"$stderr") -le 1 ]]
	done <<-END
		nosuch
		--nosuch
		map nosuch
		map
		show
		show a b
		convert a
		map dump
		version more
		exec
	END
	run -2 --separate-stderr "$elfmap" nosuch
	[[ $stderr == "elfmap: nosuch: no such verb; 'elfmap help' lists the verbs" ]]
	run -2 --separate-stderr "$elfmap" --nosuch show
	[[ $stderr == "elfmap: --nosuch: no such option; "* ]]
}

@test "-j and -p are accepted before and after the verb and together; after -- they are arguments" {
	for words in "-j show $objects/shared.o" "show -j $objects/shared.o" "show $objects/shared.o -j"; do
		# shellcheck disable=SC2086 # words
		[[ $("$elfmap" $words | wc -l) == 1 ]]
	done
	for words in "-p show $objects/shared.o" "-jp show $objects/shared.o" "-j -p show $objects/shared.o"; do
		# shellcheck disable=SC2086 # words
		[[ $("$elfmap" $words | wc -l) -gt 5 && $("$elfmap" $words | jq -r '.maps[0].name') == shared_hits ]]
	done
	cp "$objects/shared.o" "$tmp/-j"
	cd "$tmp"
	run -0 "$elfmap" show -- -j
	[[ $output == '-j: licence GPL'* ]]
}

@test "-V, --version and version print the version" {
	for word in version -V --version; do
		[[ $("$elfmap" "$word") == 'elfmap '[0-9]* ]]
	done
}

@test "a write error on stdout is a failure" {
	for words in "show $objects/shared.o" "-j show $objects/shared.o" help version \
		"convert $objects/tailcall.o $tmp/out.o --for tc"; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr bash -c '"$@" >/dev/full' bash "$elfmap" $words
		[[ $stderr == *'elfmap: standard output: No space left on device' ]]
	done
}

@test "control characters in a name are escaped" {
	name=$tmp/$'two\nlines\e[31m'
	run -1 --separate-stderr "$elfmap" show "$name"
	[[ $(wc -l <<<"$stderr") == 1 && $stderr != *$'\e'* && $stderr == "elfmap: $tmp/two?lines?[31m: No such file or directory" ]]
	run -1 --separate-stderr "$elfmap" exec "$name"
	[[ $(wc -l <<<"$stderr") == 1 && $stderr != *$'\e'* ]]
}

@test "without /proc an error is reported only where /proc is needed" {
	# shellcheck disable=SC2016 # for the inner shell
	without_proc=(unshare --mount --propagation private bash -c 'mount -t tmpfs tmpfs /proc; exec "$@"' bash)
	for words in 'tc -V' 'exec true'; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr "${without_proc[@]}" "$elfmap" $words
		[[ $stderr == *'is /proc mounted?' ]]
	done
	run -0 --separate-stderr "${without_proc[@]}" "$elfmap" version
	[[ $output == 'elfmap '* && -z $stderr ]]
}

@test "a message is one write, so that lines of parallel commands do not mix" {
	for words in "map show $tmp/none" "exec $tmp/none"; do
		# shellcheck disable=SC2086 # words
		run -1 strace -qq -o "$tmp/trace" -e trace=write,writev "$elfmap" $words
		[[ $output == "elfmap: $tmp/none: "* && $(grep -c '(2, ' "$tmp/trace") == 1 ]]
	done
}
