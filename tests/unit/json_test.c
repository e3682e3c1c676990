// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The JSON writer: commas, lines and blanks as in json-c, and escapes in strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/buffer.h"

static void write_all(struct elfmap_json *json)
{
	elfmap_json__open(json, '[');
	elfmap_json__open(json, '{');
	elfmap_json__name(json, "id");
	elfmap_json__number(json, -7);
	elfmap_json__name(json, "none");
	elfmap_json__open(json, '[');
	elfmap_json__close(json, ']');
	elfmap_json__name(json, "list");
	elfmap_json__open(json, '[');
	elfmap_json__word(json, "true");
	elfmap_json__string(json, "x");
	elfmap_json__close(json, ']');
	elfmap_json__close(json, '}');
	elfmap_json__open(json, '{');
	elfmap_json__close(json, '}');
	elfmap_json__close(json, ']');
}

static void assert_writes(bool pretty, const char *expected)
{
	struct elfmap_buffer text = {};
	struct elfmap_json json = {.to = &text, .pretty = pretty};

	write_all(&json);
	elfmap_buffer__add(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_string_equal(text.bytes, expected);
	assert_int_equal(json.depth, 0);
	elfmap_buffer__free(&text);
}

static void test_one_line(void **state)
{
	(void)state;
	assert_writes(false, "[{\"id\":-7,\"none\":[],\"list\":[true,\"x\"]},{}]");
}

static void test_pretty(void **state)
{
	(void)state;
	assert_writes(true,
		      "[\n  {\n    \"id\": -7,\n    \"none\": [],\n    \"list\": [\n      true,\n      \"x\"\n    ]\n"
		      "  },\n  {}\n]");
}

static void test_strings(void **state)
{
	struct elfmap_buffer text = {};
	struct elfmap_json json = {.to = &text};

	(void)state;
	elfmap_json__string(&json, "a\"b\\c/\b\t\n\f\r\v\x1f\x7f\xc3\xa9");
	elfmap_buffer__add(&text, "", 1);
	assert_string_equal(text.bytes, "\"a\\\"b\\\\c/\\b\\t\\n\\f\\r\\u000b\\u001f\x7f\xc3\xa9\"");
	elfmap_buffer__free(&text);
}

/* The buffer may be emptied before the text is complete. */
static void test_buffer_is_emptied(void **state)
{
	struct elfmap_buffer text = {};
	struct elfmap_json json = {.to = &text};

	(void)state;
	elfmap_json__open(&json, '[');
	elfmap_json__number(&json, 1);
	text.length = 0;
	elfmap_json__number(&json, INT64_MIN);
	elfmap_json__close(&json, ']');
	elfmap_buffer__add(&text, "", 1);
	assert_string_equal(text.bytes, ",-9223372036854775808]");
	elfmap_buffer__free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_buffer_is_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
