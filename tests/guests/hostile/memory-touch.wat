;; Grows its memory by 1 MiB at a time and writes to each new page until
;; refused, then answers "refused".
(module
  (include "../wat/respond.part.wat")
  (memory (export "memory") 1)
  (data (i32.const 64) "refused")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $at i32) (local $end i32)
    (call $drop-request (local.get $request))
    (block $full (loop $more
      (local.set $at (memory.grow (i32.const 16)))
      (br_if $full (i32.eq (local.get $at) (i32.const -1)))
      (local.set $at (i32.shl (local.get $at) (i32.const 16)))
      (local.set $end (i32.add (local.get $at) (i32.const 1048576)))
      (loop $touch
        (i32.store8 (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $touch (i32.ne (local.get $at) (local.get $end))))
      (br $more)))
    (call $respond (local.get $out) (i32.const 64) (i32.const 7))))
