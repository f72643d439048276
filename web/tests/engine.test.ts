import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import { decompress, fromBase64, sha256 } from '../src/engine/bytes.ts'
import { EngineError, explainFailure } from '../src/engine/errors.ts'
import { openFiles } from '../src/engine/files.ts'
import type { Fetcher } from '../src/engine/files.ts'
import { latest } from '../src/engine/latest.ts'

const CONTENT = new TextEncoder().encode('{"models": []}')
const DIGEST = createHash('sha256').update(CONTENT).digest('hex')

/** Hide a property of an object while a function runs. */
async function without(owner: object, name: string, work: () => Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  Object.defineProperty(owner, name, { value: undefined, configurable: true })
  await work()
  if (before === undefined) Reflect.deleteProperty(owner, name)
  else Object.defineProperty(owner, name, before)
}

test('base64 is decoded with and without the native function', async () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 256)
  const text = Buffer.from(bytes).toString('base64')
  assert.deepEqual(fromBase64(text), bytes)
  await without(Uint8Array, 'fromBase64', () => {
    assert.deepEqual(fromBase64(text), bytes)
    return Promise.resolve()
  })
})

test('the hash is that of Node, also where the browser hides its own', async () => {
  assert.equal(await sha256(CONTENT), DIGEST)
  await without(globalThis, 'crypto', async () => {
    assert.equal(await sha256(CONTENT), DIGEST)
  })
})

test('gzip is undone', async () => {
  assert.deepEqual(new Uint8Array(await decompress(new Uint8Array(gzipSync(CONTENT)))), CONTENT)
})

function folder(facts: object): Fetcher {
  const index = new TextEncoder().encode(JSON.stringify(facts))
  return (_, path) => Promise.resolve(path === 'files.json' ? index : CONTENT.slice())
}

test('a file is checked against the index', async () => {
  const right = { bytes: CONTENT.length, sha256: DIGEST }
  const files = await openFiles('http://here/', folder({ 'a.json': right, 'b.json': { ...right, sha256: '00' } }))
  assert.deepEqual(await files.json('a.json'), { models: [] })
  assert.equal(files.address('a.json'), `http://here/a.json?v=${DIGEST.slice(0, 8)}`)
  const failure = (kind: string) => (error: unknown) => error instanceof EngineError && error.failure === kind
  await assert.rejects(files.bytes('b.json'), failure('corrupted'))
  await assert.rejects(files.bytes('c.json'), failure('missing'))
})

test('a failure of memory is told from others', () => {
  assert.equal(explainFailure('std::bad_alloc').failure, 'memory')
  assert.equal(explainFailure('RangeError: Array buffer allocation failed').failure, 'memory')
  assert.equal(explainFailure('input images is missing').failure, 'unexpected')
})

test('of the calls that wait, only the newest is made', async () => {
  const made: number[] = []
  const call = latest(async (value: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    made.push(value)
    if (value === 5) throw new Error('five')
    return value
  })
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(call)), [1, null, null, 4])
  assert.deepEqual(made, [1, 4])
  await assert.rejects(call(5), /five/)
  assert.equal(await call(6), 6)
})
