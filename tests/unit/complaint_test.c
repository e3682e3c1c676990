// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* An error message is split into the parts that -j prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/msg.h"
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

static void cleans(const char *text, const char *wanted)
{
	char copy[64];

	strcpy(copy, text);
	elfmap_text__clean(copy);
	assert_string_equal(copy, wanted);
}

static void test_what_reaches_a_terminal(void **state)
{
	struct elfmap_msg msg;
	char line[ELFMAP_LINE_MAX];

	(void)state;
	cleans("a b~", "a b~");
	cleans("\303\244 \342\202\254 \360\237\220\235", "\303\244 \342\202\254 \360\237\220\235");
	cleans("\033[31m\n\177", "?[31m??");
	cleans("\302\233\302\237\302\240", "????\302\240");		      /* C1, and the character after */
	cleans("\342\200\216\342\200\217\342\200\220", "??????\342\200\220"); /* directions, and a hyphen */
	cleans("\342\200\252x\342\200\256\342\200\254\342\200\254", "???x?????????");
	cleans("\342\201\246\342\201\251\342\201\252", "??????\342\201\252");
	cleans("\330\234\330\235", "??\330\235");
	cleans("\233x\302", "?x?"); /* no UTF-8 */
	cleans("\342\200", "??");
	elfmap_msg__set(&msg, 0, "%s", "\302\2331m");
	assert_string_equal(msg.text, "??1m");
	line[elfmap_msg__line(line, sizeof(line), "\342\200\256o\342\200\254", &msg)] = '\0';
	assert_string_equal(line, "elfmap: ???o???: ??1m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_reaches_a_terminal),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_texts_without_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
