// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Plans conversions from one BTF type to another, and applies them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"
#include "object/layout.h"

#define MAX_DEPTH 32 /* the kernel's limit for BTF */
#define MAX_OPS (1u << 20)
#define MAX_STEPS (1u << 22) /* nested unions could grow exponentially */
#define MAX_PATH 512
#define NO_CHANGE ((__u32)-1)

struct elfmap_layout_op {
	enum { OP_COPY, OP_NUMBER, OP_EMPTY } kind;
	bool from_signed, to_signed;
	__u32 from, to; /* OP_NUMBER: in bits; otherwise in bytes; OP_EMPTY: must be zero in FROM */
	__u32 size;	/* OP_COPY and OP_EMPTY: bytes */
	__u8 from_bits;
	__u8 to_bits;
	__u8 fit_bits; /* of TO that a number may use; 0: all numbers fit */
	__u32 change;  /* the change to name if it does not fit */
};

struct side {
	const struct btf *btf;
	__u32 id;
	__u32 bit;  /* where it starts */
	__u32 bits; /* of a bitfield; 0: no bitfield */
};

struct walk {
	unsigned int depth;
	unsigned int steps;
};

struct planner {
	struct elfmap_layout *layout;
	char path[MAX_PATH];
	struct walk walk;
	unsigned int muted; /* elements after the first */
	bool has_moved;
	int err;
};

/* ---- types ------------------------------------------------------------------------------------------------------- */

static const struct btf_type *resolve(const struct btf *btf, __u32 *id)
{
	const struct btf_type *type = btf__type_by_id(btf, *id);

	for (int i = 0; type && i < MAX_DEPTH && (btf_is_mod(type) || btf_is_typedef(type)); i++) {
		*id = type->type;
		type = btf__type_by_id(btf, *id);
	}
	return type && btf_kind(type) != BTF_KIND_UNKN ? type : NULL;
}

static const char *name_of(const struct btf *btf, __u32 offset)
{
	return btf__name_by_offset(btf, offset) ?: "";
}

static bool is_scalar(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_any_enum(type);
}

static bool is_bool(const struct btf_type *type)
{
	return btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_BOOL);
}

static bool is_signed(const struct btf_type *type)
{
	if (btf_is_int(type))
		return btf_int_encoding(type) & BTF_INT_SIGNED;
	for (int i = 0; btf_is_enum(type) && i < btf_vlen(type); i++)
		if ((int)btf_enum(type)[i].val < 0) /* older compilers do not set the flag */
			return true;
	return btf_kflag(type);
}

