/** Pixel RDE and CartoonX step by step. All arithmetic of a step is in its network, as Python exported it; here are the
 * noise, the schedule and the count of steps. */

import type { Engine, Model, Tensor } from '../engine/types.ts'
import { learnedMask, modelNamed } from './learned.ts'
import { Random } from './noise.ts'
import { learningRateAt } from './schedule.ts'
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
export function networksOf({ method, start, suffix }: Pick<Descent, 'method' | 'start' | 'suffix'>): string[] {
  const learned = start === 'learned' ? [`mask-${method}`] : []
  return [`${method}-start${suffix ?? ''}`, `${method}-step${suffix ?? ''}`, `${method}-show`, ...learned]
}

/** Minimise distortion + λk · rate over the mask. The first value is the start, at 0 steps. */
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
  const fixed = { ...question, sparsity_weight: scalar(sparsityWeight) }
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
  let momentum: Tensor = { data: new Float32Array(k), dims: [1, 1, k] }
  yield picture(mask, 0)
  for (let number = 0; number < schedule.steps; number++) {
    const noise: Tensor = { data: draw(number, 3 * k), dims: [1, 3, k] }
    const rate = scalar(learningRateAt(number, schedule))
    const after = await engine.run(step.name, { mask, momentum, ...fixed, noise, rate, risk: scalar(0) })
    for (const name of Object.keys(history)) history[name]!.push(output(after, name).data[0]!)
    mask = output(after, 'mask_after')
    momentum = output(after, 'momentum_after')
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
