/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is pinned below a directory (every map, program and link, at any depth), and opening a pinned map. */
#ifndef ELFMAP_PINS_H
#define ELFMAP_PINS_H

#include <sys/types.h>

#include "elfmap.h"

enum elfmap_pin_kind {
	ELFMAP_PIN_MAP,
	ELFMAP_PIN_PROG,
	ELFMAP_PIN_LINK,
	ELFMAP_PIN_UNREADABLE, /* a pin or a directory that we may not open */
};

struct elfmap_pinned {
	char *path;
	enum elfmap_pin_kind kind;
	__u32 id;     /* of the map or program; 0 for the others */
	int err;      /* unreadable: the negative errno */
	bool is_link; /* a symbolic link to a pin, which holds nothing by itself */
	dev_t dev;    /* with ino: two mounts may show the same pin */
	ino_t ino;
};

struct elfmap_pins {
	struct elfmap_pinned *pins; /* in the order of their paths, once elfmap_pins__read() is through */
	size_t nr;
};

/* Reads what is pinned below DIR, which may not be there; not what elfmap notes in tc/elfmap. What cannot be opened is
 * ELFMAP_PIN_UNREADABLE.
 * -ENOMEM. elfmap_pins__free() what it gives. */
int elfmap_pins__read(const char *dir, struct elfmap_pins *ret_pins);
/* The same for every bpf file system that is mounted here, a pin that can be reached twice once. */
int elfmap_pins__read_all(struct elfmap_pins *ret_pins);
void elfmap_pins__free(struct elfmap_pins *pins);

/* Opens the map pinned at PATH, read only, and asks what it is. -EMEDIUMTYPE: the pin is a program
 * or a link. */
int elfmap_map__open(const char *path, int *ret_fd, struct bpf_map_info *ret_info, struct elfmap_msg *msg);

/* The same with ACCESS. */
enum elfmap_access { ELFMAP_READ_WRITE = 0, ELFMAP_READ = BPF_F_RDONLY, ELFMAP_WRITE = BPF_F_WRONLY };
int elfmap_map__open_for(const char *path, enum elfmap_access access, int *ret_fd, struct bpf_map_info *ret_info,
			 struct elfmap_msg *msg);

/* The id of a map; 0: unknown. */
__u32 elfmap_map__id(int fd);
/* Information on map ID. false: it has gone, or may not be read. */
bool elfmap_map__describe(__u32 id, struct bpf_map_info *ret_info);

/* Explains why the pin, or directory of pins, at PATH could not be opened (errno ERROR), for writing if WRITING: which
 * permission is missing, and who has it. Returns a negative errno. */
int elfmap_refusal__explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg);

#endif
