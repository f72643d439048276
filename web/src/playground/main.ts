/** Put the playground in the place of its precomputed example, once its first answer is there. */

import { folderOfScript } from '../engine/base.ts'
import { openEngine } from '../engine/engine.ts'
import { openFiles } from '../engine/files.ts'
import { openApp } from './app.ts'
import { button, make } from './dom.ts'

interface Connection {
  saveData?: boolean
}

async function start(place: HTMLElement, base: string, status: HTMLElement): Promise<void> {
  status.textContent = 'An example, computed when the book was built. The live one is loading …'
  try {
    const app = await openApp(await openFiles(base), openEngine(base))
    place.replaceChildren(app.element)
    place.dataset.live = 'yes'
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    status.textContent = `This is an example, computed when the book was built. ${reason}`
  }
}

function mount(base: string): void {
  const place = document.getElementById('playground')
  if (place === null) return
  const status = make('p', { role: 'status', class: 'play-status' })
  place.append(status)
  const { connection } = navigator as { connection?: Connection }
  if (connection?.saveData !== true) {
    void start(place, base, status)
    return
  }
  const begin = button('Make it live (about 12 MB)', () => {
    begin.remove()
    void start(place, base, status)
  })
  place.append(begin)
}

const base = folderOfScript()
if (document.readyState === 'loading')
  document.addEventListener('DOMContentLoaded', () => {
    mount(base)
  })
else mount(base)
