/** A binary heap. `top` is the item that comes before all others. */
export class Heap<Item> {
  readonly #items: Item[] = []
  readonly #before: (a: Item, b: Item) => boolean

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  get top(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    const items = this.#items
    let place = items.length
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >>> 1
      const other = items[parent]
      if (other === undefined || !this.#before(item, other)) break
      items[place] = other
      place = parent
    }
    items[place] = item
  }

  pop(): Item | undefined {
    const top = this.#items[0]
    const last = this.#items.pop()
    if (last !== undefined && this.#items.length > 0) this.#sink(last)
    return top
  }

  #sink(item: Item): void {
    const items = this.#items
    let place = 0
    for (;;) {
      const left = items[2 * place + 1]
      const right = items[2 * place + 2]
      if (left === undefined) break
      const goesRight = right !== undefined && this.#before(right, left)
      const child = goesRight ? right : left
      if (!this.#before(child, item)) break
      items[place] = child
      place = 2 * place + (goesRight ? 2 : 1)
    }
    items[place] = item
  }
}
