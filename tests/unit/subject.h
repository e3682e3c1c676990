/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a test is about: an object in the making, its bytes, and what read says of them. */
#ifndef TESTS_SUBJECT_H
#define TESTS_SUBJECT_H

#include "object.h"
#include "object/object.h"

struct subject {
	struct object *object;
	void *bytes; /* of `object` once written, or of a compiled one */
	size_t size;
	struct elfmap_object *obj;
};

/* For cmocka_unit_test_setup_teardown(): *state becomes a struct subject with an empty object. */
int subject__setup(void **state);
int subject__teardown(void **state);

/* Adds a whole definition to section `maps`. Returns its symbol. */
size_t subject__add_map(struct subject *subject, const char *name, struct bpf_elf_map def);

/* Makes the bytes, which the test may patch before the next step. */
void *subject__write(struct subject *subject);
void subject__take_testdata(struct subject *subject, const char *name);

/* Reads the bytes (made now if they weren't); the test fails if read refuses or finds a problem. */
struct elfmap_object *subject__read(struct subject *subject);
/* Reads the bytes; the gravest problem must be TEXT, and nothing may be made of the object. */
void subject__assert_problem(struct subject *subject, const char *text);
/* Read finds nothing wrong, but transcode must refuse with -EINVAL and TEXT. */
void subject__assert_no_transcode(struct subject *subject, const char *text);
/* Read must refuse the bytes altogether, with -ENOEXEC and TEXT. */
void subject__assert_refused(struct subject *subject, const char *text);

#endif
