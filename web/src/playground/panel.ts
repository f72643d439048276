/** The methods: which are shown, their sliders, and their cards. */

import type { Progress } from '../methods/types.ts'
import { makeCard } from './card.ts'
import type { Card } from './card.ts'
import { make, slider, tick } from './dom.ts'
import type { Colours } from './dom.ts'
import { METHODS, methodNamed } from './methods.ts'
import type { Fits } from './methods.ts'
import type { Status } from '../shared/runner.ts'
import type { Evidence } from './session.ts'
import type { Act } from './stage.ts'
import { RANGES, setOption, toggleMethod } from './state.ts'
import type { Description, Options, State } from './state.ts'

const SLIDERS: Record<keyof Options, string> = {
  lambda: 'λk: price of keeping everything',
  keep: 'Coefficients kept',
  beta: 'β: weight of the class',
  discard: 'Attention discarded',
  layers: 'Layers',
}

export interface Panel {
  element: HTMLElement
  show(state: State, hidden: ReadonlySet<string>): void
  evidence(name: string, evidence: Evidence): void
  progress(name: string, progress: Progress): void
  status(name: string, status: Status, message?: string): void
}

export interface PanelOrders {
  pause(name: string): void
  resume(name: string): void
  reset(name: string): void
  save(name: string, evidence: Evidence): void
}

export function makePanel(known: Description, colours: Colours, act: Act, fits: Fits, orders: PanelOrders): Panel {
  const cards = new Map<string, Card>()
  let classifier = ''
  const ticks = METHODS.map((method) => {
    const each = tick(method.title, (on) => {
      act((state) => toggleMethod(state, method.name, on))
    })
    return { method, ...each }
  })
  const choices = make(
    'div',
    { class: 'play-methods', role: 'group', 'aria-label': 'Methods' },
    ...ticks.map(({ box }) => box),
  )
  const sliders = (Object.keys(SLIDERS) as (keyof Options)[]).map((name) => {
    const [least, most, step] = RANGES[name]
    const each = slider({ label: SLIDERS[name], least, most, step }, (value) => {
      act((state) => setOption(state, name, value))
    })
    return { name, ...each }
  })
  const options = make('div', { class: 'play-options' }, ...sliders.map(({ box }) => box))
  const shelf = make('div', { class: 'play-cards' })
  const empty = make('p', { class: 'play-empty' }, 'Choose a method above: its mask appears here.')
  const element = make(
    'div',
    { class: 'play-panel' },
    make('div', { class: 'play-choose' }, choices, options),
    shelf,
    empty,
  )

  function cardOf(name: string): Card | undefined {
    const method = methodNamed(name)
    let card = cards.get(name)
    if (card !== undefined || method === undefined) return card
    card = makeCard(method, known.classes, colours, {
      pause: () => {
        orders.pause(name)
      },
      resume: () => {
        orders.resume(name)
      },
      reset: () => {
        orders.reset(name)
      },
      save: () => {
        const evidence = cards.get(name)?.evidence
        if (evidence) orders.save(name, evidence)
      },
    })
    cards.set(name, card)
    return card
  }

  function show(state: State, hidden: ReadonlySet<string>): void {
    if (classifier !== state.classifier) cards.clear() // what they show is another classifier's
    classifier = state.classifier
    for (const { method, box, input } of ticks) {
      box.hidden = !fits(method.name, state.classifier)
      input.checked = state.methods.includes(method.name)
    }
    choices.hidden = hidden.has('methods')
    const wanted = METHODS.filter(({ name }) => state.methods.includes(name) && fits(name, state.classifier))
    const used = new Set(wanted.flatMap((method) => method.options))
    for (const { name, box, set } of sliders) {
      box.hidden = !used.has(name)
      set(state.options[name])
    }
    options.hidden = hidden.has('options') || used.size === 0
    empty.hidden = wanted.length > 0
    const elements = wanted.flatMap(({ name }) => cardOf(name) ?? [])
    for (const card of elements) {
      card.showRemoved(!hidden.has('removed'))
      card.asked(state.target !== null)
    }
    if (
      elements.some((card, index) => shelf.children[index] !== card.element) ||
      shelf.children.length !== elements.length
    )
      shelf.replaceChildren(...elements.map((card) => card.element))
  }
  return {
    element,
    show,
    evidence: (name, evidence) => {
      if (evidence.classifier === classifier) cardOf(name)?.show(evidence)
    },
    progress: (name, progress) => {
      cardOf(name)?.progress(progress)
    },
    status: (name, status, message) => {
      cardOf(name)?.status(status, message)
    },
  }
}
