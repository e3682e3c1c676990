/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap or tun device with a classifier at ingress, for cases that a test run does not support: VLAN tags that
 * the kernel has moved into the metadata, headers outside the linear part, no link-layer header.
 * After write() returns, the frame has been classified.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "frames.h"

enum device_kind {
	DEVICE_TAP, /* Ethernet */
	DEVICE_TUN, /* network headers only */
};

struct device {
	int fd;
	int ifindex;
};

/* The reason why no such device can be made (the test is skipped); NULL if it can. */
const char *device__missing(void);

void device__open(struct device *device, enum device_kind kind, int program);
void device__close(struct device *device);

/* LINEAR: the number of bytes in the linear part (0: all). The kernel uses it only for frames larger than
 * a page. */
void device__send(const struct device *device, const struct frame *frame, size_t linear);

#endif
