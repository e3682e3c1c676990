// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the system's tc or ip past ourselves, and reading off its file what it is linked with. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"

#define MAX_SEGMENTS 32 /* a program has about a dozen */
#define MAX_DYNAMIC 128 /* and about thirty of these */

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

/* What the file's headers say, as far as it matters here. */
struct headers {
	Elf64_Ehdr file;
	Elf64_Phdr segments[MAX_SEGMENTS];
	Elf64_Dyn dynamic[MAX_DYNAMIC];
	size_t nr_dynamic;
};

static bool read_at(int fd, void *to, size_t size, Elf64_Off offset)
{
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static const Elf64_Phdr *find_segment(const struct headers *headers, Elf64_Word type)
{
	for (size_t i = 0; i < headers->file.e_phnum; i++)
		if (headers->segments[i].p_type == type)
			return &headers->segments[i];
	return NULL;
}

static bool read_headers(int fd, struct headers *headers)
{
	const Elf64_Phdr *dynamic;
	size_t size;

	if (!read_at(fd, &headers->file, sizeof(headers->file), 0) ||
	    memcmp(headers->file.e_ident, ELFMAG, SELFMAG) != 0 || headers->file.e_phnum > MAX_SEGMENTS ||
	    headers->file.e_phentsize != sizeof(Elf64_Phdr) ||
	    !read_at(fd, headers->segments, headers->file.e_phnum * sizeof(Elf64_Phdr), headers->file.e_phoff))
		return false;
	dynamic = find_segment(headers, PT_DYNAMIC);
	size = !dynamic					      ? 0
	       : dynamic->p_filesz < sizeof(headers->dynamic) ? dynamic->p_filesz
							      : sizeof(headers->dynamic);
	headers->nr_dynamic = size / sizeof(Elf64_Dyn);
	return !size || read_at(fd, headers->dynamic, size, dynamic->p_offset);
}

/* The file offset of virtual address ADDRESS; 0: nowhere. */
static Elf64_Off find_offset(const struct headers *headers, Elf64_Addr address)
{
	for (size_t i = 0; i < headers->file.e_phnum; i++) {
		const Elf64_Phdr *segment = &headers->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	}
	return 0;
}

/* The N of the libbpf.so.N that the program is linked with; -1: with none. */
static int find_libbpf(int fd, const struct headers *headers)
{
	static const char soname[] = "libbpf.so.";
	char name[sizeof(soname) + 2] = "";
	Elf64_Off strings = 0;

	for (size_t i = 0; i < headers->nr_dynamic; i++)
		if (headers->dynamic[i].d_tag == DT_STRTAB)
			strings = find_offset(headers, headers->dynamic[i].d_un.d_ptr);
	for (size_t i = 0; strings && i < headers->nr_dynamic; i++)
		if (headers->dynamic[i].d_tag == DT_NEEDED &&
		    read_at(fd, name, sizeof(name) - 1, strings + headers->dynamic[i].d_un.d_val) &&
		    !strncmp(name, soname, strlen(soname)))
			return atoi(name + strlen(soname));
	return -1;
}

static bool refuses_by_itself(int fd)
{
	struct stat file;
	char *image;
	bool found;

	if (fstat(fd, &file) || file.st_size <= 0)
		return false;
	image = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return false;
	found = memmem(image, (size_t)file.st_size, REFUSAL, strlen(REFUSAL));
	munmap(image, (size_t)file.st_size);
	return found;
}

static void look_into(int fd, struct program *program)
{
	struct headers headers;

	if (!read_headers(fd, &headers))
		return;
	if (!find_segment(&headers, PT_INTERP))
		program->help = refuses_by_itself(fd) ? HELP_IMPOSSIBLE : HELP_NONE;
	else if (find_libbpf(fd, &headers) >= 1)
		program->help = HELP_PRELOAD;
}

int program__find(const char *name, struct program *ret_program)
{
	const char *path = getenv("PATH");
	struct stat self = {};
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
	look_into(fd, ret_program);
	close(fd);
	return 0;
}
