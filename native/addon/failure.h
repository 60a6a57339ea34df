/* What a system call that did not succeed leaves behind: enough to say which one, and why. */
#ifndef SLUICE_FAILURE_H
#define SLUICE_FAILURE_H

#include <errno.h>
#include <stdbool.h>

struct failure {
  int error; /* an errno value, positive */
  const char *syscall;
};

/* Reads errno, so it comes before any clean-up. Returns false, so that a function can end with it. */
static inline bool failed(struct failure *why, const char *syscall) {
  why->error = errno;
  why->syscall = syscall;
  return false;
}

#endif
