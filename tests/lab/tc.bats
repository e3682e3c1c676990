#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap tc` and `elfmap ip`: the system's tc and ip load legacy objects, with real packets; the pins that they
# leave, and what is refused.

# shellcheck disable=SC2154 # link.bash sets them

bats_require_minimum_version 1.5.0

load link.bash

# ---- what an old tc would have left ---------------------------------------------------------------

@test "tc filter add: the filter has its own name, the map is pinned, packets are counted" {
	run -0 --separate-stderr add shared ingress
	[[ -z $output && -z $stderr ]]
	[[ $(filters) == 'shared.o:[ingress]' ]]
	tc filter show dev "$link" ingress | grep -q 'shared.o:\[ingress\] direct-action'
	[[ $(pins) == "$globals/shared_hits" ]]
	before=$(counter shared_hits 0)
	in_net ping -q -c 3 -i 0.2 10.9.0.1
	((before + 3 <= $(counter shared_hits 0)))
	[[ $(counter shared_hits 1) == 0 ]]
}

@test "plain tc refuses the same object" {
	run --separate-stderr tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress
	[[ $status == 1 && -z $(filters) && $stderr == *"legacy map definitions in 'maps' section"* ]]
}

@test "objects with and without BTF load in the same way" {
	for object in shared shared.nobtf; do
		add "$object" egress
		[[ $(filters) == "$object.o:[egress]" ]]
		tc filter del dev "$link" ingress
	done
}

@test "the other spellings of tc's options are accepted" {
	at=(dev "$link" ingress pref 7 handle 3)
	for words in "obj $objects/shared.o sec ingress" "object-file $objects/shared.o section ingress" \
		"object $objects/shared.o sec egress verbose"; do
		# shellcheck disable=SC2086 # words
		run -0 "$elfmap" tc filter replace "${at[@]}" bpf direct-action $words
		[[ $(filters | wc -l) == 1 ]]
	done
	[[ $(filters) == 'shared.o:[egress]' && $output == *libbpf:* ]]
	run -2 "$elfmap" tc filter add "${at[@]}" bpf da obj "$objects/shared.o" sec ingress
	[[ $output == *'File exists'* || $output == *'Filter already exists'* ]]
}

@test "without da the filter sets a class and still counts" {
	"$elfmap" tc filter add dev "$link" ingress bpf obj "$objects/shared.o" sec ingress classid 1:1
	in_net ping -q -c 2 -i 0.2 10.9.0.1
	((2 <= $(counter shared_hits 0)))
}

@test "tail-call slots are filled from ID/KEY sections, and packets go through them" {
	add tailcall classifier
	for slot in jmp_parse:0 jmp_parse:1 jmp_end:0; do
		bpftool map lookup pinned "$globals/${slot%:*}" key "${slot#*:}" 0 0 0
	done
	in_net ping -q -c 3 -i 0.2 10.9.0.1
	for stage in 0 1 2 3; do
		((3 <= $(counter stages "$stage")))
	done
	bpftool map delete pinned "$globals/jmp_end" key 0 0 0 0
	before=$(counter stages 3)
	in_net ping -q -c 3 -i 0.2 10.9.0.1
	((before == $(counter stages 3) && 6 <= $(counter stages 2)))
}

