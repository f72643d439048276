/** The methods of the playground: which classifier each explains, and one run of each fast one. */

import type { Engine, Manifest, Tensor } from '../engine/types.ts'
import { learnedMask, learnedNetworks } from '../methods/learned.ts'
import { oneHot, output, scalar } from '../methods/tensors.ts'
import type { Found } from '../methods/types.ts'
import type { Options } from './state.ts'

export interface Question {
  image: Tensor // 1 x 3 x side x side
  classifier: string
  target: number
  predicted: number
  classes: number
  options: Options
}

export type Kind = 'fast' | 'steps' | 'stream'
export interface Method {
  name: string
  title: string
  kind: Kind
  classifiers: readonly string[] // of which it explains predictions
  explains: 'any class' | 'the predicted class' | 'no class in particular'
  options: readonly (keyof Options)[]
  chapter: string
}

const ALL = ['scenes-cnn', 'scenes-multilabel', 'scenes-shortcut', 'scenes-vit', 'scenes-small']
const any = 'any class' as const
const predicted = 'the predicted class' as const

export const METHODS: readonly Method[] = [
  {
    name: 'explainer',
    title: 'Explainer',
    kind: 'fast',
    classifiers: ['scenes-multilabel', 'scenes-shortcut'],
    explains: any,
    options: [],
    chapter: 'explainer',
  },
  {
    name: 'learned-cartoonx',
    title: 'Learned mask (wavelets)',
    kind: 'fast',
    classifiers: ['scenes-cnn'],
    explains: predicted,
    options: ['lambda'],
    chapter: 'starting-masks',
  },
  {
    name: 'learned-pixel-rde',
    title: 'Learned mask (pixels)',
    kind: 'fast',
    classifiers: ['scenes-cnn'],
    explains: predicted,
    options: ['lambda'],
    chapter: 'starting-masks',
  },
  {
    name: 'grad-cam',
    title: 'Grad-CAM',
    kind: 'fast',
    classifiers: ['scenes-cnn', 'scenes-shortcut'],
    explains: any,
    options: [],
    chapter: 'peers',
  },
  {
    name: 'space-vae',
    title: 'SpaCE-VAE',
    kind: 'fast',
    classifiers: ['scenes-small'],
    explains: predicted,
    options: ['beta'],
    chapter: 'space-vae',
  },
  {
    name: 'rollout',
    title: 'Attention rollout',
    kind: 'fast',
    classifiers: ['scenes-vit'],
    explains: 'no class in particular',
    options: ['layers', 'discard'],
    chapter: 'vit-rollout',
  },
  {
    name: 'cartoonx',
    title: 'CartoonX',
    kind: 'steps',
    classifiers: ['scenes-cnn', 'scenes-shortcut'],
    explains: any,
    options: ['lambda'],
    chapter: 'cartoonx',
  },
  {
    name: 'cartoonx-keep',
    title: 'CartoonX, a given number',
    kind: 'steps',
    classifiers: ['scenes-cnn', 'scenes-shortcut'],
    explains: any,
    options: ['keep'],
    chapter: 'cartoonx',
  },
  {
    name: 'pixel-rde',
    title: 'Pixel RDE',
    kind: 'steps',
    classifiers: ['scenes-cnn'],
    explains: any,
    options: ['lambda'],
    chapter: 'pixel-rde',
  },
  {
    name: 'rise',
    title: 'RISE',
    kind: 'stream',
    classifiers: ALL,
    explains: any,
    options: [],
    chapter: 'peers',
  },
]

export const methodNamed = (name: string): Method | undefined => METHODS.find((method) => method.name === name)
/** What the names of a classifier's own versions of networks end with. */
export const suffixOf = (classifier: string): string => (classifier === 'scenes-shortcut' ? '-shortcut' : '')

/** The networks that a method runs to explain a classifier. */
export function networksOf({ name, kind }: Method, classifier: string): string[] {
  if (kind === 'stream') return [classifier]
  if (name.startsWith('learned-')) {
    const own = name.slice('learned-'.length)
    return [...learnedNetworks(own), `${own}-start`, `${own}-show`]
  }
  if (kind === 'fast') return [name + suffixOf(classifier)]
  const suffix = suffixOf(classifier)
  const own = name.replace(/-keep$/, '')
  return [`${own}-start${suffix}`, `${own}-step${suffix}`, `${own}-show`, ...(own === name ? [] : [name])]
}

/** Whether a method, by its name, explains a classifier with the networks that the book has. */
export type Fits = (name: string, classifier: string) => boolean

export function fitsIn(manifest: Manifest): Fits {
  const known = new Set(manifest.models.map(({ name }) => name))
  return (name, classifier) => {
    const method = methodNamed(name)
    if (!method?.classifiers.includes(classifier)) return false
    return networksOf(method, classifier).every((network) => known.has(network))
  }
}

/** The image times the mask, as most methods define what they keep. */
export function keep(image: Tensor, mask: Float32Array): Float32Array {
  return image.data.map((value, index) => value * (mask[index % mask.length] ?? 0))
}

/** What is left of the image without the kept part. */
export function removed(image: Tensor, kept: Float32Array): Float32Array {
  return image.data.map((value, index) => Math.min(1, Math.max(0, value - (kept[index] ?? 0))))
}

/** Run a fast method once. */
export async function explain(engine: Engine, method: Method, question: Question): Promise<Found> {
  const { image, target } = question
  if (method.name.startsWith('learned-')) return learned(engine, method.name.slice('learned-'.length), question)
  if (method.name === 'space-vae') {
    const outputs = await engine.run('space-vae', { images: image, beta: scalar(question.options.beta) })
    return { mask: output(outputs, 'mask').data, kept: output(outputs, 'kept').data, target: question.predicted }
  }
  const mask = await maskOf(engine, method.name, question)
  return { mask, kept: keep(image, mask), target: method.explains === 'any class' ? target : question.predicted }
}

async function maskOf(
  engine: Engine,
  name: string,
  { image, target, options, classifier }: Question,
): Promise<Float32Array> {
  const pixels = image.data.length / 3
  const feeds = name === 'rollout' ? { discard_ratio: scalar(options.discard) } : {}
  const { data } = output(await engine.run(name + suffixOf(classifier), { images: image, ...feeds }), 'masks') // one per class, or per layer
  const index = name === 'rollout' ? options.layers - 1 : target
  return data.slice(index * pixels, (index + 1) * pixels)
}

/** The bare prediction of the network for initial masks, which is sparser than these. */
async function learned(engine: Engine, name: string, question: Question): Promise<Found> {
  const { image: images, predicted: target, classes, options } = question
  const start = await engine.run(`${name}-start`, { images })
  const [coefficients, mean, deviation] = ['coefficients', 'mean', 'deviation'].map((each) => output(start, each)) as [
    Tensor, Tensor, Tensor,
  ]
  const reference = scalar(output(start, 'probabilities').data[target] ?? 0)
  const described = { images, coefficients, mean, deviation, target: oneHot(target, classes), reference }
  const mask = await learnedMask(engine, name, described, options.lambda, true)
  const shown = await engine.run(`${name}-show`, { mask, coefficients })
  return { mask: output(shown, 'relevance').data, kept: output(shown, 'kept').data, target, representation: mask.data }
}
