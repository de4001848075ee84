;; A handler of messages (wasmcloud:messaging/handler@0.2.0) that takes every one
;; and does nothing: for measuring what a message costs on its way.
(module
  (memory (export "memory") 1)
  ;; The next free byte; an instance handles one message, so nothing is given back.
  (global $next (mut i32) (i32.const 1024))

  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.xor (i32.sub (local.get $align) (i32.const 1)) (i32.const -1))))
    (global.set $next (i32.add (local.get $at) (local.get $new)))
    (if (i32.gt_u (global.get $next) (i32.shl (memory.size) (i32.const 16)))
      (then
        (drop (memory.grow
          (i32.add (i32.shr_u (i32.sub (global.get $next) (i32.shl (memory.size) (i32.const 16))) (i32.const 16))
            (i32.const 1))))))
    (local.get $at))

  ;; subject, body, option of reply-to; the result's tag at byte 16 stays 0, which is ok.
  (func (export "wasmcloud:messaging/handler@0.2.0#handle-message")
    (param i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.const 16)))
