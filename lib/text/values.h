/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads and writes keys and values as text, and writes them as JSON. Text that was written reads back as the same
 * bytes:
 *
 *   integer          -5   0xff              struct     { field value ... }, in any order
 *   bool             true                   array      [ value ... ]
 *   enum             NAME_IN_THE_ENUM  2    char[]     "as in C"
 *   address          10.0.0.1  2001:db8::1  02:00:00:00:ab:01
 *   prefix           10.0.0.0/8   2001:db8::/32   hex 0a 0b/12   (default length: all bits)
 *   device           eth0   dev "7"   3
 *   cgroup           /below/the/root   1234
 *   program, map     id 12   pinned PIN   program: obj FILE sec SECTION
 *   other handles    fd 7
 *   anything         hex 0a 0b, with all bytes
 *
 * A line is an entry: KEY VALUE. The value of a per-CPU map is `[ value ... ]` with one value for each CPU, or one
 * value for all CPUs. A comment is from a `#` at the start of a word to the end of the line.
 *
 * This does not use the kernel or globals: a struct elfmap_resolver resolves external names.
 */
#ifndef ELFMAP_VALUES_H
#define ELFMAP_VALUES_H

#include <net/if.h>

#include "text/buffer.h"
#include "text/types.h"

/* ---- values --------------------------------------------------------------------------------------- */

/* A value, or its copies of all CPUs, whose numbers are added up (times: compared). */
struct elfmap_value {
	const void *bytes;
	size_t copies; /* 1: not per CPU */
	size_t stride; /* bytes between copies */
};

/* The value of a member, or of element INDEX of an array. */
struct elfmap_value elfmap_type__member(const struct elfmap_type *member, const struct elfmap_value *value,
					size_t index);
/* Wide enough for every number and every sum. */
__int128 elfmap_type__number(const struct elfmap_type *type, const struct elfmap_value *value);

/* ---- external names --------------------------------------------------------------------------- */

/* An object as written in the text. */
struct elfmap_reference {
	enum elfmap_notation kind; /* ELFMAP_PROG, ELFMAP_MAP or ELFMAP_CGROUP */
	const char *path;	   /* pinned PATH, obj PATH, or a cgroup's path; NULL: by id */
	const char *section;	   /* obj PATH sec SECTION; else NULL */
	__u64 id;
};

/* Resolves names of devices, cgroups, programs and maps; lib/map/resolve.h implements it with the kernel. Functions may
 * be NULL: then such names are refused, and numbers are written. Look-ups return 0 or a negative errno with a message,
 * `'eth9': no such device`. */
struct elfmap_resolver {
	int (*device)(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg);
	/* Finds the id and, unless RET_FD is NULL, a descriptor. The resolver owns *RET_FD and closes it when it is
	 * freed or reset. Even without RET_FD the object must stay loaded, so that the id stays valid. */
	int (*object)(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		      __u64 *ret_id, struct elfmap_msg *msg);

	/* The name of a number; NULL: no name, or one that cannot be read back. Valid until the next call. */
	const char *(*device_name)(struct elfmap_resolver *self, __u32 ifindex);
	const char *(*cgroup_path)(struct elfmap_resolver *self, __u64 id);
	/* `pinned PATH` or `obj ...` for a program or map: text that is valid longer than the id. */
	const char *(*object_words)(struct elfmap_resolver *self, enum elfmap_notation kind, __u32 id);
};

/* ---- reading --------------------------------------------------------------------------------------- */

/* The state of reading a text. Set the first block, zero the rest. */
struct elfmap_text {
	const char *at;	 /* the next character */
	const char *end; /* the end of the text; no NUL required */
	struct elfmap_resolver *resolver;
	bool ids; /* read PROG and MAP as ids, as in look-ups; else as descriptors, as in updates */
	struct elfmap_msg *msg;

	const char *line;   /* start of the current line; NULL: `at` */
	size_t line_number; /* from 1; 0: nothing read yet */
	const char *wrong;  /* after a failure: the wrong word */
	bool compare;	    /* private: compare with the bytes instead of writing */
};

/* The format of the entries of a map. */
struct elfmap_format {
	const struct elfmap_type *key; /* NULL: no keys, a line is a value */
	const struct elfmap_type *value;
	bool per_cpu;
	size_t copies; /* of the value: one for each possible CPU; 1 if not per CPU */
	size_t stride; /* bytes between the values of CPUs */
};

struct elfmap_text elfmap_text__new(const char *bytes, size_t size, struct elfmap_resolver *resolver,
				    struct elfmap_msg *msg);

/* Reads one value, all bytes of TYPE; bytes outside of all members become 0. Stops after the value, on the same line.
 * -EINVAL (or the resolver's error): TEXT->msg has the reason, TEXT->wrong the place; BYTES may have been changed. */
int elfmap_text__read(struct elfmap_text *text, const struct elfmap_type *type, void *bytes);

/* The same for the value of FORMAT: COPIES times STRIDE bytes. */
int elfmap_text__read_value(struct elfmap_text *text, const struct elfmap_format *format, void *value);

/* The same for the rest of the text, also in the syntax of bpftool: a number from 0 to 255 for each byte, `10 0 0x1f
 * 1`. */
int elfmap_text__read_data(struct elfmap_text *text, const struct elfmap_format *format, void *value);
int elfmap_text__read_key_data(struct elfmap_text *text, const struct elfmap_type *key, void *bytes);

/* Reads the next entry into KEY (key->size bytes; NULL if there are no keys) and VALUE (COPIES times STRIDE), or only
 * KEY if VALUE is NULL. 1: an entry; 0: end of the text; a negative errno as above: the line is skipped, and the next
 * call continues after it. */
int elfmap_text__read_entry(struct elfmap_text *text, const struct elfmap_format *format, void *key, void *value);

/* Is the rest of the line blank or a comment? */
bool elfmap_text__is_at_end(struct elfmap_text *text);

/* The column of TEXT->wrong, from 1, in bytes. */
size_t elfmap_text__column(const struct elfmap_text *text);

/* Replaces the ids of PROG and MAP in BYTES by descriptors, for an update. Only needed if TYPE->has_objects. Ids of 0
 * (no object) stay. */
int elfmap_type__open_objects(const struct elfmap_type *type, struct elfmap_resolver *resolver, void *bytes,
			      struct elfmap_msg *msg);

/* ---- writing --------------------------------------------------------------------------------------- */

/* Adds VALUE as text. RESOLVER may be NULL: numbers instead of names. Bytes that TYPE does not show are not written. */
void elfmap_text__write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver);

/* Adds a line, "KEY VALUE\n", that reads back as exactly these bytes. If hidden bytes (padding) are not 0, the key, or
 * the value of a CPU, is written as `hex ...` with its text in a comment. VALUE has all copies; SUM adds them up to one
 * value, which cannot be read back. */
void elfmap_text__write_entry(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			      const void *value, bool sum, struct elfmap_resolver *resolver);

/* Adds VALUE as JSON: numbers as numbers, addresses and names as strings, bytes as in bpftool, ["0x0a","0x0b"]. */
void elfmap_json__value(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value);

/* Adds {"key":...,"value":...}, or "values":[{"cpu":0,"value":...},...] for a per-CPU map without SUM, and "key_bytes"
 * if hidden bytes of the key are not 0. */
void elfmap_json__entry(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
			const void *value, bool sum);
/* The same without the braces, for an object with further members. */
void elfmap_json__entry_members(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
				const void *value, bool sum);

#endif
