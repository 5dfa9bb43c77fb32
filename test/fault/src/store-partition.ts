import { onTestFinished, type TestContext } from 'vitest'
import { demandRoot, demandTools, run } from './programs.js'

const IPTABLES = { name: 'iptables', debianPackage: 'iptables' }

/** A cut between a server and all who use it: every packet to and from its port is dropped, and nobody is told. */
export interface Partition {
  cut(): Promise<void>
  heal(): Promise<void>
}

/** The cut is healed with the test. */
export async function partitionOf(context: TestContext, port: number): Promise<Partition> {
  demandRoot(context, 'drop packets')
  const [iptables = ''] = await demandTools(context, IPTABLES)
  const rules = ['--sport', '--dport'].map((end) => [
    ...['INPUT', '-i', 'lo', '-p', 'tcp', end, String(port)],
    ...['-m', 'comment', '--comment', 'fractal-lba test', '-j', 'DROP'],
  ])
  await run(iptables, '-w', '-C', ...(rules[0] ?? [])).catch((error: unknown) => {
    // There is no such rule yet: that it can be asked for is enough.
    if (!/Bad rule|does a matching rule exist/.test(String(error)))
      context.skip(`packets cannot be dropped here: ${String(error)}`)
  })
  let isCut = false
  const heal = async (): Promise<void> => {
    if (!isCut) return
    isCut = false
    for (const rule of rules) await run(iptables, '-w', '-D', ...rule)
  }
  onTestFinished(heal)
  return {
    heal,
    async cut() {
      isCut = true
      for (const rule of rules) await run(iptables, '-w', '-A', ...rule)
    },
  }
}
