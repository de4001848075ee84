/* Key-value in C, through wasi:keyvalue: GET gives the value of the key that
   the path names (`/visits`), POST counts it up by one. */
#include <stdio.h>
#include <string.h>

#include "kv_draft2.h"

#define GUEST(name) kv_draft2_##name
#include "../respond.h"

typedef wasi_keyvalue_0_2_0_draft2_store_error_t store_error_t;

static void fail(wasi_http_types_own_response_outparam_t out, store_error_t *error) {
  switch (error->tag) {
  case WASI_KEYVALUE_0_2_0_DRAFT2_STORE_ERROR_ACCESS_DENIED:
    respond(out, 403, (uint8_t *)"error: access-denied", 20);
    break;
  case WASI_KEYVALUE_0_2_0_DRAFT2_STORE_ERROR_NO_SUCH_STORE:
    respond(out, 404, (uint8_t *)"error: no-such-store", 20);
    break;
  default:
    respond(out, 500, (uint8_t *)"error", 5);
  }
}

static void answer(wasi_http_types_own_response_outparam_t out, bool count,
                   kv_draft2_string_t *key) {
  kv_draft2_string_t name;
  kv_draft2_string_set(&name, "default");
  wasi_keyvalue_0_2_0_draft2_store_own_bucket_t bucket;
  store_error_t error;
  if (!wasi_keyvalue_0_2_0_draft2_store_open(&name, &bucket, &error)) {
    fail(out, &error);
    return;
  }
  wasi_keyvalue_0_2_0_draft2_store_borrow_bucket_t borrowed =
      wasi_keyvalue_0_2_0_draft2_store_borrow_bucket(bucket);
  if (count) {
    int64_t sum;
    char text[24];
    if (!wasi_keyvalue_0_2_0_draft2_atomics_increment(borrowed, key, 1, &sum, &error))
      fail(out, &error);
    else
      respond(out, 200, (uint8_t *)text,
              (size_t)snprintf(text, sizeof text, "%lld", (long long)sum));
  } else {
    kv_draft2_option_list_u8_t value;
    if (!wasi_keyvalue_0_2_0_draft2_store_method_bucket_get(borrowed, key, &value, &error))
      fail(out, &error);
    else if (!value.is_some)
      respond(out, 404, (uint8_t *)"none", 4);
    else
      respond(out, 200, value.val.ptr, value.val.len);
  }
  wasi_keyvalue_0_2_0_draft2_store_bucket_drop_own(bucket);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_borrow_incoming_request_t borrowed =
      wasi_http_types_borrow_incoming_request(request);
  wasi_http_types_method_t method;
  wasi_http_types_method_incoming_request_method(borrowed, &method);
  kv_draft2_string_t key = {NULL, 0};
  if (wasi_http_types_method_incoming_request_path_with_query(borrowed, &key) &&
      key.len > 1) {
    key.ptr += 1;
    key.len -= 1;
  } else {
    kv_draft2_string_set(&key, "key");
  }
  wasi_http_types_incoming_request_drop_own(request);
  answer(out, method.tag == WASI_HTTP_TYPES_METHOD_POST, &key);
}
