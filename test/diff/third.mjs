// Asks a JavaScript engine what diff_calls has written down, and compares.
// usage: node third.mjs FOLDER     (exit code 0: it agrees on all)
// Modules that this engine refuses are counted; more than a tenth of them is a failure, since then
// little was compared.
import fs from "node:fs";
import path from "node:path";

const folder = process.argv[2];
const thing = { a: "thing" };
const limit = 1 << 26; // bytes of a memory that is hashed

const ints = [0n, 1n, -1n, 2n, 7n, 100n, 2147483647n, -2147483648n, 63n, 64n, -8n, 65536n,
              9223372036854775807n, -9223372036854775808n, 255n, 40000n];
const floats = [0, -0, 1, -1.5, 1e9, -3e9, 0.25, 1e30];

// As any_value of calls.c.
function anyValue(kind, seed) {
  const s = Number(BigInt.asUintN(64, (BigInt(seed) + 1n) * 0x9e3779b97f4a7c15n) >> 40n);
  switch (kind) {
    case "i32": return Number(BigInt.asIntN(32, ints[s % 16]));
    case "i64": return ints[s % 16];
    case "f32": return Math.fround(floats[s % 8]);
    case "f64": return floats[s % 8];
    case "externref": return s % 2 ? thing : null;
    default: return null;
  }
}

const view = new DataView(new ArrayBuffer(8));

function readValue(text) {
  const [kind, bits] = text.split(":");
  switch (kind) {
    case "i32": return Number(bits);
    case "i64": return BigInt(bits);
    case "f32": view.setUint32(0, Number(bits)); return view.getFloat32(0);
    case "f64": view.setBigUint64(0, BigInt(bits)); return view.getFloat64(0);
    case "ref": return thing;
    default: return null;
  }
}

// Like one that was written, whose kind it has.
function writeValue(v, like) {
  switch (like.split(":")[0]) {
    case "i32": return `i32:${v}`;
    case "i64": return `i64:${v}`;
    case "f32":
      view.setFloat32(0, v);
      return v !== v ? "f32:nan" : `f32:${view.getUint32(0)}`;
    case "f64":
      view.setFloat64(0, v);
      return v !== v ? "f64:nan" : `f64:${view.getBigUint64(0)}`;
    default: return v === null ? "null" : "ref";
  }
}

// ---- What a module imports: read from its bytes, since the interface does not tell types ----

function reader(bytes) {
  let at = 8;
  const u8 = () => bytes[at++];
  const u = () => {
    let v = 0n, shift = 0n, b;
    do { b = bytes[at++]; v |= BigInt(b & 0x7f) << shift; shift += 7n; } while (b & 0x80);
    return v;
  };
  const n = () => Number(u());
  const text = () => { const l = n(); at += l; return String.fromCharCode(...bytes.slice(at - l, at)); };
  return { u8, u, n, text, at: () => at, seek: (p) => { at = p; }, end: () => at >= bytes.length };
}

const kinds = { 0x7f: "i32", 0x7e: "i64", 0x7d: "f32", 0x7c: "f64", 0x7b: "v128",
                0x70: "funcref", 0x6f: "externref", 0x69: "exnref" };

function valtype(r) {
  const b = r.u8();
  if (b !== 0x63 && b !== 0x64)
    return kinds[b] ?? "ref";
  const heap = r.u8();
  if (heap & 0x40 && !(heap & 0x80))
    return kinds[heap] ?? "ref";
  while (heap & 0x80 && r.u8() & 0x80);
  return "ref";
}

function readTypes(r) {
  const types = [];
  for (let count = r.n(); count > 0; count--) {
    let b = r.u8();
    if (b === 0x50 || b === 0x4f) {
      for (let supers = r.n(); supers > 0; supers--) r.n();
      b = r.u8();
    }
    const list = () => Array.from({ length: r.n() }, () => valtype(r));
    types.push({ params: list(), results: list() });
  }
  return types;
}

function limits(r) {
  const flags = r.u8(), is64 = (flags & 4) !== 0, wrap = (v) => (is64 ? v : Number(v));
  const d = { initial: wrap(r.u()) };
  if (flags & 1) d.maximum = wrap(r.u());
  if (is64) d.address = "i64";
  return d;
}

const named = (kind) => (kind === "funcref" ? "anyfunc" : kind);

function makeImport(r, number, types) {
  const kind = r.u8();
  if (kind === 0) {
    const type = types[r.n()];
    return () => {
      const results = type.results.map((k, i) => anyValue(k, i));
      return results.length > 1 ? results : results[0];
    };
  }
  if (kind === 1) {
    const element = valtype(r) === "externref" ? "externref" : "anyfunc";
    const descriptor = { element, ...limits(r) };
    return element === "anyfunc" ? new WebAssembly.Table(descriptor)
                                 : new WebAssembly.Table(descriptor, null);
  }
  if (kind === 2) return new WebAssembly.Memory(limits(r));
  if (kind === 3) {
    const value = valtype(r), mutable = r.u8() === 1;
    return new WebAssembly.Global({ value: named(value), mutable },
                                  anyValue(value, number));
  }
  r.u8();
  return new WebAssembly.Tag({ parameters: types[r.n()].params.map(named) });
}

