// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a word means as a slot of a jump table. No kernel, no globals. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/msg.h"
#include "map/slots.h"

static bool has_names(const struct elfmap_type *key)
{
	return key && key->notation == ELFMAP_ENUM && key->nr_enumerators;
}

/* How many bytes all names have in common, up to and with the last underscore among them. */
static size_t common_prefix(const struct elfmap_type *key)
{
	const char *first = key->enumerators[0].name;
	size_t length = strlen(first);

	for (size_t i = 1; i < key->nr_enumerators; i++)
		while (strncmp(first, key->enumerators[i].name, length) != 0)
			length--;
	while (length && first[length - 1] != '_')
		length--;
	return key->nr_enumerators > 1 ? length : 0;
}

/* Numbers beyond the table are no slots, whatever they are called: one that counts the others, mostly. */
static bool is_slot(const struct elfmap_type *key, size_t nth, __u32 slots)
{
	return key->enumerators[nth].number < slots;
}

static int list_names(const struct elfmap_type *key, const char *word, __u32 slots, struct elfmap_msg *msg)
{
	size_t prefix = common_prefix(key), used = 0;
	char names[300] = "";

	for (size_t i = 0; i < key->nr_enumerators && used < sizeof(names) - 64; i++) {
		if (!is_slot(key, i, slots))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.48s", used ? ", " : "",
					 key->enumerators[i].name + prefix);
	}
	for (char *at = names; *at; at++)
		*at = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
	return elfmap_msg__set(msg, -ENOENT, "no slot '%s'; there are: %s", word, names);
}

static int find_name(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		     struct elfmap_msg *msg)
{
	size_t prefix, found = SIZE_MAX;

	if (!has_names(key))
		return elfmap_msg__set(msg, -ENOENT,
				       "'%s' is no number, and the table's slots have no names; "
				       "BPF_ANNOTATE_KV_PAIR with an enum for the key gives them names",
				       word);
	prefix = common_prefix(key);
	for (size_t i = 0; i < key->nr_enumerators; i++) {
		const char *name = key->enumerators[i].name;

		if (!is_slot(key, i, slots))
			continue;
		if (!strcmp(name, word)) {
			found = i;
			break;
		}
		if (found == SIZE_MAX && (!strcasecmp(name, word) || !strcasecmp(name + prefix, word)))
			found = i;
	}
	if (found == SIZE_MAX)
		return list_names(key, word, slots, msg);
	*ret_slot = (__u32)key->enumerators[found].number;
	return 0;
}

int elfmap_slots__find(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		       struct elfmap_msg *msg)
{
	__u64 number = 0;
	int err;

	if (*word < '0' || *word > '9')
		return find_name(key, word, slots, ret_slot, msg);
	err = elfmap_number__read(word, 0, 0, (__u64)slots - 1, &number);
	if (err == -EINVAL)
		return elfmap_msg__set(msg, -ENOENT, "slot '%s' is neither a number nor a name", word);
	if (err)
		return elfmap_msg__set(msg, -ERANGE, "slot %s: the table has slots 0 to %u", word, slots - 1);
	*ret_slot = (__u32)number;
	return 0;
}
