// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Copies the entries of a map to its successor, before and after the exchange of programs. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/path.h"
#include "kinds/maps.h"
#include "map/entries.h"
#include "map/map_write.h"
#include "upgrade/carry.h"

struct elfmap_carry {
	struct elfmap_reader from;
	struct elfmap_reader to;
	struct elfmap_migration migration;
	struct elfmap_entries copied; /* as read from FROM */
	unsigned char *theirs;	      /* room for a value of TO */
	unsigned char *key, *value;   /* an entry of FROM, converted */
	unsigned char *before;	      /* the copied value, converted */
	size_t late;
	size_t lost;
	unsigned char *found; /* by index in COPIED: FROM still has it */
	size_t removed;
	bool drains; /* values are taken out of FROM, after the exchange of programs */
	size_t drained;
	struct elfmap_msg *msg;
};

/* An entry beyond the end of a shorter array that is zero, so that nothing is lost without it. */
static bool is_dispensable(const struct elfmap_carry *carry, const void *key, const unsigned char *value)
{
	size_t size = elfmap_map__value_size(&carry->from);
	__u32 index;

	if (!elfmap_map__check_deletable(&carry->to, NULL) || carry->from.info.key_size != sizeof(index))
		return false;
	memcpy(&index, key, sizeof(index));
	while (size && !value[size - 1])
		size--;
	return index >= carry->to.info.max_entries && !size;
}

static int remember(void *context, const void *key, const void *value)
{
	struct elfmap_carry *carry = context;
	void *to_key, *to_value;
	int err;

	if (is_dispensable(carry, key, value))
		return 0;
	err = elfmap_entries__reserve(&carry->copied, &to_key, &to_value);
	if (err)
		return elfmap_msg__set(carry->msg, err, "no memory");
	memcpy(to_key, key, carry->copied.key_size);
	memcpy(to_value, value, carry->copied.value_size);
	return elfmap_entries__add(&carry->copied, 0);
}

/* Replaces the entries of TO by ENTRIES: a map of a rollback still has its old ones. */
static int replace_all(struct elfmap_carry *carry, const struct elfmap_entries *entries, struct elfmap_msg *msg)
{
	struct elfmap_job job = {.map = &carry->to}, clearing = {.map = &carry->to};

	return elfmap_job__clear(&clearing, msg)
		       ?: elfmap_job__update(&job, entries->keys, entries->values, entries->count, msg);
}

/* Nothing is written unless all entries can be converted. */
static int write_all(struct elfmap_carry *carry, struct elfmap_msg *msg)
{
	struct elfmap_entries converted;
	int err;

	if (elfmap_migration__is_copy(&carry->migration))
		return replace_all(carry, &carry->copied, msg);
	elfmap_entries__init(&converted, carry->to.info.key_size, elfmap_map__value_size(&carry->to));
	err = elfmap_migration__convert_all(&carry->migration, &carry->copied, &converted, msg);
	err = err ?: replace_all(carry, &converted, msg);
	elfmap_entries__free(&converted);
	return err;
}

/* An LRU map would drop older entries rather than refuse new ones. */
static int check_room(const struct elfmap_carry *carry, struct elfmap_msg *msg)
{
	if (carry->copied.count <= carry->to.info.max_entries)
		return 0;
	return elfmap_msg__set(msg, -E2BIG, "its %zu entries do not fit into a map of %u entries", carry->copied.count,
			       carry->to.info.max_entries);
}

static int copy_all(struct elfmap_carry *carry, struct elfmap_msg *msg)
{
	int err;

	carry->msg = msg;
	err = elfmap_reader__each(&carry->from, remember, carry, msg);
	if (!err && elfmap_entries__finish(&carry->copied, NULL, NULL) == -ENOMEM)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = err ?: check_room(carry, msg);
	return err ?: write_all(carry, msg);
}

/* ---- queues and stacks ------------------------------------------------------------------------------------------- */

/* Values of a QUEUE or STACK have no keys: they can only be taken out. */
static int begin_drain(struct elfmap_carry *carry, const char *from, struct elfmap_msg *msg)
{
	int err = elfmap_reader__open_for(from, ELFMAP_READ_WRITE, NULL, &carry->from, msg);

	if (err)
		return err;
	carry->drains = elfmap_map_kind__of(carry->from.info.type)->is_queue;
	if (!carry->drains) {
		elfmap_reader__close(&carry->from);
		carry->from = (struct elfmap_reader){.fd = -1};
	}
	return 0;
}

/* The order stays: a STACK is turned over in memory. */
static int turn_over(struct elfmap_carry *carry)
{
	size_t size = carry->from.info.value_size;
	void *key, *value;
	int err = 0;

	elfmap_entries__init(&carry->copied, 0, size);
	while (!err) {
		err = elfmap_entries__reserve(&carry->copied, &key, &value);
		err = err ?: elfmap_map__pop(&carry->from, value, NULL);
		err = err ?: elfmap_entries__add(&carry->copied, 0);
	}
	for (size_t i = carry->copied.count; i-- > 0 && (err == -ENOENT || !err);) {
		if (bpf_map_update_elem(carry->to.fd, NULL, carry->copied.values + i * size, BPF_ANY))
			carry->lost++;
		else
			carry->drained++;
	}
	return err == -ENOENT ? 0 : err;
}

