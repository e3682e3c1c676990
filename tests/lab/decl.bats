#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `elfmap decl`: its output compiles without warnings, and gives the maps that `elfmap convert --pin`
# makes from the same object. describe_maps.c prints what libbpf reads from each.

bats_require_minimum_version 1.5.0

progs=/sys/fs/bpf/progs
maps=/sys/fs/bpf # where libbpf pins by name by default

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	unset MAKEFLAGS MAKELEVEL MFLAGS
	# shellcheck disable=SC2046 # words
	cc -D_GNU_SOURCE -std=gnu11 -Wall -Wextra -o "$BATS_FILE_TMPDIR/describe_maps" tests/lab/describe_maps.c \
		$(pkg-config --cflags --libs libbpf libelf)
	# shellcheck disable=SC2016 # for make
	make --silent --no-print-directory --eval='value-of: ; @echo $(CLANG) $(BPF_CFLAGS)' value-of \
		>"$BATS_FILE_TMPDIR/compiler"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	elfmap=${BUILD:-$PWD/build}/elfmap
	objects=${BUILD:-$PWD/build}/tests/testdata
	tc_progs=${BUILD:-$PWD/build}/tc-progs
	tmp=$BATS_TEST_TMPDIR
	read -ra compiler <"$BATS_FILE_TMPDIR/compiler"
}

teardown() {
	find /sys/fs/bpf -mindepth 1 ! -name '*.debug' -delete # except the kernel's own files
}

# compile SOURCE OBJECT [FLAG ...]
compile() {
	"${compiler[@]}" -Wall -Werror -MF /dev/null "${@:3}" -c -o "$2" "$1"
}

# legacy NAME [FLAG ...] <SOURCE: compiles SOURCE to $tmp/NAME.o.
legacy() {
	{
		printf '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include "bpf_elf.h"\n'
		cat
		# shellcheck disable=SC2028 # no escape
		echo 'char _license[] SEC("license") = "GPL";'
	} >"$tmp/$1.legacy.c"
	compile "$tmp/$1.legacy.c" "$tmp/$1.o" -Wno-unused-parameter "${@:2}"
}

# A function for each prototype, so that there are programs for the slots.
define_functions() {
	sed -n 's/^\([a-z_ ]* \**[a-z_0-9]*(.*)\);$/SEC("tc") \1\n{\n\treturn 0;\n}/p' "$1"
	# shellcheck disable=SC2028 # no escape
	echo 'char _license[] SEC("license") = "GPL";'
}

# declare_maps OBJECT: writes decl's output to $tmp/decl.c and compiles it to $tmp/decl.o.
declare_maps() {
	"$elfmap" decl "$1" >"$tmp/printed.c"
	{
		cat "$tmp/printed.c"
		define_functions "$tmp/printed.c"
	} >"$tmp/decl.c"
	compile "$tmp/decl.c" "$tmp/decl.o" -Wno-unused-parameter
}

describe() {
	"$BATS_FILE_TMPDIR/describe_maps" "$1"
}

# same_maps OBJECT: decl and convert give the same maps.
same_maps() {
	declare_maps "$1"
	"$elfmap" convert --pin "$1" "$tmp/converted.o" 2>"$tmp/warnings"
	describe "$tmp/converted.o" >"$tmp/wanted"
	describe "$tmp/decl.o" >"$tmp/got"
	diff "$tmp/wanted" "$tmp/got"
}

keeps_contract() {
	[[ $("$elfmap" -j show "$1" 2>"$tmp/problems" | jq '.legacy_maps and (.problems | length == 0)') == true ]]
}

cell() { # MAP KEY
	local hex

	hex=$(bpftool -j map lookup pinned "$1" key "$2" 0 0 0 |
		jq -er '.value | map(ltrimstr("0x")) | reverse | join("")') || return 1
	printf '%d\n' "0x$hex"
}

id_of() { # prog|map PATH
	bpftool -j "$1" show pinned "$2" | jq .id
}