function makeImports(bytes) {
  const r = reader(bytes), imports = {};
  let types = [];
  while (!r.end()) {
    const id = r.u8(), size = r.n(), next = r.at() + size;
    if (id === 1) types = readTypes(r);
    if (id === 2)
      for (let i = 0, count = r.n(); i < count; i++) {
        const module = r.text(), name = r.text();
        (imports[module] ??= {})[name] = makeImport(r, i, types);
      }
    r.seek(next);
  }
  return imports;
}

// ---- Outcomes ----

const classes = [
  [/unreachable/, "unreachable"],
  [/memory access out of bounds|data segment/, "memory"],
  [/null function or function signature/, "signature"],
  [/(divide|remainder) by zero/, "zero"],
  [/unrepresentable/, "range"],
  [/\btable|element segment/, "table"],
  [/null/, "null"],
];

function outcome(e) {
  if (e instanceof WebAssembly.Exception) return "exception";
  if (e instanceof RangeError && /stack/.test(e.message)) return "stack";
  if (!(e instanceof WebAssembly.RuntimeError)) return `other: ${e}`;
  for (const [pattern, name] of classes)
    if (pattern.test(e.message)) return `trap ${name}`;
  return `trap ${e.message}`;
}

function hash(buffer) {
  const words = new Int32Array(buffer);
  let h = 1;
  for (let i = 0; i < words.length; i++) {
    h = Math.imul(h ^ words[i], 0x01000193);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

// A number for a table's index, of either address type.
function element(table, i) {
  try { return table.get(i); } catch { return table.get(BigInt(i)); }
}

// ---- One module ----

const sum = { modules: 0, refused: 0, stopped: 0, calls: 0, differ: 0, outcomes: {} };

class Difference extends Error {}
const expect = (line, got, want) => {
  if (got !== want) throw new Difference(`${line}\n    here: ${got}`);
};

function checkCall(line, exports) {
  const [, name, args, mark, rest] = /^call (\S+)((?: \S+)*?) ([=!])(.*)$/.exec(line);
  const want = rest.trim(), words = want.split(" ");
  let results;
  sum.calls++;
  try {
    results = exports[name](...args.split(" ").slice(1).map(readValue));
  } catch (e) {
    const got = outcome(e);
    if (got === "stack") return false;
    expect(line, got, mark === "!" ? want : "");
    sum.outcomes[got] = (sum.outcomes[got] ?? 0) + 1;
    return true;
  }
  if (mark === "!") throw new Difference(`${line}\n    here: it returns ${results}`);
  const list = want === "" ? [] : words.length === 1 ? [results] : results;
  expect(line, list.map((v, i) => writeValue(v, words[i])).join(" "), want);
  sum.outcomes.ok = (sum.outcomes.ok ?? 0) + 1;
  return true;
}

function checkEnd(line, exports) {
  const [kind, name, ...rest] = line.split(/ +/);
  const item = exports[name];
  if (kind === "memory") {
    expect(line, item.buffer.byteLength, Number(rest[0]));
    if (item.buffer.byteLength <= limit) expect(line, hash(item.buffer), Number(rest[1]));
  } else if (kind === "table") {
    let nulls = 0;
    expect(line, Number(item.length), Number(rest[0]));
    for (let i = 0; i < item.length && i < 1000; i++) nulls += element(item, i) === null;
    expect(line, nulls, Number(rest[1]));
  } else {
    expect(line, writeValue(item.value, rest[0]), rest[0]);
  }
}

function checkLines(lines, module, imports) {
  let instance, failed = "ok";
  if (lines.includes("stop") && !lines[0].endsWith(" ok")) return;
  try {
    instance = new WebAssembly.Instance(module, imports);
  } catch (e) {
    failed = outcome(e);
  }
  expect(lines[0], failed, lines[0].slice("instance ".length));
  for (let i = 1; i < lines.length; i++) {
    if (lines[i + 1] === "stop") { sum.stopped++; return; }
    if (!lines[i].startsWith("call ")) checkEnd(lines[i], instance.exports);
    else if (!checkCall(lines[i], instance.exports)) { sum.stopped++; return; }
  }
}

function check(name) {
  const bytes = fs.readFileSync(path.join(folder, `${name}.wasm`));
  const lines = fs.readFileSync(path.join(folder, `${name}.txt`), "latin1").trim().split("\n");
  let module;
  sum.modules++;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (e) {
    if (process.env.DIFF_VERBOSE) console.log(`${name}: refused: ${e.message}`);
    sum.refused++;
    return;
  }
  try {
    checkLines(lines, module, makeImports(bytes));
  } catch (e) {
    sum.differ++;
    console.log(`${name}: ${e instanceof Difference ? e.message : e.stack}`);
  }
}

for (const file of fs.readdirSync(folder).sort((a, b) => parseInt(a) - parseInt(b)))
  if (file.endsWith(".txt")) check(file.slice(0, -4));
console.log(JSON.stringify(sum));
process.exit(sum.differ || sum.refused * 10 > sum.modules || sum.calls === 0 ? 1 : 0);
