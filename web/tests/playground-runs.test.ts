import assert from 'node:assert/strict'
import { test } from 'node:test'

import { unzipSync } from 'fflate'

import type { Engine, Manifest, Tensors } from '../src/engine/types.ts'
import { pointsOf } from '../src/playground/curve.ts'
import { bundle } from '../src/playground/evidence.ts'
import { METHODS, fitsIn, networksOf } from '../src/playground/methods.ts'
import type { Question } from '../src/playground/methods.ts'
import { sizeInHead } from '../src/playground/photo.ts'
import { Runner } from '../src/shared/runner.ts'
import type { Progress, Run } from '../src/methods/types.ts'
import type { Status } from '../src/shared/runner.ts'
import { begin } from '../src/playground/runs.ts'
import type { Evidence } from '../src/playground/session.ts'

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

function found(done: number, total = 3): Progress {
  return { mask: new Float32Array(4), kept: new Float32Array(12), target: 0, done, total }
}

async function* counting(asked: string[], name: string): Run {
  for (let done = 1; done <= 3; done++) {
    asked.push(`${name}${done}`)
    await tick()
    yield found(done)
  }
}

function watched(): { runner: Runner<Progress>; statuses: Status[]; seen: number[] } {
  const statuses: Status[] = []
  const seen: number[] = []
  const progress = ({ done }: Progress): void => {
    seen.push(done)
  }
  const runner = new Runner({
    progress,
    status: (status) => {
      statuses.push(status)
    },
  })
  return { runner, statuses, seen }
}

const until = async (met: () => boolean): Promise<void> => {
  for (let count = 0; count < 200 && !met(); count++) await tick()
  assert.ok(met())
}

test('a run goes to its end, and again from its beginning', async () => {
  const { runner, statuses, seen } = watched()
  runner.ask(() => counting([], 'a'))
  await until(() => runner.status === 'done')
  runner.reset()
  await until(() => runner.status === 'done')
  assert.deepEqual(seen, [1, 2, 3, 1, 2, 3])
  assert.deepEqual(statuses, ['running', 'done', 'running', 'done'])
})

test('a pause holds the run where it is, also over a new question', async () => {
  const { runner, seen } = watched()
  runner.ask(() => counting([], 'a'))
  await until(() => seen.length === 1)
  runner.pause()
  await tick()
  await tick()
  await tick()
  const reached = seen.length
  assert.ok(reached < 3)
  runner.resume()
  await until(() => runner.status === 'done')
  assert.deepEqual(seen, [1, 2, 3])
  runner.pause()
  runner.ask(() => counting([], 'b'))
  assert.equal(runner.status, 'paused')
  runner.resume()
  await until(() => runner.status === 'done')
})

test('a new question ends the former run, whose late answer is dropped', async () => {
  const { runner, seen } = watched()
  const asked: string[] = []
  runner.ask(() => counting(asked, 'a'))
  await tick()
  runner.ask(() => counting(asked, 'b'))
  await until(() => runner.status === 'done')
  assert.deepEqual(
    asked.filter((name) => name.startsWith('b')),
    ['b1', 'b2', 'b3'],
  )
  assert.deepEqual(seen.slice(-3), [1, 2, 3])
  runner.wait()
  assert.equal(runner.status, 'waiting')
})

test('a failure is told in its own words', async () => {
  const messages: (string | undefined)[] = []
  const runner = new Runner({
    progress: () => undefined,
    status: (_, message) => {
      messages.push(message)
    },
  })
  runner.ask(async function* (): Run {
    await tick()
    throw new Error('no memory')
  })
  await until(() => runner.status === 'failed')
  assert.equal(messages.at(-1), 'no memory')
  runner.ask(() => counting([], 'a')) // the next question is answered
  await until(() => runner.status === 'done')
})

test('the curve spans its box', () => {
  assert.equal(pointsOf([2, 1], 3, 100, 50), '0.0,1.0 50.0,25.0')
  assert.equal(pointsOf([], 3, 100, 50), '')
})

/** An engine whose step halves the mask, and whose classifier answers with the mean of the image. */
function halving(calls: string[]): Engine {
  const of = (data: number[], dims: number[]) => ({ data: Float32Array.from(data), dims })
  const run = (name: string, feeds: Tensors): Promise<Tensors> => {
    calls.push(name)
    const k = 4
    if (name.endsWith('-start')) {
      const bands = {
        mean: of(Array<number>(k).fill(0), [1, 1, k]),
        deviation: of(Array<number>(k).fill(1), [1, 1, k]),
      }
      return Promise.resolve({
        coefficients: of(Array<number>(3 * k).fill(1), [1, 3, k]),
        ...bands,
        probabilities: of([0.9, 0.1], [1, 2]),
      })
    }
    const mask = feeds.mask ?? of([1, 1, 1, 1], [1, 1, k])
    if (name.endsWith('-show'))
      return Promise.resolve({ relevance: mask, kept: of(Array<number>(12).fill(0), [1, 3, 2, 2]) })
    if (name.startsWith('mask-')) return Promise.resolve({ mask_after: mask, start: mask })
    const half = { data: mask.data.map((value) => value / 2), dims: mask.dims }
    const numbers = { distortion: of([0], [1]), sparsity: of([0], [1]), objective: of([1], [1]) }
    return Promise.resolve({ mask_after: half, momentum_after: half, ...numbers })
  }
  return {
    run,
    manifest: () => Promise.resolve(MANIFEST),
    load: () => Promise.resolve(),
    unload: () => undefined,
    close: () => undefined,
  }
}

