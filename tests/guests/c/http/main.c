/* An HTTP guest in C: answers "hello from C". */
#include "http_small.h"

#define GUEST(name) http_small_##name
#include "../respond.h"

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  wasi_http_types_incoming_request_drop_own(request);
  respond(out, 200, (uint8_t *)"hello from C", 12);
}
