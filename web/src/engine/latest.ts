/** "Latest wins", for what is dragged: of the calls that come while one runs, only the newest is made. */

/** Make calls one at a time.
 *
 * @returns a function that calls `work`, and answers null for a call that a newer one has overtaken.
 */
export function latest<Input, Output>(
  work: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output | null> {
  let running = false
  let waiting: { input: Input; resolve: (value: Output | null) => void; reject: (reason: unknown) => void } | null = null

  async function next(): Promise<void> {
    running = true
    while (waiting !== null) {
      const { input, resolve, reject } = waiting
      waiting = null
      try {
        resolve(await work(input))
      } catch (error) {
        reject(error)
      }
    }
    running = false
  }

  return (input) =>
    new Promise((resolve, reject) => {
      waiting?.resolve(null)
      waiting = { input, resolve, reject }
      if (!running) void next()
    })
}
