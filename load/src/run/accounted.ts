import { type AccountLine, accountOf, seenBetween, settled } from './account.js'
import type { Generated, GeneratorContext } from './generated.js'
import { read, type Sample, Sampler } from './sampler.js'
import type { Target } from './target.js'

export type Generate = (context: RunContext) => Promise<Generated>

export interface RunContext extends GeneratorContext {
  readonly root: string
  readonly target: Target
  /** Told the process that makes the load, as soon as it runs. */
  readonly onStart: (pid: number) => void
}

export interface Accounted {
  readonly generated: Generated
  readonly account: readonly AccountLine[]
  readonly samples: readonly Sample[]
}

/** Puts a target under load, watches it meanwhile, and holds what was sent against what it says of it afterwards. */
export async function accounted(
  target: Target,
  generate: Generate,
  context: Omit<RunContext, 'target' | 'baseUrl' | 'hmacKey' | 'productCpuMs' | 'onStart'>,
  onSample: (sample: Sample) => void,
): Promise<Accounted> {
  const before = await read(target)
  const sampler = new Sampler(target, before, onSample)
  try {
    const { baseUrl, hmacKey, own } = target
    const generated = await generate({
      ...{ ...context, target, baseUrl, hmacKey },
      productCpuMs: () => own?.cpuMs(),
      onStart(pid) {
        sampler.generatorPid = pid
      },
    })
    await sampler.stop()
    const after = await settled(target)
    const account = accountOf(generated.sent, await seenBetween(target, before, after))
    return { generated, account, samples: sampler.samples }
  } finally {
    await sampler.stop()
  }
}
