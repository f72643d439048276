/** Curves over the steps of a run, on a logarithmic scale. */

const SPACE = 'http://www.w3.org/2000/svg'
const [WIDTH, HEIGHT] = [340, 170]
const BOX = { left: 46, right: 8, top: 8, bottom: 34 }

export interface Line {
  name: string
  colour: string
  values: readonly number[]
}

export interface Curves {
  lines: Line[]
  /** The number of steps of the whole run. */
  total: number
  /** The values at the bottom and the top. */
  limits: readonly [number, number]
}

/** The points of a line in the box of the axes. */
export function points(values: readonly number[], total: number, [low, high]: readonly [number, number]): string {
  const across = (WIDTH - BOX.left - BOX.right) / Math.max(1, total)
  const down = (HEIGHT - BOX.top - BOX.bottom) / Math.log(high / low)
  return values
    .map((value, step) => {
      const y = BOX.top + down * Math.log(high / Math.min(high, Math.max(low, value)))
      return `${(BOX.left + across * step).toFixed(1)},${y.toFixed(1)}`
    })
    .join(' ')
}

function draw(name: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const element = document.createElementNS(SPACE, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  element.textContent = text
  return element
}

/** An empty diagram, which `show` draws. */
export function makeCurves(): { element: SVGElement; show: (curves: Curves) => void } {
  const element = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'kwm-live-curves' })
  return {
    element,
    show({ lines, total, limits }) {
      const [bottom, right] = [HEIGHT - BOX.bottom, WIDTH - BOX.right]
      const decades = Math.round(Math.log10(limits[1] / limits[0]))
      const ticks = Array.from({ length: decades + 1 }, (_, index) => limits[0] * 10 ** index)
      const marks = ticks.map((tick) => {
        const [, y] = points([tick], 1, limits).split(',')
        return draw('text', { x: BOX.left - 5, y: Number(y) + 4, 'text-anchor': 'end' }, String(Number(tick.toPrecision(1))))
      })
      const axes = `M${BOX.left},${BOX.top} V${bottom} H${right}`
      const colours = lines.map(({ colour, values }) =>
        draw('polyline', { points: points(values, total, limits), stroke: colour, fill: 'none', 'stroke-width': 1.8 }),
      )
      const names = lines.map(({ name, colour }, index) =>
        draw('text', { x: right, y: BOX.top + 10 + 14 * index, 'text-anchor': 'end', class: 'kwm-live-line' }, `${name} `).appendChild(
          draw('tspan', { fill: colour }, '●'),
        ).parentElement as unknown as SVGElement,
      )
      const first = draw('text', { x: BOX.left, y: bottom + 14, 'text-anchor': 'middle' }, '0')
      const last = draw('text', { x: right, y: bottom + 14, 'text-anchor': 'end' }, String(total))
      const name = draw('text', { x: (BOX.left + right) / 2, y: bottom + 28, 'text-anchor': 'middle' }, 'step')
      element.replaceChildren(draw('path', { d: axes, stroke: 'currentColor', fill: 'none' }), ...marks, ...colours, ...names, first, last, name)
      const ends = lines.map(({ name, values }) => `${name} ${(values.at(-1) ?? 0).toPrecision(2)}`)
      element.setAttribute('aria-label', `After ${lines[0]?.values.length ?? 0} of ${total} steps: ${ends.join(', ')}`)
    },
  }
}
