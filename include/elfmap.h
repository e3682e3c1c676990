/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libelfmap: makes legacy BPF objects (ELF section `maps`, struct bpf_elf_map) loadable with libbpf >= 1.0.
 *
 *   struct elfmap_object *obj;
 *   struct elfmap_msg msg;
 *   void *bytes, *modern;
 *   size_t size, modern_size;
 *
 *   err = elfmap_file__read("prog.o", &bytes, &size, &msg);
 *   err = err ?: elfmap_object__read(bytes, size, &obj, &msg);
 *   err = err ?: elfmap_object__transcode(obj, NULL, &modern, &modern_size, &msg);
 *   bpf = bpf_object__open_mem(modern, modern_size, NULL);
 *
 * Errors: functions return 0 or a negative errno. On failure they write the reason to MSG, which may be NULL, and leave
 * the outputs, named ret_..., unchanged. The library never prints and never exits.
 *
 * Purity: elfmap_object__read(), __transcode() and __tc_view() depend only on their arguments. They use no global
 * state, no files and no kernel.
 *
 * Threads: an object is not changed after it was read. Several threads may use one object or different objects.
 *
 * Compatibility: structs that may grow begin with `sz`, their size in bytes. New members are added at the end. A struct
 * from the library has the size that the library knows: check with elfmap_has() before you read a member that an older
 * library may lack. In a struct from the caller, set `sz` to sizeof; members that the caller's header lacks count as 0.
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

/* The reason of a failure: one line without newline, e.g. "map 'hits': offset 28: no symbol". */
struct elfmap_msg {
	char text[512];
};

/* ---- files ------------------------------------------------------------------------------------ */

#define ELFMAP_FILE_MAX (256u << 20) /* larger files are refused with -EFBIG */

/* Read a whole regular file into memory: by PATH, or from the descriptor FD, whose file position is neither used nor
 * changed. -EISDIR or -EINVAL if it is not a regular file; they do not block on a FIFO. The caller frees *RET_BYTES
 * with free(). */
