/*
 * Tells when a descriptor has something to read. One thread serves the whole process, asleep in
 * epoll_wait(2) until there is something to tell; it is started by the first watch and never ends.
 */
#ifndef SLUICE_WATCH_H
#define SLUICE_WATCH_H

#include <stdint.h>

#include "failure.h"

struct watch {
  int fd;
  /* Runs on the watching thread, with its lock held: be short, and call nothing of this file. */
  void (*ready)(void *context);
  void *context;
  uint64_t id;        /* of this file */
  struct watch *next; /* of this file */
};

/* Begins to watch; fd, ready and context are filled in by the caller, who keeps the memory. */
bool watch_start(struct watch *watch, struct failure *why);

/* ready() runs at most once after watch_start(), and once more after each watch_again(). */
bool watch_again(struct watch *watch, struct failure *why);

/* When this returns, ready() is not running and never will. Comes before close(fd). */
void watch_stop(struct watch *watch);

#endif
