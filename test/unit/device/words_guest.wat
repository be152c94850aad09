;; The guest of words_guest.h, which tells why it trapped. Its bytes stand there:
;;   wat2wasm words_guest.wat -o - | xxd -i
(module
  (tag $thrown (param i32))
  (memory (export "memory") 1)
  (global $way (mut i32) (i32.const 0))
  (global $asked (mut i32) (i32.const 0))
  (data (i32.const 16) "it broke\00")
  (data (i32.const 32) "a\ffb\c3\00")

  ;; How last_error shall behave after this trap.
  (func (export "trap") (param $way i32)
    (global.set $way (local.get $way))
    unreachable)
  (func (export "throw") (param $way i32)
    (global.set $way (local.get $way))
    (throw $thrown (i32.const 7)))
  (func (export "spin") (loop $l (br $l)))
  (func (export "asked") (result i32) (global.get $asked))

  (func (export "last_error") (result i32)
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    (if (i32.eq (global.get $way) (i32.const 1)) (then unreachable))
    (if (i32.eq (global.get $way) (i32.const 2)) (then (loop $l (br $l))))
    (if (i32.eq (global.get $way) (i32.const 3)) (then (return (i32.const -16))))
    (if (i32.eq (global.get $way) (i32.const 4)) (then (return (i32.const 32))))
    (if (i32.eq (global.get $way) (i32.const 5)) (then (return (i32.const 0))))
    (if (i32.eq (global.get $way) (i32.const 6)) (then (throw $thrown (i32.const 9))))
    (i32.const 16)))
