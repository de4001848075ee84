;; Grows a table by 1,000 elements at a time until refused, then answers
;; "refused".
(module
  (include "../wat/respond.part.wat")
  (memory (export "memory") 1)
  (data (i32.const 64) "refused")
  (table $t 1 funcref)
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $drop-request (local.get $request))
    (loop $more
      (br_if $more (i32.ne
        (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
    (call $respond (local.get $out) (i32.const 64) (i32.const 7))))
