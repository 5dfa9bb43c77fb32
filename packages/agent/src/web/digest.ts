const utf8 = new TextEncoder()

/** SHA-256 over UTF-8. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', utf8.encode(text)))
}

/** As `pcsId`: the id that a record must bear. */
export async function pcsIdOnWeb(merkleRoot: string, epoch: number, shardId: string): Promise<string> {
  const bytes = await sha256(`${merkleRoot}|${epoch}|${shardId}`)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