/* A value is taken out when it is in the new map: if the command is killed, it is in one of them. */
static int drain_queue(struct elfmap_carry *carry)
{
	unsigned char *value = malloc(carry->from.info.value_size);
	int err = value ? 0 : -ENOMEM;

	while (!err && !bpf_map_lookup_elem(carry->from.fd, NULL, value)) {
		err = bpf_map_update_elem(carry->to.fd, NULL, value, BPF_ANY);
		err = err ?: elfmap_map__pop(&carry->from, value, NULL);
		carry->drained += !err;
	}
	free(value);
	return err;
}

static int reserve(struct elfmap_carry *carry, struct elfmap_msg *msg)
{
	size_t old_size = elfmap_map__value_size(&carry->from), size = elfmap_map__value_size(&carry->to);

	elfmap_entries__init(&carry->copied, carry->from.info.key_size, old_size);
	size = size > old_size ? size : old_size;
	carry->theirs = calloc(1, size + 1);
	carry->before = calloc(1, size + 1);
	carry->value = calloc(1, size + 1);
	carry->key = calloc(1, carry->to.info.key_size + 1);
	if (!carry->theirs || !carry->before || !carry->value || !carry->key)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	return 0;
}

int elfmap_carry__begin(const char *from, const char *to, enum elfmap_merge merge, struct elfmap_carry **ret_carry,
			struct elfmap_msg *msg)
{
	struct elfmap_carry *carry = calloc(1, sizeof(*carry));
	int err;

	if (!carry)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	carry->from.fd = carry->to.fd = -1;
	err = begin_drain(carry, from, msg);
	if (!err && !carry->drains)
		err = elfmap_reader__open(from, &carry->from, msg);
	err = err ?: elfmap_reader__open_for(to, ELFMAP_READ_WRITE, NULL, &carry->to, msg);
	if (!err && !carry->drains) {
		err = elfmap_migration__plan(&carry->from, &carry->to, &carry->migration, msg);
		carry->migration.merge = merge;
		err = err ?: reserve(carry, msg);
		err = err ?: copy_all(carry, msg);
	}
	if (err)
		elfmap_carry__free(carry);
	else
		*ret_carry = carry;
	return err;
}

/* ---- after the exchange ------------------------------------------------------------------------------------------ */

static const unsigned char *find_copied(const struct elfmap_carry *carry, const void *key)
{
	size_t index;

	elfmap_entries__find(&carry->copied, key, 1, &index);
	if (index == ELFMAP_NO_ENTRY)
		return NULL;
	carry->found[index] = 1;
	return carry->copied.values + index * carry->copied.value_size;
}

/* The programs of TO have not written the entry: it has the copied value, or is still absent. */
static bool is_untouched(struct elfmap_carry *carry, bool was_copied)
{
	if (!was_copied) /* a wider prefix of an LPM_TRIE does not match */
		return elfmap_map__lookup_exact(&carry->to, carry->key, carry->theirs, NULL) != 0;
	return !elfmap_map__lookup(&carry->to, carry->key, carry->theirs, NULL) &&
	       !memcmp(carry->theirs, carry->before, elfmap_map__value_size(&carry->to));
}

static int carry_late(void *context, const void *key, const void *value)
{
	struct elfmap_carry *carry = context;
	const unsigned char *copied = find_copied(carry, key);
	struct elfmap_job job = {.map = &carry->to};
	int err = 0;

	if (copied ? !memcmp(copied, value, carry->copied.value_size) : is_dispensable(carry, key, value))
		return 0;
	if (copied)
		err = elfmap_migration__convert(&carry->migration, key, copied, carry->key, carry->before, NULL);
	err = err ?: elfmap_migration__convert(&carry->migration, key, value, carry->key, carry->value, NULL);
	if (err || !is_untouched(carry, copied)) { /* it does not fit, or the new programs have written it */
		carry->lost++;
		return 0;
	}
	err = elfmap_job__update(&job, carry->key, carry->value, 1, carry->msg);
	carry->late += !err;
	return err;
}

/* Copied entry INDEX was not found in FROM: it is deleted in TO, unless the new programs have written it. */
static int carry_deletion(struct elfmap_carry *carry, size_t index)
{
	const unsigned char *key = carry->copied.keys + index * carry->copied.key_size;
	const unsigned char *value = carry->copied.values + index * carry->copied.value_size;
	struct elfmap_job job = {.map = &carry->to, .skip_absent = true};
	int err;

	err = elfmap_map__lookup_exact(&carry->from, key, carry->value, NULL);
	if (err != -ENOENT)
		return err;
	err = elfmap_migration__convert(&carry->migration, key, value, carry->key, carry->before, NULL);
	if (err || !is_untouched(carry, true))
		return 0;
	err = elfmap_job__delete(&job, carry->key, 1, carry->msg);
	carry->removed += !err;
	return err;
}

