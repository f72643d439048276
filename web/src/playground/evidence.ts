/** The evidence bundle: one explanation with its pictures, settings and versions in a zip, the manifest last. */

import { zipSync } from 'fflate'

import { sha256 } from '../engine/bytes.ts'
import type { Manifest } from '../engine/types.ts'
import type { Evidence } from './session.ts'
import type { Options } from './state.ts'

type Dtype = 'F32' | 'I64'
interface Stored {
  dtype: Dtype
  shape: number[]
  bytes: Uint8Array
}

export interface Settings {
  method: string
  classifier: string
  classes: readonly string[]
  options: Partial<Options> & Record<string, unknown>
  state: string
}

function floats(shape: number[], values: Float32Array | readonly number[]): Stored {
  return { dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) }
}

function integers(values: readonly number[]): Stored {
  return { dtype: 'I64', shape: [values.length], bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) }
}

/** Tensors as a file of safetensors. */
export function safetensors(tensors: Record<string, Stored>): Uint8Array<ArrayBuffer> {
  let end = 0
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const offsets = [end, (end += bytes.length)]
    return [name, { dtype, shape, data_offsets: offsets }] as const
  })
  const text = JSON.stringify(Object.fromEntries(entries))
  const header = new TextEncoder().encode(text.padEnd(8 * Math.ceil(text.length / 8)))
  const file = new Uint8Array(8 + header.length + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true)
  file.set(header, 8)
  let at = 8 + header.length
  for (const { bytes } of Object.values(tensors)) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}

function tensorsOf(evidence: Evidence): Record<string, Stored> {
  const { mask, kept, image, target, representation, history = {} } = evidence
  const side = [Math.sqrt(mask.length), Math.sqrt(mask.length)]
  return {
    mask: floats([1, 1, ...side], mask),
    kept: floats([1, 3, ...side], kept),
    targets: integers([target]),
    images: floats([1, 3, ...side], image),
    ...(representation ? { representation_mask: floats([1, 1, representation.length], representation) } : {}),
    ...Object.fromEntries(
      Object.entries(history).map(([name, values]) => [`history/${name}`, floats([1, values.length], values)]),
    ),
  }
}

/** The bytes of a bundle.
 *
 * @param pictures PNG files by name, for people.
 * @param created the time, in ISO 8601 and UTC.
 */
export async function bundle(
  evidence: Evidence,
  settings: Settings,
  manifest: Manifest,
  pictures: Record<string, Uint8Array>,
  created: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value, null, 1))
  const hashes = Object.fromEntries(manifest.models.map((model) => [model.name, model.sha256]))
  const files: Record<string, Uint8Array> = {
    'explanation.safetensors': safetensors(tensorsOf(evidence)),
    ...Object.fromEntries(Object.entries(pictures).map(([name, bytes]) => [`pictures/${name}.png`, bytes])),
    'settings.json': text(settings),
    'versions.json': text({ ...manifest.versions, 'model sha256': hashes }),
  }
  const facts: Record<string, { bytes: number; sha256: string }> = {}
  for (const [path, bytes] of Object.entries(files))
    facts[path] = { bytes: bytes.length, sha256: await sha256(Uint8Array.from(bytes)) }
  const last = { format: 'keep-what-matters evidence', version: 1, created, files: facts }
  return Uint8Array.from(zipSync({ ...files, 'manifest.json': text(last) }))
}
