#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion in zsh and fish, in the shells themselves. completion.bats tests the candidates in bash.

# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell; maps.bash sets what is used here
bats_require_minimum_version 1.5.0
load maps.bash

setup() {
	begin_maps
	PATH=$(dirname "$elfmap"):$PATH
	export HOME=$tmp XDG_CONFIG_HOME=$tmp XDG_DATA_HOME=$tmp
	completion=$PWD/completion
	cd "$tmp" || return 1
	touch saved.o
	create hits hash 4 4 4
	create hosts hash 4 4 4
}

# fish_offers LINE: the candidates for the last word of LINE.
fish_offers() {
	fish -c "source $completion/elfmap.fish; complete -C '$1'" | cut -f1 | sort | xargs
}

# zsh_makes LINE: LINE after TAB was pressed, in an interactive zsh on a terminal.
zsh_makes() {
	timeout 60 zsh -f <<-END
		zmodload zsh/zpty
		zpty -b shell "TERM=dumb zsh -f -i"
		zpty -w shell "unsetopt zle_bracketed_paste; PS1=; fpath=($completion \\\$fpath); autoload -U compinit; compinit -u -D; print REA''DY"
		zpty -r shell said '*READY*'
		zpty -w -n shell \$'$1\t\x01print -r "MA""DE \x05"\n'
		zpty -r shell said '*MADE elfmap*'\$'\n'
		print -r -- "\${\${said##*MADE }%%\$'\r'*}"
	END
}

@test "fish: completes verbs, options, pins, types, devices, sections and files" {
	[[ -n $(type -P fish) ]] || skip 'no fish'
	[[ $(fish_offers 'elfmap map lo') == 'load lookup' ]]
	[[ $(fish_offers 'elfmap map show h') == 'hits hosts' ]]
	[[ $(fish_offers 'elfmap map unpin hits --') == *--force* ]]
	[[ $(fish_offers 'elfmap map dump hits types u32:be1') == u32:be16 ]]
	[[ $(fish_offers 'elfmap attach x.o dev l') == lo ]]
	[[ $(fish_offers "elfmap check $(dirname "$elfmap")/tc-progs/dst_stats.o sec in") == 'ingress ingress_l3' ]]
	[[ $(fish_offers 'elfmap show sa') == saved.o ]]
	[[ -z $(fish_offers 'elfmap map nosuch x') ]]
	[[ $(fish_offers 'elfmap exec ech') == *echo* ]]
}

@test "zsh: completes verbs, options, pins, types, devices, sections and files" {
	[[ -n $(type -P zsh) ]] || skip 'no zsh'
	[[ $(zsh_makes 'elfmap map unp') == 'elfmap map unpin' ]]
	[[ $(zsh_makes 'elfmap map show hi') == 'elfmap map show hits' ]]
	[[ $(zsh_makes 'elfmap map unpin hits --f') == 'elfmap map unpin hits --force' ]]
	[[ $(zsh_makes 'elfmap map dump hits types u32:be1') == 'elfmap map dump hits types u32:be16' ]]
	[[ $(zsh_makes 'elfmap attach x.o dev l') == 'elfmap attach x.o dev lo' ]]
	[[ $(zsh_makes "elfmap check $(dirname "$elfmap")/tc-progs/dst_stats.o sec eg") == *' sec egress'* ]]
	[[ $(zsh_makes 'elfmap show sa') == 'elfmap show saved.o' ]]
	[[ $(zsh_makes 'elfmap map nosuch x') == 'elfmap map nosuch x' ]]
}
