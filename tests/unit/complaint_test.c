// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An error message is split into the parts that -j prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "helpers/complain.h"

static void check_part(const struct complaint_part *part, const char *wanted)
{
	assert_int_equal(part->length, strlen(wanted));
	assert_memory_equal(part->text, wanted, part->length);
}

static void splits(const char *text, const char *what, const char *why, const char *command)
{
	struct complaint parts;

	complaint__split(text, &parts);
	check_part(&parts.what, what);
	check_part(&parts.why, why);
	check_part(&parts.command, command);
	assert_int_equal(parts.object.length, 0);
}

static void test_parts(void **state)
{
	(void)state;
	splits("No such file or directory", "", "No such file or directory", "");
	splits("prio: given twice", "prio", "given twice", "");
	splits("there is no such device; 'ip link' lists them", "", "there is no such device", "ip link");
	splits("map 'a: b; c': cannot be made; run it as root, with 'sudo elfmap load x.o'", "map 'a: b; c'",
	       "cannot be made", "sudo elfmap load x.o");
	splits("", "", "", "");
}

static void test_texts_without_parts(void **state)
{
	(void)state;
	splits("key: no such key; nothing was changed", "key", "no such key; nothing was changed", "");
	splits("is neither; 'get', 'set' and 'del' are for its entries", "",
	       "is neither; 'get', 'set' and 'del' are for its entries", "");
	splits("the object's map: isn't there; 'elfmap map list' shows all", "the object's map", "isn't there",
	       "elfmap map list");
	splits("no such verb; 'elfmap help' lists the verbs: all", "", "no such verb", "elfmap help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_texts_without_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
