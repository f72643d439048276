// The picture of a state: parts composed as helpers.data.scenes.scenes paints them, strokes on top, and what classifiers see.
import type { Description, State, Stroke } from './state.ts'

/** Opaque pictures of helpers.playground.sprites: colours as RGBA bytes, as a canvas returns them. */
export interface Bytes {
  width: number
  height: number
  data: Uint8ClampedArray
}
export interface Parts {
  objects: Bytes
  opacity: Bytes
  backgrounds: Bytes
}

/** The picture in rows of RGB, in [0, 1]; `photo` has the same form and takes the scene's place. */
export function compose(state: State, known: Description, parts: Parts, photo: Float32Array | null): Float32Array {
  const { size } = known
  const canvas = state.photo && photo ? photo.slice() : background(known, parts, state.background)
  if (!(state.photo && photo)) for (const { sprite, x, y } of state.objects) paint(canvas, known, parts, sprite, x, y)
  if (state.mark) paint(canvas, known, parts, known.mark[0], state.mark.x, state.mark.y)
  for (const stroke of state.strokes) draw(canvas, size, stroke)
  return canvas
}

function background(known: Description, parts: Parts, name: string): Float32Array {
  const { size } = known
  const first = Math.max(0, known.backgrounds.indexOf(name)) * size * size
  const canvas = new Float32Array(size * size * 3)
  const { data } = parts.backgrounds
  for (let pixel = 0; pixel < size * size; pixel++)
    for (let channel = 0; channel < 3; channel++)
      canvas[3 * pixel + channel] = (data[4 * (first + pixel) + channel] ?? 0) / 255
  return canvas
}

/** A pixel c becomes c (1 - a) + p, with the sprite's opacity a and premultiplied colour p. */
function paint(canvas: Float32Array, known: Description, parts: Parts, sprite: string, x: number, y: number): void {
  const place = known.sprites[sprite]?.place
  if (!place) return
  const [left, top, width, height] = place
  const { size } = known
  for (let row = Math.max(0, -y); row < Math.min(height, size - y); row++)
    for (let column = Math.max(0, -x); column < Math.min(width, size - x); column++) {
      const from = 4 * ((top + row) * parts.objects.width + left + column)
      const to = 3 * ((y + row) * size + x + column)
      const clear = 1 - (parts.opacity.data[from] ?? 0) / 255
      for (let channel = 0; channel < 3; channel++)
        canvas[to + channel] = (canvas[to + channel] ?? 0) * clear + (parts.objects.data[from + channel] ?? 0) / 255
    }
}

/** A stroke of round ends in one colour, its edge one pixel soft. */
function draw(canvas: Float32Array, size: number, stroke: Stroke): void {
  const colour = [0, 2, 4].map((at) => parseInt(stroke.colour.slice(at, at + 2), 16) / 255)
  const cover = strokeCover(size, stroke)
  for (const [pixel, share] of cover)
    for (let channel = 0; channel < 3; channel++) {
      const at = 3 * pixel + channel
      canvas[at] = (canvas[at] ?? 0) * (1 - share) + (colour[channel] ?? 0) * share
    }
}

/** The share of each touched pixel that a stroke covers: the largest over its pieces, so that joints are not darker. */
function strokeCover(size: number, { width, points }: Stroke): Map<number, number> {
  const cover = new Map<number, number>()
  const radius = width / 2
  for (let at = 0; at < points.length; at += 2) {
    const [x0 = 0, y0 = 0] = points.slice(Math.max(0, at - 2))
    const [x1 = 0, y1 = 0] = points.slice(at)
    const [dx, dy] = [x1 - x0, y1 - y0]
    const length = dx * dx + dy * dy || 1
    const from = (a: number, b: number): number => Math.max(0, Math.floor(Math.min(a, b) - radius - 1))
    const to = (a: number, b: number): number => Math.min(size - 1, Math.ceil(Math.max(a, b) + radius + 1))
    for (let y = from(y0, y1); y <= to(y0, y1); y++)
      for (let x = from(x0, x1); x <= to(x0, x1); x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0]
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length))
        const share = Math.min(1, radius + 0.5 - Math.hypot(px - along * dx, py - along * dy))
        const pixel = y * size + x
        if (share > (cover.get(pixel) ?? 0)) cover.set(pixel, share)
      }
  }
  return cover
}

/** What a classifier sees: means of squares of pixels, in planes of red, green and blue, 3 x side x side. */
export function seen(canvas: Float32Array, size: number, side: number): Float32Array {
  const square = size / side
  const planes = new Float32Array(3 * side * side)
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const to = Math.floor(y / square) * side + Math.floor(x / square)
      for (let channel = 0; channel < 3; channel++) {
        const value = Math.min(1, Math.max(0, canvas[3 * (y * size + x) + channel] ?? 0))
        planes[channel * side * side + to] = (planes[channel * side * side + to] ?? 0) + value / (square * square)
      }
    }
  return planes
}

/** Which object, or the mark, lies under a point, the foremost first: its index, "mark", or null. */
export function under(state: State, known: Description, parts: Parts, x: number, y: number): number | 'mark' | null {
  const hit = (sprite: string, left: number, top: number): boolean => {
    const [fromX, fromY, width, height] = known.sprites[sprite]?.place ?? [0, 0, 0, 0]
    const [column, row] = [Math.floor(x - left), Math.floor(y - top)]
    if (column < 0 || row < 0 || column >= width || row >= height) return false
    return (parts.opacity.data[4 * ((fromY + row) * parts.opacity.width + fromX + column)] ?? 0) > 128
  }
  if (state.mark && hit(known.mark[0], state.mark.x, state.mark.y)) return 'mark'
  if (state.photo) return null
  for (let index = state.objects.length - 1; index >= 0; index--) {
    const { sprite, x: left, y: top } = state.objects[index] ?? { sprite: '', x: 0, y: 0 }
    if (hit(sprite, left, top)) return index
  }
  return null
}
