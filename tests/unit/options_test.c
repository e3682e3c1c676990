// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A table of options: the words that it accepts, and one message for each kind of mistake. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/msg.h"
#include "helpers/options.h"

/* ---- the tables of two verbs: words in any order, and words that are data -------------------------- */

struct hook_request {
	const char *what, *section, *dev;
	int direction;
	__u32 prio, handle;
	bool tcx;
};

static const struct option_choice directions[] = {
	{"ingress", 1, false}, {"egress", 2, false}, {"xdp", 3, .is_hidden = true}, {}};

static const struct option_row hook_rows[] = {
	{NULL, "FILE|PIN", OPTION_REQUIRED, OPTION_TEXT_AT(struct hook_request, what), .unless = "--none"},
	{"sec|section", "NAME", 0, OPTION_TEXT_AT(struct hook_request, section), .help = "the program"},
	{"dev", "DEV", OPTION_REQUIRED, OPTION_TEXT_AT(struct hook_request, dev)},
	{NULL, NULL, OPTION_REQUIRED, OPTION_CHOICE_AT(struct hook_request, direction, directions)},
	{"prio|pref|priority", "P", 0, OPTION_NUMBER_AT(struct hook_request, prio, 1, 0xffff), .unless = "--tcx"},
	{"handle", "H", 0, OPTION_NUMBER_AT(struct hook_request, handle, 1, 0xffffffff), .needs = "prio"},
	{"--tcx", NULL, 0, OPTION_FLAG_AT(struct hook_request, tcx), .help = "a link"},
	{"--old", NULL, OPTION_HIDDEN, OPTION_FLAG_AT(struct hook_request, tcx)},
	{"--none", NULL, 0, OPTION_FLAG_AT(struct hook_request, tcx)},
	{},
};

struct data_request {
	const char *pin, *file, *like, *types;
	struct option_words key;
	int flags;
	bool sum, back;
};

static const struct option_choice presences[] = {{"any", 0, false}, {"noexist", 1, false}, {"exist", 2, false}, {}};

static int read_types(char *word, void *to, struct elfmap_msg *msg)
{
	if (!strchr(word, ':')) {
		snprintf(msg->text, sizeof(msg->text), "'%s' is not KEY:VALUE", word);
		return -EINVAL;
	}
	*(const char **)to = word;
	return 0;
}

static const struct option_row data_rows[] = {
	{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct data_request, pin),
	 .completes = COMPLETE_PIN},
	{NULL, "KEY", OPTION_REQUIRED, OPTION_WORDS_AT(struct data_request, key)},
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct data_request, file), .unless = "--back"},
	{"types", "KEY:VALUE", 0, OPTION_READ_AT(struct data_request, types, read_types)},
	{"like", "PIN", OPTION_LAST, OPTION_TEXT_AT(struct data_request, like), .unless = "--back"},
	{"sum", NULL, OPTION_LAST, OPTION_FLAG_AT(struct data_request, sum)},
	{NULL, NULL, OPTION_LAST, OPTION_CHOICE_AT(struct data_request, flags, presences)},
	{"--back", NULL, 0, OPTION_FLAG_AT(struct data_request, back)},
	{},
};

/* Parses LINE, cut at spaces, into REQUEST; its words are valid until the next call. */
static char line_words[512], *argv[32];
static struct options_common common;
static struct elfmap_msg msg;

static int parse(const struct option_row *rows, const char *line, void *request, size_t size)
{
	static char verb[] = "verb";
	char *at = line_words, *word;
	int argc = 1;

	memset(request, 0, size);
	common = (struct options_common){};
	msg.text[0] = '\0';
	argv[0] = verb;
	snprintf(line_words, sizeof(line_words), "%s", line);
	while ((word = strsep(&at, " ")))
		if (*word)
			argv[argc++] = word;
	return options__parse(rows, argc, argv, request, &common, &msg);
}

#define PARSE(rows, line, request) parse(rows, line, request, sizeof(*(request)))

static void takes(const struct option_row *rows, const char *line, void *request, size_t size)
{
	if (parse(rows, line, request, size))
		fail_msg("'%s': %s", line, msg.text);
}

static void refuses(const struct option_row *rows, const char *line, const char *why)
{
	char request[256];

	if (!parse(rows, line, request, sizeof(request)))
		fail_msg("'%s' is taken", line);
	assert_string_equal(msg.text, why);
}

