// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Words to requests: what is read, and which word is wrong and why. Nothing is printed, and no object is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "helpers/load/request.h"

#define MAX_WORDS 80

static struct elfmap_msg msg;

/* The words of LINE, which must stay while the request is used. */
static int cut(const char *line, char *argv[MAX_WORDS])
{
	static char words[1024];
	char *at = words;
	int argc = 0;

	assert_true(strlen(line) < sizeof(words));
	strcpy(words, line);
	for (char *word; (word = strsep(&at, " "));)
		argv[argc++] = word;
	argv[argc] = NULL;
	strcpy(msg.text, "of an earlier request");
	return argc;
}

static int parse_attach(const char *line, struct elfmap_attach_request *request)
{
	char *argv[MAX_WORDS];
	int argc = cut(line, argv);

	return attach_request__parse(argc, argv, request, &msg);
}

static int parse_load(const char *line, struct load_request *request)
{
	char *argv[MAX_WORDS];
	int argc = cut(line, argv);

	return load_request__parse(argc, argv, request, &msg);
}

static int parse_graft(const char *line, struct elfmap_graft_request *request)
{
	char *argv[MAX_WORDS];
	int argc = cut(line, argv);

	return graft_request__parse(argc, argv, request, &msg);
}

/* WHY is "": the usage line says it all. The request is as it was. */
static void refuse_attach(const char *line, const char *why)
{
	struct elfmap_attach_request request = {.prio = 77};

	assert_int_equal(parse_attach(line, &request), -EINVAL);
	assert_string_equal(msg.text, why);
	assert_int_equal(request.prio, 77);
	assert_null(request.what);
}

static void refuse_load(const char *line, const char *why)
{
	struct load_request request = {.nr_files = 77};

	assert_int_equal(parse_load(line, &request), -EINVAL);
	assert_string_equal(msg.text, why);
	assert_int_equal(request.nr_files, 77);
}

static void refuse_graft(const char *line, const char *why)
{
	struct elfmap_graft_request request = {.is_locked = true};

	assert_int_equal(parse_graft(line, &request), -EINVAL);
	assert_string_equal(msg.text, why);
	assert_true(request.is_locked);
}

/* ---- attach -------------------------------------------------------------------------------------------------- */

static void test_attach(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	assert_int_equal(parse_attach("attach gen.o dev v0 egress", &request), 0);
	assert_string_equal(msg.text, "");
	assert_string_equal(request.what, "gen.o");
	assert_string_equal(request.section, "classifier");
	assert_string_equal(request.dev, "v0");
	assert_string_equal(request.kind->name, "filter");
	assert_int_equal(request.direction, ELFMAP_EGRESS);
	assert_int_equal(request.prio, 0);
	assert_int_equal(request.handle, 0);
	assert_int_equal(request.chain, 0);

	assert_int_equal(
		parse_attach("attach pref 65535 ingress chain 0 handle 0xffffffff section a/b dev sec x", &request), 0);
	assert_string_equal(request.what, "x");
	assert_string_equal(request.section, "a/b");
	assert_string_equal(request.dev, "sec");
	assert_int_equal(request.direction, ELFMAP_INGRESS);
	assert_int_equal(request.prio, 65535);
	assert_int_equal(request.handle, 0xffffffff);
}

static void test_attach_to_other_kinds(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	assert_int_equal(parse_attach("attach gen.o --tcx dev v0 ingress", &request), 0);
	assert_string_equal(request.kind->name, "tcx");
	assert_int_equal(request.direction, ELFMAP_INGRESS);
	assert_int_equal(parse_attach("attach gen.o dev v0 xdp", &request), 0);
	assert_string_equal(request.kind->name, "xdp");
	assert_int_equal(request.direction, ELFMAP_NO_DIRECTION);
	/* links are no place that one attaches to: it is a file's name */
	assert_int_equal(parse_attach("attach link dev v0 ingress", &request), 0);
	assert_string_equal(request.what, "link");
}

static void test_detach_of_a_place(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	assert_int_equal(parse_attach("detach dev v0 ingress prio 1 handle 1", &request), 0);
	assert_null(request.what);
	assert_int_equal(request.prio, 1);
}

