/** The live controls of chapters; loaded when a reader presses the first button (`../stub`). */

import { folderOfScript } from '../engine/base.ts'
import { openEngine } from '../engine/engine.ts'
import type { Engine } from '../engine/engine.ts'
import { Runner } from '../shared/runner.ts'
import { makeCurves } from './curve.ts'
import { readData } from './data.ts'
import { button, gallery, make, makeControl } from './dom.ts'
import { playGame } from './game.ts'
import { PANELS } from './panels.ts'
import type { Panel, View } from './panels.ts'
import { addStyle } from './style.ts'

const base = folderOfScript()
let started: Promise<Engine> | undefined

/** One runtime for all controls of a page. After a failure the next button tries again. */
function engine(): Promise<Engine> {
  started ??= openEngine(base).catch((error: unknown) => {
    started = undefined
    throw error
  })
  return started
}

/** Replace the pictures of a control by computed ones; the former stay until the first of the latter is there. */
async function enliven(box: HTMLElement): Promise<void> {
  const { live: name = '', liveData = '' } = box.dataset
  const [running, data] = await Promise.all([engine(), readData(liveData)])
  if (name === 'space-vae-game') {
    box.append(await playGame(running, data))
  } else {
    const makePanel = PANELS[name]
    if (makePanel === undefined) throw new Error(`there is no live control ${name}`)
    const frame = box.querySelector<HTMLImageElement>('.kwm-frame img')
    box.append(await showPanel(await makePanel(running, data), data.colours, frame?.getAttribute('width') ?? '700'))
  }
  box.classList.add('kwm-is-live')
  box.querySelector<HTMLElement>('.kwm-live-panel input, .kwm-live-panel select, .kwm-live-panel button')?.focus({ preventScroll: true })
}

function showPanel(panel: Panel, colours: Uint8Array, width: string): Promise<HTMLElement> {
  const pictures = gallery(panel.columns, colours)
  pictures.element.style.setProperty('--most', `${width}px`)
  const curves = makeCurves()
  const remark = make('p', { class: 'kwm-live-note' }, `Computed in this page. ${panel.remark}`)
  const note = make('p', { class: 'kwm-live-note' })
  const status = make('p', { class: 'kwm-live-note', role: 'status' })
  const choice = Object.fromEntries(panel.controls.map(({ name, start }) => [name, start]))
  return new Promise((resolve, reject) => {
    const runner = new Runner<View>({
      progress(view) {
        pictures.show(view.pictures)
        note.textContent = view.note
        if (view.curves !== undefined) {
          if (!curves.element.isConnected) pictures.element.append(curves.element)
          curves.show(view.curves)
        }
        resolve(element)
      },
      status(now, message = '') {
        pause.textContent = now === 'paused' ? 'Go on' : 'Pause'
        pause.disabled = now === 'done' || now === 'failed'
        status.textContent = message
        if (now === 'failed') reject(new Error(message))
      },
    })
    const pause = button('Pause', () => {
      if (runner.status === 'paused') runner.resume()
      else runner.pause()
    })
    const again = button('From the start', () => {
      runner.reset()
    })
    const ask = (): void => {
      runner.ask(() => panel.run({ ...choice }))
      runner.resume() // whoever changes a control wants to see what it does
    }
    const controls = panel.controls.map((control) =>
      makeControl(control, (index) => {
        choice[control.name] = index
        ask()
      }),
    )
    const buttons = panel.slow ? [make('div', { class: 'kwm-live-buttons' }, pause, again)] : []
    const element = make('div', { class: 'kwm-live-panel' }, pictures.element, note, ...controls, ...buttons, remark, status)
    ask()
  })
}

addStyle()
Object.assign(window, { keepWhatMattersLive: enliven })
