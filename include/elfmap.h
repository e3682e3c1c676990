/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libelfmap: legacy BPF objects (section `maps`, struct bpf_elf_map) made loadable by libbpf >= 1.0.
 *
 *   bytes --read--> struct elfmap_object --transcode--> bytes of the same object with BTF `.maps`
 *
 * `read` and `transcode` are pure: same bytes in, same bytes out; no kernel, no globals, no printing.
 * Everything returns 0 or a negative errno. Outputs named ret_… are written only on success. On
 * failure the caller's struct elfmap_msg, which may be NULL, says what is wrong and where; the library
 * prints nothing. Two threads may work on two objects, or read one.
 *
 * Structs that may grow start with `sz`, their size: new members are only ever added at the end. What the
 * library returns has the size that the library knows; a program built with a newer header asks
 * elfmap_has() before it reads a member that an older library lacks. In what a caller passes, the size
 * is the caller's, and members that the caller's header lacks count as zero.
 */
#ifndef ELFMAP_H
#define ELFMAP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpf_elf.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Why a call failed: one line without a line end, e.g. "map 'hits': offset 28: no symbol". */
struct elfmap_msg {
	char text[512];
};

/* ---- file: a regular file of at most 256 MiB, whole, in memory ------------------------------- */

#define ELFMAP_FILE_MAX (256u << 20)

/* Reads what PATH (or the open descriptor FD, from its start, its position untouched) names.
 * Refuses whatever is no regular file (-EISDIR, -EINVAL), never blocks on a FIFO. free() the bytes. */
