/** Small tensors for networks, and what networks answer. */

import type { Model, Tensor, Tensors } from '../engine/types.ts'

export const scalar = (value: number): Tensor => ({ data: Float32Array.of(value), dims: [1] })

export function oneHot(index: number, classes: number): Tensor {
  const data = new Float32Array(classes)
  data[index] = 1
  return { data, dims: [1, classes] }
}

export function output(outputs: Tensors, name: string): Tensor {
  const found = outputs[name]
  if (found === undefined) throw new Error(`the network has no output ${name}, but ${Object.keys(outputs).join(', ')}`)
  return found
}

/** The index of the largest value. */
export function largest(values: ArrayLike<number>): number {
  let best = 0
  for (let index = 1; index < values.length; index++) if (values[index]! > values[best]!) best = index
  return best
}

export const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** A number that a network's entry in the manifest has among its facts. */
export function numberOf(model: Model, fact: string): number {
  const value = model.facts[fact]
  if (typeof value !== 'number') throw new Error(`the network ${model.name} does not say its ${fact}`)
  return value
}
