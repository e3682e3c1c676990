// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * decl: what is printed and in which order. Types, then the functions in tail-call slots, then the
 * maps, in the order in which libbpf finds them in a transcoded object.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/decl.h"
#include "object/internal.h"

#define MAX_MADE_NAME (MAX_MAP_NAME + 32)

struct source {
	const struct elfmap_object *obj;
	struct decl_types *types; /* NULL: the object has no BTF */
	struct elfmap_msg *msg;
	FILE *to;
};

/* ---- names ------------------------------------------------------------------------------------------- */

/* A slot is its section's first function's. */
static bool is_in_slot(const struct elfmap_object *obj, size_t prog)
{
	return obj->progs[prog].slot_map >= 0 &&
	       (!prog || obj->progs[prog - 1].section_index != obj->progs[prog].section_index);
}

static int check_names(const struct source *source)
{
	const struct elfmap_object *obj = source->obj;

	for (size_t i = 0; i < obj->nr_maps; i++)
		if (!elfmap_is_c_name(obj->maps[i].name))
			return elfmap_msg__set(source->msg, -EINVAL, "map '%s': C cannot declare this name",
					       obj->maps[i].name);
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (is_in_slot(obj, i) && !elfmap_is_c_name(obj->progs[i].name))
			return elfmap_msg__set(source->msg, -EINVAL,
					       "section '%s': function '%s': C cannot declare this name",
					       obj->progs[i].section, obj->progs[i].name);
	return 0;
}

/* "MAP_WHAT", followed by as many "_" as make it unique. */
static void make_name(const struct source *source, const char *map, const char *what, char name[MAX_MADE_NAME])
{
	int length = snprintf(name, MAX_MADE_NAME, "%s_%s", map, what);

	while (source->types && length + 1 < MAX_MADE_NAME && decl_types__has_name(source->types, name)) {
		name[length++] = '_';
		name[length] = '\0';
	}
}

/* ---- types ------------------------------------------------------------------------------------------- */

static int define(const struct source *source, const struct elfmap_map *map, __u32 type, const char *what)
{
	char name[MAX_MADE_NAME];
	int err = decl_types__define(source->types, type);

	if (err || !decl_types__is_nameless(source->types, type))
		return err;
	make_name(source, map->name, what, name);
	return decl_types__define_as(source->types, type, name);
}

static void print_type(const struct source *source, const struct elfmap_map *map, __u32 type, const char *what)
{
	char name[MAX_MADE_NAME];

	if (decl_types__is_nameless(source->types, type)) {
		make_name(source, map->name, what, name);
		fputs(name, source->to);
	} else {
		decl_types__print(source->types, type, "");
	}
}

static int define_types(const struct source *source)
{
	const struct elfmap_object *obj = source->obj;
	int err = 0;

	for (size_t nth = 0; !err && nth < obj->nr_maps; nth++) {
		const struct elfmap_map *map = &obj->maps[elfmap_object__map_order(obj, nth)];

		if (!map->key_type)
			continue;
		err = define(source, map, map->key_type, "key");
		err = err ?: define(source, map, map->value_type, "value");
	}
	for (size_t i = 0; !err && i < obj->nr_progs; i++) {
		__u32 prototype =
			is_in_slot(obj, i) ? decl_types__find_prototype(source->types, obj->progs[i].name) : 0;

		if (prototype)
			err = decl_types__define(source->types, prototype);
	}
	return err;
}

/* What only attributes say (alignment) gets lost between C, BTF and C. */
static bool assert_size(const struct source *source, const struct elfmap_map *map, __u32 type, const char *what,
			__u32 size)
{
	if (!decl_types__has_layout(source->types, type))
		return false;
	fputs("_Static_assert(sizeof(", source->to);
	print_type(source, map, type, what);
	fprintf(source->to, ") == %u, \"%s of %s, as in the object\");\n", size, what, map->name);
	return true;
}

static void assert_sizes(const struct source *source)
{
	bool any = false;

	for (size_t nth = 0; nth < source->obj->nr_maps; nth++) {
		const struct elfmap_map *map = &source->obj->maps[elfmap_object__map_order(source->obj, nth)];

		if (!map->key_type)
			continue;
		any |= assert_size(source, map, map->key_type, "key", map->def.size_key);
		any |= assert_size(source, map, map->value_type, "value", map->def.size_value);
	}
	if (any)
		fputc('\n', source->to);
}

