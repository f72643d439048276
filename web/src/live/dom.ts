/** The elements of live controls. */

export interface Picture {
  title: string
  /** Height x width for a mask, 3 x height x width for an image; in [0, 1]. */
  data: Float32Array
  /** Height and width. */
  size: readonly [number, number]
  /** Whether a mask is drawn in grey. */
  grey?: boolean
}

export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

export function button(label: string, pressed: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', class: 'kwm-live' }, label)
  element.addEventListener('click', pressed)
  return element
}

/** Draw an image, or a mask in the colours of masks. */
export function paint(canvas: HTMLCanvasElement, { data, size: [height, width], grey = false }: Picture, colours: Uint8Array): void {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d')!
  const image = context.createImageData(width, height)
  const pixels = height * width
  const mask = data.length === pixels
  for (let pixel = 0; pixel < pixels; pixel++) {
    const share = data[pixel]!
    const level = mask ? 3 * Math.min(255, Math.max(0, Math.floor(share * 256))) : 0
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * pixel + channel] = !mask
        ? 255 * data[channel * pixels + pixel]!
        : grey
          ? 255 * share
          : colours[level + channel]!
    image.data[4 * pixel + 3] = 255
  }
  context.putImageData(image, 0, 0)
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
        paint(place.canvas, picture, colours)
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
