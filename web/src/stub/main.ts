/** A button at each control that can compute in the browser. All else is loaded when it is pressed. */

type Enliven = (box: HTMLElement) => Promise<void>

const { src } = document.currentScript as HTMLScriptElement

function load(): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = new URL('playground/live.js', src).href
    script.onload = () => {
      resolve()
    }
    script.onerror = () => {
      reject(new Error('A file of the book is missing: _static/playground/live.js.'))
    }
    document.head.append(script)
  })
}

let loading: Promise<void> | undefined

function addButton(box: HTMLElement): void {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'kwm-live'
  button.textContent = 'Make it live'
  const status = document.createElement('p')
  status.className = 'kwm-live-status'
  status.setAttribute('role', 'status')
  button.onclick = () => {
    button.disabled = true
    status.textContent = 'Loading …'
    loading ??= load()
    loading
      .then(() => (window as unknown as { keepWhatMattersLive: Enliven }).keepWhatMattersLive(box))
      .then(
        () => {
          button.remove()
          status.remove()
        },
        (error: unknown) => {
          loading = undefined
          button.disabled = false
          status.textContent = error instanceof Error ? error.message : String(error)
        },
      )
  }
  ;(box.querySelector('.kwm-control') ?? box).append(button)
  box.append(status)
}

document.addEventListener('DOMContentLoaded', () => {
  document.querySelectorAll<HTMLElement>('[data-live]').forEach(addButton)
})
