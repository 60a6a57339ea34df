#define _GNU_SOURCE
#include "namespace.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the thread: /proc/self is the main thread's, which is not where a worker needs to come back to. */
#define OWN_NAMESPACE "/proc/thread-self/ns/net"

struct creation {
  const char *path;
  bool done;
  struct failure why;
};

static void *unshare_and_bind(void *argument);
static bool visit(const char *path, int *home, struct failure *why);
static void go_home(int home);
static bool write_in(const char *directory, const struct file *files, size_t count, size_t *written,
                     struct failure *why);
static bool write_once(int directory, const struct file *file, struct failure *why);

bool namespace_create(const char *path, struct failure *why) {
  int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (file < 0) return failed(why, "open");
  close(file);

  /* unshare() moves the thread that calls it, so a thread made for the purpose does. */
  struct creation creation = {.path = path};
  pthread_t thread;
  errno = pthread_create(&thread, NULL, unshare_and_bind, &creation);
  if (errno != 0) {
    failed(&creation.why, "pthread_create");
  } else {
    errno = pthread_join(thread, NULL);
    if (errno != 0) abort(); /* the thread would go on writing to this stack frame */
  }
  if (creation.done) return true;
  unlink(path);
  *why = creation.why;
  return false;
}

static void *unshare_and_bind(void *argument) {
  struct creation *creation = argument;
  if (unshare(CLONE_NEWNET) != 0)
    failed(&creation->why, "unshare");
  else if (mount(OWN_NAMESPACE, creation->path, NULL, MS_BIND, NULL) != 0)
    failed(&creation->why, "mount");
  else
    creation->done = true;
  return NULL;
}

bool namespace_enter(const char *path, struct failure *why) {
  int target = open(path, O_RDONLY | O_CLOEXEC);
  if (target < 0) return failed(why, "open");
  bool entered = setns(target, CLONE_NEWNET) == 0 || failed(why, "setns");
  close(target);
  return entered;
}

bool namespace_delete(const char *path, struct failure *why) {
  /* EINVAL: a plain file, left behind by a creation that was killed half way. */
  if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
    return failed(why, "umount2");
  return unlink(path) == 0 || errno == ENOENT || failed(why, "unlink");
}

bool namespace_socket(const char *path, int domain, int type, int protocol, int *fd,
                      struct failure *why) {
  int home = -1;
  if (path != NULL && !visit(path, &home, why)) return false;
  *fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  bool opened = *fd >= 0 || failed(why, "socket");
  if (path != NULL) go_home(home);
  return opened;
}

bool namespace_write_files(const char *path, const char *directory, const struct file *files,
                           size_t count, size_t *written, struct failure *why) {
  int home = -1;
  *written = 0;
  if (path != NULL && !visit(path, &home, why)) return false;
  bool all = write_in(directory, files, count, written, why);
  if (path != NULL) go_home(home);
  return all;
}

static bool visit(const char *path, int *home, struct failure *why) {
  *home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
  if (*home < 0) return failed(why, "open");
  if (namespace_enter(path, why)) return true;
  close(*home);
  return false;
}

static void go_home(int home) {
  /*
   * A thread left behind in a pod's namespace would open every later socket there and write the
   * node's policy into the pod. Nothing above could notice, so the process ends instead.
   */
  if (setns(home, CLONE_NEWNET) != 0) abort();
  close(home);
}

/* The directory is looked up once: under /proc/sys/net that takes the longer, the more namespaces there are. */
static bool write_in(const char *directory, const struct file *files, size_t count, size_t *written,
                     struct failure *why) {
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(why, "open");
  while (*written < count && write_once(fd, &files[*written], why)) ++*written;
  close(fd);
  return *written == count;
}

static bool write_once(int directory, const struct file *file, struct failure *why) {
  size_t length = strlen(file->text);
  int fd = openat(directory, file->name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return failed(why, "openat");
  ssize_t written = write(fd, file->text, length);
  if (written >= 0 && (size_t)written != length) errno = EIO;
  bool complete = (written >= 0 && (size_t)written == length) || failed(why, "write");
  close(fd);
  return complete;
}
