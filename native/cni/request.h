/*
 * What a container runtime asks, as one frame for the agent:
 *
 *   'SLC1'  environment bytes (u32)  stdin bytes (u32)  NAME=VALUE\0 ...  stdin
 *
 * All integers are little-endian. The same bytes are what the queue of deletions keeps.
 */
#ifndef SLUICE_CNI_REQUEST_H
#define SLUICE_CNI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAGIC "SLC1"

enum {
  HEADER_BYTES = 12,
  ENVIRONMENT_MAX = 64 * 1024,
  STDIN_MAX = 1024 * 1024,
};

struct request {
  size_t length; /* of the frame */
  size_t environment_length;
  size_t stdin_length;
  /* One byte more than allowed, which is how too much is noticed. */
  unsigned char frame[HEADER_BYTES + ENVIRONMENT_MAX + STDIN_MAX + 1];
};

enum request_status { REQUEST_READ, ENVIRONMENT_TOO_LARGE, STDIN_TOO_LARGE, STDIN_FAILED };

/* Fills the frame from the environment and from `input`. After STDIN_FAILED errno says why. */
enum request_status request_read(struct request *request, int input);

/* The version of the network configuration if it is one that we speak, else our newest. */
const char *request_version(const struct request *request);

void frame_write_u32(unsigned char *at, uint32_t value);
uint32_t frame_read_u32(const unsigned char *at);

#endif
