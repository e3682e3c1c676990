// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens maps by their id. With the last descriptor and pin of a PROG_ARRAY the kernel takes a reference and has a
 * worker empty the array and drop it. If the array is opened and closed once more before the worker has run, the kernel
 * takes a second reference that nothing drops: the array stays in memory until the machine restarts. So a PROG_ARRAY is
 * not opened again at once. */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <time.h>

#include "kinds/maps.h"
#include "pins/map_id.h"

#define NR_LATEST 256
#define PAUSE_NS 50000 /* sched_yield() is not enough: 19 of 50 arrays were lost when each was opened 1,000 times */

/* The PROG_ARRAYs opened lately, at id % NR_LATEST. What has been pushed out was opened long enough ago. */
static __u32 latest[NR_LATEST];

int elfmap_map__open_id(__u32 id)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd;

	if (__atomic_load_n(&latest[id % NR_LATEST], __ATOMIC_RELAXED) == id)
		nanosleep(&pause, NULL);
	fd = bpf_map_get_fd_by_id(id);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && elfmap_map__is_prog_array(info.type))
		__atomic_store_n(&latest[id % NR_LATEST], id, __ATOMIC_RELAXED);
	return fd;
}
