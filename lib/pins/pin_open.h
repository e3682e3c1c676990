/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pinned map: opened, with what the kernel says of it, or why it cannot be. */
#ifndef ELFMAP_PIN_OPEN_H
#define ELFMAP_PIN_OPEN_H

#include "elfmap.h"

/* Opens the map pinned at PATH, read only, and asks what it is. -EMEDIUMTYPE: the pin is a program
 * or a link. */
int elfmap_map__open(const char *path, int *ret_fd, struct bpf_map_info *ret_info, struct elfmap_msg *msg);

/* The same, for what ACCESS says. */
enum elfmap_access { ELFMAP_READ_WRITE = 0, ELFMAP_READ = BPF_F_RDONLY, ELFMAP_WRITE = BPF_F_WRONLY };
int elfmap_map__open_for(const char *path, enum elfmap_access access, int *ret_fd, struct bpf_map_info *ret_info,
			 struct elfmap_msg *msg);

/* What the kernel tells of map ID. false: it has gone, or is not to be seen. */
bool elfmap_map__describe(__u32 id, struct bpf_map_info *ret_info);

/* The message for an opening of the pin, or directory of pins, at PATH that failed with errno ERROR: which permission
 * is missing, and who has it. WRITING: it was to be written. Returns a negative errno. */
int elfmap_refusal__explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg);

#endif
