# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completes elfmap's verbs, their words, pins and types in bash. What there is it asks the command, so
# that it knows what the installed one knows. It needs nothing but bash.

# The verbs below "elfmap $*", from the table that the help is.
_elfmap_verbs() {
	"$_elfmap_command" "$@" help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

# What the usage of "elfmap $*" says literally: options and lower-case words.
_elfmap_words() {
	"$_elfmap_command" "$@" --help 2>/dev/null | tr '[]|' '   ' | tr ' ' '\n' | grep -xE -e '-?-?[a-z][a-z-]*' |
		grep -vxE "usage|elfmap|map|$(printf '%s|' "$@")"
}

# Pins as `map list` names them, and those in globals/ by their name alone.
_elfmap_pins() {
	local tc=${TC_BPF_MNT:-/sys/fs/bpf}/tc

	find "$tc" -type f ! -name '*.*' -printf '%P\n' 2>/dev/null | sed -n 'p; s,^globals/,,p' | sort -u
}

_elfmap_dirs() {
	find "${TC_BPF_MNT:-/sys/fs/bpf}/tc" -mindepth 1 -type d -printf '%P\n' 2>/dev/null
}

_elfmap_sections() {
	"$_elfmap_command" show "$1" 2>/dev/null | awk '/^programs$/ { within = 1; next } within && $1 != "section" { print $1 }'
}

# What may stand behind WORD, whatever the verb; 1: nothing special.
_elfmap_behind() {
	local file

	case $1 in
	dev) ls /sys/class/net 2>/dev/null ;;
	-n) find /run/netns -mindepth 1 -printf '%f\n' 2>/dev/null ;;
	like | pinned) _elfmap_pins ;;
	types | :) "$_elfmap_command" map types 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
	sec)
		for file in "${COMP_WORDS[@]}"; do
			[[ $file != *.o ]] || _elfmap_sections "$file"
		done
		;;
	*) return 1 ;;
	esac
}

# What can be the NTH word behind `elfmap TABLE VERB`.
_elfmap_below() {
	local table=$1 verb=$2 nth=$3

	case $verb in
	list | save) ((nth > 1)) || _elfmap_dirs ;;
	restore | types | help) ;;
	*) ((nth > 1)) || _elfmap_pins ;;
	esac
	if ((nth > 1)) || [[ $verb == restore || $verb == pin ]]; then
		_elfmap_words "$table" "$verb"
	fi
}

# Has the usage of "elfmap $*" a FILE, a CMD, or a directory of cgroups?
_elfmap_takes_file() {
	"$_elfmap_command" "$@" --help 2>/dev/null | grep -qwE 'FILE|CMD|CGROUP|PATH'
}

# Is there a table of verbs below "elfmap $1"?
_elfmap_has_verbs() {
	"$_elfmap_command" help 2>/dev/null | awk -v verb="$1" '$1 == verb && $2 == "VERB" { found = 1 } END { exit !found }'
}

_elfmap() {
	local _elfmap_command=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local words=() call=() i replies='' offset=1

	[[ $word != : ]] || word=''
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n) ((i++)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	call=("${words[@]:0:1}")
	COMPREPLY=()
	if replies=$(_elfmap_behind "$before"); then
		:
	elif [[ ${#words[@]} == 0 ]]; then
		replies="$(_elfmap_verbs) -j -p -n --json --pretty --help --version"
	elif [[ " tc ip exec " == *" ${words[0]} "* ]]; then
		# Their own completion, if there is one.
		[[ ${words[0]} != exec ]] || offset=2
		if declare -F _command_offset >/dev/null; then
			_command_offset "$offset"
			return
		fi
	elif _elfmap_has_verbs "${words[0]}"; then
		if [[ ${#words[@]} == 1 ]]; then
			replies="$(_elfmap_verbs "${words[0]}") help"
			call+=('') # a verb is still to come, so no file yet
		else
			call+=("${words[1]}")
			replies=$(_elfmap_below "${call[@]}" $((${#words[@]} - 1)))
		fi
	else
		replies=$(_elfmap_words "${words[0]}")
	fi
	mapfile -t COMPREPLY < <(compgen -W "$replies" -- "$word")
	if [[ ${#words[@]} -ge ${#call[@]} && ${#words[@]} -gt 0 ]] && _elfmap_takes_file "${call[@]}"; then
		compopt -o filenames 2>/dev/null || true
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -F _elfmap elfmap
