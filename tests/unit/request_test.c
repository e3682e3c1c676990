// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The words of attach, detach and graft become requests, in any order; wrong words are refused with the reason. The
 * lines `attach` of a pipeline are read by the same rows. Nothing is printed and no object is opened.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/load/request.h"

static char line_words[256];
static struct options_common common;
static struct elfmap_msg msg;

/* LINE is cut at spaces; its words are valid until the next call. The first word is the verb, as in a pipeline. */
static int parse(const struct option_row *rows, const char *line, void *words)
{
	char *argv[24], *at = line_words, *word;
	int argc = 0;

	common = (struct options_common){};
	strcpy(msg.text, "of an earlier request");
	strcpy(line_words, line);
	while ((word = strsep(&at, " ")))
		argv[argc++] = word;
	argv[argc] = NULL;
	return options__parse(rows, argc, argv, words, &common, &msg);
}

static int parse_hook(const struct option_row *rows, const char *line, struct elfmap_attach_request *ret_request)
{
	struct attach_words words = {};

	return parse(rows, line, &words) ?: attach_words__finish(&words, ret_request, &msg);
}

static struct elfmap_attach_request takes_attach(const char *line)
{
	struct elfmap_attach_request request;

	if (parse_hook(attach_options, line, &request))
		fail_msg("'%s': %s", line, msg.text);
	return request;
}

/* The request stays as it was. */
static void refuses_attach(const char *line, const char *why)
{
	struct elfmap_attach_request request = {.prio = 77};

	assert_int_equal(parse_hook(attach_options, line, &request), -EINVAL);
	assert_string_equal(msg.text, why);
	assert_int_equal(request.prio, 77);
	assert_null(request.what);
}

static struct graft_words takes_graft(const char *line)
{
	struct graft_words words = {};

	if (parse(graft_options, line, &words))
		fail_msg("'%s': %s", line, msg.text);
	return words;
}

static void refuses_graft(const char *line, const char *why)
{
	struct graft_words words = {};

	assert_int_equal(parse(graft_options, line, &words), -EINVAL);
	assert_string_equal(msg.text, why);
}

/* ---- attach and detach -------------------------------------------------------------------------------------- */

static void test_attach_defaults(void **state)
{
	struct elfmap_attach_request request = takes_attach("attach gen.o dev v0 egress");

	(void)state;
	assert_string_equal(request.what, "gen.o");
	assert_string_equal(request.section, "classifier");
	assert_string_equal(request.dev, "v0");
	assert_string_equal(request.kind->name, "filter");
	assert_int_equal(request.direction, ELFMAP_EGRESS);
	assert_int_equal(request.prio, 0);
	assert_int_equal(request.handle, 0);
	assert_int_equal(request.chain, 0);
}

static void test_attach_in_any_order(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	request = takes_attach("attach pref 65535 ingress chain 1 handle 0xffffffff section a/b dev sec x");
	assert_string_equal(request.what, "x");
	assert_string_equal(request.section, "a/b");
	assert_string_equal(request.dev, "sec");
	assert_int_equal(request.direction, ELFMAP_INGRESS);
	assert_int_equal(request.prio, 65535);
	assert_int_equal(request.handle, 0xffffffff);
	assert_int_equal(request.chain, 1);
	request = takes_attach("attach x.o dev v0 egress priority 1 handle 1 chain 0");
	assert_int_equal(request.prio, 1);
	assert_int_equal(request.handle, 1);
	assert_int_equal(request.chain, 0);
}

