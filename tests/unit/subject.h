/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The object under test: its builder, its bytes, and the result of read. */
#ifndef TESTS_SUBJECT_H
#define TESTS_SUBJECT_H

#include "object.h"
#include "object/object.h"

struct subject {
	struct object *object;
	void *bytes; /* of `object` after it is written, or of a compiled object */
	size_t size;
	struct elfmap_object *obj;
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct subject with an empty object. */
int subject__setup(void **state);
int subject__teardown(void **state);

/* Adds a complete definition to section `maps`. Returns its symbol. */
size_t subject__add_map(struct subject *subject, const char *name, struct bpf_elf_map def);

/* Writes the bytes, which the test may patch before the next step. */
void *subject__write(struct subject *subject);
void subject__take_testdata(struct subject *subject, const char *name);

/* Reads the bytes (written now if necessary); the test fails if read refuses them or finds a problem. */
struct elfmap_object *subject__read(struct subject *subject);
/* Reads the bytes; the most severe problem must be TEXT, and transcode must refuse the object. */
void subject__assert_problem(struct subject *subject, const char *text);
/* read must find no problem, and transcode must refuse with -EINVAL and TEXT. */
void subject__assert_no_transcode(struct subject *subject, const char *text);
/* read must refuse the bytes with -ENOEXEC and TEXT. */
void subject__assert_refused(struct subject *subject, const char *text);

#endif