/* ---- accepted words ---------------------------------------------------------------------------------- */

static void test_any_order(void **state)
{
	static const char *const lines[] = {
		"x.o sec a dev v0 ingress prio 1 handle 0x10",
		"handle 0x10 prio 1 ingress dev v0 section a x.o",
		"dev v0 x.o -j pref 1 handle 16 sec a ingress",
		"dev v0 ingress priority 1 -- x.o handle",
	};
	struct hook_request request;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		takes(hook_rows, lines[i], &request, sizeof(request));
		assert_string_equal(request.what, "x.o");
		assert_string_equal(request.section, "a");
		assert_string_equal(request.dev, "v0");
		assert_int_equal(request.direction, 1);
		assert_int_equal(request.prio, 1);
		assert_int_equal(request.handle, 16);
		assert_false(request.tcx);
		assert_int_equal(common.json, i == 2);
		assert_true(options__has(hook_rows, &common, "prio") && options__has(hook_rows, &common, "FILE"));
		assert_false(options__has(hook_rows, &common, "--tcx"));
	}
	takes(hook_rows, "x dev v0 xdp", &request, sizeof(request));
	assert_int_equal(request.direction, 3);
	refuses(hook_rows, lines[3], "unexpected argument 'handle'");
}

static void test_common_options(void **state)
{
	struct data_request request;

	(void)state;
	takes(data_rows, "-n blue pin key -p file", &request, sizeof(request));
	assert_string_equal(common.netns, "blue");
	assert_true(common.json && common.pretty);
	takes(data_rows, "pin --json key file -- ", &request, sizeof(request));
	assert_true(common.json && !common.pretty && !common.netns);
	takes(data_rows, "pin -- -j file", &request, sizeof(request));
	assert_false(common.json);
	assert_string_equal(request.key.words[0], "-j");
	refuses(data_rows, "pin key file -n", "-n: requires a value");
}

static void test_words_that_are_data(void **state)
{
	struct data_request request;

	(void)state;
	takes(data_rows, "types a b c -5 -", &request, sizeof(request)); /* a pin named types */
	assert_string_equal(request.pin, "types");
	assert_int_equal(request.key.nr, 4);
	assert_string_equal(request.key.words[0], "a");
	assert_string_equal(request.key.words[3], "-5");
	assert_string_equal(request.file, "-");
	takes(data_rows, "pin sum a types u32:u32 sum like x", &request, sizeof(request));
	assert_int_equal(request.key.nr, 1);
	assert_string_equal(request.key.words[0], "sum");
	assert_string_equal(request.file, "a");
	assert_string_equal(request.types, "u32:u32");
	assert_string_equal(request.like, "x");
	assert_true(request.sum);
	takes(data_rows, "pin a exist file exist", &request, sizeof(request));
	assert_int_equal(request.flags, 2);
	assert_int_equal(request.key.nr, 2);
	takes(data_rows, "pin a b c --back", &request, sizeof(request));
	assert_int_equal(request.key.nr, 3);
	assert_null(request.file);
}

static void test_words_of_bpftool(void **state)
{
	struct data_request request;

	(void)state;
	takes(data_rows, "pinned /sys/fs/bpf/x a b", &request, sizeof(request));
	assert_string_equal(request.pin, "/sys/fs/bpf/x");
	assert_string_equal(request.key.words[0], "a");
	takes(data_rows, "pinned a b", &request, sizeof(request));
	assert_string_equal(request.pin, "pinned");
}

/* ---- refused words -------------------------------------------------------------------------------- */

