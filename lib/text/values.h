/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keys and values as text, both ways, and as JSON. What is written can be read back, and gives the
 * same bytes:
 *
 *   integer          -5   0xff              struct     { field value ... }, in any order
 *   bool             true                   array      [ value ... ]
 *   enum             NAME_IN_THE_ENUM  2    char[]     "as in C"
 *   address          10.0.0.1  2001:db8::1  02:00:00:00:ab:01
 *   prefix           10.0.0.0/8   2001:db8::/32   hex 0a 0b/12   (no length: all of it)
 *   device           eth0   dev "7"   3
 *   cgroup           /below/the/root   1234
 *   program, map     id 12   pinned PIN   program: obj FILE sec SECTION
 *   other handles    fd 7
 *   anything         hex 0a 0b, as many bytes as it has
 *
 * A line is an entry: KEY VALUE. Of a per-CPU map the value is `[ value ... ]` with one for each CPU, or
 * one value for all. A comment goes from `#`, where a word could begin, to the line's end.
 *
 * No kernel, no globals: whatever has a name outside of the text is asked of a struct elfmap_resolver.
 */
#ifndef ELFMAP_VALUES_H
#define ELFMAP_VALUES_H

#include <net/if.h>

#include "text/buffer.h"
#include "text/types.h"

/* ---- values --------------------------------------------------------------------------------------- */

/* A value, or the copies of it that the CPUs have, whose numbers are then added up (times: compared). */
struct elfmap_value {
	const void *bytes;
	size_t copies; /* 1: nothing to add */
	size_t stride; /* bytes from a copy to the next */
};

/* The value of a member, or of an array's element INDEX. */
struct elfmap_value elfmap_type__member(const struct elfmap_type *member, const struct elfmap_value *value,
					size_t index);
/* Wide enough for every number and every sum. */
__int128 elfmap_type__number(const struct elfmap_type *type, const struct elfmap_value *value);

/* ---- names from outside --------------------------------------------------------------------------- */

/* How an object was spelled. */
struct elfmap_reference {
	enum elfmap_notation kind; /* ELFMAP_PROG, ELFMAP_MAP or ELFMAP_CGROUP */
	const char *path;	   /* pinned PATH, obj PATH, or a cgroup's path; NULL: by id */
	const char *section;	   /* obj PATH sec SECTION; else NULL */
	__u64 id;
};

/* Knows the names of devices, cgroups, programs and maps: lib/map/resolve.h has the kernel's. Functions may
 * be NULL: such names are refused, and numbers are written. Functions that find something return 0 or a
 * negative errno with a message, `'eth9': no such device`. */
struct elfmap_resolver {
	int (*device)(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg);
	/* An open descriptor and the id. *RET_FD is the resolver's: it stays open until the resolver is
	 * freed, or told to forget, and nobody else closes it. RET_FD is NULL if only the id is wanted;
	 * the object must stay what the id means all the same. */
	int (*object)(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		      __u64 *ret_id, struct elfmap_msg *msg);

	/* The name for a number; NULL: it has none, or none that would be understood here. Good until the
	 * next call. */
	const char *(*device_name)(struct elfmap_resolver *self, __u32 ifindex);
	const char *(*cgroup_path)(struct elfmap_resolver *self, __u64 id);
	/* `pinned PATH` or `obj ...` for a program or a map: for text that is to outlive the ids. */
	const char *(*object_words)(struct elfmap_resolver *self, enum elfmap_notation kind, __u32 id);
};

/* ---- reading --------------------------------------------------------------------------------------- */

/* A place in text that is being read. Set the first block, zero the rest. */
struct elfmap_text {
	const char *at;	 /* what is read next */
	const char *end; /* nothing is read from here on; no NUL is needed */
	struct elfmap_resolver *resolver;
	bool ids; /* PROG and MAP give ids, as look-ups show them; else descriptors, as updates take them */
	struct elfmap_msg *msg;

