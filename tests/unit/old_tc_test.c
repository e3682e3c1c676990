// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Constructs that a tc without libbpf refuses, with name and place, and constructs that it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/old_tc.h"
#include "subject.h"

static const struct bpf_elf_map array = {BPF_MAP_TYPE_ARRAY, 4, 8, 2, 0, 0, PIN_GLOBAL_NS, 0, 0};

#define CALL(helper)                                        \
	{                                                   \
		.code = BPF_JMP | BPF_CALL, .imm = (helper) \
	}
#define CALL_PSEUDO(to)                                                             \
	{                                                                           \
		.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = (to) \
	}
#define LOAD64                                                     \
	{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1}, \
	{                                                          \
	}
#define RETURN                                 \
	{.code = BPF_ALU64 | BPF_MOV | BPF_K}, \
	{                                      \
		.code = BPF_JMP | BPF_EXIT     \
	}

/* Adds code to SECTION with a FUNC of this name; returns its offset. */
static size_t add_function(struct object *object, const char *section, const char *name, const struct bpf_insn *insns,
			   size_t size)
{
	size_t start = object__add_code(object, section, NULL, 0), index = object__find_section(object, section);

	/* After the code that add_code() has added, which is a function of its own if it is the first. */
	object__append(object, index, insns, size);
	start += object__code_size(0);
	object__add_symbol(object, name, index, STB_GLOBAL, STT_FUNC, start, size);
	return start;
}

static size_t add_section(struct object *object, const char *section, const char *name, const struct bpf_insn *insns,
			  size_t size)
{
	size_t index = object__add_section(object, section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns, size);

	object__add_symbol(object, name, index, STB_GLOBAL, STT_FUNC, 0, size);
	return index;
}

static void judge(struct subject *subject, const char *section, struct elfmap_old_tc *verdict)
{
	struct elfmap_msg msg;

	if (!subject->bytes)
		subject__write(subject);
	if (!subject->obj && elfmap_object__read(subject->bytes, subject->size, &subject->obj, &msg))
		fail_msg("%s", msg.text);
	assert_int_equal(elfmap_object__old_tc(subject->obj, section, verdict), 0);
}

/* The only reason against SECTION is this one; NULL: SECTION is accepted. */
static void assert_verdict(void **state, const char *section, const char *reason)
{
	struct elfmap_old_tc verdict = {};

	judge(*state, section, &verdict);
	if (reason && !verdict.nr_reasons)
		fail_msg("taken, and not: %s", reason);
	if (reason)
		assert_string_equal(verdict.reasons[0], reason);
	if (verdict.nr_reasons > (reason ? 1 : 0))
		fail_msg("one more: %s", verdict.reasons[reason ? 1 : 0]);
	elfmap_old_tc__free(&verdict);
}

static void test_plain_objects_are_accepted(void **state)
{
	static const char *const samples[] = {"shared",	  "shared.nobtf", "tailcall", "map_in_map", "samples28",
					      "mapdef20", "annotated",	  "nomaps",   "text_entry", "xdp"};

	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		subject__take_testdata(*state, samples[i]);
		assert_verdict(state, NULL, NULL);
		subject__teardown(state);
		subject__setup(state);
	}
}

static void test_definitions(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "wide", &array, 40);
	assert_verdict(state, NULL, "section 'maps': definitions of 40 bytes, at most 36");
}

static void test_problems_of_the_object(void **state)
{
	subject__take_testdata(*state, "bad_sizes");
	assert_verdict(state, NULL, "map 'short_definition': offset 36, 28 expected: definitions of different sizes");
}

static void test_license(void **state)
{
	struct subject *subject = *state;
	char license[ELF_MAX_LICENSE_LEN + 1] = "GPL";

	object__add_program(subject->object, "classifier", "f", NULL, 0);
	object__add_section(subject->object, "license", SHT_PROGBITS, SHF_ALLOC, license, sizeof(license));
	assert_verdict(state, NULL, "section 'license': 129 bytes, at most 128");
	bytes__section(subject->bytes, "license")->sh_size = ELF_MAX_LICENSE_LEN;
	elfmap_object__free(subject->obj);
	subject->obj = NULL;
	assert_verdict(state, NULL, NULL);
}

static void test_maps_that_need_types(void **state)
{
	struct bpf_elf_map storage = {BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC, 0, 0, 0, 0};
	struct subject *subject = *state;

	object__add_map(subject->object, "ok", &array, 36);
	object__add_map(subject->object, "sockets", &storage, 36);
	assert_verdict(state, NULL,
		       "map 'sockets': offset 36: sk_storage: the kernel requires its types (BTF); tc loads none");
}

