# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the kernel still has. Other tests run at the same time, so a test asks for what it has made.

# in_kernel prog|map: a line "ID NAME" each. The kernel loses a PROG_ARRAY without pins for ever if two commands that
# list all maps open it at the same time (lib/pins/map_id.c). So a PROG_ARRAY counts only while a program uses it.
in_kernel() {
	local used='[]'

	[[ $1 == prog ]] || used=$(bpftool -j prog show | jq -c '[.[].map_ids[]?]')
	bpftool -j "$1" show | jq -r --argjson used "$used" \
		'.[] | select(.type != "prog_array" or (.id | IN($used[]))) | "\(.id) \(.name // "")"'
}

# freed prog|map FILE: waits until the kernel has freed those whose ids are in FILE; it does so asynchronously.
freed() {
	local try

	for ((try = 0; try < 1200; try++)); do
		[[ -n $(comm -12 <(sort -u "$2") <(in_kernel "$1" | cut -d' ' -f1 | sort)) ]] || return 0
		sleep 0.05
	done
	return 1
}
