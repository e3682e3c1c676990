#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The build system: targets of make, dependencies, lint, and an installed tree.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset MAKEFLAGS MAKELEVEL MFLAGS DEPS
}

# A PATH with only the named commands, so that other installed programs are missing.
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

@test "deps: with every package installed it reports so, also the second time" {
	[[ -z $(scripts/deps.sh --list) ]] || skip "missing here: $(scripts/deps.sh --list | paste -sd ' ')"
	for _ in 1 2; do
		run -0 scripts/deps.sh
		[[ $output == 'deps: nothing is missing' ]]
	done
}

@test "deps --list names missing packages and installs nothing" {
	path=$(only bash env make gcc tc)
	run -0 env PATH="$path" scripts/deps.sh --list
	for package in jq shellcheck bats clang perl libclang-rt-dev; do
		grep -qx "$package" <<<"$output"
	done
	for package in make gcc iproute2; do
		run ! grep -qx "$package" <<<"$(PATH=$path scripts/deps.sh --list)"
	done
}

@test "deps: without apt-get it prints the list and succeeds" {
	run -0 env PATH="$(only bash env make gcc)" scripts/deps.sh
	[[ $output == 'deps: missing here, by the names they have in Debian: '*shellcheck* ]]
}

@test "DEPS=no: missing packages are neither installed nor reported" {
	run -0 env DEPS=no PATH="$(only bash env)" scripts/deps.sh
	[[ -z $output ]]
	run -0 make --no-print-directory deps DEPS=no
	[[ -z $output ]]
}

@test "deps: an unknown word is refused" {
	run -2 scripts/deps.sh --lits
	[[ $output == *"'--lits' is neither"* ]]
}

@test "lint refuses a source without a licence or a purpose, and unformatted code" {
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

	# Every C file is compiled, also in a new folder.
	cp Makefile "$tree/"
	mkdir "$tree/examples"
	printf '%s\n/* Nothing. */\nstatic int nothing;\n' "$good" >"$tree/examples/new.c"
	run -1 env BUILD=build "$tree/scripts/lint.sh" gcc
	[[ $output == *'examples/new.c:'*'defined but not used'* ]]
	printf '%s\n/* Nothing. */\nint nothing;\n' "$good" >"$tree/examples/new.c"
	rm "$tree/lib/bad.c"
	run -0 env BUILD=build "$tree/scripts/lint.sh" gcc
}

# called TREE: the command in TREE behaves as the tested one does.
called() {
	local call

	# Without the commit, which may have changed since the build.
	[[ $("$1/elfmap" version | cut -d' ' -f1,2) == "$("$build/elfmap" version | cut -d' ' -f1,2)" ]]
	ln -sf elfmap "$1/tc"
	for call in "$1/tc" "$1/elfmap tc" "$1/elfmap exec tc" "$build/elfmap tc"; do
		# shellcheck disable=SC2086 # words
		[[ $(PATH="$1:$PATH" timeout 5 $call -V) == "$(tc -V)" ]]
	done
	run -2 --separate-stderr "$1/elfmap" exec
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == 'usage: elfmap exec '* ]]
}

# is_dynamic FILE
is_dynamic() {
	readelf -lW "$1" | grep -q INTERP
}

@test "the command behaves the same when linked statically or dynamically, with musl or without" {
	build=${BUILD:-$PWD/build}
	tree=$BATS_TEST_TMPDIR/build
	mkdir "$tree"
	cp -a "$build"/{helpers,lib,libexec} "$tree/"
	for how in MUSL_CC= STATIC=no 'MUSL_CC= STATIC=no'; do
		rm -f "$tree/elfmap" "$tree/libexec/elfmap/elfmap" "$tree/tc"
		# shellcheck disable=SC2086 # words
		make --no-print-directory BUILD="$tree" $how "$tree/elfmap" "$tree/libexec/elfmap/elfmap"
		called "$tree"
		case $how in
		*STATIC=no) is_dynamic "$tree/libexec/elfmap/elfmap" ;;
		esac
	done
	is_dynamic "$tree/elfmap"
	readelf -d "$tree/libexec/elfmap/elfmap" | grep -q libbpf
	run ! grep -qE 'libbpf|libelf' <<<"$(readelf -d "$tree/elfmap")"
}

