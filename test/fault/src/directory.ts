import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A directory that is gone with the test; where that failed, it stays to be looked at, and its name is shown. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'fractal-lba-fault-'))
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(`what the failed test left: ${directory}`)
    else await rm(directory, { recursive: true, force: true })
  })
  return directory
}
