;; A WebAssembly component in text (WASI 0.2): every request is answered with
;; the text below. Change it, and its length beside it, and start again.
;;
;; The parts, from the top: the interfaces which it calls, only as far as it
;; calls them; its memory, with the text; the imports turned into functions of
;; the core module; that module, whose `handle` does the work; and the export
;; wasi:http/incoming-handler, which the host calls for each request.
(component
  (import "wasi:io/error@0.2.0" (instance $io-error
    (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))

  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error-def (variant
      (case "last-operation-failed" (own $error))
      (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error-def)))
    (export "[method]output-stream.blocking-write-and-flush" (func
      (param "self" (borrow $output-stream))
      (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))

  (import "wasi:http/types@0.2.0" (instance $http
    (alias outer 1 $output-stream (type $outer-output-stream))
    (export "output-stream" (type $output-stream (eq $outer-output-stream)))
    (export "fields" (type $fields (sub resource)))
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type $response-outparam (sub resource)))
    (export "outgoing-response" (type $outgoing-response (sub resource)))
    (export "outgoing-body" (type $outgoing-body (sub resource)))

    (type $header-error-def (variant
      (case "invalid-syntax") (case "forbidden") (case "immutable")))
    (export "header-error" (type $header-error (eq $header-error-def)))

    (type $dns-def (record
      (field "rcode" (option string)) (field "info-code" (option u16))))
    (export "DNS-error-payload" (type $dns (eq $dns-def)))
    (type $alert-def (record
      (field "alert-id" (option u8)) (field "alert-message" (option string))))
    (export "TLS-alert-received-payload" (type $alert (eq $alert-def)))
    (type $size-def (record
      (field "field-name" (option string)) (field "field-size" (option u32))))
    (export "field-size-payload" (type $size (eq $size-def)))
    (type $error-code-def (variant
      (case "DNS-timeout")
      (case "DNS-error" $dns)
      (case "destination-not-found")
      (case "destination-unavailable")
      (case "destination-IP-prohibited")
      (case "destination-IP-unroutable")
      (case "connection-refused")
      (case "connection-terminated")
      (case "connection-timeout")
      (case "connection-read-timeout")
      (case "connection-write-timeout")
      (case "connection-limit-reached")
      (case "TLS-protocol-error")
      (case "TLS-certificate-error")
      (case "TLS-alert-received" $alert)
      (case "HTTP-request-denied")
      (case "HTTP-request-length-required")
      (case "HTTP-request-body-size" (option u64))
      (case "HTTP-request-method-invalid")
      (case "HTTP-request-URI-invalid")
      (case "HTTP-request-URI-too-long")
      (case "HTTP-request-header-section-size" (option u32))
      (case "HTTP-request-header-size" (option $size))
      (case "HTTP-request-trailer-section-size" (option u32))
      (case "HTTP-request-trailer-size" $size)
      (case "HTTP-response-incomplete")
      (case "HTTP-response-header-section-size" (option u32))
      (case "HTTP-response-header-size" $size)
      (case "HTTP-response-body-size" (option u64))
      (case "HTTP-response-trailer-section-size" (option u32))
      (case "HTTP-response-trailer-size" $size)
      (case "HTTP-response-transfer-coding" (option string))
      (case "HTTP-response-content-coding" (option string))
      (case "HTTP-response-timeout")
      (case "HTTP-upgrade-failed")
      (case "HTTP-protocol-error")
      (case "loop-detected")
      (case "configuration-error")
      (case "internal-error" (option string))))
    (export "error-code" (type $error-code (eq $error-code-def)))

    (export "[static]fields.from-list" (func
      (param "entries" (list (tuple string (list u8))))
      (result (result (own $fields) (error $header-error)))))
    (export "[constructor]outgoing-response" (func
      (param "headers" (own $fields))
      (result (own $outgoing-response))))
    (export "[method]outgoing-response.body" (func
      (param "self" (borrow $outgoing-response))
      (result (result (own $outgoing-body)))))
    (export "[static]response-outparam.set" (func
      (param "param" (own $response-outparam))
      (param "response" (result (own $outgoing-response) (error $error-code)))))
    (export "[method]outgoing-body.write" (func
      (param "self" (borrow $outgoing-body))
      (result (result (own $output-stream)))))
    (export "[static]outgoing-body.finish" (func
      (param "this" (own $outgoing-body))
      (param "trailers" (option (own $fields)))
      (result (result (error $error-code)))))))
  (alias export $http "incoming-request" (type $incoming-request))
  (alias export $http "response-outparam" (type $response-outparam))

  ;; The memory stands in a module of its own, so that the lowered imports can
  ;; name it before the module that calls them exists.
  (core module $Memory
    (memory (export "memory") 1)
    ;; Called only for the text of an error, which nobody reads.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (i32.const 1024))
    ;; The text of the answer, up to 4096 bytes, and its length.
    (data (i32.const 4096) "Hello from WebAssembly text!\n")
    (global (export "text-length") i32 (i32.const 29))
    ;; The headers as list<tuple<string, list<u8>>>: at 64, for each, where its
    ;; name stands, the name's length, where its value stands, the value's length.
    (data (i32.const 0) "content-typetext/plain")
    (data (i32.const 64) "\00\00\00\00\0c\00\00\00\0c\00\00\00\0a\00\00\00"))
  (core instance $memory (instantiate $Memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (alias core export $memory "text-length" (core global $text-length))

  (core func $fields (canon lower (func $http "[static]fields.from-list")
    (memory $mem)))
  (core func $response (canon lower (func $http "[constructor]outgoing-response")))
  (core func $body (canon lower (func $http "[method]outgoing-response.body")
    (memory $mem)))
  (core func $set (canon lower (func $http "[static]response-outparam.set")
    (memory $mem)))
  (core func $stream (canon lower (func $http "[method]outgoing-body.write")
    (memory $mem)))
  (core func $finish (canon lower (func $http "[static]outgoing-body.finish")
    (memory $mem) (realloc $realloc)))
  (core func $write (canon lower
    (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $drop-request (canon resource.drop $incoming-request))
  (core func $drop-stream (canon resource.drop $output-stream))

  (core module $Main
    (import "host" "memory" (memory 1))
    (import "host" "text-length" (global $text-length i32))
    (import "host" "fields" (func $fields (param i32 i32 i32)))
    (import "host" "response" (func $response (param i32) (result i32)))
    (import "host" "body" (func $body (param i32 i32)))
    (import "host" "set" (func $set
      (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
    (import "host" "stream" (func $stream (param i32 i32)))
    (import "host" "finish" (func $finish (param i32 i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "drop-request" (func $drop-request (param i32)))
    (import "host" "drop-stream" (func $drop-stream (param i32)))

    ;; Each call leaves its result at 256: 0 for ok, then the handle at 260.
    ;; First the head of the response, then its body as a stream.
    (func (export "handle") (param $request i32) (param $out i32)
      (local $response i32) (local $body i32) (local $stream i32)
      (call $drop-request (local.get $request))
      (call $fields (i32.const 64) (i32.const 1) (i32.const 256))
      (local.set $response (call $response (i32.load (i32.const 260))))
      (call $body (local.get $response) (i32.const 256))
      (local.set $body (i32.load (i32.const 260)))
      (call $set (local.get $out) (i32.const 0) (local.get $response)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0))
      (call $stream (local.get $body) (i32.const 256))
      (local.set $stream (i32.load (i32.const 260)))
      (call $write (local.get $stream) (i32.const 4096)
        (global.get $text-length) (i32.const 256))
      (call $drop-stream (local.get $stream))
      (call $finish (local.get $body) (i32.const 0) (i32.const 0)
        (i32.const 256))))
  (core instance $main (instantiate $Main (with "host" (instance
    (export "memory" (memory $mem))
    (export "text-length" (global $text-length))
    (export "fields" (func $fields))
    (export "response" (func $response))
    (export "body" (func $body))
    (export "set" (func $set))
    (export "stream" (func $stream))
    (export "finish" (func $finish))
    (export "write" (func $write))
    (export "drop-request" (func $drop-request))
    (export "drop-stream" (func $drop-stream))))))

  (func $handle
    (param "request" (own $incoming-request))
    (param "response-out" (own $response-outparam))
    (canon lift (core func $main "handle")))
  ;; An exported interface that `use`s resource types has to export them too.
  (component $Handler
    (import "incoming-request" (type $request (sub resource)))
    (import "response-outparam" (type $out (sub resource)))
    (import "handle" (func $handle
      (param "request" (own $request)) (param "response-out" (own $out))))
    (export $exported-request "incoming-request" (type $request))
    (export $exported-out "response-outparam" (type $out))
    (export "handle" (func $handle) (func
      (param "request" (own $exported-request))
      (param "response-out" (own $exported-out)))))
  (instance $handler (instantiate $Handler
    (with "incoming-request" (type $incoming-request))
    (with "response-outparam" (type $response-outparam))
    (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))
