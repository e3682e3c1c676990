// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of map types compared with recorded values and with the running kernel: a map that the kernel accepts
 * breaks no rule, and the kernel accepts exactly the flags of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds/maps.h"
#include "map/map_copy.h"

#define NR_RECORDED 34 /* later types have no recorded values */

static bool has(__u64 types, __u32 type)
{
	return type < 64 && types >> type & 1;
}

/* ---- every row ------------------------------------------------------------------------------------------ */

static bool is_decided(const char *reason)
{
	return reason && (!*reason || strlen(reason) > 8);
}

static void test_every_row_decides(void **state)
{
	(void)state;
	for (__u32 type = 0; type < ELFMAP_NR_MAP_KINDS; type++) {
		const struct elfmap_map_kind *kind = elfmap_map_kind__of(type);

		if (!*kind->name || !*kind->phrase || !kind->value ||
		    !is_decided(elfmap_map_reason__text(kind->unreadable)) ||
		    !is_decided(elfmap_map_reason__text(kind->unwritable)) ||
		    !is_decided(elfmap_map_reason__text(kind->undeletable)) ||
		    !is_decided(elfmap_map_reason__text(kind->uncopyable)))
			fail_msg("type %u, '%s': the row is forgotten, or a column of it", type, kind->name);
		if (!kind->rules[0] && type != 33)
			fail_msg("type %u, '%s': no rules", type, kind->name);
		if (kind->is_new != (type > BPF_MAP_TYPE_BLOOM_FILTER))
			fail_msg("type %u, '%s': is_new", type, kind->name);
	}
}

/* A libbpf that is newer than the table names types that are not in the table. */
static void test_every_type_of_libbpf(void **state)
{
	(void)state;
	for (__u32 type = 0; libbpf_bpf_map_type_str(type); type++)
		if (strcmp(elfmap_map_kind__of(type)->name, libbpf_bpf_map_type_str(type)) != 0)
			fail_msg("type %u, '%s': no row", type, libbpf_bpf_map_type_str(type));
}

/* Columns that depend on each other. */
static void test_columns_agree(void **state)
{
	(void)state;
	for (__u32 type = 0; type < ELFMAP_NR_MAP_KINDS; type++) {
		const struct elfmap_map_kind *kind = elfmap_map_kind__of(type);

		if ((kind->read_by_index && !kind->has_slots) || (kind->has_slots && !kind->numeric_key) ||
		    (kind->keeps_slots && kind->undeletable == ELFMAP_NO_REASON) ||
		    (kind->is_queue && !kind->is_pushed) || (kind->is_lifo && !kind->is_queue) ||
		    (kind->is_lru && kind->can_be_full) ||
		    (kind->shows_cookies && kind->unreadable == ELFMAP_NO_REASON) ||
		    (kind->can_be_mapped && !(kind->flags & BPF_F_MMAPABLE)) || (kind->added_flags & kind->flags))
			fail_msg("type %u, '%s': columns contradict each other", type, kind->name);
	}
}

static void test_unknown_type(void **state)
{
	char phrase[ELFMAP_TYPE_PHRASE];
	struct bpf_elf_map def = {.type = ELFMAP_NR_MAP_KINDS};

	(void)state;
	for (def.type = ELFMAP_NR_MAP_KINDS; def.type; def.type = def.type == ELFMAP_NR_MAP_KINDS ? ~0u : 0) {
		const struct elfmap_map_kind *kind = elfmap_map_kind__of(def.type);

		assert_string_equal(kind->name, "");
		assert_null(elfmap_map_type_name(def.type));
		assert_string_equal(elfmap_map_type_phrase(def.type, phrase), "a map of unknown type");
		assert_null(elfmap_map__fault(&def));
		assert_int_equal(kind->unreadable, ELFMAP_NO_REASON);
		assert_int_equal(kind->unwritable, ELFMAP_NO_REASON);
		assert_int_equal(kind->undeletable, ELFMAP_NO_REASON);
		assert_int_equal(kind->value, ELFMAP_VALUE_BYTES);
		assert_false(kind->takes_btf || kind->numeric_key || kind->has_slots || kind->read_by_index);
	}
}

/* ---- recorded values ----------------------------------------------------------------------------------- */

static void test_phrases(void **state)
{
	const __u64 with_an = 0x211021e04;
	char expected[ELFMAP_TYPE_PHRASE], phrase[ELFMAP_TYPE_PHRASE];

	(void)state;
	for (__u32 type = 0; type < NR_RECORDED; type++) {
		snprintf(expected, sizeof(expected), "%s %s", has(with_an, type) ? "an" : "a",
			 elfmap_map_type_name(type));
		assert_string_equal(elfmap_map_type_phrase(type, phrase), expected);
	}
}

