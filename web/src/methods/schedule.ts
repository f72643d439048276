/** The learning rate of each step, as `helpers.methods.rde.schedule.learning_rate_at`. */

export interface Schedule {
  schedule: string
  steps: number
  learningRate: number
  finalRate: number
}

/** What a Frank-Wolfe step needs to know of its number. */
export interface KeepStep {
  /** The largest sum of the mask. */
  keep: number
  /** The share of the new gradient in the average. */
  share: number
  /** The share of the way to the corner. */
  rate: number
}

/** A Frank-Wolfe step, the first being 0, as `helpers.methods.rde.frank_wolfe`: the sum falls for half of the steps.
 * @param first the sum before the first step.
 * @param rate the share of the way to the corner while the sum falls.
 */
export function keepStepAt(step: number, steps: number, first: number, keep: number, rate: number): KeepStep {
  const falling = Math.floor(steps / 2)
  const done = step + 1
  return {
    keep: done >= falling ? keep : first * (keep / first) ** (done / falling),
    share: Math.min(1, 4 / (done + 7) ** (2 / 3)),
    rate: 2 / (Math.max(0, step - falling) + 2 / rate),
  }
}

/** The rate of a step, the first being 0: constant, or half a cosine down to a share of the first. */
export function learningRateAt(step: number, { schedule, steps, learningRate, finalRate }: Schedule): number {
  if (schedule === 'constant') return learningRate
  if (schedule !== 'cosine') throw new Error(`the schedule ${schedule} is not one of: constant, cosine`)
  return learningRate * (finalRate + (1 - finalRate) * 0.5 * (1 + Math.cos((Math.PI * step) / steps)))
}
