// The state in the part of the address after "#", and back. Whatever cannot be understood there is left at its default.
import { CLASSIFIERS, HIDEABLE, MOST_OBJECTS, RANGES, chooseScene, firstMethods, startingState } from './state.ts'
import type { Description, Options, Placed, State, Stroke } from './state.ts'

const KEY = 'try' // so that the address of a heading is not taken for a state
const SHORT: Record<keyof Options, string> = { lambda: 'lk', keep: 'keep', beta: 'beta', discard: 'discard', layers: 'layers' }
const LONGEST = 20_000 // numbers of all strokes together

const placed = ({ sprite, x, y }: Placed): string => `${sprite}.${x}.${y}`

/** The fragment of a state, with "#"; only what differs from the ready scene and the defaults is in it. */
export function toFragment(state: State, known: Description, hidden: ReadonlySet<string> = new Set()): string {
  const plain = chooseScene(startingState(known), known, state.scene)
  const parts: [string, string][] = [[KEY, '1']]
  const put = (key: string, value: string, usual: string): void => {
    if (value !== usual) parts.push([key, value])
  }
  put('scene', String(state.scene), '0')
  put('bg', state.background, plain.background)
  put('o', state.objects.map(placed).join('~'), plain.objects.map(placed).join('~'))
  put('mark', state.mark ? `${state.mark.x}.${state.mark.y}` : '', '')
  put('d', state.strokes.map(strokeText).join('~'), '')
  put('c', state.classifier, plain.classifier)
  put('t', state.target === null ? '' : (known.classes[state.target] ?? ''), '')
  put('m', state.methods.join('~'), firstMethods(state.classifier).join('~'))
  for (const name of Object.keys(SHORT) as (keyof Options)[])
    put(SHORT[name], String(state.options[name]), String(plain.options[name]))
  put('hide', HIDEABLE.filter((name) => hidden.has(name)).join('~'), '')
  return '#' + parts.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')
}

const strokeText = ({ colour, width, points }: Stroke): string => [colour, width, ...points].join('.')

/** Whether a fragment holds a state. */
export const isState = (fragment: string): boolean => new URLSearchParams(fragment.replace(/^#/, '')).has(KEY)

/** The state of a fragment, and the names of the controls that it hides. */
export function fromFragment(fragment: string, known: Description): { state: State; hidden: Set<string> } {
  const values = new URLSearchParams(fragment.replace(/^#/, ''))
  let state = startingState(known)
  if (!values.has(KEY)) return { state, hidden: new Set() }
  const scene = Number(values.get('scene') ?? 0)
  state = chooseScene(state, known, Number.isInteger(scene) ? scene : 0)
  const background = values.get('bg')
  if (background !== null && known.backgrounds.includes(background)) state = { ...state, background }
  const objects = values.get('o')
  if (objects !== null) state = { ...state, objects: readObjects(objects, known) }
  const mark = values.get('mark')?.split('.').map(Number)
  if (mark?.length === 2 && mark.every(Number.isFinite))
    state = { ...state, mark: { x: mark[0] ?? 0, y: mark[1] ?? 0 } }
  state = { ...state, strokes: readStrokes(values.get('d') ?? '') }
  const classifier = values.get('c') ?? state.classifier
  if ((CLASSIFIERS as readonly string[]).includes(classifier))
    state = { ...state, classifier, methods: firstMethods(classifier) }
  const target = known.classes.indexOf(values.get('t') ?? '')
  if (target >= 0) state = { ...state, target }
  const methods = values.get('m')
  if (methods !== null) state = { ...state, methods: [...new Set(methods.split('~').filter(Boolean))].slice(0, 12) }
  const options = { ...state.options }
  for (const name of Object.keys(SHORT) as (keyof Options)[]) {
    const value = Number(values.get(SHORT[name]) ?? NaN)
    if (value >= RANGES[name][0] && value <= RANGES[name][1]) options[name] = value
  }
  const hidden = new Set(
    (values.get('hide') ?? '').split('~').filter((name) => (HIDEABLE as readonly string[]).includes(name)),
  )
  return { state: { ...state, options }, hidden }
}

function readObjects(text: string, known: Description): Placed[] {
  const all = text.split('~').map((each) => {
    const [sprite = '', x, y] = each.split('.')
    return { sprite, x: Number(x), y: Number(y) }
  })
  const sound = all.filter(
    ({ sprite, x, y }) => sprite !== known.mark[0] && known.sprites[sprite] && inside(x, known) && inside(y, known),
  )
  return sound.slice(0, MOST_OBJECTS)
}

const inside = (value: number, known: Description): boolean => Number.isInteger(value) && Math.abs(value) <= known.size

function readStrokes(text: string): Stroke[] {
  const strokes: Stroke[] = []
  let count = 0
  for (const each of text.split('~').filter(Boolean)) {
    const [colour = '', width, ...numbers] = each.split('.')
    const points = numbers.map(Number)
    count += points.length
    if (count > LONGEST) break
    const sound =
      /^[0-9a-f]{6}$/.test(colour) && points.length >= 2 && points.length % 2 === 0 && points.every(Number.isFinite)
    if (sound && Number(width) >= 1 && Number(width) <= 64) strokes.push({ colour, width: Number(width), points })
  }
  return strokes
}
