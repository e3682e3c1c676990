// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs in the slots of unpinned PROG_ARRAYs, which the kernel empties when this process ends, also by a kill. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "load/holder.h"

#define FIRST_SLOTS 64 /* of the first table; each further one has twice as many */
#define MOST_SLOTS 16384

/* Where ID is or belongs in the sorted ids. */
static size_t find(const struct elfmap_holder *holder, __u32 id)
{
	size_t from = 0, to = holder->nr_ids;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (holder->ids[middle] < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static int add_id(struct elfmap_holder *holder, size_t at, __u32 id)
{
	__u32 *grown = elfmap_array__grow(holder->ids, holder->nr_ids, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	holder->ids = grown;
	memmove(grown + at + 1, grown + at, (holder->nr_ids - at) * sizeof(*grown));
	grown[at] = id;
	holder->nr_ids++;
	return 0;
}

/* Takes ownership of FD, also on failure. */
static int add(struct elfmap_holder *holder, struct elfmap_held held)
{
	struct elfmap_held *grown = elfmap_array__grow(holder->at, holder->nr, sizeof(*grown));

	if (!grown) {
		close(held.fd);
		return -ENOMEM;
	}
	holder->at = grown;
	grown[holder->nr++] = held;
	return 0;
}

static bool put(struct elfmap_held *table, int prog)
{
	if (table->single || table->nr == table->slots || bpf_map_update_elem(table->fd, &table->nr, &prog, BPF_ANY))
		return false;
	table->nr++;
	return true;
}

static int put_anywhere(struct elfmap_holder *holder, int prog, __u32 id)
{
	struct elfmap_held table = {.slots = FIRST_SLOTS};

	for (size_t i = holder->nr; i--;) /* the latest table has free slots */
		if (put(&holder->at[i], prog))
			return 0;
	for (size_t i = 0; i < holder->nr && table.slots < MOST_SLOTS; i++)
		table.slots *= 2;
	table.fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "elfmap_holder", sizeof(__u32), sizeof(__u32), table.slots,
				  NULL);
	if (table.fd >= 0 && put(&table, prog))
		return add(holder, table);
	if (table.fd >= 0)
		close(table.fd);
	prog = dup(prog);
	return prog < 0 ? -errno : add(holder, (struct elfmap_held){.fd = prog, .single = id});
}

int elfmap_holder__hold(struct elfmap_holder *holder, __u32 id)
{
	size_t at = find(holder, id);
	int err, prog;

	if (!id || (at < holder->nr_ids && holder->ids[at] == id))
		return 0;
	prog = bpf_prog_get_fd_by_id(id);
	if (prog < 0)
		return prog;
	err = put_anywhere(holder, prog, id);
	close(prog);
	return err ?: add_id(holder, at, id);
}

/* Empties a table here, since the kernel does it some time after the last descriptor is closed. */
static void drop(const struct elfmap_held *table)
{
	for (__u32 slot = 0; slot < table->nr; slot++)
		bpf_map_delete_elem(table->fd, &slot);
	close(table->fd);
}

void elfmap_holder__free(struct elfmap_holder *holder)
{
	for (size_t i = 0; i < holder->nr; i++)
		drop(&holder->at[i]);
	free(holder->at);
	free(holder->ids);
	*holder = (struct elfmap_holder){};
}
