import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Engine, Model, Tensors } from '../src/engine/types.ts'
import { descend } from '../src/methods/descent.ts'
import { Random } from '../src/methods/noise.ts'
import { drawMask, rise } from '../src/methods/rise.ts'
import { keepStepAt, learningRateAt } from '../src/methods/schedule.ts'

test('normal numbers have the moments of the normal distribution, and a seed gives them again', () => {
  const values = new Random(3).normals(100_000)
  const moment = (power: number): number => values.reduce((sum, value) => sum + value ** power, 0) / values.length
  assert.ok(Math.abs(moment(1)) < 0.01)
  assert.ok(Math.abs(moment(2) - 1) < 0.02)
  assert.ok(Math.abs(moment(3)) < 0.05)
  assert.ok(Math.abs(moment(4) - 3) < 0.1)
  assert.deepEqual(new Random(3).normals(5), values.slice(0, 5))
  assert.notDeepEqual(new Random(4).normals(5), values.slice(0, 5))
})

test('the rate falls along half a cosine', () => {
  const schedule = { schedule: 'cosine', steps: 50, learningRate: 0.05, finalRate: 0.01 }
  assert.equal(learningRateAt(0, schedule), 0.05)
  assert.ok(Math.abs(learningRateAt(25, schedule) - 0.05 * 0.505) < 1e-12)
  assert.ok(Math.abs(learningRateAt(50, schedule) - 0.0005) < 1e-12)
  assert.equal(learningRateAt(7, { ...schedule, schedule: 'constant' }), 0.05)
  assert.throws(() => learningRateAt(0, { ...schedule, schedule: 'restarts' }))
})

test('a mask of RISE interpolates its cells', () => {
  assert.ok(drawMask(new Random(0), 7, 1, 20, 30).every((value) => Math.abs(value - 1) < 1e-6))
  assert.ok(drawMask(new Random(0), 7, 0, 20, 30).every((value) => value === 0))
  const random = new Random(1)
  let sum = 0
  for (let count = 0; count < 200; count++) {
    const mask = drawMask(random, 7, 0.5, 32, 32)
    assert.ok(mask.every((value) => value >= 0 && value <= 1))
    for (let index = 1; index < 32; index++) assert.ok(Math.abs(mask[index]! - mask[index - 1]!) <= 1 / 4)
    sum += mask.reduce((total, value) => total + value, 0) / mask.length
  }
  assert.ok(Math.abs(sum / 200 - 0.5) < 0.02)
})

const one = (value: number) => ({ data: Float32Array.of(value), dims: [1] })
const K = 6

/** An engine of plain functions: the mask falls by the rate at each step. */
function engineOf(functions: Record<string, (feeds: Tensors) => Tensors>): Engine & { calls: [string, Tensors][] } {
  const calls: [string, Tensors][] = []
  const facts = { steps: 4, learning_rate: 0.1, final_rate: 0.5, schedule: 'cosine', step: 0.3, refinements: 3, risk: 0.5, shrink: 0.5, share: 0.5 }
  const models = Object.keys(functions).map((name) => ({ name, facts, classes: ['a', 'b'] }) as unknown as Model)
  return {
    calls,
    manifest: () => Promise.resolve({ models, versions: {} }),
    load: () => Promise.resolve(),
    run(name, feeds) {
      calls.push([name, feeds])
      return Promise.resolve(functions[name]!(feeds))
    },
    unload: () => undefined,
    close: () => undefined,
  }
}

const NETWORKS: Record<string, (feeds: Tensors) => Tensors> = {
  'cartoonx-start': () => ({
    coefficients: { data: new Float32Array(3 * K), dims: [1, 3, K] },
    mean: { data: new Float32Array(K), dims: [1, 1, K] },
    deviation: { data: new Float32Array(K), dims: [1, 1, K] },
    probabilities: { data: Float32Array.of(0.25, 0.75), dims: [1, 2] },
  }),
  'cartoonx-step': ({ mask, momentum, rate }) => ({
    mask_after: { data: mask!.data.map((value) => value - rate!.data[0]!), dims: mask!.dims },
    momentum_after: { data: momentum!.data.map((value) => value + 1), dims: mask!.dims },
    distortion: one(0.5),
    sparsity: one(mask!.data[0]!),
    objective: one(2),
  }),
  'cartoonx-show': ({ mask }) => ({ relevance: mask!, kept: mask! }),
  'cartoonx-keep': ({ mask, average, gradient, keep }) => ({
    mask_after: { data: mask!.data.map(() => keep!.data[0]! / K), dims: mask!.dims },
    average_after: { data: average!.data.map((value, index) => value + gradient!.data[index]!), dims: mask!.dims },
  }),
  'mask-cartoonx': ({ mask }) => ({
    mask_after: { data: mask!.data.map((value) => value + 0.1), dims: mask!.dims },
    start: { data: new Float32Array(K).fill(0.5), dims: mask!.dims },
  }),
}
const IMAGE = { data: new Float32Array(3), dims: [1, 3, 1, 1] }

