/** Pixel RDE on the toy of its chapter, with Adam, as `helpers.playground.toy` exports a step of it. */

import type { Engine, Tensor } from '../engine/types.ts'
import { Random } from '../methods/noise.ts'
import { mean, output, scalar } from '../methods/tensors.ts'
import type { Data } from './data.ts'
import type { Control } from './dom.ts'
import type { Panel, View } from './panels.ts'
import { closest, spaced } from './scales.ts'
import type { Steps } from '../shared/runner.ts'

const STEP = 'pixel-rde-toy'
const SAMPLES = 16

export async function pixelRdeToy(engine: Engine, { images, facts }: Data): Promise<Panel> {
  const [height, width] = [images.dims[2]!, images.dims[3]!]
  const k = height * width
  const total = facts.steps as number
  const scales = { weight: spaced(0.1, 100, 31), rate: spaced(0.001, 1, 31) }
  const words = (values: number[]): string[] => values.map((value) => String(Number(value.toPrecision(2))))
  const first = { weight: closest(scales.weight, facts.weight as number), rate: closest(scales.rate, facts.rate as number) }
  await engine.load(STEP)

  async function* run({ weight = first.weight, rate = first.rate }: Readonly<Record<string, number>>): Steps<View> {
    const random = new Random(0)
    const zeros = (): Tensor => ({ data: new Float32Array(k), dims: [1, 1, k] })
    let state = { mask: { data: new Float32Array(k).fill(1), dims: [1, 1, k] } as Tensor, first: zeros(), second: zeros() }
    const history = { objective: [] as number[], distortion: [] as number[] }
    for (let number = 1; number <= total; number++) {
      const noise: Tensor = { data: random.normals(SAMPLES * 3 * k), dims: [SAMPLES, 3, k] }
      const settings = { sparsity_weight: scalar(scales.weight[weight]!), rate: scalar(scales.rate[rate]!), number: scalar(number) }
      const after = await engine.run(STEP, { images, ...state, noise, ...settings })
      state = { mask: output(after, 'mask_after'), first: output(after, 'first_after'), second: output(after, 'second_after') }
      history.objective.push(output(after, 'objective').data[0]!)
      history.distortion.push(output(after, 'distortion').data[0]!)
      const { data } = state.mask
      yield {
        pictures: [{ title: `mask: keeps ${(100 * mean(data)).toFixed(1)}\u00a0%`, data, size: [height, width], grey: true }],
        note: `step ${number} of ${total}`,
        curves: {
          lines: [
            { name: 'distortion', colour: '#CC79A7', values: history.distortion },
            { name: 'objective', colour: '#0072B2', values: history.objective },
          ],
          total,
          limits: [1e-4, 100],
        },
      }
    }
  }
  const controls: Control[] = [
    { name: 'weight', label: 'λk', kind: 'slider', values: words(scales.weight), start: first.weight },
    { name: 'rate', label: 'η', kind: 'slider', values: words(scales.rate), start: first.rate },
  ]
  return { columns: 1, controls, slow: true, run, remark: '' }
}
