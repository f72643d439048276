/** The engine: a worker with the runtime, started from checked files, and requests to it as promises. */

import { EngineError, explainFailure, noWebAssembly } from './errors.ts'
import { openFiles } from './files.ts'
import type { Files } from './files.ts'
import type { Engine, Manifest, Reply, Request, Tensors } from './types.ts'

export { EngineError } from './errors.ts'
export type { Engine, Manifest, Model, Signature, Tensor, Tensors } from './types.ts'

const MANIFEST = 'models/manifest.json'
const WORKER = 'runtime/worker.js'
const WASM = 'runtime/ort.wasm.bin' // compressed; its suffix is none that a server knows

/** A request without its number. */
type Order = Request extends infer Each ? (Each extends Request ? Omit<Each, 'id'> : never) : never

interface Pending {
  resolve: (outputs: Tensors | null) => void
  reject: (error: Error) => void
}

/** Start the runtime in a worker.
 *
 * @param base the address of the folder `_static/playground/`, with a slash at the end; http, https or file.
 * @throws EngineError without WebAssembly, or when a file is missing or not the one of the build.
 */
export async function openEngine(base: string): Promise<Engine> {
  if (!('WebAssembly' in globalThis)) throw noWebAssembly()
  const files = await openFiles(base)
  const disk = base.startsWith('file:')
  const [script, wasm] = await Promise.all([files.bytes(WORKER), files.bytes(WASM)])
  // a page opened from disk may not start a worker from a file
  const address = disk ? URL.createObjectURL(new Blob([script], { type: 'text/javascript' })) : files.address(WORKER)
  const engine = new WorkerEngine(files, new Worker(address))
  await engine.order({ kind: 'start', wasm: wasm.buffer }, [wasm.buffer])
  if (disk) URL.revokeObjectURL(address)
  return engine
}

class WorkerEngine implements Engine {
  private readonly files: Files
  private readonly worker: Worker
  private readonly pending = new Map<number, Pending>()
  private readonly loaded = new Map<string, Promise<void>>()
  private known: Promise<Manifest> | undefined
  private count = 0
  private broken: Error | undefined

  constructor(files: Files, worker: Worker) {
    this.files = files
    this.worker = worker
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const pending = this.pending.get(data.id)
      this.pending.delete(data.id)
      if ('error' in data) pending?.reject(explainFailure(data.error))
      else pending?.resolve(data.outputs)
    }
    worker.onerror = (event) => {
      event.preventDefault()
      this.fail(explainFailure(event.message || 'the worker could not be started'))
    }
  }

  order(order: Order, transfer: Transferable[] = []): Promise<Tensors | null> {
    if (this.broken !== undefined) return Promise.reject(this.broken)
    const id = this.count++
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject })
      this.worker.postMessage({ ...order, id }, transfer)
    })
  }

  manifest(): Promise<Manifest> {
    this.known ??= this.files.json(MANIFEST) as Promise<Manifest>
    return this.known
  }

  async load(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.loadOnce(name)))
  }

  async run(name: string, feeds: Tensors): Promise<Tensors> {
    await this.load(name)
    const outputs = await this.order({ kind: 'run', name, feeds })
    return outputs ?? {}
  }

  unload(name: string): void {
    if (this.loaded.delete(name)) this.order({ kind: 'unload', name }).catch(() => undefined) // closed by now
  }

  close(): void {
    this.fail(new EngineError('unexpected', 'The computation was stopped.'))
  }

  private loadOnce(name: string): Promise<void> {
    let loading = this.loaded.get(name)
    if (loading === undefined) {
      loading = this.fetchModel(name)
      this.loaded.set(name, loading)
      loading.catch(() => this.loaded.delete(name)) // the next request tries again
    }
    return loading
  }

  private async fetchModel(name: string): Promise<void> {
    const model = (await this.manifest()).models.find((each) => each.name === name)
    if (model === undefined) throw new EngineError('missing', `This book has no network ${name}.`)
    const { buffer } = await this.files.bytes(`models/${model.file}`)
    await this.order({ kind: 'load', name, bytes: buffer }, [buffer])
  }

  private fail(error: Error): void {
    this.broken = error
    this.worker.terminate()
    for (const { reject } of this.pending.values()) reject(error)
    this.pending.clear()
  }
}
