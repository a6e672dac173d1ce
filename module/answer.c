// SPDX-License-Identifier: GPL-2.0-only
/* kapsel - what a load or an attachment answers: the verdict and its records */

#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "answer.h"
#include "core/diag.h"

/* No refusal has more to say; bounds what a caller may make us allocate. */
#define MOST_ROOM	(1024 * 1024)

int kps_answer_begin(struct kps_answer *answer, struct kapsel_log *log)
{
	*answer = (struct kps_answer){ .log = log };
	log->true_size = 0;
	memset(&log->verdict, 0, sizeof(log->verdict));
	if (!log->buf || !log->size)
		return 0;
	answer->room = min_t(u32, log->size, MOST_ROOM);
	answer->buf = kvmalloc(answer->room, GFP_KERNEL_ACCOUNT);
	return answer->buf ? 0 : -ENOMEM;
}

void kps_answer_emit(struct kps_answer *answer, const void *rec, u32 size)
{
	answer->true_size += size;
	if (size > answer->room - answer->used)
		return;
	memcpy(answer->buf + answer->used, rec, size);
	answer->used += size;
}

int kps_answer_refuse(struct kps_answer *answer, u32 code, u64 detail, int err)
{
	struct kapsel_rec_problem rec = {
		.hdr = { .kind = KAPSEL_REC_ERROR, .size = sizeof(rec) },
		.code = code,
		.detail = detail,
		.has = { .reg = KAPSEL_NO_REG },
		.other = { .reg = KAPSEL_NO_REG },
	};

	if (!answer)
		return err;
	answer->log->verdict.code = code;
	kps_answer_emit(answer, &rec, sizeof(rec));
	return err;
}

int kps_answer_missing(struct kps_answer *answer, int cap)
{
	answer->log->verdict.capability = cap;
	return kps_answer_refuse(answer, KPS_D_CAPABILITY, cap, -EPERM);
}

int kps_answer_end(struct kps_answer *answer, int err)
{
	struct kapsel_log *log = answer->log;

	log->true_size = min_t(u64, answer->true_size, U32_MAX);
	if (answer->used &&
	    copy_to_user(u64_to_user_ptr(log->buf), answer->buf, answer->used))
		err = err ?: -EFAULT;
	kvfree(answer->buf);
	answer->buf = NULL;
	return err;
}
