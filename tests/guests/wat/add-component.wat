;; A component whose export takes and gives typed values, by hand: see
;; `rust/typed` for every type there is.
(component
  (core module $Add
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))
  (core instance $add (instantiate $Add))
  (func (export "add") (param "a" s32) (param "b" s32) (result s32)
    (canon lift (core func $add "add"))))
