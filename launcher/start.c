// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where a statically linked command starts, and which libc it goes on with. glibc's start asks the
 * processor for its features some seventy times, and each time leaves a virtual machine: more time than
 * all that the launcher does. musl starts at once, but libbpf and libelf are built for glibc. So the
 * command has both: this file, the launcher and what these need of musl are linked into one object
 * whose names nobody else sees (Makefile: $(BUILD)/start.o), and that is linked into the command:
 *
 *   elfmap_start --> start() --the launcher's call?--> musl's start --> run() --> launcher__run()
 *                            \--any other-----------> glibc's _start --> main() in helpers/main.c
 *
 * Nothing depends on it: without musl, and on other processors, main() asks the launcher itself.
 */
#include <elf.h>
#include <link.h>
#include <stddef.h>

#include "launcher/launcher.h"

int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void));

/* musl would run the constructors and destructors of this program, which are glibc's. */
void __libc_start_init(void);
void __libc_exit_fini(void);

void __libc_start_init(void)
{
}

void __libc_exit_fini(void)
{
}

/* musl would find glibc's thread variables by the program headers, and make room for them. It needs
 * nothing else that they say. */
static void hide_program_headers(char **envp)
{
	ElfW(auxv_t) * at;

	while (*envp)
		envp++;
	for (at = (ElfW(auxv_t) *)(envp + 1); at->a_type != AT_NULL; at++)
		if (at->a_type == AT_PHNUM)
			at->a_un.a_val = 0;
}

static int run(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)envp;
	return launcher__run(argv);
}

/* STACK is as the kernel leaves it: argc, argv, NULL, the environment, NULL, the auxiliary vector.
 * Returns, with all of that untouched, when the call is not the launcher's. No libc has started: there
 * are no thread variables, no errno and no stack protector. */
__attribute__((used)) static void start(long *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);

	if (!launcher__is_called(argv))
		return;
	hide_program_headers(argv + argc + 1);
	__libc_start_main(run, argc, argv, NULL, NULL, NULL);
}

/* glibc's _start takes what is in rdx for a function to call at exit. */
#ifdef __x86_64__
__asm__(".globl elfmap_start\n"
	"elfmap_start:\n"
	"	mov	%rsp, %rdi\n"
	"	call	start\n"
	"	xor	%edx, %edx\n"
	"	jmp	_start\n");
#endif
