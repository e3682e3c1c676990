// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One listing of a namespace's filters, sorted by place and by name: a look-up of each one would read all of its device
 * again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "hook/hook_index.h"

#define MAX_TRIES 8 /* a listing that changed while it was read is read again */

static int compare_numbers(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

/* Device, direction and chain. */
static int compare_lists(const struct elfmap_hook *a, const struct elfmap_hook *b)
{
	return compare_numbers((__u32)a->ifindex, (__u32)b->ifindex) ?: compare_numbers(a->direction, b->direction)
		?: compare_numbers(a->chain, b->chain);
}

static int compare_places(const void *left, const void *right)
{
	const struct elfmap_hook *a = left, *b = right;

	return compare_lists(a, b) ?: compare_numbers(a->prio, b->prio) ?: compare_numbers(a->handle, b->handle);
}

static int compare_names(const void *left, const void *right)
{
	const struct elfmap_hook *a = *(struct elfmap_hook *const *)left, *b = *(struct elfmap_hook *const *)right;

	return compare_lists(a, b) ?: strcmp(a->name, b->name);
}

static int read_hooks(struct elfmap_hook_index *index, const struct elfmap_hook *like, struct elfmap_msg *msg)
{
	struct elfmap_hooks hooks = {};
	int err = -EINTR;

	elfmap_hook_index__free(index);
	for (int i = 0; err == -EINTR && i < MAX_TRIES; i++) {
		free(hooks.at);
		err = elfmap_hooks__list(like->netns, like->kind, like->tc_dir, &hooks, msg);
	}
	if (err) {
		free(hooks.at);
		return err;
	}
	index->hooks = hooks;
	index->by_name = calloc(index->hooks.nr + 1, sizeof(*index->by_name));
	if (!index->by_name) {
		elfmap_hook_index__free(index);
		elfmap_msg__set(msg, -ENOMEM, "no memory");
		return -ENOMEM;
	}
	index->kind = like->kind;
	if (index->hooks.nr)
		qsort(index->hooks.at, index->hooks.nr, sizeof(*index->hooks.at), compare_places);
	for (size_t i = 0; i < index->hooks.nr; i++)
		index->by_name[i] = &index->hooks.at[i];
	qsort(index->by_name, index->hooks.nr, sizeof(struct elfmap_hook *), compare_names);
	return 0;
}

/* The first of those that are called like WANTED. */
static size_t find_name(const struct elfmap_hook_index *index, const struct elfmap_hook *wanted)
{
	size_t from = 0, to = index->hooks.nr;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare_names(&index->by_name[middle], &wanted) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* How many hooks WANTED means. The last is *RET_HOOK. */
static size_t count_named(const struct elfmap_hook_index *index, const struct elfmap_hook *wanted,
			  const struct elfmap_hook **ret_hook)
{
	size_t nr = 0;

	for (size_t i = find_name(index, wanted); i < index->hooks.nr; i++) {
		const struct elfmap_hook *hook = index->by_name[i];

		if (compare_names(&hook, &wanted))
			break;
		if ((wanted->prio && hook->prio != wanted->prio) || (wanted->handle && hook->handle != wanted->handle))
			continue;
		*ret_hook = hook;
		nr++;
	}
	return nr;
}

int elfmap_hook_index__find(struct elfmap_hook_index *index, const struct elfmap_hook *wanted,
			    struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	bool is_whole = wanted->prio && wanted->handle;
	const struct elfmap_hook *found = NULL;
	size_t nr;
	int err;

	if (!(wanted->kind->has & ELFMAP_HOOK_PLACE) || !wanted->kind->list)
		return elfmap_hook__find(wanted, ret_hook, msg);
	err = index->kind == wanted->kind ? 0 : read_hooks(index, wanted, msg);
	if (err)
		return err;
	if (is_whole && index->hooks.nr)
		found = bsearch(wanted, index->hooks.at, index->hooks.nr, sizeof(*found), compare_places);
	nr = is_whole ? found != NULL : count_named(index, wanted, &found);
	/* Several are listed in its message; another classifier may have the exact place. */
	if (nr > 1 || (is_whole && !nr))
		return elfmap_hook__find(wanted, ret_hook, msg);
	if (!nr)
		return elfmap_msg__set(msg, -ENOENT, "there is no such filter; 'tc filter show' lists them");
	*ret_hook = *found;
	return 0;
}

void elfmap_hook_index__free(struct elfmap_hook_index *index)
{
	free(index->hooks.at);
	free(index->by_name);
	*index = (struct elfmap_hook_index){};
}
