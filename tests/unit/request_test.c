// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The words of attach and graft, as requests. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/load/request.h"

static char line_words[256];
static struct elfmap_msg msg;

/* LINE is cut at spaces; its words live until the next one. */
static int parse(const struct option_row *rows, const char *line, void *words)
{
	char verb[] = "verb", *argv[24] = {verb}, *at = line_words, *word;
	struct options_common common = {};
	int argc = 1;

	strcpy(line_words, line);
	while ((word = strsep(&at, " ")))
		argv[argc++] = word;
	return options__parse(rows, argc, argv, words, &common, &msg);
}

static int parse_attach(const char *line, struct elfmap_attach_request *ret_request)
{
	struct attach_words words = {};

	return parse(attach_options, line, &words) ?: attach_words__finish(&words, ret_request, &msg);
}

static void test_attach(void **state)
{
	struct elfmap_attach_request request;

	(void)state;
	assert_int_equal(parse_attach("x.o dev v0 egress pref 3 handle 0x2 chain 1", &request), 0);
	assert_string_equal(request.kind->name, "filter");
	assert_string_equal(request.what, "x.o");
	assert_string_equal(request.section, "classifier");
	assert_int_equal(request.direction, ELFMAP_EGRESS);
	assert_int_equal(request.prio, 3);
	assert_int_equal(request.handle, 2);
	assert_int_equal(request.chain, 1);
	assert_int_equal(parse_attach("dev v0 ingress --tcx sec a x.o", &request), 0);
	assert_string_equal(request.kind->name, "tcx");
	assert_string_equal(request.section, "a");
	assert_int_equal(parse_attach("x.o dev v0 xdp", &request), 0);
	assert_string_equal(request.kind->name, "xdp");
	assert_int_equal(request.direction, 0);
}

static void refuses_attach(const char *line, const char *why)
{
	struct elfmap_attach_request request;

	assert_int_equal(parse_attach(line, &request), -EINVAL);
	assert_string_equal(msg.text, why);
}

static void test_attach_refused(void **state)
{
	(void)state;
	refuses_attach("x.o dev v0 ingress --tcx prio 1", "tcx: has no prio, handle or chain");
	refuses_attach("x.o dev v0 xdp handle 1", "xdp: has no prio, handle or chain");
	refuses_attach("x.o dev v0 xdp --tcx", "--tcx: requires one of ingress, egress");
	refuses_attach("x.o dev v0", "requires one of ingress, egress");
	refuses_attach("dev v0 ingress", "requires FILE|PIN");
}

/* A kind of hook on a device that has no direction is named by a word of its own. */
static void test_every_kind_has_its_word(void **state)
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

static void test_graft(void **state)
{
	struct graft_words words = {};

	(void)state;
	assert_int_equal(parse(graft_options, "jmp 3 x.o sec a type act", &words), 0);
	assert_string_equal(words.request.slot, "3");
	assert_int_equal(words.request.type, BPF_PROG_TYPE_SCHED_ACT);
	words = (struct graft_words){};
	assert_int_equal(parse(graft_options, "jmp 3 --empty", &words), 0);
	assert_true(words.empty && !words.request.file);
	words = (struct graft_words){};
	assert_int_equal(parse(graft_options, "jmp 3 --empty sec a", &words), -EINVAL);
	assert_string_equal(msg.text, "sec: cannot be given with '--empty'");
	words = (struct graft_words){};
	assert_int_equal(parse(graft_options, "jmp 3 x.o", &words), -EINVAL);
	assert_string_equal(msg.text, "requires 'sec NAME'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_attach_refused),
		cmocka_unit_test(test_every_kind_has_its_word),
		cmocka_unit_test(test_graft),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
