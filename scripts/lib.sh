# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Functions of the labs: private mounts, names, an echoing `cmd`, waiting, clean-up.
#
# A lab consists of a description, its topology, `source lib.sh`, `lab_private "$@"; shift`, and commands.
# It is isolated from other labs and from the host:
#
#   lab_private  runs the lab again as root in its own mount namespace, with a new bpffs on /sys/fs/bpf, which
#                hides the host's pins, and a tmpfs on /run, so that names of `ip netns` are private. The
#                kernel removes both with the last process of the lab.
#   on NS CMD    enters a namespace with nsenter. `ip netns exec NS` and `tc -n NS` mount a new /sys, which
#                hides the bpffs: pins that are created there disappear silently.
set -euo pipefail

# An ordinary user's PATH lacks the folders where tc and bpftool are.
PATH+=:/usr/sbin:/sbin

lab_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lab_netns=()   # to delete at the end
lab_cgroups=() # to delete at the end, in this order

say() {
	printf '\n# %s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Prints a command in a form that can be copied, then runs it. The line goes to the output of the lab, even
# if the output of the command is redirected.
cmd() {
	lab_echo '' "$@"
	"$@"
}

# The same in namespace NS.
on() {
	local netns=$1-$$

	lab_echo "[$1] " "${@:2}"
	nsenter --net="/run/netns/$netns" -- "${@:2}"
}

# The same in the background, as $!: CMD itself is the job, and ends with the lab.
on_behind() {
	local netns=$1-$$

	lab_echo "[$1] " "${@:2}"
	nsenter --net="/run/netns/$netns" -- "${@:2}" &
}

# Quotes only words that need it.
lab_echo() {
	local word line=''

	for word in "${@:2}"; do
		[[ $word =~ ^([{}]|[[:alnum:]_./:,=@%+^-]+)$ ]] || word=${word@Q}
		line+=" $word"
	done
	printf '%s$%s\n' "$1" "$line" >&"$lab_output"
}

# in_short COMMAND...: runs ping; prints only its errors and the line with the number of replies.
in_short() {
	"$@" 2>&1 | sed -n '/^ping:/p; /transmitted/p' | uniq
}

lab_private() {
	local as_root=()

	if [[ ${1-} != --private ]]; then
		[[ $(id -u) == 0 ]] || as_root=(sudo --preserve-env=BUILD)
		[[ -z ${as_root[*]} || -n $(type -P sudo) ]] || die 'labs need root, and there is no sudo here'
		exec "${as_root[@]}" unshare --mount --propagation private -- "$(realpath "$0")" --private "$@"
	fi
	# On a signal the lab exits through `exit`, so that it cleans up.
	trap lab_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	trap 'exit 131' QUIT
	exec {lab_output}>&1
	cd "$lab_root"
	lab_mounts
	lab_tools
}

# tc uses the first bpffs that it finds, so all inherited ones are unmounted.
lab_mounts() {
	local bpffs

	for bpffs in $(findmnt --noheadings --raw --types bpf --output TARGET | tac); do
		umount --lazy "$bpffs"
	done
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	mount -t tmpfs tmpfs /run
}

# `elfmap` in a lab is the command in $BUILD.
lab_tools() {
	local tool

	BUILD=$(realpath --relative-to="$lab_root" "${BUILD:-build}")
	[[ -x $BUILD/elfmap ]] || die "$BUILD/elfmap: not built yet; 'make' builds it"
	PATH=$(realpath "$BUILD"):$PATH
	for tool in ip tc ping nsenter jq; do
		[[ -n $(type -P "$tool") ]] || die "$tool: not installed; 'make deps' installs it"
	done
}

lab_end() {
	local status=$? netns jobs

	trap - EXIT
	trap '' INT TERM HUP QUIT
	jobs=$(jobs -p)
	# shellcheck disable=SC2086 # one word each
	[[ -z $jobs ]] || kill $jobs 2>/dev/null || true
	[[ -z ${lab_alive-} ]] || exec {lab_alive}>&-
	wait
	remove_cgroups
	for netns in "${lab_netns[@]}"; do
		ip netns delete "$netns" || true
	done
	[[ $status == 0 ]] || printf '%s: failed, status %d\n' "${0##*/}" "$status" >&2
	exit "$status"
}

# Creates namespaces. NAME in the lab is NAME-PID on the system.
netns_add() {
	local name

	for name in "$@"; do
		ip netns add "$name-$$"
		lab_netns+=("$name-$$")
		nsenter --net="/run/netns/$name-$$" -- ip link set dev lo up
	done
}

# Connects namespaces A and B with a veth pair: veth_add A v0 B v1. MAC addresses are fixed, so that the labs can
# use static neighbours and no neighbour discovery changes their counters.
veth_add() {
	local a=$1 a_dev=$2 b=$3 b_dev=$4

	cmd ip link add "$a_dev" address 02:00:00:00:00:01 netns "$a-$$" type veth \
		peer name "$b_dev" address 02:00:00:00:00:02 netns "$b-$$"
	on "$a" ip link set dev "$a_dev" up
	on "$b" ip link set dev "$b_dev" up
	wait_for "$a_dev to be up" 5 netdev_is_up "$a" "$a_dev"
	wait_for "$b_dev to be up" 5 netdev_is_up "$b" "$b_dev"
}

netdev_is_up() {
	[[ $(nsenter --net="/run/netns/$1-$$" -- ip -o link show dev "$2") == *' state UP '* ]]
}

# wait_for WHAT SECONDS CMD...: waits until CMD succeeds. After SECONDS the lab fails and prints WHAT.
wait_for() {
	local what=$1 end=$((SECONDS + $2))

	until "${@:3}"; do
		((SECONDS <= end)) || die "waited $2 seconds for $what"
		sleep 0.02
	done
}

# Creates cgroups, parents first. FIRST/REST in the lab is FIRST-PID/REST on the system, below the directory
# $cgroups. Unlike namespaces, cgroups stay when a lab is killed. Therefore a process in a separate session, which
# signals to the lab do not reach, waits until the pipe closes with the last process of the lab, and removes them.
cgroup_add() {
	local name dirs=()

	cgroups=/run/cgroup2
	mkdir "$cgroups"
	mount -t cgroup2 cgroup2 "$cgroups" 2>/dev/null || die 'no cgroup2 can be mounted here'
	for name in "$@"; do
		dirs=("$(cgroup_dir "$name")" "${dirs[@]}")
	done
	lab_cgroups=("${dirs[@]}")
	exec {lab_alive}> >(
		exec setsid bash -c "$(declare -f remove_cgroups)"'; lab_cgroups=("$@"); cat; remove_cgroups' \
			lab "${dirs[@]}" >/dev/null 2>&1 {lab_output}>&-
	)
	for name in "$@"; do
		cmd mkdir "$(cgroup_dir "$name")"
	done
}

cgroup_dir() {
	local first=${1%%/*}

	printf '%s/%s\n' "$cgroups" "$first-$$${1#"$first"}"
}

# The processes in a cgroup may need a moment to exit.
remove_cgroups() {
	local dir

	for dir in "${lab_cgroups[@]}"; do
		for _ in {1..250}; do
			[[ -e $dir ]] || break
			rmdir "$dir" 2>/dev/null || sleep 0.02
		done
	done
}

# inside CGROUP NETNS COMMAND...: runs COMMAND in both.
inside() {
	local dir netns=$2-$$

	dir=$(cgroup_dir "$1")
	lab_echo "[$2, $1] " "${@:3}"
	# shellcheck disable=SC2016 # for the inner shell
	bash -c 'echo $$ >"$1/cgroup.procs" && exec "${@:2}"' _ "$dir" nsenter --net="/run/netns/$netns" -- "${@:3}"
}
