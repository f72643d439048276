/** The initial mask that a network predicts, as `helpers.methods.initial_masks.learned.learned_mask` makes it. */

import type { Engine, Model, Tensor } from '../engine/types.ts'
import { Random } from './noise.ts'
import { numberOf, output, scalar } from './tensors.ts'

/** The image as `METHOD-start` describes it, and the question. */
export interface Described {
  images: Tensor
  coefficients: Tensor
  mean: Tensor
  deviation: Tensor
  target: Tensor
  reference: Tensor
}

/** The names of the networks that it needs. */
export const learnedNetworks = (method: string): string[] => [`mask-${method}`, `${method}-step`]

/** Predict a mask and refine it with the gradient of a risk-averse distortion.
 *
 * The noise is the same for every image, so that a mask does not flicker while a picture is dragged.
 * @param bare the prediction itself, for λk; otherwise the denser one from which an optimisation starts.
 */
export async function learnedMask(
  engine: Engine, method: string, described: Described, sparsityWeight: number, bare = false,
): Promise<Tensor> {
  const model = await modelNamed(engine, `mask-${method}`)
  const { images, ...state } = described
  const { coefficients } = state
  const k = coefficients.dims[2]!
  const random = new Random(1_000_003)
  const nothing: Tensor = { data: new Float32Array(k), dims: [1, 1, k] }
  const weight = scalar(bare ? sparsityWeight * numberOf(model, 'shrink') : sparsityWeight)
  const [refinements, share] = [numberOf(model, 'refinements'), numberOf(model, 'share')]
  const risk = scalar(numberOf(model, 'risk'))
  let [mask, gradient] = [nothing, nothing]
  for (let number = 1; ; number++) {
    const found = await engine.run(model.name, { images, coefficients, sparsity_weight: weight, mask, gradient })
    if (number === refinements) return output(found, bare ? 'mask_after' : 'start')
    mask = output(found, 'mask_after')
    const noise: Tensor = { data: random.normals(3 * k), dims: [1, 3, k] }
    // a step at no price and no rate: its momentum alone is of use, which after a momentum of 0 is a share of the gradient
    const settings = { momentum: nothing, sparsity_weight: scalar(0), rate: scalar(0), risk }
    const after = output(await engine.run(`${method}-step`, { ...state, mask, noise, ...settings }), 'momentum_after')
    gradient = { data: after.data.map((value) => value / share), dims: after.dims }
  }
}

/** The model of this name in the manifest. */
export async function modelNamed(engine: Engine, name: string): Promise<Model> {
  const found = (await engine.manifest()).models.find((model) => model.name === name)
  if (found === undefined) throw new Error(`this book has no network ${name}`)
  return found
}
