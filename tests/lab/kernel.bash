# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the kernel still has. Other tests run at the same time, so a test asks for what it has made.

# The kernel loses a PROG_ARRAY without pins for ever if two commands open it by its id at the same time, or one that
# lists all maps (lib/pins/map_id.c). So a PROG_ARRAY counts only while a program uses it, and no test lists all maps.

# is_kept prog|map ID
is_kept() {
	local type

	type=$(bpftool -j "$1" show id "$2" 2>/dev/null | jq -r .type)
	[[ $type != prog_array ]] || type=$(bpftool -j prog show | jq --argjson id "$2" '.[] | select(.map_ids // [] | index($id)) | .id')
	[[ -n $type ]]
}

# freed prog|map FILE: waits until the kernel has freed those whose ids are in FILE; it does so asynchronously.
freed() {
	local id try

	while read -r id; do
		for ((try = 0; try < 1200; try++)); do
			is_kept "$1" "$id" || continue 2
			sleep 0.05
		done
		return 1
	done < <(sort -u "$2")
}
