// The other side of the tests: implementations that have nothing to do with the modules.
// Usage: node peer.mjs prepare|check NAME PACKAGE WORK
// `prepare` puts into WORK what the test reads, `check` looks at what it wrote there. run.sh calls
// both; README.md says which tests use them. Node brings its own zlib and Brotli.
import { readFileSync, writeFileSync, copyFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import assert from "node:assert";
import vm from "node:vm";
import zlib from "node:zlib";

const [step, name, folder, work] = process.argv.slice(2);
const read = (file) => readFileSync(`${work}/${file}`);
const write = (file, data) => writeFileSync(`${work}/${file}`, data);

// A text that takes a compressor some thought: a licence, and the same with words exchanged.
function text() {
    const licence = readFileSync(new URL("../../LICENSE", import.meta.url), "utf8");
    return Buffer.from(licence + licence.split(/(?<= )/).reverse().join(""));
}

// ---- PNG (W3C, "Portable Network Graphics") ----

const [width, height] = [200, 150];

function crc32(bytes) {
    let crc = ~0;
    for (const byte of bytes) {
        crc ^= byte;
        for (let i = 0; i < 8; i++)
            crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc >>> 0;
}

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
}

// What filter `type` predicts from the bytes to the left, above, and above left.
function predict(type, left, up, corner) {
    const distance = (v) => Math.abs(left + up - corner - v);
    switch (type) {
    case 0: return 0;
    case 1: return left;
    case 2: return up;
    case 3: return (left + up) >> 1;
    }
    if (distance(left) <= distance(up) && distance(left) <= distance(corner))
        return left;
    return distance(up) <= distance(corner) ? up : corner;
}

// Filter the rows of an image of `depth` bytes a pixel (sign 1), or undo it (sign -1).
// `pixels` is read for predictions either way, and filled in when undoing.
function filterRows(pixels, rows, depth, sign, typeOf) {
    const stride = width * depth;
    for (let y = 0; y < height; y++) {
        const type = typeOf(y);
        for (let x = 0; x < stride; x++) {
            const at = (dx, dy) => (x < dx || y < dy ? 0 : pixels[(y - dy) * stride + x - dx]);
            const guess = predict(type, at(depth, 0), at(0, 1), at(depth, 1));
            const place = y * (stride + 1) + 1 + x;
            if (sign > 0)
                rows[place] = pixels[y * stride + x] - guess;
            else
                pixels[y * stride + x] = rows[place] + guess;
        }
    }
}

function encodePng(pixels) {
    const rows = Buffer.alloc(height * (width * 4 + 1));
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 6], 8); // bits, red green blue alpha
    for (let y = 0; y < height; y++)
        rows[y * (width * 4 + 1)] = y % 5;
    filterRows(pixels, rows, 4, 1, (y) => y % 5);
    return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header),
        chunk("IDAT", zlib.deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function decodePng(png) {
    const data = [];
    let depth = 0;
    for (let at = 8; at < png.length;) {
        const size = png.readUInt32BE(at), type = png.toString("latin1", at + 4, at + 8);
        const body = png.subarray(at + 8, at + 8 + size);
        assert.equal(png.readUInt32BE(at + 8 + size), crc32(png.subarray(at + 4, at + 8 + size)));
        if (type === "IHDR") {
            assert.deepEqual([body.readUInt32BE(0), body.readUInt32BE(4), body[8]],
                [width, height, 8]);
            depth = { 2: 3, 6: 4 }[body[9]];
        } else if (type === "IDAT")
            data.push(body);
        at += size + 12;
    }
    const rows = zlib.inflateSync(Buffer.concat(data));
    const pixels = Buffer.alloc(width * height * depth);
    filterRows(pixels, rows, depth, -1, (y) => rows[y * (width * depth + 1)]);
    return { pixels, depth };
}

function image() {
    const pixels = Buffer.alloc(width * height * 4);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
            pixels.set([x, y * 3 + (x >> 3), (x * y) >> 2, 255 - ((x ^ y) & 15)],
                (y * width + x) * 4);
    return pixels;
}

// ---- Imports and exports of JavaScript ----

// Files of the package, one written for the purpose, and one with an error in it.
const sources = {
    "all.mjs": `import a from "a"; import * as b from 'b/c.js'; import {d as e, f} from "g";
import "h"; // import "not"
export { a as default, b, e as "a name" }; export * from "i"; export * as j from "j";
export const k = 1, [l] = [2]; export function m() {} export class n {} export let o = /import "p"/;
const r = \`\${import("q")} import "r"\`; import(\`s\`); console.log(import.meta.url, x.import("t"));
if (r) { await import(r + "u", { with: { type: "json" } }); } export async function* v() { yield 1 / 2; }
`,
    "facade.mjs": `import { x } from "x";\nexport { x };\nexport * from 'y';\n`,
    "error.mjs": `import { a from "b"; export }`,
};

async function findImports() {
    const lexer = `${work}/lexer.mjs`;
    copyFileSync(`${folder}/dist/lexer.asm.js`, lexer);
    for (const [file, source] of Object.entries(sources))
        write(file, source);
    for (const file of ["lexer.asm.js", "lexer.js"])
        copyFileSync(`${folder}/dist/${file}`, `${work}/${file}`);
    const files = [...Object.keys(sources), "lexer.asm.js", "lexer.js"];
    const { parse } = await import(pathToFileURL(lexer));
    let found = "";
    for (const file of files) {
        const source = read(file).toString("latin1"); // the test passes bytes as characters
        found += file + "\n";
        try {
            const [imports, exports, facade, syntax] = parse(source);
            for (const i of imports)
                found += `import ${i.s} ${i.e} ${i.ss} ${i.se} ${i.d}\n`;
            for (const e of exports)
                found += `export ${e.s} ${e.e} ${e.ls ?? -1} ${e.le ?? -1}\n`;
            found += `facade ${Number(facade)}, syntax ${Number(syntax)}\n`;
        } catch (error) {
            found += `error at ${error.idx}\n`;
        }
    }
    write("files", files.join("\n") + "\n");
    write("expected", found);
}

// ---- JavaScript ----

const programs = [
    `6 * 7`,
    `[0.1 + 0.2, 1 / 3, 1e21, 123456789012345680000, -0, 5e-324, 2 ** 53, NaN, 0xff, 1e-7].join()`,
    `JSON.stringify({ a: [1, { b: "\\u00e4\\n" }], c: undefined, d: null, e: new Date(0) })`,
    `let pi = 0n, n = 1n, q = 1n, r = 0n, t = 1n, k = 1n, l = 3n, s = "";
     n = 3n;
     while (s.length < 100) {
         if (4n * q + r - t < n * t) {
             s += n; const m = 10n * (r - n * t);
             n = 10n * (3n * q + r) / t - 10n * n; q *= 10n; r = m;
         } else {
             const m = (2n * q + r) * l, o = (q * (7n * k) + 2n + r * l) / (t * l);
             q *= k; t *= l; l += 2n; k += 1n; n = o; r = m;
         }
     } s`,
    `Array.from("aB\\u{1f600}\\u00dfx", (c) => c.codePointAt(0).toString(16) + c.toUpperCase()).join(" ")`,
    `"2024-02-29 and 1999-12-31".replace(/(?<y>\\d{4})-(\\d\\d)-(\\d\\d)/g, "$3.$2.$<y>")`,
    `"aaa bbb".match(/(?<=a )b+?|(a+)\\b/gu).join("|")`,
    `function* f() { let a = 0, b = 1; for (;;) { yield a; [a, b] = [b, a + b]; } }
     let fib = []; for (const v of f()) { if (v > 1e9) break; fib.push(v); } fib.join()`,
    `class A { #x = 1; static s = 2; get x() { return this.#x; } set x(v) { this.#x = v * 2; } }
     class B extends A { x2() { return super.x + A.s; } } const b = new B(); b.x = 20; b.x2()`,
    `try { null.x } catch (e) { e instanceof TypeError && e.name }`,
    `throw new RangeError("on purpose")`,
    `[3, 1, 10, 2].sort().concat([3, 1, 10, 2].toSorted?.((a, b) => a - b) ?? [1, 2, 3, 10]).join()`,
    `const m = new Map([[NaN, 1], ["k", 2]]); m.get(NaN) + [...m.keys()].length + new Set("hello").size`,
    `let x = 12345, h = 0; for (let i = 0; i < 20000; i++) { x = (Math.imul(x, 1103515245) + 12345) | 0;
     h = (h ^ (x >>> 16)) * 31 >>> 0; } h`,
    `[Math.sin(1).toFixed(12), Math.exp(1).toFixed(12), Math.atan2(1, -1).toPrecision(12), Math.hypot(3, 4),
     Math.fround(0.1), Math.clz32(1000), (255).toString(2), (0.5).toString(16), parseInt("zz", 36)].join()`,
    `function deep(n) { return n ? deep(n - 1) + 1 : 0 } deep(500)`,
    `(() => { const a = []; for (let i = 0; i < 2000; i++) a.push({ i, s: "x" + i }); let t = 0;
      for (const o of a) t += o.s.length; return t; })()`,
    `new Float32Array([1.1, 2.5, -0]).map((v) => v * 2).join() + new Uint8ClampedArray([300, -5, 1.5]).join()`,
    `const { a, ...rest } = { a: 1, b: 2, c: 3 }; \`\${a}\${JSON.stringify(rest)}\${[...[4, 5]]}\``,
    `label: for (let i = 0, out = ""; ; i++) { for (let j = 0; ; j++) { if (j > i) continue label;
     if (i * j > 50) break label; out += j; } } "done"`,
];

// Each in a fresh scope, so that they do not meet. The last value is the result.
function runPrograms() {
    write("programs", programs.map((p) => p + "\0").join(""));
    write("expected", programs.map((program) => {
        try {
            return String(vm.runInNewContext(program)) + "\n";
        } catch (error) {
            return `throws ${error}\n`;
        }
    }).join(""));
}

const tests = {
    zstd: { prepare: () => write("text", text()) },
    brotli: { // its best quality, the default, takes long
        prepare() {
            write("text", text().subarray(0, 3000));
            write("text.br", zlib.brotliCompressSync(read("text")));
        },
        check: () => assert.deepEqual(zlib.brotliDecompressSync(read("out.br")), read("text")),
    },
    png: {
        prepare() {
            write("image.rgba", image());
            write("image.png", encodePng(image()));
        },
        check() {
            const { pixels, depth } = decodePng(read("out.png"));
            assert.equal(depth, 4);
            assert(pixels.equals(image()), "pixels");
        },
    },
    es_module_lexer: { prepare: findImports },
    quickjs: { prepare: runPrograms },
};

await tests[name]?.[step]?.();