static void test_attach_kind_of_hook(void **state)
{
	struct elfmap_attach_request request = takes_attach("attach dev v0 ingress --tcx sec a x.o");

	(void)state;
	assert_string_equal(request.kind->name, "tcx");
	assert_string_equal(request.section, "a");
	assert_int_equal(request.direction, ELFMAP_INGRESS);
	request = takes_attach("attach x.o dev v0 xdp");
	assert_string_equal(request.kind->name, "xdp");
	assert_int_equal(request.direction, ELFMAP_NO_DIRECTION);
	assert_int_equal(request.mode, ELFMAP_XDP_ANY);
	assert_string_equal(request.section, "prog");
	assert_int_equal(takes_attach("attach x.o dev v0 xdpgeneric").mode, ELFMAP_XDP_GENERIC);
	assert_int_equal(takes_attach("attach x.o dev v0 xdpoffload").mode, ELFMAP_XDP_OFFLOAD);
	request = takes_attach("attach x.o sec a dev v0 xdpdrv --link");
	assert_int_equal(request.mode, ELFMAP_XDP_NATIVE);
	assert_true(request.by_link);
	assert_string_equal(request.section, "a");
	/* A kind of hook that lists only is not a word of attach: here it is the name of a file. */
	request = takes_attach("attach link dev v0 ingress");
	assert_string_equal(request.what, "link");
	assert_string_equal(request.kind->name, "filter");
}

/* A kind of hook on a device without directions has a word of its own, which is its name. */
static void test_kind_without_direction_has_its_word(void **state)
{
	(void)state;
	for (const struct elfmap_hook_kind *const *kind = elfmap_hook_kinds; *kind; kind++) {
		const struct option_choice *place = attach_places;

		if (!((*kind)->has & ELFMAP_HOOK_DEVICE) || (*kind)->has & ELFMAP_HOOK_DIRECTION)
			continue;
		while (place->word && strcmp(place->word, (*kind)->name) != 0)
			place++;
		assert_non_null(place->word);
	}
}

static void test_detach_without_file(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	assert_int_equal(parse_hook(detach_options, "detach dev v0 ingress prio 1 handle 2", &request), 0);
	assert_null(request.what);
	assert_int_equal(request.prio, 1);
	assert_int_equal(request.handle, 2);
	assert_int_equal(parse_hook(detach_options, "detach x.o dev v0 ingress", &request), 0);
	assert_string_equal(request.what, "x.o");
	assert_int_equal(parse_hook(detach_options, "detach x.o dev v0 ingress sideways", &request), -EINVAL);
	assert_string_equal(msg.text, "unexpected argument 'sideways'");
}

static void test_attach_incomplete(void **state)
{
	(void)state;
	refuses_attach("attach", "requires FILE|PIN");
	refuses_attach("attach dev v0 ingress", "requires FILE|PIN");
	refuses_attach("attach x.o ingress", "requires 'dev DEV'");
	refuses_attach("attach x.o dev v0", "requires one of ingress, egress, xdp, xdpgeneric, xdpdrv");
	refuses_attach("attach x.o dev v0 --tcx", "requires one of ingress, egress, xdp, xdpgeneric, xdpdrv");
	refuses_attach("attach x.o dev v0 ingress sec", "sec: requires a value");
}

static void test_attach_wrong_word(void **state)
{
	(void)state;
	refuses_attach("attach x.o dev v0 ingress dev v1", "dev: given twice");
	refuses_attach("attach x.o dev v0 ingress prio 1 pref 1", "pref: given twice");
	refuses_attach("attach x.o dev v0 ingress egress", "egress: given twice");
	refuses_attach("attach x.o dev v0 ingress y.o", "unexpected argument 'y.o'");
	refuses_attach("attach x.o dev v0 ingress --tcy", "unknown option '--tcy'; did you mean '--tcx'?");
	refuses_attach("attach x.o dev v0 ingress prio 0", "prio: '0' is not a number from 1 to 65535");
	refuses_attach("attach x.o dev v0 ingress prio 65536", "prio: '65536' is not a number from 1 to 65535");
	refuses_attach("attach x.o dev v0 ingress handle -1", "handle: '-1' is not a number from 1 to 4294967295");
	refuses_attach("attach x.o dev v0 ingress chain 1x", "chain: '1x' is not a number from 0 to 268435455");
}

