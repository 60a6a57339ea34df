/* addon/namespace.c without a JavaScript engine around it. Needs root. */
#define _GNU_SOURCE
#include "../addon/namespace.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <net/if.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/sluice-test-XXXXXX";
static char path[PATH_MAX], missing[PATH_MAX];
static struct failure why;

static void own_namespace(char name[64]) {
  ssize_t length = readlink("/proc/thread-self/ns/net", name, 63);
  CHECK(length > 0);
  name[length] = '\0';
}

static int links_seen(int fd) {
  struct ifreq request = {0};
  int links = 0;
  for (int index = 1; index < 64; index++) {
    request.ifr_ifindex = index;
    links += ioctl(fd, SIOCGIFNAME, &request) == 0;
  }
  return links;
}

static void creates_once(void) {
  char before[64], after[64];
  own_namespace(before);
  CHECK(namespace_create(path, &why));
  own_namespace(after);
  CHECK(strcmp(before, after) == 0);
  CHECK(!namespace_create(path, &why) && why.error == EEXIST);
  CHECK(!namespace_create(missing, &why) && why.error == ENOENT);
}

static void opens_sockets_inside(void) {
  char before[64], after[64];
  int fd = -1;
  own_namespace(before);
  CHECK(namespace_socket(path, AF_INET, SOCK_DGRAM, 0, &fd, &why));
  CHECK(links_seen(fd) == 1);
  CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
  close(fd);
  CHECK(!namespace_socket(path, AF_INET, SOCK_DGRAM, 132, &fd, &why));
  CHECK(strcmp(why.syscall, "socket") == 0);
  CHECK(!namespace_socket(missing, AF_INET, SOCK_DGRAM, 0, &fd, &why) && why.error == ENOENT);
  CHECK(!namespace_socket(folder, AF_INET, SOCK_DGRAM, 0, &fd, &why) && why.error == EINVAL);
  own_namespace(after);
  CHECK(strcmp(before, after) == 0);
}

static void writes_files(void) {
  const char *directory = "/proc/sys/net/ipv4";
  const struct file good[] = {{"ip_forward", "1\n"}, {"ip_default_ttl", "63"}};
  const struct file bad[] = {{"ip_forward", "0"}, {"ip_default_ttl", "many"}, {"not", "there"}};
  char before[64], after[64];
  size_t written;
  own_namespace(before);
  CHECK(namespace_write_files(path, directory, good, 2, &written, &why) && written == 2);
  CHECK(!namespace_write_files(path, directory, bad, 3, &written, &why) && written == 1);
  CHECK(strcmp(why.syscall, "write") == 0);
  CHECK(!namespace_write_files(path, directory, bad + 2, 1, &written, &why) && written == 0);
  CHECK(strcmp(why.syscall, "openat") == 0 && why.error == ENOENT);
  CHECK(!namespace_write_files(path, missing, good, 2, &written, &why) && why.error == ENOENT);
  CHECK(!namespace_write_files(missing, directory, good, 2, &written, &why) && why.error == ENOENT);
  own_namespace(after);
  CHECK(strcmp(before, after) == 0);
}

static void writes_files_at_home(void) {
  const struct file file = {"file", "text"};
  char text[8] = "";
  size_t written;
  CHECK(!namespace_write_files(NULL, folder, &file, 1, &written, &why) && why.error == ENOENT);
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/file", folder);
  int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  CHECK(fd >= 0 && namespace_write_files(NULL, folder, &file, 1, &written, &why));
  CHECK(read(fd, text, sizeof text) == 4 && strcmp(text, "text") == 0);
  CHECK(close(fd) == 0 && unlink(name) == 0);
}

static void deletes_again_and_again(void) {
  CHECK(namespace_delete(path, &why));
  CHECK(access(path, F_OK) != 0);
  CHECK(namespace_delete(path, &why));
  int fd = open(path, O_CREAT | O_CLOEXEC, 0600); /* as a killed creation leaves it */
  CHECK(fd >= 0 && close(fd) == 0 && namespace_delete(path, &why) && access(path, F_OK) != 0);
}

static void clean_up(void) {
  namespace_delete(path, &why);
  rmdir(folder);
}

int main(void) {
  CHECK(mkdtemp(folder) != NULL && atexit(clean_up) == 0);
  snprintf(path, sizeof path, "%s/netns", folder);
  snprintf(missing, sizeof missing, "%s/not/there", folder);
  creates_once();
  opens_sockets_inside();
  writes_files();
  writes_files_at_home();
  deletes_again_and_again();
  puts("namespace: good");
}