bool elfmap_layout__is_kernels(const struct btf *btf, const struct btf_type *type)
{
	static const char *const names[] = {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",	 "bpf_wq",
					    "bpf_list_head", "bpf_list_node",	  "bpf_rb_root", "bpf_rb_node",
					    "bpf_refcount",  "bpf_task_work"};
	const char *name = name_of(btf, type->name_off);

	for (size_t i = 0; btf_is_struct(type) && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool take_step(struct walk *walk)
{
	return walk->depth < MAX_DEPTH && walk->steps < MAX_STEPS && ++walk->steps;
}

static bool is_same_type(const struct btf *a, __u32 a_id, const struct btf *b, __u32 b_id, struct walk *walk);

static bool have_same_members(const struct btf *a, const struct btf_type *at, const struct btf *b,
			      const struct btf_type *bt, struct walk *walk)
{
	if (btf_vlen(at) != btf_vlen(bt))
		return false;
	for (__u32 i = 0; i < btf_vlen(at); i++) {
		const struct btf_member *am = &btf_members(at)[i], *bm = &btf_members(bt)[i];

		if (strcmp(name_of(a, am->name_off), name_of(b, bm->name_off)) != 0 ||
		    btf_member_bit_offset(at, i) != btf_member_bit_offset(bt, i) ||
		    btf_member_bitfield_size(at, i) != btf_member_bitfield_size(bt, i) ||
		    !is_same_type(a, am->type, b, bm->type, walk))
			return false;
	}
	return true;
}

static bool compare_types(const struct btf *a, const struct btf_type *at, const struct btf *b,
			  const struct btf_type *bt, struct walk *walk)
{
	if (is_scalar(at) && is_scalar(bt))
		return at->size == bt->size &&
		       (btf_is_int(at) ? btf_int_bits(at) : 0) == (btf_is_int(bt) ? btf_int_bits(bt) : 0);
	if (btf_kind(at) != btf_kind(bt))
		return false;
	if (btf_is_array(at))
		return btf_array(at)->nelems == btf_array(bt)->nelems &&
		       is_same_type(a, btf_array(at)->type, b, btf_array(bt)->type, walk);
	if (btf_is_composite(at))
		return at->size == bt->size && have_same_members(a, at, b, bt, walk);
	return btf_is_ptr(at) || (btf_is_float(at) && at->size == bt->size);
}

/* Have all values of both the same bytes and the same members? */
static bool is_same_type(const struct btf *a, __u32 a_id, const struct btf *b, __u32 b_id, struct walk *walk)
{
	const struct btf_type *at = resolve(a, &a_id), *bt = resolve(b, &b_id);
	bool is_same;

	if (!at || !bt || !take_step(walk))
		return false;
	walk->depth++;
	is_same = compare_types(a, at, b, bt, walk);
	walk->depth--;
	return is_same;
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

/* Elements after the first have the changes of the first. */
static void find_change(const struct planner *planner, __u32 *ret_change)
{
	for (size_t i = 0; i < planner->layout->nr_changes; i++)
		if (!strcmp(planner->layout->changes[i].name, planner->path))
			*ret_change = (__u32)i;
}

static void note(struct planner *planner, enum elfmap_member_fate fate, __u32 *ret_change)
{
	struct elfmap_layout *layout = planner->layout;
	struct elfmap_member_change *grown;

	if (planner->muted && ret_change)
		find_change(planner, ret_change);
	if (planner->muted || planner->err)
		return;
	grown = elfmap_array__grow(layout->changes, layout->nr_changes, sizeof(*grown));
	if (grown) {
		layout->changes = grown;
		grown[layout->nr_changes] = (struct elfmap_member_change){.fate = fate, .name = strdup(planner->path)};
	}
	if (!grown || !grown[layout->nr_changes].name) {
		planner->err = -ENOMEM;
		return;
	}
	if (ret_change)
		*ret_change = (__u32)layout->nr_changes;
	layout->nr_changes++;
}

static void add_op(struct planner *planner, struct elfmap_layout_op op)
{
	struct elfmap_layout *layout = planner->layout;
	struct elfmap_layout_op *last = layout->nr_ops ? &layout->ops[layout->nr_ops - 1] : NULL, *grown;
	size_t unit = op.kind == OP_NUMBER ? 8 : 1, from_size = op.kind == OP_NUMBER ? op.from_bits : op.size,
	       to_size = op.kind == OP_NUMBER ? op.to_bits : op.size;

	if (planner->err || (!op.size && op.kind != OP_NUMBER))
		return;
	if (op.from + from_size > layout->from_size * unit ||
	    (op.kind != OP_EMPTY && op.to + to_size > layout->to_size * unit)) {
		planner->err = -EINVAL;
		return;
	}
	if (last && last->kind == OP_COPY && op.kind == OP_COPY && last->from + last->size == op.from &&
	    last->to + last->size == op.to) {
		last->size += op.size;
		return;
	}
	grown = layout->nr_ops < MAX_OPS ? elfmap_array__grow(layout->ops, layout->nr_ops, sizeof(*grown)) : NULL;
	if (!grown) {
		planner->err = layout->nr_ops < MAX_OPS ? -ENOMEM : -E2BIG;
		return;
	}
	layout->ops = grown;
	grown[layout->nr_ops++] = op;
}

static void copy_bytes(struct planner *planner, const struct side *from, const struct side *to, __u32 size)
{
	add_op(planner,
	       (struct elfmap_layout_op){.kind = OP_COPY, .from = from->bit / 8, .to = to->bit / 8, .size = size});
}

static void plan_type(struct planner *planner, struct side from, struct side to);

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static __u32 width(const struct side *side, const struct btf_type *type)
{
	if (side->bits)
		return side->bits;
	return btf_is_int(type) ? btf_int_bits(type) : type->size * 8;
}

static bool is_whole(const struct side *side, const struct btf_type *type)
{
	return !(side->bit % 8) && width(side, type) == type->size * 8;
}

static void plan_number(struct planner *planner, const struct side *from, const struct btf_type *from_type,
			const struct side *to, const struct btf_type *to_type)
{
	struct elfmap_layout_op op = {.kind = OP_NUMBER, .change = NO_CHANGE};
	__u32 from_bits = width(from, from_type), to_bits = width(to, to_type);
	__u32 fit_bits = is_bool(to_type) ? 1 : to_bits, max_bits = is_bool(from_type) ? 1 : from_bits;
	bool may_overflow;

	if (from_bits == to_bits && is_whole(from, from_type) && is_whole(to, to_type)) {
		copy_bytes(planner, from, to, from_type->size);
		return;
	}
	if (!from_bits || !to_bits || from_bits > 64 || to_bits > 64) {
		note(planner, ELFMAP_MEMBER_RETYPED, NULL);
		return;
	}
	op.from_signed = is_signed(from_type);
	op.to_signed = is_signed(to_type);
	op.from = from->bit + (btf_is_int(from_type) && !from->bits ? btf_int_offset(from_type) : 0);
	op.to = to->bit + (btf_is_int(to_type) && !to->bits ? btf_int_offset(to_type) : 0);
	op.from_bits = (__u8)from_bits;
	op.to_bits = (__u8)to_bits;
	may_overflow = op.from_signed && !op.to_signed ? true : fit_bits - op.to_signed < max_bits - op.from_signed;
	if (may_overflow && max_bits != fit_bits) {
		op.fit_bits = (__u8)fit_bits;
		note(planner, ELFMAP_MEMBER_NARROWED, &op.change);
	}
	add_op(planner, op);
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */

static __u32 size_of(const struct btf *btf, __u32 id)
{
	__s64 size = btf__resolve_size(btf, id);

	return size < 0 || size > (1 << 29) ? 0 : (__u32)size;
}

static void plan_elements(struct planner *planner, struct side from, struct side to, __u32 count, __u32 from_size,
			  __u32 to_size)
{
	size_t length = strlen(planner->path);

	snprintf(planner->path + length, sizeof(planner->path) - length, "[]");
	for (__u32 i = 0; !planner->err && from_size && i < count; i++) {
		planner->muted += i != 0;
		plan_type(planner, from, to);
		planner->muted -= i != 0;
		from.bit += from_size * 8;
		to.bit += to_size * 8;
	}
	planner->path[length] = '\0';
}

static void plan_array(struct planner *planner, struct side from, const struct btf_array *from_array, struct side to,
		       const struct btf_array *to_array)
{
	__u32 count = from_array->nelems < to_array->nelems ? from_array->nelems : to_array->nelems;
	__u32 from_size = size_of(from.btf, from_array->type), to_size = size_of(to.btf, to_array->type);
	struct elfmap_layout_op rest = {.kind = OP_EMPTY,
					.change = NO_CHANGE,
					.from = from.bit / 8 + count * from_size,
					.size = (from_array->nelems - count) * from_size};

	from.id = from_array->type;
	to.id = to_array->type;
	if (is_same_type(from.btf, from.id, to.btf, to.id, &planner->walk))
		copy_bytes(planner, &from, &to, count * from_size);
	else
		plan_elements(planner, from, to, count, from_size, to_size);
	if (rest.size) {
		note(planner, ELFMAP_MEMBER_NARROWED, &rest.change);
		add_op(planner, rest);
	}
	if (to_array->nelems > count)
		planner->has_moved = true;
}

/* ---- structs ----------------------------------------------------------------------------------------------------- */

struct member {
	const char *name; /* of an anonymous union: of its first member */
	struct side side;
	bool is_union; /* anonymous */
	bool is_matched;
};

struct members {
	struct member *at;
	size_t nr;
};

static bool is_padding(const char *name)
{
	while (*name == '_')
		name++;
	return !strncmp(name, "pad", 3);
}

static int list_members(struct members *members, const struct side *of, const struct btf_type *type, struct walk *walk)
{
	int err = take_step(walk) ? 0 : -E2BIG;

	for (__u32 i = 0; !err && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		struct side side = {.btf = of->btf,
				    .id = member->type,
				    .bit = of->bit + btf_member_bit_offset(type, i),
				    .bits = btf_member_bitfield_size(type, i)};
		const char *name = name_of(of->btf, member->name_off);
		__u32 id = member->type;
		const struct btf_type *inner = resolve(of->btf, &id);
		struct member *grown;

		if (!*name && inner && btf_is_struct(inner)) {
			walk->depth++;
			err = list_members(members, &side, inner, walk);
			walk->depth--;
			continue;
		}
		grown = elfmap_array__grow(members->at, members->nr, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		members->at = grown;
		if (!*name && inner && btf_is_union(inner) && btf_vlen(inner))
			name = name_of(of->btf, btf_members(inner)->name_off);
		grown[members->nr++] = (struct member){.name = name,
						       .side = side,
						       .is_union = inner && btf_is_union(inner) &&
								   !*name_of(of->btf, member->name_off)};
	}
	return err;
}

/* Starts at *FROM, since members are mostly in the same order. */
static struct member *find_member(const struct members *members, const struct member *wanted, size_t *from)
{
	for (size_t i = 0; i < members->nr; i++) {
		size_t nth = (*from + i) % members->nr;
		struct member *member = &members->at[nth];

		if (member->is_matched || member->is_union != wanted->is_union ||
		    strcmp(member->name, wanted->name) != 0)
			continue;
		*from = nth + 1;
		return member;
	}
	return NULL;
}

static void note_member(struct planner *planner, const char *name, enum elfmap_member_fate fate)
{
	size_t length = strlen(planner->path);

	if (is_padding(name))
		return;
	snprintf(planner->path + length, sizeof(planner->path) - length, ".%s", name);
	note(planner, fate, NULL);
	planner->path[length] = '\0';
}

static void plan_member(struct planner *planner, struct member *from, const struct member *to)
{
	size_t length = strlen(planner->path);

	from->is_matched = true;
	snprintf(planner->path + length, sizeof(planner->path) - length, ".%s", to->name);
	plan_type(planner, from->side, to->side);
	planner->path[length] = '\0';
}

static void plan_struct(struct planner *planner, const struct side *from, const struct btf_type *from_type,
			const struct side *to, const struct btf_type *to_type)
{
	struct members theirs = {}, ours = {};
	int err = list_members(&theirs, from, from_type, &planner->walk)
			  ?: list_members(&ours, to, to_type, &planner->walk);
	size_t next = 0;

	for (size_t i = 0; !err && i < ours.nr; i++) {
		struct member *member = find_member(&theirs, &ours.at[i], &next);

		if (member)
			plan_member(planner, member, &ours.at[i]);
		else
			note_member(planner, ours.at[i].name, ELFMAP_MEMBER_NEW);
	}
	for (size_t i = 0; !err && i < theirs.nr; i++)
		if (!theirs.at[i].is_matched)
			note_member(planner, theirs.at[i].name, ELFMAP_MEMBER_DROPPED);
	planner->err = planner->err ?: err;
	free(theirs.at);
	free(ours.at);
}

/* ---- any type ---------------------------------------------------------------------------------------------------- */

static void plan_types(struct planner *planner, const struct side *from, const struct btf_type *from_type,
		       const struct side *to, const struct btf_type *to_type)
{
	bool from_kernel = elfmap_layout__is_kernels(from->btf, from_type),
	     to_kernel = elfmap_layout__is_kernels(to->btf, to_type);
	__u32 size = size_of(from->btf, from->id);

	if (from_kernel && to_kernel)
		planner->has_moved |= from->bit != to->bit || from_type->size != to_type->size;
	else if (is_scalar(from_type) && is_scalar(to_type))
		plan_number(planner, from, from_type, to, to_type);
	else if (btf_is_array(from_type) && btf_is_array(to_type))
		plan_array(planner, *from, btf_array(from_type), *to, btf_array(to_type));
	else if (btf_is_struct(from_type) && btf_is_struct(to_type) && !from_kernel && !to_kernel)
		plan_struct(planner, from, from_type, to, to_type);
	else if (is_same_type(from->btf, from->id, to->btf, to->id, &planner->walk))
		copy_bytes(planner, from, to, btf_is_ptr(from_type) ? 8 : size);
	else
		note(planner, ELFMAP_MEMBER_RETYPED, NULL);
}

static void plan_type(struct planner *planner, struct side from, struct side to)
{
	const struct btf_type *from_type = resolve(from.btf, &from.id), *to_type = resolve(to.btf, &to.id);

	if (planner->err)
		return;
	if (!from_type || !to_type || !take_step(&planner->walk)) {
		planner->err = from_type && to_type ? -E2BIG : -EINVAL;
		return;
	}
	planner->walk.depth++;
	plan_types(planner, &from, from_type, &to, to_type);
	planner->walk.depth--;
	if (!planner->err && planner->walk.steps == MAX_STEPS)
		planner->err = -E2BIG;
}

/* ---- the result -------------------------------------------------------------------------------------------------- */

static bool stays_in_place(const struct elfmap_layout_op *op)
{
	return op->kind != OP_EMPTY && op->from == op->to && op->from_bits == op->to_bits;
}

static void judge(struct planner *planner)
{
	struct elfmap_layout *layout = planner->layout;
	size_t bits = 0;

	layout->is_same = layout->from_size == layout->to_size && !layout->nr_changes && !planner->has_moved;
	for (size_t i = 0; i < layout->nr_ops; i++) {
		const struct elfmap_layout_op *op = &layout->ops[i];

		layout->is_same &= stays_in_place(op);
		bits += op->kind == OP_NUMBER ? op->from_bits : op->size * 8;
	}
	layout->merges = !layout->is_same && bits != layout->from_size * 8;
}

static const char *explain(int err)
{
	if (err == -EINVAL)
		return "the types do not have the size of the map's";
	return err == -E2BIG ? "the types have too many members" : strerror(-err);
}

/* A whole key or value of an incompatible type has nothing to keep. */
static bool has_no_plan(const struct elfmap_layout *layout, const char *root)
{
	return layout->nr_changes && layout->changes[0].fate == ELFMAP_MEMBER_RETYPED &&
	       !strcmp(layout->changes[0].name, root);
}

int elfmap_layout__plan(const struct elfmap_layout_type *from, const struct elfmap_layout_type *to, const char *root,
			struct elfmap_layout *ret_layout, struct elfmap_msg *msg)
{
	struct elfmap_layout layout = {.from_size = from->size, .to_size = to->size};
	struct planner planner = {.layout = &layout};
	int err;

	snprintf(planner.path, sizeof(planner.path), "%s", root);
	if (btf__resolve_size(from->btf, from->id) != (__s64)from->size ||
	    btf__resolve_size(to->btf, to->id) != (__s64)to->size)
		planner.err = -EINVAL;
	plan_type(&planner, (struct side){.btf = from->btf, .id = from->id},
		  (struct side){.btf = to->btf, .id = to->id});
	err = planner.err ? elfmap_msg__set(msg, planner.err, "its %s: %s", root, explain(planner.err)) : 0;
	if (!err && has_no_plan(&layout, root))
		err = elfmap_msg__set(msg, -EINVAL, "its %s has an incompatible type", root);
	if (err) {
		elfmap_layout__free(&layout);
		return err;
	}
	judge(&planner);
	*ret_layout = layout;
	return 0;
}

void elfmap_layout__keep(size_t size, struct elfmap_layout *ret_layout)
{
	*ret_layout = (struct elfmap_layout){.from_size = size, .to_size = size, .is_same = true};
}

int elfmap_layout__make_prefix(struct elfmap_layout *layout, struct elfmap_msg *msg)
{
	size_t common = layout->from_size < layout->to_size ? layout->from_size : layout->to_size, end = 0;
	bool in_place = true;

	for (size_t i = 0; in_place && i < layout->nr_ops; i++) {
		const struct elfmap_layout_op *op = &layout->ops[i];

		if (op->kind == OP_EMPTY)
			continue;
		in_place = op->kind == OP_COPY && stays_in_place(op);
		end = op->from + op->size > end ? op->from + op->size : end;
	}
	if (layout->is_same)
		return 0;
	/* The data must be the same up to the end of the shorter one; only padding may be between. */
	if (!in_place || end + 4 <= common || end < 4)
		return elfmap_msg__set(msg, -EINVAL,
				       "the members of its key are in other places, and prefixes of an lpm_trie cannot "
				       "be converted then");
	free(layout->ops);
	layout->ops = calloc(1, sizeof(*layout->ops));
	layout->nr_ops = layout->ops != NULL;
	if (!layout->ops)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	*layout->ops = (struct elfmap_layout_op){.kind = OP_COPY, .size = (__u32)common};
	layout->merges = layout->to_size < layout->from_size;
	return 0;
}

void elfmap_layout__free(struct elfmap_layout *layout)
{
	for (size_t i = 0; i < layout->nr_changes; i++)
		free(layout->changes[i].name);
	free(layout->changes);
	free(layout->ops);
	*layout = (struct elfmap_layout){};
}

const char *elfmap_member_fate__word(enum elfmap_member_fate fate)
{
	static const char *const words[] = {
		[ELFMAP_MEMBER_NEW] = "new",
		[ELFMAP_MEMBER_DROPPED] = "dropped",
		[ELFMAP_MEMBER_NARROWED] = "narrowed",
		[ELFMAP_MEMBER_RETYPED] = "of another type",
	};

	return words[fate];
}

/* ---- conversion -------------------------------------------------------------------------------------------------- */

#define IS_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static __u64 mask_of(unsigned int bits)
{
	return bits == 64 ? ~0ull : (1ull << bits) - 1;
}

static unsigned __int128 load_window(const unsigned char *bytes, unsigned int nr)
{
	unsigned __int128 window = 0;

	for (unsigned int i = 0; i < nr; i++)
		window |= (unsigned __int128)bytes[IS_LITTLE ? i : nr - 1 - i] << 8 * i;
	return window;
}

static __u64 load_bits(const unsigned char *bytes, __u32 bit, unsigned int bits)
{
	unsigned int first = bit % 8, nr = (first + bits + 7) / 8;

	return (__u64)(load_window(bytes + bit / 8, nr) >> (IS_LITTLE ? first : 8 * nr - first - bits)) & mask_of(bits);
}

static void store_bits(unsigned char *bytes, __u32 bit, unsigned int bits, __u64 number)
{
	unsigned int first = bit % 8, nr = (first + bits + 7) / 8, shift = IS_LITTLE ? first : 8 * nr - first - bits;
	unsigned __int128 window;

	bytes += bit / 8;
	window = load_window(bytes, nr) & ~((unsigned __int128)mask_of(bits) << shift);
	window |= (unsigned __int128)(number & mask_of(bits)) << shift;
	for (unsigned int i = 0; i < nr; i++)
		bytes[IS_LITTLE ? i : nr - 1 - i] = (unsigned char)(window >> 8 * i);
}

static __u64 extend(__u64 number, unsigned int bits)
{
	return bits < 64 && number >> (bits - 1) ? number | ~mask_of(bits) : number;
}

static bool fits(const struct elfmap_layout_op *op, __u64 number)
{
	bool is_negative = op->from_signed && (__s64)number < 0;

	if (!op->fit_bits)
		return true;
	if (op->to_signed)
		return is_negative ? extend(number & mask_of(op->fit_bits), op->fit_bits) == number
				   : number <= mask_of(op->fit_bits) >> 1;
	return !is_negative && number <= mask_of(op->fit_bits);
}

static bool convert_number(const struct elfmap_layout_op *op, const unsigned char *from, unsigned char *to)
{
	__u64 number = load_bits(from, op->from, op->from_bits);

	if (op->from_signed)
		number = extend(number, op->from_bits);
	if (!fits(op, number))
		return false;
	store_bits(to, op->to, op->to_bits, number);
	return true;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

static void copy(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size == 8)
		memcpy(to, from, 8);
	else if (size == 4)
		memcpy(to, from, 4);
	else
		memcpy(to, from, size);
}

int elfmap_layout__convert(const struct elfmap_layout *layout, const void *from, void *to, const char **ret_name)
{
	const unsigned char *bytes = from;

	if (layout->is_same) {
		memcpy(to, from, layout->from_size);
		return 0;
	}
	memset(to, 0, layout->to_size);
	for (size_t i = 0; i < layout->nr_ops; i++) {
		const struct elfmap_layout_op *op = &layout->ops[i];
		bool is_kept = true;

		if (op->kind == OP_COPY)
			copy((unsigned char *)to + op->to, bytes + op->from, op->size);
		else if (op->kind == OP_NUMBER)
			is_kept = convert_number(op, bytes, to);
		else
			is_kept = is_zero(bytes + op->from, op->size);
		if (is_kept)
			continue;
		if (ret_name)
			*ret_name = op->change < layout->nr_changes ? layout->changes[op->change].name : "";
		return -ERANGE;
	}
	return 0;
}
