#define _GNU_SOURCE
#include "watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Oneshot: a slow reader is told once, not in a loop that burns the processor it needs. */
#define EVENTS (EPOLLIN | EPOLLONESHOT)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int epoll_fd = -1;
static struct watch *watches;
static uint64_t last_id;

static bool start_thread(struct failure *why);
static bool spawn(struct failure *why);
static void *serve(void *unused);
static struct watch *find(uint64_t id);
static bool control(int operation, const struct watch *watch, struct failure *why);

bool watch_start(struct watch *watch, struct failure *why) {
  pthread_mutex_lock(&lock);
  watch->id = ++last_id;
  bool started = start_thread(why) && control(EPOLL_CTL_ADD, watch, why);
  if (started) {
    watch->next = watches;
    watches = watch;
  }
  pthread_mutex_unlock(&lock);
  return started;
}

bool watch_again(struct watch *watch, struct failure *why) {
  return control(EPOLL_CTL_MOD, watch, why);
}

void watch_stop(struct watch *watch) {
  struct failure ignored; /* the descriptor is about to be closed, which ends the watch as well */
  pthread_mutex_lock(&lock);
  for (struct watch **link = &watches; *link != NULL; link = &(*link)->next) {
    if (*link != watch) continue;
    *link = watch->next;
    (void)control(EPOLL_CTL_DEL, watch, &ignored);
    break;
  }
  pthread_mutex_unlock(&lock);
}

/*
 * An event carries a number that is never used again, not an address: epoll_wait() may return an
 * event just before its watch is stopped and its memory freed.
 */
static bool control(int operation, const struct watch *watch, struct failure *why) {
  struct epoll_event event = {.events = EVENTS, .data.u64 = watch->id};
  return epoll_ctl(epoll_fd, operation, watch->fd, &event) == 0 || failed(why, "epoll_ctl");
}

static bool start_thread(struct failure *why) {
  if (epoll_fd >= 0) return true;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return failed(why, "epoll_create1");
  if (spawn(why)) return true;
  close(epoll_fd);
  epoll_fd = -1;
  return false;
}

static bool spawn(struct failure *why) {
  /* A thread inherits the signal mask; signals are for the threads that expect them. */
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, NULL, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) error = pthread_detach(thread);
  errno = error;
  return error == 0 || failed(why, "pthread_create");
}

static void *serve(void *unused) {
  (void)unused;
  for (;;) {
    struct epoll_event events[32];
    int count = epoll_wait(epoll_fd, events, 32, -1);
    if (count < 0 && errno != EINTR) abort(); /* a broken descriptor: every watch would be deaf */
    pthread_mutex_lock(&lock);
    for (int i = 0; i < count; i++) {
      struct watch *watch = find(events[i].data.u64);
      if (watch != NULL) watch->ready(watch->context);
    }
    pthread_mutex_unlock(&lock);
  }
}

static struct watch *find(uint64_t id) {
  struct watch *watch = watches;
  while (watch != NULL && watch->id != id) watch = watch->next;
  return watch;
}
