#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The house around the code: make's targets, the set-up, lint, and an installed tree.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset MAKEFLAGS MAKELEVEL MFLAGS DEPS
}

# A PATH on which nothing is but the commands named: what is installed elsewhere is not there.
only() {
	local tool

	mkdir -p "$BATS_TEST_TMPDIR/bin"
	for tool in "$@"; do
		ln -sf "$(type -P "$tool")" "$BATS_TEST_TMPDIR/bin/"
	done
	printf '%s\n' "$BATS_TEST_TMPDIR/bin"
}

@test "make help lists every target that the Makefile promises" {
	run -0 make help
	for target in all deps demo check lint bench fuzz vm-check install uninstall clean help; do
		grep -qE "^ +$target +[a-z]" <<<"$output"
	done
	run ! grep -q nosuchtarget <<<"$output"
}

@test "deps: with everything there it says so, twice" {
	[[ -z $(scripts/deps.sh --list) ]] || skip "missing here: $(scripts/deps.sh --list | paste -sd ' ')"
	for _ in 1 2; do
		run -0 scripts/deps.sh
		[[ $output == 'deps: nothing is missing' ]]
	done
}

@test "deps --list names what is missing and installs nothing" {
	path=$(only bash env make gcc tc)
	run -0 env PATH="$path" scripts/deps.sh --list
	for package in jq shellcheck bats clang perl libclang-rt-dev; do
		grep -qx "$package" <<<"$output"
	done
	for package in make gcc iproute2; do
		run ! grep -qx "$package" <<<"$(PATH=$path scripts/deps.sh --list)"
	done
}

@test "deps: without apt-get it prints the list and goes on" {
	run -0 env PATH="$(only bash env make gcc)" scripts/deps.sh
	[[ $output == 'deps: missing here, by the names they have in Debian: '*shellcheck* ]]
}

@test "DEPS=no: nothing is done or said, whatever is missing" {
	run -0 env DEPS=no PATH="$(only bash env)" scripts/deps.sh
	[[ -z $output ]]
	run -0 make --no-print-directory deps DEPS=no
	[[ -z $output ]]
}

@test "deps: a word it does not know is refused" {
	run -2 scripts/deps.sh --lits
	[[ $output == *"'--lits' is neither"* ]]
}

@test "lint refuses a source without licence or purpose, and code that is not in format" {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/scripts" "$tree/lib"
	cp scripts/lint.sh "$tree/scripts/"
	cp .clang-format .shellcheckrc "$tree/"
	good='/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */'
	printf '%s\n/* Nothing. */\nint nothing;\n' "$good" >"$tree/lib/good.c"
	run -0 "$tree/scripts/lint.sh" headers clang-format shellcheck
	[[ $output == *'all content: 1 C files, 1 shell files'* ]]

	printf '/* Nothing. */\nint nothing;\n' >"$tree/lib/bad.c"
	run -1 "$tree/scripts/lint.sh" headers
	[[ $output == *'lib/bad.c: the first line names no licence'* ]]
	printf '%s\nint nothing;\n' "$good" >"$tree/lib/bad.c"
	run -1 "$tree/scripts/lint.sh" headers
	[[ $output == *'lib/bad.c: no comment'* ]]
	printf '/* SPDX-License-Identifier: GPL-2.0-only */\n/* Nothing. */\nint   nothing;\n' >"$tree/lib/bad.c"
	run -1 "$tree/scripts/lint.sh" clang-format headers
	[[ $output == *'lib/bad.c: not a program for the kernel'* ]]
	[[ $output == *'lint: FAILED: clang-format headers'* ]]
}

@test "with shared libraries, and without musl, the command is a plain one and does the same" {
	build=${BUILD:-$PWD/build}
	tree=$BATS_TEST_TMPDIR/build
	mkdir "$tree"
	cp -a "$build"/{helpers,launcher,lib,libexec} "$tree/"
	for how in MUSL_CC= STATIC=no; do
		rm -rf "$tree/elfmap" "$tree/tc"
		make --no-print-directory BUILD="$tree" "$how" "$tree/elfmap"
		[[ ! -e $tree/start.o && $(nm "$tree/elfmap") != *elfmap_start* ]]
		[[ $("$tree/elfmap" version) == "$("$build/elfmap" version)" ]]
		ln -s elfmap "$tree/tc"
		for call in "$tree/tc" "$tree/elfmap tc" "$tree/elfmap exec tc" "$build/elfmap tc"; do
			# shellcheck disable=SC2086 # words
			[[ $(PATH="$tree:$PATH" timeout 5 $call -V) == "$(tc -V)" ]]
		done
		run -2 --separate-stderr "$tree/elfmap" exec
		# shellcheck disable=SC2154 # run sets it
		[[ $stderr == 'usage: elfmap exec '* ]]
	done
	readelf -d "$tree/elfmap" | grep -q libbpf
}

@test "install: the tree below DESTDIR works, and uninstall empties it" {
	dest=$BATS_TEST_TMPDIR/dest
	run -0 make --no-print-directory install DESTDIR="$dest" PREFIX=/usr
	for file in bin/elfmap libexec/elfmap/preload.so libexec/elfmap/bin/tc libexec/elfmap/bin/ip \
		include/bpf_elf.h share/elfmap/dst_stats.o share/bash-completion/completions/elfmap; do
		[[ -e $dest/usr/$file ]]
	done
	cd /
	run -0 "$dest/usr/bin/elfmap" version
	[[ $output == 'elfmap '[0-9]* ]]
	run -0 "$dest/usr/bin/elfmap" show "$dest/usr/share/elfmap/dst_stats.o"
	[[ $output == *dst_stats* ]]

	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	"$dest/usr/bin/elfmap" tc filter add dev v0 ingress bpf da obj "$dest/usr/share/elfmap/dst_stats.o" sec ingress
	[[ -e /sys/fs/bpf/tc/globals/dst_stats ]]
	tc filter show dev v0 ingress | grep -qF 'dst_stats.o:[ingress]'

	make --no-print-directory -C "$BATS_TEST_DIRNAME/../.." uninstall DESTDIR="$dest" PREFIX=/usr
	[[ -z $(find "$dest" -type f) ]]
}
