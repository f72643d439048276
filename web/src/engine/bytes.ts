/** Bytes: from base64, their SHA-256, and without their compression. */

import { sha256 as digestInScript } from '@noble/hashes/sha2.js'

interface WithFromBase64 {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>
}

/** The bytes of a base64 string. The browser's own decoder, where there is one, needs a fifth of the memory. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as WithFromBase64).fromBase64
  if (native !== undefined) return native(text)
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let index = 0; index < characters.length; index++) bytes[index] = characters.charCodeAt(index)
  return bytes
}

/** The SHA-256 of bytes in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // browsers hide their own function from pages served by plain http, as from a teacher's laptop in a classroom
  const subtle = (globalThis.crypto as Partial<Crypto> | undefined)?.subtle
  const digest =
    subtle === undefined ? digestInScript(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The bytes that gzip has compressed. */
export async function decompress(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).arrayBuffer()
}
