#define _GNU_SOURCE
#include "values.h"

#include <stdio.h>
#include <string.h>

static bool throw_type(napi_env env, const char *name, const char *expected);
static bool set(napi_env env, napi_value object, const char *name, napi_value value);

bool went_well(napi_env env, napi_status status) {
  if (status == napi_ok) return true;
  const napi_extended_error_info *info = NULL;
  const char *message = "Node-API refused a call.";
  /* The next call of Node-API clears what `info` points to, so the message is taken out first. */
  if (napi_get_last_error_info(env, &info) == napi_ok && info->error_message != NULL)
    message = info->error_message;
  bool pending = true;
  if (napi_is_exception_pending(env, &pending) == napi_ok && !pending)
    napi_throw_error(env, NULL, message);
  return false;
}

bool is_given(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  return napi_typeof(env, value, &type) == napi_ok && type != napi_undefined && type != napi_null;
}

bool read_bytes(napi_env env, napi_value value, const char *name, struct bytes *bytes) {
  bool typed = false;
  napi_typedarray_type type = napi_int8_array;
  if (napi_is_typedarray(env, value, &typed) == napi_ok && typed)
    if (napi_get_typedarray_info(env, value, &type, &bytes->length, &bytes->data, NULL, NULL) ==
            napi_ok &&
        type == napi_uint8_array)
      return true;
  return throw_type(env, name, "a Uint8Array");
}

bool read_int(napi_env env, napi_value value, const char *name, int *number) {
  return napi_get_value_int32(env, value, number) == napi_ok || throw_type(env, name, "a number");
}

bool read_text(napi_env env, napi_value value, const char *name, char text[TEXT_BYTES]) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
    return throw_type(env, name, "a string");
  if (length >= TEXT_BYTES) return throw_type(env, name, "shorter than 4096 bytes");
  if (!went_well(env, napi_get_value_string_utf8(env, value, text, TEXT_BYTES, &length)))
    return false;
  /* A path that goes on after a NUL would name another file to the kernel than to the caller. */
  return strlen(text) == length || throw_type(env, name, "free of NUL characters");
}

bool read_function(napi_env env, napi_value value, const char *name) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  return throw_type(env, name, "a function");
}

static bool throw_type(napi_env env, const char *name, const char *expected) {
  char message[128];
  snprintf(message, sizeof message, "%s must be %s.", name, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

napi_value throw_failure(napi_env env, const struct failure *why, const char *what) {
  napi_value error = make_failure(env, why, what);
  if (error != NULL) went_well(env, napi_throw(env, error));
  return NULL;
}

napi_value make_failure(napi_env env, const struct failure *why, const char *what) {
  const char *code = strerrorname_np(why->error);
  const char *reason = strerrordesc_np(why->error);
  const char *remedy = why->error == EPERM ? " Run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN." : "";
  char sentence[TEXT_BYTES + 512];
  if (code == NULL) code = "UNKNOWN";
  if (reason == NULL) reason = "unknown error";
  snprintf(sentence, sizeof sentence, "%s: %s (%s).%s", what, reason, code, remedy);

  napi_value code_value, message, number, syscall, error;
  bool made = went_well(env, napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value)) &&
              went_well(env, napi_create_string_utf8(env, sentence, NAPI_AUTO_LENGTH, &message)) &&
              went_well(env, napi_create_int32(env, -why->error, &number)) &&
              went_well(env, napi_create_string_utf8(env, why->syscall, NAPI_AUTO_LENGTH, &syscall)) &&
              went_well(env, napi_create_error(env, code_value, message, &error)) &&
              set(env, error, "errno", number) && set(env, error, "syscall", syscall);
  return made ? error : NULL;
}

static bool set(napi_env env, napi_value object, const char *name, napi_value value) {
  return went_well(env, napi_set_named_property(env, object, name, value));
}
