;; A WASI 0.1 reactor: `_initialize` runs once, before any other export.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const -1000))
  (data (i32.const 32) "counted\n")
  (func (export "_initialize") (global.set $count (i32.const 0)))
  ;; 1 at the first call; below zero when the host forgot `_initialize`.
  (func (export "count") (result i32)
    (i32.store (i32.const 16) (i32.const 32))
    (i32.store (i32.const 20) (i32.const 8))
    (drop (call $fd_write
      (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))
