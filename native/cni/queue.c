#define _GNU_SOURCE
#include "queue.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough of a container's id for a person to know it by. */
enum { READABLE_BYTES = 80 };

static bool make_folders(const char *folder);
static bool join(char path[PATH_MAX], const char *folder, const char *name);
static void name_file(char name[NAME_MAX], const char *container, const char *interface);
static uint64_t hash(uint64_t state, const char *text);
static bool write_and_close(int fd, const struct request *request);

bool queue_deletion(const char *folder, const struct request *request, const char *container,
                    const char *interface) {
  char name[NAME_MAX], path[PATH_MAX], temporary[PATH_MAX];
  name_file(name, container, interface);
  if (!join(path, folder, name) || !join(temporary, folder, ".sluice-XXXXXX")) return false;
  if (!make_folders(folder)) return false;

  int fd = mkostemp(temporary, O_CLOEXEC); /* with mode 0600 */
  if (fd < 0) return false;
  if (write_and_close(fd, request) && rename(temporary, path) == 0) return true;
  int reason = errno;
  unlink(temporary);
  errno = reason;
  return false;
}

static bool make_folders(const char *folder) {
  char path[PATH_MAX];
  if (!join(path, folder, "")) return false;
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return false;
    *slash = '/';
  }
  return true;
}

static bool join(char path[PATH_MAX], const char *folder, const char *name) {
  int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
  if (length >= 0 && length < PATH_MAX) return true;
  errno = ENAMETOOLONG;
  return false;
}

/*
 * The hash is over the whole id and interface, so two that look alike once cut and cleaned still
 * have a file each.
 */
static void name_file(char name[NAME_MAX], const char *container, const char *interface) {
  uint64_t state = hash(0xcbf29ce484222325, container);
  state = hash(state * 0x100000001b3, interface); /* times the prime: as if a NUL stood between */
  char readable[READABLE_BYTES + 1];
  snprintf(readable, sizeof readable, "%s", container);
  for (char *c = readable; *c != '\0'; c++)
    if (!isalnum((unsigned char)*c) && *c != '-') *c = '_';
  snprintf(name, NAME_MAX, "%s-%016llx", readable, (unsigned long long)state);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t state, const char *text) {
  for (; *text != '\0'; text++) state = (state ^ (unsigned char)*text) * 0x100000001b3;
  return state;
}

static bool write_and_close(int fd, const struct request *request) {
  const unsigned char *bytes = request->frame;
  size_t left = request->length;
  while (left > 0) {
    ssize_t count = write(fd, bytes, left);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    bytes += count;
    left -= (size_t)count;
  }
  int reason = errno;
  bool closed = close(fd) == 0;
  if (left > 0) errno = reason;
  return left == 0 && closed;
}