@test "of several functions in the section of a slot, the first is used" {
	clang -target bpf -O2 -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" -xc -c -o "$tmp/two.o" - <<-END
		#include "bpf_elf.h"
		#define SEC(name) __attribute__((section(name), used))
		struct bpf_elf_map jumps SEC("maps") = {
			.type = 3, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 7, .pinning = PIN_GLOBAL_NS };
		SEC("7/0") int wanted(void *ctx) { return -1; }
		SEC("7/0") int unwanted(void *ctx) { return 2; }
		SEC("classifier") int enter_here(void *ctx)
		{
			((void (*)(void *, void *, int))12)(ctx, &jumps, 0);
			return -1;
		}
		char _license[] SEC("license") = "GPL";
	END
	"$elfmap" tc filter add dev "$link" ingress bpf da obj "$tmp/two.o" sec classifier
	prog=$(bpftool -j map lookup pinned "$globals/jumps" key 0 0 0 0 | jq -r '.value | map(ltrimstr("0x")) | reverse | join("")')
	[[ $(bpftool -j prog show id $((16#$prog)) | jq -r .name) == wanted ]]
}

@test "an unpinned PROG_ARRAY is warned about, since the kernel will empty it" {
	run -0 --separate-stderr add tailcall_unpinned classifier
	fails 0 "*tailcall_unpinned.o: warning: map '*' is not pinned*empties its tail-call slots*PIN_GLOBAL_NS*"
	run -0 --separate-stderr add tailcall classifier
	[[ -z $stderr ]]
}

@test "inner maps are inserted as the template defines; a pinned outer map is unchanged" {
	add map_in_map classifier
	id=$(bpftool -j map show pinned "$globals/inner" | jq .id)
	[[ $(bpftool -j map lookup pinned "$globals/outer" key 0 0 0 0) == *"$(printf '"0x%02x"' $((id & 255)))"* ]]
	bpftool map delete pinned "$globals/outer" key 0 0 0 0
	add map_in_map classifier
	run ! bpftool map lookup pinned "$globals/outer" key 0 0 0 0
}

@test "PIN_OBJECT_NS pins below the object's hash, also without AF_ALG in the kernel" {
	add pin_object classifier 2>/dev/null
	[[ -e /sys/fs/bpf/tc/$(sha1sum <"$objects/pin_object.o" | cut -d' ' -f1)/pin_object ]]
	[[ -e $globals/pin_global ]]
}

@test "a pinning number that is in no table is warned about, and one in a table is used" {
	run -0 --separate-stderr add pin_object classifier
	fails 0 "*warning: map 'pin_number': pinning 77 is in no table*bpf_pinning*"
	[[ ! -e /sys/fs/bpf/own/deep/pin_number ]]
	echo '77 own/deep' >>/etc/iproute2/bpf_pinning
	run -0 --separate-stderr add pin_object classifier
	[[ -z $stderr && -e /sys/fs/bpf/own/deep/pin_number ]]
}

@test "ip link xdp obj: uses the same pins as tc" {
	run -0 "$elfmap" ip link set dev "$link" xdpgeneric obj "$objects/shared.o" sec ingress
	[[ $(pins) == "$globals/shared_hits" ]]
	in_net ping -q -c 2 -i 0.2 -W 0.2 10.9.0.1 || true # verdict 0 is XDP_ABORTED
	((1 <= $(counter shared_hits 0)))
	ip -d link show dev "$link" | grep -q xdpgeneric
	run ! ip link set dev "$link" xdpgeneric obj "$objects/shared.o" sec ingress
}

# ---- nothing changes where nothing is needed --------------------------------------------------------

@test "objects without a maps section: output, status and filter are those of plain tc" {
	for object in modern nomaps; do
		section=$("$elfmap" -j show "$objects/$object.o" | jq -r '.progs[0].section')
		for words in "obj $objects/$object.o sec $section" "obj $objects/$object.o sec nosuch"; do
			# shellcheck disable=SC2086 # words
			want=$(tc filter add dev "$link" ingress bpf da $words 2>&1 || echo "status $?"; filters)
			tc filter del dev "$link" ingress
			# shellcheck disable=SC2086
			got=$("$elfmap" tc filter add dev "$link" ingress bpf da $words 2>&1 || echo "status $?"; filters)
			tc filter del dev "$link" ingress
			echo "want $want, got $got"
			[[ $got == "$want" && -n $got ]]
		done
	done
}

@test "a modern object that elfmap cannot read is left to tc" {
	clang -target bpf -O2 -g -xc -c -o "$tmp/odd.o" - <<-END
		__attribute__((section("$(printf 'x%.0s' {1..300})"), used)) int odd(void *ctx) { return 0; }
		char _license[] __attribute__((section("license"), used)) = "GPL";
	END
	run -0 --separate-stderr "$elfmap" tc filter add dev "$link" ingress bpf da obj "$tmp/odd.o" sec "$(printf 'x%.0s' {1..300})"
	[[ -z $stderr ]]
}

@test "an undefined symbol affects only the sections that use it" {
	for object in undefined undefined.nobtf; do
		run -0 --separate-stderr add "$object" good
		[[ -z $stderr && $(filters) == "$object.o:[good]" ]]
		tc filter del dev "$link" ingress
		run --separate-stderr add "$object" calls
		fails 1 "*$object.o: section 'calls': uses 'missing_function', which the object does not define"
		run --separate-stderr add "$object" reads
		fails 1 "*$object.o: section 'reads': uses 'missing_limit', which the object does not define; its own loader would write a value there"
		[[ -z $(filters) ]]
	done
}

@test "an undefined symbol in .text affects only the programs that call its function" {
	for object in undefined_text undefined_text.nobtf; do
		add "$object" good
		[[ $(filters) == "$object.o:[good]" && $(pins) == "$globals/undefined_hits" ]]
		tc filter del dev "$link" ingress
		rm "$globals/undefined_hits"
		for section in direct through; do
			run --separate-stderr "$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/$object.o" sec "$section"
			fails 1 "*$object.o: section '$section': uses 'nowhere', which the object does not define*"
			[[ -z $(filters) && -z $(pins) ]]
		done
		run -0 --separate-stderr "$elfmap" load "$objects/$object.o" sec good
		"$elfmap" unload "$objects/$object.o" --maps
		run -1 --separate-stderr "$elfmap" load "$objects/$object.o"
		[[ $stderr == *"$object.o: section 'direct': uses 'nowhere', which the object does not define" && ! -e $globals/undefined_hits ]]
		"$elfmap" show "$objects/$object.o" | grep -q "section 'through': uses 'nowhere'"
		"$elfmap" convert "$objects/$object.o" "$tmp/converted.o" type cls
		bpftool prog loadall "$tmp/converted.o" /sys/fs/bpf/converted 2>"$tmp/said"
		[[ $(ls /sys/fs/bpf/converted) == use_other ]]
		rm -r /sys/fs/bpf/converted /sys/fs/bpf/tc/progs
	done
}

# old_object NAME LINE…: an object as compilers of 2016 wrote it: symbols without types or sizes, and labels.
old_object() {
	local name=$1

	shift
	clang -target bpf -xassembler -c -o "$tmp/$name.o" - <<-END
		.section classifier,"ax",@progbits
		.globl first
		first:
		$(printf '%s\n' "$@")
		r0 = -1
		LBB0_1:
		exit
		.section license,"aw",@progbits
		.globl _license
		_license:
		.asciz "GPL"
	END
	run ! grep -qE 'FUNC|OBJECT' <<<"$(llvm-readelf -s "$tmp/$name.o")"
}

@test "objects with the symbols of an old compiler load, with maps and without; plain tc refuses them" {
	old_object bare
	run -1 tc filter add dev "$link" ingress bpf da obj "$tmp/bare.o" sec classifier
	old_object mapped 'r1 = old_hits ll' 'r0 = 0' '*(u32 *)(r10 - 4) = r0' 'r2 = r10' 'r2 += -4' 'call 1' \
		'.section maps,"aw",@progbits' '.globl old_hits' 'old_hits:' '.long 2, 4, 8, 1, 0, 0, 2, 0, 0' '.section classifier'
	for name in bare mapped; do
		"$elfmap" tc filter replace dev "$link" ingress pref 1 handle 1 bpf da obj "$tmp/$name.o" sec classifier
		[[ $(filters) == "$name.o:[classifier]" ]]
	done
	[[ $(pins) == "$globals/old_hits" ]]
}

@test "a map name with a slash is not taken for a path" {
	clang -target bpf -O2 -xc -c -o "$tmp/path.o" -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" - <<-END
		#include "bpf_elf.h"
		struct bpf_elf_map evil __asm__("../../evil") __attribute__((section("maps"), used)) = {
			.type = 2, .size_key = 4, .size_value = 4, .max_elem = 1, .pinning = PIN_GLOBAL_NS };
		__attribute__((section("classifier"), used)) int nothing(void *ctx) { return 0; }
	END
	run --separate-stderr "$elfmap" tc filter add dev "$link" ingress bpf da obj "$tmp/path.o" sec classifier
	fails 1 "*path.o: map '../../evil': offset 0: a name has only letters*"
	[[ ! -e /sys/fs/bpf/evil && -z $(filters) ]]
}

@test "exit status and output are those of tc" {
	for words in '-V' 'qdisc show' 'nosuch' 'filter show dev nosuch' '-j qdisc show' ''; do
		# shellcheck disable=SC2086 # words
		want=$(tc $words 2>&1 && echo "status 0" || echo "status $?")
		# shellcheck disable=SC2086
		got=$("$elfmap" tc $words 2>&1 && echo "status 0" || echo "status $?")
		[[ ${got//$(type -P tc)/tc} == "${want//$(type -P tc)/tc}" ]]
	done
}

# ---- sharing and refusing -----------------------------------------------------------------------------

@test "two objects with the same global map share it" {
	cp "$objects/shared.nobtf.o" "$tmp/second.o"
	add shared ingress
	"$elfmap" tc filter add dev "$link" egress bpf da obj "$tmp/second.o" sec egress
	maps=$(for hook in ingress egress; do
		bpftool -j prog show id "$(tc -j filter show dev "$link" "$hook" | jq '.[].options.prog.id // empty')" | jq '.map_ids[0]' # behind it is the note of the file
	done | sort -u)
	[[ $(wc -l <<<"$maps") == 1 && $maps == "$(bpftool -j map show pinned "$globals/shared_hits" | jq .id)" ]]
}

@test "a pinned map with a different definition is refused with both, and nothing is attached" {
	mkdir -p "$globals"
	bpftool map create "$globals/shared_hits" type array key 4 value 8 entries 99 name shared_hits
	run --separate-stderr add shared ingress
	fails 1 "elfmap: $objects/shared.o: map 'shared_hits': differs from its pin in max_entries: object array key 4 value 8 max_entries 2 flags 0x0; pin array key 4 value 8 max_entries 99 flags 0x0; pinned at $globals/shared_hits;*: elfmap map unpin $globals/shared_hits"
	[[ -z $(filters) && $(pins) == "$globals/shared_hits" ]]
	rm "$globals/shared_hits"
	add shared ingress
}

@test "a pin under the map's name that is not a map is refused" {
	add nomaps "$("$elfmap" -j show "$objects/nomaps.o" | jq -r '.progs[0].section')"
	bpftool prog pin id "$(tc -j filter show dev "$link" ingress | jq '.[].options.prog.id // empty')" "$globals/shared_hits"
	run --separate-stderr add shared ingress
	fails 1 "*map 'shared_hits': $globals/shared_hits: is not a map"
}

@test "bad files: one clear line, status 1, and nothing is left" {
	cc -xc -c -o "$tmp/x86.o" - <<<'int x;'
	head -c 900 "$objects/shared.o" >"$tmp/short.o"
	mkdir "$tmp/folder"
	mkfifo "$tmp/fifo"
	truncate -s 257M "$tmp/large.o"
	while read -r file what; do
		run --separate-stderr timeout 10 "$elfmap" tc filter add dev "$link" ingress bpf da obj "$file" sec ingress
		fails 1 "elfmap: $file: *$what*"
		[[ -z $(pins) && -z $(filters) ]]
	done <<-END
		$tmp/nosuch.o No such file or directory
		Makefile not an ELF file
		$tmp/x86.o its ELF machine is 62
		$tmp/short.o truncated
		$tmp/folder is a directory
		$tmp/fifo is not a regular file
		$tmp/large.o more than 256 MiB
		/dev/zero is not a regular file
		/etc/nosuch.o No such file or directory
		$objects/bad_sizes.o map 'short_definition': offset 36
	END
}

@test "without privileges: the message names the missing one" {
	chmod 755 "$tmp"
	cp "$objects/shared.o" "$tmp/"
	run --separate-stderr setpriv --bounding-set=-sys_admin,-bpf --inh-caps=-all -- "$elfmap" tc filter add dev "$link" ingress \
		bpf da obj "$tmp/shared.o" sec ingress
	fails 1 "*shared.o: not permitted: loading needs CAP_BPF and CAP_NET_ADMIN; run the command as root"
	[[ -z $(pins) && -z $(filters) ]]
}

@test "no bpffs: tc mounts one; where it cannot, the message tells how" {
	local line=("$elfmap" tc filter add dev "$link" ingress bpf da obj "$objects/shared.o" sec ingress)

	umount /sys/fs/bpf
	# shellcheck disable=SC2016 # for the inner shell
	run --separate-stderr unshare --pid --fork --mount-proc bash -c 'mount -t tmpfs -o ro tmpfs /sys
		exec "$0" tc filter add dev "$1" ingress bpf da obj "$2" sec ingress' "$elfmap" "$link" "$objects/shared.o"
	fails 1 "*shared.o: no bpffs; mount one: mount -t bpf -o mode=0700 bpf /sys/fs/bpf"
	[[ -z $(filters) ]]
	run --separate-stderr unshare --mount "${line[@]}"
	fails 1 '*no bpffs, and one mounted here would disappear with this mount namespace*'
	[[ -z $(filters) ]]
	# shellcheck disable=SC2016 # likewise; no process there has another mount namespace
	unshare --pid --fork --mount-proc bash -euc '"$@"; [[ $(findmnt -no FSTYPE /sys/fs/bpf | tail -1) == bpf ]]
		[[ -e /sys/fs/bpf/tc/globals/shared_hits ]]' bash "${line[@]}"
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	[[ -n $(filters) && -z $(pins) ]]
	run --separate-stderr env TC_BPF_MNT="/proc/nosuch" "${line[@]}"
	fails 1 '*shared.o: no bpffs at TC_BPF_MNT*'
}

@test "an object without a licence loads unless it calls a GPL-only helper" {
	add nolicense classifier
	[[ $(filters) == 'nolicense.o:[classifier]' ]]
	run ! add needs_gpl classifier
	[[ $output == *'cannot call GPL-restricted function from non-GPL compatible program'* && -z $(pins) ]]
}

# ---- nothing half-done ------------------------------------------------------------------------------------

@test "a program that loads but cannot be attached leaves no pins" {
	tc qdisc del dev "$link" clsact
	for object in shared:ingress tailcall:classifier map_in_map:classifier pin_object:classifier; do
		run -2 add "${object%:*}" "${object#*:}"
		[[ $output == *"Parent Qdisc doesn't exists"* && -z $(pins) ]]
	done
}

@test "pins of an attached program stay when a second attempt to attach fails" {
	add tailcall classifier
	before=$(pins)
	run -1 "$elfmap" tc filter add dev nosuch ingress bpf da obj "$objects/tailcall.o" sec classifier
	run -2 "$elfmap" tc filter add dev "$link" parent ffff:fff9 bpf da obj "$objects/tailcall.o" sec classifier
	[[ $(pins) == "$before" ]]
	bpftool map lookup pinned "$globals/jmp_end" key 0 0 0 0
}

@test "a batch that fails later keeps what succeeded before" {
	cat >"$tmp/batch" <<-END
		filter add dev $link ingress bpf da obj $objects/shared.o sec ingress
		filter add dev $link parent ffff:fff9 bpf da obj $objects/tailcall.o sec classifier
	END
	run -1 --separate-stderr "$elfmap" tc -batch "$tmp/batch"
	[[ $(pins) == "$globals/shared_hits" && $(filters) == 'shared.o:[ingress]' ]]
}

@test "a command that fails removes nothing of one that succeeds at the same time" {
	ip link add "b$link" type veth peer name "p$link" # without a qdisc
	for ((i = 0; i < 60; i++)); do
		"$elfmap" tc filter add dev "b$link" ingress bpf da obj "$objects/tailcall.o" sec classifier 2>/dev/null &
		add tailcall classifier
		wait
		[[ $(pins | wc -l) == 3 ]] || {
			echo "round $i: $(pins)"
			return 1
		}
		bpftool map lookup pinned "$globals/jmp_end" key 0 0 0 0 >/dev/null
		tc filter del dev "$link" ingress
		find /sys/fs/bpf -type f ! -name '*.debug' -delete
	done
	ip link del "b$link"
}

@test "a batch that fails later keeps grafted programs, and the pins and slots of an attached program" {
	cat >"$tmp/batch" <<-END
		filter add dev $link ingress bpf da obj $objects/tailcall.o sec classifier
		exec bpf graft m:globals/jmp_parse key 1 obj $objects/shared.o sec egress
		qdisc add dev nosuch clsact
	END
	run -1 "$elfmap" tc -batch "$tmp/batch"
	[[ $(pins) == *"$globals/jmp_parse"* && $(pins) == *"$globals/shared_hits"* ]]
	bpftool map lookup pinned "$globals/jmp_parse" key 1 0 0 0
	tc filter del dev "$link" ingress
	find /sys/fs/bpf -type f ! -name '*.debug' -delete

	cat >"$tmp/batch" <<-END
		filter add dev $link ingress bpf da obj $objects/tailcall.o sec 42/0
		qdisc add dev nosuch clsact
	END
	run -1 "$elfmap" tc -batch "$tmp/batch"
	[[ $(filters) == 'tailcall.o:[42/0]' && $(pins | wc -l) == 3 ]]
	bpftool map lookup pinned "$globals/jmp_end" key 0 0 0 0
}

@test "an object that the verifier refuses leaves no pin" {
	run ! add needs_gpl classifier
	[[ -z $(pins) && -z $(filters) ]]
}

@test "a map that the kernel refuses is reported with the rule it breaks, or with where to look" {
	bpftool map create /sys/fs/bpf/like type array key 4 value 4 entries 1 name like
	bpftool map create "$globals/outer_without_inner" type array_of_maps key 4 value 4 entries 2 \
		inner_map pinned /sys/fs/bpf/like name outer
	before=$(pins)
	run --separate-stderr add bad_maps classifier
	fails 1 "*bad_maps.o: map 'trie_without_flag': needs flag 0x1, BPF_F_NO_PREALLOC"
	run --separate-stderr add needs_gpl classifier
	fails 1 "*needs_gpl.o: the kernel refuses it, see above; to explain it: elfmap check $objects/needs_gpl.o sec classifier"
	run -1 --separate-stderr "$elfmap" check "$objects/needs_gpl.o" sec classifier
	[[ $stderr == *'a helper that the kernel has for GPL programs only'* && $(pins) == "$before" && -z $(filters) ]]
}

@test "constructs that another loader interprets differently are warned about" {
	run -0 --separate-stderr add gaps classifier
	[[ $(grep -c '^elfmap: ' <<<"$stderr") == 3 ]]
	[[ $stderr == *"warning: section '8/0': no PROG_ARRAY has id 8, so its program is put into no slot"* ]]
	[[ $stderr == *"map 'on_node_2': $globals/on_node_2: warning: pinned, as the last word of its 28 bytes says"* ]]
	[[ $stderr == *"warning: map 'on_node_5': pinning 5 is in no table"*'it may be the numa_node of another loader'* ]]
	[[ $(pins) == "$globals/on_node_2" ]]
	tc filter del dev "$link" ingress
	run -0 --separate-stderr add gaps 8/0 # not warned about, since it is intended
	[[ $stderr != *"section '8/0'"* && $(filters) == 'gaps.o:[8/0]' ]]
	run -0 --separate-stderr add samples28 "$("$elfmap" -j show "$objects/samples28.o" | jq -r '.progs[0].section')"
	[[ -z $stderr ]]
}

# ---- each function in front of tc's libraries is there for a reason ---------------------------------------

@test "elf_begin: definitions of 40 bytes and several inner templates, on which tc's parser fails" {
	add wide40 classifier
	for slot in 0 2; do
		bpftool map lookup pinned "$globals/wide_outer" key "$slot" 0 0 0
	done
	run ! bpftool map lookup pinned "$globals/wide_outer" key 1 0 0 0
}

@test "bpf_object__find_map_by_name: slots of a PROG_ARRAY that the kernel has under another name" {
	bpftool map create "$globals/jmp_parse" type prog_array key 4 value 4 entries 2 name other
	add tailcall classifier
	for slot in jmp_parse:0 jmp_parse:1 jmp_end:0; do
		bpftool map lookup pinned "$globals/${slot%:*}" key "${slot#*:}" 0 0 0
	done
}

@test "bpf_program__section_name: an entry in .text" {
	for object in text_entry text_entry.nobtf; do
		run -0 --separate-stderr add "$object" .text
		[[ -z $stderr ]]
		[[ $(filters) == "$object.o:[.text]" ]]
		tc filter del dev "$link" ingress
	done
	add text_entry .text
	in_net ping -q -c 2 -i 0.2 10.9.0.1
	((2 <= $(counter text_hits 0)))
}

@test "open: a missing object is named, and no other file" {
	run --separate-stderr "$elfmap" tc filter add dev "$link" ingress bpf da obj nosuch.o sec ingress
	fails 1 'elfmap: nosuch.o: No such file or directory'
	run --separate-stderr "$elfmap" ip -n nosuch link show
	[[ $stderr != *elfmap:* ]]
}
