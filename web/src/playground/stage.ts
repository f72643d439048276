/** The scene itself: drawn, dragged by pointer, moved by keys, painted on. */

import { under } from './compose.ts'
import type { Parts } from './compose.ts'
import { drawRows, make } from './dom.ts'
import { beginStroke, bringToFront, extendStroke, moveMark, moveObject, removeObject, setMark } from './state.ts'
import type { Description, Placed, State } from './state.ts'

export type Act = (change: (state: State) => State) => void
export interface Brush {
  on: boolean
  colour: string
  width: number
}
export interface Permitted {
  objects: boolean
  mark: boolean
}

type Grip = { kind: 'stroke' } | { kind: 'object' | 'mark'; index: number; dx: number; dy: number }

const STEPS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const STEP = 8 // pixels of the scene by an arrow key, 2 with Shift

export class Stage {
  readonly element: HTMLElement
  readonly brush: Brush = { on: false, colour: 'c8452f', width: 18 }
  permitted: Permitted = { objects: true, mark: true }
  selected: number | null = null
  private readonly canvas: HTMLCanvasElement
  private readonly handles: HTMLElement
  private grip: Grip | null = null
  private state: State | null = null
  private readonly known: Description
  private readonly parts: Parts
  private readonly act: Act
  private readonly chosen: () => void

  constructor(known: Description, parts: Parts, act: Act, chosen: () => void) {
    this.known = known
    this.parts = parts
    this.act = act
    this.chosen = chosen
    this.canvas = make('canvas', { class: 'play-scene', width: known.size, height: known.size, role: 'img' })
    this.handles = make('div', { class: 'play-handles' })
    this.element = make(
      'div',
      { class: 'play-stage', role: 'group', 'aria-label': 'The picture' },
      this.canvas,
      this.handles,
    )
    this.element.addEventListener('pointerdown', (event) => {
      this.down(event)
    })
    this.element.addEventListener('pointermove', (event) => {
      this.move(event)
    })
    for (const end of ['pointerup', 'pointercancel'] as const)
      this.element.addEventListener(end, () => {
        this.release()
      })
  }

  /** Draw the picture of a state. */
  show(state: State, rows: Float32Array): void {
    this.state = state
    drawRows(this.canvas, rows)
    const names = state.photo ? ['your photograph'] : state.objects.map(({ sprite }) => this.nameOf(sprite))
    this.canvas.setAttribute('aria-label', this.describe(state, names))
    this.element.classList.toggle('play-drawing', this.brush.on)
    const wanted = this.wanted(state)
    while (this.handles.children.length > wanted.length) this.handles.lastElementChild?.remove()
    wanted.forEach((each, index) => {
      this.place(each, index)
    })
  }

  private describe(state: State, names: string[]): string {
    const on = state.photo ? '' : ` on ${state.background}`
    const mark = state.mark ? ', with the planted mark' : ''
    const strokes = state.strokes.length ? `, ${state.strokes.length} strokes drawn on it` : ''
    return `${names.join(', ') || 'nothing'}${on}${mark}${strokes}`
  }

  private nameOf(sprite: string): string {
    return this.known.sprites[sprite]?.class ?? sprite
  }

  private wanted(state: State): (Placed & { index: number })[] {
    if (this.brush.on) return []
    const objects =
      state.photo || !this.permitted.objects ? [] : state.objects.map((each, index) => ({ ...each, index }))
    const mark = state.mark && this.permitted.mark ? [{ sprite: this.known.mark[0], ...state.mark, index: -1 }] : []
    return [...objects, ...mark]
  }

