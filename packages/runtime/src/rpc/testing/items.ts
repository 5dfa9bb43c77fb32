import { record, type verifier, type wal } from '@fractal-lba/proto'

// Items of a verifier's batches that carry a text, and back.

export const itemOf = (text: string): verifier.VerifyItem => ({
  body: Buffer.from(text),
  encoding: record.Encoding.ENCODING_JSON,
})
export const resultOf = (text: string): verifier.VerifyResult => ({
  result: { $case: 'error', value: { code: 0, message: text, details: [] } },
  pcsId: '',
})
export const textOf = ({ result }: verifier.VerifyResult): string =>
  result?.$case === 'error' ? result.value.message : ''
export const echo = (items: readonly verifier.VerifyItem[]) =>
  items.map(({ body }) => resultOf(body.toString()))

export const positionOf = (sequence: number) => ({ logId: 'log', sequence })

export function fenceOf(generation: string): wal.FenceRequest {
  return { generation, indexLogIds: [], retiredLogIds: [] }
}
