/* The first process of every pod of the test cluster: holds the pod's namespaces and reaps its orphans. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void stop(int signal) {
  (void)signal;
  _exit(0);
}

static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
}

int main(void) {
  if (signal(SIGTERM, stop) == SIG_ERR || signal(SIGINT, stop) == SIG_ERR ||
      signal(SIGCHLD, reap) == SIG_ERR)
    return EXIT_FAILURE;
  for (;;) pause();
}