int elfmap_file__read(const char *path, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);
int elfmap_file__read_fd(int fd, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* ---- read: what an object contains ------------------------------------------------------------ */

struct elfmap_map {
	size_t sz; /* of this struct */
	const char *name;
	struct bpf_elf_map def; /* in host byte order; members that a short definition lacks are 0 */
	int inner;		/* map-in-map: index of its first inner template; else -1 */
	bool is_inner;		/* it is an inner template: an outer map has its id as inner_id */
	__u32 key_type;		/* BTF type ids from BPF_ANNOTATE_KV_PAIR; 0: not annotated */
	__u32 value_type;
	size_t offset; /* of the definition in section `maps`, bytes */
	size_t symbol; /* index in .symtab */
};

struct elfmap_prog {
	size_t sz;	     /* of this struct */
	const char *name;    /* of the function; derived from the section's name if the object has no symbol */
	const char *section; /* as in the object, and as in tc's `sec NAME` */
	size_t section_index;
	size_t offset;		      /* of its first instruction in the section, bytes */
	size_t size;		      /* bytes */
	size_t symbol;		      /* index in .symtab; 0: no symbol */
	enum bpf_prog_type type_hint; /* from the section's name; BPF_PROG_TYPE_UNSPEC: unknown */
	int slot_map;		      /* section "ID/KEY": index of the PROG_ARRAY with that id; else -1 */
	__u32 slot_id;		      /* of section "ID/KEY"; valid if is_slot */
	__u32 slot_key;
	bool is_slot;		   /* the section's name is "ID/KEY": the program is for a tail-call slot */
	const char *undefined;	   /* an undefined symbol that its section uses; NULL: there is none */
	const char *undefined_why; /* e.g. "which the object does not define" */
};

struct elfmap_object_info {
	size_t sz;	      /* of this struct */
	bool has_legacy_maps; /* it has a section `maps` */
	bool needs_help;      /* libbpf refuses it untranscoded: for `maps`, symbols of old compilers or subprograms */
	bool has_btf_maps;    /* it has a section `.maps`, which libbpf reads */
	bool has_btf;	      /* it has, in addition to `maps`, a `.BTF` that libbpf can read */
	const char *license;  /* "": it has none */
	size_t def_size;      /* bytes of each definition in `maps`; 0: no maps, or different sizes */
	size_t nr_maps;	      /* this and the next four count what the functions below return */
	size_t nr_progs;
	size_t nr_subprogs;
	size_t nr_btf_maps;
	size_t nr_problems;
};

/* True if the struct at POINTER, which is from the library, has MEMBER. */
#define elfmap_has(pointer, member) \
	((pointer)->sz >= offsetof(__typeof__(*(pointer)), member) + sizeof((pointer)->member))

struct elfmap_object; /* opaque */

/* Reads an object from memory. BYTES must stay allocated and unchanged until elfmap_object__free().
 * -ENOEXEC, -EINVAL: not a BPF object in this machine's byte order, or truncated or damaged. -ENOMEM. A BPF object that
 * breaks the rules of legacy maps (bpf_elf.h) is no failure: see elfmap_object__problem(). */
int elfmap_object__read(const void *bytes, size_t size, struct elfmap_object **ret_obj, struct elfmap_msg *msg);
void elfmap_object__free(struct elfmap_object *obj); /* OBJ may be NULL */

/* The parts of an object. The results belong to the object and are valid until it is freed. The functions with INDEX
 * return NULL if it is not below the count in struct elfmap_object_info. Order: maps as defined in section `maps`;
 * programs and subprograms by section, then by offset; problems by severity, the worst first. */
const struct elfmap_object_info *elfmap_object__info(const struct elfmap_object *obj);
const struct elfmap_map *elfmap_object__map(const struct elfmap_object *obj, size_t index);
const struct elfmap_prog *elfmap_object__prog(const struct elfmap_object *obj, size_t index);
const struct elfmap_prog *elfmap_object__subprog(const struct elfmap_object *obj, size_t index);
const char *elfmap_object__btf_map(const struct elfmap_object *obj, size_t index); /* the name of a map in `.maps` */

/* A violation of the rules of legacy maps, as one line. elfmap_object__transcode() and __tc_view() refuse an object
 * that has one. */
const char *elfmap_object__problem(const struct elfmap_object *obj, size_t index);

/* True if the loader inserts INNER, an inner template, into OUTER, a map of maps, under the key INNER->def.inner_idx.
 */
bool elfmap_map__goes_into(const struct elfmap_map *inner, const struct elfmap_map *outer);

/* ---- transcode: the same object for libbpf >= 1.0 --------------------------------------------- */

struct elfmap_transcode_opts {
	size_t sz;	      /* sizeof(struct elfmap_transcode_opts) */
	bool slot_values;     /* libbpf fills the tail-call slots (`values` of the PROG_ARRAY); else they stay empty */
	bool pin_by_name;     /* libbpf pins PIN_GLOBAL_NS maps by name; else it pins nothing */
	bool rename_slots;    /* rename sections "ID/KEY" to "slot_ID_KEY" */
	bool text_is_library; /* make no program of `.text` if another section has one: for loaders that load all */
	const char *prog_section; /* rename all program sections to this; NULL: keep the names */
};

/* The function in `.text` that is not called and that text_is_library excludes from the programs; NULL: there is none.
 */
const char *elfmap_object__spare(const struct elfmap_object *obj);

/* The section that a program in `.text` (tc's `sec .text`) has in the transcoded object, since libbpf uses `.text` for
 * subprograms only. */
#define ELFMAP_TEXT_TWIN ".text_entry"

/* Converts OBJ to an object for libbpf >= 1.0: with BTF-defined maps in `.maps`, in the order of
 * elfmap_object__map_order(), inner templates as `values` of their outer map, and symbols of the types that libbpf
 * requires. OPTS may be NULL, which is all zeros. The caller frees *RET_BYTES with free().
 * -EINVAL: OBJ has problems (MSG has the first), OBJ needs no conversion (needs_help is false), or OPTS->sz is wrong.
 * -E2BIG: OPTS sets a member that this library does not know. -ENOMEM. */
int elfmap_object__transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts,
			     void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* The index in OBJ of the NTH map of the transcoded object. Inner templates come before their outer maps, since libbpf
 * fills an outer map when it creates it. */
size_t elfmap_object__map_order(const struct elfmap_object *obj, size_t nth);

/* Makes a copy of OBJ for the parser of `maps` in tc itself, which runs before libbpf: definitions of 36 bytes, without
 * pinning, inner maps and ids other than those of PROG_ARRAYs. tc then fills tail-call slots and does nothing else.
 * The caller frees *RET_BYTES with free(). -EINVAL: OBJ has problems (MSG has the first). -ENOMEM. */
int elfmap_object__tc_view(const struct elfmap_object *obj, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* ---- pins ------------------------------------------------------------------------------------- */

/* Writes to PATH where tc pins MAP, e.g. "/sys/fs/bpf/tc/globals/NAME"; "" if MAP is not pinned. ROOT is the directory
 * of tc ("/sys/fs/bpf/tc"), SHA1 the hash of the object from elfmap_sha1(), which only PIN_OBJECT_NS uses. Reads
 * /etc/iproute2/bpf_pinning. -ENOENT: the pinning number is in no table; tc does not pin such a map. -ENAMETOOLONG. */
int elfmap_pin__path(const struct elfmap_map *map, const char *root, const char *sha1, char *path, size_t path_size,
		     struct elfmap_msg *msg);

/* Compares MAP with INFO, the kernel's description of an existing map. 0: INFO matches the definition, after allowing
 * for what the kernel or the loader changes: BPF_F_RDONLY_PROG of DEVMAPs, BPF_F_RDONLY and BPF_F_WRONLY, which it does
 * not keep, max_entries of LRU maps with BPF_F_NO_COMMON_LRU, the size of a PERF_EVENT_ARRAY. -EEXIST: it differs; MSG
 * has both definitions. */
int elfmap_pin__compare(const struct elfmap_map *map, const struct bpf_map_info *info, struct elfmap_msg *msg);

/* The SHA-1 of an object's bytes in hex, with a NUL: the directory's name for PIN_OBJECT_NS. */
void elfmap_sha1(const void *bytes, size_t size, char ret_hex[41]);

/* ---- names ------------------------------------------------------------------------------------ */

#define ELFMAP_TYPE_PHRASE 48

/* The name of a map type as bpftool prints it, e.g. "hash"; NULL: unknown. */
const char *elfmap_map_type_name(__u32 type);

/* A map type for use in a sentence: "an array", "a hash", "a map of unknown type". Writes to TEXT, and returns a
 * pointer into it. */
const char *elfmap_map_type_phrase(__u32 type, char text[ELFMAP_TYPE_PHRASE]);

/* The name of a program type as bpftool prints it, e.g. "sched_cls"; NULL: unknown. */
const char *elfmap_prog_type_name(__u32 type);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
