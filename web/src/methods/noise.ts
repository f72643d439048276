/** Random numbers from a seed: sfc32 (Doty-Humphrey, 2010; it passes PractRand), normal ones by Marsaglia's polar method. */

export class Random {
  private a: number
  private b: number
  private c: number
  private counter: number
  private spare: number | null = null

  constructor(seed: number) {
    this.a = 0
    this.b = Math.floor(seed / 2 ** 32) | 0
    this.c = seed | 0
    this.counter = 1
    for (let index = 0; index < 12; index++) this.bits() // as its author does, to mix the seed in
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const sum = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.uniform() * count)
  }

  /** Standard normal. */
  normal(): number {
    if (this.spare !== null) {
      const value = this.spare
      this.spare = null
      return value
    }
    for (;;) {
      const x = 2 * this.uniform() - 1
      const y = 2 * this.uniform() - 1
      const square = x * x + y * y
      if (square > 0 && square < 1) {
        const scale = Math.sqrt((-2 * Math.log(square)) / square)
        this.spare = y * scale
        return x * scale
      }
    }
  }

  /** Standard normal numbers. */
  normals(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.normal())
  }
}
