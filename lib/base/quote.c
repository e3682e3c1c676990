// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Quotes the words of commands in messages. */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/quote.h"

static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,:=@%";
static const char escaped_quote[] = "'\\''";

static bool add_char(char *to, size_t size, size_t *used, char c)
{
	if (*used + 1 >= size)
		return false;
	to[(*used)++] = c;
	to[*used] = '\0';
	return true;
}

static bool add_text(char *to, size_t size, size_t *used, const char *text)
{
	bool fits = true;

	for (; fits && *text; text++)
		fits = add_char(to, size, used, *text);
	return fits;
}

static bool add_quoted(char *to, size_t size, size_t *used, const char *word)
{
	bool fits;

	if (*word && strspn(word, harmless) == strlen(word))
		return add_text(to, size, used, word);
	fits = add_char(to, size, used, '\'');
	for (; fits && *word; word++)
		fits = *word == '\'' ? add_text(to, size, used, escaped_quote) : add_char(to, size, used, *word);
	return fits && add_char(to, size, used, '\'');
}

const char *elfmap_word__quote(const char *word, char *ret_word, size_t size)
{
	size_t used = 0;

	if (!add_quoted(ret_word, size, &used, word) && size)
		*ret_word = '\0';
	return ret_word;
}

static void add_words(char *command, size_t size, va_list words)
{
	size_t used = strlen(command);
	const char *word;
	bool fits = true;

	while (fits && (word = va_arg(words, const char *)))
		fits = (!used || add_char(command, size, &used, ' ')) && add_quoted(command, size, &used, word);
	if (!fits)
		*command = '\0'; /* half a command does something else */
}

void elfmap_command__write(char *ret_command, size_t size, ...)
{
	va_list words;

	*ret_command = '\0';
	va_start(words, size);
	add_words(ret_command, size, words);
	va_end(words);
}

void elfmap_command__add(char *command, size_t size, ...)
{
	va_list words;

	va_start(words, size);
	if (*command)
		add_words(command, size, words);
	va_end(words);
}
