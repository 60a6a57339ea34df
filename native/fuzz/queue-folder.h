/* The folder in which sluice-cni keeps deletions. */
#ifndef SLUICE_QUEUE_FOLDER_H
#define SLUICE_QUEUE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it holds one file with just these bytes, and no other. Empties it. */
bool queue_folder_held(const char *path, const unsigned char *bytes, size_t length);

#endif
