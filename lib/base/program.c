// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the system's tc or ip past ourselves, and reading off its file what it is linked with; and the directory with
 * the other files of the command. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/program.h"

#define MAX_SEGMENTS 32 /* a program has about a dozen */
#define MAX_DYNAMIC 128 /* and about thirty of these */

/* A message that a libbpf which refuses legacy objects contains. */
#define REFUSAL "legacy map definitions in 'maps' section"

/* A note by which this command is recognized under any name and in any place. */
static const struct {
	ElfW(Nhdr) header;
	char name[8];
} mark __attribute__((section(".note.elfmap"), aligned(4), used)) = {{.n_namesz = 7, .n_type = 1}, "elfmap"};

#define MAX_NOTES 1024 /* bytes of them in one segment; they are a few dozen */

/* What the file's headers say, as far as it matters here. */
struct headers {
	ElfW(Ehdr) file;
	ElfW(Phdr) segments[MAX_SEGMENTS];
	ElfW(Dyn) dynamic[MAX_DYNAMIC];
	size_t nr_dynamic;
};

static bool read_at(int fd, void *to, size_t size, ElfW(Off) offset)
{
	return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static const ElfW(Phdr) * find_segment(const struct headers *headers, ElfW(Word) type)
{
	for (size_t i = 0; i < headers->file.e_phnum; i++)
		if (headers->segments[i].p_type == type)
			return &headers->segments[i];
	return NULL;
}

static bool read_headers(int fd, struct headers *headers)
{
	const ElfW(Phdr) * dynamic;
	size_t size;

	if (!read_at(fd, &headers->file, sizeof(headers->file), 0) ||
	    memcmp(headers->file.e_ident, ELFMAG, SELFMAG) != 0 || headers->file.e_phnum > MAX_SEGMENTS ||
	    headers->file.e_phentsize != sizeof(ElfW(Phdr)) ||
	    !read_at(fd, headers->segments, headers->file.e_phnum * sizeof(ElfW(Phdr)), headers->file.e_phoff))
		return false;
	dynamic = find_segment(headers, PT_DYNAMIC);
	size = !dynamic					      ? 0
	       : dynamic->p_filesz < sizeof(headers->dynamic) ? dynamic->p_filesz
							      : sizeof(headers->dynamic);
	headers->nr_dynamic = size / sizeof(ElfW(Dyn));
	return !size || read_at(fd, headers->dynamic, size, dynamic->p_offset);
}

/* The file offset of virtual address ADDRESS; 0: nowhere. */
static ElfW(Off) find_offset(const struct headers *headers, ElfW(Addr) address)
{
	for (size_t i = 0; i < headers->file.e_phnum; i++) {
		const ElfW(Phdr) *segment = &headers->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	}
	return 0;
}

/* The N of the libbpf.so.N that the program is linked with; -1 if it is not. */
static int find_libbpf(int fd, const struct headers *headers)
{
	static const char soname[] = "libbpf.so.";
	char name[sizeof(soname) + 2] = "";
	ElfW(Off) strings = 0;

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

static bool contains(int fd, const char *text)
{
	struct stat file;
	char *image;
	bool found;

	if (fstat(fd, &file) || file.st_size <= 0)
		return false;
	image = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return false;
	found = memmem(image, (size_t)file.st_size, text, strlen(text));
	munmap(image, (size_t)file.st_size);
	return found;
}

static bool has_mark(int fd, const struct headers *headers)
{
	char notes[MAX_NOTES];

	for (size_t i = 0; i < headers->file.e_phnum; i++) {
		const ElfW(Phdr) *segment = &headers->segments[i];
		size_t size = segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes);

		if (segment->p_type == PT_NOTE && read_at(fd, notes, size, segment->p_offset) &&
		    memmem(notes, size, &mark, sizeof(mark)))
			return true;
	}
	return false;
}

/* -ENOENT: it is no program to run, but ourselves under another name, or the script we come from. */
static int look_into(int fd, struct system_program *program)
{
	struct headers headers;
	char start[2] = "";

	program->help = HELP_NONE;
	program->is_script = read_at(fd, start, sizeof(start), 0) && !memcmp(start, "#!", 2);
	/* What it does to the environment (sudo clears it) is its own business; that it calls us is not. */
	if (program->is_script)
		return getenv(IN_SCRIPT) || contains(fd, "elfmap") ? -ENOENT : 0;
	if (!read_headers(fd, &headers))
		return 0;
	if (has_mark(fd, &headers))
		return -ENOENT;
	if (!find_segment(&headers, PT_INTERP))
		program->help = contains(fd, REFUSAL) ? HELP_IMPOSSIBLE : HELP_NONE;
	else if (find_libbpf(fd, &headers) >= 1)
		program->help = HELP_PRELOAD;
	return 0;
}

static bool is_program(struct system_program *program)
{
	struct stat file, self;
	int fd, err;

	if (stat(program->path, &file) || !S_ISREG(file.st_mode) || access(program->path, X_OK))
		return false;
	program->help = HELP_NONE;
	program->is_script = false;
	fd = open(program->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) /* executable but not readable: only compare it with ourselves */
		return stat("/proc/self/exe", &self) || file.st_dev != self.st_dev || file.st_ino != self.st_ino;
	err = look_into(fd, program);
	close(fd);
	return !err;
}

static bool find_in(const char *directories, const char *name, struct system_program *program)
{
	while (directories) {
		int length = (int)strcspn(directories, ":");
		int written = snprintf(program->path, sizeof(program->path), "%.*s/%s", length ? length : 1,
				       length ? directories : ".", name);

		if (written < (int)sizeof(program->path) && is_program(program))
			return true;
		directories = directories[length] ? directories + length + 1 : NULL;
	}
	return false;
}

int program__find(const char *name, struct system_program *ret_program)
{
	return find_in(getenv("PATH"), name, ret_program) || find_in("/sbin:/usr/sbin", name, ret_program) ? 0
													   : -ENOENT;
}

/* ---- our own directory ---------------------------------------------------------------------------------- */

#define LIBEXEC "/libexec/elfmap"

static void cut_last_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Without /proc there is still the path that the kernel was asked to execute. A caller with fewer rights than this
 * program could replace that meanwhile. */
static int find_program(char ret_path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	int err = length < 0 ? -errno : 0;

	if (!err)
		ret_path[length] = '\0';
	else if (!getauxval(AT_SECURE) && realpath((const char *)getauxval(AT_EXECFN), ret_path))
		err = 0;
	return err;
}

int elfmap_libexec__find(char *ret_path, size_t size)
{
	char directory[PATH_MAX];
	int err = find_program(directory);
	ssize_t length;

	*ret_path = '\0';
	if (err)
		return err;
	cut_last_name(directory);
	length = (ssize_t)strlen(directory) - (ssize_t)strlen(LIBEXEC);
	if (length >= 0 && !strcmp(directory + length, LIBEXEC)) {
		snprintf(ret_path, size, "%s", directory);
		return 1;
	}
	snprintf(ret_path, size, "%s" LIBEXEC, directory);
	if (!access(ret_path, F_OK))
		return 0;
	cut_last_name(directory);
	snprintf(ret_path, size, "%s" LIBEXEC, directory);
	return access(ret_path, F_OK) ? -errno : 0;
}
