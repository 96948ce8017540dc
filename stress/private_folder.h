/* SPDX-License-Identifier: MIT */
/* Temporary folders that nobody else can look into, and that do not stay behind. */
#ifndef ONCEPROOF_PRIVATE_FOLDER_H
#define ONCEPROOF_PRIVATE_FOLDER_H

struct private_folder {
	char *path;
	int lock; /* descriptor of a file in it that is locked while the owner lives */
};

/* Makes an empty folder (mode 0700) below TMPDIR, or /tmp. It is removed by private_folder_remove, at the latest when this process exits;
 * that of a process which was killed by the next one that makes a folder there. 0, or EXIT_USAGE after one complaint. Not thread-safe. */
int private_folder_make(struct private_folder *folder);

/* Removes it with all that is in it. Safe on zeroed memory, and twice. */
void private_folder_remove(struct private_folder *folder);

#endif