fails_in_one_line() {
	# shellcheck disable=SC2154 # run sets it
	echo "status $status: $stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 1 && -z $output && $(wc -l <<<"$stderr") == 1 && $stderr == $1 ]]
}

# ---- equal to what convert makes ------------------------------------------------------------------

@test "decl: declares the maps of every object that keeps the contract, with and without BTF" {
	local compared=0

	for object in "$objects"/*.o "$tc_progs"/*.o; do
		keeps_contract "$object" || continue
		[[ $object != */both_maps.o ]] || continue # its BTF-defined map needs no declaration
		echo "$object"
		same_maps "$object"
		compared=$((compared + 1))
	done
	((compared > 30)) # two objects from each of 15 sources
}

# changed OBJECT SED: the comparison detects what SED changes in the declarations.
changed() {
	declare_maps "$objects/$1.o"
	describe "$tmp/decl.o" >"$tmp/wanted"
	sed "$2" "$tmp/decl.c" >"$tmp/changed.c"
	run ! cmp -s "$tmp/decl.c" "$tmp/changed.c"
	compile "$tmp/changed.c" "$tmp/changed.o" -Wno-unused-parameter
	describe "$tmp/changed.o" >"$tmp/got"
	echo "$1 $2"
	run ! cmp -s "$tmp/wanted" "$tmp/got"
}

@test "decl: the comparison of maps finds a difference in any member" {
	changed samples28 's/BPF_MAP_TYPE_HASH/BPF_MAP_TYPE_LRU_HASH/'
	changed samples28 's/key_size, 4/key_size, 8/'
	changed samples28 's/value_size, 8/value_size, 4/'
	changed samples28 's/max_entries, 16/max_entries, 17/'
	changed samples28 's/BPF_F_NO_PREALLOC/BPF_F_RDONLY/'
	changed samples28 's/LIBBPF_PIN_BY_NAME/LIBBPF_PIN_NONE/'
	changed samples28 's/second28/third28/'
	changed annotated 's/key, struct flow_key/key, __u64/'
	changed annotated 's/\toctets/bytes/; s/__u64 octets/__u64 bytes/'
	changed tailcall 's/)&stage_second/)\&stage_last/'
	changed map_in_map 's/\[0\] = /[2] = /'
	changed map_in_map '/struct inner_template {/,/^}/s/max_entries, 1/max_entries, 2/'
}

