/** Pixel RDE and CartoonX step by step. All arithmetic of a step is in its network, as Python exported it; here are the
 * noise, the schedule and the count of steps. */

import type { Engine, Model, Tensor } from '../engine/types.ts'
import { learnedMask, modelNamed } from './learned.ts'
import { Random } from './noise.ts'
import { keepStepAt, learningRateAt } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import { largest, numberOf, oneHot, output, scalar } from './tensors.ts'
import type { Progress, Run } from './types.ts'

export interface Descent {
  method: 'cartoonx' | 'pixel-rde'
  /** 1 x 3 x height x width, in [0, 1]. */
  image: Tensor
  /** The class to explain; null for the predicted one. */
  target: number | null
  sparsityWeight: number
  /** How many coefficients are kept at most, whatever their price; by default as many as λk makes worth it. */
  keep?: number | undefined
  /** By default those of the recipe. */
  steps?: number
  learningRate?: number
  seed?: number
  /** Where the mask starts; by default at ones. */
  start?: 'ones' | 'learned' | Float32Array
  /** Standard normal numbers for a step, 3 x k; by default from the seed. */
  noise?: (step: number, count: number) => Float32Array
  /** Steps from one picture to the next. */
  every?: number
  /** What the networks of another classifier than scenes-cnn end with, such as "-shortcut". */
  suffix?: string
}

/** The networks that a descent needs. */
export function networksOf({ method, start, suffix, keep }: Pick<Descent, 'method' | 'start' | 'suffix' | 'keep'>): string[] {
  const further = [...(start === 'learned' ? [`mask-${method}`] : []), ...(keep === undefined ? [] : [`${method}-keep`])]
  return [`${method}-start${suffix ?? ''}`, `${method}-step${suffix ?? ''}`, `${method}-show`, ...further]
}

/** Minimise distortion + λk · rate over the mask, or the distortion of so many coefficients. The first value is the start, at 0 steps. */
export async function* descend(engine: Engine, descent: Descent): Run {
  const { method, image, sparsityWeight, suffix = '', every = 1 } = descent
  await engine.load(...networksOf(descent))
  const step = await modelNamed(engine, `${method}-step${suffix}`)
  const schedule = scheduleOf(step, descent)
  const begun = await engine.run(`${method}-start${suffix}`, { images: image })
  const [coefficients, mean, deviation] = ['coefficients', 'mean', 'deviation'].map((name) => output(begun, name))
  const probabilities = output(begun, 'probabilities').data
  const target = descent.target ?? largest(probabilities)
  const k = coefficients!.dims[2]!
  const random = new Random(descent.seed ?? 0)
  const draw = descent.noise ?? ((_: number, count: number) => random.normals(count))
  const question = {
    coefficients: coefficients!,
    mean: mean!,
    deviation: deviation!,
    target: oneHot(target, probabilities.length),
    reference: scalar(probabilities[target]!),
  }
  const fixed = { ...question, sparsity_weight: scalar(descent.keep === undefined ? sparsityWeight : 0) }
  const history: Record<string, number[]> = { distortion: [], sparsity: [], objective: [] }

  async function picture(mask: Tensor, done: number): Promise<Progress> {
    const shown = await engine.run(`${method}-show`, { mask, coefficients: fixed.coefficients })
    const [relevance, kept] = [output(shown, 'relevance').data, output(shown, 'kept').data]
    return { mask: relevance, kept, target, representation: mask.data, history, done, total: schedule.steps }
  }

  let mask: Tensor = { data: new Float32Array(k).fill(1), dims: [1, 1, k] }
  if (descent.start === 'learned') {
    mask = await learnedMask(engine, method, { images: image, ...question }, sparsityWeight)
  } else if (descent.start instanceof Float32Array) mask = { data: descent.start, dims: [1, 1, k] }
  const nothing: Tensor = { data: new Float32Array(k), dims: [1, 1, k] }
  let momentum = nothing // of a search at a price; of one for a number, the averaged gradient
  const sum = mask.data.reduce((total, value) => total + value, 0)
  const kept = descent.keep === undefined ? null : { most: descent.keep, model: await modelNamed(engine, `${method}-keep`) }
  const first = Math.max(sum, kept?.most ?? 0)
  if (kept) {
    const begin = keepStepAt(0, schedule.steps, first, kept.most, 1).keep
    mask = { data: mask.data.map((value) => value * Math.min(1, begin / sum)), dims: mask.dims }
  }
  yield picture(mask, 0)
  for (let number = 0; number < schedule.steps; number++) {
    const noise: Tensor = { data: draw(number, 3 * k), dims: [1, 3, k] }
    // for a number, a step without a rate: after a momentum of 0 the new one is a share of the gradient
    const rate = scalar(kept ? 0 : learningRateAt(number, schedule))
    const after = await engine.run(step.name, { mask, momentum: kept ? nothing : momentum, ...fixed, noise, rate, risk: scalar(0) })
    for (const name of Object.keys(history)) history[name]!.push(output(after, name).data[0]!)
    if (kept) {
      const { keep, share, rate } = keepStepAt(number, schedule.steps, first, kept.most, numberOf(kept.model, 'step'))
      const { data, dims } = output(after, 'momentum_after')
      const gradient = { data: data.map((value) => value / numberOf(kept.model, 'share')), dims }
      const settings = { keep: scalar(keep), share: scalar(share), rate: scalar(rate) }
      const moved = await engine.run(kept.model.name, { mask, average: momentum, gradient, ...settings })
      mask = output(moved, 'mask_after')
      momentum = output(moved, 'average_after')
    } else {
      mask = output(after, 'mask_after')
      momentum = output(after, 'momentum_after')
    }
    const done = number + 1
    if (done % every === 0 || done === schedule.steps) yield picture(mask, done)
  }
}

function scheduleOf(model: Model, { steps, learningRate }: Descent): Schedule {
  return {
    schedule: String(model.facts.schedule),
    steps: steps ?? numberOf(model, 'steps'),
    learningRate: learningRate ?? numberOf(model, 'learning_rate'),
    finalRate: numberOf(model, 'final_rate'),
  }
}