static int print_types(const struct source *source)
{
	int err;

	if (!source->types)
		return 0;
	err = define_types(source);
	if (!err)
		assert_sizes(source);
	return err;
}

/* ---- functions in tail-call slots -------------------------------------------------------------------- */

/* All programs that tail-call each other are of one type, which the name of another section may suggest. */
static enum bpf_prog_type guess_type(const struct elfmap_object *obj)
{
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (obj->progs[i].type_hint != BPF_PROG_TYPE_UNSPEC)
			return obj->progs[i].type_hint;
	return BPF_PROG_TYPE_UNSPEC;
}

static const char *section_of(enum bpf_prog_type type)
{
	switch (type) {
	case BPF_PROG_TYPE_SCHED_ACT:
		return "action";
	case BPF_PROG_TYPE_XDP:
		return "xdp";
	case BPF_PROG_TYPE_LWT_IN:
		return "lwt_in";
	case BPF_PROG_TYPE_LWT_OUT:
		return "lwt_out";
	case BPF_PROG_TYPE_LWT_XMIT:
		return "lwt_xmit";
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
		return "lwt_seg6local";
	default:
		return "tc";
	}
}

static bool has_slots(const struct elfmap_object *obj)
{
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (is_in_slot(obj, i))
			return true;
	return false;
}

/* A section's name in a comment: nothing that could end it or the line. */
static void print_section(const struct source *source, const char *name)
{
	for (; *name; name++)
		fputc(strchr("\"\\*", *name) || *name < ' ' || *name > '~' ? '?' : *name, source->to);
}

static bool print_prototype(const struct source *source, const char *function)
{
	__u32 prototype = source->types ? decl_types__find_prototype(source->types, function) : 0;

	if (prototype)
		decl_types__print(source->types, prototype, function);
	else
		fprintf(source->to, "int %s(struct %s)", function,
			guess_type(source->obj) == BPF_PROG_TYPE_XDP ? "xdp_md *ctx" : "__sk_buff *skb");
	fputs(";\n", source->to);
	return prototype;
}

static void print_functions(const struct source *source)
{
	const struct elfmap_object *obj = source->obj;
	bool all_known = true;

	if (!has_slots(obj))
		return;
	fputs("/*\n * Functions in tail-call slots. They must not be static, and each needs a section that libbpf\n"
	      " * knows, since the name of the section no longer selects the slot:\n *\n",
	      source->to);
	for (size_t i = 0; i < obj->nr_progs; i++) {
		if (!is_in_slot(obj, i))
			continue;
		fputs(" *   SEC(\"", source->to);
		print_section(source, obj->progs[i].section);
		fprintf(source->to, "\") %s: now SEC(\"%s\"), or what else its type is\n", obj->progs[i].name,
			section_of(guess_type(obj)));
	}
	fputs(" */\n", source->to);
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (is_in_slot(obj, i))
			all_known &= print_prototype(source, obj->progs[i].name);
	if (!all_known)
		fputs("/* The object has no prototypes: correct these where they differ from the functions. */\n",
		      source->to);
	fputc('\n', source->to);
}

/* ---- members of a map -------------------------------------------------------------------------------- */

