/** The computations that can take the place of pre-rendered pictures; each shows what those show. */

import type { Engine, Model, Tensor } from '../engine/types.ts'
import { descend } from '../methods/descent.ts'
import { largest, mean, output, scalar } from '../methods/tensors.ts'
import { imageAt } from './data.ts'
import type { Curves } from './curve.ts'
import type { Data } from './data.ts'
import type { Control, Picture } from './dom.ts'
import type { Steps } from '../shared/runner.ts'
import { closest, spaced } from './scales.ts'
import { pixelRdeToy } from './toy.ts'

export interface View {
  pictures: Picture[]
  /** A line below the pictures. */
  note: string
  curves?: Curves
}

export interface Panel {
  columns: number
  /** How it differs from the book's pictures, in a sentence. */
  remark: string
  controls: Control[]
  /** Whether a run takes so long that a reader may want to pause it. */
  slow: boolean
  /** What is shown for the controls' indices, by name. */
  run(choice: Readonly<Record<string, number>>): Steps<View>
}

type MakePanel = (engine: Engine, data: Data) => Promise<Panel>

export const PANELS: Record<string, MakePanel> = {
  'cartoonx-price': (engine, data) => cartoonx(engine, data, 'λk'),
  'cartoonx-number': (engine, data) => cartoonx(engine, data, 'coefficients'),
  'explainer-class': explainerClass,
  'space-vae-beta': spaceVaeBeta,
  'rollout-layers': rolloutLayers,
  'pixel-rde-toy': pixelRdeToy,
}

