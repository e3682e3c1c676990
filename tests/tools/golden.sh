#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prints what the command does with each object of tc-progs/ and tests/testdata/. This renews the golden file:
#
#   make && tests/tools/golden.sh >tests/lab/golden.txt
#
# For each verb: exit status, stdout (lines with '|'), stderr (lines with '!'), what is pinned afterwards ('map',
# 'prog'), and what tc attached ('filter'). Before each object, and before tc, bpffs and clsact are emptied. The
# command is taken from BUILD. The objects are compiled anew in a fixed directory, because BTF and DWARF contain
# the path of the source.
#
# Placeholders: ID for the ids of programs, N for the instructions that the kernel has and verified, POINTER for
# addresses in the verifier's log. The state of registers and the statistics are removed from that log.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fixed=/run/golden # in the sandbox, where /run is empty
link=golden0

make_objects() {
	local -a objects

	mkdir -p "$fixed/tree" "$fixed/build"
	mount --bind "$tree" "$fixed/tree"
	cd "$fixed/tree" # clang records $PWD
	objects=(tc-progs/*.c tests/testdata/*.c)
	objects=("${objects[@]/%.c/.o}")
	for source in tests/testdata/*.c; do
		objects+=("${source%.c}.nobtf.o")
	done
	MAKEFLAGS='' make --silent --jobs="$(nproc)" BUILD="$fixed/build" "${objects[@]/#/$fixed/build/}" >/dev/null
	cd "$fixed/build"
}

# The section that tc gets: of an object's first program that is in no tail-call slot. Else, `classifier`.
choose_sections() {
	local object section

	declare -gA sections=()
	while read -r object section; do
		sections[$object]=$section
	done < <(for object in "$@"; do
		"$elfmap" -j show "$object" 2>/dev/null || true
	done | jq -r '.file + " " + (first(.progs[] | select(.slot == null)).section // "classifier")')
}

fresh_state() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete
	tc qdisc del dev "$link" clsact 2>/dev/null || true
	tc qdisc add dev "$link" clsact
}

normalise() {
	sed -E -e "s,$fixed/,,g" \
		-e 's/\<id [0-9]+$/id ID/' \
		-e 's/0x[0-9a-f]{9,}/POINTER/g' \
		-e 's/^(.* (ok|refused) +[0-9]+) +([0-9]+|-) +([0-9]+|-)$/\1 \3 \4/' \
		-e '/ (ok|refused) +[0-9]+ [0-9-]+ [0-9-]+$/{s/[0-9]+( [0-9-]+)$/N\1/;s/[0-9]+$/N/}' \
		-e '/^ *[0-9]+: \([0-9a-f]{2}\)/s/ *; .*//' \
		-e '/^ *[0-9]+: R[0-9]/d' \
		-e '/^processed [0-9]+ insns/d' \
		-e "s/^/$1 /;s/^. \$/$1/"
}

# What is in bpffs, and the slots of tail-call tables. The lines that begin with `json` are for render().
list_pins() {
	local shown

	find /sys/fs/bpf -type f ! -name '*.debug' | sort >"$fixed/pins"
	[[ -s $fixed/pins ]] || return 0
	sed -e '/\/tc\/progs\//!s/^/map show pinned /' -e '/^map/!s/^/prog show pinned /' "$fixed/pins" >"$fixed/show"
	shown=$(bpftool -j batch file "$fixed/show") || true
	printf 'json %s\n' "$shown"
	printf '%s\n' "${shown//'{"command"'/$'\n'}" |
		sed -n 's/.*"pinned","\([^"]*\)".*"type":"prog_array".*/map dump pinned \1/p' >"$fixed/dump"
	[[ ! -s $fixed/dump ]] || printf 'json %s\n' "$(bpftool -j batch file "$fixed/dump")"
}

# run VERB WORD ...: exit status, output, pins.
run() {
	local status=0

	"$elfmap" "$@" >"$fixed/stdout" 2>"$fixed/stderr" </dev/null || status=$?
	printf -- '-- %s: %d\n' "$1" "$status"
	normalise '|' <"$fixed/stdout"
	normalise '!' <"$fixed/stderr"
	list_pins
}

sha256() {
	sha256sum <"$1" | cut -d ' ' -f 1
}

record() {
	local object=$1

	printf '\n== %s\n' "$object"
	printf 'input %s\n' "$(sha256 "$object")"
	fresh_state
	run show "$object"
	run check "$object"
	rm -f "$fixed/out.o"
	run convert "$object" "$fixed/out.o"
	if [[ -e $fixed/out.o ]]; then
		printf 'output %s\n' "$(sha256 "$fixed/out.o")"
	else
		printf 'no output\n'
	fi
	run decl "$object"
	run load "$object"
	fresh_state
	printf 'section %s\n' "${sections[$object]:=classifier}"
	run tc filter add dev "$link" ingress bpf da obj "$object" sec "${sections[$object]}"
	tc filter show dev "$link" ingress | sed -n 's/^filter .* \([^ ]*:\[.*\] direct-action\) .*/filter \1/p'
}

# A line of JSON becomes one line for each pin.
render() {
	jq --raw-input --raw-output '
		def property($key; $value): if $value == null then "" else " \($key) \($value)" end;

		if startswith("json ") then
			.[5:] | fromjson | .[] | (.command | "\(.[0]) \(.[3])") as $pin | .output |
			if type == "array" then
				"\($pin) slots" + ([.[] | select(.value | type == "array") | .key[0]] | map(" " + .) | join(""))
			elif .error then
				"\($pin) \(.error)"
			else
				$pin + property("type"; .type) + property("name"; .name) + property("key"; .bytes_key) +
				property("value"; .bytes_value) + property("entries"; .max_entries) + property("flags"; .flags)
			end
		else
			.
		end'
}

if [[ ${1-} != --inside ]]; then
	BUILD=$(realpath "${BUILD:-$tree/build}") exec "$tree/tests/sandbox" "$tree/tests/tools/golden.sh" --inside
fi
export LC_ALL=C
elfmap=$BUILD/elfmap
make_objects
ip link add "$link" type veth peer name golden1
objects=(tc-progs/*.o tests/testdata/*.o)
choose_sections "${objects[@]}"
printf '# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n'
printf '# What the command does with each object. Written by tests/tools/golden.sh.\n'
for object in "${objects[@]}"; do
	record "$object"
done | render
