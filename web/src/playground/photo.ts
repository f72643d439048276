/** A photograph of the reader's own: read in the page, sent nowhere, cut to a square. */

const MOST_BYTES = 40_000_000
const MOST_PIXELS = 100_000_000

/** A file that cannot be used, in words. */
export class PhotoError extends Error {
  override readonly name = 'PhotoError'
}

/** The width and height that the head of a JPEG, PNG, GIF or WebP file names; null of others, or where it is broken. */
export function sizeInHead(bytes: Uint8Array): [number, number] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = (at: number, length: number): string => String.fromCharCode(...bytes.subarray(at, at + length))
  try {
    if (text(1, 3) === 'PNG') return [view.getUint32(16), view.getUint32(20)]
    if (text(0, 3) === 'GIF') return [view.getUint16(6, true), view.getUint16(8, true)]
    if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return sizeOfWebP(view, text(12, 4))
    if (view.getUint16(0) !== 0xffd8) return null
    for (let at = 2; view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint8(at + 1)
      const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
      if (frame) return [view.getUint16(at + 7), view.getUint16(at + 5)]
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // beyond the end: cut off, which the decoder will say
  }
  return null
}

function sizeOfWebP(view: DataView, kind: string): [number, number] | null {
  if (kind === 'VP8 ') return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff]
  if (kind === 'VP8L') {
    const bits = view.getUint32(21, true)
    return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1]
  }
  const three = (at: number): number => 1 + (view.getUint16(at, true) | (view.getUint8(at + 2) << 16))
  return kind === 'VP8X' ? [three(24), three(27)] : null
}

/** The middle square of a photograph, upright as its camera was held, in rows of RGB.
 *
 * @throws PhotoError for a file that is too large, or that this browser cannot read as a picture.
 */
export async function readPhoto(file: File, size: number): Promise<Float32Array> {
  const name = file.name || 'The file'
  if (file.size > MOST_BYTES)
    throw new PhotoError(
      `${name} has ${Math.round(file.size / 1e6)} MB; at most ${MOST_BYTES / 1e6} MB can be read here. Reduce it first.`,
    )
  // told before it is decoded, which would take the memory
  const head = sizeInHead(new Uint8Array(await file.slice(0, 500_000).arrayBuffer()))
  if (head !== null && head[0] * head[1] > MOST_PIXELS)
    throw new PhotoError(
      `${name} has ${head[0]} × ${head[1]} pixels; at most ${MOST_PIXELS / 1e6} million can be read here. Reduce it first.`,
    )
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => null)
  if (bitmap === null)
    throw new PhotoError(`${name} is no picture that this browser can read: it may be broken, or of another kind.`)
  try {
    return middleSquare(bitmap, size)
  } finally {
    bitmap.close()
  }
}

function middleSquare(bitmap: ImageBitmap, size: number): Float32Array {
  const side = Math.min(bitmap.width, bitmap.height)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new PhotoError('This browser has no canvas to read pictures with.')
  context.fillStyle = '#fff' // under what is transparent
  context.fillRect(0, 0, size, size)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, size, size)
  const { data } = context.getImageData(0, 0, size, size)
  return Float32Array.from({ length: size * size * 3 }, (_, at) => (data[4 * Math.floor(at / 3) + (at % 3)] ?? 0) / 255)
}
