;; A core module with plain exports, called with `run --invoke`.
(module
  (func (export "add") (param $a i32) (param $b i32) (result i32)
    (i32.add (local.get $a) (local.get $b)))
  (func (export "add64") (param $a i64) (param $b i64) (result i64)
    (i64.add (local.get $a) (local.get $b)))
  (func (export "half") (param $x f64) (result f64)
    (f64.div (local.get $x) (f64.const 2)))
  (func (export "swap") (param $a i32) (param $b i32) (result i32 i32)
    (local.get $b) (local.get $a))
  (func (export "nothing"))
  (func (export "trap") (unreachable)))
