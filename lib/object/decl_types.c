// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decl, the types: libbpf's btf_dump writes them, after they have been checked: it trusts its BTF, and
 * an object can say anything. What <linux/bpf.h> defines is dumped too, into nothing, so that it
 * counts as printed and is not defined twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object/decl.h"
#include "object/internal.h"

#define MAX_DEPTH 64	     /* types in types; libbpf follows them with recursion */
#define MAX_STEPS 100000     /* types that contain each other twice could grow without end */
#define MAX_TEXT (16u << 20) /* padding is written out member by member */

struct decl_types {
	struct btf *btf;
	struct btf_dump *dump;
	struct elfmap_msg *msg;
	FILE *to;
	bool *is_declared; /* by type */
	bool is_muted;
	bool is_defining;
	bool has_heading; /* it stands above the first definition, if there is one */
	size_t steps;
	size_t written;
};

/* ---- names ------------------------------------------------------------------------------------------ */

/* Is NAME a word of LIST? */
static bool is_listed(const char *name, const char *list)
{
	size_t length = strlen(name);

	for (const char *at = length ? list : NULL; at && (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

static bool has_only(const char *name, const char *more)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	for (; *name; name++)
		if (!strchr(letters, *name) && !strchr(more, *name))
			return false;
	return true;
}

bool elfmap_is_c_name(const char *name)
{
	static const char keywords[] =
		"_Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Nullable "
		"_Static_assert _Thread_local __asm__ __attribute__ __int128 asm auto break case char const "
		"continue default do double else enum extern float for goto if inline int long register "
		"restrict return short signed sizeof static struct switch typedef typeof union unsigned void "
		"volatile while";

	return *name && !strchr("0123456789", *name) && has_only(name, "0123456789") && !is_listed(name, keywords);
}

/* What <linux/bpf.h> and what it includes define, and a key, a value or a context can have. */
static bool is_known_tag(const char *name)
{
	static const char tags[] =
		"__sk_buff bpf_adj_room_mode bpf_attach_type bpf_attr bpf_btf_info bpf_cgroup_dev_ctx "
		"bpf_cgroup_storage_key bpf_check_mtu_ret bpf_cmd bpf_cpumap_val bpf_devmap_val bpf_dynptr "
		"bpf_fib_lookup bpf_flow_keys bpf_func_id bpf_func_info bpf_hdr_start_off bpf_insn "
		"bpf_line_info bpf_link_info bpf_list_head bpf_list_node bpf_lpm_trie_key "
		"bpf_lpm_trie_key_hdr bpf_lpm_trie_key_u8 bpf_lwt_encap_mode bpf_map_info bpf_map_type "
		"bpf_perf_event_value bpf_pidns_info bpf_prog_info bpf_prog_type bpf_raw_tracepoint_args "
		"bpf_rb_node bpf_rb_root bpf_redir_neigh bpf_refcount bpf_ret_code bpf_sk_lookup bpf_sock "
		"bpf_sock_addr bpf_sock_ops bpf_sock_tuple bpf_sockopt bpf_spin_lock bpf_stack_build_id "
		"bpf_stack_build_id_status bpf_sysctl bpf_task_fd_type bpf_tcp_sock bpf_timer bpf_tunnel_key "
		"bpf_wq bpf_xdp_sock bpf_xfrm_state btf_ptr sk_action sk_msg_md sk_reuseport_md xdp_action "
		"xdp_md";

	return is_listed(name, tags);
}

static bool is_known_typedef(const char *name)
{
	static const char typedefs[] =
		"__s8 __u8 __s16 __u16 __s32 __u32 __s64 __u64 __s128 __u128 __le16 __be16 __le32 __be32 "
		"__le64 __be64 __sum16 __wsum __poll_t __kernel_fd_set __kernel_fsid_t";

	return is_listed(name, typedefs);
}

/* "" for a type or a member without one, and for an offset past the strings. */
static const char *name_at(const struct decl_types *types, __u32 offset)
{
	return btf__str_by_offset(types->btf, offset) ?: "";
}

static bool is_known(const struct decl_types *types, const struct btf_type *type)
{
	const char *name = name_at(types, type->name_off);

	return btf_is_typedef(type) ? is_known_typedef(name) : is_known_tag(name);
}

/* ---- is the BTF sound ------------------------------------------------------------------------------- */

static int refuse(struct decl_types *types, __u32 id, const char *why)
{
	return elfmap_msg__set(types->msg, -EINVAL, "BTF type %u: %s", id, why);
}

static __u32 higher(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static __u32 highest_reference(const struct btf_type *type)
{
	__u32 highest = 0;

	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_FWD:
		return 0; /* what stands in `type` is their size */
	case BTF_KIND_ARRAY:
		return higher(btf_array(type)->type, btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (__u32 i = 0; i < btf_vlen(type); i++)
			highest = higher(highest, btf_members(type)[i].type);
		return highest;
	case BTF_KIND_DATASEC:
		for (__u32 i = 0; i < btf_vlen(type); i++)
			highest = higher(highest, btf_var_secinfos(type)[i].type);
		return highest;
	case BTF_KIND_FUNC_PROTO:
		for (__u32 i = 0; i < btf_vlen(type); i++)
			highest = higher(highest, btf_params(type)[i].type);
		return higher(highest, type->type);
	default:
		return type->type;
	}
}

/* btf_dump reads all types, not only those that it is asked for. */
static int check_references(struct decl_types *types)
{
	__u32 nr = btf__type_cnt(types->btf);

	for (__u32 id = 1; id < nr; id++)
		if (highest_reference(btf__type_by_id(types->btf, id)) >= nr)
			return refuse(types, id, "refers to a type that does not exist");
	return 0;
}

static int check_name(struct decl_types *types, __u32 id, __u32 offset)
{
	if (!offset || elfmap_is_c_name(name_at(types, offset)))
		return 0;
	return refuse(types, id, "C cannot declare it: its name, or one in it, is no identifier");
}

static int check_type(struct decl_types *types, __u32 id, bool through_pointer, unsigned int depth);

/* Only such a type can be a member; libbpf divides by its alignment. */
static bool has_size(const struct decl_types *types, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);

	while (id && (btf_is_mod(type) || btf_is_array(type) || btf_is_typedef(type))) {
		id = btf_is_array(type) ? btf_array(type)->type : type->type;
		type = btf__type_by_id(types->btf, id);
	}
	return id && !btf_is_fwd(type) && !btf_is_func_proto(type) && btf__align_of(types->btf, id) > 0;
}

static int check_members(struct decl_types *types, __u32 id, const struct btf_type *type, unsigned int depth)
{
	const struct btf_member *members = btf_members(type);
	int err = 0;

	for (__u32 i = 0; !err && i < btf_vlen(type); i++) {
		err = check_name(types, id, members[i].name_off);
		err = err ?: check_type(types, members[i].type, false, depth);
		if (!err && !has_size(types, members[i].type))
			err = refuse(types, id, "a member without a size");
	}
	return err;
}

static int check_parameters(struct decl_types *types, __u32 id, const struct btf_type *type, unsigned int depth)
{
	const struct btf_param *parameters = btf_params(type);
	int err = check_type(types, type->type, false, depth);

	for (__u32 i = 0; !err && i < btf_vlen(type); i++) {
		err = check_name(types, id, parameters[i].name_off);
		err = err ?: check_type(types, parameters[i].type, false, depth);
	}
	return err;
}

static int check_enumerators(struct decl_types *types, __u32 id, const struct btf_type *type)
{
	bool is_wide = btf_is_enum64(type);
	int err = 0;

	for (__u32 i = 0; !err && i < btf_vlen(type); i++) {
		__u32 name = is_wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;

		err = name ? check_name(types, id, name) : refuse(types, id, "an enumerator without a name");
	}
	return err;
}

static int check_inside(struct decl_types *types, __u32 id, const struct btf_type *type, bool through_pointer,
			unsigned int depth)
{
	switch (btf_kind(type)) {
	case BTF_KIND_FWD:
		return 0;
	case BTF_KIND_PTR:
		return check_type(types, type->type, true, depth);
	case BTF_KIND_ARRAY:
		return check_type(types, btf_array(type)->type, false, depth);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(types, id, type, depth);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_enumerators(types, id, type);
	case BTF_KIND_FUNC_PROTO:
		return check_parameters(types, id, type, depth);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return check_type(types, type->type, through_pointer, depth);
	default:
		return refuse(types, id, "is not a type of data");
	}
}

/* Takes the ways that libbpf takes, so that what passes ends there as well. */
static int check_type(struct decl_types *types, __u32 id, bool through_pointer, unsigned int depth)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);
	int err;

	if (!id)
		return 0;
	if (!type)
		return refuse(types, id, "does not exist");
	if (depth > MAX_DEPTH || ++types->steps > MAX_STEPS)
		return refuse(types, id, "types are nested without end");
	if (btf_is_int(type) || btf_is_float(type)) {
		const char *name = name_at(types, type->name_off);

		return *name && has_only(name, " 0123456789")
			       ? 0
			       : refuse(types, id, "it is a number whose name C does not have");
	}
	err = check_name(types, id, type->name_off);
	if (err || (through_pointer && btf_is_composite(type) && type->name_off && !is_known(types, type)))
		return err;
	err = check_inside(types, id, type, through_pointer, depth + 1);
	if (!err && is_known(types, type)) {
		types->is_muted = true;
		err = btf_dump__dump_type(types->dump, id);
		types->is_muted = false;
	}
	return err;
}

