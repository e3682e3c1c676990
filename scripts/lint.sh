#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Checks all files that git tracks, and new files that it does not ignore. Every tool runs and prints one
# line with its result. The exit status is 0 if all tools pass.
#
#   scripts/lint.sh [TOOL ...]     without TOOL all tools; the output lists them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

BUILD=${BUILD:-build}
jobs=$(nproc)
log=$(mktemp -d "${TMPDIR:-/tmp}/elfmap-lint-XXXXXX")
trap 'rm -rf "$log"' EXIT

# The files to check, by type. Without git, in a tarball, all files outside build/.
all_files() {
	git ls-files --cached --others --exclude-standard 2>/dev/null ||
		find . -path ./.git -prune -o -path ./build -prune -o -type f -printf '%P\n'
}

is_shell() {
	local first=''

	[[ $1 != *.@(sh|bash|bats) ]] || return 0
	[[ ${1##*/} != *.* || $1 == .ci/* ]] || return 1
	IFS= read -r first <"$1" 2>/dev/null || true
	[[ $first == '#!'*@(sh|bats) ]]
}

sort_files() {
	local file

	while read -r file; do
		[[ -f $file ]] || continue
		case $file in
		*.[ch]) c+=("$file") ;;
		*.[1-8]) man+=("$file") ;;
		*) ! is_shell "$file" || shell+=("$file") ;;
		esac
		case $file in
		tc-progs/*.c | tests/testdata/*.c | tests/bench/peers/*.c) programs+=("$file") ;; # for the kernel
		*.c) user+=("$file") ;;
		esac
		case $file in
		LICENSE* | *.md | .gitignore | tests/testdata/*.o | tests/fuzz/corpus/*) ;;
		*) sources+=("$file") ;;
		esac
	done < <(all_files | LC_ALL=C sort -u)
}

# The value of a variable of the Makefile, so that flags exist only once.
makefile_value() {
	make --silent --no-print-directory BUILD="$BUILD" --eval="value-of: ; @echo '\$($1)'" value-of
}

lint_clang-format() {
	local output

	output=$(clang-format --dry-run -Werror "${c[@]}" 2>&1) && return
	printf 'fix: clang-format -i %s\n' \
		"$(sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error: .*/\1/p' <<<"$output" | sort -u | paste -sd ' ')"
	return 1
}

