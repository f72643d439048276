/** Saving the evidence of one explanation as a file of the reader's. */

import type { Engine } from '../engine/types.ts'
import { drawMask, drawPlanes, make, readColours } from './dom.ts'
import { bundle } from './evidence.ts'
import type { Evidence } from './session.ts'
import type { Description } from './state.ts'

async function png(draw: (canvas: HTMLCanvasElement) => void): Promise<Uint8Array> {
  const canvas = make('canvas', { width: 1, height: 1 })
  draw(canvas)
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) throw new Error('This browser could not write the pictures as PNG.')
  return new Uint8Array(await blob.arrayBuffer())
}

/** Make the bundle and let the browser save it.
 *
 * @param fragment the state, as it stands in a link.
 */
export async function saveEvidence(
  engine: Engine,
  known: Description,
  name: string,
  evidence: Evidence,
  fragment: string,
): Promise<void> {
  const colours = readColours(known.colours)
  const pictures = {
    image: await png((canvas) => {
      drawPlanes(canvas, evidence.image)
    }),
    mask: await png((canvas) => {
      drawMask(canvas, evidence.mask, colours)
    }),
    kept: await png((canvas) => {
      drawPlanes(canvas, evidence.kept)
    }),
    removed: await png((canvas) => {
      drawPlanes(canvas, evidence.removed)
    }),
  }
  const settings = {
    method: name,
    classifier: evidence.classifier,
    classes: known.classes,
    options: evidence.options,
    state: fragment,
  }
  const bytes = await bundle(evidence, settings, await engine.manifest(), pictures, new Date().toISOString())
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/zip' }))
  make('a', { href: address, download: `${name}-evidence.zip` }).click()
  setTimeout(() => {
    URL.revokeObjectURL(address)
  }, 10_000)
}