static void test_one_message_for_each_mistake(void **state)
{
	(void)state;
	refuses(hook_rows, "x dev a dev b ingress", "dev: given twice");
	refuses(hook_rows, "x dev a ingress prio 1 pref 2", "pref: given twice");
	refuses(hook_rows, "x dev a ingress --tcx --tcx", "--tcx: given twice");
	refuses(hook_rows, "x dev a ingress egress", "egress: given twice");
	refuses(hook_rows, "x ingress dev", "dev: requires a value");
	refuses(hook_rows, "x ingress dev --tcx", "dev: requires a value");
	refuses(hook_rows, "x ingress dev -j", "dev: requires a value");
	refuses(hook_rows, "x dev a ingress --tcx=1", "--tcx=1: takes no value");
	refuses(hook_rows, "x dev a ingress prio 0", "prio: '0' is not a number from 1 to 65535");
	refuses(hook_rows, "x dev a ingress pref 65536", "pref: '65536' is not a number from 1 to 65535");
	refuses(hook_rows, "x dev a ingress prio one", "prio: 'one' is not a number from 1 to 65535");
	refuses(hook_rows, "x dev a ingress prio 1 handle 4294967296",
		"handle: '4294967296' is not a number from 1 to 4294967295");
	refuses(hook_rows, "x y dev a ingress", "unexpected argument 'y'");
	refuses(hook_rows, "x dev a ingress --xyz", "unknown option '--xyz'");
	refuses(hook_rows, "dev a ingress", "requires FILE|PIN");
	refuses(hook_rows, "x ingress", "requires 'dev DEV'");
	refuses(hook_rows, "x dev a", "requires one of ingress, egress");
	refuses(hook_rows, "x dev a ingress handle 1", "handle: requires 'prio'");
	refuses(hook_rows, "x dev a ingress prio 1 --tcx", "prio: cannot be given with '--tcx'");
	refuses(hook_rows, "x dev a ingress --none", "unexpected argument 'x'");
	refuses(data_rows, "pin a types b", "types: 'b' is not KEY:VALUE");
	refuses(data_rows, "pin a", "requires FILE");
	refuses(data_rows, "", "requires PIN");
	refuses(data_rows, "pin a b like x --back", "like: cannot be given with '--back'");
}

static void test_near_misses(void **state)
{
	(void)state;
	refuses(hook_rows, "x dev a ingress --tcz", "unknown option '--tcz'; did you mean '--tcx'?");
	refuses(hook_rows, "x dev a ingress sction b", "unexpected argument 'sction'; did you mean 'section'?");
	refuses(hook_rows, "x dev a ingerss", "unexpected argument 'ingerss'; did you mean 'ingress'?");
	refuses(hook_rows, "x dev a ingress --odl", "unknown option '--odl'");
	refuses(hook_rows, "x dev a ingress q", "unexpected argument 'q'");
}

static void test_numbers(void **state)
{
	__u64 number = 7;

	(void)state;
	assert_int_equal(elfmap_number__read("18446744073709551615", 0, 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(elfmap_number__read("0x1f", 0, 0, 31, &number), 0);
	assert_int_equal(number, 31);
	assert_int_equal(elfmap_number__read("017", 10, 0, 17, &number), 0);
	assert_int_equal(number, 17);
	assert_int_equal(elfmap_number__read("017", 0, 0, 17, &number), 0);
	assert_int_equal(number, 15);
	number = 31;
	assert_int_equal(elfmap_number__read("18446744073709551616", 0, 0, UINT64_MAX, &number), -ERANGE);
	assert_int_equal(elfmap_number__read("32", 0, 0, 31, &number), -ERANGE);
	for (const char *const *word = (const char *const[]){"", " 1", "-1", "+1", "1x", "0x", "x", NULL}; *word;
	     word++)
		assert_int_equal(elfmap_number__read(*word, 0, 0, 31, &number), -EINVAL);
	assert_int_equal(number, 31); /* written only on success */
}

/* ---- usage and help --------------------------------------------------------------------------------- */

static char *print(void (*printer)(FILE *to, const struct option_row *rows), const struct option_row *rows)
{
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	printer(to, rows);
	fclose(to);
	return text;
}

static void test_usage(void **state)
{
	char *usage = print(options__print_usage, hook_rows), *help = print(options__print_help, hook_rows);

	(void)state;
	assert_string_equal(usage, " FILE|PIN|--none [sec NAME] dev DEV ingress|egress [prio P] [handle H] [--tcx]");
	assert_string_equal(help, "\n  sec NAME                 the program\n  --tcx                    a link\n");
	free(usage);
	free(help);
	usage = print(options__print_usage, data_rows);
	assert_string_equal(usage, " PIN KEY ... FILE|--back [types KEY:VALUE] [like PIN] [sum] [any|noexist|exist]");
	free(usage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_common_options),
		cmocka_unit_test(test_words_that_are_data),
		cmocka_unit_test(test_words_of_bpftool),
		cmocka_unit_test(test_one_message_for_each_mistake),
		cmocka_unit_test(test_near_misses),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