static void print_map_type(FILE *to, __u32 type)
{
	const char *name = elfmap_map_type_name(type);
	char upper[64] = "";

	for (size_t i = 0; name && name[i] && i + 1 < sizeof(upper); i++)
		upper[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	if (name && !elfmap_map_kind__of(type)->is_new)
		fprintf(to, "\t__uint(type, BPF_MAP_TYPE_%s);\n", upper);
	else if (name)
		fprintf(to, "\t__uint(type, %u); /* BPF_MAP_TYPE_%s */\n", type, upper);
	else
		fprintf(to, "\t__uint(type, %u);\n", type);
}

static void print_flags(FILE *to, __u32 flags)
{
	static const char *const names[] = {"BPF_F_NO_PREALLOC", "BPF_F_NO_COMMON_LRU", "BPF_F_NUMA_NODE",
					    "BPF_F_RDONLY",	 "BPF_F_WRONLY",	"BPF_F_STACK_BUILD_ID",
					    "BPF_F_ZERO_SEED",	 "BPF_F_RDONLY_PROG",	"BPF_F_WRONLY_PROG",
					    "BPF_F_CLONE",	 "BPF_F_MMAPABLE",	"BPF_F_PRESERVE_ELEMS",
					    "BPF_F_INNER_MAP"};
	__u32 named = (1u << sizeof(names) / sizeof(*names)) - 1;
	const char *separator = "";

	fputs("\t__uint(map_flags, ", to);
	for (size_t bit = 0; bit < sizeof(names) / sizeof(*names); bit++) {
		if (!(flags & 1u << bit))
			continue;
		fprintf(to, "%s%s", separator, names[bit]);
		separator = " | ";
	}
	if (flags & ~named)
		fprintf(to, "%s0x%x", separator, flags & ~named);
	fputs(");\n", to);
}

static void print_number(FILE *to, const char *member, __u32 value)
{
	if (value)
		fprintf(to, "\t__uint(%s, %u);\n", member, value);
}

static void print_members(const struct source *source, const struct elfmap_map *map)
{
	FILE *to = source->to;

	print_map_type(to, map->def.type);
	if (map->key_type) {
		fputs("\t__type(key, ", to);
		print_type(source, map, map->key_type, "key");
		fputs(");\n\t__type(value, ", to);
		print_type(source, map, map->value_type, "value");
		fputs(");\n", to);
	} else {
		print_number(to, "key_size", map->def.size_key);
		print_number(to, "value_size", map->def.size_value);
	}
	print_number(to, "max_entries", map->def.max_elem);
	if (map->def.flags)
		print_flags(to, map->def.flags);
}

static void print_pinning(FILE *to, const struct elfmap_map *map)
{
	switch (map->def.pinning) {
	case PIN_NONE:
		break;
	case PIN_GLOBAL_NS:
		fputs("\t__uint(pinning, LIBBPF_PIN_BY_NAME);\n", to);
		break;
	case PIN_OBJECT_NS:
		fputs("\t/* Was pinned in the object's own directory (PIN_OBJECT_NS), which a definition cannot name\n"
		      "\t * now: let the loader call bpf_map__set_pin_path(), or pin with bpftool. */\n",
		      to);
		break;
	default:
		fprintf(to,
			"\t/* Was pinned in the directory of pinning %u (bpf_pinning), which a definition cannot name "
			"now:\n"
			"\t * let the loader call bpf_map__set_pin_path(), or pin with bpftool. */\n",
			map->def.pinning);
	}
}

/* ---- values ------------------------------------------------------------------------------------------ */

/* Of two in one place the later one gets it. */
static bool is_overridden(const struct elfmap_object *obj, const struct elfmap_map *outer, size_t inner)
{
	for (size_t i = inner + 1; i < obj->nr_maps; i++)
		if (elfmap_map__goes_into(&obj->maps[i], outer) &&
		    obj->maps[i].def.inner_idx == obj->maps[inner].def.inner_idx)
			return true;
	return false;
}

static bool has_values(const struct elfmap_object *obj, size_t map)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (elfmap_map__goes_into(&obj->maps[i], &obj->maps[map]))
			return true;
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (is_in_slot(obj, i) && obj->progs[i].slot_map == (int)map)
			return true;
	return false;
}

static void print_values(const struct source *source, size_t index)
{
	const struct elfmap_object *obj = source->obj;
	const struct elfmap_map *map = &obj->maps[index];

	if (!has_values(obj, index))
		return;
	fputs(" = {\n\t.values = {\n", source->to);
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (elfmap_map__goes_into(&obj->maps[i], map) && !is_overridden(obj, map, i))
			fprintf(source->to, "\t\t[%u] = (void *)&%s,\n", obj->maps[i].def.inner_idx, obj->maps[i].name);
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (is_in_slot(obj, i) && obj->progs[i].slot_map == (int)index)
			fprintf(source->to, "\t\t[%u] = (void *)&%s,\n", obj->progs[i].slot_key, obj->progs[i].name);
	fputs("\t},\n}", source->to);
}

