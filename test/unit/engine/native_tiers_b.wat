;; The other instance: fails in every way, or passes on to the host.
(module
 (type $ii (func (param i32) (result i32)))
 (import "env" "host" (func $host (type $ii)))
 (import "env" "tag" (tag $tag (param i32)))
 (memory 1)
 (func $fail (param i32) (result i32)
  (if (i32.eq (local.get 0) (i32.const 10)) (then (throw $tag (i32.const 7))))
  (if (i32.eq (local.get 0) (i32.const 11)) (then (unreachable)))
  (if (i32.eq (local.get 0) (i32.const 12)) (then (drop (i32.load (i32.const 65536)))))
  (i32.add (i32.const 10) (call $host (local.get 0))))
 (func (export "pass") (param i32) (result i32) (i32.add (i32.const 20) (call $fail (local.get 0))))
)
