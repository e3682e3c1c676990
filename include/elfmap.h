/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libelfmap: legacy BPF objects (section `maps`, struct bpf_elf_map) made loadable by libbpf >= 1.0.
 *
 *   bytes --read--> struct elfmap_object --transcode--> bytes of the same object with BTF `.maps`
 *
 * `read` and `transcode` are pure: same bytes in, same bytes out; no kernel, no globals, no printing.
 * Everything returns 0 or a negative errno. Outputs named ret_… are written only on success. On
 * failure the caller's struct elfmap_msg says what is wrong and where; the library prints nothing.
 */
#ifndef ELFMAP_H
#define ELFMAP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpf_elf.h"

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
	const char *name;
	struct bpf_elf_map def; /* zero-extended, host byte order */
	size_t offset;		/* of the definition in section `maps`, bytes */
	size_t symbol;		/* index in .symtab */
	int inner;		/* map-in-map: index in maps[] of the first inner template, else -1 */
	bool is_inner;		/* its id is some outer map's inner_id */
	__u32 key_type;		/* BTF type ids that BPF_ANNOTATE_KV_PAIR gives in the object's .BTF; 0: none */
	__u32 value_type;
};

struct elfmap_prog {
	const char *name;    /* function; made from the section's name where the object has no symbol */
	const char *section; /* as in the object: what `sec NAME` must say */
	size_t section_index;
	size_t offset;		      /* of its first instruction in the section, bytes */
	size_t size;		      /* bytes */
	size_t symbol;		      /* index in .symtab; 0: it has none */
	enum bpf_prog_type type_hint; /* what the section's name suggests, else BPF_PROG_TYPE_UNSPEC */
	int slot_map;		      /* section "ID/KEY": index in maps[] of the PROG_ARRAY with that id, else -1 */
	__u32 slot_id;		      /* of "ID/KEY"; meaningful when is_slot */
	__u32 slot_key;
	bool is_slot;		   /* the section's name is "ID/KEY" */
	const char *undefined;	   /* what its section uses and nobody gives; NULL: nothing */
	const char *undefined_why; /* "which the object does not define" and the like */
};

struct elfmap_object {
	struct elfmap_map *maps; /* in the order of their definitions in section `maps` */
	size_t nr_maps;
	size_t def_size;	   /* bytes per definition as the object has them; 0 without maps */
	struct elfmap_prog *progs; /* by section, then by offset */
	size_t nr_progs;
	struct elfmap_prog *subprogs; /* functions beside programs that are called and no entries; in that order, too */
	size_t nr_subprogs;
	const char *license;   /* "" when the object has none */
	bool has_legacy_maps;  /* there is a section `maps` */
	bool needs_help;       /* that, or code as libbpf won't have it: symbols of old compilers, subprogs */
	bool has_btf_maps;     /* there is a section `.maps` that libbpf reads */
	const char **btf_maps; /* names of the maps in it */
	size_t nr_btf_maps;
	bool has_btf;	 /* beside `maps` there is a `.BTF` that libbpf can read */
	char **problems; /* what breaks the contract, gravest first; transcode refuses such an object */
	size_t nr_problems;
	struct elfmap_elf *elf; /* private: the opened image */
};

/* Reads an object from memory, which must stay as it is until elfmap_object__free().
 * Fails (-EINVAL, -ENOEXEC for what is no BPF object, -ENOMEM) only when there is no object to
 * speak of: no ELF file, another machine, another byte order, truncated. What breaks the legacy
 * contract (iproute2's, see include/bpf_elf.h) is listed in problems[] instead. */
int elfmap_object__read(const void *bytes, size_t size, struct elfmap_object **ret_obj, struct elfmap_msg *msg);
void elfmap_object__free(struct elfmap_object *obj);

/* Does the loader put INNER, a template, into the map of maps OUTER (under INNER's inner_idx)? */
bool elfmap_map__goes_into(const struct elfmap_map *inner, const struct elfmap_map *outer);

/* ---- transcode: the same object for libbpf >= 1.0 --------------------------------------------- */

struct elfmap_transcode_opts {
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
 * elfmap_object__map_order(). -EINVAL with problems[0] as message for an object that has problems.
 * free() the bytes. */
int elfmap_object__transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts,
			     void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* The index in obj->maps of the Nth map that libbpf finds in the transcoded object (templates come
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

#endif
