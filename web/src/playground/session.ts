/** What is computed for a state, in which order, and what of it is out of date. The views are told, and nothing more. */

import { latest } from '../engine/latest.ts'
import type { Engine, Tensor } from '../engine/types.ts'
import { largest, output } from '../methods/tensors.ts'
import type { Found, Progress, Run } from '../methods/types.ts'
import { explain, methodNamed, removed } from './methods.ts'
import type { Fits, Method, Question } from './methods.ts'
import { Runner } from '../shared/runner.ts'
import type { Status } from '../shared/runner.ts'
import { sameImage } from './state.ts'
import type { Options, State } from './state.ts'

export interface Verdict {
  probabilities: Float32Array
  predicted: number
  target: number
}

/** An explanation with the classifier's answers to its two pictures. */
export interface Evidence extends Found {
  classifier: string
  options: Partial<Options>
  image: Float32Array
  removed: Float32Array
  onKept: Float32Array
  onRemoved: Float32Array
}

export interface Audience {
  verdict(verdict: Verdict): void
  evidence(method: string, evidence: Evidence): void
  progress(method: string, progress: Progress): void
  status(method: string, status: Status, message?: string): void
  failed(message: string): void
}

export type Begin = (engine: Engine, method: Method, question: Question) => Run

interface Task {
  state: State
  image: Float32Array
}

const STILL = 350 // milliseconds without a change, after which slow methods begin

export class Session {
  private readonly engine: Engine
  private readonly begin: Begin
  private readonly fits: Fits
  private readonly audience: Audience
  private readonly runners = new Map<string, Runner<Progress>>()
  private readonly analyse: (task: Task) => Promise<true | null>
  private task: Task | null = null
  private readonly asked = new Map<string, string>() // the slow methods' questions: only a change starts one again
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(engine: Engine, begin: Begin, fits: Fits, audience: Audience) {
    this.fits = fits
    this.engine = engine
    this.begin = begin
    this.audience = audience
    this.analyse = latest((task: Task) => this.pass(task))
  }

  /** A new state, and the 3 x side x side numbers that its classifier sees of it. */
  update(state: State, image: Float32Array): Promise<true | null> {
    const before = this.task
    this.task = { state, image }
    const moved = before === null || !sameImage(before.state, state) || before.image !== image
    if (moved || before.state.classifier !== state.classifier || before.state.target !== state.target) this.holdSlow()
    return this.analyse(this.task).catch((error: unknown) => {
      this.audience.failed(error instanceof Error ? error.message : String(error))
      return null
    })
  }

  pause(method: string): void {
    this.runners.get(method)?.pause()
  }
  resume(method: string): void {
    this.runners.get(method)?.resume()
  }
  reset(method: string): void {
    this.runners.get(method)?.reset()
  }

  private async pass({ state, image }: Task): Promise<true> {
    const side = Math.sqrt(image.length / 3)
    const images: Tensor = { data: image, dims: [1, 3, side, side] }
    const probabilities = await this.classify(state.classifier, image)
    const predicted = largest(probabilities)
    const target = state.target ?? predicted
    this.audience.verdict({ probabilities, predicted, target })
    const question: Question = {
      image: images,
      classifier: state.classifier,
      target,
      predicted,
      classes: probabilities.length,
      options: state.options,
    }
    for (const name of state.methods) {
      const method = methodNamed(name)
      if (method?.kind !== 'fast' || !this.fits(name, state.classifier)) continue
      await this.show(method, question, await explain(this.engine, method, question))
    }
    this.planSlow(state, question)
    return true
  }

  private async classify(classifier: string, ...images: Float32Array[]): Promise<Float32Array> {
    const size = images[0]?.length ?? 0
    const side = Math.sqrt(size / 3)
    const data = new Float32Array(images.length * size)
    images.forEach((image, index) => {
      data.set(image, index * size)
    })
    const outputs = await this.engine.run(classifier, { images: { data, dims: [images.length, 3, side, side] } })
    return output(outputs, 'probabilities').data
  }

  private async show(method: Method, { image, options, classifier }: Question, found: Found): Promise<void> {
    const rest = removed(image, found.kept)
    const both = await this.classify(classifier, found.kept, rest)
    const half = both.length / 2
    const answers = { onKept: both.slice(0, half), onRemoved: both.slice(half) }
    this.audience.evidence(method.name, {
      ...found,
      ...answers,
      classifier,
      image: image.data,
      removed: rest,
      options: Object.fromEntries(method.options.map((option) => [option, options[option]])),
    })
  }

  private holdSlow(): void {
    this.asked.clear()
    clearTimeout(this.timer)
    for (const runner of this.runners.values()) runner.wait()
  }

  /** Slow methods begin when nothing has changed for a moment; those that nobody wants any more end. */
  private planSlow(state: State, question: Question): void {
    const wanted = state.methods.filter(
      (name) => methodNamed(name)?.kind !== 'fast' && this.fits(name, state.classifier),
    )
    clearTimeout(this.timer)
    for (const [name, runner] of this.runners)
      if (!wanted.includes(name)) {
        runner.wait()
        this.runners.delete(name)
        this.asked.delete(name)
      }
    this.timer = setTimeout(() => {
      for (const name of wanted) {
        const options = methodNamed(name)?.options.map((option) => state.options[option])
        const asked = JSON.stringify([state.classifier, question.target, options])
        if (this.asked.get(name) === asked) continue
        this.asked.set(name, asked)
        this.ask(name, question)
      }
    }, STILL)
  }

  private ask(name: string, question: Question): void {
    const method = methodNamed(name)
    if (method === undefined) return
    let runner = this.runners.get(name)
    if (runner === undefined) {
      runner = new Runner({
        progress: async (progress) => {
          this.audience.progress(name, progress)
          await this.show(method, question, progress)
        },
        status: (status, message) => {
          this.audience.status(name, status, message)
        },
      })
      this.runners.set(name, runner)
    }
    runner.ask(() => this.begin(this.engine, method, question))
  }
}
