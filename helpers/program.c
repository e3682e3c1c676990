// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the system's tc or ip past ourselves, and reading off its file what it is linked with. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

/* What a libbpf that refuses legacy objects says, and so has in it. */
#define REFUSAL "legacy map definitions in 'maps' section"

static bool is_executable_other(const char *path, const struct stat *self)
{
	struct stat file;

	return !stat(path, &file) && S_ISREG(file.st_mode) && !access(path, X_OK) &&
	       (file.st_dev != self->st_dev || file.st_ino != self->st_ino);
}

static bool find_in(const char *directories, const char *name, const struct stat *self, char *path)
{
	while (directories) {
		int length = (int)strcspn(directories, ":");
		int written =
			snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? directories : ".", name);

		if (written < PATH_MAX && is_executable_other(path, self))
			return true;
		directories = directories[length] ? directories + length + 1 : NULL;
	}
	return false;
}

/* The file offset of virtual address ADDRESS; 0: nowhere. */
static GElf_Off find_offset(Elf *elf, size_t nr_headers, GElf_Addr address)
{
	GElf_Phdr header;

	for (size_t i = 0; i < nr_headers; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && address >= header.p_vaddr &&
		    address - header.p_vaddr < header.p_filesz)
			return header.p_offset + (address - header.p_vaddr);
	return 0;
}

/* The soname with PREFIX that the dynamic section at HEADER asks for, as a number behind it; -1: none. */
static int find_needed(Elf *elf, size_t nr_headers, const GElf_Phdr *header, const char *prefix)
{
	Elf_Data *entries = elf_getdata_rawchunk(elf, (int64_t)header->p_offset, header->p_filesz, ELF_T_DYN);
	GElf_Off strings = 0;
	size_t size;
	const char *image = elf_rawfile(elf, &size);
	GElf_Dyn entry;

	for (int i = 0; entries && gelf_getdyn(entries, i, &entry) && entry.d_tag != DT_NULL; i++)
		if (entry.d_tag == DT_STRTAB)
			strings = find_offset(elf, nr_headers, entry.d_un.d_ptr);
	for (int i = 0; image && strings && gelf_getdyn(entries, i, &entry) && entry.d_tag != DT_NULL; i++) {
		size_t at = strings + entry.d_un.d_val, length = strlen(prefix);

		if (entry.d_tag == DT_NEEDED && at < size && size - at > length + 1 &&
		    !strncmp(image + at, prefix, length))
			return atoi(image + at + length);
	}
	return -1;
}

static void look_into(Elf *elf, struct program *program)
{
	const GElf_Phdr *dynamic = NULL;
	bool has_interpreter = false;
	GElf_Phdr header, found;
	size_t nr, size;
	const char *image = elf_rawfile(elf, &size);

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &nr))
		return;
	for (size_t i = 0; i < nr && gelf_getphdr(elf, (int)i, &header); i++) {
		has_interpreter |= header.p_type == PT_INTERP;
		if (header.p_type != PT_DYNAMIC)
			continue;
		found = header;
		dynamic = &found;
	}
	if (has_interpreter && dynamic && find_needed(elf, nr, dynamic, "libbpf.so.") >= 1)
		program->help = HELP_PRELOAD;
	else if (!has_interpreter && image && memmem(image, size, REFUSAL, strlen(REFUSAL)))
		program->help = HELP_IMPOSSIBLE;
}

int program__find(const char *name, struct program *ret_program)
{
	const char *path = getenv("PATH");
	struct stat self = {};
	Elf *elf;
	int fd;

	if (stat("/proc/self/exe", &self))
		return -errno;
	if (!find_in(path, name, &self, ret_program->path) &&
	    !find_in("/sbin:/usr/sbin", name, &self, ret_program->path))
		return -ENOENT;
	ret_program->help = HELP_NONE;
	fd = open(ret_program->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* executable but not readable: it runs, and we don't know more */
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf)
		look_into(elf, ret_program);
	elf_end(elf);
	close(fd);
	return 0;
}