#define YES(column)                                            \
	static bool column(const struct elfmap_map_kind *kind) \
	{                                                      \
		return kind->column;                           \
	}
YES(numeric_key)
YES(has_slots)
YES(read_by_index)
YES(keeps_slots)
YES(has_two_writers)
YES(reads_batches)
YES(takes_batches)
YES(takes_btf)
YES(needs_btf)
YES(per_cpu)
YES(is_queue)
YES(is_lifo)
YES(is_pushed)
YES(is_lru)
YES(is_prefix)
YES(can_be_full)
YES(can_be_mapped)
YES(has_silent_slots)
YES(empty_is_invalid)
YES(belongs_to_program)
YES(added_flags)

static bool index_rule(const struct elfmap_map_kind *kind)
{
	const __u32 type = (__u32)(kind - elfmap_map_kind__of(0));
	const struct bpf_elf_map def = {.type = type, .size_key = 8, .size_value = 4, .max_elem = 1};
	const char *fault = elfmap_map__fault(&def);

	return fault && !strcmp(fault, "its key is an index and must be 4 bytes");
}

static void test_columns_as_recorded(void **state)
{
	static const struct {
		const char *name;
		bool (*answer)(const struct elfmap_map_kind *kind);
		__u64 types;
	} columns[] = {
#define COLUMN(column, types) {#column, column, types}
		COLUMN(index_rule, 0x00013d1dc), /* these four columns differ */
		COLUMN(numeric_key, 0x00213d1dc),      COLUMN(has_slots, 0x00013d15c),
		COLUMN(read_by_index, 0x00011d04c),    COLUMN(keeps_slots, 0x000000044),
		COLUMN(has_two_writers, 0x000000666),  COLUMN(reads_batches, 0x000002666),
		COLUMN(takes_batches, 0x000002622),    COLUMN(takes_btf, 0x131280e6e),
		COLUMN(needs_btf, 0x135000000),	       COLUMN(per_cpu, 0x000200460),
		COLUMN(is_queue, 0x000c00000),	       COLUMN(is_lifo, 0x000800000),
		COLUMN(is_pushed, 0x040c00000),	       COLUMN(is_lru, 0x000000600),
		COLUMN(is_prefix, 0x000000800),	       COLUMN(can_be_full, 0x002002822),
		COLUMN(can_be_mapped, 0x000000004),    COLUMN(has_silent_slots, 0x000014000),
		COLUMN(empty_is_invalid, 0x000008000), COLUMN(belongs_to_program, 0x004000000),
		COLUMN(added_flags, 0x002004000),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		for (__u32 type = 0; type < NR_RECORDED; type++)
			if (columns[i].answer(elfmap_map_kind__of(type)) != has(columns[i].types, type))
				fail_msg("type %u: %s is not as it was", type, columns[i].name);
}

static void test_values_as_recorded(void **state)
{
	static const __u64 types[] = {
		[ELFMAP_VALUE_PROGRAM] = 0x000000008, [ELFMAP_VALUE_MAP] = 0x000003000,
		[ELFMAP_VALUE_CGROUP] = 0x000000100,  [ELFMAP_VALUE_HANDLE] = 0x000168010,
		[ELFMAP_VALUE_DEVICE] = 0x002004000,  [ELFMAP_VALUE_QUEUE] = 0x000010000,
	};

	(void)state;
	for (enum elfmap_map_value value = ELFMAP_VALUE_PROGRAM; value <= ELFMAP_VALUE_QUEUE; value++)
		for (__u32 type = 0; type < NR_RECORDED; type++)
			if ((elfmap_map_kind__of(type)->value == value) != has(types[value], type))
				fail_msg("type %u: its value is not as it was", type);
}

static const char *reading(const struct elfmap_map_kind *kind)
{
	return elfmap_map_reason__text(kind->unreadable);
}

static const char *reading_cookies(const struct elfmap_map_kind *kind)
{
	return kind->shows_cookies ? "" : elfmap_map_reason__text(kind->unreadable);
}

static const char *writing(const struct elfmap_map_kind *kind)
{
	return elfmap_map_reason__text(kind->unwritable);
}

static const char *deleting(const struct elfmap_map_kind *kind)
{
	return elfmap_map_reason__text(kind->undeletable);
}

static const char *copying(const struct elfmap_map_kind *kind)
{
	return elfmap_map_reason__text(kind->uncopyable);
}

static const char *invalid_update(const struct elfmap_map_kind *kind)
{
	return elfmap_map_reason__text(kind->invalid_update) ?: "";
}

static const char *invalid_delete(const struct elfmap_map_kind *kind)
{
	return kind->empty_is_invalid ? "no such key" : elfmap_map_reason__text(kind->invalid_delete) ?: "";
}

static const struct {
	const char *(*ask)(const struct elfmap_map_kind *kind);
	__u64 types;
	const char *answer;
} reasons[] = {
	{reading, 0x088000010, "it is a stream of events, which its reader consumes"},
	{reading, 0x000020100, "its slots can only be written"},
	{reading, 0x000148000, "its slots can only be written (with 8-byte values they show cookies)"},
	{reading, 0x000c00000, "its values have no keys, and reading takes them out"},
	{reading, 0x131000000, "its values belong to kernel objects and cannot be listed"},
	{reading, 0x040000000, "it only knows whether it has seen a value"},
	{reading, 0x200000000, "it is memory without keys"},
	{reading_cookies, 0x088000010, "it is a stream of events, which its reader consumes"},
	{reading_cookies, 0x000020100, "its slots can only be written"},
	{reading_cookies, 0x000c00000, "its values have no keys, and reading takes them out"},
	{reading_cookies, 0x131000000, "its values belong to kernel objects and cannot be listed"},
	{reading_cookies, 0x040000000, "it only knows whether it has seen a value"},
	{reading_cookies, 0x200000000, "it is memory without keys"},
	{writing, 0x000000010, "its slots take perf events, which their reader puts there"},
	{writing, 0x000000080, "only programs write stacks"},
	{writing, 0x000168000, "its slots take sockets, which their owner or a program puts there"},
	{writing, 0x131000000, "its values belong to kernel objects, which have no names here"},
	{writing, 0x004000000, "its one value is registered with the kernel"},
	{writing, 0x088000000, "it is a stream of events, and has no entries"},
	{writing, 0x200000000, "it is memory without keys"},
	{deleting, 0x000000044, "its slots are always there; 'set' them to zero, or 'clear' the map"},
	{deleting, 0x000280000, "its entries come and go with the programs that are attached to cgroups"},
	{deleting, 0x000c00000, "it has no keys; 'pop' takes the next value out"},
	{deleting, 0x131000000, "its values belong to kernel objects, which have no names here"},
	{deleting, 0x004000000, "its one value is registered with the kernel"},
	{deleting, 0x088000000, "it is a stream of events, and has no entries"},
	{deleting, 0x040000000, "it does not forget"},
	{deleting, 0x200000000, "it is memory without keys"},
	{copying, 0x000000080, "only programs write a stack_trace"},
	{copying, 0x000148000, "its sockets cannot be taken from one map to another"},
	{copying, 0x000080000, "only programs write a cgroup_storage"},
	{copying, 0x000200000, "only programs write a percpu_cgroup_storage"},
	{invalid_update, 0x000000008,
	 "the program does not fit: a prog_array takes programs of the type of its first one"},
	{invalid_update, 0x000003000,
	 "the map does not fit: it must have the type, sizes and flags of the one that the outer map was made with"},
	{invalid_update, 0x002004000, "no such device here, or a program that a devmap does not take"},
	{invalid_update, 0x000010000, "the queue is too long, or it is a program that a cpumap does not take"},
	{invalid_delete, 0x000000008,
	 "the program does not fit: a prog_array takes programs of the type of its first one"},
	{invalid_delete, 0x000003000,
	 "the map does not fit: it must have the type, sizes and flags of the one that the outer map was made with"},
	{invalid_delete, 0x000008000, "no such key"},
};

static void test_reasons_as_recorded(void **state)
{
	static const char *(*const questions[])(const struct elfmap_map_kind *kind) = {
		reading, reading_cookies, writing, deleting, copying, invalid_update, invalid_delete};

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		for (__u32 type = 0; type < NR_RECORDED; type++) {
			const char *expected = "";

			for (size_t j = 0; j < sizeof(reasons) / sizeof(*reasons); j++)
				if (reasons[j].ask == questions[i] && has(reasons[j].types, type))
					expected = reasons[j].answer;
			assert_string_equal(questions[i](elfmap_map_kind__of(type)), expected);
		}
}

/* The first rule that a definition breaks. */
static const struct {
	__u32 key, value, max_elem, flags;
	__u64 types;
	const char *fault;
} faults[] = {
	{0, 0, 0, 0, 0x042d7ffef, "a map needs entries, and max_elem is 0"},
	{0, 0, 0, 0, 0x000000010, "needs as many entries as there are CPUs, and has 0"},
	{0, 0, 0, 0, 0x004280000, "the value must not be 0 bytes"},
	{0, 0, 0, 0, 0x131000000, "its key must be 4 bytes"},
	{0, 0, 0, 0, 0x088000000, "a ring buffer needs a size, max_elem, in bytes"},
	{4, 0, 1, 0, 0x0040006e7, "the value must not be 0 bytes"},
	{4, 0, 1, 0, 0x000023118, "its value is a descriptor and must be 4 bytes"},
	{4, 0, 1, 0, 0x000000800, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{4, 0, 1, 0, 0x00215c000, "its value must be 4 or 8 bytes"},
	{4, 0, 1, 0, 0x131280000, "it grows with what it belongs to: max_elem must be 0"},
	{4, 0, 1, 0, 0x040c00000, "it has no keys: the key must be 0 bytes"},
	{4, 0, 1, 0, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
	{0, 0, 1, 1, 0x044c00001, "the value must not be 0 bytes"},
	{0, 0, 1, 1, 0x000000622, "the key must not be 0 bytes"},
	{0, 0, 1, 1, 0x00013d1dc, "its key is an index and must be 4 bytes"},
	{0, 0, 1, 1, 0x000000800, "its key must be a prefix length of 4 bytes and 1 to 256 bytes of data"},
	{0, 0, 1, 1, 0x000002000, "its value is a descriptor and must be 4 bytes"},
	{0, 0, 1, 1, 0x002040000, "its value must be 4 or 8 bytes"},
	{0, 0, 1, 1, 0x000280000, "it grows with what it belongs to: max_elem must be 0"},
	{0, 0, 1, 1, 0x131000000, "its key must be 4 bytes"},
	{0, 0, 1, 1, 0x088000000, "the size of a ring buffer, max_elem, must be a multiple of the page"},
	{4, 4, 1, 3, 0x000002022, "flag 0x2, BPF_F_NO_COMMON_LRU, is for LRU maps only"},
	{4, 4, 1, 3, 0x000000080, "its value must be a multiple of 8 bytes"},
	{4, 4, 1, 3, 0x000000600, "flag 0x1, BPF_F_NO_PREALLOC, is not for LRU maps"},
	{4, 4, 1, 3, 0x000000800, "its key must be a prefix length of 4 bytes and 1 to 256 bytes of data"},
	{4, 4, 1, 3, 0x131280000, "it grows with what it belongs to: max_elem must be 0"},
	{4, 4, 1, 3, 0x040c00000, "it has no keys: the key must be 0 bytes"},
	{4, 4, 1, 3, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
	{0, 4, 1, 0, 0x002042622, "the key must not be 0 bytes"},
	{0, 4, 1, 0, 0x00013d1dc, "its key is an index and must be 4 bytes"},
	{0, 4, 1, 0, 0x000000800, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{0, 4, 1, 0, 0x000280000, "it grows with what it belongs to: max_elem must be 0"},
	{0, 4, 1, 0, 0x131000000, "its key must be 4 bytes"},
	{0, 4, 1, 0, 0x088000000, "a ring buffer has no values: the value must be 0 bytes"},
	{4, 0, 0, 0, 0x042d7ffef, "a map needs entries, and max_elem is 0"},
	{4, 0, 0, 0, 0x000000010, "needs as many entries as there are CPUs, and has 0"},
	{4, 0, 0, 0, 0x004280000, "the value must not be 0 bytes"},
	{4, 0, 0, 0, 0x131000000, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{4, 0, 0, 0, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
	{4, 0, 0, 1, 0x042d7ffef, "a map needs entries, and max_elem is 0"},
	{4, 0, 0, 1, 0x000000010, "needs as many entries as there are CPUs, and has 0"},
	{4, 0, 0, 1, 0x135280000, "the value must not be 0 bytes"},
	{4, 0, 0, 1, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
	{4, 32776, 1, 0, 0x000023118, "its value is a descriptor and must be 4 bytes"},
	{4, 32776, 1, 0, 0x000000460, "a value of each CPU may have 32768 bytes at most"},
	{4, 32776, 1, 0, 0x000000800, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{4, 32776, 1, 0, 0x00215c000, "its value must be 4 or 8 bytes"},
	{4, 32776, 1, 0, 0x131280000, "it grows with what it belongs to: max_elem must be 0"},
	{4, 32776, 1, 0, 0x040c00000, "it has no keys: the key must be 0 bytes"},
	{4, 32776, 1, 0, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
	{0, 0, 3, 0, 0x044c00001, "the value must not be 0 bytes"},
	{0, 0, 3, 0, 0x000000622, "the key must not be 0 bytes"},
	{0, 0, 3, 0, 0x00013d1dc, "its key is an index and must be 4 bytes"},
	{0, 0, 3, 0, 0x000000800, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{0, 0, 3, 0, 0x000002000, "its value is a descriptor and must be 4 bytes"},
	{0, 0, 3, 0, 0x002040000, "its value must be 4 or 8 bytes"},
	{0, 0, 3, 0, 0x000280000, "it grows with what it belongs to: max_elem must be 0"},
	{0, 0, 3, 0, 0x131000000, "its key must be 4 bytes"},
	{0, 0, 3, 0, 0x088000000, "the size of a ring buffer, max_elem, must be a power of two"},
	{5, 0, 1, 1, 0x004000e23, "the value must not be 0 bytes"},
	{5, 0, 1, 1, 0x00013d1dc, "its key is an index and must be 4 bytes"},
	{5, 0, 1, 1, 0x000002000, "its value is a descriptor and must be 4 bytes"},
	{5, 0, 1, 1, 0x002040000, "its value must be 4 or 8 bytes"},
	{5, 0, 1, 1, 0x000280000, "it grows with what it belongs to: max_elem must be 0"},
	{5, 0, 1, 1, 0x040c00000, "it has no keys: the key must be 0 bytes"},
	{5, 0, 1, 1, 0x131000000, "its key must be 4 bytes"},
	{5, 0, 1, 1, 0x088000000, "a ring buffer has no keys: the key must be 0 bytes"},
};

static void test_faults_as_recorded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (__u32 type = 0; type < NR_RECORDED; type++) {
			const struct bpf_elf_map def = {.type = type,
							.size_key = faults[i].key,
							.size_value = faults[i].value,
							.max_elem = faults[i].max_elem,
							.flags = faults[i].flags};
			const char *fault = elfmap_map__fault(&def);

			if ((fault && !strcmp(fault, faults[i].fault)) != has(faults[i].types, type))
				fail_msg("type %u, key %u value %u max_elem %u flags %u: '%s'", type, def.size_key,
					 def.size_value, def.max_elem, def.flags, fault ?: "no fault");
		}
}

static void test_faults_of_new_types(void **state)
{
	static const struct {
		struct bpf_elf_map def;
		const char *fault;
	} tests[] = {
		{{33, 0, 0, 0, 0, 0, 0, 0, 0}, NULL},
		{{34, 4, 16, 1, 0, 0, 0, 0, 0}, NULL},
		{{34, 8, 16, 1, 0, 0, 0, 0, 0}, "its key is an index and must be 4 bytes"},
		{{34, 4, 8, 1, 0, 0, 0, 0, 0}, "its value must be 16 bytes"},
		{{34, 4, 16, 0, 0, 0, 0, 0, 0}, "a map needs entries, and max_elem is 0"},
		{{35, 8, 8, 1, 1, 0, 0, 0, 0}, NULL},
		{{35, 8, 8, 1, 0, 0, 0, 0, 0}, "needs flag 0x1, BPF_F_NO_PREALLOC"},
		{{35, 0, 8, 1, 1, 0, 0, 0, 0}, "the key must not be 0 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		const char *fault = elfmap_map__fault(&tests[i].def);

		assert_string_equal(fault ?: "", tests[i].fault ?: "");
	}
}

/* Types without recorded values, which not every kernel has. */
static void test_columns_of_new_types(void **state)
{
	const struct elfmap_map_kind *insns = elfmap_map_kind__of(34), *rhash = elfmap_map_kind__of(35);

	(void)state;
	assert_string_equal(insns->phrase, "an insn_array");
	assert_int_equal(insns->value, ELFMAP_VALUE_BYTES);
	assert_int_equal(insns->flags, 0);
	assert_true(insns->read_by_index && insns->keeps_slots && !insns->takes_btf);
	assert_true(insns->undeletable != ELFMAP_NO_REASON && insns->uncopyable != ELFMAP_NO_REASON &&
		    insns->unreadable == ELFMAP_NO_REASON && insns->unwritable == ELFMAP_NO_REASON);
	assert_string_equal(rhash->phrase, "an rhash");
	assert_int_equal(rhash->value, ELFMAP_VALUE_BYTES);
	assert_int_equal(rhash->flags, 0x19d);
	assert_true(rhash->takes_btf && rhash->can_be_full && !rhash->numeric_key && !rhash->reads_batches);
	assert_true(rhash->undeletable == ELFMAP_NO_REASON && rhash->uncopyable == ELFMAP_NO_REASON &&
		    rhash->unreadable == ELFMAP_NO_REASON && rhash->unwritable == ELFMAP_NO_REASON);
}

/* ---- the kernel ----------------------------------------------------------------------------------------- */

/* Calls bpf_map_create() with the sizes that any type requires; true: the kernel accepted one. */
static bool is_accepted(__u32 type, __u32 flags, int inner)
{
	static const __u32 keys[] = {4, 0, 8}, values[] = {4, 8, 16, 32, 0}, sizes[] = {1, 0, 1 << 16};
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	bool found = false;

	if (elfmap_map__is_map_in_map(type))
		opts.inner_map_fd = (__u32)inner;
	for (int i = 0; i < 3 * 5 * 3; i++) {
		const struct bpf_elf_map def = {.type = type,
						.size_key = keys[i % 3],
						.size_value = values[i / 3 % 5],
						.max_elem = sizes[i / 15],
						.flags = flags};
		int fd = bpf_map_create(type, NULL, def.size_key, def.size_value, def.max_elem, &opts);

		if (fd < 0)
			continue;
		close(fd);
		found = true;
		if (elfmap_map__fault(&def))
			fail_msg("type %u, key %u value %u max_elem %u flags %u: the kernel accepts it: %s", type,
				 def.size_key, def.size_value, def.max_elem, flags, elfmap_map__fault(&def));
	}
	return found;
}

static void test_kernel(void **state)
{
	const __u32 last_of_old_kernels = BPF_F_INNER_MAP;
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL), nr = 0;

	(void)state;
	assert_true(inner >= 0);
	for (__u32 type = 1; type < ELFMAP_NR_MAP_KINDS; type++) {
		__u32 needed = is_accepted(type, 0, inner)		     ? 0
			       : is_accepted(type, BPF_F_NO_PREALLOC, inner) ? BPF_F_NO_PREALLOC
									     : BPF_F_MMAPABLE;

		if (!is_accepted(type, needed, inner))
			continue; /* this kernel lacks it, or it needs BTF */
		nr++;
		for (__u32 flag = 1; flag && flag < 1u << 24; flag <<= 1) {
			bool accepted = is_accepted(type, needed | flag, inner);

			if (accepted && !(elfmap_map_kind__of(type)->flags & flag))
				fail_msg("type %u: the kernel accepts flag 0x%x", type, flag);
			if (!accepted && flag <= last_of_old_kernels && elfmap_map_kind__of(type)->flags & flag)
				fail_msg("type %u: the kernel refuses flag 0x%x", type, flag);
		}
	}
	close(inner);
	assert_true(nr >= 25);
}

static void test_refused_flag(void **state)
{
	struct elfmap_form form = {.type = BPF_MAP_TYPE_HASH,
				   .key_size = 4,
				   .value_size = 4,
				   .max_entries = 7,
				   .flags = BPF_F_MMAPABLE | BPF_F_NO_PREALLOC,
				   .btf = -1,
				   .inner = -1};
	struct elfmap_msg msg = {};
	int fd = -1;

	(void)state;
	assert_int_equal(elfmap_form__create(&form, &fd, &msg), -EINVAL);
	assert_string_equal(msg.text, "a hash of 7 entries cannot be made: flag 0x400 is not for this type");
	form.flags = BPF_F_NO_PREALLOC;
	assert_int_equal(elfmap_form__create(&form, &fd, &msg), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_decides),
		cmocka_unit_test(test_every_type_of_libbpf),
		cmocka_unit_test(test_columns_agree),
		cmocka_unit_test(test_unknown_type),
		cmocka_unit_test(test_phrases),
		cmocka_unit_test(test_columns_as_recorded),
		cmocka_unit_test(test_values_as_recorded),
		cmocka_unit_test(test_reasons_as_recorded),
		cmocka_unit_test(test_faults_as_recorded),
		cmocka_unit_test(test_faults_of_new_types),
		cmocka_unit_test(test_columns_of_new_types),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_refused_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
