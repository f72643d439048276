/** The objective of a run as a curve. */

const SPACE = 'http://www.w3.org/2000/svg'
const WIDTH = 300
const HEIGHT = 56

export interface Curve {
  element: SVGElement
  show(values: readonly number[], total: number): void
}

/** The points of a curve in a box of this width and height, the smallest value at the bottom. */
export function pointsOf(values: readonly number[], total: number, width: number, height: number): string {
  const most = Math.max(...values, 1e-9)
  const place = (value: number, index: number): string =>
    `${((index / Math.max(1, total - 1)) * width).toFixed(1)},${(height - (Math.max(0, value) / most) * (height - 2) - 1).toFixed(1)}`
  return values.map(place).join(' ')
}

export function makeCurve(): Curve {
  const element = document.createElementNS(SPACE, 'svg')
  element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
  element.setAttribute('preserveAspectRatio', 'none')
  element.setAttribute('class', 'play-curve')
  element.setAttribute('role', 'img')
  const line = document.createElementNS(SPACE, 'polyline')
  element.setAttribute('aria-label', 'The objective over the steps: not begun')
  element.append(line)
  return {
    element,
    show(values, total) {
      line.setAttribute('points', pointsOf(values, total, WIDTH, HEIGHT))
      const [first, last] = [values[0], values.at(-1)]
      const fall =
        first !== undefined && last !== undefined ? `from ${first.toFixed(2)} to ${last.toFixed(2)}` : 'not begun'
      element.setAttribute('aria-label', `The objective over the steps: ${fall}`)
    },
  }
}
