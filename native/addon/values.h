/* The few conversions between JavaScript and C that the addon needs. A function that returns false
 * (or a null value) has thrown a JavaScript exception. */
#ifndef SLUICE_VALUES_H
#define SLUICE_VALUES_H

#include <node_api.h>
#include <stddef.h>

#include "failure.h"

/* Longest path, and longest text for a file, that is taken from JavaScript, with its final NUL. */
enum { TEXT_BYTES = 4096 };

struct bytes {
  void *data;
  size_t length;
};

/* True if the call went well; otherwise what Node-API says about it is thrown. */
bool went_well(napi_env env, napi_status status);

/* True if the value is neither undefined nor null. */
bool is_given(napi_env env, napi_value value);

/* `name` is what the caller calls the value, for the exception. */
bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *bytes);
bool read_int(napi_env env, napi_value value, const char *name, int *number);
bool read_function(napi_env env, napi_value value, const char *name);
bool read_text(napi_env env, napi_value value, const char *name, char text[TEXT_BYTES]);

/* Throws an Error with code, errno (negative, as all of Node's), syscall, and "WHAT: REASON (CODE)". */
napi_value throw_failure(napi_env env, const struct failure *why, const char *what);

/* The same error, not yet thrown, for those who have more to put into it. */
napi_value make_failure(napi_env env, const struct failure *why, const char *what);

#endif