const remarkOf = (facts: Data['facts']): string => (typeof facts.remark === 'string' ? facts.remark : '')
// with a space that does not break
const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)}\u00a0%`
const sizeOf = ({ dims }: Tensor): [number, number] => [dims[2]!, dims[3]!]

async function modelNamed(engine: Engine, name: string): Promise<Model> {
  const found = (await engine.manifest()).models.find((model) => model.name === name)
  if (found === undefined) throw new Error(`this book has no network ${name}`)
  return found
}

/** The predicted class of each image with its probability, as in the book's figures: "cup, 93 %". */
async function predictions(engine: Engine, classifier: string, images: Tensor): Promise<string[]> {
  const names = (await modelNamed(engine, classifier)).classes ?? []
  const { data, dims } = output(await engine.run(classifier, { images }), 'probabilities')
  return Array.from({ length: dims[0]! }, (_, row) => {
    const shares = data.subarray(row * dims[1]!, (row + 1) * dims[1]!)
    const best = largest(shares)
    return `${names[best] ?? `class ${best}`}, ${percent(shares[best]!)}`
  })
}

/** CartoonX at a price, or for a number of coefficients. */
async function cartoonx(engine: Engine, { images, facts }: Data, label: 'λk' | 'coefficients'): Promise<Panel> {
  const image = imageAt(images, 0)
  const size = sizeOf(image)
  const priced = label === 'λk'
  const stops = spaced(facts.least as number, facts.most as number, 41)
  const values = priced ? stops : [...new Set(stops.map(Math.round))]
  const words = values.map((value) => String(Number(value.toPrecision(3))))
  const start = closest(values, facts.start as number)
  await engine.load('scenes-cnn', 'cartoonx-start', 'cartoonx-step', 'cartoonx-show', ...(priced ? [] : ['cartoonx-keep']))

  async function* run({ stop }: Readonly<Record<string, number>>): Steps<View> {
    const value = values[stop ?? start]!
    const steps = facts.steps as number
    const question = priced ? { sparsityWeight: value } : { sparsityWeight: 0, keep: value }
    const descent = descend(engine, { method: 'cartoonx', image, target: null, ...question, steps })
    for await (const { mask, kept, representation, history, done } of descent) {
      const [words] = await predictions(engine, 'scenes-cnn', { data: kept, dims: image.dims })
      const [distortion, objective] = [history?.distortion?.at(-1), history?.objective?.at(-1)]
      const further = priced && objective !== undefined ? `, objective ${objective.toFixed(3)}` : ''
      const terms = distortion === undefined ? '' : `: distortion ${distortion.toFixed(3)}${further}`
      const rate = mean(representation!)
      const amount = priced ? percent(rate, 2) : (rate * representation!.length).toFixed(0)
      yield {
        pictures: [
          { title: 'the image', data: image.data, size },
          { title: `kept: ${words ?? ''}`, data: kept, size },
          { title: `mask: keeps ${amount}`, data: mask, size },
        ],
        note: `step ${done} of ${steps}${terms}`,
      }
    }
  }
  return { columns: 3, controls: [{ name: 'stop', label, kind: 'slider', values: words, start }], slow: true, run, remark: remarkOf(facts) }
}

async function explainerClass(engine: Engine, { images, facts }: Data): Promise<Panel> {
  const classifier = facts.classifier as string
  const names = (await modelNamed(engine, classifier)).classes ?? []
  const size = sizeOf(images)
  const pixels = size[0] * size[1]
  await engine.load('explainer', classifier)

  async function* run({ target = 0, scene = 0 }: Readonly<Record<string, number>>): Steps<View> {
    const image = imageAt(images, scene)
    const { data } = output(await engine.run('explainer', { images: image }), 'masks')
    const mask = data.slice(target * pixels, (target + 1) * pixels)
    const kept = image.data.map((value, entry) => value * mask[entry % pixels]!)
    const both = new Float32Array([...image.data, ...kept])
    const answers = await engine.run(classifier, { images: { data: both, dims: [2, 3, ...size] } })
    const { data: shares } = output(answers, 'probabilities')
    yield {
      pictures: [
        { title: `${names[target] ?? ''}: ${percent(shares[target]!)}`, data: image.data, size },
        { title: `its mask: ${percent(mean(mask), 1)}`, data: mask, size },
        { title: `kept part: ${percent(shares[names.length + target]!)}`, data: kept, size },
      ],
      note: '',
    }
  }
  const scenes = Array.from({ length: images.dims[0]! }, (_, index) => `scene ${index + 1}`)
  const controls: Control[] = [
    { name: 'target', label: 'class', kind: 'list', values: names, start: facts.target as number },
    { name: 'scene', label: 'scene', kind: 'list', values: scenes, start: 0 },
  ]
  return { columns: 3, controls, slow: false, run, remark: remarkOf(facts) }
}

export const SMALL = 'scenes-small' // SpaCE-VAE's classifier, for images of 32 px

async function spaceVaeBeta(engine: Engine, { images, facts }: Data): Promise<Panel> {
  const betas = spaced(facts.least as number, facts.most as number, 41)
  const start = closest(betas, facts.start as number)
  const size = sizeOf(images)
  const count = images.dims[0]!
  await engine.load('space-vae', SMALL)
  const before = await predictions(engine, SMALL, images)
  const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0)

  async function* run({ beta = start }: Readonly<Record<string, number>>): Steps<View> {
    const kept: Picture[] = []
    const shares: Picture[] = []
    for (let index = 0; index < count; index++) {
      const image = imageAt(images, index)
      const outputs = await engine.run('space-vae', { images: image, beta: scalar(betas[beta]!) })
      const { data } = output(outputs, 'kept')
      const [words] = await predictions(engine, SMALL, { data, dims: image.dims })
      kept.push({ title: `${words ?? ''}\nbrightness ${percent(sum(data) / Math.max(sum(image.data), 1e-6))}`, data, size })
      shares.push({ title: 'share kept', data: output(outputs, 'mask').data, size })
    }
    const scenes = before.map((title, index) => ({ title, data: imageAt(images, index).data, size }))
    yield { pictures: [...scenes, ...kept, ...shares], note: '' }
  }
  const values = betas.map((beta) => String(Number(beta.toPrecision(3))))
  return { columns: count, controls: [{ name: 'beta', label: 'β', kind: 'slider', values, start }], slow: false, run, remark: remarkOf(facts) }
}

const ROLLOUT = 'rollout-128' // for images of 128 px

async function rolloutLayers(engine: Engine, { images, facts }: Data): Promise<Panel> {
  const ratios = Array.from({ length: 100 }, (_, index) => index / 100)
  const size = sizeOf(images)
  const count = images.dims[0]!
  const model = await modelNamed(engine, ROLLOUT)
  const layers = Number(model.outputs.find(({ name }) => name === 'patches')?.shape[1])
  await engine.load(ROLLOUT)

  async function* run({ ratio = 0, depth = layers - 1 }: Readonly<Record<string, number>>): Steps<View> {
    const maps: Picture[] = []
    for (let index = 0; index < count; index++) {
      const outputs = await engine.run(ROLLOUT, { images: imageAt(images, index), discard_ratio: scalar(ratios[ratio]!) })
      maps.push({ title: '', data: squares(output(outputs, 'patches'), depth, size), size })
    }
    const scenes = maps.map((_, index) => ({ title: '', data: imageAt(images, index).data, size }))
    yield { pictures: [...scenes, ...maps], note: '' }
  }
  const numbers = Array.from({ length: layers }, (_, index) => String(index + 1))
  const controls: Control[] = [
    { name: 'ratio', label: 'discarded', kind: 'slider', values: ratios.map(String), start: Math.round(100 * (facts.start as number)) },
    { name: 'depth', label: 'layers', kind: 'slider', values: numbers, start: layers - 1 },
  ]
  return { columns: count, controls, slow: false, run, remark: remarkOf(facts) }
}

/** One value per patch as even squares, the largest being 1; `patches` is 1 x layers x rows x columns. */
export function squares({ data, dims }: Tensor, layer: number, [height, width]: readonly [number, number]): Float32Array {
  const [rows, columns] = [dims[2]!, dims[3]!]
  const values = data.subarray(layer * rows * columns, (layer + 1) * rows * columns)
  const most = Math.max(...values, 1e-12)
  return Float32Array.from({ length: height * width }, (_, pixel) => {
    const row = Math.floor((Math.floor(pixel / width) * rows) / height)
    return values[row * columns + Math.floor(((pixel % width) * columns) / width)]! / most
  })
}
