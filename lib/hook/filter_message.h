/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A filter of kind bpf as a message of rtnetlink: what is read from it, and the options of the one that replaces it
 * with all of its properties. Apart from the watch it is pure, so that messages of hardware that is not there can be
 * tested.
 */
#ifndef ELFMAP_FILTER_MESSAGE_H
#define ELFMAP_FILTER_MESSAGE_H

#include "hook/hook.h"
#include "hook/netlink.h"

struct elfmap_filter {
	struct elfmap_hook hook;
	char kind[16];	     /* "bpf", or another classifier's */
	__u32 flags;	     /* TCA_CLS_FLAGS_SKIP_HW, TCA_CLS_FLAGS_SKIP_SW */
	bool has_actions;    /* of tc, after the program */
	bool is_police;	     /* with the old police action */
	bool is_classic;     /* its program is classic BPF */
	__u32 unknown;	     /* a property that this version does not know, its number; 0: none */
	__u32 unknown_flags; /* flags that this version does not know */
};

/* Reads MESSAGE into FILTER, whose device and direction are set. False: it is not a filter. (Each priority has a
 * message without a handle before its filters.) */
bool elfmap_filter__read(const struct nlmsghdr *message, struct elfmap_filter *filter);

/* Can its program be exchanged with all properties kept? -EEXIST: see MSG, which names the property. */
int elfmap_filter__check_exchange(const struct elfmap_filter *filter, struct elfmap_msg *msg);

/* Adds the options of FILTER, with program PROG, to a request that sets it. */
void elfmap_filter__put_options(struct netlink_request *request, const struct elfmap_filter *filter, int prog);

/* Starts to watch the changes of filters in this network namespace. A descriptor, or a negative errno. */
int elfmap_filter__watch(void);
/* Was another program than EXPECTED and OWN attached at HOOK since? Its id. */
bool elfmap_filter__find_change(int watch, const struct elfmap_hook *hook, __u32 expected, __u32 own, __u32 *ret_other);

#endif