/* ---- questions -------------------------------------------------------------------------------------- */

static bool is_chain(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_array(type) || btf_is_ptr(type);
}

/* What is left of type *ID without modifiers, arrays and pointers (and its id). */
static const struct btf_type *strip(const struct decl_types *types, __u32 *id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, *id);

	while (is_chain(type)) {
		*id = btf_is_array(type) ? btf_array(type)->type : type->type;
		type = btf__type_by_id(types->btf, *id);
	}
	return type;
}

static bool is_tagged(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type);
}

bool decl_types__is_nameless(const struct decl_types *types, __u32 id)
{
	const struct btf_type *type = strip(types, &id);

	return is_tagged(type) && !type->name_off;
}

bool decl_types__has_layout(const struct decl_types *types, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);

	while (btf_is_mod(type) || btf_is_array(type) || btf_is_typedef(type))
		type = btf__type_by_id(types->btf, btf_is_array(type) ? btf_array(type)->type : type->type);
	return is_tagged(type);
}

bool decl_types__has_name(const struct decl_types *types, const char *name)
{
	__u32 nr = btf__type_cnt(types->btf);

	for (__u32 id = 1; id < nr; id++)
		if (!strcmp(name_at(types, btf__type_by_id(types->btf, id)->name_off), name))
			return true;
	return false;
}

