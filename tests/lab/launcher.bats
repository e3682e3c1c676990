#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How the launcher finds and starts tc: unchanged scripts, the checks of the preload and of the command proper,
# and the environment and descriptors of tc's children.

# shellcheck disable=SC2154 # link.bash sets them

bats_require_minimum_version 1.5.0

load link.bash

# ---- the ways in --------------------------------------------------------------------------------------------

# front_door NAME COMMAND...: COMMAND, a way to call the launcher, runs the system's program NAME.
front_door() {
	run -0 --separate-stderr "${@:2}" -V
	[[ $output == "$("$1" -V)" && -z $stderr ]]
}

# verbs COMMAND...: COMMAND runs a verb of elfmap.
verbs() {
	run -0 --separate-stderr "$@" version
	[[ $output == 'elfmap '[0-9]* && -z $stderr ]]
}

# refused VERB PATTERN: the copy in own_tree fails with one line that matches PATTERN, and has no other output.
refused() {
	run -1 --separate-stderr "$tmp/own/elfmap" "$1"
	# shellcheck disable=SC2053 # a pattern
	[[ -z $output && $stderr == $2 ]]
}

@test "tc, ip and scripts run by name and by word, every other verb in the command proper" {
	mkdir "$tmp/bin"
	for name in tc ip elfmap tcp; do
		ln -s "$elfmap" "$tmp/bin/$name"
	done
	front_door tc "$tmp/bin/tc"
	front_door ip "$tmp/bin/ip"
	for call in "$elfmap" "$tmp/bin/elfmap" "$tmp/bin/tcp" "env PATH=$tmp/bin:$PATH elfmap" "env -i $elfmap"; do
		# shellcheck disable=SC2086 # words
		{
			front_door tc $call tc
			front_door ip $call ip
			front_door tc $call exec tc
			front_door ip $call exec -- ip
			verbs $call
		}
	done
	front_door tc env PATH="$tmp/bin:$PATH" tc
	run -2 --separate-stderr "$elfmap" exec --
	[[ -z $output && $stderr == 'usage: elfmap exec '* ]]
	run -0 --separate-stderr "$elfmap" exec -h
	[[ $output == 'usage: elfmap exec '* && -z $stderr ]]
}

@test "argv[0] from execve() selects the program, in any form" {
	as() { (exec -a "$1" "$elfmap" "${@:2}"); }
	front_door tc as tc
	front_door ip as /no/where/ip
	for name in '' / tc/ TC tc2 ./; do
		front_door tc as "$name" tc
		verbs as "$name"
	done
	exec 9<"$elfmap"
	front_door tc /proc/self/fd/9 tc
	verbs /proc/self/fd/9
	cat >"$tmp/nameless.c" <<-END
		#include <unistd.h>
		int main(int argc, char **argv) { return execve(argv[argc - 1], (char *[]){NULL}, (char *[]){NULL}); }
	END
	cc -w -o "$tmp/nameless" "$tmp/nameless.c"
	run -2 --separate-stderr "$tmp/nameless" "$elfmap"
	[[ -z $output && $stderr == 'usage: elfmap '* ]]
}

@test "the launcher does not depend on a libc that starts slowly" {
	[[ $(nm "$elfmap") == *' __init_libc'* ]] || skip "linked without musl"
	# glibc's start calls set_robust_list(), musl's does not. tc and the command proper follow the second execve().
	starts() { strace -qq -e trace=execve,set_robust_list "$@" 2>&1 >/dev/null | head -3 | cut -d'(' -f1 | xargs; }
	[[ $(starts "$elfmap" version) == 'execve execve set_robust_list' ]]
	[[ $(starts "$elfmap" tc -V) == 'execve execve set_robust_list' ]]
	[[ $(starts "$elfmap" exec tc -V) == 'execve execve execve' ]]
}

