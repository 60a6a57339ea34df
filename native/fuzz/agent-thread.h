/* An agent for sluice-cni: a thread that takes one request at a time, and answers as it was told. */
#ifndef SLUICE_AGENT_THREAD_H
#define SLUICE_AGENT_THREAD_H

#include <stdbool.h>
#include <stddef.h>

struct heard {
  bool asked;
  size_t length;
  unsigned char bytes[2 << 20];
};

/* Starts the thread, and returns the path of its socket, in this folder. Once. */
const char *agent_thread_start(const char *folder);

/* What it answers after it has read the request, or as many bytes of it; it hangs up then. */
void agent_thread_answers(const unsigned char *answer, size_t length, size_t read_at_most);

/* Waits until it is done with whoever asked. */
const struct heard *agent_thread_heard(void);

#endif
