/* The error that a CNI plugin prints: https://www.cni.dev/docs/spec/#error */
#ifndef SLUICE_CNI_REPORT_H
#define SLUICE_CNI_REPORT_H

#include <stdio.h>

/* Codes of the specification, under "Error". */
enum cni_code {
  CNI_INVALID_ENVIRONMENT = 4,
  CNI_IO_FAILURE = 5,
  CNI_DECODE_FAILURE = 6,
  CNI_TRY_AGAIN_LATER = 11,
  CNI_NOT_AVAILABLE = 50,
};

/* Prints the error as one JSON object. Returns the exit code that goes with it. */
int report_error(FILE *out, const char *version, enum cni_code code, const char *message,
                 const char *details);

#endif
