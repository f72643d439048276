/** The slow methods as runs, with the playground's numbers of steps and masks. */

import type { Engine } from '../engine/types.ts'
import { descend } from '../methods/descent.ts'
import { rise } from '../methods/rise.ts'
import type { Run } from '../methods/types.ts'
import { suffixOf } from './methods.ts'
import type { Method, Question } from './methods.ts'

const STEPS = 60
const RATE = 0.1 // for at most 100 steps, helpers.methods.initial_masks.learned: ONES_RATE, LEARNED_RATE
const SHOWN_EVERY = 3
const MASKS = 960
const AT_ONCE = 32

/** Begin a slow method: an optimisation from the learned mask where there is one for the question, else from ones. */
export async function* begin(engine: Engine, method: Method, question: Question): Run {
  const { image, target, predicted, classifier, options } = question
  if (method.kind === 'stream') {
    yield* rise(engine, { classifier, image, target, masks: MASKS, batch: AT_ONCE })
    return
  }
  const { models } = await engine.manifest()
  const known = models.some(({ name }) => name === `mask-${method.name}`)
  const learned = known && classifier === 'scenes-cnn' && target === predicted // the network knows these only
  yield* descend(engine, {
    method: method.name === 'pixel-rde' ? 'pixel-rde' : 'cartoonx',
    image,
    target,
    sparsityWeight: options.lambda,
    keep: method.name === 'cartoonx-keep' ? options.keep : undefined,
    steps: STEPS,
    learningRate: RATE,
    every: SHOWN_EVERY,
    start: learned ? 'learned' : 'ones',
    suffix: suffixOf(classifier),
  })
}