static void test_rules_of_kinds(void **state)
{
	const struct {
		struct bpf_elf_map def;
		const char *fault;
	} maps[] = {
		{{BPF_MAP_TYPE_LPM_TRIE, 8, 4, 1, 0, 0, 0, 0, 0}, "needs flag 0x1, BPF_F_NO_PREALLOC"},
		{{BPF_MAP_TYPE_LPM_TRIE, 8, 4, 1, 1, 0, 0, 0, 0}, NULL},
		{{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0, 0, 0, 0, 0},
		 "needs as many entries as there are CPUs, and has 0"},
		{{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 8, 0, 0, 0, 0, 0}, NULL},
		{{BPF_MAP_TYPE_RINGBUF, 0, 0, 5000, 0, 0, 0, 0, 0},
		 "the size of a ring buffer, max_elem, must be a power of two"},
		{{BPF_MAP_TYPE_RINGBUF, 0, 0, 512, 0, 0, 0, 0, 0},
		 "the size of a ring buffer, max_elem, must be a multiple of the page"},
		{{BPF_MAP_TYPE_RINGBUF, 0, 0, 1 << 20, 0, 0, 0, 0, 0}, NULL},
		{{BPF_MAP_TYPE_HASH, 4, 0, 1, 0, 0, 0, 0, 0}, "the value must not be 0 bytes"},
		{{BPF_MAP_TYPE_HASH, 0, 4, 1, 0, 0, 0, 0, 0}, "the key must not be 0 bytes"},
		{{BPF_MAP_TYPE_HASH, 4, 4, 0, 0, 0, 0, 0, 0}, "a map needs entries, and max_elem is 0"},
		{{BPF_MAP_TYPE_ARRAY, 8, 4, 1, 0, 0, 0, 0, 0}, "its key is an index and must be 4 bytes"},
		{{BPF_MAP_TYPE_QUEUE, 0, 4, 1, 0, 0, 0, 0, 0}, NULL},
		{{BPF_MAP_TYPE_SK_STORAGE, 4, 4, 0, 1, 0, 0, 0, 0}, NULL},
		{{BPF_MAP_TYPE_LRU_HASH, 4, 4, 1, 2, 0, 0, 0, 0}, NULL},
		{{4000000000u, 0, 0, 0, 0, 0, 0, 0, 0}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		const char *fault = elfmap_map__fault(&maps[i].def);

		if (maps[i].fault && fault)
			assert_string_equal(fault, maps[i].fault);
		else if (maps[i].fault || fault)
			fail_msg("row %zu: %s", i, fault ? fault : "no fault");
	}
}

static void test_outer_map_without_inner_id(void **state)
{
	struct bpf_elf_map outer = {BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 2, 0, 0, 0, 0, 0};
	struct subject *subject = *state;

	object__add_map(subject->object, "outer", &outer, 36);
	assert_verdict(state, NULL, "map 'outer': offset 0: a map of maps without inner_id; tc cannot make it");
}

/* ---- relocations ------------------------------------------------------------------------------------- */

static void refer(struct subject *subject, const char *section, const char *variable)
{
	static const struct bpf_insn insns[] = {LOAD64, RETURN};
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns)), data, symbol;

	object__add_map(subject->object, "hits", &array, 36);
	data = object__add_section(subject->object, section, SHT_PROGBITS, SHF_ALLOC, insns, 16);
	symbol = object__add_symbol(subject->object, variable, data, STB_GLOBAL, STT_OBJECT, 0, 16);
	object__add_relocation(subject->object, code, 0, symbol);
}

#define REFERS(section, what) \
	"section 'classifier': function 'f': offset 0: refers to 'x' in section '" section "': " what

static void test_global_variable(void **state)
{
	refer(*state, ".data", "x");
	assert_verdict(state, NULL, REFERS(".data", "a global variable; tc makes no map for it"));
}

static void test_constant(void **state)
{
	refer(*state, ".rodata", "x");
	assert_verdict(state, NULL, REFERS(".rodata", "a constant in '.rodata'; tc makes no map for it"));
}

static void test_string(void **state)
{
	refer(*state, ".rodata.str1.1", "x");
	assert_verdict(state, "classifier",
		       REFERS(".rodata.str1.1", "a string literal; an array on the stack can hold it"));
}

static void test_modern_map(void **state)
{
	subject__take_testdata(*state, "modern");
	assert_verdict(
		state, NULL,
		"section 'tc': function 'count': offset 32: refers to 'modern_hits' in section '.maps': a map in "
		"'.maps', which tc does not read");
}

