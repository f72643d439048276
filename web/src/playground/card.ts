/** One method on the page: its mask, what it keeps, what it leaves, and the classifier's answers to both. */

import { largest } from '../methods/tensors.ts'
import type { Progress } from '../methods/types.ts'
import { makeCurve } from './curve.ts'
import { button, drawMask, drawPlanes, make, percent, picture } from './dom.ts'
import type { Colours } from './dom.ts'
import type { Evidence } from './session.ts'
import type { Method } from './methods.ts'
import type { Status } from '../shared/runner.ts'

export interface Card {
  element: HTMLElement
  evidence: Evidence | null
  show(evidence: Evidence): void
  progress(progress: Progress): void
  status(status: Status, message?: string): void
  showRemoved(shown: boolean): void
  asked(forOneClass: boolean): void // whether the reader has chosen a class to explain
}

export interface Orders {
  pause: () => void
  resume: () => void
  reset: () => void
  save: () => void
}

/** The answer to a picture: the class that was explained, and the predicted one where it is another. */
export function answer(probabilities: Float32Array, target: number, classes: readonly string[]): string {
  const predicted = largest(probabilities)
  const said = (index: number): string => `${classes[index] ?? `class ${index}`} ${percent(probabilities[index] ?? 0)}`
  return predicted === target ? said(target) : `${said(predicted)}, ${said(target)}`
}

function figure(label: string): { box: HTMLElement; canvas: HTMLCanvasElement; text: HTMLElement } {
  const canvas = picture(label, 64)
  const text = make('span', { class: 'play-answer' }, '…')
  return { box: make('figure', {}, canvas, make('figcaption', {}, make('b', {}, label), ' ', text)), canvas, text }
}

/** The card of a method. */
export function makeCard(method: Method, classes: readonly string[], colours: Colours, orders: Orders): Card {
  const [mask, kept, rest] = [figure('Mask'), figure('Kept'), figure('Removed')]
  const run = method.kind === 'fast' ? null : runControls(orders)
  const curve = method.kind === 'steps' ? makeCurve() : null
  const note = make('p', { class: 'play-note' })
  const limit = make('p', { class: 'play-note' })
  const save = button('Save', orders.save, {
    disabled: true,
    'aria-label': `Save the evidence of ${method.title} as a zip file`,
  })
  const title = make('h2', {}, make('a', { href: `${method.chapter}.html` }, method.title))
  const head = make('div', { class: 'play-card-head' }, title, ...(run ? [run.box] : []), save)
  const figures = make('div', { class: 'play-figures' }, mask.box, kept.box, rest.box)
  const element = make(
    'section',
    { class: 'play-card', 'aria-label': method.title },
    head,
    figures,
    ...(curve ? [curve.element] : []),
    limit,
    note,
  )

  const card: Card = {
    element,
    evidence: null,
    show(evidence) {
      card.evidence = evidence
      save.disabled = false
      drawMask(mask.canvas, evidence.mask, colours)
      drawPlanes(kept.canvas, evidence.kept)
      drawPlanes(rest.canvas, evidence.removed)
      mask.text.textContent = `${percent(evidence.mask.reduce((sum, value) => sum + value, 0) / evidence.mask.length)} on average`
      kept.text.textContent = answer(evidence.onKept, evidence.target, classes)
      rest.text.textContent = answer(evidence.onRemoved, evidence.target, classes)
    },
    progress({ done, total, history }) {
      run?.progress(`${done} of ${total} ${method.kind === 'steps' ? 'steps' : 'masks'}`)
      curve?.show(history?.objective ?? [], total)
    },
    status(status, message) {
      run?.status(status)
      note.textContent = message ?? ''
    },
    asked(forOneClass) {
      limit.textContent = forOneClass && method.explains !== 'any class' ? `This mask is for ${method.explains}.` : ''
    },
    showRemoved(shown) {
      rest.box.hidden = !shown
    },
  }
  return card
}

function runControls(orders: Orders): {
  box: HTMLElement
  status: (status: Status) => void
  progress: (text: string) => void
} {
  let now: Status = 'waiting'
  const toggle = button('Pause', () => {
    if (now === 'paused') orders.resume()
    else orders.pause()
  })
  const text = make('span', { class: 'play-progress' })
  const box = make('span', { class: 'play-run' }, text, toggle, button('Again', orders.reset))
  return {
    box,
    status(status) {
      now = status
      toggle.textContent = status === 'paused' ? 'Go on' : 'Pause'
      toggle.disabled = status === 'done' || status === 'failed'
      if (status === 'waiting') text.textContent = 'waits until the picture rests'
    },
    progress(shown) {
      text.textContent = shown
    },
  }
}
