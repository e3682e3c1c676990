#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# libelfmap as other programs use it: installed below a prefix, found by pkg-config, linked shared and static, from
# C and C++. elfmap.h, lib/libelfmap.map and man3 list the same functions.

# shellcheck disable=SC2016,SC2154 # not for the shell; run sets them
bats_require_minimum_version 1.5.0

setup_file() {
	export build=${BUILD:-$PWD/build} prefix=$BATS_FILE_TMPDIR/prefix
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
	make --no-print-directory install PREFIX="$prefix" >/dev/null
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	tmp=$BATS_TEST_TMPDIR
}

# build_program OUTPUT SOURCE LINKAGE...: uses only the flags of pkg-config, and $compiler if it is set.
build_program() {
	local static=() compiler=${compiler:-cc}

	[[ " ${*:3} " != *' -static '* ]] || static=(--static)
	# shellcheck disable=SC2046,SC2086 # words
	$compiler -Wall -Wextra -Werror "${@:3}" -c -o "$1.o" "$2" $(pkg-config "${static[@]}" --cflags elfmap libbpf)
	# shellcheck disable=SC2046 # words
	${compiler%% *} "${@:3}" -o "$1" "$1.o" $(pkg-config "${static[@]}" --libs elfmap libbpf)
}

# Can libelf and libbpf be linked statically? Not on Debian 13, whose libelf.a needs a library that is not packaged.
links_statically() {
	echo 'int main(void) { return 0; }' >"$tmp/empty.c"
	# shellcheck disable=SC2046 # words
	cc -static -Wl,-u,elf_memory,-u,bpf_object__open_mem -o "$tmp/empty" "$tmp/empty.c" \
		$(pkg-config --static --libs libbpf libelf) 2>/dev/null
}

# The functions declared in the header.
declared() {
	grep -oE '\belfmap_[a-z0-9_]+\(' "$prefix/include/elfmap/elfmap.h" | tr -d '(' | sort -u | grep -vx elfmap_has
}

readme_example() {
	# shellcheck disable=SC2016 # these are marks of Markdown
	sed -n '/^## Use it as a library/,/^## How/p' README.md | sed -n '/^```c$/,/^```$/{//!p}'
}

# uses PROGRAM: PROGRAM reads and loads an object, and refuses a file that is not an object.
uses() {
	LD_LIBRARY_PATH=$prefix/lib run -0 --separate-stderr "$1" "$build/tc-progs/dst_stats.o"
	[[ $output == $'dst_stats: percpu_hash, 4096 entries\ndst_errs: percpu_array, 5 entries' && -z $stderr ]]
	LD_LIBRARY_PATH=$prefix/lib run -1 --separate-stderr "$1" /dev/null
	[[ $stderr == 'not loaded: is not a regular file' ]]
}

@test "the library exports what its header declares and its version script lists, and nothing else" {
	declared >"$tmp/declared"
	[[ $(wc -l <"$tmp/declared") == 21 ]]
	nm -D --defined-only "$prefix/lib/libelfmap.so" | awk '$2 != "A" { sub(/@@LIBELFMAP_0.1$/, "", $3); print $3 }' |
		sort | diff "$tmp/declared" -
	sed -n '/global:/,/local:/s/^\t*\(elfmap_.*\);$/\1/p' lib/libelfmap.map | sort | diff "$tmp/declared" -
	# A function that is in only one of them is a difference.
	sed '/elfmap_sha1/d' "$tmp/declared" >"$tmp/less"
	run -1 diff "$tmp/declared" "$tmp/less"
}

@test "libelfmap.a: its only global symbols are those of the version script" {
	sed -n '/global:/,/local:/s/^\t*\(elfmap_.*\);$/\1/p' lib/libelfmap.map | sort >"$tmp/listed"
	[[ -s $tmp/listed ]]
	globals() { nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort; }
	globals "$prefix/lib/libelfmap.a" | diff "$tmp/listed" -
	[[ $(ar t "$prefix/lib/libelfmap.a") == libelfmap.o ]]
	# The objects that it is linked from have other global functions.
	for object in "$build"/pic/lib/object/*.o; do globals "$object"; done | sort | comm -13 "$tmp/listed" - | grep -qx 'elfmap_elf__open'
	# A second member with a global function is a difference.
	cp "$prefix/lib/libelfmap.a" "$tmp/more.a"
	echo 'int elfmap_more(void); int elfmap_more(void) { return 0; }' | cc -c -o "$tmp/more.o" -x c -
	ar rs "$tmp/more.a" "$tmp/more.o"
	[[ $(globals "$tmp/more.a" | comm -13 "$tmp/listed" -) == elfmap_more ]]
}

@test "names: the file has the version, SONAME and links point to it, and pkg-config finds it" {
	# shellcheck disable=SC2016 # make reads it
	version=$(make -s --eval='value-of: ; @echo $(VERSION)' value-of)
	[[ $(readelf -d "$prefix/lib/libelfmap.so") == *'Library soname: [libelfmap.so.0]'* ]]
	[[ $(readlink -f "$prefix/lib/libelfmap.so") == "$prefix/lib/libelfmap.so.$version" ]]
	[[ $(readlink -f "$prefix/lib/libelfmap.so.0") == "$prefix/lib/libelfmap.so.$version" ]]
	[[ $(pkg-config --modversion elfmap) == "$version" ]]
	[[ $(pkg-config --libs elfmap) != *bpf* && $(pkg-config --static --libs elfmap) == *-lbpf*-lelf* ]]
}

@test "the library needs only libelf and libbpf, and no symbol of libbpf newer than 1.0" {
	[[ $(readelf -d "$prefix/lib/libelfmap.so" | sed -n 's/.*(NEEDED).*\[\(lib[a-z]*\).*/\1/p' | sort | paste -sd ' ') == 'libbpf libc libelf' ]]
	for file in "$prefix/lib/libelfmap.so" "$prefix/libexec/elfmap/preload.so"; do
		nm -D --undefined-only "$file" | grep -oE '@LIBBPF_[0-9.]+' | sort -u >"$tmp/versions"
		[[ -s $tmp/versions ]]
		[[ $(sort -V "$tmp/versions" <(echo @LIBBPF_1.0.0) | tail -1) == @LIBBPF_1.0.0 ]]
	done
}