test('a descent follows the schedule, hands on its state and keeps the history', async () => {
  const engine = engineOf(NETWORKS)
  const seen: number[] = []
  let entry = 0
  const noise = (step: number, count: number) => new Float32Array(count).fill(step)
  for await (const { done, total, target, representation, history } of descend(engine, {
    method: 'cartoonx', image: IMAGE, target: null, sparsityWeight: 20, noise, every: 3,
  })) {
    assert.equal(target, 1)
    assert.equal(total, 4)
    assert.equal(history!.objective!.length, done)
    entry = representation![0]!
    seen.push(done)
  }
  assert.deepEqual(seen, [0, 3, 4])
  const rates = [0, 1, 2, 3].map((step) => 0.1 * (0.5 + 0.25 * (1 + Math.cos((Math.PI * step) / 4))))
  assert.ok(Math.abs(entry - (1 - rates.reduce((sum, rate) => sum + rate))) < 1e-6)
  const steps = engine.calls.filter(([name]) => name === 'cartoonx-step').map(([, feeds]) => feeds)
  assert.deepEqual(steps.map(({ momentum }) => momentum!.data[0]), [0, 1, 2, 3])
  assert.deepEqual(steps.map((feeds) => feeds.noise!.data[0]), [0, 1, 2, 3])
  assert.deepEqual(Array.from(steps[0]!.target!.data), [0, 1])
  assert.equal(steps[0]!.reference!.data[0], 0.75)
  assert.equal(steps[0]!.sparsity_weight!.data[0], 20)
})

test('a descent can begin at the learned mask, and explain another class', async () => {
  const engine = engineOf(NETWORKS)
  const run = descend(engine, { method: 'cartoonx', image: IMAGE, target: 0, sparsityWeight: 1, start: 'learned' })
  const first = (await run.next()).value!
  assert.deepEqual(first.representation, new Float32Array(K).fill(0.5))
  assert.equal(first.target, 0)
  await run.return()
  const refined = engine.calls.filter(([name]) => name === 'mask-cartoonx').map(([, feeds]) => feeds)
  assert.deepEqual(refined.map(({ gradient }) => gradient!.data[0]), [0, 2, 2])
  assert.deepEqual(refined.map(({ mask }) => mask!.data[0]!.toFixed(1)), ['0.0', '0.1', '0.2'])
  const steps = engine.calls.filter(([name]) => name === 'cartoonx-step').map(([, feeds]) => feeds)
  assert.deepEqual(steps.map(({ risk, rate, sparsity_weight }) => [risk, rate, sparsity_weight].map((x) => x!.data[0])), [
    [0.5, 0, 0], [0.5, 0, 0],
  ])
  assert.notEqual(steps[0]!.noise!.data[0], steps[1]!.noise!.data[0])
})

test('the sum of a mask falls to the number, and the gradient is that of the distortion', async () => {
  const sums = [0, 1, 2, 3].map((step) => keepStepAt(step, 8, 160, 10, 0.3).keep)
  assert.deepEqual(sums.map(Math.round), [80, 40, 20, 10])
  assert.equal(keepStepAt(4, 8, 160, 10, 0.3).keep, 10)
  assert.ok(Math.abs(keepStepAt(4, 8, 160, 10, 0.3).rate - 0.3) < 1e-12)
  assert.ok(keepStepAt(7, 8, 160, 10, 0.3).rate < 0.3)
  assert.equal(keepStepAt(0, 8, 160, 10, 0.3).share, 1)

  const engine = engineOf(NETWORKS)
  const seen: number[] = []
  for await (const { representation } of descend(engine, {
    method: 'cartoonx', image: IMAGE, target: null, sparsityWeight: 20, keep: 2,
  })) seen.push(representation!.reduce((sum, value) => sum + value, 0))
  assert.deepEqual(seen.map((sum) => sum.toFixed(3)), ['3.464', '3.464', '2.000', '2.000', '2.000'])
  const steps = engine.calls.filter(([name]) => name === 'cartoonx-step').map(([, feeds]) => feeds)
  assert.deepEqual(steps.map(({ momentum, rate, sparsity_weight }) => [momentum, rate, sparsity_weight].map((x) => x!.data[0])),
    Array(4).fill([0, 0, 0]))
  const moves = engine.calls.filter(([name]) => name === 'cartoonx-keep').map(([, feeds]) => feeds)
  assert.deepEqual(moves.map(({ average, gradient }) => [average, gradient].map((x) => x!.data[0])), [[0, 2], [2, 2], [4, 2], [6, 2]])
})

test('RISE finds the half of an image that a score depends on, and says nothing of a constant score', async () => {
  const image = { data: new Float32Array(3 * 64).fill(1), dims: [1, 3, 8, 8] }
  const score = (of: (pixels: Float32Array) => number) => ({ images }: Tensors) => {
    const count = images!.dims[0]!
    const rows = Array.from({ length: count }, (_, row) => of(images!.data.subarray(192 * row, 192 * row + 64)))
    return { probabilities: { data: Float32Array.from(rows.flatMap((value) => [1 - value, value])), dims: [count, 2] } }
  }
  const upper = score((pixels) => pixels.subarray(0, 32).reduce((sum, value) => sum + value, 0) / 32)
  const options = { classifier: 'c', image, target: 1, masks: 300, cells: 4 }
  let mask = new Float32Array()
  let done = 0
  for await (const progress of rise(engineOf({ c: upper }), options)) ({ mask, done } = progress as { mask: typeof mask; done: number })
  const average = (part: Float32Array): number => part.reduce((sum, value) => sum + value, 0) / part.length
  assert.equal(done, 300)
  assert.ok(average(mask.subarray(0, 32)) > average(mask.subarray(32)) + 0.3)
  for await (const progress of rise(engineOf({ c: score(() => 0.5) }), options)) mask = progress.mask as typeof mask
  assert.ok(mask.every((value) => value === 0))
})
