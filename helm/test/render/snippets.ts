import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './helm.js'

export const GUIDE = 'docs/helm-values.md'

/** A block of values in the guide, by the heading above it and its place below that. */
export interface Snippet {
  readonly title: string
  readonly values: object
}

/** All blocks of YAML in the guide that are values; what is for another program says so in its first line. */
export function snippetsOf(markdown = readFileSync(join(root, GUIDE), 'utf8')): readonly Snippet[] {
  return markdown.split(/^##+ /m).flatMap((section) => {
    const heading = section.slice(0, section.indexOf('\n')).trim()
    const blocks = [...section.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
    return blocks
      .filter((text) => !/^# \S+\.yml\n/.test(text))
      .map((text, index) => ({
        title: blocks.length > 1 ? `${heading} (${index + 1})` : heading,
        values: parse(text) as object,
      }))
  })
}