static void print_values_type(const struct source *source, size_t index)
{
	const struct elfmap_map *map = &source->obj->maps[index];
	char name[MAX_MADE_NAME];

	if (map->inner >= 0) {
		make_name(source, source->obj->maps[map->inner].name, "template", name);
		fprintf(source->to, "\t__array(values, struct %s);\n", name);
	} else if (has_values(source->obj, index)) {
		fputs("\t__array(values, int(void *));\n", source->to);
	}
}

/* ---- maps -------------------------------------------------------------------------------------------- */

static bool is_template(const struct elfmap_object *obj, size_t map)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (obj->maps[i].inner == (int)map)
			return true;
	return false;
}

/* A template must not be pinned, so a pinned map gets a second definition as its template. */
static void print_template(const struct source *source, const struct elfmap_map *map, const char *name)
{
	fprintf(source->to, "/* %s without its pin, which a template must not have. */\nstruct %s {\n", map->name,
		name);
	print_members(source, map);
	fputs("};\n\n", source->to);
}

static void print_map(const struct source *source, size_t index)
{
	const struct elfmap_map *map = &source->obj->maps[index];
	char tag[MAX_MADE_NAME + 1] = "";

	if (is_template(source->obj, index)) {
		make_name(source, map->name, "template", tag);
		if (map->def.pinning == PIN_GLOBAL_NS) {
			print_template(source, map, tag);
			tag[0] = '\0';
		}
	}
	fprintf(source->to, "struct %s%s{\n", tag, *tag ? " " : "");
	print_members(source, map);
	print_pinning(source->to, map);
	print_values_type(source, index);
	fprintf(source->to, "} %s SEC(\".maps\")", map->name);
	print_values(source, index);
	fputs(";\n", source->to);
}

static void print_maps(const struct source *source)
{
	const struct elfmap_object *obj = source->obj;
	bool is_pinned = false;

	for (size_t i = 0; i < obj->nr_maps; i++)
		is_pinned |= obj->maps[i].def.pinning == PIN_GLOBAL_NS;
	if (is_pinned)
		fputs("/* LIBBPF_PIN_BY_NAME: tc pins in /sys/fs/bpf/tc/globals, as it always did; libbpf by itself\n"
		      " * in /sys/fs/bpf, unless the loader sets pin_root_path. */\n\n",
		      source->to);
	for (size_t nth = 0; nth < obj->nr_maps; nth++) {
		if (nth)
			fputc('\n', source->to);
		print_map(source, elfmap_object__map_order(obj, nth));
	}
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static int print_source(const struct source *source)
{
	int err;

	fputs("#include <linux/bpf.h>\n\n#include <bpf/bpf_helpers.h>\n\n", source->to);
	err = print_types(source);
	if (err)
		return err;
	print_functions(source);
	print_maps(source);
	return 0;
}

static int check_object(const struct source *source)
{
	const struct elfmap_object *obj = source->obj;

	if (obj->nr_problems)
		return elfmap_msg__set(source->msg, -EINVAL, "%s", obj->problems[0]);
	if (!obj->nr_maps)
		return elfmap_msg__set(source->msg, -EINVAL, "no legacy maps");
	return check_names(source);
}

int elfmap_object__decl(const struct elfmap_object *obj, char **ret_text, struct elfmap_msg *msg)
{
	struct source source = {.obj = obj, .msg = msg};
	char *text = NULL;
	size_t size;
	int err;

	elfmap_msg__set(msg, 0, "%s", "");
	err = check_object(&source);
	if (err)
		return err;
	source.to = open_memstream(&text, &size);
	if (!source.to)
		return elfmap_msg__set(msg, -errno, "no memory");
	if (obj->has_btf)
		err = decl_types__open(obj, source.to, msg, &source.types);
	err = err ?: print_source(&source);
	decl_types__close(source.types);
	if (fclose(source.to) && !err)
		err = -ENOMEM;
	if (err) {
		free(text);
		return msg && !msg->text[0] ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : err;
	}
	*ret_text = text;
	return 0;
}