__u32 decl_types__find_prototype(const struct decl_types *types, const char *name)
{
	int id = btf__find_by_name_kind(types->btf, name, BTF_KIND_FUNC);
	const struct btf_type *function = id > 0 ? btf__type_by_id(types->btf, (__u32)id) : NULL;
	const struct btf_type *prototype = function ? btf__type_by_id(types->btf, function->type) : NULL;

	return prototype && btf_is_func_proto(prototype) ? function->type : 0;
}

/* ---- printing --------------------------------------------------------------------------------------- */

static void print_pieces(void *context, const char *format, va_list args)
{
	struct decl_types *types = context;
	int length;

	if (types->is_muted || types->written > MAX_TEXT)
		return;
	if (types->is_defining && !types->has_heading)
		fputs("/* Types, as the object has them. Drop those that the program's own headers define. */\n\n",
		      types->to);
	types->has_heading = types->has_heading || types->is_defining;
	length = vfprintf(types->to, format, args);
	if (length > 0)
		types->written += (size_t)length;
}

static void __attribute__((format(printf, 2, 3))) print(struct decl_types *types, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_pieces(types, format, args);
	va_end(args);
}

void decl_types__print(struct decl_types *types, __u32 id, const char *name)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = name);

	btf_dump__emit_type_decl(types->dump, id, &opts);
}

/* A struct that only a parameter points to is to be known outside the prototype as well. */
static void declare_parameters(struct decl_types *types, const struct btf_type *prototype)
{
	for (__u32 i = 0; i < btf_vlen(prototype); i++) {
		__u32 id = btf_params(prototype)[i].type;
		const struct btf_type *type = strip(types, &id);

		if (!btf_is_composite(type) || !type->name_off || is_known(types, type) || types->is_declared[id])
			continue;
		types->is_declared[id] = true;
		decl_types__print(types, id, "");
		print(types, ";\n\n");
	}
}

static int check_length(struct decl_types *types, __u32 id)
{
	return types->written > MAX_TEXT ? refuse(types, id, "its declaration in C would be too long") : 0;
}

static int define(struct decl_types *types, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(types->btf, id);
	int err;

	types->steps = 0;
	err = check_type(types, id, false, 0);
	if (err)
		return err;
	err = btf_dump__dump_type(types->dump, id);
	if (!err && btf_is_func_proto(type))
		declare_parameters(types, type);
	if (err)
		return elfmap_msg__set(types->msg, err, "BTF type %u: cannot be written in C: %s", id, strerror(-err));
	return check_length(types, id);
}

int decl_types__define(struct decl_types *types, __u32 id)
{
	int err;

	types->is_defining = true;
	err = define(types, id);
	types->is_defining = false;
	return err;
}

int decl_types__define_as(struct decl_types *types, __u32 id, const char *name)
{
	types->is_defining = true;
	print(types, "typedef ");
	decl_types__print(types, id, name);
	print(types, ";\n\n");
	types->is_defining = false;
	return check_length(types, id);
}

/* ---- the whole -------------------------------------------------------------------------------------- */

int decl_types__open(const struct elfmap_object *obj, FILE *to, struct elfmap_msg *msg, struct decl_types **ret_types)
{
	const struct elfmap_elf *elf = obj->elf;
	struct decl_types *types = calloc(1, sizeof(*types));
	int err = -ENOMEM;

	if (!types)
		return err;
	types->to = to;
	types->msg = msg;
	types->btf = elfmap_btf__open(elf);
	if (!types->btf)
		goto out;
	err = check_references(types);
	if (err)
		goto out;
	err = -ENOMEM;
	types->is_declared = calloc(btf__type_cnt(types->btf), sizeof(*types->is_declared));
	types->dump = btf_dump__new(types->btf, print_pieces, types, NULL);
	if (!types->is_declared || !types->dump)
		goto out;
	err = 0;
	*ret_types = types;
	types = NULL;
out:
	decl_types__close(types);
	return err;
}

void decl_types__close(struct decl_types *types)
{
	if (!types)
		return;
	btf_dump__free(types->dump);
	btf__free(types->btf);
	free(types->is_declared);
	free(types);
}
