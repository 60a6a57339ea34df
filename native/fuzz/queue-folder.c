#define _GNU_SOURCE
#include "queue-folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../test/check.h"

static bool holds(int folder, const char *name, const unsigned char *bytes, size_t length);

bool queue_folder_held(const char *path, const unsigned char *bytes, size_t length) {
  unsigned count = 0, good = 0;
  DIR *folder = opendir(path);
  if (folder == NULL) return false;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    count++;
    if (entry->d_name[0] != '.') good += holds(dirfd(folder), entry->d_name, bytes, length);
    CHECK(unlinkat(dirfd(folder), entry->d_name, 0) == 0);
  }
  closedir(folder);
  return count == 1 && good == 1;
}

static bool holds(int folder, const char *name, const unsigned char *bytes, size_t length) {
  unsigned char block[4096];
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  size_t done = 0;
  ssize_t count;
  while ((count = read(fd, block, sizeof block)) > 0) {
    if ((size_t)count > length - done || memcmp(block, bytes + done, (size_t)count) != 0) break;
    done += (size_t)count;
  }
  close(fd);
  return count == 0 && done == length;
}
