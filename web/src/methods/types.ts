/** What methods find, once or step by step. */

import type { Steps } from '../shared/runner.ts'

/** An explanation of one image. */
export interface Found {
  mask: Float32Array // height x width, in [0, 1]
  kept: Float32Array // 3 x height x width, in [0, 1]
  target: number
  representation?: Float32Array // the mask on the method's own representation
  history?: Record<string, number[]>
}

/** Where a run is: so many steps or masks of so many. */
export interface Progress extends Found {
  done: number
  total: number
}

export type Run = Steps<Progress>
