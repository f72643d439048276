/** The playground: the state, its views, and the session that computes for it. */

import type { Files } from '../engine/files.ts'
import type { Engine, Manifest } from '../engine/types.ts'
import { makeAnswers } from './answers.ts'
import type { Answers } from './answers.ts'
import { compose, seen } from './compose.ts'
import type { Parts } from './compose.ts'
import { make, readColours } from './dom.ts'
import { fromFragment, isState, toFragment } from './link.ts'
import { fitsIn } from './methods.ts'
import { makePanel } from './panel.ts'
import type { Panel } from './panel.ts'
import { readParts } from './parts.ts'
import { readPhoto } from './photo.ts'
import { begin } from './runs.ts'
import { saveEvidence } from './save.ts'
import { Session } from './session.ts'
import type { Verdict } from './session.ts'
import { makeShare } from './share.ts'
import type { Share } from './share.ts'
import { Stage } from './stage.ts'
import { sameImage, startingState } from './state.ts'
import type { Description, State } from './state.ts'
import { makeTools } from './tools.ts'
import type { Tools } from './tools.ts'

export class App {
  readonly element: HTMLElement
  private readonly known: Description
  private readonly parts: Parts
  private readonly manifest: Manifest
  private readonly session: Session
  private readonly stage: Stage
  private readonly tools: Tools
  private readonly answers: Answers
  private readonly panel: Panel
  private readonly share: Share
  private readonly spoken = make('p', { role: 'status', class: 'play-spoken' })
  private readonly warning = make('p', { role: 'alert', class: 'play-warning', hidden: true })
  private readonly answered: Promise<void> // for the first time
  private answer: () => void = () => undefined
  private giveUp: (error: Error) => void = () => undefined
  private state: State
  private hidden: Set<string>
  private rows: Float32Array
  private image: Float32Array
  private photo: Float32Array | null = null
  private shown: Verdict | null = null
  private frame = 0
  private written: ReturnType<typeof setTimeout> | undefined
  private said: ReturnType<typeof setTimeout> | undefined

  constructor(known: Description, parts: Parts, engine: Engine, manifest: Manifest) {
    this.known = known
    this.parts = parts
    this.answered = new Promise((resolve, reject) => {
      this.answer = resolve
      this.giveUp = reject
    })
    ;({ state: this.state, hidden: this.hidden } = fromFragment(location.hash, known))
    this.rows = compose(this.state, known, parts, null)
    this.manifest = manifest
    this.image = this.see()
    const act = (change: (state: State) => State): void => {
      this.change(change(this.state))
    }
    const fits = fitsIn(manifest)
    this.stage = new Stage(known, parts, act, () => {
      this.tools.show(this.state, this.hidden)
    })
    this.tools = makeTools(
      known,
      this.stage,
      act,
      (state) => compose(state, known, parts, null),
      (file) => {
        void this.read(file)
      },
    )
    this.answers = makeAnswers(known, act, fits)
    this.panel = makePanel(known, readColours(known.colours), act, fits, {
      pause: (name) => {
        this.session.pause(name)
      },
      resume: (name) => {
        this.session.resume(name)
      },
      reset: (name) => {
        this.session.reset(name)
      },
      save: (method, evidence) => {
        saveEvidence(engine, known, method, evidence, toFragment(this.state, known)).catch(this.fail)
      },
    })
    this.share = makeShare(
      (hidden) => this.link(hidden),
      () => {
        this.change(startingState(known))
      },
      (text) => {
        this.say(text)
      },
    )
    this.session = new Session(engine, begin, fits, {
      verdict: (verdict) => {
        this.verdict(verdict)
      },
      evidence: (name, evidence) => {
        this.panel.evidence(name, evidence)
      },
      progress: (name, progress) => {
        this.panel.progress(name, progress)
      },
      status: (name, status, message) => {
        this.panel.status(name, status, message)
      },
      failed: (message) => {
        this.giveUp(new Error(message)) // no matter after the first answer
        this.warn(message)
      },
    })
    const left = make('div', { class: 'play-left' }, this.stage.element, this.tools.scenes)
    const top = make('div', { class: 'play-top' }, left, this.answers.element)
    this.element = make(
      'div',
      { class: 'play' },
      top,
      this.tools.element,
      this.warning,
      this.panel.element,
      this.share.element,
      this.spoken,
    )
    this.dropped()
    addEventListener('hashchange', () => {
      if (isState(location.hash)) this.restore()
    })
  }

