/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap or tun device whose ingress runs a classifier, for what a test run cannot show: VLAN tags
 * that the kernel moved into the metadata, headers outside the linear part, no link-layer header.
 * A frame that has been sent has been classified: the kernel does both in the one write().
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>

#include "frames.h"

enum device_kind {
	DEVICE_TAP, /* Ethernet */
	DEVICE_TUN, /* network headers only */
};

struct device {
	int fd;
	int ifindex;
};

/* False where the kernel has no tun driver or no clsact: the caller skips, and says why. */
bool device__open(struct device *device, enum device_kind kind, int program, const char **ret_why);
void device__close(struct device *device);

/* LINEAR: how many bytes go into the linear part (0: all). The kernel heeds it only for frames of
 * more than a page. */
void device__send(const struct device *device, const struct frame *frame, size_t linear);

#endif
