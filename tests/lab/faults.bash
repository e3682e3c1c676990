# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Runs a command repeatedly; each time another one of its system calls fails, or the command is killed at it. A
# test gives the state before and the command; afterwards the state must be the previous or the desired one.
# Needs flood.bash.
#
# shellcheck shell=bash disable=SC2154 # flood.bash sets them

stride=1 # every Nth call of each kind is tested

# setup_faults BEFORE COMMAND...: BEFORE is a function that makes the state in which COMMAND runs.
setup_faults() {
	command -v strace >/dev/null || skip 'strace is not installed'
	before=$1
	wanted_command=("${@:2}")
	start_again
	"${wanted_command[@]}" >/dev/null
	wanted=$(shape)
	start_again
}

start_again() {
	on blue tc qdisc del dev v1 clsact 2>/dev/null || true
	find /sys/fs/bpf/tc -type f -delete 2>/dev/null || true
	find /sys/fs/bpf/tc -mindepth 1 -depth -type d -delete 2>/dev/null || true
	"$before" >/dev/null
	found=$(everything)
}

# The state that a command can change. The next command removes programs that a failed replacement left (~new). Only
# entry 7 of the map is compared, since packets change the others.
everything() {
	local pin

	[[ ! -e /sys/fs/bpf/tc ]] || find /sys/fs/bpf/tc -mindepth 1 -type f ! -path '*~new/*' -printf '%P\n' | sort
	on blue tc -batch - <<-'END'
		qdisc show dev v1
		filter show dev v1 ingress
		filter show dev v1 egress
	END
	for pin in "$globals"/{gen_jmp,jmp_parse,jmp_end}; do
		[[ ! -e $pin ]] || bpftool -j map dump pinned "$pin"
	done
	for pin in /sys/fs/bpf/tc/links/*/v1/*/*; do
		[[ ! -e $pin ]] || bpftool -j link show pinned "$pin"
	done
	[[ ! -e $globals/gen_state ]] || "$elfmap" map dump gen_state types u32:u64 | grep '^7 ' || true
}

# The same without ids of programs and links, which differ each time, and without names, which libbpf omits if its
# probe for them failed.
shape() {
	everything | sed -E 's/ name [a-z_]*//; s/ id [0-9]+//; s/"value":\[[^]]*\]//g; s/"(id|prog_id)":[0-9]+//g'
}

assert_as_found() {
	assert_same "$found" "$(everything)"
}

assert_as_wanted() {
	assert_same "$wanted" "$(shape)"
}

# diff only prints a difference: it is too slow to be run a thousand times for the comparison.
assert_same() {
	[[ $1 == "$2" ]] || diff <(printf '%s\n' "$1") <(printf '%s\n' "$2")
}

finish() {
	"${wanted_command[@]}" >"$tmp/out" 2>&1 || {
		cat "$tmp/out"
		return 1
	}
	assert_as_wanted && [[ -z $(find /sys/fs/bpf/tc -name '*~new') ]]
}

# run_with INJECTION CALL NTH: runs the command with INJECTION at its NTH CALL; sets its status.
run_with() {
	status=0
	strace -qq -o "$tmp/trace" -e "trace=$2" -e "inject=$2:$1:when=$3" "${wanted_command[@]}" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
}

said_once() {
	[[ $(wc -l <"$tmp/err") == 1 && $(<"$tmp/err") == 'elfmap: '* ]]
}

# A failed command has printed one line and changed nothing; a successful one has done its work.
assert_all_or_nothing() {
	case $status in
	0)
		assert_as_wanted && start_again
		;;
	1)
		said_once && assert_as_found
		;;
	*) return 1 ;;
	esac
}

# fail CALL ERROR...: each call of this kind fails in one run, with the errors in turn.
fail() {
	local call=$1 errors=("${@:2}") failed=0 n

	for ((n = 1; n < 400; n += stride)); do
		run_with "error=${errors[n % ${#errors[@]}]}" "$call" "$n"
		[[ $(<"$tmp/trace") == *INJECTED* ]] || break
		((++failed))
		assert_all_or_nothing || {
			echo "status $status after $(grep INJECTED "$tmp/trace")"
			cat "$tmp/err"
			return 1
		}
		((n % 8)) || { finish && start_again; } || return
	done
	((n < 400)) && start_again
	injected=$((${injected-0} + failed))
}

# kill_at CALL: the command is killed at each call of this kind; run again, it completes its work.
kill_at() {
	local call=$1 n

	for ((n = 1; n < 400; n += stride)); do
		run_with signal=KILL "$call" "$n" 2>/dev/null
		[[ $status != 0 ]] || break
		assert_mendable "$n" || {
			echo "killed at $call $n"
			tail -n 1 "$tmp/trace"
			return 1
		}
		start_again
	done
	((n < 400)) && start_again
	injected=$((${injected-0} + n - 1))
}

assert_mendable() {
	if (($1 % 5 == 0)); then
		still_whole || return
	fi
	finish
}

# Packets run through one version completely; if none is attached no packet is counted.
still_whole() {
	[[ ! -e $globals/gen_cells ]] || { send 2 && [[ $(cells) == *' 0 0' ]]; }
}

# cells: packets completely through version 1, through version 2, mixed, lost.
cells() {
	"$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")'
}

send() {
	"$flood" from red to 10.9.0.2 port 9000 packets "$1" size 60 at blue >/dev/null
}
