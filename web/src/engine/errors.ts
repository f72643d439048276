/** Failures in words for readers. */

export type Failure = 'no-webassembly' | 'missing' | 'corrupted' | 'memory' | 'unexpected'

export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly failure: Failure

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

export function noWebAssembly(): EngineError {
  return new EngineError(
    'no-webassembly',
    'This browser cannot run the networks: WebAssembly is missing or switched off. The page is complete without it.',
  )
}

export function missingFile(path: string, cause?: unknown): EngineError {
  return new EngineError(
    'missing',
    `The file ${path} could not be loaded. Without a network connection, or when only a part of the book was copied, ` +
      'it may be missing; reload the page to try again.',
    { cause },
  )
}

export function corruptedFile(path: string): EngineError {
  return new EngineError(
    'corrupted',
    `The file ${path} is not the one that this book was built with: it is cut off, changed or out of date. ` +
      'Reload the page; if that does not help, the copy of the book is damaged.',
  )
}

export function outOfMemory(cause?: unknown): EngineError {
  return new EngineError(
    'memory',
    'There is not enough memory for the networks on this device. Close other tabs and reload the page.',
    { cause },
  )
}

const MEMORY = /out of memory|allocation failed|bad_alloc|could not allocate|failed to allocate/i

/** What a failure of the runtime means to a reader. */
export function explainFailure(message: string): EngineError {
  if (MEMORY.test(message)) return outOfMemory(message)
  return new EngineError('unexpected', `The computation failed: ${message}`)
}
