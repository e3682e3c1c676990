/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap or tun device whose ingress runs a classifier, for what a test run cannot show: VLAN tags
 * that the kernel moved into the metadata, headers outside the linear part, no link-layer header.
 * A frame that has been sent has been classified: the kernel does both in the one write().
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

/* Why there can be no such device here (a test program then skips); NULL when there can. */
const char *device__missing(void);

void device__open(struct device *device, enum device_kind kind, int program);
void device__close(struct device *device);

/* LINEAR: how many bytes go into the linear part (0: all). The kernel heeds it only for frames of
 * more than a page. */
void device__send(const struct device *device, const struct frame *frame, size_t linear);

#endif
