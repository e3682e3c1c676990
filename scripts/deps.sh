#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs missing packages for the build, the tests and the labs. DEPS=no disables it. If nothing is
# missing, it runs no package manager.
#
#   scripts/deps.sh [--list] [vm]     --list: name the missing packages, install nothing
#                                     vm:     the packages for `make vm-check` instead
set -euo pipefail

# An ordinary user's PATH lacks the folders where tc and bpftool are.
PATH+=:/usr/sbin:/sbin

# Each row is a package of Debian or Ubuntu, and a command or file of it. If the command or file exists, the
# package counts as installed.
readonly house='
	make              make
	gcc               gcc
	g++               g++
	clang             clang
	llvm              llvm-objcopy
	libc6-dev         /usr/include/stdlib.h
	linux-libc-dev    /usr/include/linux/bpf.h
	libbpf-dev        /usr/include/bpf/libbpf.h
	libelf-dev        /usr/include/libelf.h
	zlib1g-dev        /usr/include/zlib.h
	libjson-c-dev     /usr/include/json-c/json.h
	libcmocka-dev     /usr/include/cmocka.h
	musl-tools        musl-gcc
	pkg-config        pkg-config
	iproute2          tc
	iputils-ping      ping
	bpftool           bpftool
	bats              bats
	perl              prove
	jq                jq
	git               git
	clang-format      clang-format
	clang-tidy        clang-tidy
	cppcheck          cppcheck
	shellcheck        shellcheck
	zsh               zsh
	fish              fish
	mandoc            mandoc
	elfutils          eu-readelf
	strace            strace
	util-linux        nsenter
	mount             mount
	procps            ps'
readonly vm='
	qemu-system-x86   qemu-system-x86_64
	busybox-static    busybox
	cpio              cpio
	kmod              depmod
	xz-utils          xz'

say() {
	printf 'deps: %s\n' "$*"
}

is_there() {
	case $1 in
	/*) [[ -e $1 ]] ;;
	*) [[ -n $(type -P "$1") ]] ;;
	esac
}

# The sanitizers and the fuzzer of clang are a package with the version of clang in its name.
sanitizers_of_clang() {
	local major runtime

	if [[ -n $(type -P clang) ]]; then
		runtime=$(clang -print-resource-dir)
		! compgen -G "$runtime/lib/*/libclang_rt.fuzzer*" >/dev/null || return 0
		major=$(clang -dumpversion)
	elif [[ -n $(type -P apt-cache) ]]; then
		major=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
	fi
	printf '%s\n' "libclang-rt-${major:+${major%%.*}-}dev"
}

missing_packages() {
	local package sign

	while read -r package sign; do
		[[ -z $package ]] || is_there "$sign" || printf '%s\n' "$package"
	done <<<"$1"
	[[ $1 != "$house" ]] || sanitizers_of_clang
}

# apt-get refuses all packages if one name is unknown to the archive.
has_candidate() {
	[[ $(apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [^\(] ]]
}

install_packages() {
	local as_root=() known=() package
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)

	if [[ $(id -u) != 0 ]]; then
		if [[ -z $(type -P sudo) ]]; then
			say "neither root nor sudo; as root: apt-get install --no-install-recommends $*" >&2
			return 1
		fi
		as_root=(sudo)
	fi
	"${as_root[@]}" "${apt[@]}" update || say 'the package lists could not be renewed; going on with the old ones' >&2
	# With the new lists, the version in the name of libclang-rt is known.
	for package in "${@/#libclang-rt-dev/$(sanitizers_of_clang)}"; do
		if has_candidate "$package"; then
			known+=("$package")
		else
			say "the archive of this system has no package $package; what needs it will say so" >&2
		fi
	done
	[[ ${#known[@]} == 0 ]] || "${as_root[@]}" "${apt[@]}" install --yes --no-install-recommends "${known[@]}" >/dev/null
}

main() {
	local list=no wanted=$house word missing

	for word in "$@"; do
		case $word in
		--list) list=yes ;;
		vm) wanted=$vm ;;
		*)
			say "'$word' is neither --list nor vm" >&2
			return 2
			;;
		esac
	done
	[[ ${DEPS-} != no ]] || return 0
	mapfile -t missing < <(missing_packages "$wanted")
	if [[ $list == yes ]]; then
		[[ ${#missing[@]} == 0 ]] || printf '%s\n' "${missing[@]}"
	elif [[ ${#missing[@]} == 0 ]]; then
		say 'nothing is missing'
	elif [[ -z $(type -P apt-get) ]]; then
		say "missing here, by the names they have in Debian: ${missing[*]}"
	else
		say "missing: ${missing[*]}; installing with apt-get"
		install_packages "${missing[@]}"
	fi
}

main "$@"
