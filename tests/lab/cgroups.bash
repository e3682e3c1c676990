# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Cgroups for tests: $top and $top/leaf are made for each test, wherever cgroup2 is mounted. A test file sources
# this, and calls these functions from its setup() and teardown().
#
# shellcheck shell=bash disable=SC2034 # the variables are for the tests

setup_cgroups() {
	cgroup2=$(findmnt --noheadings --raw --first-only --types cgroup2 --output TARGET) ||
		skip 'cgroup2 is not mounted here'
	name=elfmap_bats_$$_$BATS_TEST_NUMBER
	top=$cgroup2/$name
	leaf=$top/leaf
	mkdir "$top" "$leaf" 2>/dev/null || skip 'no cgroup can be made here'
}

# A process may stay in its cgroup for a moment after its end.
teardown_cgroups() {
	local dir deadline=$((SECONDS + 10))

	for dir in "$leaf" "$top"; do
		until [[ ! -e $dir ]] || rmdir "$dir" 2>/dev/null; do
			((SECONDS < deadline)) || return 1
			sleep 0.02
		done
	done
}

# in_cgroup DIR COMMAND...
in_cgroup() {
	# shellcheck disable=SC2016 # for the inner shell
	bash -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' _ "$@"
}

id_of() {
	stat -c %i "$1"
}
