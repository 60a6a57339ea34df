/* addon/watch.c without a JavaScript engine around it. */
#define _GNU_SOURCE
#include "../addon/watch.h"

#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { ROUNDS = 2000 };

static sem_t told;
static struct failure why;

static void tell(void *context) {
  (void)context;
  sem_post(&told);
}

static bool told_soon(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  return sem_timedwait(&told, &until) == 0;
}

static void tells_once_until_asked_again(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct watch watch = {.fd = fd, .ready = tell};
  CHECK(watch_start(&watch, &why));
  CHECK(eventfd_write(fd, 1) == 0);
  CHECK(told_soon());
  CHECK(sem_trywait(&told) != 0);
  /* Still unread, so asking again is enough to be told again. */
  CHECK(watch_again(&watch, &why));
  CHECK(told_soon());
  watch_stop(&watch);
  CHECK(!watch_again(&watch, &why) && why.error == ENOENT);
  watch_stop(&watch);
  close(fd);
}

static void refuses_what_cannot_be_watched(void) {
  struct watch watch = {.fd = 1 << 20, .ready = tell};
  CHECK(!watch_start(&watch, &why) && why.error == EBADF);
  watch_stop(&watch);
}

static void touch(void *context) { ++*(int *)context; }

/* Memory is freed the moment that watch_stop() returns: a late ready() is a use after free. */
static void *start_and_stop(void *unused) {
  (void)unused;
  for (int i = 0; i < ROUNDS; i++) {
    struct failure reason;
    struct watch *watch = malloc(sizeof *watch);
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(watch != NULL && fd >= 0);
    int *touched = calloc(1, sizeof *touched);
    *watch = (struct watch){.fd = fd, .ready = touch, .context = touched};
    CHECK(watch_start(watch, &reason));
    watch_stop(watch);
    free(touched);
    free(watch);
    close(fd);
  }
  return NULL;
}

static void never_tells_after_stop(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, start_and_stop, NULL) == 0);
  for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
  CHECK(sem_init(&told, 0, 0) == 0);
  tells_once_until_asked_again();
  refuses_what_cannot_be_watched();
  never_tells_after_stop();
  puts("watch: good");
}
