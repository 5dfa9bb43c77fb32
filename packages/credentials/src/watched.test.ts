import { expect, it, onTestFinished } from 'vitest'
import { Watched } from './watched.js'

it('keeps the last good value whatever goes wrong while it reads, and says so', async () => {
  let read = async (): Promise<number> => 1
  const problems: (string | undefined)[] = []
  const source = { read: () => read(), isSame: (one: number, other: number) => one === other }
  const watched = await Watched.open(source, {
    everyMs: 2 ** 31 - 1,
    onProblem: (problem) => problems.push(problem),
  })
  onTestFinished(() => watched.close())
  read = async () => {
    throw new TypeError('a mistake of ours')
  }
  await watched.look()
  expect(watched.current).toBe(1)
  expect(watched.problem).toContain('a mistake of ours')
  read = async () => 2
  await watched.look()
  expect(watched.current).toBe(2)
  expect(problems).toEqual([expect.stringContaining('cannot be read'), undefined])
})