static void test_attach_words_of_another_kind(void **state)
{
	(void)state;
	refuses_attach("attach x.o dev v0 ingress --tcx prio 1", "tcx: has no prio, handle or chain");
	refuses_attach("attach x.o dev v0 ingress --tcx chain 1", "tcx: has no prio, handle or chain");
	refuses_attach("attach x.o dev v0 xdp handle 1", "xdp: has no prio, handle or chain");
	refuses_attach("attach x.o dev v0 xdp --tcx", "--tcx: requires one of ingress, egress");
	refuses_attach("attach x.o dev v0 egress --link", "--link: requires one of xdp, xdpgeneric, xdpdrv");
}

/* Options of the whole command are reported, so that a line of a pipeline can refuse them. */
static void test_attach_reports_common_options(void **state)
{
	(void)state;
	takes_attach("attach x.o dev v0 ingress");
	assert_false(common.json || common.netns);
	takes_attach("attach -j x.o dev v0 ingress -n blue");
	assert_true(common.json);
	assert_string_equal(common.netns, "blue");
}

/* ---- graft -------------------------------------------------------------------------------------------------- */

static void test_graft_file(void **state)
{
	struct graft_words words = takes_graft("graft jumps 3 a.o sec s type act");

	(void)state;
	assert_string_equal(words.request.pin, "jumps");
	assert_string_equal(words.request.slot, "3");
	assert_string_equal(words.request.file, "a.o");
	assert_string_equal(words.request.section, "s");
	assert_int_equal(words.request.type, BPF_PROG_TYPE_SCHED_ACT);
	assert_false(words.empty);
	assert_null(words.request.path);
	/* The first word is the pin, although an option has the same name. */
	words = takes_graft("graft type 3 section s a.o");
	assert_string_equal(words.request.pin, "type");
	assert_string_equal(words.request.file, "a.o");
	assert_int_equal(words.request.type, BPF_PROG_TYPE_UNSPEC);
}

static void test_graft_empty(void **state)
{
	struct graft_words words = takes_graft("graft jumps ipv4 --empty");

	(void)state;
	assert_string_equal(words.request.slot, "ipv4");
	assert_true(words.empty);
	assert_null(words.request.file);
	assert_null(words.request.section);
}

static void test_graft_refused(void **state)
{
	struct graft_words words = {};

	(void)state;
	refuses_graft("graft", "requires PIN");
	refuses_graft("graft jumps", "requires SLOT");
	refuses_graft("graft jumps --empty", "requires SLOT");
	refuses_graft("graft jumps 3 sec s", "requires FILE");
	refuses_graft("graft jumps 3 a.o", "requires 'sec NAME'");
	refuses_graft("graft jumps 3 --empty sec s", "sec: cannot be given with '--empty'");
	refuses_graft("graft jumps 3 --empty type act", "type: cannot be given with '--empty'");
	refuses_graft("graft jumps 3 a.o --empty", "unexpected argument 'a.o'");
	refuses_graft("graft jumps 3 a.o sec s b.o", "unexpected argument 'b.o'");
	refuses_graft("graft jumps 3 a.o sec s type act type act", "type: given twice");
	assert_int_equal(parse(graft_options, "graft jumps 3 a.o sec s type nosuch", &words), -EINVAL);
	assert_non_null(strstr(msg.text, "'nosuch'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_defaults),
		cmocka_unit_test(test_attach_in_any_order),
		cmocka_unit_test(test_attach_kind_of_hook),
		cmocka_unit_test(test_kind_without_direction_has_its_word),
		cmocka_unit_test(test_detach_without_file),
		cmocka_unit_test(test_attach_incomplete),
		cmocka_unit_test(test_attach_wrong_word),
		cmocka_unit_test(test_attach_words_of_another_kind),
		cmocka_unit_test(test_attach_reports_common_options),
		cmocka_unit_test(test_graft_file),
		cmocka_unit_test(test_graft_empty),
		cmocka_unit_test(test_graft_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
