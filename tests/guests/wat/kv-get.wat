;; Answers with the value of the key "key" in the store "default", through
;; wasi:keyvalue, or with "none". As small as it can be: for measuring.
(module
  (import "wasi:keyvalue/store@0.2.0-draft2" "open"
    (func $open (param i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[method]bucket.get"
    (func $get (param i32 i32 i32 i32)))
  (import "wasi:keyvalue/store@0.2.0-draft2" "[resource-drop]bucket"
    (func $drop-bucket (param i32)))
  (include "respond.part.wat")
  (memory (export "memory") 4)
  (data (i32.const 64) "defaultkeynonerefused")

  (func (export "wasi:http/incoming-handler@0.2.0#handle")
    (param $request i32) (param $out i32)
    (local $bucket i32)
    (call $drop-request (local.get $request))
    (call $open (i32.const 64) (i32.const 7) (i32.const 288))
    (if (i32.load8_u (i32.const 288)) (then
      (call $respond (local.get $out) (i32.const 78) (i32.const 7))
      (return)))
    (local.set $bucket (i32.load (i32.const 292)))
    (call $get (local.get $bucket) (i32.const 71) (i32.const 3) (i32.const 288))
    (call $drop-bucket (local.get $bucket))
    (if (i32.load8_u (i32.const 288)) (then
      (call $respond (local.get $out) (i32.const 78) (i32.const 7))
      (return)))
    (if (i32.load8_u (i32.const 292))
      (then (call $respond (local.get $out)
        (i32.load (i32.const 296)) (i32.load (i32.const 300))))
      (else (call $respond (local.get $out) (i32.const 74) (i32.const 4))))))
