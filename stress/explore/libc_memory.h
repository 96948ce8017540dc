/* SPDX-License-Identifier: MIT */
/* Library functions on memory as explored code sees them: what each of them reads and writes is told to the runtime as plain accesses.
 * Where an address is known to race, they go on in pieces that lie in one 8-byte granule each, so that what they read is what the
 * execution decided on.
 *
 * An explored_NAME is called wherever explored code calls NAME (taken_memory.txt). Outside of explored threads it is NAME.
 */
#ifndef ONCEPROOF_EXPLORE_LIBC_MEMORY_H
#define ONCEPROOF_EXPLORE_LIBC_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* For functions that are taken over, in explored threads; SITE is the caller's. */

/* Copies from and to memory of the program, which may overlap. */
void memory_move(void *to, const void *from, size_t bytes, const void *site);
/* Copies to memory of the program from the runtime's own. */
void memory_put(void *to, const void *from, size_t bytes, const void *site);
void memory_set(void *to, int value, size_t bytes, const void *site);
/* strnlen, with the bytes looked at as reads. */
size_t memory_length(const char *text, size_t limit, const void *site);
/* Ends the execution if BYTES do not fit into ROOM, as the compiler knew it (_FORTIFY_SOURCE). */
void memory_fits(size_t bytes, size_t room, const void *site);

/* heap_functions.c */
void *explored_malloc(size_t bytes);
void *explored_calloc(size_t count, size_t bytes);
void *explored_realloc(void *p, size_t bytes);
void *explored_reallocarray(void *p, size_t count, size_t bytes);
void explored_free(void *p);
void *explored_aligned_alloc(size_t alignment, size_t bytes);
int explored_posix_memalign(void **p, size_t alignment, size_t bytes);
void *explored_memalign(size_t alignment, size_t bytes);
void *explored_valloc(size_t bytes);
void *explored_pvalloc(size_t bytes);
size_t explored_malloc_usable_size(void *p);
char *explored_strdup(const char *text);
char *explored_strndup(const char *text, size_t limit);
char *explored___strdup(const char *text);
char *explored___strndup(const char *text, size_t limit);

/* libc_memory.c */
void *explored_memcpy(void *to, const void *from, size_t bytes);
void *explored_memmove(void *to, const void *from, size_t bytes);
void *explored_mempcpy(void *to, const void *from, size_t bytes);
void *explored_memccpy(void *to, const void *from, int last, size_t bytes);
void *explored_memset(void *to, int value, size_t bytes);
void explored_bcopy(const void *from, void *to, size_t bytes);
void explored_bzero(void *to, size_t bytes);
void explored_explicit_bzero(void *to, size_t bytes);
int explored_memcmp(const void *a, const void *b, size_t bytes);
int explored_bcmp(const void *a, const void *b, size_t bytes);
void *explored_memchr(const void *in, int value, size_t bytes);
void *explored_memrchr(const void *in, int value, size_t bytes);
void *explored_rawmemchr(const void *in, int value);
void *explored_memmem(const void *in, size_t in_bytes, const void *part, size_t part_bytes);
void *explored___memcpy_chk(void *to, const void *from, size_t bytes, size_t room);
void *explored___memmove_chk(void *to, const void *from, size_t bytes, size_t room);
void *explored___mempcpy_chk(void *to, const void *from, size_t bytes, size_t room);
void *explored___memset_chk(void *to, int value, size_t bytes, size_t room);
void explored___explicit_bzero_chk(void *to, size_t bytes, size_t room);

/* libc_strings.c */
size_t explored_strlen(const char *text);
size_t explored_strnlen(const char *text, size_t limit);
char *explored_strcpy(char *to, const char *from);
char *explored_stpcpy(char *to, const char *from);
char *explored_strncpy(char *to, const char *from, size_t bytes);
char *explored_stpncpy(char *to, const char *from, size_t bytes);
char *explored_strcat(char *to, const char *from);
char *explored_strncat(char *to, const char *from, size_t limit);
int explored_strcmp(const char *a, const char *b);
int explored_strncmp(const char *a, const char *b, size_t limit);
int explored_strcasecmp(const char *a, const char *b);
int explored_strncasecmp(const char *a, const char *b, size_t limit);
char *explored_strchr(const char *text, int value);
char *explored_strchrnul(const char *text, int value);
char *explored_strrchr(const char *text, int value);
char *explored_index(const char *text, int value);
char *explored_rindex(const char *text, int value);
char *explored_strstr(const char *text, const char *part);
char *explored_strcasestr(const char *text, const char *part);
size_t explored_strspn(const char *text, const char *set);
size_t explored_strcspn(const char *text, const char *set);
char *explored_strpbrk(const char *text, const char *set);
char *explored_strtok_r(char *text, const char *set, char **rest);
char *explored___strtok_r(char *text, const char *set, char **rest);
char *explored_strsep(char **rest, const char *set);
char *explored___strcpy_chk(char *to, const char *from, size_t room);
char *explored___stpcpy_chk(char *to, const char *from, size_t room);
char *explored___strncpy_chk(char *to, const char *from, size_t bytes, size_t room);
char *explored___stpncpy_chk(char *to, const char *from, size_t bytes, size_t room);
char *explored___strcat_chk(char *to, const char *from, size_t room);
char *explored___strncat_chk(char *to, const char *from, size_t limit, size_t room);

/* libc_print.c */
int explored_vsnprintf(char *to, size_t room, const char *format, va_list args);
int explored_snprintf(char *to, size_t room, const char *format, ...);
int explored_vsprintf(char *to, const char *format, va_list args);
int explored_sprintf(char *to, const char *format, ...);
int explored_vasprintf(char **to, const char *format, va_list args);
int explored_asprintf(char **to, const char *format, ...);
int explored___vsnprintf_chk(char *to, size_t limit, int flag, size_t room, const char *format, va_list args);
int explored___snprintf_chk(char *to, size_t limit, int flag, size_t room, const char *format, ...);
int explored___vsprintf_chk(char *to, int flag, size_t room, const char *format, va_list args);
int explored___sprintf_chk(char *to, int flag, size_t room, const char *format, ...);
int explored___vasprintf_chk(char **to, int flag, const char *format, va_list args);
int explored___asprintf_chk(char **to, int flag, const char *format, ...);

#endif
