/** The controls of the picture: ready scenes, background, objects, mark, brush, and a photograph of the reader's own. */

import { button, choice, drawRows, make, newId, tick } from './dom.ts'
import type { Act, Stage } from './stage.ts'
import { COLOURS, MOST_OBJECTS, WIDTHS, addObject, chooseScene, setMark, startingState, undoStroke } from './state.ts'
import type { Description, State } from './state.ts'

export interface Tools {
  element: HTMLElement
  scenes: HTMLElement
  show(state: State, hidden: ReadonlySet<string>): void
}

/** The controls beside a stage.
 *
 * @param thumbnail the picture of a ready scene.
 * @param photograph what to do with a file that was chosen.
 */
export function makeTools(
  known: Description,
  stage: Stage,
  act: Act,
  thumbnail: (state: State) => Float32Array,
  photograph: (file: File) => void,
): Tools {
  const scenes = sceneButtons(known, act, thumbnail)
  const background = choice(
    'Background',
    known.backgrounds.map((name) => [name, name] as const),
    (name) => {
      act((state) => ({ ...state, background: name }))
    },
  )
  const mark = tick('Planted mark', (on) => {
    act((state) => setMark(state, known, on))
  })
  const objects = objectTools(known, stage, act)
  const brush = brushTools(stage, act)
  const photo = photographTools(act, photograph)
  const element = make('div', { class: 'play-tools' }, background.box, objects.box, mark.box, brush.box, photo.box)

  function show(state: State, hidden: ReadonlySet<string>): void {
    scenes.hidden = hidden.has('scenes')
    for (const [index, each] of [...scenes.querySelectorAll('button')].entries())
      each.setAttribute('aria-pressed', String(index === state.scene && !state.photo))
    background.select.value = state.background
    background.box.hidden = hidden.has('background') || state.photo
    mark.input.checked = state.mark !== null
    mark.box.hidden = hidden.has('mark')
    objects.box.hidden = hidden.has('objects') || state.photo
    objects.show(state)
    brush.box.hidden = hidden.has('brush')
    brush.show(state)
    photo.box.hidden = hidden.has('photo')
    photo.show(state)
  }
  return { element, scenes, show }
}

function sceneButtons(known: Description, act: Act, thumbnail: (state: State) => Float32Array): HTMLElement {
  const start = startingState(known)
  const all = known.scenes.map((scene, index) => {
    const canvas = make('canvas', { width: known.size, height: known.size, 'aria-hidden': 'true' })
    drawRows(canvas, thumbnail(chooseScene(start, known, index)))
    const names = scene.objects.map(([sprite]) => known.sprites[sprite]?.class ?? sprite).join(', ')
    const pressed = (): void => {
      act((state) => chooseScene(state, known, index))
    }
    const each = button('', pressed, { 'aria-label': `Scene ${index + 1}: ${names}`, title: names })
    each.append(canvas)
    return each
  })
  return make('div', { class: 'play-scenes', role: 'group', 'aria-label': 'Ready scenes' }, ...all)
}

function objectTools(known: Description, stage: Stage, act: Act): { box: HTMLElement; show: (state: State) => void } {
  const first = new Map<string, string>() // the first sprite of each class
  for (const [sprite, { class: name }] of Object.entries(known.sprites)) if (!first.has(name)) first.set(name, sprite)
  const named = known.classes.flatMap((name) => (first.has(name) ? [[first.get(name) ?? '', name] as const] : []))
  const add = choice('Objects', [['', 'add …'], ...named], (sprite) => {
    add.select.value = ''
    act((state) => addObject(state, known, sprite))
  })
  const remove = button('Remove', () => {
    if (stage.selected !== null) stage.remove(stage.selected)
  })
  const show = (state: State): void => {
    add.select.disabled = state.objects.length >= MOST_OBJECTS
    remove.disabled = stage.selected === null
  }
  return { box: make('span', { class: 'play-group' }, add.box, remove), show }
}

function brushTools(stage: Stage, act: Act): { box: HTMLElement; show: (state: State) => void } {
  const redraw = (): void => {
    act((state) => ({ ...state }))
  }
  const toggle = button('Draw', () => {
    stage.brush.on = !stage.brush.on
    redraw()
  })
  const colour = choice('Colour', COLOURS, (value) => {
    stage.brush.colour = value
  })
  const width = choice(
    'Brush',
    WIDTHS.map(([value, name]) => [String(value), name] as const),
    (value) => {
      stage.brush.width = Number(value)
    },
  )
  colour.select.value = stage.brush.colour
  width.select.value = String(stage.brush.width)
  const undo = button(
    'Undo',
    () => {
      act(undoStroke)
    },
    { 'aria-label': 'Undo the last stroke' },
  )
  const show = (state: State): void => {
    toggle.setAttribute('aria-pressed', String(stage.brush.on))
    for (const each of [colour.box, width.box]) each.hidden = !stage.brush.on
    undo.hidden = state.strokes.length === 0
  }
  return { box: make('span', { class: 'play-group' }, toggle, colour.box, width.box, undo), show }
}

function photographTools(
  act: Act,
  photograph: (file: File) => void,
): { box: HTMLElement; show: (state: State) => void } {
  const id = newId()
  const input = make('input', { type: 'file', accept: 'image/*', id, class: 'play-file' })
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    input.value = '' // so that the same file can be chosen again
    if (file) photograph(file)
  })
  const back = button('Back to the scene', () => {
    act((state) => ({ ...state, photo: false }))
  })
  const box = make(
    'span',
    { class: 'play-group' },
    input,
    make('label', { for: id, class: 'play-button' }, 'Your photograph …'),
    back,
  )
  return {
    box,
    show: (state) => {
      back.hidden = !state.photo
    },
  }
}
