import assert from 'node:assert/strict'
import { test } from 'node:test'

import { points } from '../src/live/curve.ts'
import { squares } from '../src/live/panels.ts'
import { Player } from '../src/live/player.ts'
import type { State } from '../src/live/player.ts'
import { closest, spaced } from '../src/live/scales.ts'

async function* count(from: number, to: number): AsyncGenerator<number, void, undefined> {
  for (let value = from; value <= to; value++) {
    await Promise.resolve()
    yield value
  }
}

function recorder(during?: (value: number) => void) {
  const shown: number[] = []
  const states: State[] = []
  const player = new Player<number>({
    show(value) {
      shown.push(value)
      during?.(value)
    },
    state: (state) => states.push(state),
  })
  return { shown, states, player }
}

test('a run is played to its end, and again', async () => {
  const { shown, states, player } = recorder()
  await player.ask(() => count(1, 3))
  await player.again()
  assert.deepEqual(shown, [1, 2, 3, 1, 2, 3])
  assert.deepEqual(states, ['running', 'done', 'running', 'done'])
})

test('a new question ends the run of the last one', async () => {
  const { shown, player } = recorder((value) => {
    if (value === 2) void player.ask(() => count(10, 11))
  })
  await player.ask(() => count(1, 9))
  assert.deepEqual(shown, [1, 2, 10, 11])
})

test('a paused run goes on where it was, and a new question begins at once', async () => {
  const { shown, states, player } = recorder((value) => {
    if (value === 2) player.pause()
  })
  await player.ask(() => count(1, 4))
  assert.deepEqual(shown, [1, 2])
  assert.equal(states.at(-1), 'paused')
  await player.resume()
  assert.deepEqual(shown, [1, 2, 3, 4])
  player.pause()
  await player.ask(() => count(7, 7))
  assert.equal(shown.at(-1), 7)
})

test('an error is told, and the next question is answered', async () => {
  const { shown, states, player } = recorder()
  await player.ask(() => {
    throw new Error('no')
  })
  await player.ask(() => count(1, 1))
  assert.deepEqual(states, ['running', 'failed', 'running', 'done'])
  assert.deepEqual(shown, [1])
})

test('values of a slider are evenly spaced logarithms', () => {
  const values = spaced(1.25, 1280, 41)
  assert.equal(values.length, 41)
  assert.ok(Math.abs(values[20]! - 40) < 1e-9)
  assert.ok(Math.abs(values[closest(values, 20)]! - 20) < 1e-9)
})

test('patches are drawn as even squares, the largest value as 1', () => {
  const patches = { data: Float32Array.of(9, 9, 9, 9, 1, 2, 3, 4), dims: [1, 2, 2, 2] }
  assert.deepEqual(Array.from(squares(patches, 1, [2, 4])), [0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1, 1])
})

test('a curve begins at the axis and is cut at the limits', () => {
  const [first, second, third] = points([100, 1, 1e-9], 2, [1e-2, 1e2]).split(' ').map((point) => point.split(',').map(Number))
  assert.deepEqual(first, [46, 8])
  assert.deepEqual(second, [189, 72])
  assert.deepEqual(third, [332, 136])
})
