// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The row of links that are no hook of another row, or of a device that is not seen from here. */
#include <bpf/bpf.h>
#include <unistd.h>

#include "hook/rows.h"

static bool is_listed(const struct elfmap_hooks *hooks, const struct bpf_link_info *info)
{
	for (size_t i = 0; i < hooks->nr; i++)
		if (hooks->at[i].kind->link_type == info->type && hooks->at[i].prog == info->prog_id)
			return true;
	return false;
}

static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	__u32 id = 0;
	int err = 0;

	(void)msg;
	while (!err && !bpf_link_get_next_id(id, &id)) {
		struct elfmap_hook hook = elfmap_survey__start(survey, &elfmap_hook_link, 0);
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue; /* gone since */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.prog_id && !is_listed(survey->hooks, &info)) {
			hook.link = id;
			hook.link_type = info.type;
			hook.prog = info.prog_id;
			err = elfmap_survey__add(survey, &hook);
		}
		close(fd);
	}
	return err;
}

const struct elfmap_hook_kind elfmap_hook_link = {
	.name = "link",
	.has = ELFMAP_HOOK_LINK,
	.list = list,
};
