#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Installs and uninstalls below DESTDIR, for the Makefile. The file INSTALLED lists all installed files and created
# directories. `remove` removes exactly those, and directories only if they are empty.
#
#   DESTDIR=DIR INSTALLED=PATH scripts/put.sh MODE FILE... DIRECTORY/    copies of files
#   DESTDIR=DIR INSTALLED=PATH scripts/put.sh MODE FILE PATH             a copy under another name
#   DESTDIR=DIR INSTALLED=PATH scripts/put.sh link TEXT PATH             a symbolic link
#   DESTDIR=DIR INSTALLED=PATH scripts/put.sh remove                     uninstalls all of it
set -euo pipefail

list=$DESTDIR$INSTALLED

note() {
	grep -qxF -- "$1" "$list" 2>/dev/null || printf '%s\n' "$1" >>"$list"
}

# Lists PATH and the directories that are created for it, parents first; the directory of the list is the first.
make_room() {
	local path=$1 missing=()

	while path=${path%/*} && [[ ! -d $DESTDIR$path/ ]]; do
		missing=("$path" "${missing[@]}")
		[[ -n $path ]] || break
	done
	install -d -m 755 "$DESTDIR${1%/*}/"
	for path in "${missing[@]}" "$1"; do
		if [[ $1 == "$INSTALLED" ]]; then
			notes+=("$path")
		else
			note "$path"
		fi
	done
}

put() {
	local how=$1 file=$2 to=$3

	make_room "$to"
	if [[ $how == link ]]; then
		ln -sfn "$file" "$DESTDIR$to"
	else
		install -m "$how" "$file" "$DESTDIR$to"
	fi
}

remove() {
	local path paths

	[[ -e $list ]] || {
		printf '%s: no such file: nothing is installed here\n' "$list" >&2
		return 1
	}
	mapfile -t paths < <(tac "$list")
	for path in "${paths[@]}"; do
		if [[ -d $DESTDIR$path/ && ! -L $DESTDIR$path ]]; then
			rmdir --ignore-fail-on-non-empty "$DESTDIR$path/"
		else
			rm -f "$DESTDIR$path"
		fi
	done
}

main() {
	local how=$1 to=${*: -1} file notes=()

	if [[ $how == remove ]]; then
		remove
		return
	fi
	[[ -e $list ]] || {
		make_room "$INSTALLED"
		printf '%s\n' "${notes[@]}" >"$list"
	}
	if [[ $to != */ ]]; then
		put "$how" "$2" "$to"
		return
	fi
	for file in "${@:2:$#-2}"; do
		put "$how" "$file" "$to${file##*/}"
	done
}

main "$@"
