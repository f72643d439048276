/** The values of sliders. */

import { largest } from '../methods/tensors.ts'

/** Values from one to another, evenly spaced on a logarithmic scale. */
export function spaced(first: number, last: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first * (last / first) ** (index / (count - 1)))
}

/** The index of the value that is closest on a logarithmic scale. */
export function closest(values: readonly number[], value: number): number {
  return largest(values.map((each) => -Math.abs(Math.log(each / value))))
}
