# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What the kernel still has. Other tests run at the same time, so a test asks for what it has made.

# The kernel loses a PROG_ARRAY without pins for ever if two commands open it by its id at the same time, or one that
# lists all maps (lib/pins/map_id.c). So a PROG_ARRAY counts only while a program uses it, and no test lists all maps.

# list_kept prog|map FILE: those of FILE, a list of ids, that the kernel still has.
list_kept() {
	local id used

	if [[ $1 == prog ]]; then
		comm -12 <(sort -u "$2") <(bpftool -j prog show | jq '.[].id' | sort)
		return
	fi
	used=$(bpftool -j prog show | jq -c '[.[].map_ids[]?]')
	while read -r id; do
		bpftool -j map show id "$id" 2>/dev/null |
			jq --argjson used "$used" '. as $map | select(.type and (.type != "prog_array" or ($used | index($map.id)))) | .id'
	done < <(sort -u "$2")
}

# freed prog|map FILE: waits until the kernel has freed them all; it does so asynchronously.
freed() {
	local try

	for ((try = 0; try < 1200; try++)); do
		[[ -n $(list_kept "$@") ]] || return 0
		sleep 0.05
	done
	return 1
}
