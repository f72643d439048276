/** The elements of live controls. */

import { make, paint } from '../shared/elements.ts'

export { make }

export interface Picture {
  title: string
  /** Height x width for a mask, 3 x height x width for an image; in [0, 1]. */
  data: Float32Array
  /** Height and width. */
  size: readonly [number, number]
  /** Whether a mask is drawn in grey. */
  grey?: boolean
}

export function button(label: string, pressed: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', class: 'kwm-live' }, label)
  element.addEventListener('click', pressed)
  return element
}

/** Draw an image, or a mask in the colours of masks. */
function show(canvas: HTMLCanvasElement, { data, size: [height, width], grey = false }: Picture, colours: Uint8Array): void {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const pixels = height * width
  if (data.length !== pixels) paint(canvas, (pixel, channel) => data[channel * pixels + pixel]!)
  else if (grey) paint(canvas, (pixel) => data[pixel]!)
  else
    paint(canvas, (pixel, channel) => {
      const level = Math.min(255, Math.max(0, Math.floor(data[pixel]! * 256)))
      return colours[3 * level + channel]! / 255
    })
}

/** A grid of pictures under their titles, which `show` draws again. */
export function gallery(columns: number, colours: Uint8Array): { element: HTMLElement; show(pictures: Picture[]): void } {
  const element = make('div', { class: 'kwm-live-pictures' })
  element.style.setProperty('--columns', String(columns))
  const shown: { canvas: HTMLCanvasElement; title: HTMLElement }[] = []
  return {
    element,
    show(pictures) {
      pictures.forEach((picture, index) => {
        let place = shown[index]
        if (place === undefined) {
          place = { canvas: make('canvas', { role: 'img' }), title: make('figcaption', {}) }
          shown.push(place)
          element.append(make('figure', {}, place.title, place.canvas))
        }
        if (place.title.textContent !== picture.title) {
          place.title.textContent = picture.title
          place.canvas.setAttribute('aria-label', picture.title.replaceAll('\n', ', '))
        }
        show(place.canvas, picture, colours)
      })
    },
  }
}

export interface Control {
  name: string
  label: string
  kind: 'slider' | 'list'
  /** The values in words. */
  values: readonly string[]
  start: number
}

let count = 0

/** A labelled slider or list over some values; `changed` gets the index. */
export function makeControl(control: Control, changed: (index: number) => void): HTMLElement {
  const id = `kwm-live-${String(count++)}`
  const label = make('label', { for: id }, control.label)
  const first = control.values[control.start]!
  if (control.kind === 'list') {
    const select = make('select', { id, autocomplete: 'off' }, ...control.values.map((text) => make('option', {}, text)))
    select.selectedIndex = control.start
    select.addEventListener('change', () => {
      changed(select.selectedIndex)
    })
    return make('div', { class: 'kwm-control' }, label, select)
  }
  const output = make('output', { for: id }, first)
  const range = { min: '0', max: String(control.values.length - 1), step: '1', value: String(control.start) }
  const input = make('input', { id, type: 'range', autocomplete: 'off', 'aria-valuetext': first, ...range })
  input.addEventListener('input', () => {
    const text = control.values[Number(input.value)]!
    output.textContent = text
    input.setAttribute('aria-valuetext', text)
    changed(Number(input.value))
  })
  return make('div', { class: 'kwm-control' }, label, input, output)
}