static void test_missing_definitions(void **state)
{
	static const struct bpf_insn insns[] = {LOAD64, RETURN};
	struct subject *subject = *state;
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns));
	size_t symbol = object__add_symbol(subject->object, "elsewhere", 0, STB_GLOBAL, STT_NOTYPE, 0, 0);

	object__add_relocation(subject->object, code, 0, symbol);
	assert_verdict(
		state, NULL,
		"section 'classifier': function 'f': offset 0: refers to 'elsewhere', which is not in the object");
}

static void test_map_relocation_without_load(void **state)
{
	static const struct bpf_insn insns[] = {RETURN};
	struct subject *subject = *state;
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns));

	object__add_relocation(subject->object, code, 0, object__add_map(subject->object, "hits", &array, 36));
	assert_verdict(state, NULL,
		       "section 'classifier': function 'f': offset 0: refers to a map and does not load its address");
}

static void test_other_sections_do_not_count(void **state)
{
	struct subject *subject = *state;

	refer(*state, ".data", "x");
	object__add_program(subject->object, "good", "g", NULL, 0);
	assert_verdict(state, "good", NULL);
	assert_verdict(state, "classifier", REFERS(".data", "a global variable; tc makes no map for it"));
	assert_verdict(state, "nosuch", "section 'nosuch': there is no such program");
}

/* ---- .text and called functions -------------------------------------------------------------------------- */

/* A program that calls the function NAME at offset AT of `.text`. */
static void add_caller(struct subject *subject, size_t text, size_t at, const char *name)
{
	static const struct bpf_insn insns[] = {CALL_PSEUDO(-1), RETURN};
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns));

	object__add_relocation(subject->object, code, 0,
			       object__add_symbol(subject->object, name, text, STB_GLOBAL, STT_FUNC, at, 16));
}

static size_t add_text(struct subject *subject, const struct bpf_insn *insns, size_t size, bool uses_map)
{
	size_t text =
		object__add_section(subject->object, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns, size);
	size_t map = object__add_map(subject->object, "hits", &array, 36);

	if (uses_map)
		object__add_relocation(subject->object, text, 0, map);
	return text;
}

static void test_calls_are_accepted(void **state)
{
	static const struct bpf_insn insns[] = {LOAD64, RETURN};

	add_caller(*state, add_text(*state, insns, sizeof(insns), true), 0, "called");
	assert_verdict(state, NULL, NULL);
}

static void test_text_without_maps(void **state)
{
	static const struct bpf_insn insns[] = {RETURN};

	add_caller(*state, add_text(*state, insns, sizeof(insns), false), 0, "called");
	assert_verdict(state, NULL, "section '.text': no function in it uses a map; tc loads '.text' only if one does");
}

static void test_second_global_function(void **state)
{
	static const struct bpf_insn insns[] = {LOAD64, RETURN, RETURN};

	add_caller(*state, add_text(*state, insns, sizeof(insns), true), 32, "second");
	assert_verdict(
		state, NULL,
		"section 'classifier': function 'f': offset 0: 'second' is global and not the first in '.text', and "
		"tc calls the first; make it static");
}

static void test_function_without_callers(void **state)
{
	static const struct bpf_insn insns[] = {LOAD64, RETURN, RETURN};
	struct subject *subject = *state;
	size_t text = add_text(subject, insns, sizeof(insns), true);

	object__add_symbol(subject->object, "lonely", text, STB_LOCAL, STT_FUNC, 32, 16);
	add_caller(subject, text, 0, "called");
	assert_verdict(
		state, NULL,
		"section '.text': function 'lonely': offset 32: is not reached from the start of section "
		"'classifier'; tc loads all of the section, and of '.text' if it calls that, as one program, and the "
		"kernel refuses dead code");
}

static void test_two_programs_in_a_section(void **state)
{
	static const struct bpf_insn insns[] = {RETURN};
	struct subject *subject = *state;

	object__add_symbol(subject->object, "first", add_section(subject->object, "two", "first", insns, sizeof(insns)),
			   STB_LOCAL, STT_NOTYPE, 0, 0);
	add_function(subject->object, "two", "second", insns, sizeof(insns));
	assert_verdict(state, "two",
		       "section 'two': offset 16: is not reached from the start of section 'two'; tc loads all of the "
		       "section, and of '.text' if it calls that, as one program, and the kernel refuses dead code");
}

static void test_called_function_in_the_section(void **state)
{
	static const struct bpf_insn insns[] = {CALL_PSEUDO(2), RETURN, RETURN};
	struct subject *subject = *state;

	add_section(subject->object, "classifier", "f", insns, sizeof(insns));
	assert_verdict(state, NULL, NULL);
}

