// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The three-way merge of global variables. */
#include <string.h>

#include "upgrade/merge.h"

/* ---- types ----------------------------------------------------------------------------------------------------- */

#define MAX_DEPTH 32

static const struct btf_type *resolve(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int depth = 0; type && depth < MAX_DEPTH && (btf_is_mod(type) || btf_is_typedef(type)); depth++)
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool is_same_type(const struct btf *a, __u32 a_id, const struct btf *b, __u32 b_id, int depth);

static bool has_same_members(const struct btf *a, const struct btf_type *left, const struct btf *b,
			     const struct btf_type *right, int depth)
{
	for (unsigned int i = 0; i < btf_vlen(left); i++) {
		const struct btf_member *ours = btf_members(left) + i, *theirs = btf_members(right) + i;

		if (ours->offset != theirs->offset ||
		    strcmp(btf__name_by_offset(a, ours->name_off), btf__name_by_offset(b, theirs->name_off)) != 0 ||
		    !is_same_type(a, ours->type, b, theirs->type, depth + 1))
			return false;
	}
	return true;
}

static bool is_same_type(const struct btf *a, __u32 a_id, const struct btf *b, __u32 b_id, int depth)
{
	const struct btf_type *left = resolve(a, a_id), *right = resolve(b, b_id);

	if (!left || !right)
		return a_id == b_id; /* void */
	if (depth > MAX_DEPTH || btf_kind(left) != btf_kind(right))
		return false;
	if (btf_is_int(left))
		return left->size == right->size && btf_int_encoding(left) == btf_int_encoding(right);
	if (btf_is_array(left))
		return btf_array(left)->nelems == btf_array(right)->nelems &&
		       is_same_type(a, btf_array(left)->type, b, btf_array(right)->type, depth + 1);
	if (btf_is_composite(left))
		return left->size == right->size && btf_vlen(left) == btf_vlen(right) &&
		       has_same_members(a, left, b, right, depth);
	return btf_is_ptr(left) || left->size == right->size;
}

/* Without types on both sides the sizes decide. */
static bool is_same(const struct elfmap_globals_side *from, const struct elfmap_variable *ours,
		    const struct elfmap_globals_side *to, const struct elfmap_variable *theirs)
{
	return ours->size == theirs->size &&
	       (!ours->type || !theirs->type || is_same_type(from->btf, ours->type, to->btf, theirs->type, 0));
}

/* ---- integers -------------------------------------------------------------------------------------------------- */

static bool is_integer(const struct elfmap_globals_side *side, const struct elfmap_variable *variable, bool *is_signed)
{
	const struct btf_type *type = variable->type ? resolve(side->btf, variable->type) : NULL;

	if (!type || !btf_is_int(type) || type->size != variable->size || type->size > sizeof(__u64))
		return false;
	*is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;
	return true;
}

static __int128 read_integer(const unsigned char *bytes, size_t size, bool is_signed)
{
	__u64 number = 0;
	unsigned int unused = 64 - 8 * (unsigned int)size;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(&number, bytes, size);
	else
		memcpy((char *)&number + sizeof(number) - size, bytes, size);
	return is_signed ? (__int128)((__s64)(number << unused) >> unused) : (__int128)number;
}

static bool write_integer(unsigned char *bytes, size_t size, bool is_signed, __int128 value)
{
	__u64 number = (__u64)value;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(bytes, &number, size);
	else
		memcpy(bytes, (char *)&number + sizeof(number) - size, size);
	return read_integer(bytes, size, is_signed) == value;
}

static bool convert(const struct elfmap_globals_side *from, const struct elfmap_variable *ours,
		    const struct elfmap_globals_side *to, const struct elfmap_variable *theirs, unsigned char *bytes)
{
	unsigned char result[sizeof(__u64)];
	bool signed_here, signed_there;

	if (!is_integer(from, ours, &signed_here) || !is_integer(to, theirs, &signed_there) ||
	    !write_integer(result, theirs->size, signed_there,
			   read_integer(from->bytes + ours->offset, ours->size, signed_here)))
		return false;
	memcpy(bytes + theirs->offset, result, theirs->size);
	return true;
}

/* ---- the merge ------------------------------------------------------------------------------------------------- */

static const struct elfmap_variable *find_name(const struct elfmap_globals_side *side, const char *name)
{
	for (size_t i = 0; i < side->nr; i++)
		if (!strcmp(side->variables[i].name, name))
			return &side->variables[i];
	return NULL;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	return !size || (!bytes[0] && !memcmp(bytes, bytes + 1, size - 1));
}

/* Without a note a value of another type counts as changed if it is not zero. */
static bool was_changed(const struct elfmap_globals_side *from, const struct elfmap_variable *ours)
{
	const unsigned char *now = from->bytes + ours->offset;

	return from->start ? memcmp(now, from->start + ours->offset, ours->size) != 0 : !is_zero(now, ours->size);
}

static enum elfmap_variable_fate merge_one(const struct elfmap_globals_side *from, const struct elfmap_variable *ours,
					   const struct elfmap_globals_side *to, const struct elfmap_variable *theirs,
					   unsigned char *bytes)
{
	bool changed = was_changed(from, ours);
	const unsigned char *now = from->bytes + ours->offset, *next = to->bytes + theirs->offset;

	if (!is_same(from, ours, to, theirs)) {
		if (!changed)
			return ELFMAP_VARIABLE_UNCHANGED;
		return convert(from, ours, to, theirs, bytes) ? ELFMAP_VARIABLE_CONVERTED : ELFMAP_VARIABLE_RETYPED;
	}
	if (!memcmp(now, next, ours->size) || (from->start && !changed))
		return ELFMAP_VARIABLE_UNCHANGED;
	memcpy(bytes + theirs->offset, now, ours->size);
	if (!from->start)
		return ELFMAP_VARIABLE_UNNOTED;
	return memcmp(from->start + ours->offset, next, ours->size) != 0 ? ELFMAP_VARIABLE_CONFLICT
									 : ELFMAP_VARIABLE_KEPT;
}

void elfmap_globals__merge(const struct elfmap_globals_side *from, const struct elfmap_globals_side *to, bool constant,
			   unsigned char *bytes, struct elfmap_merged *ret_merged)
{
	for (size_t i = 0; i < to->nr; i++) {
		const struct elfmap_variable *theirs = &to->variables[i], *ours = find_name(from, theirs->name);

		ret_merged[i] = (struct elfmap_merged){.fate = ELFMAP_VARIABLE_NEW};
		if (!ours)
			continue;
		ret_merged[i].from = (size_t)(ours - from->variables);
		ret_merged[i].fate =
			constant && !from->start ? ELFMAP_VARIABLE_UNCHANGED : merge_one(from, ours, to, theirs, bytes);
	}
}

size_t elfmap_globals__count_removed(const struct elfmap_globals_side *from, const struct elfmap_globals_side *to)
{
	size_t removed = 0;

	for (size_t i = 0; i < from->nr; i++)
		removed += !find_name(to, from->variables[i].name);
	return removed;
}
