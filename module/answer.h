/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel - what a load or an attachment answers: the verdict and its records */
#ifndef KPS_ANSWER_H
#define KPS_ANSWER_H

#include <linux/types.h>
#include <linux/kapsel.h>

/**
 * struct kps_answer - an answer in the making
 * @log: the tail of the ioctl's struct
 * @buf: records so far, as much of the caller's room as is sensible
 * @room: bytes of @buf
 * @used: of them
 * @true_size: bytes that all records would take
 */
struct kps_answer {
	struct kapsel_log *log;
	void *buf;
	u32 room;
	u32 used;
	u64 true_size;
};

/** kps_answer_begin - set up, with @log as the caller gave it; 0 or -ENOMEM */
int kps_answer_begin(struct kps_answer *answer, struct kapsel_log *log);

/** kps_answer_emit - take a record, or leave it out if it does not fit whole */
void kps_answer_emit(struct kps_answer *answer, const void *rec, u32 size);

/**
 * kps_answer_refuse - say why not
 * @answer: gets the code, and a record with @detail; NULL: nobody asks
 * @code: KPS_D_*
 * @detail: see struct kapsel_rec_problem
 * @err: -errno
 *
 * Return: @err.
 */
int kps_answer_refuse(struct kps_answer *answer, u32 code, u64 detail, int err);

/** kps_answer_missing - refuse for want of capability @cap; -EPERM */
int kps_answer_missing(struct kps_answer *answer, int cap);

/** kps_answer_end - hand the records over and free; @err, or -EFAULT */
int kps_answer_end(struct kps_answer *answer, int err);

#endif