@test "without static libraries the command is linked dynamically, without an error; STATIC=yes fails" {
	build=${BUILD:-$PWD/build}
	tree=$BATS_TEST_TMPDIR/build
	fake=$BATS_TEST_TMPDIR/fake
	mkdir "$tree" "$fake"
	cp -a "$build"/{helpers,lib,libexec} "$tree/"
	# A libelf.a with undefined symbols, as in Debian 13.
	printf 'void eu_not_there(void);\nvoid *elf_memory(void);\nvoid *elf_memory(void) { eu_not_there(); return 0; }\n' >"$fake/elf.c"
	gcc -c -o "$fake/elf.o" "$fake/elf.c"
	ar rc "$fake/libelf.a" "$fake/elf.o"
	ln -s "$(gcc -print-file-name=libelf.so)" "$fake/"
	link=(make --no-print-directory BUILD="$tree" LDFLAGS="-L$fake" "$tree/elfmap" "$tree/libexec/elfmap/elfmap")
	rm "$tree/libexec/elfmap/elfmap"
	run -2 "${link[@]}" STATIC=yes
	[[ $output == *eu_not_there* ]]
	run -0 "${link[@]}"
	[[ $output != *eu_not_there* ]]
	is_dynamic "$tree/libexec/elfmap/elfmap"
	called "$tree"
}

@test "make names what is missing and how to install it, before a compiler fails" {
	make=(make --no-print-directory BUILD="$BATS_TEST_TMPDIR/build" CLANG=clang CC=gcc)
	path=$(only bash sh env make gcc expr nproc pkg-config)
	run -2 env -u CC PATH="$path" "${make[@]}"
	[[ $output == *'missing here: clang; to install what is needed: make deps.'* && $output != *'o such file'* ]]
	ln -s "$(type -P clang)" "$path/"
	run -2 env PATH="$path" PKG_CONFIG_LIBDIR=/nowhere "${make[@]}"
	[[ $output == *'missing here: libbpf libelf json-c; '*'make deps.'* ]]
	rm "$path"/{gcc,clang,pkg-config}
	run -2 env PATH="$path" "${make[@]}"
	[[ $output == *'missing here: gcc clang pkg-config; '*'make deps.'* ]]
	for target in help clean; do # these compile nothing
		run -0 env PATH="$(only bash sh env make sed expand rm)" "${make[@]}" "$target"
	done
}

# versions FILE: the versions of the libbpf symbols that it needs, the newest last.
versions() {
	readelf --dyn-syms -W "$1" | sed -n 's/.*UND .*@\(LIBBPF_[0-9.]*\).*/\1/p' | sort -Vu
}

@test "the launcher needs no symbol of libbpf or libelf, and the preload none newer than libbpf 1.0" {
	build=${BUILD:-$PWD/build}
	libraries='[ @](bpf|btf|libbpf|ring_buffer|elf|gelf)_[a-z]'
	run ! grep -E "$libraries" <<<"$(nm "$build/elfmap")"
	grep -qE "$libraries" <<<"$(nm "$build/libexec/elfmap/elfmap")"
	run ! grep -E 'lib(bpf|elf)' <<<"$(readelf -d "$build/elfmap")"
	[[ -n $(versions "$build/libexec/elfmap/preload.so") ]]
	[[ $( (versions "$build/libexec/elfmap/preload.so" && echo LIBBPF_1.0.0) | sort -V | tail -1) == LIBBPF_1.0.0 ]]
}

relocations() {
	readelf -rW "$1" | grep -c _RELATIVE
}

@test "the preload has few relocations: each one costs every tc that is started" {
	nr=$(relocations "${BUILD:-$PWD/build}/libexec/elfmap/preload.so")
	((nr > 0 && nr <= 16))
	(($(relocations "$(command -v bash)") > 16))
}

@test "lint refuses includes that run upwards, and libbpf in base/ and launcher/" {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree"/{scripts,launcher,helpers,lib/base,lib/pins,lib/load}
	cp scripts/lint.sh "$tree/scripts/"
	printf '#include "pins/pin.h"\n#include "base/msg.h"\n#include <bpf/bpf.h>\n' >"$tree/lib/load/load.c"
	printf '#include "base/msg.h"\n#include "load/load.h"\n#include "helpers/command.h"\n' >"$tree/helpers/good.c"
	printf '#include "base/msg.h"\n#include "launcher/launcher.h"\n#include <elf.h>\n' >"$tree/launcher/good.c"
	run -0 "$tree/scripts/lint.sh" arrows
	while read -r file include; do
		printf '#include %s\n' "$include" >"$tree/$file"
		run -1 "$tree/scripts/lint.sh" arrows
		[[ $output == *"$file: includes "*"${include//[<>\"]/}"* && $(grep -c ': includes ' <<<"$output") == 1 ]]
		rm "$tree/$file"
	done <<-END
		lib/pins/bad.c "load/load.h"
		lib/load/bad.c "helpers/command.h"
		helpers/bad.c "launcher/launcher.h"
		launcher/bad.c "helpers/complain.h"
		launcher/bad.c <bpf/libbpf.h>
		lib/base/bad.c <bpf/btf.h>
		lib/base/bad.h <gelf.h>
		lib/base/bad.c <libelf.h>
	END
}

