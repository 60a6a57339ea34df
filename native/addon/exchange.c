/*
 * The method of a NativeSocket for requests that the kernel takes its time with, such as a listing
 * of all connections: sent and read on a thread of libuv's pool, so that the event loop goes on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handle.h"

/* A dump of netlink comes in datagrams of 32 KiB; nothing that is asked for is larger. */
enum { DATAGRAM_BYTES = 128 << 10 };

struct datagram {
  struct datagram *next;
  size_t length;
  unsigned char bytes[];
};

/* The pool's thread has it between queueing and completion, the JavaScript thread before and after. */
struct exchange {
  int fd; /* a duplicate: the socket may be closed meanwhile, and its number be another's */
  bool failed;
  struct failure why;
  struct datagram *first, **end;
  uint32_t count, at_most;
  napi_async_work work;
  napi_deferred deferred;
  size_t length;
  unsigned char request[];
};

static struct exchange *make(struct bytes request, uint32_t at_most);
static bool queue(napi_env env, struct exchange *exchange, napi_value *promise);
static void execute(napi_env env, void *data);
static bool send_request(struct exchange *exchange);
static bool read_answers(struct exchange *exchange);
static void keep(struct exchange *exchange, const unsigned char *bytes, size_t length);
static void complete(napi_env env, napi_status status, void *data);
static napi_value list_answers(napi_env env, const struct exchange *exchange);
static bool copy_answer(napi_env env, const struct datagram *datagram, napi_value *array);
static void discard(napi_env env, struct exchange *exchange);

napi_value socket_exchange(napi_env env, napi_callback_info info) {
  struct call call;
  struct bytes request;
  struct failure why;
  napi_value promise;
  uint32_t at_most = UINT32_MAX;
  if (!begin_open(env, info, &call, "sendto") ||
      !read_bytes(env, call.arguments[0], "data", &request) ||
      (is_given(env, call.arguments[1]) &&
       !went_well(env, napi_get_value_uint32(env, call.arguments[1], &at_most))))
    return NULL;
  struct exchange *exchange = make(request, at_most);
  exchange->fd = fcntl(call.socket->fd, F_DUPFD_CLOEXEC, 0);
  if (exchange->fd < 0) {
    failed(&why, "fcntl");
    throw_failure(env, &why, "Cannot use the socket on another thread");
  } else if (queue(env, exchange, &promise)) {
    return promise;
  }
  discard(env, exchange);
  return NULL;
}

static struct exchange *make(struct bytes request, uint32_t at_most) {
  struct exchange *exchange = calloc(1, sizeof *exchange + request.length);
  if (exchange == NULL) abort(); /* as V8 does when memory is out */
  exchange->end = &exchange->first;
  exchange->at_most = at_most;
  exchange->length = request.length;
  if (request.length > 0) memcpy(exchange->request, request.data, request.length);
  return exchange;
}

static bool queue(napi_env env, struct exchange *exchange, napi_value *promise) {
  napi_value name;
  return went_well(env, napi_create_string_utf8(env, "sluice.exchange", NAPI_AUTO_LENGTH, &name)) &&
         went_well(env, napi_create_async_work(env, NULL, name, execute, complete, exchange,
                                               &exchange->work)) &&
         went_well(env, napi_create_promise(env, &exchange->deferred, promise)) &&
         went_well(env, napi_queue_async_work(env, exchange->work));
}

static void execute(napi_env env, void *data) {
  (void)env;
  struct exchange *exchange = data;
  exchange->failed = !send_request(exchange) || !read_answers(exchange);
}

static bool send_request(struct exchange *exchange) {
  if (exchange->length == 0) return true;
  ssize_t sent;
  do
    sent = send(exchange->fd, exchange->request, exchange->length, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0 || failed(&exchange->why, "sendto");
}

static bool read_answers(struct exchange *exchange) {
  unsigned char *buffer = malloc(DATAGRAM_BYTES);
  if (buffer == NULL) abort();
  bool well = true;
  while (well && exchange->count < exchange->at_most) {
    ssize_t length = recv(exchange->fd, buffer, DATAGRAM_BYTES, MSG_TRUNC);
    if (length > DATAGRAM_BYTES) {
      errno = EMSGSIZE;
      length = -1;
    }
    if (length >= 0)
      keep(exchange, buffer, (size_t)length);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      well = failed(&exchange->why, "recv");
  }
  free(buffer);
  return well;
}

static void keep(struct exchange *exchange, const unsigned char *bytes, size_t length) {
  struct datagram *datagram = malloc(sizeof *datagram + length);
  if (datagram == NULL) abort();
  datagram->next = NULL;
  datagram->length = length;
  memcpy(datagram->bytes, bytes, length);
  *exchange->end = datagram;
  exchange->end = &datagram->next;
  exchange->count++;
}

static void complete(napi_env env, napi_status status, void *data) {
  struct exchange *exchange = data;
  /* Cancelled: the environment is going down, and nobody waits any more. */
  if (status == napi_ok) {
    const char *what = "Cannot send to the socket and read its answers";
    napi_value result = exchange->failed ? make_failure(env, &exchange->why, what)
                                         : list_answers(env, exchange);
    if (result != NULL)
      went_well(env, exchange->failed ? napi_reject_deferred(env, exchange->deferred, result)
                                      : napi_resolve_deferred(env, exchange->deferred, result));
  }
  discard(env, exchange);
}

static napi_value list_answers(napi_env env, const struct exchange *exchange) {
  napi_value list, array;
  uint32_t index = 0;
  if (!went_well(env, napi_create_array_with_length(env, exchange->count, &list))) return NULL;
  for (const struct datagram *one = exchange->first; one != NULL; one = one->next)
    if (!copy_answer(env, one, &array) || !went_well(env, napi_set_element(env, list, index++, array)))
      return NULL;
  return list;
}

static bool copy_answer(napi_env env, const struct datagram *datagram, napi_value *array) {
  void *memory;
  napi_value buffer;
  if (!went_well(env, napi_create_arraybuffer(env, datagram->length, &memory, &buffer)))
    return false;
  if (datagram->length > 0) memcpy(memory, datagram->bytes, datagram->length);
  return went_well(env, napi_create_typedarray(env, napi_uint8_array, datagram->length, buffer, 0,
                                               array));
}

static void discard(napi_env env, struct exchange *exchange) {
  if (exchange->work != NULL) (void)napi_delete_async_work(env, exchange->work);
  if (exchange->fd >= 0) close(exchange->fd);
  for (struct datagram *next, *one = exchange->first; one != NULL; one = next) {
    next = one->next;
    free(one);
  }
  free(exchange);
}
