import assert from 'node:assert/strict'
import { test } from 'node:test'

import { points } from '../src/live/curve.ts'
import { squares } from '../src/live/panels.ts'
import { closest, spaced } from '../src/live/scales.ts'

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
