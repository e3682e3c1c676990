#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs the labs one after the other, or those that are named, each below what it says about itself, and says which of
# them worked.
#
#   scripts/demo.sh [LAB ...]      LAB as in scripts/lab-LAB.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# A lab that is interrupted takes itself down and exits, so that bash would go on with the next one.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# The comment that the lab begins with: what it shows, its topology.
header() {
	printf '\n=== %s: ' "$1"
	awk 'NR > 2 { if (!/^#/ || /^#   scripts\//) exit; sub(/^# ?/, ""); print }' "lab-$1.sh"
}

labs=("${@//_/-}")
if [[ $# == 0 ]]; then
	mapfile -t labs < <(printf '%s\n' lab-*.sh | sed 's/^lab-//; s/\.sh$//')
fi

for lab in "${labs[@]}"; do
	if [[ ! -f lab-$lab.sh ]]; then
		printf 'demo: no lab %s; there are: %s\n' "$lab" "$(printf '%s ' lab-*.sh | sed 's/lab-//g; s/\.sh//g')" >&2
		exit 2
	fi
done

failed=()
for lab in "${labs[@]}"; do
	header "$lab"
	"./lab-$lab.sh" || failed+=("$lab")
done

if [[ ${#failed[@]} != 0 ]]; then
	printf '\ndemo: failed: %s\n' "${failed[*]}" >&2
	exit 1
fi
printf '\ndemo: all labs worked: %s\n' "${labs[*]}"
