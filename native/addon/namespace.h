/*
 * Network namespaces, named by the path of a file that holds one: /run/netns/x, /proc/PID/ns/net,
 * or a file made by namespace_create(). Every function returns false and fills `why` on failure.
 */
#ifndef SLUICE_NAMESPACE_H
#define SLUICE_NAMESPACE_H

#include <stddef.h>

#include "failure.h"

/* Makes a namespace and keeps it alive as a new file at `path`. The caller stays where it is. */
bool namespace_create(const char *path, struct failure *why);

/* Moves the calling thread for good. */
bool namespace_enter(const char *path, struct failure *why);

/* Lets go of a namespace; nothing to delete is success. */
bool namespace_delete(const char *path, struct failure *why);

/* socket(2) inside the namespace at `path`, or in the thread's own one if `path` is NULL. */
bool namespace_socket(const char *path, int domain, int type, int protocol, int *fd,
                      struct failure *why);

struct file {
  const char *name, *text;
};

/*
 * Writes existing files of a directory, such as one under /proc/sys/net, as seen there, or in the thread's own one if
 * `path` is NULL. Each in one write(2), up to the first that fails. Says how many were `written`.
 */
bool namespace_write_files(const char *path, const char *directory, const struct file *files,
                           size_t count, size_t *written, struct failure *why);

#endif
