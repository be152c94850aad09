## The calculator in Nim: what cannot be read is raised. Compiled through C, with Nim's library
## and that of WASI, whose mathematics it uses. The grammar is described in
## ../calculator/calculator.c. What is nested more than 200 deep is refused.

import std/[math, parseutils, strutils]

{.pragma: exported, exportc, codegenDecl: "__attribute__((export_name(\"$2\"))) $1 $2$3".}

type
  Refusal = object of CatchableError
    place: int
  Parser = object
    text: string
    next, depth: int

var message = ""

proc refuse(p: Parser, reason: string, place = p.next) =
  raise (ref Refusal)(msg: reason, place: place + 1)

proc peek(p: var Parser): char =
  while p.next < p.text.len and p.text[p.next] in Whitespace:
    inc p.next
  if p.next < p.text.len: p.text[p.next] else: '\0'

proc accept(p: var Parser, c: char): bool =
  result = p.peek == c
  if result: inc p.next

proc expect(p: var Parser, c: char, reason: string) =
  if not p.accept c: p.refuse reason

proc sum(p: var Parser): float

proc inBrackets(p: var Parser): float =
  result = p.sum
  p.expect ')', "expected an operator or ')'"

proc call(p: var Parser): float =
  let place = p.next
  var name: string
  p.next += p.text.parseIdent(name, p.next)
  if name notin ["sqrt", "sin", "cos", "tan", "log", "exp", "abs"]:
    p.refuse "unknown function", place
  p.expect '(', "expected '(' behind a function's name"
  let x = p.inBrackets
  case name
  of "sqrt": sqrt x
  of "sin": sin x
  of "cos": cos x
  of "tan": tan x
  of "log": ln x
  of "exp": exp x
  else: abs x

proc primary(p: var Parser): float =
  if p.peek in Letters: return p.call
  if p.accept '(': return p.inBrackets
  if p.peek notin Digits + {'.'}: p.refuse "expected a number"
  let len = p.text.parseFloat(result, p.next)
  if len == 0: p.refuse "expected a number"
  p.next += len

proc signed(p: var Parser): float =
  var isNegative = false
  while p.accept '-': isNegative = not isNegative
  if p.depth == 200: p.refuse "brackets or powers nested too deeply"
  inc p.depth
  result = p.primary
  if p.accept '^': result = pow(result, p.signed)
  dec p.depth
  if isNegative: result = -result

proc product(p: var Parser): float =
  result = p.signed
  while true:
    if p.accept '*': result *= p.signed
    elif p.accept '/': result /= p.signed
    else: return

proc sum(p: var Parser): float =
  result = p.product
  while true:
    if p.accept '+': result += p.product
    elif p.accept '-': result -= p.product
    else: return

proc valueOf(text: cstring): float {.noinline.} =
  ## Apart from evaluate_expression, which so has nothing on the stack when it traps.
  message = ""
  try:
    var p = Parser(text: $text)
    result = p.sum
    if p.peek != '\0': p.refuse "expected an operator or the end"
  except Refusal as e:
    message = "at " & $e.place & ": " & e.msg

# What Nim's main program would call first; here `_initialize` does.
{.emit: """/*VARSECTION*/
N_CDECL(void, NimMain)(void);
__attribute__((constructor)) static void begin(void) { NimMain(); }
""".}

proc trap() {.importc: "__builtin_trap", nodecl.}

proc evaluate_expression(text: cstring): cdouble {.exported.} =
  result = valueOf text
  if message.len > 0: trap()

proc last_error(): cstring {.exported.} =
  message.cstring
