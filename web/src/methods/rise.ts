/** RISE as masks stream in; see `helpers.methods.baselines.rise`, whose masks these are. */

import type { Engine, Tensor } from '../engine/types.ts'
import { Random } from './noise.ts'
import { largest, output } from './tensors.ts'
import type { Run } from './types.ts'

export interface Rise {
  classifier: string
  /** 1 x 3 x height x width, in [0, 1]. */
  image: Tensor
  /** The class to explain; null for the predicted one. */
  target: number | null
  masks?: number
  cells?: number
  probability?: number
  batch?: number
  seed?: number
}

/** Below this deviation over mean a score counts as constant: then the map would show the masks alone. */
const CONSTANT = 1e-3

/** The mean of random masks, weighted by the class's score for the masked image; a value per batch of masks. */
export async function* rise(engine: Engine, options: Rise): Run {
  const { classifier, image, masks: total = 2000, cells = 7, probability = 0.5, batch = 16, seed = 0 } = options
  const [height, width] = [image.dims[2]!, image.dims[3]!]
  const pixels = height * width
  const first = output(await engine.run(classifier, { images: image }), 'probabilities').data
  const target = options.target ?? largest(first)
  const random = new Random(seed)
  const sums = new Float64Array(pixels)
  const moments = { sum: 0, squares: 0 }
  for (let done = 0; done < total; ) {
    const count = Math.min(batch, total - done)
    const drawn = Array.from({ length: count }, () => drawMask(random, cells, probability, height, width))
    const data = new Float32Array(count * 3 * pixels)
    drawn.forEach((mask, index) => {
      for (let entry = 0; entry < 3 * pixels; entry++)
        data[index * 3 * pixels + entry] = image.data[entry]! * mask[entry % pixels]!
    })
    const { data: scores } = output(await engine.run(classifier, { images: { data, dims: [count, 3, height, width] } }), 'probabilities')
    drawn.forEach((mask, index) => {
      const score = scores[index * first.length + target]!
      moments.sum += score
      moments.squares += score * score
      for (let pixel = 0; pixel < pixels; pixel++) sums[pixel]! += score * mask[pixel]!
    })
    done += count
    const average = moments.sum / done
    const deviation = Math.sqrt(Math.max(0, moments.squares / done - average * average))
    const mask = deviation > CONSTANT * Math.abs(average) ? normalise(sums) : new Float32Array(pixels)
    const kept = image.data.map((value, entry) => value * mask[entry % pixels]!)
    yield { mask, kept, target, done, total }
  }
}

/** A random binary grid, upsampled bilinearly and cropped at a random offset: height x width. */
export function drawMask(random: Random, cells: number, probability: number, height: number, width: number): Float32Array {
  const grid = Array.from({ length: cells * cells }, () => (random.uniform() < probability ? 1 : 0))
  const [rows, columns] = [axis(random, cells, height), axis(random, cells, width)]
  const mask = new Float32Array(height * width)
  for (let y = 0; y < height; y++) {
    const row = rows[y]!
    for (let x = 0; x < width; x++) {
      const column = columns[x]!
      const at = (down: number, right: number) => grid[(row.cell + down) * cells + column.cell + right] ?? 0
      const upper = at(0, 0) * (1 - column.share) + (column.share > 0 ? at(0, 1) * column.share : 0)
      const lower = row.share > 0 ? at(1, 0) * (1 - column.share) + (column.share > 0 ? at(1, 1) * column.share : 0) : 0
      mask[y * width + x] = upper * (1 - row.share) + lower * row.share
    }
  }
  return mask
}

/** The cell before each pixel of an axis, and the share of the next one. Outer cells continue to the border. */
function axis(random: Random, cells: number, side: number): { cell: number; share: number }[] {
  const pixels = Math.ceil(side / cells)
  const offset = random.below(pixels + 1)
  return Array.from({ length: side }, (_, pixel) => {
    const position = ((pixel + offset + 0.5) * cells) / ((cells + 1) * pixels) - 0.5
    const inside = Math.min(Math.max(position, 0), cells - 1)
    return { cell: Math.floor(inside), share: inside - Math.floor(inside) }
  })
}

function normalise(values: Float64Array): Float32Array {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return Float32Array.from(values, (value) => (high > low ? (value - low) / (high - low) : 0))
}
