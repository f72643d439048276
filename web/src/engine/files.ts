/** The files of the playground, over http or from disk, each compared with the hash that the book was built with. */

import { fromBase64, sha256 } from './bytes.ts'
import { corruptedFile, missingFile } from './errors.ts'

export interface FileFacts {
  bytes: number
  sha256: string
}

export interface Files {
  /** The address of a file, for what the browser loads itself. */
  address(path: string): string
  /** The checked bytes of a file. */
  bytes(path: string): Promise<Uint8Array<ArrayBuffer>>
  /** The same, as JSON. */
  json(path: string): Promise<unknown>
}

/** How the bytes of a file are found; `version` makes the address of each version of a file its own. */
export type Fetcher = (base: string, path: string, version: string | null) => Promise<Uint8Array<ArrayBuffer>>

export const INDEX = 'files.json'

/** Open the folder of the playground.
 *
 * @param base its address, with a slash at the end.
 */
export async function openFiles(base: string, fetcher?: Fetcher): Promise<Files> {
  const read = fetcher ?? (base.startsWith('file:') ? fromDisk : overHttp)
  const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as unknown
  const index = decode(await read(base, INDEX, null)) as Record<string, FileFacts>

  async function bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const facts = index[path]
    if (facts === undefined) throw missingFile(path)
    const content = await read(base, path, facts.sha256)
    if (content.length !== facts.bytes || (await sha256(content)) !== facts.sha256) throw corruptedFile(path)
    return content
  }

  return {
    address: (path) => withVersion(base + path, index[path]?.sha256 ?? null),
    bytes,
    json: async (path) => decode(await bytes(path)),
  }
}

function withVersion(address: string, version: string | null): string {
  return version === null ? address : `${address}?v=${version.slice(0, 8)}`
}

async function overHttp(base: string, path: string, version: string | null): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // the index says which version of every other file is the present one, so it alone must be fresh
    const answer = await fetch(withVersion(base + path, version), { cache: version === null ? 'no-cache' : 'default' })
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    return new Uint8Array(await answer.arrayBuffer())
  } catch (error) {
    throw missingFile(path, error)
  }
}

interface Waiting {
  keepWhatMattersFile?: (path: string, text: string) => void
}

const arrived = new Map<string, string>()

/** A page opened from disk may not fetch files, but it may run scripts: each file is there as one, in base64. */
function fromDisk(base: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return bytesFromScript(`${base}disk/${path}.js`, path)
}

/** The bytes that a script hands over by calling `keepWhatMattersFile` with their name and their base64. */
export function bytesFromScript(address: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
  ;(window as Waiting).keepWhatMattersFile = (each, text) => arrived.set(each, text)
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = address
    script.onload = () => {
      script.remove()
      const text = arrived.get(name)
      arrived.delete(name)
      if (text === undefined) reject(missingFile(name))
      else {
        try {
          resolve(fromBase64(text))
        } catch {
          reject(corruptedFile(name))
        }
      }
    }
    script.onerror = () => {
      script.remove()
      reject(missingFile(name))
    }
    document.head.append(script)
  })
}
