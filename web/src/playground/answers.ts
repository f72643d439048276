/** What the classifier says of the picture: a bar for each class, which is also the choice of the class to explain. */

import { choice, drawPlanes, make, percent, picture } from './dom.ts'
import type { Verdict } from './session.ts'
import type { Act } from './stage.ts'
import { chooseClassifier } from './state.ts'
import type { Description, State } from './state.ts'
import type { Fits } from './methods.ts'

const NAMES: readonly (readonly [string, string])[] = [
  ['scenes-cnn', 'ResNet (one class)'],
  ['scenes-multilabel', 'ResNet (several classes)'],
  ['scenes-shortcut', 'ResNet that was taught a shortcut'],
  ['scenes-vit', 'Vision transformer'],
  ['scenes-small', 'Small network'],
]

export interface Answers {
  element: HTMLElement
  show(state: State, image: Float32Array, hidden: ReadonlySet<string>): void
  verdict(verdict: Verdict): void
}

interface Row {
  box: HTMLElement
  input: HTMLInputElement
  meter: HTMLMeterElement
  share: HTMLElement
}

/** The panel of the classifier's answers. */
export function makeAnswers(known: Description, act: Act, fits: Fits): Answers {
  const classifier = choice('Classifier', NAMES, (name) => {
    act((state) => chooseClassifier(state, name, (method) => fits(method, name)))
  })
  const seen = picture('What the classifier sees', 64, 'play-picture play-seen')
  const choose = (target: number | null) => (): void => {
    act((state) => ({ ...state, target }))
  }
  const automatic = radio('the predicted class', choose(null))
  const rows = known.classes.map((name, index) => row(name, choose(index)))
  const legend = make('legend', {}, 'Explain')
  const group = make('fieldset', { class: 'play-classes' }, legend, automatic.box, ...rows.map(({ box }) => box))
  const head = make('div', { class: 'play-head' }, classifier.box, seen)
  const element = make('div', { class: 'play-answers' }, head, group)

  function show(state: State, image: Float32Array, hidden: ReadonlySet<string>): void {
    classifier.select.value = state.classifier
    classifier.select.disabled = hidden.has('classifier')
    drawPlanes(seen, image)
    seen.setAttribute('aria-label', `What the classifier sees: ${seen.width} × ${seen.height} pixels`)
    group.classList.toggle('play-fixed', hidden.has('target'))
    for (const input of [automatic.input, ...rows.map((each) => each.input)]) input.disabled = hidden.has('target')
    automatic.input.checked = state.target === null
    rows.forEach(({ input }, index) => {
      input.checked = state.target === index
    })
  }

  function verdict({ probabilities, predicted, target }: Verdict): void {
    rows.forEach(({ box, meter, share }, index) => {
      const value = probabilities[index] ?? 0
      meter.value = value
      share.textContent = percent(value)
      box.classList.toggle('play-predicted', index === predicted)
      box.classList.toggle('play-target', index === target)
    })
  }
  return { element, show, verdict }
}

function radio(label: string, chosen: () => void): { box: HTMLLabelElement; input: HTMLInputElement } {
  const input = make('input', { type: 'radio', name: 'play-target' })
  input.addEventListener('change', chosen)
  return { box: make('label', { class: 'play-class' }, input, make('span', {}, label)), input }
}

function row(name: string, chosen: () => void): Row {
  const { box, input } = radio(name, chosen)
  const meter = make('meter', { min: 0, max: 1, value: 0, 'aria-label': `probability of ${name}` })
  const share = make('span', { class: 'play-share', 'aria-hidden': 'true' })
  box.append(share)
  return { box: make('div', { class: 'play-row' }, box, meter), input, meter, share }
}