# The checks include the warnings of clang, so clang does not compile these files again. One file for each process,
# because clang-tidy 14 reports false positives about va_start() from the second file on. The analyzer is disabled
# for the C tests, whose paths run under ASan and UBSan.
lint_clang-tidy() {
	local flags

	read -ra flags <<<"$(makefile_value ALL_CPPFLAGS) $(makefile_value ALL_CFLAGS)"
	flags=("${flags[@]/#-MMD/}")
	flags=("${flags[@]/#-MP/}")
	# shellcheck disable=SC2016 # they are for the inner shell
	printf '%s\0' "${user[@]}" | xargs -0 -P "$jobs" -I '{}' sh -c \
		'file=$1 paths=; shift
		case $file in tests/unit/* | tests/prog/*) paths=--checks=-clang-analyzer-* ;; esac
		out=$(clang-tidy --quiet ${paths:+"$paths"} "$file" -- "$@" 2>&1) || { printf "%s\n" "$out"; exit 1; }' \
		tidy '{}' "${flags[@]}" -Itests/unit -Itests/prog
}

# The macros come from libbpf's headers, which cppcheck does not read. Suppressed: unused members of structs, since
# a shared layout is used by the kernel or in another file; and arithmetic on void pointers, which GNU C defines.
lint_cppcheck() {
	cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --error-exitcode=1 \
		--inline-suppr -j "$jobs" -I. -Ilib -Iinclude -Itc-progs/lib \
		-D_GNU_SOURCE '-DSEC(name)=' '-DElfW(type)=Elf64_##type' \
		'-Dbpf_object__for_each_program(pos,obj)=while ((pos = bpf_object__next_program(obj, pos)))' \
		'-Dbpf_object__for_each_map(pos,obj)=while ((pos = bpf_object__next_map(obj, pos)))' \
		'-DLIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }' \
		--suppress=unusedStructMember --suppress=arithOperationsOnVoidPointer "${c[@]}"
}

lint_shellcheck() {
	printf '%s\0' "${shell[@]}" | xargs -0 -n 8 -P "$jobs" shellcheck
}

lint_mandoc() {
	[[ ${#man[@]} == 0 ]] || mandoc -T lint -W warning "${man[@]}"
}

# The object file that the Makefile builds from a source file.
object_of() {
	case $1 in
	preload/*) printf '%s\n' "pic/${1%.c}.o" ;;
	tests/unit/* | tests/prog/*) printf '%s\n' "san/${1%.c}.o" ;;
	tests/fuzz/*) printf '%s\n' "fuzzlib/${1%.c}.o" ;;
	*) printf '%s\n' "${1%.c}.o" ;;
	esac
}

# compile COMPILER SOURCE...: optimised, which gives the most warnings; without -g and sanitizers, which take time.
compile() {
	local build=$BUILD/lint-$1 file objects=()

	for file in "${@:2}"; do
		objects+=("$build/$(object_of "$file")")
	done
	make --silent --no-print-directory --keep-going --jobs="$jobs" \
		BUILD="$build" CC="$1 -Werror" CLANG='clang -Werror' CFLAGS=-O2 SAN_CFLAGS= "${objects[@]}"
}

lint_gcc() {
	compile gcc "${user[@]}"
}

# Programs for the kernel; clang-tidy checks the rest.
lint_clang() {
	compile clang "${programs[@]}"
}

# The first line (after #! or #compdef) names the licence, and the next one describes the file. A program for the kernel
# is GPL-2.0-only, everything else has both licences. Tests are executable.
lint_headers() {
	local file line first comment bad=0 free='GPL-2.0-only OR BSD-2-Clause'

	for file in "${sources[@]}"; do
		mapfile -t -n 3 line <"$file"
		[[ ${line[0]-} != @('#!'|'#compdef')* ]] || line=("${line[@]:1}")
		first=${line[0]-}
		comment=${line[1]-}
		if [[ ! $first =~ SPDX-License-Identifier:\ (GPL-2.0-only( OR BSD-2-Clause)?)(\ \*/)?$ ]]; then
			printf '%s: the first line names no licence of this project\n' "$file"
			bad=1
		elif [[ ${BASH_REMATCH[1]} != "$free" && $file != @(tc-progs|tests/testdata|tests/bench|tests/vm)/*.[ch] ]]; then
			printf '%s: not a program for the kernel, so "%s"\n' "$file" "$free"
			bad=1
		elif [[ ! $comment =~ ^(/\*|//|#|\.\\\") ]]; then
			printf '%s: no comment after the licence describes the file\n' "$file"
			bad=1
		elif [[ $file == tests/lab/*.bats && ! -x $file ]]; then
			printf '%s: cannot be run; chmod +x\n' "$file"
			bad=1
		fi
	done
	return "$bad"
}

# Includes run downwards only: between the folders of lib, and from everything else to lib. The launcher and its files
# of base are linked with musl, which has neither libbpf nor libelf.
lint_arrows() {
	local file folder include target rank bad=0 order=(base kinds object text pins load map hook upgrade)
	declare -A ranks

	for rank in "${!order[@]}"; do
		ranks[${order[rank]}]=$rank
	done
	while read -r file include; do
		folder=${file#lib/} folder=${folder%%/*} target=${include%%/*}
		if [[ $include == @(bpf/*|libelf.h|gelf.h) ]]; then
			[[ $file == @(launcher|lib/base)/* ]] || continue
			printf '%s: includes <%s>, which the launcher cannot be linked with\n' "$file" "$include"
		elif [[ $file != lib/* ]]; then
			[[ ${file%%/*} == "$target" || -n ${ranks[$target]-} || $file == tests/* ]] && continue
			printf '%s: includes "%s", which it must not know\n' "$file" "$include"
		elif [[ -z ${ranks[$folder]-} ]]; then
			printf '%s: the folder is not in the order of lib: %s\n' "$file" "${order[*]}"
		elif [[ -z ${ranks[$target]-} || ${ranks[$target]} -gt ${ranks[$folder]} ]]; then
			printf '%s: includes "%s", which stands above lib/%s\n' "$file" "$include" "$folder"
		else
			continue
		fi
		bad=1
	done < <(printf '%s\0' "${c[@]}" | xargs -0 grep -HE '^#include ("[^"]*/|<(bpf/|libelf|gelf))' |
		sed 's/^\([^:]*\):#include ["<]\([^">]*\).*/\1 \2/')
	return "$bad"
}

main() {
	local tool failed=()
	local tools=(headers arrows clang-format shellcheck mandoc cppcheck gcc clang clang-tidy)
	c=() man=() programs=() shell=() user=() sources=()

	shopt -s extglob
	sort_files
	[[ $# == 0 ]] || tools=("$@")
	for tool in "${tools[@]}"; do
		if "lint_$tool" >"$log/$tool" 2>&1; then
			printf 'lint: %-12s ok\n' "$tool"
		else
			grep -vE '^  (CC|BPF) |^[0-9]+ (warning|error).* generated\.$' "$log/$tool" || true
			printf 'lint: %-12s FAILED\n' "$tool"
			failed+=("$tool")
		fi
	done
	if [[ ${#failed[@]} != 0 ]]; then
		printf 'lint: FAILED: %s\n' "${failed[*]}"
		return 1
	fi
	printf 'lint: all content: %d C files, %d shell files, %d man pages\n' "${#c[@]}" "${#shell[@]}" "${#man[@]}"
}

main "$@"
