/* A whole response, over the bindings of whichever world includes this:
   define GUEST(name) as the world's prefix and name first. */

static void respond(wasi_http_types_own_response_outparam_t out, uint16_t status,
                    uint8_t *text, size_t length) {
  char digits[20];
  size_t count = 0, rest = length;
  do {
    digits[sizeof digits - ++count] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);

  wasi_http_types_tuple2_field_key_field_value_t headers[2];
  GUEST(string_set)(&headers[0].f0, "content-type");
  headers[0].f1 = (wasi_http_types_field_value_t){(uint8_t *)"text/plain", 10};
  GUEST(string_set)(&headers[1].f0, "content-length");
  headers[1].f1 = (wasi_http_types_field_value_t){
      (uint8_t *)digits + sizeof digits - count, count};
  wasi_http_types_list_tuple2_field_key_field_value_t list = {headers, 2};
  wasi_http_types_own_fields_t fields;
  wasi_http_types_header_error_t refused;
  if (!wasi_http_types_static_fields_from_list(&list, &fields, &refused))
    __builtin_trap();

  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(fields);
  wasi_http_types_borrow_outgoing_response_t borrowed =
      wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_own_outgoing_body_t body;
  if (!wasi_http_types_method_outgoing_response_set_status_code(borrowed, status) ||
      !wasi_http_types_method_outgoing_response_body(borrowed, &body))
    __builtin_trap();
  wasi_http_types_result_own_outgoing_response_error_code_t result = {
      .is_err = false, .val = {.ok = response}};
  wasi_http_types_static_response_outparam_set(out, &result);

  wasi_io_streams_own_output_stream_t stream;
  if (!wasi_http_types_method_outgoing_body_write(
          wasi_http_types_borrow_outgoing_body(body), &stream))
    __builtin_trap();
  /* An error from here on says that the client has left. */
  for (size_t at = 0; at < length; at += 4096) {
    GUEST(list_u8_t) part = {text + at, length - at < 4096 ? length - at : 4096};
    wasi_io_streams_stream_error_t closed;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(
            wasi_io_streams_borrow_output_stream(stream), &part, &closed))
      break;
  }
  wasi_io_streams_output_stream_drop_own(stream);
  wasi_http_types_error_code_t unsent;
  wasi_http_types_static_outgoing_body_finish(body, NULL, &unsent);
}
