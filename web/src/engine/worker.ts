/** The worker: onnxruntime-web and the networks that were loaded. */

import { decompress } from 'fzstd'
import * as ort from 'onnxruntime-web/wasm'

import type { Reply, Request, Tensors } from './types.ts'

interface Scope {
  onmessage: ((event: MessageEvent<Request>) => void) | null
  postMessage(reply: Reply, transfer: Transferable[]): void
}

const scope = globalThis as unknown as Scope
const sessions = new Map<string, ort.InferenceSession>()
let last: Promise<void> = Promise.resolve()

scope.onmessage = ({ data: request }) => {
  last = last.then(() => answer(request))
}

async function answer(request: Request): Promise<void> {
  try {
    const outputs = await handle(request)
    const transfer = Object.values(outputs ?? {}).map((tensor) => tensor.data.buffer)
    scope.postMessage({ id: request.id, outputs }, transfer)
  } catch (error) {
    scope.postMessage({ id: request.id, error: error instanceof Error ? error.message : String(error) }, [])
  }
}

async function handle(request: Request): Promise<Tensors | null> {
  switch (request.kind) {
    case 'start': {
      // threads need headers that static hosts do not send
      ort.env.wasm.numThreads = 1
      ort.env.wasm.wasmBinary = decompress(new Uint8Array(request.wasm))
      ort.env.logLevel = 'error'
      return null
    }
    case 'load': {
      if (!sessions.has(request.name)) {
        const session = await ort.InferenceSession.create(new Uint8Array(request.bytes), {
          executionProviders: ['wasm'],
          enableCpuMemArena: false,
        })
        sessions.set(request.name, session)
        delete ort.env.wasm.wasmBinary // compiled by now: 14 MB that nobody needs
      }
      return null
    }
    case 'unload': {
      const session = sessions.get(request.name)
      sessions.delete(request.name)
      await session?.release()
      return null
    }
    case 'run':
      return run(request.name, request.feeds)
  }
}

async function run(name: string, feeds: Tensors): Promise<Tensors> {
  const session = sessions.get(name)
  if (session === undefined) throw new Error(`the network ${name} is not loaded`)
  const inputs: Record<string, ort.Tensor> = {}
  for (const [key, { data, dims }] of Object.entries(feeds)) inputs[key] = new ort.Tensor('float32', data, dims)
  const results = await session.run(inputs)
  const outputs: Tensors = {}
  for (const [key, result] of Object.entries(results)) {
    outputs[key] = { data: result.data as Float32Array, dims: result.dims }
    result.dispose()
  }
  return outputs
}
