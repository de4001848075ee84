;; Calls itself until the stack ends.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func $deeper (param $n i64) (result i64)
    (i64.add (i64.const 1)
      (call $deeper (i64.add (local.get $n) (i64.const 1)))))
  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)
    (drop (call $deeper (i64.const 0)))))
