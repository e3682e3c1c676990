# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Commands whose calls to the kernel fail, one after the other, or are the last thing that they do. A test says
# what there was (before), what the command is, and the walks look whether afterwards all is as it was or as it
# was to be. Needs flood.bash.
#
# shellcheck shell=bash disable=SC2154 # flood.bash sets them

stride=1 # of the calls of a kind

# setup_faults BEFORE COMMAND...: BEFORE is a function that sets up what COMMAND finds.
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

# What a command could have changed. Programs that are being exchanged (~new) are the next command's to remove where
# that failed. The entry 7 is the test's; what packets leave in that map is theirs.
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

# The same without what differs each time: numbers of programs and links; names are what libbpf leaves out where
# its trial of them failed.
shape() {
	everything | sed -E 's/ name [a-z_]*//; s/ id [0-9]+//; s/"value":\[[^]]*\]//g; s/"(id|prog_id)":[0-9]+//g'
}

assert_as_found() {
	assert_same "$found" "$(everything)"
}

assert_as_wanted() {
	assert_same "$wanted" "$(shape)"
}

# diff is there to show what differs; asked a thousand times whether anything does, it takes its time.
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

# run_with INJECTION CALL NTH: the command, with something happening to it; its status.
run_with() {
	status=0
	strace -qq -o "$tmp/trace" -e "trace=$2" -e "inject=$2:$1:when=$3" "${wanted_command[@]}" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
}

said_once() {
	[[ $(wc -l <"$tmp/err") == 1 && $(<"$tmp/err") == 'elfmap: '* ]]
}

# One that failed has said so once, and everything is as it was; one that did not has done its work.
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

# fail CALL ERROR...: each call of this kind fails, once, the command going through the errors by turns.
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

# kill_at CALL: killed at each call of this kind; the same command then finishes the job.
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

# Packets that a version gets go through it whole; where none is attached there is nothing to count.
still_whole() {
	[[ ! -e $globals/gen_cells ]] || { send 2 && [[ $(cells) == *' 0 0' ]]; }
}

# cells: packets whole through version 1, through 2, mixed, lost.
cells() {
	"$elfmap" -j map dump gen_cells sum types u32:u64 | jq -r '[.[].value] | join(" ")'
}

send() {
	"$flood" from red to 10.9.0.2 port 9000 packets "$1" size 60 at blue >/dev/null
}