static void test_address_of_a_function(void **state)
{
	static const struct bpf_insn text_insns[] = {LOAD64, RETURN}, insns[] = {LOAD64, RETURN};
	struct subject *subject = *state;
	size_t text = add_text(subject, text_insns, sizeof(text_insns), true);
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns));

	object__add_relocation(subject->object, code, 0,
			       object__add_symbol(subject->object, "back", text, STB_GLOBAL, STT_FUNC, 0, 32));
	assert_verdict(
		state, NULL,
		"section 'classifier': function 'f': offset 0: 'back' takes the address of a function in '.text'; tc "
		"relocates calls only");
}

static void test_spin_lock(void **state)
{
	static const struct bpf_insn insns[] = {RETURN}, locks[] = {CALL(BPF_FUNC_spin_lock), RETURN};
	struct subject *subject = *state;

	add_section(subject->object, "classifier", "f", locks, sizeof(locks));
	add_section(subject->object, "good", "g", insns, sizeof(insns));
	assert_verdict(state, "good", NULL);
	assert_verdict(state, NULL,
		       "section 'classifier': function 'f': offset 0: uses a bpf_spin_lock in a map, which requires "
		       "BTF; tc loads none");
}

static void test_tail_call_where_it_counts(void **state)
{
	static const struct bpf_insn inside[] = {CALL_PSEUDO(2), RETURN, CALL(BPF_FUNC_tail_call), RETURN};
	static const struct bpf_insn outside[] = {CALL_PSEUDO(3), CALL(BPF_FUNC_tail_call), RETURN, RETURN};
	struct subject *subject = *state;

	add_section(subject->object, "outside", "g", outside, sizeof(outside));
	add_section(subject->object, "inside", "f", inside, sizeof(inside));
	assert_verdict(state, "outside", NULL);
	assert_verdict(
		state, "inside",
		"section 'inside': function 'f': offset 24: makes a tail call in a function that is called, which "
		"requires BTF; tc loads none");
}

/* ---- warnings, and many of them --------------------------------------------------------------------------- */

static void test_unpinned_prog_array_is_a_warning(void **state)
{
	const struct bpf_elf_map jumps = {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5, 0, 42, PIN_NONE, 0, 0};
	struct subject *subject = *state;
	struct elfmap_old_tc verdict = {};

	object__add_map(subject->object, "jumps", &jumps, 36);
	object__add_program(subject->object, "42/3", "f", NULL, 0);
	judge(subject, NULL, &verdict);
	assert_int_equal(verdict.nr_reasons, 0);
	assert_int_equal(verdict.nr_warnings, 1);
	assert_string_equal(verdict.warnings[0],
			    "section '42/3': map 'jumps' is not pinned, so the kernel empties its slots when tc ends");
	elfmap_old_tc__free(&verdict);
}

static void test_the_same_reason_once(void **state)
{
	static const struct bpf_insn insns[] = {LOAD64, LOAD64, LOAD64, RETURN};
	struct subject *subject = *state;
	size_t code = add_section(subject->object, "classifier", "f", insns, sizeof(insns));
	size_t data = object__add_section(subject->object, ".bss", SHT_NOBITS, SHF_ALLOC, NULL, 16);
	size_t symbol = object__add_symbol(subject->object, "x", data, STB_GLOBAL, STT_OBJECT, 0, 16);

	for (size_t i = 0; i < 3; i++)
		object__add_relocation(subject->object, code, i * 16, symbol);
	assert_verdict(state, NULL, REFERS(".bss", "a global variable; tc makes no map for it"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, subject__setup, subject__teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_objects_are_accepted),
		TEST(test_definitions),
		TEST(test_problems_of_the_object),
		TEST(test_license),
		TEST(test_maps_that_need_types),
		TEST(test_rules_of_kinds),
		TEST(test_outer_map_without_inner_id),
		TEST(test_global_variable),
		TEST(test_constant),
		TEST(test_string),
		TEST(test_modern_map),
		TEST(test_missing_definitions),
		TEST(test_map_relocation_without_load),
		TEST(test_other_sections_do_not_count),
		TEST(test_calls_are_accepted),
		TEST(test_text_without_maps),
		TEST(test_second_global_function),
		TEST(test_function_without_callers),
		TEST(test_two_programs_in_a_section),
		TEST(test_called_function_in_the_section),
		TEST(test_address_of_a_function),
		TEST(test_spin_lock),
		TEST(test_tail_call_where_it_counts),
		TEST(test_unpinned_prog_array_is_a_warning),
		TEST(test_the_same_reason_once),
	};

	return cmocka_run_group_tests_name("old_tc", tests, NULL, NULL);
}