/* Of keys that became one, the others may still be there: such a map keeps its entries. */
static int carry_deletions(struct elfmap_carry *carry)
{
	int err = 0;

	if (carry->migration.merged || elfmap_map__check_deletable(&carry->to, NULL))
		return 0;
	for (size_t i = 0; !err && i < carry->copied.count; i++)
		if (!carry->found[i])
			err = carry_deletion(carry, i);
	return err;
}

static int carry_changes(struct elfmap_carry *carry)
{
	int err;

	carry->found = calloc(1, carry->copied.count + 1);
	if (!carry->found)
		return elfmap_msg__set(carry->msg, -ENOMEM, "no memory");
	err = elfmap_reader__each(&carry->from, carry_late, carry, carry->msg);
	return err ?: carry_deletions(carry);
}

int elfmap_carry__finish(struct elfmap_carry *carry, size_t *ret_late, size_t *ret_lost, struct elfmap_msg *msg)
{
	int err;

	carry->msg = msg;
	carry->late = carry->lost = 0;
	if (!carry->drains)
		err = carry_changes(carry);
	else
		err = elfmap_map_kind__of(carry->from.info.type)->is_lifo ? turn_over(carry) : drain_queue(carry);
	if (!err) {
		*ret_late = carry->late;
		*ret_lost = carry->lost;
	}
	return err;
}

void elfmap_carry__free(struct elfmap_carry *carry)
{
	if (!carry)
		return;
	elfmap_migration__free(&carry->migration);
	elfmap_reader__close(&carry->from);
	elfmap_reader__close(&carry->to);
	elfmap_entries__free(&carry->copied);
	free(carry->found);
	free(carry->theirs);
	free(carry->before);
	free(carry->key);
	free(carry->value);
	free(carry);
}

/* ---- all maps of a version ---------------------------------------------------------------------------- */

static bool is_table(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && elfmap_map__is_prog_array(info.type);
}

static int begin_one(const char *place, const char *old_dir, const char *next_dir, enum elfmap_merge merge,
		     struct elfmap_carry **ret_carry, struct elfmap_msg *msg)
{
	char old[2 * PATH_MAX], next[2 * PATH_MAX];
	struct elfmap_msg why;
	int err;

	snprintf(old, sizeof(old), "%s/maps/%s", old_dir, place);
	snprintf(next, sizeof(next), "%s/maps/%s", next_dir, place);
	err = elfmap_carry__begin(old, next, merge, ret_carry, &why);
	return err ? elfmap_msg__set(msg, err, "%s: its entries cannot be copied: %s", place, why.text) : 0;
}

int elfmap_carries__begin(const struct elfmap_version *next, const char *old_dir, const char *next_dir,
			  enum elfmap_merge merge, struct elfmap_carries *ret_carries, struct elfmap_msg *msg)
{
	struct elfmap_carries carries = {.at = calloc(next->nr_maps + 1, sizeof(struct elfmap_carry *)),
					 .names = calloc(next->nr_maps + 1, sizeof(char *))};
	int err = 0;

	if (!carries.at || !carries.names)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; carries.at && carries.names && !err && i < next->nr_maps; i++) {
		if (is_table(next->maps[i].fd) || next->maps[i].starts_anew)
			continue;
		err = begin_one(next->maps[i].name, old_dir, next_dir, merge, &carries.at[carries.nr], msg);
		if (!err)
			carries.names[carries.nr] = strdup(elfmap_path__name(next->maps[i].name));
		if (!err && !carries.names[carries.nr++])
			err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	if (err)
		elfmap_carries__free(&carries);
	else
		*ret_carries = carries;
	return err;
}

void elfmap_carries__finish(const struct elfmap_carries *carries, struct elfmap_map_reports *reports)
{
	for (size_t i = 0; i < carries->nr; i++) {
		struct elfmap_map_report *report = elfmap_map_reports__get(reports, carries->names[i]);
		size_t late = 0, lost = 0;

		if (elfmap_carry__finish(carries->at[i], &late, &lost, NULL))
			lost++;
		if (!report)
			continue;
		report->fate = carries->at[i]->drains ? ELFMAP_MAP_DRAINED : ELFMAP_MAP_COPIED;
		report->carried = carries->at[i]->drains ? carries->at[i]->drained : carries->at[i]->copied.count;
		report->late = late;
		report->lost = lost;
		report->removed = carries->at[i]->removed;
		report->merged = carries->at[i]->migration.merged;
		if (elfmap_map_report__add_members(report, &carries->at[i]->migration.key) ||
		    elfmap_map_report__add_members(report, &carries->at[i]->migration.value))
			continue; /* the report is shorter */
	}
}

void elfmap_carries__free(struct elfmap_carries *carries)
{
	for (size_t i = 0; i < carries->nr; i++) {
		elfmap_carry__free(carries->at[i]);
		free(carries->names[i]);
	}
	free(carries->at);
	free(carries->names);
	*carries = (struct elfmap_carries){};
}