@test "the command proper gets the caller's words, and is called elfmap in the process list" {
	mkdir "$tmp/bin"
	ln -s "$elfmap" "$tmp/bin/other"
	for call in "$elfmap" "$tmp/bin/other"; do
		run -0 strace -qq -s 4096 -e trace=execve "$call" version
		[[ $output == *"execve(\"$build/libexec/elfmap/elfmap\", [\"$call\", \"version\"]"* ]]
	done
	bpftool map create /sys/fs/bpf/waits type array key 4 value 4 entries 1 name waits
	mkfifo "$tmp/fifo"
	(exec -a 'any name' "$elfmap" map load /sys/fs/bpf/waits "$tmp/fifo" >/dev/null 2>&1) &
	until [[ $(readlink "/proc/$!/exe") == "$build/libexec/elfmap/elfmap" ]]; do
		kill -0 $! # it waits for the writer of the FIFO
	done
	[[ $(ps -o comm= -p $!) == elfmap && $(ps -o args= -p $!) == "any name map load /sys/fs/bpf/waits $tmp/fifo" ]]
	: >"$tmp/fifo"
	wait $! || true
}

# ---- unchanged scripts --------------------------------------------------------------------------------------

@test "under the name tc the command is tc, and finds the real tc in PATH after itself" {
	mkdir "$tmp/bin"
	ln -s "$elfmap" "$tmp/bin/tc"
	ln -s "$elfmap" "$tmp/bin/ip"
	PATH="$tmp/bin:$PATH" tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $(filters) == 'shared.o:[ingress]' ]]
	[[ $(PATH="$tmp/bin" tc -V) == "$(tc -V)" && $(PATH="$tmp/bin:$tmp/bin" ip -V) == "$(ip -V)" ]]
}

@test "another copy of the command, and a script that runs it, are skipped in the search for tc" {
	own_tree
	mkdir "$tmp/bin1" "$tmp/bin2" "$tmp/bin3"
	strip "$tmp/own/elfmap"
	ln -s "$tmp/own/elfmap" "$tmp/bin1/tc"
	ln -s "$elfmap" "$tmp/bin2/tc"
	[[ $(PATH="$tmp/bin1:$tmp/bin2:$PATH" timeout 5 tc -V) == "$(tc -V)" ]]
	[[ $(PATH="$tmp/bin1:$tmp/bin2:$PATH" timeout 5 "$elfmap" exec tc -V) == "$(tc -V)" ]]
	for call in exec ''; do
		printf '#!/bin/sh\n%s "%s" tc "$@"\n' "$call" "$elfmap" >"$tmp/bin3/tc"
		chmod +x "$tmp/bin3/tc"
		[[ $(PATH="$tmp/bin3:$PATH" timeout 5 tc -V) == "$(tc -V)" ]]
		PATH="$tmp/bin3:$PATH" timeout 5 tc filter replace dev "$link" ingress pref 1 handle 1 bpf da \
			obj "$objects/shared.o" sec ingress
		[[ $(PATH="$tmp/bin3:$PATH" timeout 5 "$elfmap" tc -V) == "$(tc -V)" ]]
	done
	[[ $(filters) == 'shared.o:[ingress]' ]]
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\nexec env -i PATH="$PATH" "%s" tc "$@"\n' "$elfmap" >"$tmp/bin3/tc"
	[[ $(PATH="$tmp/bin3:$PATH" timeout 5 tc -V) == "$(tc -V)" ]]
}

@test "elfmap exec runs an unmodified script" {
	cat >"$tmp/script" <<-END
		#!/bin/sh -e
		tc filter add dev $link ingress bpf da obj $objects/shared.o sec ingress
		echo "\$# words, \$2"
		exit 3
	END
	chmod +x "$tmp/script"
	run -1 "$tmp/script" one two
	run -3 --separate-stderr "$elfmap" exec "$tmp/script" one two
	[[ $output == '2 words, two' && -z $stderr && $(filters) == 'shared.o:[ingress]' ]]
	run -1 --separate-stderr "$elfmap" exec "$tmp/nosuch"
	[[ $stderr == "elfmap: $tmp/nosuch: No such file or directory" ]]
	run -2 "$elfmap" exec
}

