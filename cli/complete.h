/* SPDX-License-Identifier: MIT */
#ifndef ONCEPROOF_COMPLETE_H
#define ONCEPROOF_COMPLETE_H

/* What could stand at the cursor of a shell: see complete.c. WORDS stand behind the program's name; the last is the one at the cursor.
 * An exit status. */
int complete(int argc, char **argv);

#endif
