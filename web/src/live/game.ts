/** The game of the chapter on SpaCE-VAE, with new cards: is the prediction for the kept image still the same? */

import type { Engine, Tensor } from '../engine/types.ts'
import { Random } from '../methods/noise.ts'
import { largest, output, scalar } from '../methods/tensors.ts'
import { imageAt } from './data.ts'
import type { Data } from './data.ts'
import { button, gallery, make } from './dom.ts'
import { SMALL } from './panels.ts'

interface Card {
  image: Tensor
  kept: Float32Array
  method: string
  before: string
  after: string
  confidence: number
}

const TRIES = 12 // for a card with the answer that a coin has chosen, so that about half of the answers are yes

/** The game's panel, with its first card. */
export async function playGame(engine: Engine, { images, colours }: Data): Promise<HTMLElement> {
  await engine.load('space-vae', SMALL)
  const names = (await engine.manifest()).models.find(({ name }) => name === SMALL)?.classes ?? []
  const random = new Random(Date.now())

  async function classify(pictures: Tensor): Promise<{ name: string; share: number }> {
    const { data } = output(await engine.run(SMALL, { images: pictures }), 'probabilities')
    const best = largest(data)
    return { name: names[best] ?? `class ${best}`, share: data[best]! }
  }

  async function draw(): Promise<Card> {
    const image = imageAt(images, random.below(images.dims[0]!))
    let kept: Float32Array
    let method: string
    if (random.below(4) === 0) {
      const share = 0.05 + 0.5 * random.uniform()
      kept = image.data.map((value) => value * share)
      method = `multiplying the image by ${share.toFixed(2)}`
    } else {
      const beta = 100 ** random.uniform()
      kept = output(await engine.run('space-vae', { images: image, beta: scalar(beta) }), 'kept').data
      method = `a SpaCE-VAE with β = ${String(Number(beta.toPrecision(2)))}`
    }
    const [before, after] = [await classify(image), await classify({ data: kept, dims: image.dims })]
    return { image, kept, method, before: before.name, after: after.name, confidence: after.share }
  }

  async function deal(): Promise<Card> {
    const wanted = random.below(2) === 0
    let card = await draw()
    for (let tries = 1; tries < TRIES && (card.before === card.after) !== wanted; tries++) card = await draw()
    return card
  }

  let card = await deal()
  const score = { right: 0, asked: 0 }
  const pictures = gallery(2, colours)
  pictures.element.style.setProperty('--most', '360px')
  const question = make('p', { class: 'kwm-live-note' })
  const answer = make('p', { class: 'kwm-live-note', role: 'status' })
  const guess = (isSame: boolean) => () => {
    const right = isSame === (card.before === card.after)
    score.asked++
    score.right += Number(right)
    const truth = card.before === card.after ? 'It is still the same' : 'It is another class'
    answer.textContent =
      `${right ? 'Right' : 'Wrong'}. ${truth}: ${card.after}, ${(100 * card.confidence).toFixed(0)} %. It was made by ` +
      `${card.method}. ${score.right} of ${score.asked} right; a coin: ${score.asked / 2}.`
    same.disabled = other.disabled = true
    next.disabled = false
    next.focus()
  }
  const same = button('Still the same', guess(true))
  const other = button('Another class', guess(false))
  const next = button('Next card', () => {
    next.disabled = true
    deal().then(
      (dealt) => {
        card = dealt
        show()
        same.focus()
      },
      (error: unknown) => {
        answer.textContent = error instanceof Error ? error.message : String(error)
      },
    )
  })

  function show(): void {
    const size: [number, number] = [card.image.dims[2]!, card.image.dims[3]!]
    pictures.show([
      { title: card.before, data: card.image.data, size },
      { title: 'still?', data: card.kept, size },
    ])
    question.textContent = `Left: ${card.before}. Is the right one still ${card.before}?`
    answer.textContent = ''
    same.disabled = other.disabled = false
    next.disabled = true
  }
  show()
  const buttons = make('div', { class: 'kwm-live-buttons' }, same, other, next)
  return make('div', { class: 'kwm-live-panel' }, question, pictures.element, buttons, answer)
}
