/* SPDX-License-Identifier: MIT */
/* A load that may fail, and is tried again; and settings that are loaded anew when their file has changed.
 *
 *   cc settings.c -pthread && ./a.out settings.txt
 */
#include <onceproof/once.h>
#include <stdio.h>
#include <stdlib.h>

static const char *path;

struct settings {
	int volume;
};

static struct settings *load_settings(void)
{
	FILE *file = fopen(path, "r");
	if (!file)
		return NULL; /* fopen() has set errno; nothing is kept of this, and the next call tries again */
	int volume, found = fscanf(file, "volume %d", &volume);
	fclose(file);
	if (found != 1) {
		errno = EINVAL;
		return NULL;
	}
	struct settings *made = (struct settings *)malloc(sizeof *made);
	if (made)
		made->volume = volume;
	return made;
}

ONCE_DEFINE(struct settings, the_settings, load_settings);

static int save(int volume)
{
	FILE *file = fopen(path, "w");
	return file && fprintf(file, "volume %d\n", volume) > 0 && fclose(file) == 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	path = argv[1];

	const struct settings *now = the_settings();
	if (!now && errno == ENOENT && save(7)) /* the first start: there is no file */
		now = the_settings();
	if (!now) {
		perror(path);
		return 1;
	}
	printf("volume %d\n", now->volume);

	/* A new file. No thread uses the old settings any more, so they are freed; the next call loads. */
	if (!save(now->volume + 1))
		return 1;
	free(the_settings_reset());
	now = the_settings();
	if (!now)
		return 1;
	printf("volume %d\n", now->volume);
	free(the_settings_reset());
	return 0;
}
