# The calculator in Crystal, without its library, which there is none of for WebAssembly. Memory
# and functions are those of the calculator in C; its grammar is described there. What cannot be
# read is noted, and the parser then finds nothing more.
# What gives nothing says so: else a result would stand on the stack.
# Numbers are added with & in front, as what is called when they grow too large is of the library.
require "primitives"

lib C
  fun calc_sin(x : Float64) : Float64
  fun calc_cos(x : Float64) : Float64
  fun calc_tan(x : Float64) : Float64
  fun calc_exp(x : Float64) : Float64
  fun calc_log(x : Float64) : Float64
  fun calc_pow(x : Float64, y : Float64) : Float64
  fun calc_sqrt = "llvm.sqrt.f64"(x : Float64) : Float64
  fun calc_abs = "llvm.fabs.f64"(x : Float64) : Float64
  fun calc_read_number(text : UInt8*, stop : UInt8**) : Float64
  fun trap = "llvm.trap" : NoReturn
end

struct Pointer(T)
  def [](index : Int32) : T
    (self + index.to_i64!).value
  end

  def []=(index : Int32, value : T)
    (self + index.to_i64!).value = value
  end
end

class String
  def bytes : UInt8*
    pointerof(@c)
  end
end

DEPTH_MAX   = 200
MESSAGE_MAX = 120

# All of it is here rather than in a parser of its own, so that nothing is on the stack when
# evaluate_expression traps.
module Calculator
  @@text = uninitialized UInt8*
  @@next = uninitialized UInt8*
  @@stop = uninitialized UInt8*
  @@depth = 0
  @@message = uninitialized UInt8[MESSAGE_MAX]
  @@length = 0

  def self.message : UInt8*
    pointerof(@@message).as(UInt8*)
  end

  def self.put(byte : UInt8) : Nil
    if @@length < MESSAGE_MAX &- 1
      message[@@length] = byte
      @@length &+= 1
    end
    message[@@length] = 0_u8
  end

  def self.put(text : String) : Nil
    index = 0
    while text.bytes[index] != 0
      put(text.bytes[index])
      index &+= 1
    end
  end

  def self.put_number(n : UInt64) : Nil
    put_number(n.unsafe_div(10_u64)) if n > 9
    put((48_u64 &+ n.unsafe_mod(10_u64)).to_u8!)
  end

  def self.refuse(reason : String) : Nil
    return if @@length > 0
    put("at ")
    put_number(@@next.address &- @@text.address &+ 1_u64)
    put(": ")
    put(reason)
    @@next = "".bytes
  end

  def self.letter?(byte : UInt8) : Bool
    (byte >= 'a'.ord && byte <= 'z'.ord) || (byte >= 'A'.ord && byte <= 'Z'.ord)
  end

  def self.skip_space : Nil
    while @@next[0] == ' '.ord || (@@next[0] >= 9 && @@next[0] <= 13)
      @@next += 1_i64
    end
  end

  def self.accept(char : Char) : Bool
    skip_space
    return false if @@next[0] != char.ord
    @@next += 1_i64
    true
  end

  def self.expect(char : Char, reason : String) : Nil
    refuse(reason) unless accept(char)
  end

  # Skip a function's name, if it stands here.
  def self.accept_name(name : String) : Bool
    index = 0
    while name.bytes[index] != 0
      return false if @@next[index] != name.bytes[index]
      index &+= 1
    end
    return false if letter?(@@next[index])
    @@next += index.to_i64!
    true
  end

  def self.argument : Float64
    expect('(', "expected '(' behind a function's name")
    x = sum
    expect(')', "expected an operator or ')'")
    x
  end

  def self.call : Float64
    {% for name in %w(sqrt sin cos tan log exp abs) %}
      return C.calc_{{name.id}}(argument) if accept_name({{name}})
    {% end %}
    refuse("unknown function")
    0.0
  end

  def self.number : Float64
    x = C.calc_read_number(@@next, pointerof(@@stop))
    if @@stop.address == @@next.address
      refuse("expected a number")
    else
      @@next = @@stop
    end
    x
  end

  def self.primary : Float64
    skip_space
    return call if letter?(@@next[0])
    return number unless accept('(')
    x = sum
    expect(')', "expected an operator or ')'")
    x
  end

  def self.with_sign : Float64
    negative = false
    while accept('-')
      negative = !negative
    end
    refuse("brackets or powers nested too deeply") if @@depth == DEPTH_MAX
    @@depth &+= 1
    x = primary
    x = C.calc_pow(x, with_sign) if accept('^')
    @@depth &-= 1
    negative ? x * -1.0 : x
  end

  def self.product : Float64
    x = with_sign
    while true
      if accept('*')
        x *= with_sign
      elsif accept('/')
        x /= with_sign
      else
        return x
      end
    end
  end

  def self.sum : Float64
    x = product
    while true
      if accept('+')
        x += product
      elsif accept('-')
        x -= product
      else
        return x
      end
    end
  end

  def self.evaluate(text : UInt8*) : Float64
    @@text = @@next = text
    @@depth = @@length = 0
    message[0] = 0_u8
    x = sum
    skip_space
    refuse("expected an operator or the end") if @@next[0] != 0
    x
  end

  def self.refused? : Bool
    @@length > 0
  end
end

fun evaluate_expression(text : UInt8*) : Float64
  x = Calculator.evaluate(text)
  C.trap if Calculator.refused?
  x
end

fun last_error : UInt8*
  Calculator.message
end
