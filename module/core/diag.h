/* SPDX-License-Identifier: GPL-2.0-only */
/* kapsel core - diagnostics: stable codes and the records that carry them */
#ifndef KPS_DIAG_H
#define KPS_DIAG_H

#include <linux/types.h>
#include <linux/kapsel.h>

/** enum kps_diag_code - KPS_D_NAME is the code of row NAME of diag.tbl */
enum kps_diag_code {
	KPS_D_OK = 0,
#define KPS_DIAG(code, name, title, rule, bad, fix) KPS_D_##name = code,
#include "core/diag.tbl"
#undef KPS_DIAG
};

#endif