  /** The first answer: the page may be shown when it is there. */
  async first(): Promise<void> {
    this.draw()
    void this.session.update(this.state, this.image)
    await this.answered
  }

  private restore(): void {
    const { state, hidden } = fromFragment(location.hash, this.known)
    this.hidden = hidden
    this.change(state)
  }

  private change(state: State): void {
    const moved = !sameImage(this.state, state)
    this.state = state
    if (moved || this.frame === 0) this.warning.hidden = true
    if (this.frame === 0)
      this.frame = requestAnimationFrame(() => {
        this.refresh()
      })
    clearTimeout(this.written)
    this.written = setTimeout(() => {
      this.write()
    }, 400)
  }

  private refresh(): void {
    this.frame = 0
    this.rows = compose(this.state, this.known, this.parts, this.photo)
    const image = this.see()
    if (image.length !== this.image.length || image.some((value, index) => value !== this.image[index]))
      this.image = image
    this.draw()
    void this.session.update(this.state, this.image)
  }

  /** The picture as the chosen classifier sees it, with as many pixels as it takes. */
  private see(): Float32Array {
    const shape = this.manifest.models.find(({ name }) => name === this.state.classifier)?.inputs[0]?.shape
    return seen(this.rows, this.known.size, Number(shape?.[2] ?? 64))
  }

  private draw(): void {
    const { state, hidden } = this
    this.stage.permitted = { objects: !hidden.has('objects'), mark: !hidden.has('mark') }
    this.stage.show(state, this.rows)
    this.tools.show(state, hidden)
    this.answers.show(state, this.image, hidden)
    this.panel.show(state, hidden)
    this.share.show(hidden, state.photo)
  }

  /** The address follows the state, so that a reload or a bookmark finds it again. */
  private write(): void {
    const fragment = toFragment(this.state, this.known, this.hidden)
    history.replaceState(history.state, '', fragment)
  }

  private link(hidden: ReadonlySet<string>): string {
    return location.href.replace(/#.*$/, '') + toFragment(this.state, this.known, hidden)
  }

  private verdict(verdict: Verdict): void {
    this.answers.verdict(verdict)
    this.answer()
    if (this.shown?.predicted !== verdict.predicted)
      this.say(`The classifier now says ${this.known.classes[verdict.predicted] ?? 'nothing'}.`)
    this.shown = verdict
  }

  /** Told once things rest, so that a screen reader does not speak at every frame. */
  private say(text: string): void {
    clearTimeout(this.said)
    this.said = setTimeout(() => {
      this.spoken.textContent = text
    }, 700)
  }

  private readonly fail = (error: unknown): void => {
    this.warn(error instanceof Error ? error.message : String(error))
  }

  private warn(text: string): void {
    this.warning.textContent = text
    this.warning.hidden = false
  }

  private async read(file: File): Promise<void> {
    try {
      this.photo = await readPhoto(file, this.known.size)
      this.change({ ...this.state, photo: true, mark: null, strokes: [] })
      this.say('Your photograph is shown. It stays on this machine.')
    } catch (error) {
      this.fail(error)
    }
  }

  private dropped(): void {
    const target = this.stage.element
    target.addEventListener('dragover', (event) => {
      if (!this.hidden.has('photo') && event.dataTransfer?.types.includes('Files')) event.preventDefault()
    })
    target.addEventListener('drop', (event) => {
      const file = event.dataTransfer?.files[0]
      if (!file || this.hidden.has('photo')) return
      event.preventDefault()
      void this.read(file)
    })
  }
}

/** The playground with its parts read, and its first answer computed. */
export async function openApp(files: Files, engine: Promise<Engine>): Promise<App> {
  const [{ known, parts }, ready] = await Promise.all([readParts(files), engine])
  const app = new App(known, parts, ready, await ready.manifest())
  await app.first()
  return app
}
