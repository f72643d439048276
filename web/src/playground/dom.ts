/** Elements and pictures: all that the views share. */

import { make, paint } from '../shared/elements.ts'
import type { Attributes } from '../shared/elements.ts'

export { make }

let count = 0
export const newId = (): string => `play-${count++}`

/** A list to choose from, with its label above it. */
export function choice(
  label: string,
  options: readonly (readonly [string, string])[],
  chosen: (value: string) => void,
): { box: HTMLElement; select: HTMLSelectElement } {
  const id = newId()
  const select = make('select', { id }, ...options.map(([value, text]) => make('option', { value }, text)))
  select.addEventListener('change', () => {
    chosen(select.value)
  })
  return { box: make('span', { class: 'play-field' }, make('label', { for: id }, label), select), select }
}

export function button(label: string, pressed: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const element = make('button', { type: 'button', ...attributes }, label)
  element.addEventListener('click', pressed)
  return element
}

/** A box to tick, inside its label. */
export function tick(
  label: string,
  changed: (on: boolean) => void,
  attributes: Attributes = {},
): { box: HTMLLabelElement; input: HTMLInputElement } {
  const input = make('input', { type: 'checkbox', ...attributes })
  input.addEventListener('change', () => {
    changed(input.checked)
  })
  return { box: make('label', { class: 'play-tick' }, input, ' ', label), input }
}

export interface Range {
  label: string
  least: number
  most: number
  step: number
}

/** A slider with its value beside it. */
export function slider(
  { label, least, most, step }: Range,
  changed: (value: number) => void,
): { box: HTMLElement; set: (value: number) => void } {
  const id = newId()
  const input = make('input', { type: 'range', id, min: least, max: most, step })
  const shown = make('output', { for: id })
  input.addEventListener('input', () => {
    shown.textContent = input.value
    changed(Number(input.value))
  })
  const set = (value: number): void => {
    input.value = String(value)
    shown.textContent = input.value
  }
  return { box: make('span', { class: 'play-field play-range' }, make('label', { for: id }, label), input, shown), set }
}

export function picture(label: string, side: number, className = 'play-picture'): HTMLCanvasElement {
  return make('canvas', { class: className, width: side, height: side, role: 'img', 'aria-label': label })
}

/** Give a canvas the side of a square of so many pixels. */
function fit(canvas: HTMLCanvasElement, pixels: number): number {
  const side = Math.sqrt(pixels)
  if (canvas.width !== side) Object.assign(canvas, { width: side, height: side })
  return pixels
}

/** Draw rows of RGB in [0, 1]. */
export function drawRows(canvas: HTMLCanvasElement, rows: Float32Array): void {
  paint(canvas, (pixel, channel) => rows[3 * pixel + channel] ?? 0)
}

/** Draw planes of red, green and blue, as networks take and give them. */
export function drawPlanes(canvas: HTMLCanvasElement, planes: Float32Array): void {
  const pixels = fit(canvas, planes.length / 3)
  paint(canvas, (pixel, channel) => planes[channel * pixels + pixel] ?? 0)
}

export type Colours = readonly (readonly [number, number, number])[]

/** The colours of masks, from their hexadecimal digits. */
export function readColours(digits: string): Colours {
  const part = (at: number): number => parseInt(digits.slice(at, at + 2), 16) / 255
  return Array.from(
    { length: digits.length / 6 },
    (_, index) => [part(6 * index), part(6 * index + 2), part(6 * index + 4)] as const,
  )
}

/** Draw a mask in [0, 1] as the book draws masks. */
export function drawMask(canvas: HTMLCanvasElement, mask: Float32Array, colours: Colours): void {
  fit(canvas, mask.length)
  paint(canvas, (pixel, channel) => {
    const index = Math.min(colours.length - 1, Math.floor((mask[pixel] ?? 0) * colours.length))
    return colours[Math.max(0, index)]?.[channel] ?? 0
  })
}

export const percent = (share: number): string => `${share > 0 && share < 0.005 ? '<1' : Math.round(100 * share)}\u00a0%`
