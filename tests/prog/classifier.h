/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads a classifier of this project into the kernel for the packet tests: the library reads and transcodes
 * the legacy object, libbpf loads the result, and tail-call slots are filled. Nothing is pinned, so that each
 * test starts with empty maps. All functions assert, so that a test need not check results.
 */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "frames.h"

struct elfmap_object;

struct classifier {
	struct bpf_object *object;
	void *bytes; /* used by libbpf */
	struct elfmap_object *wanted;
	void *legacy; /* `asked` points into it */
};

/* PATH is below $BUILD, or below build/. */
void classifier__load(struct classifier *classifier, const char *path);
void classifier__unload(struct classifier *classifier);

/* Descriptors, valid as long as the classifier. */
int classifier__program(const struct classifier *classifier, const char *section);
int classifier__map(const struct classifier *classifier, const char *name);

/* Runs the program on the frame and returns the verdict. CONTEXT may be NULL. Fails the test unless
 * the frame is unchanged. */
int classifier__ask(int program, const struct frame *frame, const struct __sk_buff *context);

/* The same; fails the test unless the verdict is TC_ACT_UNSPEC. */
void classifier__run(int program, const struct frame *frame, const struct __sk_buff *context);

#endif
