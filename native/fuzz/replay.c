/*
 * Where there is no libFuzzer: runs the harness it is linked with on each file of a folder, and on
 * as many damaged copies of each as the second argument says, the same ones every time. The input
 * that it is at is in the file that the third argument names.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../test/check.h"
#include "fuzz.h"

enum { LARGEST = 64 << 10 };

static size_t read_file(int folder, const char *name, unsigned char *bytes);
static size_t damage(unsigned char *bytes, size_t length, unsigned *seed);
static void run(int note, const unsigned char *bytes, size_t length);

int main(int argc, char **argv) {
  static unsigned char whole[LARGEST], copy[LARGEST];
  CHECK(argc == 4);
  int copies = atoi(argv[2]);
  unsigned seed = 1;
  long inputs = 0;
  DIR *folder = opendir(argv[1]);
  int note = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  CHECK(folder != NULL && note >= 0);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    size_t length = read_file(dirfd(folder), entry->d_name, whole);
    for (int i = 0; i <= copies; i++, inputs++) {
      memcpy(copy, whole, length);
      run(note, copy, i == 0 ? length : damage(copy, length, &seed));
    }
  }
  closedir(folder);
  CHECK(inputs > 0);
  printf("shim: good, %ld inputs\n", inputs);
}

static size_t read_file(int folder, const char *name, unsigned char *bytes) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
  ssize_t length = read(fd, bytes, LARGEST);
  CHECK(length >= 0 && close(fd) == 0);
  return (size_t)length;
}

/* A few bytes changed, and perhaps an end cut off. */
static size_t damage(unsigned char *bytes, size_t length, unsigned *seed) {
  if (length == 0) return 0;
  for (int changes = 1 + rand_r(seed) % 4; changes > 0; changes--)
    bytes[(size_t)rand_r(seed) % length] = (unsigned char)rand_r(seed);
  return rand_r(seed) % 2 == 0 ? length : (size_t)rand_r(seed) % length;
}

static void run(int note, const unsigned char *bytes, size_t length) {
  CHECK(ftruncate(note, 0) == 0 && pwrite(note, bytes, length, 0) == (ssize_t)length);
  LLVMFuzzerTestOneInput(bytes, length);
}
