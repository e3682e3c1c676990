// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The output of transcode, opened with libbpf; see modern.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modern.h"

static struct modern *listener;

/* libbpf_set_print() passes no context. */
static int listen(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t used = listener ? strlen(listener->said) : 0;

	if (listener && level == LIBBPF_WARN)
		vsnprintf(listener->said + used, sizeof(listener->said) - used, format, args);
	return 0;
}

static void assert_locals_first(void *bytes)
{
	const Elf64_Shdr *symtab = bytes__section(bytes, ".symtab");
	const Elf64_Sym *symbols = (const Elf64_Sym *)((char *)bytes + symtab->sh_offset);

	for (size_t i = 0; i < symtab->sh_size / sizeof(*symbols); i++)
		assert_int_equal(ELF64_ST_BIND(symbols[i].st_info) == STB_LOCAL, i < symtab->sh_info);
}

static void transcode(struct modern *modern, struct subject *subject, const struct elfmap_transcode_opts *opts)
{
	struct elfmap_object *obj = subject__read(subject);
	void *before = malloc(subject->size), *again = NULL;
	struct elfmap_msg msg;
	size_t size = 0;

	assert_non_null(before);
	memcpy(before, subject->bytes, subject->size);
	if (elfmap_object__transcode(obj, opts, &modern->bytes, &modern->size, &msg) ||
	    elfmap_object__transcode(obj, opts, &again, &size, &msg))
		fail_msg("%s", msg.text);
	assert_int_equal(size, modern->size);
	assert_memory_equal(again, modern->bytes, size);
	assert_memory_equal(before, subject->bytes, subject->size);
	assert_locals_first(modern->bytes);
	free(before);
	free(again);
}

void modern__open(struct modern *modern, struct subject *subject, const struct elfmap_transcode_opts *opts)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_opts, .object_name = "test");
	struct bpf_program *prog;
	struct bpf_map *map;

	memset(modern, 0, sizeof(*modern));
	if (subject->obj)
		elfmap_object__free(subject->obj);
	subject->obj = NULL;
	transcode(modern, subject, opts);
	listener = modern;
	libbpf_set_print(listen);
	modern->bpf = bpf_object__open_mem(modern->bytes, modern->size, &open_opts);
	if (!modern->bpf || modern->said[0])
		fail_msg("libbpf: %s", modern->said);
	bpf_object__for_each_map (map, modern->bpf)
		if (!bpf_map__is_internal(map))
			modern->maps[modern->nr_maps++] = map;
	bpf_object__for_each_program (prog, modern->bpf)
		modern->progs[modern->nr_progs++] = prog;
}

void modern__close(struct modern *modern)
{
	bpf_object__close(modern->bpf);
	free(modern->bytes);
	listener = NULL;
}

void modern__assert_map(const struct modern *modern, size_t index, const char *name, const struct bpf_elf_map *def)
{
	const struct bpf_map *map = modern->maps[index];

	assert_true(index < modern->nr_maps);
	assert_string_equal(bpf_map__name(map), name);
	assert_int_equal(bpf_map__type(map), def->type);
	assert_int_equal(bpf_map__key_size(map), def->size_key);
	assert_int_equal(bpf_map__value_size(map), def->size_value);
	assert_int_equal(bpf_map__max_entries(map), def->max_elem);
	assert_int_equal(bpf_map__map_flags(map), def->flags);
}

void modern__assert_program(const struct modern *modern, size_t index, const char *name, const char *section,
			    size_t nr_insns)
{
	const struct bpf_program *prog = modern->progs[index];

	assert_true(index < modern->nr_progs);
	assert_string_equal(bpf_program__name(prog), name);
	assert_string_equal(bpf_program__section_name(prog), section);
	assert_int_equal(bpf_program__insn_cnt(prog), nr_insns);
}

void modern__load(struct modern *modern, enum bpf_prog_type type)
{
	int err;

	for (size_t i = 0; i < modern->nr_progs; i++)
		bpf_program__set_type(modern->progs[i], type);
	err = bpf_object__load(modern->bpf);
	if (err == -EPERM) {
		modern__close(modern);
		print_message("the kernel lets us load no programs\n");
		skip();
	}
	if (err)
		fail_msg("%s: %s", strerror(-err), modern->said);
}
