/*
 * The addon that lets Sluice talk to the kernel: datagram sockets of any domain inside any network
 * namespace, and the namespaces themselves. It knows nothing of what the datagrams say.
 *
 * Pure Node-API, without state of its own per environment, so any number of worker threads can load
 * it. The one process-wide thing is the watching thread of watch.c.
 */
#include <node_api.h>
#include <stdio.h>

#include "namespace.h"
#include "socket.h"
#include "values.h"

typedef bool on_namespace(const char *path, struct failure *why);

/* As many as are written together at most: they lie on the stack. */
enum { FILES_MAX = 8 };

struct texts {
  char name[TEXT_BYTES], text[TEXT_BYTES];
};

static bool read_files(napi_env env, napi_value list, struct texts texts[], struct file files[],
                       size_t *count);

static napi_value call_with_path(napi_env env, napi_callback_info info, on_namespace *act,
                                 const char *verb) {
  char path[TEXT_BYTES], what[TEXT_BYTES + 64];
  struct failure why;
  napi_value argument;
  size_t given = 1;
  if (!went_well(env, napi_get_cb_info(env, info, &given, &argument, NULL, NULL)) ||
      !read_text(env, argument, "path", path) || act(path, &why))
    return NULL;
  snprintf(what, sizeof what, "Cannot %s the network namespace %s", verb, path);
  return throw_failure(env, &why, what);
}

static napi_value create_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_create, "create");
}

static napi_value enter_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_enter, "enter");
}

static napi_value delete_namespace(napi_env env, napi_callback_info info) {
  return call_with_path(env, info, namespace_delete, "delete");
}

static napi_value write_files_in_namespace(napi_env env, napi_callback_info info) {
  char path[TEXT_BYTES], directory[TEXT_BYTES], what[3 * TEXT_BYTES + 64];
  struct texts texts[FILES_MAX];
  struct file files[FILES_MAX];
  struct failure why;
  napi_value arguments[3];
  size_t given = 3, count, written;
  if (!went_well(env, napi_get_cb_info(env, info, &given, arguments, NULL, NULL))) return NULL;
  bool elsewhere = is_given(env, arguments[0]);
  if ((elsewhere && !read_text(env, arguments[0], "netns", path)) ||
      !read_text(env, arguments[1], "directory", directory) ||
      !read_files(env, arguments[2], texts, files, &count) ||
      namespace_write_files(elsewhere ? path : NULL, directory, files, count, &written, &why))
    return NULL;
  snprintf(what, sizeof what, "Cannot write %s/%s%s%s", directory, files[written].name,
           elsewhere ? " in the network namespace " : "", elsewhere ? path : "");
  return throw_failure(env, &why, what);
}

/* From pairs of name and text. */
static bool read_files(napi_env env, napi_value list, struct texts texts[], struct file files[],
                       size_t *count) {
  uint32_t length;
  if (!went_well(env, napi_get_array_length(env, list, &length))) return false;
  if (length == 0 || length > FILES_MAX) {
    napi_throw_range_error(env, "ERR_OUT_OF_RANGE", "files must be 1 to 8.");
    return false;
  }
  for (uint32_t i = 0; i < length; i++) {
    napi_value pair, name, text;
    if (!went_well(env, napi_get_element(env, list, i, &pair)) ||
        !went_well(env, napi_get_element(env, pair, 0, &name)) ||
        !went_well(env, napi_get_element(env, pair, 1, &text)) ||
        !read_text(env, name, "name", texts[i].name) || !read_text(env, text, "text", texts[i].text))
      return false;
    files[i] = (struct file){.name = texts[i].name, .text = texts[i].text};
  }
  *count = length;
  return true;
}

NAPI_MODULE_INIT() {
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
  napi_value class = define_socket_class(env);
  if (class == NULL) return NULL;
  const napi_property_descriptor properties[] = {
      {"NativeSocket", NULL, NULL, NULL, NULL, class, napi_enumerable, NULL},
      FUNCTION("createNamespace", create_namespace),
      FUNCTION("enterNamespace", enter_namespace),
      FUNCTION("deleteNamespace", delete_namespace),
      FUNCTION("writeFilesInNamespace", write_files_in_namespace),
  };
#undef FUNCTION
  size_t count = sizeof properties / sizeof *properties;
  return went_well(env, napi_define_properties(env, exports, count, properties)) ? exports : NULL;
}
