// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the nearest word. */
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

/* The number of letters to change, add, remove or swap with the next one to turn A into B. */
static size_t count_edits(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][40] = {};

	if (b_length >= 40)
		return ELFMAP_FAR;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);

			best = before[j] + 1 < best ? before[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_before[j - 2] < best)
				best = two_before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_length % 3][b_length];
}

void elfmap_nearest__try(struct elfmap_nearest *nearest, const char *word, const char *candidate, size_t length)
{
	size_t word_length = strlen(word);
	size_t edits = word_length < 40 ? count_edits(word, word_length, candidate, length) : ELFMAP_FAR;

	/* One letter of a short word, two of a long one. */
	if (!edits || edits >= nearest->distance || edits > 1 + (word_length > 4) || edits >= word_length)
		return;
	nearest->distance = edits;
	snprintf(nearest->word, sizeof(nearest->word), "%.*s", (int)length, candidate);
}
