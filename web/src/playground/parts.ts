/** The pictures and the description of the scenes' parts. */

import type { Files } from '../engine/files.ts'
import type { Bytes, Parts } from './compose.ts'
import type { Description } from './state.ts'

/** Read the parts, which `helpers.playground.sprites` wrote. */
export async function readParts(files: Files): Promise<{ known: Description; parts: Parts }> {
  const picture = async (name: string): Promise<Bytes> => decode(await files.bytes(`scenes/${name}.png`))
  const [known, objects, opacity, backgrounds] = await Promise.all([
    files.json('scenes/scenes.json') as Promise<Description>,
    picture('objects'),
    picture('opacity'),
    picture('backgrounds'),
  ])
  return { known, parts: { objects, opacity, backgrounds } }
}

/** The numbers of an opaque PNG, exactly: a canvas changes only those of transparent pixels. */
async function decode(file: Uint8Array<ArrayBuffer>): Promise<Bytes> {
  const options: ImageBitmapOptions = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }
  const bitmap = await createImageBitmap(new Blob([file], { type: 'image/png' }), options)
  const canvas = document.createElement('canvas')
  const { width, height } = bitmap
  Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('this browser has no canvas')
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return { width, height, data: context.getImageData(0, 0, width, height).data }
}
