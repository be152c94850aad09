// V8's column of bench/native: runs what it is told on standard input, one request a line, fields
// separated by tabs; answers each with a line.
//
//   open  NUMBER  KIND  PATH     compile a module                          ok
//   run   NUMBER  WHAT  SIZE     run something of it                       MILLISECONDS  RESULT
//
// KIND and WHAT are those of native.h. Whatever fails is answered with "error" and the reason.
// Usage: node --experimental-wasm-exnref v8.mjs   (in the folder that programs see as their root)
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { WASI } from 'node:wasi'

const modules = []
const decoder = new TextDecoder()
const encoder = new TextEncoder()

// Time of the processor, for the thread that runs the guest: V8 compiles in others.
function now_ms() {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
}

// Functions that nobody provides fail; only what a benchmark needs is here.
function imports_of(module, given) {
    const imports = {}
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
        imports[from] ??= {}
        imports[from][name] = given[from]?.[name] ?? (() => { throw new Error(`no ${name}`) })
        if (kind !== 'function') throw new Error(`it imports a ${kind}`)
    }
    return imports
}

// ---- Lua, as test/programs/lua_process ----

class LongJump {}

function lua_open(module) {
    let instance
    const invoke = (index, ...args) => {
        const before = instance.exports.emscripten_stack_get_current()
        try {
            return instance.exports.__indirect_function_table.get(index)(...args)
        } catch (e) {
            if (!(e instanceof LongJump)) throw e
            instance.exports._emscripten_stack_restore(before)
            instance.exports.setThrew(1n, 0)
        }
    }
    const env = { _emscripten_throw_longjmp: () => { throw new LongJump() } }
    for (const { name } of WebAssembly.Module.imports(module))
        if (name.startsWith('invoke_')) env[name] = invoke
    const wasi_snapshot_preview1 = {
        fd_write: () => 8, fd_read: () => 8, fd_seek: () => 8, fd_close: () => 8, path_open: () => 44,
        clock_time_get: () => 0,
    }
    instance = new WebAssembly.Instance(module, imports_of(module, { env, wasi_snapshot_preview1 }))
    return instance.exports
}

function put_text({ memory, malloc }, text) {
    const bytes = encoder.encode(text + '\0')
    const at = malloc(BigInt(bytes.length))
    new Uint8Array(memory.buffer).set(bytes, Number(at))
    return at
}

function get_text({ memory }, at) {
    const bytes = new Uint8Array(memory.buffer)
    return decoder.decode(bytes.subarray(Number(at), bytes.indexOf(0, Number(at))))
}

function lua_run(it, code) {
    const message = {
        Id: '1', From: 'ME', Owner: 'ME', Module: 'M', 'Block-Height': 1, Timestamp: 1700,
        Tags: [{ name: 'Action', value: 'Eval' }], Data: code,
    }
    const environment = { Process: { Id: 'P', Owner: 'ME', Tags: [{ name: 'Name', value: 'bench' }] } }
    it.exports ??= lua_open(it.module)
    const a = put_text(it.exports, JSON.stringify(message))
    const b = put_text(it.exports, JSON.stringify(environment))
    const begin = now_ms()
    const answer = it.exports.handle(a, b)
    const ms = now_ms() - begin
    const { response } = JSON.parse(get_text(it.exports, answer))
    it.exports.free(a)
    it.exports.free(b)
    if (response.Error) throw new Error(response.Error)
    return [ms, response.Output.data]
}

// ---- Kernels, commands ----

function kernel_run(it, name, size) {
    it.exports ??= new WebAssembly.Instance(it.module, {}).exports
    const begin = now_ms()
    const result = it.exports[name](Number(size))
    return [now_ms() - begin, BigInt.asUintN(64, result)]
}

// FNV-1a, of what was printed.
function digest(bytes) {
    let h = 0xcbf29ce484222325n
    for (const byte of bytes) h = ((h ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
    return h
}

function command_run(it, words) {
    writeFileSync('output', '')
    const stdout = openSync('output', 'w')
    const old = WebAssembly.Module.imports(it.module).some((i) => i.module === 'wasi_unstable')
    const wasi = new WASI({
        version: old ? 'unstable' : 'preview1', args: words.split('\x1f'), env: { EMPTY: 'no' }, preopens: { '/': '.' },
        stdout, returnOnExit: true,
    })
    const instance = new WebAssembly.Instance(it.module, imports_of(it.module, wasi.getImportObject()))
    const begin = now_ms()
    wasi.start(instance)
    const ms = now_ms() - begin
    closeSync(stdout)
    return [ms, digest(readFileSync('output'))]
}

const kinds = { kernel: kernel_run, lua: lua_run, command: command_run }

for await (const line of createInterface({ input: process.stdin })) {
    const [verb, number, a, b] = line.split('\t')
    try {
        if (verb === 'open') {
            modules[number] = { run: kinds[a], module: new WebAssembly.Module(readFileSync(b)) }
            process.stdout.write('ok\n')
        } else {
            const [ms, result] = modules[number].run(modules[number], a, b)
            process.stdout.write(`${ms} ${result}\n`)
        }
    } catch (e) {
        process.stdout.write(`error ${String(e.message).replaceAll('\n', ' ')}\n`)
    }
}
