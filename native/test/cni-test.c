/* The parts of cni/ that need no agent: the frame, the version, the error, the queue. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cni/queue.h"
#include "../cni/report.h"
#include "../cni/request.h"
#include "check.h"

static struct request request;

static enum request_status read_from(const void *bytes, size_t length) {
  int fd = memfd_create("stdin", MFD_CLOEXEC);
  CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0);
  enum request_status status = request_read(&request, fd);
  close(fd);
  return status;
}

static void frames_are_exact(void) {
  clearenv();
  setenv("CNI_ARGS", "", 1);
  setenv("CNI_COMMAND", "ADD", 1);
  setenv("PATH", "/bin", 1);
  CHECK(read_from("{}", 2) == REQUEST_READ);
  static const char expected[] = "SLC1\x1a\0\0\0\x02\0\0\0CNI_COMMAND=ADD\0CNI_ARGS=\0{}";
  CHECK(request.length == sizeof expected - 1);
  CHECK(memcmp(request.frame, expected, request.length) == 0);
}

static void sizes_are_bounded(void) {
  char *text = calloc(1, STDIN_MAX + 1);
  CHECK(text != NULL);
  memset(text, 'x', ENVIRONMENT_MAX);
  clearenv();
  CHECK(read_from(text, STDIN_MAX) == REQUEST_READ);
  CHECK(read_from(text, STDIN_MAX + 1) == STDIN_TOO_LARGE);
  setenv("CNI_ARGS", text + sizeof "CNI_ARGS=", 1);
  CHECK(read_from("", 0) == REQUEST_READ && request.environment_length == ENVIRONMENT_MAX);
  CHECK(read_from(text, STDIN_MAX) == REQUEST_READ);
  CHECK(read_from(text, STDIN_MAX + 1) == STDIN_TOO_LARGE);
  setenv("CNI_ARGS", text + sizeof "CNI_ARGS=" - 1, 1);
  CHECK(read_from("", 0) == ENVIRONMENT_TOO_LARGE);
  clearenv();
  CHECK(request_read(&request, -1) == STDIN_FAILED && errno == EBADF);
  free(text);
}

static void versions_are_recognised(void) {
  static const struct {
    const char *stdin, *version;
  } cases[] = {
      {"{\"cniVersion\":\"0.3.1\"}", "0.3.1"},
      {"{\"name\":\"x\",\"cniVersion\" \t:\n \"1.0.0\" }", "1.0.0"},
      {"{\"cniVersion\":\"0.4.0\"", "0.4.0"},
      {"{\"cniVersion\":\"0.4.0", "1.1.0"},
      {"{\"cniVersion\":\"0.4.00\"}", "1.1.0"},
      {"{\"cniVersion\":\"9.9.9\"}", "1.1.0"},
      {"{\"cniVersion\":", "1.1.0"},
      {"{\"cniVersion\"", "1.1.0"},
      {"{\"cniVersion\":  ", "1.1.0"},
      {"{\"cniVersion\": 1}", "1.1.0"},
      {"", "1.1.0"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    CHECK(read_from(cases[i].stdin, strlen(cases[i].stdin)) == REQUEST_READ);
    CHECK(strcmp(request_version(&request), cases[i].version) == 0);
  }
}

static void errors_are_json(void) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  CHECK(out != NULL);
  CHECK(report_error(out, "1.1.0", CNI_TRY_AGAIN_LATER, "a\"b\\c", "\n\x1f\x7f\xff/") == 1);
  CHECK(fclose(out) == 0);
  CHECK(strcmp(text, "{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"a\\\"b\\\\c\","
                     "\"details\":\"\\u000a\\u001f\\u007f\\u00ff/\"}\n") == 0);
  free(text);
}

static int visit_files(const char *folder, bool remove) {
  int count = 0;
  DIR *directory = opendir(folder);
  CHECK(directory != NULL);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    count++;
    if (remove) CHECK(unlinkat(dirfd(directory), entry->d_name, 0) == 0);
  }
  closedir(directory);
  return count;
}

static void deletions_have_a_file_each(void) {
  char top[] = "/tmp/sluice-test-XXXXXX", folder[64], name[PATH_MAX];
  static char endless[PATH_MAX + 1];
  struct stat status;
  CHECK(mkdtemp(top) != NULL);
  snprintf(folder, sizeof folder, "%s/del", top);
  clearenv();
  CHECK(read_from("{}", 2) == REQUEST_READ);

  memset(endless, 'e', PATH_MAX);
  const char *const containers[] = {"a/b", "a_b", "../..", "", endless, endless + 1};
  for (int twice = 0; twice < 2; twice++)
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
      CHECK(queue_deletion(folder, &request, containers[i], "eth0"));
  CHECK(visit_files(folder, false) == 6);
  CHECK(queue_deletion(folder, &request, "a/b", "eth1") && visit_files(folder, false) == 7);
  CHECK(queue_deletion(folder, &request, "ab", "c") && queue_deletion(folder, &request, "a", "bc"));
  CHECK(visit_files(folder, true) == 9);

  CHECK(stat(folder, &status) == 0 && (status.st_mode & 07777) == 0700);
  snprintf(name, sizeof name, "%s/file", top);
  CHECK(close(creat(name, 0600)) == 0);
  CHECK(!queue_deletion(name, &request, "a", "b") && errno == ENOTDIR);
  CHECK(!queue_deletion(endless, &request, "a", "b") && errno == ENAMETOOLONG);
  CHECK(unlink(name) == 0 && rmdir(folder) == 0 && rmdir(top) == 0);
}

int main(void) {
  frames_are_exact();
  sizes_are_bounded();
  versions_are_recognised();
  errors_are_json();
  deletions_have_a_file_each();
  puts("cni: good");
}
