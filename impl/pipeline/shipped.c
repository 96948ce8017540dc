/* SPDX-License-Identifier: MIT */
/* The manifest that is part of the program; the build says where the file is. */
#include "batch.h"

__asm__(".pushsection .rodata\n"
	".global batch_shipped_manifest\n"
	"batch_shipped_manifest:\n"
	".incbin \"" ONCEPROOF_SHIPPED_MANIFEST "\"\n"
	".Lshipped_end:\n"
	".balign 8\n"
	".global batch_shipped_manifest_bytes\n"
	"batch_shipped_manifest_bytes:\n"
	".quad .Lshipped_end - batch_shipped_manifest\n"
	".popsection\n");