static void test_attach_refused(void **state)
{
	(void)state;
	refuse_attach("attach", "");
	refuse_attach("attach gen.o ingress", "");
	refuse_attach("attach gen.o dev v0", "");
	refuse_attach("attach gen.o dev v0 --tcx", "");
	refuse_attach("attach gen.o dev v0 ingress dev v1", "dev: is said twice");
	refuse_attach("attach gen.o dev v0 ingress prio 1 pref 1", "pref: is said twice");
	refuse_attach("attach gen.o dev v0 ingress sec", "sec: has no value behind it");
	refuse_attach("attach gen.o dev v0 ingress prio 0", "prio: '0' is no number from 1 to 65535");
	refuse_attach("attach gen.o dev v0 ingress prio 65536", "prio: '65536' is no number from 1 to 65535");
	refuse_attach("attach gen.o dev v0 ingress handle -1", "handle: '-1' is no number from 1 to 4294967295");
	refuse_attach("attach gen.o dev v0 ingress chain 1x", "chain: '1x' is no number from 0 to 268435455");
	refuse_attach("attach gen.o dev v0 ingress egress", "attach: 'egress' is none of its words");
	refuse_attach("detach gen.o dev v0 ingress sideways", "detach: 'sideways' is none of its words");
	refuse_attach("attach gen.o dev v0 ingress --tcx prio 1", "--tcx: links of tcx have no prio, handle or chain");
}

/* ---- load ---------------------------------------------------------------------------------------------------- */

static void test_load(void **state)
{
	struct load_request request;

	(void)state;
	assert_int_equal(parse_load("load a.o sec s b.o type xdp", &request), 0);
	assert_string_equal(msg.text, "");
	assert_int_equal(request.nr_files, 2);
	assert_string_equal(request.files[0], "a.o");
	assert_string_equal(request.files[1], "b.o");
	assert_string_equal(request.section, "s");
	assert_int_equal(request.type, BPF_PROG_TYPE_XDP);
	assert_int_equal(parse_load("load a.o", &request), 0);
	assert_null(request.section);
	assert_int_equal(request.type, BPF_PROG_TYPE_UNSPEC);
}

static void test_load_refused(void **state)
{
	char line[512] = "load";

	(void)state;
	refuse_load("load", "");
	refuse_load("load sec a", "");
	refuse_load("load a.o sec", "sec: has no value behind it");
	refuse_load("load a.o type cls type cls", "type: is said twice");
	refuse_load("load a.o sec a section a", "section: is said twice");
	refuse_load("load a.o type kprobe", "load: type 'kprobe' is none of cls, act, xdp, lwt_in, lwt_out, lwt_xmit");
	for (int i = 0; i <= LOAD_MAX_FILES; i++)
		strcat(line, " a.o");
	refuse_load(line, "");
}

/* ---- graft --------------------------------------------------------------------------------------------------- */

static void test_graft(void **state)
{
	struct elfmap_graft_request request;

	(void)state;
	assert_int_equal(parse_graft("graft jumps 3 a.o sec s type act", &request), 0);
	assert_string_equal(msg.text, "");
	assert_string_equal(request.pin, "jumps");
	assert_string_equal(request.slot, "3");
	assert_string_equal(request.file, "a.o");
	assert_string_equal(request.section, "s");
	assert_string_equal(request.type_name, "act");
	assert_int_equal(request.type, BPF_PROG_TYPE_SCHED_ACT);
	assert_null(request.path);
	assert_int_equal(parse_graft("graft jumps ipv4 --empty", &request), 0);
	assert_string_equal(request.slot, "ipv4");
	assert_null(request.file);
}

static void test_graft_refused(void **state)
{
	(void)state;
	refuse_graft("graft jumps", "");
	refuse_graft("graft jumps 3 a.o", "");
	refuse_graft("graft jumps 3 sec s", "");
	refuse_graft("graft jumps --empty", "");
	refuse_graft("graft jumps 3 a.o sec s --empty", "");
	refuse_graft("graft jumps 3 a.o sec s b.o", "graft: 'b.o' is none of its words");
	refuse_graft("graft jumps 3 a.o sec s type x",
		     "graft: type 'x' is none of cls, act, xdp, lwt_in, lwt_out, lwt_xmit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_attach_to_other_kinds),
		cmocka_unit_test(test_detach_of_a_place),
		cmocka_unit_test(test_attach_refused),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_refused),
		cmocka_unit_test(test_graft),
		cmocka_unit_test(test_graft_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
