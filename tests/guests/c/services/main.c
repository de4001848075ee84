/* A database, a blob store and a broker in C, one small thing with each:
   `/sql/WORD` notes a word and answers how often it was noted, `/blob/WORD`
   keeps the word as an object and answers with what it reads back,
   `/publish/WORD` publishes it on the subject `words`. */
#include <stdio.h>
#include <string.h>

#include "services_small.h"

#define GUEST(name) services_small_##name
#include "../respond.h"

typedef services_small_string_t string_t;
typedef wasi_http_types_own_response_outparam_t out_t;

static void fail(out_t out, const char *what, string_t *why) {
  char text[300];
  int length = snprintf(text, sizeof text, "error: %s: %.*s\n", what,
                        why ? (int)(why->len < 200 ? why->len : 200) : 0,
                        why ? (char *)why->ptr : "");
  respond(out, 500, (uint8_t *)text, (size_t)length);
}

static void sql_failed(out_t out, paddock_sql_database_error_t *error) {
  if (error->tag == PADDOCK_SQL_DATABASE_ERROR_ACCESS_DENIED)
    fail(out, "access-denied", NULL);
  else if (error->tag == PADDOCK_SQL_DATABASE_ERROR_NO_SUCH_DATABASE)
    fail(out, "no-such-database", NULL);
  else
    fail(out, "sql", &error->val.other);
}

static string_t string(const char *text) {
  string_t made;
  services_small_string_set(&made, text);
  return made;
}

/* Counts the rows that answer; the first value of the first has to be the number. */
static bool counted(paddock_sql_database_borrow_connection_t connection,
                    paddock_sql_database_list_value_t *params, int64_t *count,
                    paddock_sql_database_error_t *error) {
  string_t statement = string("SELECT COUNT(*) FROM words WHERE word = ?");
  paddock_sql_database_own_rows_t rows;
  if (!paddock_sql_database_method_connection_query(connection, &statement, params, &rows, error))
    return false;
  paddock_sql_database_list_row_t some;
  bool fine = paddock_sql_database_method_rows_next(paddock_sql_database_borrow_rows(rows), 10,
                                                    &some, error);
  if (fine) {
    if (some.len != 1 || some.ptr[0].ptr[0].tag != PADDOCK_SQL_DATABASE_VALUE_INTEGER)
      __builtin_trap();
    *count = some.ptr[0].ptr[0].val.integer;
  }
  paddock_sql_database_rows_drop_own(rows);
  return fine;
}

static void sql(out_t out, string_t word) {
  string_t name = string("default");
  string_t make = string("CREATE TABLE IF NOT EXISTS words (word VARCHAR(40))");
  string_t insert = string("INSERT INTO words (word) VALUES (?)");
  paddock_sql_database_value_t value = {PADDOCK_SQL_DATABASE_VALUE_TEXT, {.text = word}};
  paddock_sql_database_list_value_t none = {NULL, 0}, params = {&value, 1};
  paddock_sql_database_own_connection_t connection;
  paddock_sql_database_outcome_t outcome;
  paddock_sql_database_error_t error;
  if (!paddock_sql_database_static_connection_open(&name, &connection, &error)) {
    sql_failed(out, &error);
    return;
  }
  paddock_sql_database_borrow_connection_t borrowed =
      paddock_sql_database_borrow_connection(connection);
  int64_t count = 0;
  char text[24];
  if (!paddock_sql_database_method_connection_execute(borrowed, &make, &none, &outcome, &error) ||
      !paddock_sql_database_method_connection_execute(borrowed, &insert, &params, &outcome,
                                                      &error) ||
      !counted(borrowed, &params, &count, &error))
    sql_failed(out, &error);
  else
    respond(out, 200, (uint8_t *)text,
            (size_t)snprintf(text, sizeof text, "%lld\n", (long long)count));
  paddock_sql_database_connection_drop_own(connection);
}

static bool stored(wasi_blobstore_container_borrow_container_t container, string_t *word,
                   string_t *why) {
  wasi_blobstore_types_own_outgoing_value_t value =
      wasi_blobstore_types_static_outgoing_value_new_outgoing_value();
  wasi_blobstore_types_borrow_outgoing_value_t borrowed =
      wasi_blobstore_types_borrow_outgoing_value(value);
  wasi_io_streams_own_output_stream_t stream;
  wasi_io_streams_stream_error_t closed;
  services_small_list_u8_t bytes = {word->ptr, word->len};
  if (!wasi_blobstore_types_method_outgoing_value_outgoing_value_write_body(borrowed, &stream))
    __builtin_trap();
  bool fine = wasi_blobstore_container_method_container_write_data(container, word, borrowed, why);
  wasi_io_streams_method_output_stream_blocking_write_and_flush(
      wasi_io_streams_borrow_output_stream(stream), &bytes, &closed);
  wasi_io_streams_output_stream_drop_own(stream);
  if (fine)
    return wasi_blobstore_types_static_outgoing_value_finish(value, why);
  wasi_blobstore_types_outgoing_value_drop_own(value);
  return false;
}

static void blob(out_t out, string_t word) {
  string_t name = string("default"), why;
  wasi_blobstore_container_own_container_t container;
  if (!wasi_blobstore_blobstore_create_container(&name, &container, &why) &&
      !wasi_blobstore_blobstore_get_container(&name, &container, &why)) {
    fail(out, "container", &why);
    return;
  }
  wasi_blobstore_container_borrow_container_t borrowed =
      wasi_blobstore_container_borrow_container(container);
  wasi_blobstore_types_own_incoming_value_t found;
  wasi_blobstore_types_incoming_value_sync_body_t body;
  if (!stored(borrowed, &word, &why) ||
      !wasi_blobstore_container_method_container_get_data(borrowed, &word, 0, UINT64_MAX, &found,
                                                          &why) ||
      !wasi_blobstore_types_static_incoming_value_incoming_value_consume_sync(found, &body, &why))
    fail(out, "object", &why);
  else
    respond(out, 200, body.ptr, body.len);
  wasi_blobstore_container_container_drop_own(container);
}

static void publish(out_t out, string_t word) {
  wasmcloud_messaging_consumer_broker_message_t message = {
      .subject = string("words"), .body = {word.ptr, word.len}, .reply_to = {.is_some = false}};
  string_t why;
  if (wasmcloud_messaging_consumer_publish(&message, &why))
    respond(out, 200, (uint8_t *)"published\n", 10);
  else
    fail(out, "publish", &why);
}

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  static const struct {
    const char *prefix;
    void (*answer)(out_t, string_t);
  } routes[] = {{"/sql/", sql}, {"/blob/", blob}, {"/publish/", publish}};
  string_t path = {NULL, 0};
  wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request), &path);
  wasi_http_types_incoming_request_drop_own(request);
  for (size_t at = 0; at < sizeof routes / sizeof *routes; at++) {
    size_t length = strlen(routes[at].prefix);
    if (path.len > length && !memcmp(path.ptr, routes[at].prefix, length)) {
      routes[at].answer(out, (string_t){path.ptr + length, path.len - length});
      return;
    }
  }
  respond(out, 404, (uint8_t *)"no route\n", 9);
}
