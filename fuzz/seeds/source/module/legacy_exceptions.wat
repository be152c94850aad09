;; Exceptions in the older encoding.
(module
  (tag $number (export "number") (param i32))
  (tag $pair (param i64 f32))
  (func $throw (param i32)
    (if (local.get 0) (then (throw $number (local.get 0))))
    (throw $pair (i64.const 1) (f32.const 2)))
  (func (export "catch") (param i32) (result i32)
    try (result i32)
      local.get 0
      call $throw
      i32.const 0
    catch $number
    catch $pair
      drop
      i32.wrap_i64
    catch_all
      i32.const -1
    end)
  (func (export "nested") (param i32)
    try $outer
      try
        local.get 0
        call $throw
      delegate $outer
    catch $number
      drop
      rethrow $outer
    catch_all
      try
        rethrow $outer
      catch_all
      end
    end))
