#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs every command in README.md in order, and compares the output with README.md (… matches any text).

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	root=$PWD
	export BUILD=${BUILD:-$PWD/build}
}

# Makes eth0 with a neighbour at 10.9.0.2, and a directory with the README's files.
make_host() {
	local side

	ip netns add readme
	ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns readme
	for side in 1 2; do
		in_side "$side" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1 # no other traffic: exact counts
		in_side "$side" ip link set eth0 up
		in_side "$side" ip addr add "10.9.0.$side/24" dev eth0
		in_side "$side" ip neigh replace "10.9.0.$((3 - side))" lladdr "02:00:00:00:00:0$((3 - side))" dev eth0 nud permanent
	done
	mount -t tmpfs tmpfs /usr/local/sbin # the README makes a link there
	cd "$BATS_TEST_TMPDIR" || return 1
	ln -s "$BUILD" build
	ln -s "$root/include" include
	written deploy.sh
	written count.c
	chmod +x deploy.sh
}

# written FILE: the contents of FILE in the README.
written() {
	sed -n "/^\\\$ cat $1\$/,/^\\\$ /{//!p}" "$root/README.md" >"$1"
}

in_side() {
	local side=$1

	shift
	if [[ $side == 1 ]]; then
		"$@"
	else
		nsenter --net=/run/netns/readme "$@"
	fi
}

teardown() {
	cd / || return 1
	if [[ -e /run/netns/readme ]]; then
		umount /usr/local/sbin
		ip link del eth0
		ip netns del readme
	fi
}

# commands: each `$ ` line of the console blocks, NUL, its expected output, NUL.
commands() {
	awk '/^```console$/ { inside = 1; next }
		/^```$/ && inside { inside = 0; if (open) printf "%c", 0; open = 0; next }
		inside && /^\$ / { if (open) printf "%c", 0; printf "%s%c", substr($0, 3), 0; open = 1; next }
		inside { print }' "$root/README.md"
}

@test "every command of the README prints what the README shows" {
	count=0
	make_host
	PATH=$BUILD:$PATH
	while IFS= read -r -d '' command && IFS= read -r -d '' want; do
		got=$(bash -c "$command" 2>&1) || true
		pattern=${want%$'\n'}
		pattern=${pattern//\\/\\\\}
		pattern=${pattern//\[/\\[} pattern=${pattern//\*/\\*} pattern=${pattern//\(/\\(}
		pattern=${pattern//…/*}
		printf '$ %s\n%s\n' "$command" "$got"
		# shellcheck disable=SC2053 # a pattern
		[[ $got == $pattern ]] || {
			printf -- '--- the README says\n%s\n' "$want"
			return 1
		}
		count=$((count + 1))
	done < <(commands)
	((count >= 60))
}

@test "every make target in the README exists" {
	cd "$root"
	targets=$(grep -oE '`?make [a-z-]+' README.md | awk '{ print $2 }' | sort -u)
	[[ $targets == *check* && $targets == *demo* && $targets == *install* ]]
	for target in $targets; do
		make -n -o deps "$target" >/dev/null
	done
}

@test "every file and directory in the README exists" {
	cd "$root"
	for path in $(sed -n '/^## The tree/,/^## Licence/p' README.md | grep -oE '^    [a-z-]+/' ) CONTRIBUTING.md scripts/deps.sh; do
		[[ -e $path ]]
	done
	compgen -G 'man/elfmap*.8' >/dev/null
}
