  ;; Included by the guests that answer: `respond` sends the `length` bytes at
  ;; `text` with status 200. It uses the memory from 256 to 272.
  (import "wasi:http/types@0.2.0" "[constructor]fields"
    (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response"
    (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body"
    (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write"
    (func $stream (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish"
    (func $finish (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0"
    "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream"
    (func $drop-stream (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-request"
    (func $drop-request (param i32)))

  (func $respond (param $out i32) (param $text i32) (param $length i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (local.set $response (call $response (call $fields)))
    (call $body (local.get $response) (i32.const 256))
    (local.set $body (i32.load (i32.const 260)))
    (call $set (local.get $out) (i32.const 0) (local.get $response)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
      (i32.const 0) (i32.const 0))
    (call $stream (local.get $body) (i32.const 256))
    (local.set $stream (i32.load (i32.const 260)))
    (call $write (local.get $stream) (local.get $text) (local.get $length)
      (i32.const 256))
    (call $drop-stream (local.get $stream))
    (call $finish (local.get $body) (i32.const 0) (i32.const 0)
      (i32.const 256)))

  (global $next (mut i32) (i32.const 8192))
  (func $realloc (export "cabi_realloc")
    (param i32 i32 i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.and
      (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7))
      (i32.const -8))))