@test "decl: types of every kind are declared, without those of <linux/bpf.h>" {
	for btf in -g -g0; do
		legacy types $btf <<-'C'
			#include <linux/in6.h>
			#include <linux/ip.h>
			enum color { RED, GREEN = 7 };
			typedef enum { SMALL, LARGE } kind;
			typedef struct { __u8 bytes[3]; } three;
			typedef int pair[2];
			struct key { __u8 a; __u32 b; three t; __u16 c; } __attribute__((packed));
			struct bits { __u32 a : 3, b : 9; __u64 c : 40; int d; };
			struct wide { __u64 n; } __attribute__((aligned(64)));
			struct list { struct list *next; struct stranger *stranger; };
			struct value {
				struct bpf_spin_lock lock;
				enum color color;
				enum { ON, OFF } state;
				kind kind;
				union { __u32 v4; struct in6_addr v6; };
				struct { __u16 x, y; } at[2];
				struct bits bits;
				void (*call)(int, struct list *);
				struct list list;
				const char *text;
				_Bool flag;
				__be16 port;
				double half;
			};
			struct prefix { struct bpf_lpm_trie_key trie; __u8 addr[16]; };
			#define MAP(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS) \
				struct bpf_elf_map SEC("maps") NAME = { \
					.type = TYPE, .size_key = sizeof(KEY), .size_value = sizeof(VALUE), \
					.max_elem = ENTRIES, .flags = FLAGS }; \
				BPF_ANNOTATE_KV_PAIR(NAME, KEY, VALUE)
			MAP(many, BPF_MAP_TYPE_HASH, struct key, struct value, 5, BPF_F_NO_PREALLOC);
			MAP(trie, BPF_MAP_TYPE_LPM_TRIE, struct prefix, struct iphdr, 5, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);
			MAP(enums, BPF_MAP_TYPE_HASH, enum color, kind, 0xffffffff, 0x40002001);
			MAP(array, BPF_MAP_TYPE_ARRAY, __u32, pair, 1, BPF_F_MMAPABLE);
			MAP(aligned, BPF_MAP_TYPE_HASH, struct key, struct wide, 1, 0);
			struct bpf_elf_map SEC("maps") ring = { .type = BPF_MAP_TYPE_RINGBUF, .max_elem = 4096 };
			struct bpf_elf_map SEC("maps") arena = { .type = 33, .max_elem = 16, .flags = BPF_F_MMAPABLE };
			struct bpf_elf_map SEC("maps") unheard_of = { .type = 4711, .max_elem = 1 };
		C
		same_maps "$tmp/types.o"
		[[ $btf == -g0 ]] || declared=$(<"$tmp/printed.c")
	done
	grep -q '__type(key, struct prefix);' <<<"$declared"
	grep -q '__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_RDONLY_PROG);' <<<"$declared"
	grep -q '__uint(map_flags, BPF_F_NO_PREALLOC | 0x40002000);' <<<"$declared"
	grep -q '__uint(type, 33); /\* BPF_MAP_TYPE_ARENA \*/' <<<"$declared"
	grep -qx '_Static_assert(sizeof(struct key) == 10, .*' <<<"$declared"
	run ! grep -qE 'typedef .* __u32;|struct bpf_(spin_lock|lpm_trie_key) \{' <<<"$declared"
	run ! grep -q __type "$tmp/printed.c" # without BTF there are no types
}

@test "decl: a type without a name gets one" {
	legacy nameless <<-'C'
		struct bpf_elf_map SEC("maps") flows = { .type = BPF_MAP_TYPE_HASH, .size_key = 8, .size_value = 24, .max_elem = 1 };
		struct ____btf_map_flows {
			struct { __u32 a; enum { P, Q } q; } key;
			struct { __u64 n; } value[3];
		};
		struct ____btf_map_flows ____btf_map_flows SEC(".maps.flows") = {};
		typedef int flows_value;
		flows_value in_the_way;
	C
	declare_maps "$tmp/nameless.o"
	grep -qx '	__type(key, flows_key);' "$tmp/decl.c"
	grep -qx '	__type(value, flows_value_);' "$tmp/decl.c"
	bpftool prog loadall "$tmp/decl.o" $progs pinmaps $maps
	[[ $(bpftool -j map show pinned $maps/flows | jq -c '[.bytes_key, .bytes_value]') == '[8,24]' ]]
}

# ---- the way out: the declarations in the program's own source ---------------------------------------

# modernize NAME: compiles tests/testdata/NAME.c with decl's declarations instead of its own.
modernize() {
	{
		"$elfmap" decl "$objects/$1.o"
		perl -0pe 's/^struct bpf_elf_map SEC.*?^\};\n//msg; s/^BPF_ANNOTATE.*\n//mg; s/#include "bpf_elf.h"//;
			s/^struct flow_\w+ \{.*?^\};\n//msg; s/SEC\("(\d+\/\d+|classifier|ingress|egress)"\)/SEC("tc")/g' "tests/testdata/$1.c"
	} >"$tmp/$1.c"
	run ! grep -q bpf_elf "$tmp/$1.c"
	compile "$tmp/$1.c" "$tmp/$1.o"
	head -c 64 /dev/zero >"$tmp/packet"
	bpftool prog loadall "$tmp/$1.o" $progs
}

@test "decl: a program with tail calls runs through all stages with the printed declarations" {
	modernize tailcall
	[[ $(cell $maps/jmp_parse 0) == "$(id_of prog $progs/stage_first)" ]]
	[[ $(cell $maps/jmp_parse 1) == "$(id_of prog $progs/stage_second)" ]]
	[[ $(cell $maps/jmp_end 0) == "$(id_of prog $progs/stage_last)" ]]
	bpftool prog run pinned $progs/entry data_in "$tmp/packet" repeat 1 >"$tmp/run"
	for stage in 0 1 2 3; do
		[[ $(cell $maps/stages $stage) == 1 ]]
	done
}

