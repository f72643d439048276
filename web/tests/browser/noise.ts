/** Writes normal numbers, as `descend` draws them, to the standard output: `node noise.ts SEED COUNT`, as float32. */

import { writeSync } from 'node:fs'

import { Random } from '../../src/methods/noise.ts'

const [seed, count] = process.argv.slice(2).map(Number)
const bytes = new Uint8Array(new Random(seed!).normals(count!).buffer)
for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done)
