;; Calls http://hello.spin.internal/ and answers with the body that it gets, or
;; with "refused". As small as it can be: for measuring what a call adds.
(module
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-request"
    (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
    (func $set-path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/outgoing-handler@0.2.0" "handle"
    (func $handle (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get"
    (func $get (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]future-incoming-response"
    (func $drop-future (param i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-response.consume"
    (func $consume (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-response"
    (func $drop-response (param i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-body.stream"
    (func $source (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-body"
    (func $drop-body (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read"
    (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]input-stream"
    (func $drop-source (param i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable"
    (func $drop-pollable (param i32)))
  (include "respond.part.wat")
  ;; A reused instance never frees: 10,000 answers of "hello" fit.
  (memory (export "memory") 4)
  (data (i32.const 64) "hello.spin.internalrefused/")

  ;; Results are left at 512: the error codes in them align payloads to 8.
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $in i32) (param $out i32)
    (local $future i32) (local $pollable i32) (local $answer i32)
    (local $body i32) (local $stream i32)
    (call $drop-request (local.get $in))
    (local.set $answer (call $request (call $fields)))
    (drop (call $set-authority (local.get $answer)
      (i32.const 1) (i32.const 64) (i32.const 19)))
    (drop (call $set-path (local.get $answer)
      (i32.const 1) (i32.const 90) (i32.const 1)))
    (call $handle (local.get $answer) (i32.const 0) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then
      (call $respond (local.get $out) (i32.const 83) (i32.const 7))
      (return)))
    (local.set $future (i32.load (i32.const 520)))
    (local.set $pollable (call $subscribe (local.get $future)))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable))
    (call $get (local.get $future) (i32.const 512))
    ;; some(ok(ok(response)))
    (if (i32.load8_u (i32.const 528)) (then
      (call $respond (local.get $out) (i32.const 83) (i32.const 7))
      (return)))
    (local.set $answer (i32.load (i32.const 536)))
    (call $consume (local.get $answer) (i32.const 512))
    (local.set $body (i32.load (i32.const 516)))
    (call $source (local.get $body) (i32.const 512))
    (local.set $stream (i32.load (i32.const 516)))
    (call $read (local.get $stream) (i64.const 4096) (i32.const 512))
    (call $drop-source (local.get $stream))
    (call $drop-body (local.get $body))
    (call $drop-response (local.get $answer))
    (call $drop-future (local.get $future))
    (call $respond (local.get $out)
      (i32.load (i32.const 516)) (i32.load (i32.const 520)))))