@test "install: the tree below DESTDIR works, and uninstall removes it" {
	dest=$BATS_TEST_TMPDIR/dest
	run -0 make --no-print-directory install DESTDIR="$dest" PREFIX=/usr
	for file in bin/elfmap libexec/elfmap/elfmap libexec/elfmap/preload.so libexec/elfmap/bin/tc libexec/elfmap/bin/ip \
		include/bpf_elf.h include/bpf_api.h include/elfmap/elfmap.h lib/libelfmap.so lib/libelfmap.a \
		lib/pkgconfig/elfmap.pc share/elfmap/dst_stats.o share/bash-completion/completions/elfmap \
		share/man/man8/elfmap.8 share/man/man3/elfmap_object__read.3; do
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
	[[ ! -e $dest ]]
}

@test "uninstall leaves files that are not its own" {
	dest=$BATS_TEST_TMPDIR/dest
	mkdir -p "$dest/usr/bin" "$dest/usr/lib/pkgconfig" "$dest/usr/share/man/man8"
	touch "$dest/usr/bin/other" "$dest/usr/share/man/man8/other.8"
	(cd "$dest" && find .) >"$BATS_TEST_TMPDIR/before"
	for _ in 1 2; do # an installation over another one changes nothing
		make --no-print-directory install DESTDIR="$dest" PREFIX=/usr
	done
	make --no-print-directory uninstall DESTDIR="$dest" PREFIX=/usr
	(cd "$dest" && find .) | diff "$BATS_TEST_TMPDIR/before" -

	make --no-print-directory install DESTDIR="$dest" PREFIX=/usr
	: >"$dest/usr/include/elfmap/mine.h"
	make --no-print-directory uninstall DESTDIR="$dest" PREFIX=/usr
	[[ $(find "$dest/usr/include") == "$dest/usr/include"$'\n'"$dest/usr/include/elfmap"$'\n'"$dest/usr/include/elfmap/mine.h" ]]
	rm -r "$dest/usr/include"
	(cd "$dest" && find .) | diff "$BATS_TEST_TMPDIR/before" -

	run -2 make --no-print-directory uninstall DESTDIR="$dest" PREFIX=/usr
	[[ $output == *'nothing is installed here'* ]]
}

@test "install: each kind of file has a directory variable" {
	dest=$BATS_TEST_TMPDIR/dest
	dirs=(BINDIR=/a/bin LIBDIR=/b/lib LIBEXECDIR=/a/libexec INCLUDEDIR=/c/include DATADIR=/d/share MANDIR=/e/man
		BASHCOMPDIR=/f/completions PKGCONFIGDIR=/g/pkgconfig)
	make --no-print-directory install DESTDIR="$dest" "${dirs[@]}"
	for file in a/bin/elfmap b/lib/libelfmap.so.0 a/libexec/elfmap/bin/tc c/include/bpf_elf.h d/share/elfmap/dst_stats.o \
		e/man/man8/elfmap.8 e/man/man3/elfmap_sha1.3 f/completions/elfmap g/pkgconfig/elfmap.pc; do
		[[ -e $dest/$file ]]
	done
	[[ ! -e $dest/usr ]]
	"$dest/a/libexec/elfmap/bin/tc" -V
	"$dest/a/bin/elfmap" -V
	run -2 make --no-print-directory install DESTDIR="$dest/other" "${dirs[@]}" LIBEXECDIR=/z/libexec
	[[ $output == *'LIBEXECDIR: must be /a/bin/../libexec'* && ! -e $dest/other ]]
	make --no-print-directory uninstall DESTDIR="$dest" "${dirs[@]}"
	[[ ! -e $dest ]]
}

@test "the version is that of the Makefile, with the commit in a repository" {
	# shellcheck disable=SC2016 # for make
	version=$(make -s --eval='value-of: ; @echo $(VERSION)' value-of)
	build=${BUILD:-$PWD/build}
	for word in version -V --version; do
		[[ $("$build/elfmap" "$word") == "elfmap $(cat "$build/version")" ]]
	done
	[[ $(cat "$build/version") == "$version" || $(cat "$build/version") =~ ^"$version ("[0-9a-f]{12}(-dirty)?")"$ ]]

	tree=$BATS_TEST_TMPDIR/tarball
	mkdir "$tree"
	cp Makefile "$tree/"
	make -s -C "$tree" BUILD=build build/version
	[[ $(cat "$tree/build/version") == "$version" ]]
	git -C "$tree" init -q
	git -C "$tree" -c user.name=test -c user.email=test@localhost commit -q --allow-empty -m test
	make -s -C "$tree" BUILD=build build/version
	[[ $(cat "$tree/build/version") == "$version ($(git -C "$tree" rev-parse --short=12 HEAD))" ]]
}
