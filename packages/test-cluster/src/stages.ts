import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const STAGES = ['pod/fast', 'node/fast', 'node/heartbeat-with-lease', 'volume/fast']
const OWN_CLASS = "self.spec.storageClassName == 'kwok-volume'"
const EVERY_CLASS = 'has(self.spec.storageClassName)'
const NO_STAGE = ['kustomization.yaml', 'storage-class.yaml']

/** What kwok does with pods, nodes and volumes: stages out of the files of its own module, as one text. */
export function stages(kwokFiles: string): string {
  return STAGES.flatMap((name) => {
    const directory = join(kwokFiles, 'kustomize/stage', name)
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !NO_STAGE.includes(entry.name))
      .map((entry) => readFileSync(join(directory, entry.name), 'utf8'))
  })
    .join('\n---\n')
    .replaceAll(OWN_CLASS, EVERY_CLASS)
}

/** The storage class whose claims its stages bind, made the default one. */
export function storageClassFile(kwokFiles: string): string {
  return join(kwokFiles, 'kustomize/stage/volume/fast/storage-class.yaml')
}
