/** What takes a while: a run that can be paused, goes on, and starts again when its question changes. */

/** A run that its caller drives: it goes on while values are asked for, so not asking pauses it. */
export type Steps<View> = AsyncGenerator<View, void, undefined>

export type Status = 'waiting' | 'running' | 'paused' | 'done' | 'failed'

export interface Told<View> {
  progress(view: View): Promise<void> | void
  status(status: Status, message?: string): void
}

/** The run for one question at a time; what is computed for an earlier one is dropped. */
export class Runner<View> {
  private readonly told: Told<View>
  private run: Steps<View> | null = null
  private begin: (() => Steps<View>) | null = null
  private generation = 0
  private loop: Promise<void> = Promise.resolve()
  private held = false // by the reader: a new question does not go on by itself
  status: Status = 'waiting'

  constructor(told: Told<View>) {
    this.told = told
  }

  /** Ask anew: the former run is given up. A run that the reader has paused stays paused, at its beginning. */
  ask(begin: () => Steps<View>): void {
    this.begin = begin
    this.restart()
  }

  /** Give up the run until the next question, as while something is dragged. */
  wait(): void {
    this.generation++
    this.run = null
    this.tell('waiting')
  }

  pause(): void {
    this.held = true
    if (this.status === 'running' || this.status === 'waiting') this.tell('paused')
  }

  resume(): void {
    this.held = false
    if (this.status === 'paused') this.go()
  }

  /** From the beginning, running even if it was paused. */
  reset(): void {
    this.held = false
    this.restart()
  }

  private restart(): void {
    this.generation++
    this.run = this.begin?.() ?? null
    if (this.held) this.tell('paused')
    else this.go()
  }

  private go(): void {
    const run = this.run
    if (run === null) return
    const generation = this.generation
    this.tell('running')
    const before = this.loop
    this.loop = before.then(() => this.advance(run, generation))
  }

  private async advance(run: Steps<View>, generation: number): Promise<void> {
    const current = (): boolean => generation === this.generation
    try {
      while (current() && this.status === 'running') {
        const { value, done } = await run.next()
        if (!current()) return
        if (done === true) {
          this.tell('done')
          return
        }
        await this.told.progress(value)
      }
    } catch (error) {
      if (current()) this.tell('failed', error instanceof Error ? error.message : String(error))
    }
  }

  private tell(status: Status, message?: string): void {
    this.status = status
    this.told.status(status, message)
  }
}
