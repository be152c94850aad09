;; Blocks of every kind, with parameters and several results; branches; unreachable code.
(module
  (type $pair (func (param i32 i64) (result i64 i32)))
  (func $swap (export "swap") (type $pair)
    local.get 1
    local.get 0)
  (func (export "blocks") (param i32) (result i32)
    (local $sum i32) (local f64 f64 v128)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get 0)))
        (local.set $sum (i32.add (local.get $sum) (local.get 0)))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $again)))
    (if (result i32) (i32.gt_u (local.get $sum) (i32.const 100))
      (then (i32.const 100))
      (else (local.tee $sum (local.get $sum)))))
  (func (export "several") (result i32 i64)
    i32.const 1
    i64.const 2
    call $swap
    block (param i64 i32) (result i32 i64)
      drop
      i32.wrap_i64
      i64.const -1
    end)
  (func (export "choose") (param i32) (result i32)
    (block $a (block $b (block $c
      (br_table $a $b $c $a (local.get 0)))
      (return (i32.const 3)))
      (return (i32.const 2)))
    (select (i32.const 1) (i32.const 0) (local.get 0)))
  (func (export "dead") (result f32)
    unreachable
    drop
    i32.add
    select
    br 0
    f32.add))
