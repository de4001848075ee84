;; Grows eight memories beside its own until each is refused, then answers
;; "refused": a limit has to count them together.
(module
  (include "../wat/respond.part.wat")
  (memory (export "memory") 1)
  (memory $m1 1)
  (memory $m2 1)
  (memory $m3 1)
  (memory $m4 1)
  (memory $m5 1)
  (memory $m6 1)
  (memory $m7 1)
  (memory $m8 1)
  (data (i32.const 64) "refused")
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (call $drop-request (local.get $request))
    (loop $more1
      (br_if $more1 (i32.ne
        (memory.grow $m1 (i32.const 16)) (i32.const -1))))
    (loop $more2
      (br_if $more2 (i32.ne
        (memory.grow $m2 (i32.const 16)) (i32.const -1))))
    (loop $more3
      (br_if $more3 (i32.ne
        (memory.grow $m3 (i32.const 16)) (i32.const -1))))
    (loop $more4
      (br_if $more4 (i32.ne
        (memory.grow $m4 (i32.const 16)) (i32.const -1))))
    (loop $more5
      (br_if $more5 (i32.ne
        (memory.grow $m5 (i32.const 16)) (i32.const -1))))
    (loop $more6
      (br_if $more6 (i32.ne
        (memory.grow $m6 (i32.const 16)) (i32.const -1))))
    (loop $more7
      (br_if $more7 (i32.ne
        (memory.grow $m7 (i32.const 16)) (i32.const -1))))
    (loop $more8
      (br_if $more8 (i32.ne
        (memory.grow $m8 (i32.const 16)) (i32.const -1))))
    (call $respond (local.get $out) (i32.const 64) (i32.const 7))))