@test "decl: inner maps are in their slots, with one template and with two" {
	modernize map_in_map
	[[ $(cell $maps/outer 0) == "$(id_of map $maps/inner)" ]]
	run ! cell $maps/outer 1
	bpftool prog run pinned $progs/count data_in "$tmp/packet" repeat 1 >"$tmp/run"
	[[ $(cell $maps/inner 0) == 1 ]]
	teardown

	declare_maps "$objects/wide40.o"
	bpftool prog loadall "$tmp/decl.o" $progs
	[[ $(bpftool -j map show id "$(cell $maps/wide_outer 0)" | jq -r .name) == first ]]
	[[ $(bpftool -j map show id "$(cell $maps/wide_outer 2)" | jq -r .name) == second ]]
}

@test "decl: a program with annotated maps keeps their types" {
	modernize annotated
	bpftool prog run pinned $progs/insert data_in "$tmp/packet" repeat 1 >"$tmp/run"
	[[ $(bpftool -j map dump pinned $maps/flows | jq -c '.[0].formatted.key') == '{"saddr":1,"daddr":2}' ]]
}

@test "decl: plain tc loads the result, with pins in the same place" {
	modernize shared
	teardown
	ip link add v0 type veth peer name v1
	tc qdisc add dev v0 clsact
	tc filter add dev v0 ingress bpf da obj "$tmp/shared.o" sec tc
	ip link del v0
	[[ -e /sys/fs/bpf/tc/globals/shared_hits ]]
}

# ---- prototypes, comments ----------------------------------------------------------------------------

@test "decl: prototypes are those of the functions, or of the type in the annotation" {
	for btf in -g0 -g; do
		legacy slots $btf <<-'C'
			struct bpf_elf_map SEC("maps") jmp = { .type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4,
				.max_elem = 20, .id = 5 };
			struct mine { int a; };
			enum verdict { PASS, DROP };
			SEC("5/1") int one(void *ctx) { return 0; }
			SEC("5/0x10") enum verdict two(struct mine *mine) { return PASS; }
			SEC("5/3") static int three(struct xdp_md *ctx) { return 0; }
			SEC("xdp") int entry(struct xdp_md *ctx) { bpf_tail_call(ctx, &jmp, 1); return three(ctx); }
		C
		same_maps "$tmp/slots.o"
		cp "$tmp/printed.c" "$tmp/printed$btf.c"
	done
	grep -qx 'int one(void \*ctx);' "$tmp/printed.c"
	grep -qx 'enum verdict two(struct mine \*mine);' "$tmp/printed.c"
	grep -qx 'struct mine;' "$tmp/printed.c"
	grep -qF ' *   SEC("5/0x10") two: now SEC("xdp")' "$tmp/printed.c"
	grep -qxF '		[16] = (void *)&two,' "$tmp/printed.c"
	run ! grep -q entry "$tmp/printed.c"

	grep -qx 'int two(struct xdp_md \*ctx);' "$tmp/printed-g0.c"
	"$elfmap" decl "$objects/tailcall.nobtf.o" | grep -qx 'int stage_last(struct __sk_buff \*skb);'
}

@test "decl: pinnings without a modern equivalent are reported, others are not" {
	declare_maps "$objects/pin_object.o"
	[[ $(grep -c LIBBPF_PIN_BY_NAME\) "$tmp/printed.c") == 1 ]]
	[[ $(sed -n '/PIN_OBJECT_NS/,/^}/p' "$tmp/printed.c" | tail -1) == '} pin_object SEC(".maps");' ]]
	[[ $(sed -n '/directory of pinning 77/,/^}/p' "$tmp/printed.c" | tail -1) == '} pin_number SEC(".maps");' ]]
	run ! grep -qi pin <<<"$("$elfmap" decl "$objects/mapdef20.o")"
}

