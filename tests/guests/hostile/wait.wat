;; Touches 1 MiB, waits in a host call, then answers "done". The digits at the
;; end of the path are the milliseconds to wait (`/?ms=250`); without any, 5000.
(module
  (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query"
    (func $path (param i32 i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration"
    (func $subscribe (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable"
    (func $drop-pollable (param i32)))
  (include "../wat/respond.part.wat")
  (memory (export "memory") 18)
  (data (i32.const 64) "done")

  (func $digits-at-end (param $text i32) (param $length i32) (result i64)
    (local $value i64) (local $scale i64) (local $digit i32) (local $at i32)
    (local.set $scale (i64.const 1))
    (local.set $at (i32.add (local.get $text) (local.get $length)))
    (block $done (loop $next
      (br_if $done (i32.eq (local.get $at) (local.get $text)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (local.set $digit
        (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
      (local.set $value (i64.add (local.get $value)
        (i64.mul (i64.extend_i32_u (local.get $digit)) (local.get $scale))))
      (local.set $scale (i64.mul (local.get $scale) (i64.const 10)))
      (br $next)))
    (select (i64.const 5000) (local.get $value)
      (i64.eq (local.get $scale) (i64.const 1))))

  (func $touch
    (local $at i32)
    (local.set $at (i32.const 131072))
    (loop $next
      (i32.store8 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 1179648)))))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $ms i64) (local $pollable i32)
    (call $touch)
    (call $path (local.get $request) (i32.const 256))
    (local.set $ms (i64.const 5000))
    (if (i32.load (i32.const 256)) (then
      (local.set $ms (call $digits-at-end
        (i32.load (i32.const 260)) (i32.load (i32.const 264))))))
    (call $drop-request (local.get $request))
    (local.set $pollable (call $subscribe
      (i64.mul (local.get $ms) (i64.const 1000000))))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable))
    (call $respond (local.get $out) (i32.const 64) (i32.const 4))))
