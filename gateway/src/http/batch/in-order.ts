/**
 * Works on items side by side, and gives what they come to in their order, as much at once as is there. An item whose
 * result is not taken yet counts as under way, so that results do not pile up where nobody takes them. Where the
 * caller stops, no further item is begun, and it gets control back when those under way have ended.
 *
 * @param work never rejects
 */
export async function* inOrder<Item, Result extends object | string>(
  items: readonly Item[],
  underWayMax: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<readonly Result[], void> {
  const underWay: Task<Result>[] = []
  let begun = 0
  const fill = (): void => {
    for (const item of items.slice(begun, begun + underWayMax - underWay.length)) {
      underWay.push(new Task(work(item)))
      begun += 1
    }
  }
  try {
    for (fill(); underWay[0] !== undefined; fill()) {
      await underWay[0].ended
      const isThere = underWay.findIndex(({ result }) => result === undefined)
      const done = underWay.splice(0, isThere < 0 ? underWay.length : isThere)
      yield done.flatMap(({ result }) => (result === undefined ? [] : [result]))
    }
  } finally {
    await Promise.all(underWay.map(({ ended }) => ended))
  }
}

class Task<Result> {
  result: Result | undefined
  readonly ended: Promise<void>

  constructor(work: Promise<Result>) {
    this.ended = work.then((result) => {
      this.result = result
    })
  }
}