const FACTS = { schedule: 'cosine', learning_rate: 0.05, final_rate: 0.01, steps: 400, refinements: 3, risk: 0.5, shrink: 0.5, share: 0.05 }
const MANIFEST = {
  models: ['cartoonx-step', 'mask-cartoonx'].map((name) => ({ name, facts: FACTS })),
  versions: {},
} as unknown as Manifest

const QUESTION: Question = {
  image: { data: new Float32Array(12), dims: [1, 3, 2, 2] },
  classifier: 'scenes-cnn',
  target: 0,
  predicted: 0,
  classes: 2,
  options: { lambda: 20, keep: 100, beta: 10, discard: 0.9, layers: 6 },
}
const named = (name: string) => METHODS.find((method) => method.name === name) ?? assert.fail(name)

test('an optimisation starts from the learned mask of the predicted class, and from ones for others', async () => {
  for (const [target, learned] of [
    [0, true],
    [1, false],
  ] as const) {
    const calls: string[] = []
    const all: Progress[] = []
    for await (const progress of begin(halving(calls), named('cartoonx'), { ...QUESTION, target })) all.push(progress)
    assert.equal(calls.includes('mask-cartoonx'), learned)
    assert.equal(calls.filter((name) => name === 'cartoonx-step').length, learned ? 62 : 60) // two refine the start
    assert.equal(all.at(-1)?.done, 60)
    assert.equal(all.at(-1)?.history?.objective?.length, 60)
  }
})

test('a method is offered where its networks are, and for its classifiers', () => {
  const models = ['scenes-cnn', 'cartoonx-start', 'cartoonx-step', 'cartoonx-show'].map((name) => ({ name }))
  const fits = fitsIn({ models, versions: {} } as unknown as Manifest)
  assert.ok(fits('cartoonx', 'scenes-cnn') && fits('rise', 'scenes-cnn'))
  assert.ok(!fits('pixel-rde', 'scenes-cnn') && !fits('cartoonx', 'scenes-vit') && !fits('magic', 'scenes-cnn'))
  assert.deepEqual(networksOf(named('grad-cam'), 'scenes-shortcut'), ['grad-cam-shortcut'])
})

test('a bundle has its manifest last, with the size of every other file', async () => {
  const evidence: Evidence = {
    mask: new Float32Array(4),
    kept: new Float32Array(12),
    target: 1,
    classifier: 'scenes-cnn',
    options: {},
    image: new Float32Array(12),
    removed: new Float32Array(12),
    onKept: new Float32Array(2),
    onRemoved: new Float32Array(2),
    history: { objective: [2, 1] },
  }
  const settings = { method: 'cartoonx', classifier: 'scenes-cnn', classes: ['a', 'b'], options: {}, state: '#try=1' }
  const zipped = await bundle(
    evidence,
    settings,
    { models: [], versions: {} },
    { mask: new Uint8Array(3) },
    '2026-11-28T00:00:00Z',
  )
  const files = unzipSync(zipped)
  assert.deepEqual(Object.keys(files), [
    'explanation.safetensors',
    'pictures/mask.png',
    'settings.json',
    'versions.json',
    'manifest.json',
  ])
  const manifest = JSON.parse(new TextDecoder().decode(files['manifest.json'])) as {
    files: Record<string, { bytes: number }>
  }
  assert.equal(manifest.files['pictures/mask.png']?.bytes, 3)
})

test('the size of a picture is read from its head, and of no other file', () => {
  const png = new Uint8Array(24)
  png.set([0x89, 0x50, 0x4e, 0x47], 0)
  new DataView(png.buffer).setUint32(16, 30_000)
  new DataView(png.buffer).setUint32(20, 20_000)
  assert.deepEqual(sizeInHead(png), [30_000, 20_000])
  const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8, 0x10, 0, 0x20, 0)
  assert.deepEqual(sizeInHead(jpeg), [0x2000, 0x1000])
  assert.equal(sizeInHead(jpeg.slice(0, 12)), null)
  assert.equal(sizeInHead(new TextEncoder().encode('no picture')), null)
  assert.equal(sizeInHead(new Uint8Array(0)), null)
})