@test "elfmap ip netns exec NS tc: the tc inside gets the preload" {
	in_net tc qdisc add dev peer clsact
	"$elfmap" ip netns exec "$net" tc filter add dev peer ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $(in_net tc filter show dev peer ingress) == *'shared.o:[ingress]'* && -e $globals/shared_hits ]]
	run -1 ip netns exec "$net" tc filter add dev peer ingress bpf da obj "$objects/shared.o" sec ingress
}

@test "a tc without libbpf runs unchanged; a static tc with libbpf is refused" {
	mkdir "$tmp/bin"
	cat >"$tmp/show.c" <<-END
		#include <stdio.h>
		#include <stdlib.h>
		const char *volatile refusal = REFUSAL;
		int main(void) { return printf("preload: %s\n", getenv("LD_PRELOAD") ? "yes" : "no") < 0; }
	END
	cc -DREFUSAL='""' -o "$tmp/bin/tc" "$tmp/show.c"
	[[ $(PATH="$tmp/bin:$PATH" "$elfmap" tc) == 'preload: no' ]]
	cc -static -DREFUSAL='""' -o "$tmp/bin/tc" "$tmp/show.c"
	[[ $(PATH="$tmp/bin:$PATH" "$elfmap" tc) == 'preload: no' ]]
	cc -static -DREFUSAL="\"legacy map definitions in 'maps' section are\"" -o "$tmp/bin/tc" "$tmp/show.c"
	PATH="$tmp/bin:$PATH" run -1 --separate-stderr "$elfmap" tc
	[[ -z $output && $stderr == "elfmap: $tmp/bin/tc: is statically linked"*"elfmap convert FILE OUT --for tc" ]]
}

# ---- who may stand in front of tc ---------------------------------------------------------------------------

# own_tree: a copy of the launcher and its libexec, which the test may damage.
own_tree() {
	mkdir "$tmp/own"
	cp -a "$elfmap" "$build/libexec" "$tmp/own/"
	chmod 755 "$tmp/own"
}

@test "a preload that others can write or own is refused" {
	own_tree
	preload=$tmp/own/libexec/elfmap/preload.so
	"$tmp/own/elfmap" tc -V
	chmod g+w "$preload"
	run -1 --separate-stderr "$tmp/own/elfmap" tc -V
	[[ -z $output && $stderr == "elfmap: $preload: is writable by others than its owner; fix it with: chmod go-w $preload" ]]
	chmod 755 "$preload"
	chown 12345 "$preload"
	run -1 --separate-stderr "$tmp/own/elfmap" tc -V
	[[ -z $output && $stderr == "elfmap: $preload: belongs neither to root nor to the owner of this command" ]]
	chown 0 "$preload"
	"$tmp/own/elfmap" tc -V
}

@test "a directory above the preload that others can write or own is refused" {
	own_tree
	for folder in "$tmp/own/libexec/elfmap" "$tmp/own/libexec" "$tmp/own"; do
		chmod o+w "$folder"
		run -1 --separate-stderr "$tmp/own/elfmap" tc -V
		[[ -z $output && $stderr == "elfmap: $folder: "*"chmod go-w $folder" ]]
		chmod o-w "$folder"
		chown 12345 "$folder"
		run -1 --separate-stderr "$tmp/own/elfmap" tc -V
		[[ -z $output && $stderr == "elfmap: $folder: "*'belongs neither'* ]]
		chown 0 "$folder"
	done
	"$tmp/own/elfmap" tc -V
	rm "$tmp/own/libexec/elfmap/preload.so"
	run -1 --separate-stderr "$tmp/own/elfmap" tc -V
	[[ $stderr == "elfmap: $tmp/own/libexec/elfmap/preload.so: No such file or directory" ]]
}

