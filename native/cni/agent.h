/* One question to the agent over its unix socket, and its answer. */
#ifndef SLUICE_CNI_AGENT_H
#define SLUICE_CNI_AGENT_H

#include "request.h"

enum { BODY_MAX = 4 * 1024 * 1024 };

/* 'SLC1'  exit code (u32)  body bytes (u32)  body */
struct reply {
  uint32_t exit_code;
  size_t length;
  unsigned char body[BODY_MAX];
};

/* Returns NULL, or what was being done when it went wrong, with the reason in errno. */
const char *agent_ask(const char *path, const struct request *request, int wait_ms,
                      struct reply *reply);

#endif
