/* cleanup.h - locals that clean themselves up: AUTO(freep) char *s = ...; */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))

/* Passes `ptr` on to a new owner: the cleanup of the local then finds NULL. */
#define TAKE(ptr)                               \
	({                                      \
		__typeof__(ptr) taken_ = (ptr); \
		(ptr) = NULL;                   \
		taken_;                         \
	})

/* The same for a descriptor: the local then holds -1. */
#define TAKE_FD(fd)                   \
	({                            \
		int taken_fd_ = (fd); \
		(fd) = -1;            \
		taken_fd_;            \
	})

static inline void freep(void *ptr)
{
	free(*(void **)ptr);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}
