/** Plays the views of a computation: the newest question wins, and a run can be paused and begun again. */

export type Run<View> = AsyncGenerator<View, void, undefined>
export type State = 'running' | 'paused' | 'done' | 'failed'

export interface Screen<View> {
  show(view: View): void
  state(state: State, error?: unknown): void
}

export class Player<View> {
  private readonly screen: Screen<View>
  private begin: (() => Run<View>) | null = null
  private asked = false
  private run: Run<View> | null = null
  private paused = false
  private busy = false

  constructor(screen: Screen<View>) {
    this.screen = screen
  }

  /** Ask a question; what is computed for an earlier one is dropped. */
  ask(begin: () => Run<View>): Promise<void> {
    this.begin = begin
    return this.again()
  }

  /** Begin the run again. */
  again(): Promise<void> {
    this.asked = true
    this.paused = false
    return this.play()
  }

  pause(): void {
    this.paused = true
  }

  resume(): Promise<void> {
    this.paused = false
    return this.play()
  }

  private async play(): Promise<void> {
    if (this.busy) return // the loop below sees the new question
    this.busy = true
    this.screen.state('running')
    let state: State = 'done'
    try {
      while (!this.paused) {
        if (this.asked) {
          this.asked = false
          this.run = this.begin?.() ?? null
        }
        const next = await this.run?.next()
        if (this.isAsked()) continue
        if (next === undefined || next.done === true) {
          this.run = null
          break
        }
        this.screen.show(next.value)
      }
      if (this.paused) state = 'paused'
    } catch (error) {
      this.run = null
      this.busy = false
      this.screen.state('failed', error)
      return
    }
    this.busy = false
    this.screen.state(state)
  }

  private isAsked(): boolean {
    return this.asked
  }
}
