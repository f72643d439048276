/** The data of a control: what the page's Python has put beside it (`helpers.widgets.in_browser`). */

import { decompress, fromBase64 } from '../engine/bytes.ts'
import { bytesFromScript } from '../engine/files.ts'
import type { Tensor } from '../engine/types.ts'

export interface Data {
  /** n x 3 x height x width, in [0, 1]. */
  images: Tensor
  /** Of masks: red, green and blue for each of 256 levels. */
  colours: Uint8Array
  facts: Record<string, unknown>
}

/** Read the data that an element names, in the page itself or in a script of its own. */
export async function readData(address: string): Promise<Data> {
  const embedded = 'data:application/gzip;base64,'
  const name = /([^/]*)\.js$/.exec(address)?.[1] ?? ''
  const bytes = address.startsWith(embedded)
    ? fromBase64(address.slice(embedded.length))
    : await bytesFromScript(new URL(address, document.baseURI).href, name)
  const facts = JSON.parse(new TextDecoder().decode(await decompress(bytes))) as Record<string, unknown>
  const pixels = fromBase64(facts.pixels as string)
  return {
    images: { data: Float32Array.from(pixels, (value) => value / 255), dims: facts.shape as number[] },
    colours: Uint8Array.from((facts.colours as string).match(/../g) ?? [], (digits) => parseInt(digits, 16)),
    facts,
  }
}

/** One image of a batch, as a batch of one. */
export function imageAt(images: Tensor, index: number): Tensor {
  const [, channels, height, width] = images.dims as [number, number, number, number]
  const size = channels * height * width
  return { data: images.data.slice(index * size, (index + 1) * size), dims: [1, channels, height, width] }
}
