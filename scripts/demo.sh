#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs all labs, or the given ones. Prints the description of each lab before its output, and a summary at the end.
#
#   scripts/demo.sh [LAB ...]      LAB as in scripts/lab-LAB.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# An interrupted lab cleans up and exits, and bash would continue with the next one.
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# The first comment of the lab: its description and topology.
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
