/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What transcode makes of a test's object, as libbpf sees it. */
#ifndef TESTS_MODERN_H
#define TESTS_MODERN_H

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "subject.h"

struct modern {
	void *bytes;
	size_t size;
	struct bpf_object *bpf;
	struct bpf_map *maps[80]; /* without those that libbpf makes for global data */
	size_t nr_maps;
	struct bpf_program *progs[80];
	size_t nr_progs;
	char said[4096]; /* libbpf's warnings */
};

/* Reads and transcodes, twice: the bytes must be the same, the input untouched, the table of symbols in
 * order. Then opens them with libbpf, which must not complain. */
void modern__open(struct modern *modern, struct subject *subject, const struct elfmap_transcode_opts *opts);
void modern__close(struct modern *modern);

void modern__assert_map(const struct modern *modern, size_t index, const char *name, const struct bpf_elf_map *def);
void modern__assert_program(const struct modern *modern, size_t index, const char *name, const char *section,
			    size_t nr_insns);

/* Loads everything as TYPE. Skips the test where the kernel does not let us. */
void modern__load(struct modern *modern, enum bpf_prog_type type);

#endif