	const char *line;   /* where the current line begins; NULL: at `at` */
	size_t line_number; /* from 1; 0: nothing has been read */
	const char *wrong;  /* after a failure: the word that is to blame */
	bool compare;	    /* private: what is read must be in the bytes already */
};

/* How the entries of a map are written. */
struct elfmap_format {
	const struct elfmap_type *key; /* NULL: the map has no keys, a line is a value */
	const struct elfmap_type *value;
	bool per_cpu;
	size_t copies; /* of the value: one a CPU that the kernel could have; 1 if not per CPU */
	size_t stride; /* bytes from a CPU's value to the next */
};

struct elfmap_text elfmap_text__new(const char *bytes, size_t size, struct elfmap_resolver *resolver,
				    struct elfmap_msg *msg);

/* Reads one value, all of TYPE's bytes; what no member shows becomes 0. Stays in the line and stops
 * behind the value. -EINVAL (or the resolver's error): TEXT->msg has the reason, TEXT->wrong the place;
 * BYTES may have been written. */
int elfmap_text__read(struct elfmap_text *text, const struct elfmap_type *type, void *bytes);

/* The same for FORMAT's value: COPIES times STRIDE bytes. */
int elfmap_text__read_value(struct elfmap_text *text, const struct elfmap_format *format, void *value);

/* The same for all that is left of the text, in bpftool's spelling, too: as many numbers from 0 to 255 as
 * the value has bytes, `10 0 0x1f 1`. */
int elfmap_text__read_data(struct elfmap_text *text, const struct elfmap_format *format, void *value);
int elfmap_text__read_key_data(struct elfmap_text *text, const struct elfmap_type *key, void *bytes);

/* Reads the next line that has an entry into KEY (key->size bytes; NULL if there are no keys) and VALUE
 * (COPIES times STRIDE), or into KEY alone if VALUE is NULL. 1: here is one; 0: the text is at its end; a
 * negative errno as above: nothing of that line counts, and TEXT is behind it, so that the next call goes on. */
int elfmap_text__read_entry(struct elfmap_text *text, const struct elfmap_format *format, void *key, void *value);

/* Nothing but blanks and a comment before the line's end? */
bool elfmap_text__is_at_end(struct elfmap_text *text);

/* Where TEXT->wrong is in its line, from 1, in bytes. */
size_t elfmap_text__column(const struct elfmap_text *text);

/* Turns the ids that PROG and MAP have in BYTES into descriptors, for an update. Nothing to do unless
 * TYPE->has_objects. Ids of 0, for none, stay. */
int elfmap_type__open_objects(const struct elfmap_type *type, struct elfmap_resolver *resolver, void *bytes,
			      struct elfmap_msg *msg);

/* ---- writing --------------------------------------------------------------------------------------- */

/* Adds VALUE in words. RESOLVER may be NULL: numbers. What TYPE does not show is not written. */
void elfmap_text__write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver);

/* Adds a line, "KEY VALUE\n", that gives exactly these bytes when it is read. Bytes that a type does not
 * show (padding) and that are not 0 make the key, or a CPU's value, `hex ...`, with the words in a comment
 * behind it. VALUE has all copies; SUM adds them up to one (which is only for the eye). */
void elfmap_text__write_entry(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			      const void *value, bool sum, struct elfmap_resolver *resolver);

/* Adds VALUE as JSON: numbers as numbers, addresses and names as strings, bytes as bpftool has them,
 * ["0x0a","0x0b"]. */
void elfmap_json__value(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value);

/* Adds {"key":...,"value":...}, or "values":[{"cpu":0,"value":...},...] for a per-CPU map that is not
 * summed up, and "key_bytes" where the key hides something. */
void elfmap_json__entry(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
			const void *value, bool sum);
/* The same without the braces, into an object that has other members, too. */
void elfmap_json__entry_members(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
				const void *value, bool sum);

#endif
