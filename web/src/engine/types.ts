/** The shapes of data that the page, the engine and the worker exchange. */

/** Numbers with their shape, row-major as in PyTorch. */
export interface Tensor {
  data: Float32Array
  dims: readonly number[]
}

export interface Signature {
  name: string
  type: 'float32' | 'int64'
  shape: (number | string)[]
}

export interface Model {
  name: string
  file: string
  bytes: number
  sha256: string
  precision: 'float16' | 'float32'
  inputs: Signature[]
  outputs: Signature[]
  classes: string[] | null
  card: string
  error: number
  facts: Record<string, unknown>
}

/** `models/manifest.json`, as `python -m helpers playground` writes it. */
export interface Manifest {
  models: Model[]
  versions: Record<string, string>
}

export type Tensors = Record<string, Tensor>

/** The networks of the book in a worker of the page; requests are answered in order. */
export interface Engine {
  manifest(): Promise<Manifest>
  /** Fetch, check and prepare networks; one that is there already costs nothing. */
  load(...names: string[]): Promise<void>
  /** Run a network, which is loaded first if need be. */
  run(name: string, feeds: Tensors): Promise<Tensors>
  unload(name: string): void
  /** End the worker; what still waits for it is rejected. */
  close(): void
}

export type Request =
  | { id: number; kind: 'start'; wasm: ArrayBuffer }
  | { id: number; kind: 'load'; name: string; bytes: ArrayBuffer }
  | { id: number; kind: 'run'; name: string; feeds: Tensors }
  | { id: number; kind: 'unload'; name: string }

export type Reply = { id: number; outputs: Tensors | null } | { id: number; error: string }