@test "decl: the output is the same for the same object, and templates precede the maps that use them" {
	for object in tailcall map_in_map parse_probe; do
		"$elfmap" decl "$objects/$object.o" >"$tmp/first.c"
		"$elfmap" decl "$objects/$object.o" | cmp - "$tmp/first.c"
	done
	run -0 "$elfmap" decl "$objects/map_in_map.o"
	[[ $output == *'} inner SEC'*'} outer SEC'* ]]
}

# ---- what is refused ---------------------------------------------------------------------------------

@test "decl: an object without legacy maps has no declarations" {
	run --separate-stderr "$elfmap" decl "$objects/nomaps.o"
	fails_in_one_line "elfmap: $objects/nomaps.o: nothing to declare: *"
	run --separate-stderr "$elfmap" decl "$objects/modern.o"
	fails_in_one_line "elfmap: $objects/modern.o: nothing to declare: *'.maps'*"
}

@test "decl: an object that breaks the contract and a file that is not an object are refused" {
	run --separate-stderr "$elfmap" decl "$objects/bad_sizes.o"
	fails_in_one_line "elfmap: $objects/bad_sizes.o: *short_definition*"
	run --separate-stderr "$elfmap" decl "$tmp/missing.o"
	fails_in_one_line "elfmap: $tmp/missing.o: *No such file*"
	head -c 700 "$objects/tailcall.o" >"$tmp/part.o"
	run --separate-stderr "$elfmap" decl "$tmp/part.o"
	fails_in_one_line "elfmap: $tmp/part.o: *"
}

@test "decl: names that are not C identifiers are reported" {
	for name in my.map while 2nd; do
		legacy names <<<"struct bpf_elf_map SEC(\"maps\") it asm(\"$name\") = { .type = 2, .size_key = 4, .size_value = 4, .max_elem = 1 };"
		run --separate-stderr "$elfmap" decl "$tmp/names.o"
		fails_in_one_line "elfmap: $tmp/names.o: map '$name': C cannot declare this name"
	done
	legacy names <<-'C'
		struct bpf_elf_map SEC("maps") jmp = { .type = 3, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 1 };
		SEC("1/0") int f(void *ctx) asm("f.cold");
		int f(void *ctx) { return 0; }
	C
	run --separate-stderr "$elfmap" decl "$tmp/names.o"
	fails_in_one_line "elfmap: $tmp/names.o: section '1/0': function 'f.cold': C cannot declare this name"

	# The name of a type could contain any C source.
	LC_ALL=C sed 's/flow_key/fl;w*key/g' "$objects/annotated.o" >"$tmp/types.o"
	run --separate-stderr "$elfmap" decl "$tmp/types.o"
	fails_in_one_line "elfmap: $tmp/types.o: BTF type *: C cannot declare it: *"
}

@test "decl: a section name cannot end the comment that contains it" {
	legacy comment <<-'C'
		struct bpf_elf_map SEC("maps") jmp = { .type = 3, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 1 };
		SEC("1/0*/ #error") int f(void *ctx) { return 0; }
	C
	declare_maps "$tmp/comment.o"
	grep -qF 'SEC("1/0?/ #error") f' "$tmp/printed.c"
}

@test "decl: a write error on stdout is a failure" {
	[[ -w /dev/full ]] || skip "there is no /dev/full here"
	run -1 --separate-stderr bash -c '"$@" >/dev/full' - "$elfmap" decl "$objects/tailcall.o"
	[[ $stderr == *'No space left on device' ]]
}

@test "decl: wrong usage is reported on stderr with status 2; with -j the source is a string" {
	for words in '' "$objects/shared.o more" "$objects/shared.o --pin"; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr "$elfmap" decl $words
		[[ -z $output && $stderr == *'usage: elfmap decl FILE' ]]
	done
	[[ $("$elfmap" -j decl "$objects/shared.o" | jq -r .source) == "$("$elfmap" decl "$objects/shared.o")" ]]
}