@test "a command proper that others can write or own, or in such a directory, is not executed" {
	own_tree
	proper=$tmp/own/libexec/elfmap/elfmap
	verbs "$tmp/own/elfmap"
	for path in "$proper" "$tmp/own/libexec/elfmap" "$tmp/own/libexec" "$tmp/own"; do
		chmod o+w "$path"
		refused version "elfmap: $path: is writable by others than its owner; fix it with: chmod go-w $path"
		chmod o-w "$path"
		chown 12345 "$path"
		refused version "elfmap: $path: belongs neither to root nor to the owner of this command"
		chown 0 "$path"
	done
	verbs "$tmp/own/elfmap"
	chown -R 12345 "$tmp/own/libexec"
	refused version '*: belongs neither to root nor to the owner of this command'
	chown 12345 "$tmp/own/elfmap" # a build that belongs to this user
	verbs "$tmp/own/elfmap"
}

@test "a setuid copy is refused, and no file of another owner is executed from a directory that it is linked into" {
	chmod 755 "$tmp" "$BATS_RUN_TMPDIR"
	own_tree
	mkdir -p "$tmp/own/theirs/libexec/elfmap"
	cp "$(type -P id)" "$tmp/own/theirs/libexec/elfmap/elfmap"
	chown -R 12345 "$tmp/own/theirs"
	chmod u+s "$tmp/own/elfmap"
	ln "$tmp/own/elfmap" "$tmp/own/theirs/elfmap"
	as_user() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
	secure="refused, since it is setuid or setgid, or has file capabilities; 'sudo elfmap ...' runs it as root"
	for command in "$tmp/own/elfmap" "$tmp/own/theirs/elfmap"; do
		for words in version 'tc -V' 'map list' ''; do
			# shellcheck disable=SC2086 # words
			run -1 --separate-stderr as_user "$command" $words
			[[ -z $output && $stderr == "elfmap: $command: $secure" ]]
		done
	done
	chmod u+s "$tmp/own/libexec/elfmap/elfmap"
	run -1 --separate-stderr as_user "$tmp/own/libexec/elfmap/elfmap" version
	[[ -z $output && $stderr == "elfmap: $tmp/own/libexec/elfmap/elfmap: $secure" ]]
	chmod u-s "$tmp/own/elfmap" "$tmp/own/libexec/elfmap/elfmap"
	verbs as_user "$tmp/own/elfmap"
	run -1 --separate-stderr as_user "$tmp/own/theirs/elfmap" -u
	[[ -z $output && $stderr == "elfmap: $tmp/own/theirs/libexec/elfmap/elfmap: belongs neither to root nor to the owner of this command" ]]
}

@test "a launcher without its libexec reports that, and does not execute itself" {
	own_tree
	proper=$tmp/own/libexec/elfmap/elfmap
	rm "$proper"
	refused version "elfmap: $proper: No such file or directory"
	cp "$elfmap" "$proper"
	run -1 --separate-stderr timeout 5 "$tmp/own/elfmap" version
	[[ -z $output && $stderr == "elfmap: $tmp/own/libexec/elfmap: is the launcher, not the command; install it again with: make install" ]]
	rm -r "$tmp/own/libexec"
	refused version "elfmap: $tmp/libexec/elfmap: No such file or directory; was the command installed with make install?"
}

@test "libexec may be a symbolic link, whose target is checked as well" {
	own_tree
	mkdir "$tmp/far"
	mv "$tmp/own/libexec/elfmap" "$tmp/far/"
	ln -s "$tmp/far/elfmap" "$tmp/own/libexec/elfmap"
	verbs "$tmp/own/elfmap"
	front_door tc "$tmp/own/elfmap" tc
	chmod o+w "$tmp/far"
	refused version "elfmap: $tmp/far: is writable by others than its owner; *"
	chmod o-w "$tmp/far"
	chmod o+w "$tmp/own/libexec"
	refused version "elfmap: $tmp/own/libexec: is writable by others than its owner; *"
}

