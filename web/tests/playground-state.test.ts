import assert from 'node:assert/strict'
import { test } from 'node:test'

import { compose, seen, under } from '../src/playground/compose.ts'
import type { Bytes, Parts } from '../src/playground/compose.ts'
import { fromFragment, isState, toFragment } from '../src/playground/link.ts'
import * as change from '../src/playground/state.ts'
import type { Description, State } from '../src/playground/state.ts'

const SIZE = 16

/** Two scenes of 16 pixels with two objects and a mark of 4 x 4 pixels, half of each transparent. */
const KNOWN: Description = {
  size: SIZE,
  classes: ['star', 'house'],
  sprites: {
    'star-1': { class: 'star', place: [0, 0, 4, 4] },
    'house-1': { class: 'house', place: [4, 0, 4, 4] },
    mark: { class: 'mark', place: [8, 0, 4, 4] },
  },
  backgrounds: ['hills', 'bricks'],
  mark: ['mark', 12, 0],
  scenes: [
    { number: 1, background: 'hills', objects: [['star-1', 1, 2]] },
    {
      number: 2,
      background: 'bricks',
      objects: [
        ['house-1', 3, 3],
        ['star-1', 8, 8],
      ],
    },
  ],
  colours: '000000ffffff',
}

function bytes(width: number, height: number, value: (x: number, y: number) => number): Bytes {
  const data = new Uint8ClampedArray(4 * width * height).fill(255)
  for (let at = 0; at < width * height; at++) data.fill(value(at % width, Math.floor(at / width)), 4 * at, 4 * at + 3)
  return { width, height, data }
}

const PARTS: Parts = {
  objects: bytes(12, 4, (x) => (x % 4 < 2 ? 200 : 0)),
  opacity: bytes(12, 4, (x) => (x % 4 < 2 ? 255 : 0)),
  backgrounds: bytes(SIZE, 2 * SIZE, (_, y) => (y < SIZE ? 100 : 50)),
}

const START = change.startingState(KNOWN)

test('a link gives back its state and its hidden controls', () => {
  let state: State = change.chooseScene(START, KNOWN, 1)
  state = change.addObject(state, KNOWN, 'house-1')
  state = change.moveObject(state, KNOWN, 0, 7, -1)
  state = change.moveMark(change.setMark(state, KNOWN, true), KNOWN, 3, 4)
  state = change.extendStroke(change.beginStroke(state, 'c8452f', 18, 1, 2), 9, 9)
  state = { ...state, background: 'hills', classifier: 'scenes-shortcut', target: 1, methods: ['rise'] }
  state = change.setOption(state, 'lambda', 40)
  const hidden = new Set(['brush', 'photo'])
  const link = toFragment(state, KNOWN, hidden)
  assert.ok(isState(link))
  assert.deepEqual(fromFragment(link, KNOWN), { state, hidden })
})

test('the link of the beginning is short, and the address of a heading is no state', () => {
  assert.equal(toFragment(START, KNOWN), '#try=1')
  assert.ok(!isState('#how-it-works'))
  assert.deepEqual(fromFragment('#how-it-works', KNOWN).state, START)
})

test('no methods at all are a state of their own', () => {
  const state = { ...START, methods: [] }
  assert.deepEqual(fromFragment(toFragment(state, KNOWN), KNOWN).state, state)
})

test('what makes no sense in a link is left at its default', () => {
  const broken =
    '#try=1&scene=99&bg=moon&o=star-1.1e9.2~mark.1.1~nothing.1.1&mark=x.y&d=red.3.1.1~c8452f.18.1&c=vgg&t=cat&lk=-3&hide=all'
  const { state, hidden } = fromFragment(broken, KNOWN)
  assert.deepEqual(state, { ...START, objects: [] })
  assert.equal(hidden.size, 0)
  for (const text of ['#try', '#try=1&o=', '#try=1&d=~~~', '#try=1&m=~', '#try=%zz'])
    assert.doesNotThrow(() => fromFragment(text, KNOWN))
})

test('objects stay in the picture, at whole pixels', () => {
  const moved = change.moveObject(START, KNOWN, 0, -100, 30.6).objects[0]
  assert.deepEqual(moved, { sprite: 'star-1', x: -2, y: 14 })
  let state = START
  for (let count = 0; count < 20; count++) state = change.addObject(state, KNOWN, 'house-1')
  assert.equal(state.objects.length, change.MOST_OBJECTS)
  assert.equal(change.addObject(START, KNOWN, 'mark'), START)
})

test('another classifier keeps the methods that explain it, and brings its own', () => {
  const fits = (name: string): boolean => name === 'rise'
  const state = { ...START, target: 1, methods: ['cartoonx', 'rise'] }
  const after = change.chooseClassifier(state, 'scenes-vit', fits)
  assert.deepEqual([after.methods, after.target], [['rollout', 'rise'], null])
})

test('a change that does not touch the image is known as such', () => {
  assert.ok(change.sameImage(START, change.setOption(START, 'lambda', 3)))
  assert.ok(!change.sameImage(START, change.moveObject(START, KNOWN, 0, 5, 5)))
})

test('the picture is the background, where an object with its opacity does not lie', () => {
  const rows = compose(START, KNOWN, PARTS, null)
  const at = (x: number, y: number): number => Math.round(255 * (rows[3 * (y * SIZE + x)] ?? 0))
  assert.deepEqual([at(0, 0), at(1, 2), at(2, 5), at(3, 2), at(1, 6)], [100, 200, 200, 100, 100])
  const beyond = change.moveObject(START, KNOWN, 0, -2, -2) // cut off by the border
  assert.doesNotThrow(() => compose(beyond, KNOWN, PARTS, null))
})

test('a stroke covers its round ends and nothing further', () => {
  const state = change.extendStroke(change.beginStroke(START, 'ffffff', 4, 8, 12), 12, 12)
  const rows = compose(state, KNOWN, PARTS, null)
  const at = (x: number, y: number): number => rows[3 * (y * SIZE + x)] ?? 0
  assert.equal(at(10, 12), 1)
  assert.equal(at(7, 12), 1)
  assert.ok(Math.abs(at(10, 8) - 100 / 255) < 1e-6)
})

test('a classifier sees the means of squares, in planes', () => {
  const rows = Float32Array.from({ length: 3 * SIZE * SIZE }, (_, at) => (at % 3 === 1 ? Math.floor(at / 3) % 2 : 0))
  const planes = seen(rows, SIZE, 4)
  assert.equal(planes.length, 3 * 16)
  assert.deepEqual([...planes.slice(0, 2), ...planes.slice(16, 18), planes[40]], [0, 0, 0.5, 0.5, 0])
})

test('what lies under the pointer is the foremost thing with colour there', () => {
  const state = change.setMark(
    { ...START, objects: [...START.objects, { sprite: 'house-1', x: 1, y: 2 }] },
    KNOWN,
    true,
  )
  assert.equal(under(state, KNOWN, PARTS, 1.5, 2.5), 1)
  assert.equal(under(state, KNOWN, PARTS, 3.5, 2.5), null) // transparent there
  assert.equal(under(state, KNOWN, PARTS, 12.5, 1), 'mark')
  assert.equal(under({ ...state, photo: true }, KNOWN, PARTS, 1.5, 2.5), null)
})
