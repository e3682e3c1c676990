// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See device.h. */
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "device.h"
#include "test.h"

static void set_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_flags = IFF_UP};

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static bool open_device(struct device *device, enum device_kind kind)
{
	struct ifreq request = {.ifr_flags = (kind == DEVICE_TAP ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR};

	device->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (device->fd < 0)
		return false;
	assert_int_equal(ioctl(device->fd, TUNSETIFF, &request), 0);
	device->ifindex = if_nametoindex(request.ifr_name);
	set_up(request.ifr_name);
	return true;
}

const char *device__missing(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	struct device device;
	int err;

	if (!open_device(&device, DEVICE_TAP))
		return "no /dev/net/tun";
	hook.ifindex = device.ifindex;
	err = bpf_tc_hook_create(&hook);
	device__close(&device);
	return err ? "no clsact" : NULL;
}

void device__open(struct device *device, enum device_kind kind, int program)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program, .handle = 1, .priority = 1);

	assert_true(open_device(device, kind));
	hook.ifindex = device->ifindex;
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &filter), 0);
}

void device__close(struct device *device)
{
	close(device->fd); /* the kernel removes the device and its filter with the last descriptor */
	device->fd = -1;
}

void device__send(const struct device *device, const struct frame *frame, size_t linear)
{
	struct virtio_net_hdr header = {.hdr_len = linear};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)frame->bytes, frame->size}};

	assert_int_equal(writev(device->fd, parts, 2), sizeof(header) + frame->size);
}