@test "elfmap exec adds no directory to PATH that others can write or that has a colon" {
	own_tree
	[[ $("$tmp/own/elfmap" exec tc -V) == "$(tc -V)" ]]
	chmod o+w "$tmp/own/libexec/elfmap/bin"
	run -1 --separate-stderr "$tmp/own/elfmap" exec tc -V
	[[ -z $output && $stderr == "elfmap: $tmp/own/libexec/elfmap/bin: is writable by others"* ]]
	mkdir "$tmp/a:b"
	cp -a "$elfmap" "$build/libexec" "$tmp/a:b/"
	run -1 --separate-stderr "$tmp/a:b/elfmap" exec tc -V
	[[ -z $output && $stderr == *'a path with a colon cannot stand in PATH' ]]
}

@test "the preload works from a path with spaces and colons" {
	mkdir "$tmp/a b:c"
	cp -a "$elfmap" "$build/libexec" "$tmp/a b:c/"
	"$tmp/a b:c/elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $(filters) == 'shared.o:[ingress]' ]]
}

@test "children get the caller's environment and none of our descriptors" {
	libm=$(cc -print-file-name=libm.so.6)
	for callers in "$libm" ''; do
		for mount in /somewhere ''; do
			want=$(env -u LD_PRELOAD -u TC_BPF_MNT ${callers:+LD_PRELOAD="$callers"} ${mount:+TC_BPF_MNT="$mount"} \
				ip netns exec "$net" sh -c 'env | grep -E "LD_PRELOAD|TC_BPF|ELFMAP"; ls /proc/self/fd | wc -l')
			got=$(env -u LD_PRELOAD -u TC_BPF_MNT ${callers:+LD_PRELOAD="$callers"} ${mount:+TC_BPF_MNT="$mount"} \
				"$elfmap" ip netns exec "$net" sh -c 'env | grep -E "LD_PRELOAD|TC_BPF|ELFMAP"; ls /proc/self/fd | wc -l')
			[[ $got == "$want" ]]
		done
	done
}

@test "the caller's own LD_PRELOAD stays in force" {
	cat >"$tmp/own.c" <<-END
		#include <unistd.h>
		__attribute__((constructor)) static void start(void) { (void)!write(2, "callers own\n", 12); }
	END
	cc -shared -fPIC -o "$tmp/own.so" "$tmp/own.c"
	run -0 --separate-stderr env LD_PRELOAD="$tmp/own.so" "$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $stderr == *'callers own'* && $(filters) == 'shared.o:[ingress]' ]]
}

# descriptors COMMAND...: the lowest limit of open files with which a batch of a hundred loads succeeds.
loads_before_limit() {
	local limit=$1
	shift
	(
		ulimit -n "$limit"
		"$@" -batch "$tmp/batch" >/dev/null 2>&1
	) || true
	filters | wc -l
}

@test "tc -batch: a thousand loads leave no more descriptors open than plain tc" {
	modern=$tmp/modern.o
	"$elfmap" convert "$objects/shared.o" "$modern" --for tc
	for object in "$modern" "$objects/shared.o"; do
		for ((i = 1; i <= 100; i++)); do
			echo "filter add dev $link ingress pref $i bpf da obj $object sec ingress"
		done >"$tmp/batch"
		if [[ $object == "$modern" ]]; then
			plain=$(loads_before_limit 100 tc)
		else
			ours=$(loads_before_limit 100 "$elfmap" tc)
		fi
		tc filter del dev "$link" ingress
	done
	echo "plain tc ended after $plain loads, elfmap tc after $ours"
	((plain < 100 && ours >= plain - 1)) || ((plain == 100 && ours == 100))

	for ((i = 1; i <= 1000; i++)); do
		echo "filter replace dev $link ingress pref 1 handle 1 bpf da obj $objects/shared.o sec ingress"
	done >"$tmp/batch"
	(
		ulimit -n "$(ulimit -H -n)"
		"$elfmap" tc -batch "$tmp/batch"
	)
	[[ $(filters) == 'shared.o:[ingress]' && $(pins) == "$globals/shared_hits" ]]
}