@test "the README's program compiles and runs: C and C++, shared" {
	readme_example >"$tmp/maps.c"
	[[ $(wc -l <"$tmp/maps.c") -gt 20 ]]
	build_program "$tmp/shared" "$tmp/maps.c"
	uses "$tmp/shared"
	[[ $(readelf -d "$tmp/shared") == *libelfmap.so.0* ]]
	for compiler in "g++ -std=c++11 -x c++" "clang++ -std=c++11 -pedantic -x c++"; do
		[[ -n $(type -P "${compiler%% *}") ]] || continue
		build_program "$tmp/shared++" "$tmp/maps.c"
		uses "$tmp/shared++"
	done
}

@test "the README's program compiles and runs: C and C++, static" {
	links_statically || skip 'libelf cannot be linked statically here'
	readme_example >"$tmp/maps.c"
	build_program "$tmp/static" "$tmp/maps.c" -static
	uses "$tmp/static"
	compiler='g++ -std=c++11 -x c++'
	build_program "$tmp/static++" "$tmp/maps.c" -static
	uses "$tmp/static++"
}

@test "every function can be linked, from C and C++; an internal function cannot" {
	local linkages=(-O2)

	! links_statically || linkages+=(-static)
	{
		printf '#include <elfmap.h>\n#include <stdio.h>\nextern const void *all[];\nconst void *all[] = {\n'
		declared | sed 's/.*/\t(const void *)&,/'
		printf '};\nint main(void)\n{\n\tprintf("%%zu\\n", sizeof(all) / sizeof(*all));\n}\n'
	} >"$tmp/all.c"
	for compiler in '' 'g++ -x c++'; do
		for linkage in "${linkages[@]}"; do
			build_program "$tmp/all" "$tmp/all.c" "$linkage"
			[[ $(LD_LIBRARY_PATH=$prefix/lib "$tmp/all") == 21 ]]
		done
	done
	compiler=
	sed 's/elfmap_sha1,/elfmap_elf__open,/; s/^extern/int elfmap_elf__open(void);\n&/' "$tmp/all.c" >"$tmp/inner.c"
	for linkage in "${linkages[@]}"; do
		run ! build_program "$tmp/inner" "$tmp/inner.c" "$linkage"
		[[ $output == *'undefined reference to `elfmap_elf__open'* ]]
	done
}

@test "every installed header for user space compiles in C++, with and without other headers before it" {
	for header in "$prefix"/include/elfmap/*.h; do
		case ${header##*/} in
		bpf_api.h | ip.h | parse.h | plain.h | stage.h | packet.h | ipip.h | cgroup_rule.h) continue ;; # for programs in the kernel
		esac
		printf '#include <%s>\n' "${header##*/}" | g++ -std=c++11 -Wall -Wextra -Werror "-I$prefix/include/elfmap" -fsyntax-only -x c++ -
	done
	printf '#include <linux/bpf.h>\n#include <bpf_elf.h>\nbpf_elf_map map;\n' |
		g++ -std=c++98 "-I$prefix/include" -fsyntax-only -x c++ -
}

@test "every function has a manual page, and the example of every page compiles" {
	for function in $(declared) libelfmap; do
		[[ $(man -M "$prefix/share/man" -w 3 "$function") == "$prefix/share/man/man3/"* ]]
		grep -qE "(Fn|Fo|Nm) $function\b" "$prefix/share/man/man3/$function.3"
	done
	run ! man -M "$prefix/share/man" -w 3 elfmap_elf__open
	for page in man/*.3; do
		mandoc -T lint -W warning "$page"
		grep -q '^\.Sh EXAMPLES' "$page"
		{
			printf '#include <elfmap.h>\n#include <errno.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
			printf 'void example(const char *file, struct elfmap_object *obj, int fd);\n'
			printf 'void example(const char *file, struct elfmap_object *obj, int fd)\n{\n'
			sed -n '/^\.Sh EXAMPLES/,/^\.Ed/p' "$page" | sed -n '/^\.Bd/,/^\.Ed/{//!p}' | sed 's/\\e/\\/g; s/\\&//g'
			printf '\t(void)file, (void)obj, (void)fd;\n}\n'
		} >"$tmp/example.c"
		grep -q 'elfmap_' "$tmp/example.c"
		# shellcheck disable=SC2046 # words
		cc -Wall -Wextra -Werror -c -o "$tmp/example.o" "$tmp/example.c" $(pkg-config --cflags elfmap)
	done
}
