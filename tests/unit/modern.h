/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The output of transcode for a test's object, opened with libbpf. */
#ifndef TESTS_MODERN_H
#define TESTS_MODERN_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "subject.h"

struct modern {
	void *bytes;
	size_t size;
	struct bpf_object *bpf;
	struct bpf_map *maps[80]; /* without libbpf's maps for global data */
	size_t nr_maps;
	struct bpf_program *progs[80];
	size_t nr_progs;
	char said[4096]; /* libbpf's warnings */
};

/* Reads and transcodes twice: both outputs must be equal, the input unchanged, the symbol table sorted. Then opens
 * the output with libbpf, which must not print a warning. */
void modern__open(struct modern *modern, struct subject *subject, const struct elfmap_transcode_opts *opts);
void modern__close(struct modern *modern);

void modern__assert_map(const struct modern *modern, size_t index, const char *name, const struct bpf_elf_map *def);
void modern__assert_program(const struct modern *modern, size_t index, const char *name, const char *section,
			    size_t nr_insns);

/* Loads all programs as TYPE. Skips the test if that is not permitted. */
void modern__load(struct modern *modern, enum bpf_prog_type type);

#endif
