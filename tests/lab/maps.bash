# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Shared by the tests of `elfmap map`: pinned maps made by bpftool, and checks of success and failure.

# shellcheck disable=SC2154 # run sets status, output, stderr
tc_dir=/sys/fs/bpf/tc
globals=$tc_dir/globals

# Called by setup(): sets $elfmap and $tmp, and removes all pins.
begin_maps() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset TC_BPF_MNT
	elfmap=${BUILD:-$PWD/build}/elfmap
	tmp=$BATS_TEST_TMPDIR
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete # except the kernel's own files
	mkdir -p $globals
}

# The command with the programs that it executes, in $public, readable by every user; bats's own directory is not.
# teardown() removes it.
copy_for_other_users() {
	public=$(mktemp -d)
	cp -r "$elfmap" "${elfmap%/*}/libexec" "$public/"
	chmod -R a+rX "$public"
}

# create NAME TYPE KEY VALUE ENTRIES [WORD ...]: a pinned map without types.
create() {
	bpftool map create "$globals/$1" type "$2" key "$3" value "$4" entries "$5" name "${1:0:15}" "${@:6}"
}

# map WORD ...: elfmap map, which must succeed without output on stderr.
map() {
	"$elfmap" map "$@" 2>"$tmp/said" || { cat "$tmp/said"; return 1; }
	[[ ! -s $tmp/said ]] || { cat "$tmp/said"; return 1; }
}

# fails STATUS TEXT WORD ...: nothing on stdout, one line with TEXT on stderr.
fails() {
	local status_wanted=$1 text=$2

	shift 2
	run --separate-stderr "$elfmap" map "$@"
	echo "status $status, stdout '$output', stderr '$stderr'"
	[[ $status == "$status_wanted" && -z $output && $stderr == *"$text"* ]] || return 1
	[[ $status_wanted == 2 || ${#stderr_lines[@]} == 1 ]]
}

# The number of entries by bpftool.
entries() {
	bpftool -j map dump pinned "$globals/$1" | jq length
}
