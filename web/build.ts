/** Bundle everything into a folder: `node build.ts FOLDER`. Classic scripts only, since pages opened from disk may not
 * load modules. Each `src/NAME/main.ts` becomes NAME.js. */

import { readdirSync, readFileSync, rmSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'

import { build } from 'esbuild'
import type { BuildOptions } from 'esbuild'

const ROOT = import.meta.dirname
const ORT = join(ROOT, 'node_modules/onnxruntime-web/dist')

const options: BuildOptions = {
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022'],
  charset: 'utf8',
  legalComments: 'none', // the licences are in a file of their own
  logLevel: 'warning',
}

async function bundle(entry: string, more: BuildOptions = {}): Promise<string> {
  const { outputFiles } = await build({ ...options, ...more, write: false, entryPoints: [join(ROOT, 'src', entry)] })
  return outputFiles[0]!.text
}

/** The worker with the runtime's own script in it: WebKit loads no module in a worker of a page from disk. */
function bundleWorker(): Promise<string> {
  const define = { 'import.meta.url': 'self.location.href' } // a classic script has no import.meta
  return bundle('engine/worker.ts', { define, external: ['module'] }) // of Node alone
}

/** As Zstandard, in two thirds of gzip's size: static hosts send what they do not know as it is. Some seconds. */
function compressed(content: Uint8Array): Uint8Array {
  const params = { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_windowLog]: 24 }
  return zstdCompressSync(content, { params, pledgedSrcSize: content.length })
}

/** The licences of what is bundled, all MIT. The package of onnxruntime-web has no file of it. */
function licences(): string {
  const text = (name: string) => readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8').trim()
  const others = ['fflate', 'fzstd', '@noble/hashes'].map((name) => `${name}\n\n${text(name)}\n`)
  const terms = text('fflate').replace(/Copyright .*/, 'Copyright (c) Microsoft Corporation')
  return [`onnxruntime-web\n\n${terms}\n`, ...others].join('\n----\n\n')
}

async function main(folder: string): Promise<void> {
  mkdirSync(join(folder, 'runtime'), { recursive: true })
  const write = (path: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, path), content)
  }
  // of an earlier build, whose sources may be gone
  for (const name of readdirSync(folder)) if (name.endsWith('.js')) rmSync(join(folder, name))
  for (const name of readdirSync(join(ROOT, 'src'))) {
    if (existsSync(join(ROOT, 'src', name, 'main.ts'))) write(`${name}.js`, await bundle(`${name}/main.ts`))
  }
  write('runtime/worker.js', await bundleWorker())
  write('runtime/ort.wasm.bin', compressed(readFileSync(join(ORT, 'ort-wasm-simd-threaded.wasm'))))
  write('runtime/licences.txt', licences())
}

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node build.ts FOLDER')
await main(folder)
