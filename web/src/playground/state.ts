// The whole state of the playground as plain data, and each change of it as a pure function.

export interface Placed {
  sprite: string
  x: number
  y: number
}
export interface Stroke {
  colour: string
  width: number
  points: number[]
}
export interface Options {
  lambda: number
  keep: number
  beta: number
  discard: number
  layers: number
}
export interface State {
  scene: number // which of the ready scenes it began with
  background: string
  objects: Placed[] // back to front
  mark: { x: number; y: number } | null
  strokes: Stroke[]
  photo: boolean // a photograph of the reader's own takes the scene's place; its pixels are no part of the state
  classifier: string
  target: number | null // null: the predicted class
  methods: string[]
  options: Options
}

export interface Sprite {
  class: string
  place: [number, number, number, number]
}
export interface Description {
  size: number
  classes: string[]
  sprites: Record<string, Sprite>
  backgrounds: string[]
  mark: [string, number, number]
  scenes: { number: number; background: string; objects: [string, number, number][] }[]
  colours: string // 256 colours of masks, dark to light, each six hexadecimal digits
}

export const CLASSIFIERS = ['scenes-cnn', 'scenes-multilabel', 'scenes-shortcut', 'scenes-vit', 'scenes-small'] as const
export const HIDEABLE = [
  'scenes',
  'objects',
  'background',
  'mark',
  'brush',
  'photo',
  'classifier',
  'target',
  'methods',
  'options',
  'removed',
  'share',
] as const
export const RANGES: Record<keyof Options, [number, number, number]> = {
  lambda: [1, 100, 1],
  keep: [10, 400, 10],
  beta: [1, 100, 1],
  discard: [0, 0.95, 0.05],
  layers: [1, 6, 1],
}
export const COLOURS: readonly [string, string][] = [
  ['fbf6e9', 'white'],
  ['2a2630', 'black'],
  ['c8452f', 'red'],
  ['e58a1f', 'orange'],
  ['2c8a5b', 'green'],
  ['2e6fb0', 'blue'],
]
export const WIDTHS: readonly [number, string][] = [
  [8, 'thin'],
  [18, 'medium'],
  [36, 'thick'],
]
export const MOST_OBJECTS = 8
const DEFAULT_OPTIONS: Options = { lambda: 20, keep: 100, beta: 10, discard: 0.9, layers: 6 }
const FIRST_METHODS: Record<string, string[]> = {
  'scenes-cnn': ['grad-cam', 'cartoonx'],
  'scenes-multilabel': ['explainer'],
  'scenes-shortcut': ['explainer', 'grad-cam'],
  'scenes-vit': ['rollout'],
  'scenes-small': ['space-vae'],
}

export function startingState(known: Description): State {
  const methods = firstMethods(CLASSIFIERS[0])
  const start: State = {
    scene: 0,
    background: '',
    objects: [],
    mark: null,
    strokes: [],
    photo: false,
    classifier: CLASSIFIERS[0],
    target: null,
    methods,
    options: { ...DEFAULT_OPTIONS },
  }
  return chooseScene(start, known, 0)
}

export const firstMethods = (classifier: string): string[] => [...(FIRST_METHODS[classifier] ?? [])]

export function chooseScene(state: State, known: Description, scene: number): State {
  const chosen = known.scenes[scene]
  if (!chosen) return state
  const objects = chosen.objects.map(([sprite, x, y]) => ({ sprite, x, y }))
  return { ...state, scene, background: chosen.background, objects, mark: null, strokes: [], photo: false }
}

/** A place whose sprite's middle lies in the image, in whole pixels. */
function within(known: Description, sprite: string, x: number, y: number): { x: number; y: number } {
  const [, , width, height] = known.sprites[sprite]?.place ?? [0, 0, 0, 0]
  const clamp = (value: number, side: number): number =>
    Math.round(Math.min(known.size - side / 2, Math.max(-side / 2, value)))
  return { x: clamp(x, width), y: clamp(y, height) }
}

export function moveObject(state: State, known: Description, index: number, x: number, y: number): State {
  const objects = state.objects.map((each, at) =>
    at === index ? { ...each, ...within(known, each.sprite, x, y) } : each,
  )
  return { ...state, objects }
}

export function addObject(state: State, known: Description, sprite: string): State {
  const found = known.sprites[sprite]
  if (!found || found.class === 'mark' || state.objects.length >= MOST_OBJECTS) return state
  const [, , width, height] = found.place
  const shift = 12 * (state.objects.length % 4) // several new ones do not lie on top of each other
  const place = within(known, sprite, (known.size - width) / 2 + shift, (known.size - height) / 2 + shift)
  return { ...state, objects: [...state.objects, { sprite, ...place }] }
}

export function removeObject(state: State, index: number): State {
  return { ...state, objects: state.objects.filter((_, at) => at !== index) }
}

export function bringToFront(state: State, index: number): State {
  const chosen = state.objects[index]
  return chosen ? { ...state, objects: [...state.objects.filter((_, at) => at !== index), chosen] } : state
}

export function setMark(state: State, known: Description, on: boolean): State {
  return { ...state, mark: on ? { x: known.mark[1], y: known.mark[2] } : null }
}

export function moveMark(state: State, known: Description, x: number, y: number): State {
  return state.mark ? { ...state, mark: within(known, known.mark[0], x, y) } : state
}

export function beginStroke(state: State, colour: string, width: number, x: number, y: number): State {
  return { ...state, strokes: [...state.strokes, { colour, width, points: [Math.round(x), Math.round(y)] }] }
}

/** One more point of the last stroke, unless it lies as good as where the last one does: links stay short. */
export function extendStroke(state: State, x: number, y: number): State {
  const last = state.strokes.at(-1)
  if (!last) return state
  const [toX, toY] = [Math.round(x), Math.round(y)]
  const [fromX = 0, fromY = 0] = last.points.slice(-2)
  if (Math.hypot(toX - fromX, toY - fromY) < 3) return state
  return { ...state, strokes: [...state.strokes.slice(0, -1), { ...last, points: [...last.points, toX, toY] }] }
}

export const undoStroke = (state: State): State => ({ ...state, strokes: state.strokes.slice(0, -1) })

/** Another classifier: methods of the former one make room for those of the new one, the others stay. */
export function chooseClassifier(state: State, classifier: string, fits: (method: string) => boolean): State {
  const kept = state.methods.filter(fits)
  const methods =
    kept.length && state.methods.length === kept.length ? kept : [...new Set([...firstMethods(classifier), ...kept])]
  return { ...state, classifier, target: null, methods }
}

export function toggleMethod(state: State, method: string, on: boolean): State {
  const others = state.methods.filter((each) => each !== method)
  return { ...state, methods: on ? [...others, method] : others }
}

export function setOption(state: State, name: keyof Options, value: number): State {
  const [least, most] = RANGES[name]
  const within = Math.min(most, Math.max(least, value))
  return { ...state, options: { ...state.options, [name]: within } }
}

/** Whether two states show the same image: explanations of the one then hold for the other. */
export function sameImage(one: State, other: State): boolean {
  const image = ({ background, objects, mark, strokes, photo }: State): string =>
    JSON.stringify({ background, objects, mark, strokes, photo })
  return image(one) === image(other)
}
