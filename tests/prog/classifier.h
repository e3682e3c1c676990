/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A classifier of this project in the running kernel, for the packet tests: the legacy object goes
 * through the library (read, transcode), libbpf loads what comes out, and tail-call slots are filled.
 * Nothing is pinned, so each test starts with empty maps. All of it asserts, so a test need not look at results.
 */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "frames.h"

struct elfmap_object;

struct classifier {
	struct bpf_object *object;
	void *bytes; /* libbpf reads from them */
	struct elfmap_object *wanted;
	void *legacy; /* which that points into */
};

/* PATH is below $BUILD, or below build/. */
void classifier__load(struct classifier *classifier, const char *path);
void classifier__unload(struct classifier *classifier);

/* Descriptors, which live as long as the classifier. */
int classifier__program(const struct classifier *classifier, const char *section);
int classifier__map(const struct classifier *classifier, const char *name);

/* Sends the frame through the program and returns the verdict. CONTEXT may be NULL. Fails the test unless
 * the frame comes out as it went in. */
int classifier__ask(int program, const struct frame *frame, const struct __sk_buff *context);

/* The same, and fails the test unless the verdict is TC_ACT_UNSPEC. */
void classifier__run(int program, const struct frame *frame, const struct __sk_buff *context);

#endif
