/** Elements of a page, and pixels on a canvas: what live controls and the playground share. */

export type Attributes = Record<string, string | number | boolean | null>

/** An element with attributes (null and false: without), and what is in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes))
    if (value !== null && value !== false) element.setAttribute(key, value === true ? '' : String(value))
  element.append(...children)
  return element
}

/** Draw RGB values in [0, 1], each by its pixel (row by row) and channel. */
export function paint(canvas: HTMLCanvasElement, colour: (pixel: number, channel: number) => number): void {
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser has no canvas')
  const image = context.createImageData(canvas.width, canvas.height)
  for (let pixel = 0; pixel < canvas.width * canvas.height; pixel++) {
    for (let channel = 0; channel < 3; channel++) image.data[4 * pixel + channel] = colour(pixel, channel) * 255
    image.data[4 * pixel + 3] = 255
  }
  context.putImageData(image, 0, 0)
}