  /** The handle of an object: a button of its size, which takes the focus and the keys. */
  private place({ sprite, x, y, index }: Placed & { index: number }, at: number): void {
    let handle = this.handles.children[at] as HTMLButtonElement | undefined
    if (handle === undefined) {
      handle = make('button', { type: 'button', class: 'play-handle' })
      const own = handle
      own.addEventListener('keydown', (event) => {
        this.key(event, Number(own.dataset.index))
      })
      own.addEventListener('focus', () => {
        this.choose(Number(own.dataset.index))
      })
      this.handles.append(own)
    }
    const [, , width, height] = this.known.sprites[sprite]?.place ?? [0, 0, 0, 0]
    const { size } = this.known
    const share = (value: number): string => `${(100 * value) / size}%`
    handle.dataset.index = String(index)
    Object.assign(handle.style, { left: share(x), top: share(y), width: share(width), height: share(height) })
    handle.classList.toggle('play-selected', index === this.selected)
    const name = index < 0 ? 'the planted mark' : this.nameOf(sprite)
    const place = `${Math.round((100 * (x + width / 2)) / size)} % from the left, ${Math.round((100 * (y + height / 2)) / size)} % from the top`
    handle.setAttribute('aria-label', `${name}, ${place}`)
    handle.setAttribute('aria-description', 'Arrow keys move it, with Shift in small steps; Delete removes it')
  }

  private choose(index: number | null): void {
    if (this.selected === index) return
    this.selected = index
    for (const handle of this.handles.children)
      handle.classList.toggle('play-selected', Number((handle as HTMLElement).dataset.index) === index)
    this.chosen()
  }

  private key(event: KeyboardEvent, index: number): void {
    const state = this.state
    if (state === null) return
    if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault()
      this.remove(index)
      return
    }
    const step = STEPS[event.key]
    if (step === undefined) return
    event.preventDefault()
    const by = event.shiftKey ? 2 : STEP
    const [dx, dy] = [step[0] * by, step[1] * by]
    this.act((now) => {
      const place = index < 0 ? now.mark : now.objects[index]
      if (!place) return now
      return index < 0
        ? moveMark(now, this.known, place.x + dx, place.y + dy)
        : moveObject(now, this.known, index, place.x + dx, place.y + dy)
    })
  }

  /** Remove an object, or the mark (-1), and put the focus where it can go on. */
  remove(index: number): void {
    this.choose(null)
    this.act((now) => (index < 0 ? setMark(now, this.known, false) : removeObject(now, index)))
    const next = this.handles.children[Math.min(Math.max(0, index), this.handles.children.length - 1)]
    if (next instanceof HTMLElement) next.focus()
  }

  private pointOf(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect()
    const scale = this.known.size / box.width
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]
  }

  private down(event: PointerEvent): void {
    if (this.state === null || event.button !== 0) return
    const [x, y] = this.pointOf(event)
    if (this.brush.on) {
      this.grip = { kind: 'stroke' }
      this.act((now) => beginStroke(now, this.brush.colour, this.brush.width, x, y))
    } else this.take(this.state, x, y)
    if (this.grip === null) return
    event.preventDefault()
    this.element.setPointerCapture(event.pointerId)
  }

  private take(state: State, x: number, y: number): void {
    const found = under(state, this.known, this.parts, x, y)
    if (found === 'mark' && state.mark && this.permitted.mark) {
      this.grip = { kind: 'mark', index: -1, dx: x - state.mark.x, dy: y - state.mark.y }
      this.choose(-1)
    } else if (typeof found === 'number' && this.permitted.objects) {
      const index = state.objects.length - 1 // it comes to the front
      const { x: left, y: top } = state.objects[found] ?? { x: 0, y: 0 }
      if (found !== index) this.act((now) => bringToFront(now, found))
      this.grip = { kind: 'object', index, dx: x - left, dy: y - top }
      this.choose(index)
    } else this.choose(null)
    const handle = [...this.handles.children].find(
      (each) => Number((each as HTMLElement).dataset.index) === this.selected,
    )
    if (handle instanceof HTMLElement) handle.focus({ preventScroll: true })
  }

  private move(event: PointerEvent): void {
    const grip = this.grip
    if (grip === null) return
    const [x, y] = this.pointOf(event)
    if (grip.kind === 'stroke') this.act((now) => extendStroke(now, x, y))
    else if (grip.kind === 'mark') this.act((now) => moveMark(now, this.known, x - grip.dx, y - grip.dy))
    else this.act((now) => moveObject(now, this.known, grip.index, x - grip.dx, y - grip.dy))
  }

  private release(): void {
    this.grip = null
  }
}
