;; A WASI 0.1 command: prints each argument, then each environment variable,
;; one a line, and ends with the exit code 3 if the first argument is "fail".
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get"
    (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get"
    (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 48) "fail\00")

  (func $length (param $text i32) (result i32)
    (local $end i32)
    (local.set $end (local.get $text))
    (block $done (loop $next
      (br_if $done (i32.eqz (i32.load8_u (local.get $end))))
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br $next)))
    (i32.sub (local.get $end) (local.get $text)))

  ;; Writes the text and, over its closing zero, a line feed.
  (func $line (param $text i32)
    (local $length i32)
    (local.set $length (call $length (local.get $text)))
    (i32.store8 (i32.add (local.get $text) (local.get $length)) (i32.const 10))
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (i32.add (local.get $length) (i32.const 1)))
    (drop (call $fd_write
      (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))

  (func $lines (param $pointers i32) (param $count i32)
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $count)))
      (call $line (i32.load (local.get $pointers)))
      (local.set $pointers (i32.add (local.get $pointers) (i32.const 4)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next))))

  (func $fails (param $argument i32) (result i32)
    (i64.eq
      (i64.and (i64.load (local.get $argument)) (i64.const 0xffffffffff))
      (i64.load32_u (i32.const 48))))

  (func (export "_start")
    (local $count i32) (local $fails i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $count (i32.load (i32.const 0)))
    (drop (call $args_get (i32.const 1024) (i32.const 65536)))
    (if (i32.gt_u (local.get $count) (i32.const 1))
      (then (local.set $fails (call $fails (i32.load (i32.const 1028))))))
    (call $lines (i32.const 1024) (local.get $count))
    (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $count (i32.load (i32.const 0)))
    (drop (call $environ_get (i32.const 1024) (i32.const 131072)))
    (call $lines (i32.const 1024) (local.get $count))
    (if (local.get $fails) (then (call $proc_exit (i32.const 3))))))
