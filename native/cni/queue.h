/* Deletions that the agent was not there to take. It reads them from the folder when it starts. */
#ifndef SLUICE_CNI_QUEUE_H
#define SLUICE_CNI_QUEUE_H

#include "request.h"

/*
 * Keeps the frame as a file of its own for this container and interface; a file whose name begins
 * with a dot is not finished. Repeating a deletion replaces the file. False: errno says why.
 */
bool queue_deletion(const char *folder, const struct request *request, const char *container,
                    const char *interface);

#endif
