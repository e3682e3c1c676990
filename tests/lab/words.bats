#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Abbreviations of verbs: the accepted ones, of which none changes anything; suggestions for near misses.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
}

# Every accepted abbreviation, by the table of its verb.
understood='
	ch check
	che check
	chec check
	dec decl
	do doctor
	doc doctor
	doct doctor
	docto doctor
	m map
	ma map
	s show
	sh show
	sho show
	v version
	ve version
	ver version
	vers version
	versi version
	versio version
	cg cgroup
	cgr cgroup
	cgro cgroup
	cgrou cgroup'
understood_map='
	l list
	s show
	li list
	lis list
	sh show
	sho show
	w watch
	wa watch
	wat watch
	watc watch
	t types
	ty types
	typ types
	type types
	sa save
	sav save
	du dump
	dum dump
	g get
	ge get
	di diff
	dif diff
	pe peek
	pee peek
	loo lookup
	look lookup
	looku lookup
	ch check
	che check
	chec check'
understood_cgroup='
	s show
	sh show
	sho show'

verbs_of() {
	"$elfmap" "$@" help | awk '/^  [a-z]/ { print $1 }'
}

# holds LIST [TABLE]: of all prefixes of the table's verbs exactly those in LIST are accepted, as LIST defines.
holds() {
	local list=$1 table=("${@:2}") verb length word wanted

	for verb in $(verbs_of "${table[@]}"); do
		for ((length = 1; length < ${#verb}; length++)); do
			word=${verb:0:length}
			wanted=$(awk -v word="$word" '$1 == word { print $2 }' <<<"$list")
			! grep -qx "$word" <<<"$(verbs_of "${table[@]}")" || continue
			run --separate-stderr "$elfmap" "${table[@]}" "$word" --help
			# shellcheck disable=SC2154 # run sets it
			echo "${table[*]} $word: status $status, $output, $stderr"
			if [[ -n $wanted ]]; then
				[[ $status == 0 && ${lines[0]}' ' == "usage: elfmap ${table[*]}${table[*]:+ }$wanted "* ]] || return 1
			else
				[[ $status == 2 && -z $output && $stderr == "elfmap: $word: could be "*"'$verb'"*'; write it in full' ]] || return 1
			fi
		done
	done
}

@test "abbreviations: the top-level list" {
	holds "$understood"
}

@test "abbreviations: the list below map" {
	holds "$understood_map" map
}

@test "abbreviations: the list below cgroup" {
	holds "$understood_cgroup" cgroup
}

@test "abbreviations: no verb that changes something is on the list" {
	for verb in tc ip exec convert load unload attach detach graft upgrade apply; do
		run ! grep -qw "$verb" <<<"$understood"
	done
	for verb in pin unpin resize swap restore set del load replace clear push pop update delete; do
		run ! grep -qw "$verb" <<<"$understood_map"
	done
	for verb in set clear prune; do
		run ! grep -qw "$verb" <<<"$understood_cgroup"
	done
}

@test "abbreviations: words of bpftool and ip" {
	[[ $("$elfmap" m l) == PIN* && $("$elfmap" map l) == "$("$elfmap" map list)" ]]
	[[ $("$elfmap" m ty) == "$("$elfmap" map types)" ]]
}

@test "near misses are suggested, other words are not" {
	while read -r words; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" ${words% -> *}
		echo "$words: $stderr"
		# shellcheck disable=SC2154 # run sets it
		[[ -z $output && ${stderr_lines[0]} == *"; did you mean '${words#* -> }'?" ]]
	done <<-'END'
		maap -> map
		amp -> map
		shwo x -> show
		map lst -> list
		map unpni x -> unpin
		map dump x --darin -> --drain
		map watch x intervall 1 -> interval
		cgroup prone -> prune
	END
	for words in nosuch 'map xyz' 'map dump x --nosuch' 'map watch x often'; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" $words
		[[ $stderr != *'did you mean'* ]]
	done
}
