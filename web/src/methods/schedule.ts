/** The learning rate of each step, as `helpers.methods.rde.schedule.learning_rate_at`. */

export interface Schedule {
  schedule: string
  steps: number
  learningRate: number
  finalRate: number
}

/** The rate of a step, the first being 0: constant, or half a cosine down to a share of the first. */
export function learningRateAt(step: number, { schedule, steps, learningRate, finalRate }: Schedule): number {
  if (schedule === 'constant') return learningRate
  if (schedule !== 'cosine') throw new Error(`the schedule ${schedule} is not one of: constant, cosine`)
  return learningRate * (finalRate + (1 - finalRate) * 0.5 * (1 + Math.cos((Math.PI * step) / steps)))
}
