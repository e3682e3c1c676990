// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The object under test; see subject.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "subject.h"

int subject__setup(void **state)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	if (!subject)
		return -1;
	subject->object = object__new();
	*state = subject;
	return 0;
}

int subject__teardown(void **state)
{
	struct subject *subject = *state;

	elfmap_object__free(subject->obj);
	free(subject->bytes);
	object__free(subject->object);
	free(subject);
	return 0;
}

size_t subject__add_map(struct subject *subject, const char *name, struct bpf_elf_map def)
{
	return object__add_map(subject->object, name, &def, sizeof(def));
}

void *subject__write(struct subject *subject)
{
	elfmap_object__free(subject->obj);
	subject->obj = NULL;
	free(subject->bytes);
	subject->bytes = object__write(subject->object, &subject->size);
	return subject->bytes;
}

void subject__take_testdata(struct subject *subject, const char *name)
{
	elfmap_object__free(subject->obj);
	subject->obj = NULL;
	free(subject->bytes);
	subject->bytes = NULL;
	subject->bytes = bytes__of_testdata(name, &subject->size);
}

struct elfmap_object *subject__read(struct subject *subject)
{
	struct elfmap_msg msg = {};

	if (!subject->bytes)
		subject__write(subject);
	if (elfmap_object__read(subject->bytes, subject->size, &subject->obj, &msg))
		fail_msg("%s", msg.text);
	if (subject->obj->nr_problems)
		fail_msg("%s", subject->obj->problems[0]);
	return subject->obj;
}

void subject__assert_problem(struct subject *subject, const char *text)
{
	struct elfmap_msg msg = {};
	void *made = NULL;
	size_t size = 0;

	if (!subject->bytes)
		subject__write(subject);
	if (elfmap_object__read(subject->bytes, subject->size, &subject->obj, &msg))
		fail_msg("%s", msg.text);
	assert_int_not_equal(subject->obj->nr_problems, 0);
	assert_string_equal(subject->obj->problems[0], text);
	assert_int_equal(elfmap_object__transcode(subject->obj, NULL, &made, &size, &msg), -EINVAL);
	assert_string_equal(msg.text, text);
	msg.text[0] = '\0';
	assert_int_equal(elfmap_object__tc_view(subject->obj, &made, &size, &msg), -EINVAL);
	assert_string_equal(msg.text, text);
	assert_null(made);
	assert_int_equal(size, 0);
}

void subject__assert_no_transcode(struct subject *subject, const char *text)
{
	struct elfmap_msg msg = {};
	void *made = NULL;
	size_t size = 0;

	subject__read(subject);
	assert_int_equal(elfmap_object__transcode(subject->obj, NULL, &made, &size, &msg), -EINVAL);
	assert_string_equal(msg.text, text);
	assert_null(made);
	assert_int_equal(size, 0);
}

void subject__assert_refused(struct subject *subject, const char *text)
{
	struct elfmap_msg msg = {};

	if (!subject->bytes)
		subject__write(subject);
	assert_int_equal(elfmap_object__read(subject->bytes, subject->size, &subject->obj, &msg), -ENOEXEC);
	assert_null(subject->obj);
	assert_string_equal(msg.text, text);
}
