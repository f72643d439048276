/** The link with the whole state, and the form for teachers that makes one with fewer controls. */

import { button, make, newId, tick } from './dom.ts'
import { HIDEABLE } from './state.ts'

export type Hideable = (typeof HIDEABLE)[number]

const LABELS: Record<Hideable, string> = {
  scenes: 'ready scenes',
  objects: 'objects (moving, adding, removing)',
  background: 'background',
  mark: 'planted mark',
  brush: 'brush',
  photo: 'own photograph',
  classifier: 'classifier',
  target: 'class to explain',
  methods: 'choice of methods',
  options: 'sliders of the methods',
  removed: 'what is removed',
  share: 'this row',
}

export interface Share {
  element: HTMLElement
  show(hidden: ReadonlySet<string>, photo: boolean): void
}

/** The row of links.
 *
 * @param link the address of the present state, with these controls hidden.
 * @param say tell the reader something.
 */
export function makeShare(
  link: (hidden: ReadonlySet<string>) => string,
  reset: () => void,
  say: (text: string) => void,
): Share {
  let hidden: ReadonlySet<string> = new Set()
  const note = make('span', { class: 'play-note' })
  const copy = async (field: HTMLInputElement | null, chosen: ReadonlySet<string>): Promise<void> => {
    const address = link(chosen)
    if (field !== null) field.value = address
    try {
      await navigator.clipboard.writeText(address)
      say('The link is copied.')
    } catch {
      shown.value = address // a page over plain http may not write there
      shown.hidden = false
      shown.select()
      say('This browser does not let the page copy: the link is in the field, selected.')
    }
  }
  const shown = make('input', {
    type: 'text',
    readonly: true,
    hidden: true,
    'aria-label': 'The link',
    class: 'play-link',
  })
  const teacher = teacherForm((field, chosen) => {
    void copy(field, chosen)
  })
  const element = make(
    'div',
    { class: 'play-shares' },
    button('Copy link', () => {
      void copy(null, hidden)
    }),
    button('Start again', reset),
    shown,
    note,
    teacher.element,
  )
  return {
    element,
    show(now, photo) {
      hidden = now
      element.hidden = now.has('share')
      note.textContent = photo ? 'The link has no photograph: yours stays on this machine.' : ''
    },
  }
}

function teacherForm(copy: (field: HTMLInputElement, chosen: ReadonlySet<string>) => void): { element: HTMLElement } {
  const ticks = HIDEABLE.map((name) => [name, tick(LABELS[name], () => undefined)] as const)
  const id = newId()
  const field = make('input', { type: 'text', readonly: true, id, class: 'play-link' })
  const chosen = (): Set<string> => new Set(ticks.filter(([, { input }]) => input.checked).map(([name]) => name))
  const legend = make('legend', {}, 'Hide from students')
  const element = make(
    'details',
    { class: 'play-teacher' },
    make('summary', {}, 'For teachers: a link with fewer controls'),
    make('fieldset', {}, legend, ...ticks.map(([, { box }]) => box)),
    make(
      'div',
      { class: 'play-field' },
      make('label', { for: id }, 'Link'),
      field,
      button('Make and copy it', () => {
        copy(field, chosen())
      }),
    ),
  )
  return { element }
}
