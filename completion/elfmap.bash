# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion of elfmap for bash. The command in the command line provides the candidates, so they match its version.

_elfmap() {
	local words=() glued='' line lines=() i word files=no

	# readline splits KEY:VALUE at the colon.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((${#words[@]})) && [[ ${words[-1]} != types && ($word == : || ${words[-1]} == *:) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done
	[[ ${words[-1]} != *:* ]] || glued=${words[-1]%:*}:
	mapfile -t lines < <("${COMP_WORDS[0]}" --complete "${words[@]}" 2>/dev/null)
	COMPREPLY=()
	for line in "${lines[@]}"; do
		case $line in
		:files) files=yes ;;
		:command\ *)
			! declare -F _command_offset >/dev/null || _command_offset $((${line#* } + 1))
			return
			;;
		*) COMPREPLY+=("${line#"$glued"}") ;;
		esac
	done
	if [[ $files == yes ]]; then
		compopt -o filenames 2>/dev/null || true
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${words[-1]}")
	fi
}

complete -F _elfmap elfmap