int elfmap_file__read(const char *path, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);
int elfmap_file__read_fd(int fd, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* ---- read: what an object asks for ----------------------------------------------------------- */

struct elfmap_map {
	size_t sz; /* of this struct */
	const char *name;
	struct bpf_elf_map def; /* zero-extended, host byte order */
	int inner;		/* map-in-map: index of the first inner template among the maps, else -1 */
	bool is_inner;		/* its id is some outer map's inner_id */
	__u32 key_type;		/* BTF type ids that BPF_ANNOTATE_KV_PAIR gives in the object's .BTF; 0: none */
	__u32 value_type;
	size_t offset; /* of the definition in section `maps`, bytes */
	size_t symbol; /* index in .symtab */
};

struct elfmap_prog {
	size_t sz;	     /* of this struct */
	const char *name;    /* function; made from the section's name where the object has no symbol */
	const char *section; /* as in the object: what `sec NAME` must say */
	size_t section_index;
	size_t offset;		      /* of its first instruction in the section, bytes */
	size_t size;		      /* bytes */
	size_t symbol;		      /* index in .symtab; 0: it has none */
	enum bpf_prog_type type_hint; /* what the section's name suggests, else BPF_PROG_TYPE_UNSPEC */
	int slot_map;  /* section "ID/KEY": index among the maps of the PROG_ARRAY with that id, else -1 */
	__u32 slot_id; /* of "ID/KEY"; meaningful when is_slot */
	__u32 slot_key;
	bool is_slot;		   /* the section's name is "ID/KEY" */
	const char *undefined;	   /* a symbol that its section uses and nothing defines; NULL: there is none */
	const char *undefined_why; /* "which the object does not define" and the like */
};

struct elfmap_object_info {
	size_t sz;	      /* of this struct */
	bool has_legacy_maps; /* there is a section `maps` */
	bool needs_help;      /* that, or code that libbpf refuses: symbols of old compilers, subprograms */
	bool has_btf_maps;    /* there is a section `.maps` that libbpf reads */
	bool has_btf;	      /* besides `maps` there is a `.BTF` that libbpf can read */
	const char *license;  /* "" when the object has none */
	size_t def_size;      /* bytes per definition in `maps` as the object has them; 0 without maps */
	size_t nr_maps;	      /* these five count what the functions below return */
	size_t nr_progs;
	size_t nr_subprogs;
	size_t nr_btf_maps;
	size_t nr_problems;
};

/* Does the struct at POINTER, which came from the library, have MEMBER? */
#define elfmap_has(pointer, member) \
	((pointer)->sz >= offsetof(__typeof__(*(pointer)), member) + sizeof((pointer)->member))

struct elfmap_object; /* opaque */

/* Reads an object from memory, which must stay as it is until elfmap_object__free().
 * Fails (-EINVAL, -ENOEXEC for what is no BPF object, -ENOMEM) only when there is no object to
 * speak of: no ELF file, another machine, another byte order, truncated. What breaks the legacy
 * contract (iproute2's, see include/bpf_elf.h) is listed in its problems instead. */
int elfmap_object__read(const void *bytes, size_t size, struct elfmap_object **ret_obj, struct elfmap_msg *msg);
void elfmap_object__free(struct elfmap_object *obj); /* NULL is fine */

/* What the object consists of. All that these return lives as long as the object; NULL: INDEX is past the end.
 * Maps come in the order of their definitions in section `maps`, programs and subprograms by section, then by
 * offset, problems gravest first; an object that has problems is refused by transcode and tc_view. */
const struct elfmap_object_info *elfmap_object__info(const struct elfmap_object *obj);
const struct elfmap_map *elfmap_object__map(const struct elfmap_object *obj, size_t index);
const struct elfmap_prog *elfmap_object__prog(const struct elfmap_object *obj, size_t index);
const struct elfmap_prog *elfmap_object__subprog(const struct elfmap_object *obj, size_t index);
const char *elfmap_object__btf_map(const struct elfmap_object *obj, size_t index); /* a name in `.maps` */
const char *elfmap_object__problem(const struct elfmap_object *obj, size_t index); /* one line */

/* Does the loader put INNER, a template, into the map of maps OUTER (under INNER's inner_idx)? */
bool elfmap_map__goes_into(const struct elfmap_map *inner, const struct elfmap_map *outer);

/* ---- transcode: the same object for libbpf >= 1.0 --------------------------------------------- */

struct elfmap_transcode_opts {
	size_t sz;		  /* sizeof(struct elfmap_transcode_opts) */
	bool slot_values;	  /* tail-call slots as `values` of their PROG_ARRAY; else slots stay empty */
	bool pin_by_name;	  /* PIN_GLOBAL_NS maps get libbpf's by-name pinning; else nothing is pinned */
	bool rename_slots;	  /* sections "ID/KEY" become "slot_ID_KEY" */
	bool text_is_library;	  /* .text has no program if another section has: for loaders that load them all */
	const char *prog_section; /* every program section becomes this one; NULL: names stay */
};

/* The function in `.text` that text_is_library leaves without a program, since nobody calls it; NULL: none. */
const char *elfmap_object__spare(const struct elfmap_object *obj);

/* A program in `.text` itself (`sec .text`) is found in this section of the transcoded object, since
 * libbpf keeps `.text` for what is called. */
#define ELFMAP_TEXT_TWIN ".text_entry"

/* Makes the bytes of a modern object: BTF-defined maps in `.maps`, inner templates as `values` of
 * their outer map, symbols of the types libbpf wants. Maps come in the order given by
 * elfmap_object__map_order(). OPTS may be NULL: all off. -EINVAL with the first problem as message for an
 * object that has problems, and for OPTS without a size; -E2BIG for OPTS that ask for more than this library
 * knows. free() the bytes. */
int elfmap_object__transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts,
			     void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* The index of the Nth map that libbpf finds in the transcoded object (templates come
 * before their outer maps, since libbpf fills an outer map when it creates it). */
size_t elfmap_object__map_order(const struct elfmap_object *obj, size_t nth);

/* Makes what tc's own parser of `maps` is to see: 36-byte definitions without pins and without
 * inner maps, and the ids of PROG_ARRAYs only, so that tc fills tail-call slots and nothing else.
 * free() the bytes. */
int elfmap_object__tc_view(const struct elfmap_object *obj, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* ---- pin: where maps are pinned and whether a pin is the same map ------------------------------ */

/* "BPFFS/tc/globals/NAME" and its kin for MAP of an object whose bytes hash to SHA1 (hex); ROOT is
 * the tc directory ("/sys/fs/bpf/tc"). 0 with an empty path: the map is not pinned. -ENOENT: a
 * pinning number that no table explains (message says which tables were read). */
int elfmap_pin__path(const struct elfmap_map *map, const char *root, const char *sha1, char *path, size_t path_size,
		     struct elfmap_msg *msg);

/* Is the kernel's INFO the map that DEF asks for? Knows what the kernel changes by itself: the
 * BPF_F_RDONLY_PROG of DEVMAPs, max_entries of LRU maps with BPF_F_NO_COMMON_LRU rounded up to the
 * CPUs, PERF_EVENT_ARRAYs sized by the loader. -EEXIST with both definitions in the message. */
int elfmap_pin__compare(const struct elfmap_map *map, const struct bpf_map_info *info, struct elfmap_msg *msg);

/* Hex SHA-1 of an object's bytes, as tc names the directory of PIN_OBJECT_NS. */
void elfmap_sha1(const void *bytes, size_t size, char ret_hex[41]);

/* ---- names: what tc, bpftool and we call things ------------------------------------------------- */

#define ELFMAP_TYPE_PHRASE 48

const char *elfmap_map_type_name(__u32 type); /* "hash"; "type 99" is not in the table: NULL */
/* "an array", "a hash"; "a map of unknown type". Somewhere in TEXT, which it returns. */
const char *elfmap_map_type_phrase(__u32 type, char text[ELFMAP_TYPE_PHRASE]);
const char *elfmap_prog_type_name(__u32 type); /* "sched_cls"; NULL when unknown */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
